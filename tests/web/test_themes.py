"""Brightness: offered on every page, kept in the draft, never in a cookie."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, Page
from web.walking import Walk, answers_but, begin, plant, token_of

from screener.store.drafts import find_open_draft
from screener.web.visit import now


def theme_of(page: Page) -> str:
    return page.tree.get("data-theme") or ""


def choose(walk: Walk, slug: str, theme: str) -> Page:
    """Presses a button for the brightness of a page with questions."""
    return walk.browser.post(walk.url(slug), walk.get(slug).form | {"theme": theme})


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
def test_an_unknown_theme_is_ignored(browser: Browser, theme: str) -> None:
    walk = begin(browser)
    choose(walk, "danger-now", theme)
    assert theme_of(walk.get("danger-now")) == ""


def test_a_choice_on_a_page_without_questions_returns_to_it(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    chosen = browser.post(
        walk.url("look"), token_of(walk.get("result")) | {"place": "result", "theme": "dim"}
    )
    assert chosen.location == walk.url("result")
    assert theme_of(walk.get("result")) == "dim"


@pytest.mark.parametrize("place", ["//evil.example", "../../staff/login", "nowhere", ""])
def test_an_unknown_place_leads_the_way_forward(app: Flask, browser: Browser, place: str) -> None:
    walk = plant(browser, app, answers_but())
    sent = token_of(walk.get("check")) | {"place": place, "theme": "dim"}
    assert browser.post(walk.url("look"), sent).location == walk.url("check")


def test_a_choice_without_the_token_of_a_page_is_refused(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    assert browser.post(walk.url("look"), {"place": "check", "theme": "dim"}).status == 400
    assert browser.post(walk.url("about-you"), {"theme": "dim"}).status == 400
    assert theme_of(walk.get("check")) == ""


def test_what_was_typed_on_the_page_is_kept_with_the_choice(browser: Browser) -> None:
    walk = begin(browser)
    walk.answer("danger-now", {"danger_now": ["none"]})
    form = walk.get("about-you").form
    browser.post(walk.url("about-you"), form | {"age": "42", "theme": "dim"})
    page = walk.get("about-you")
    assert theme_of(page) == "dim"
    assert page.form["age"] == ["42"]


def test_a_danger_that_was_ticked_is_not_lost_to_the_choice(browser: Browser) -> None:
    walk = begin(browser)
    form = walk.get("danger-now").form
    browser.post(walk.url("danger-now"), form | {"danger_now": ["sudden"], "theme": "dark"})
    assert walk.get("about-you").location.endswith("/stop")


def test_a_danger_that_came_with_the_choice_is_noted_for_staff(app: Flask, browser: Browser) -> None:
    walk = begin(browser)
    form = walk.get("danger-now").form
    browser.post(walk.url("danger-now"), form | {"danger_now": ["sudden"], "theme": "dark"})
    with app.app_context():
        session = app.extensions["screener.database"].new_session()
        draft = find_open_draft(session, walk.token, now())
        session.close()
    assert draft is not None
    assert [event["what"] for event in draft.document["events"]] == ["stop"]
