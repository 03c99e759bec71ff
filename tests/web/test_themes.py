"""Brightness: offered on every page, kept in the draft, never in a cookie."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, Page
from web.walking import Walk, begin

from screener.store.drafts import find_open_draft
from screener.web.visit import now


def theme_of(page: Page) -> str:
    return page.tree.get("data-theme") or ""


def choose(walk: Walk, slug: str, theme: str) -> Page:
    """Presses a button of the brightness form on that page."""
    shown = walk.get(slug).source
    token = shown.rsplit('name="form_token" value="', 1)[1].split('"')[0]
    return walk.browser.post(f"/d/{walk.token}/theme", {"form_token": token, "place": slug, "theme": theme})


def test_it_follows_the_device_until_something_is_chosen(browser: Browser) -> None:
    assert theme_of(browser.get("/c/acme")) == ""
    assert theme_of(begin(browser).get("danger-now")) == ""


@pytest.mark.parametrize("theme", ["light", "dim", "dark"])
def test_a_choice_returns_to_its_page_and_is_kept_on_the_next(browser: Browser, theme: str) -> None:
    walk = begin(browser)
    chosen = choose(walk, "danger-now", theme)
    assert chosen.location == f"/d/{walk.token}/danger-now"
    assert theme_of(walk.get("danger-now")) == theme
    walk.answer("danger-now", {"danger_now": ["none"]})
    assert theme_of(walk.get("about-you")) == theme


def test_it_can_follow_the_device_again(browser: Browser) -> None:
    walk = begin(browser)
    choose(walk, "danger-now", "dark")
    choose(walk, "danger-now", "")
    assert theme_of(walk.get("danger-now")) == ""


def test_a_choice_on_the_start_page_goes_along_into_the_draft(browser: Browser) -> None:
    start = browser.get("/c/acme?theme=dim")
    assert theme_of(start) == "dim"
    first = browser.follow(browser.post("/c/acme/start", start.form))
    assert theme_of(first) == "dim"


@pytest.mark.parametrize("theme", ["pink", "<b>", "light dark"])
def test_a_theme_there_is_not_is_no_theme(browser: Browser, theme: str) -> None:
    walk = begin(browser)
    choose(walk, "danger-now", theme)
    assert theme_of(walk.get("danger-now")) == ""


@pytest.mark.parametrize("place", ["//evil.example", "../../staff/login", "nowhere", ""])
def test_a_place_there_is_not_is_refused(browser: Browser, place: str) -> None:
    walk = begin(browser)
    shown = walk.get("danger-now").source
    token = shown.rsplit('name="form_token" value="', 1)[1].split('"')[0]
    sent = {"form_token": token, "place": place, "theme": "dim"}
    refused = browser.post(f"/d/{walk.token}/theme", sent)
    assert (refused.status, refused.location) == (400, "")


def test_what_was_typed_on_the_page_is_kept_with_the_choice(browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["none"]})
    form = walk.get("about-you").form
    browser.post(f"/d/{walk.token}/theme", form | {"age": "42", "theme": "dim"})
    page = walk.get("about-you")
    assert theme_of(page) == "dim"
    assert page.form["age"] == ["42"]


def test_a_danger_that_was_ticked_is_not_lost_to_the_choice(browser: Browser) -> None:
    walk = begin(browser)
    form = walk.get("danger-now").form
    browser.post(f"/d/{walk.token}/theme", form | {"danger_now": ["sudden"], "theme": "dark"})
    assert walk.get("about-you").location.endswith("/stop")


def test_a_danger_that_came_with_the_choice_is_noted_for_staff(app: Flask, browser: Browser) -> None:
    walk = begin(browser)
    form = walk.get("danger-now").form
    browser.post(f"/d/{walk.token}/theme", form | {"danger_now": ["sudden"], "theme": "dark"})
    with app.app_context():
        session = app.extensions["screener.database"].new_session()
        draft = find_open_draft(session, walk.token, now())
        session.close()
    assert draft is not None
    assert [event["what"] for event in draft.document["events"]] == ["stop"]
