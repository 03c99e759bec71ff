"""A danger is never lost to a form that is not right, and a failure never tells where somebody was."""

from __future__ import annotations

import logging
import re
from typing import NoReturn

import pytest
from builders import CHRONIC_AND_INTRACTABLE, CONTACT
from flask import Flask
from web.client import Browser
from web.walking import answers_but, begin, plant, token_of


def sent(browser: Browser, place: str, **answers: object) -> str:
    """Where the page leads when its form is sent with these fields alone."""
    token = token_of(browser.get(place))
    return browser.post(place, token | answers).location.rsplit("/", 1)[-1]


def test_a_danger_ticked_together_with_none_of_these_is_a_danger(browser: Browser) -> None:
    walk = begin(browser)
    assert sent(browser, walk.url("danger-now"), danger_now=["sudden", "none"]) == "stop"


def test_a_danger_set_on_a_half_filled_page_stops_the_questions(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(CHRONIC_AND_INTRACTABLE)
    assert sent(browser, walk.url("about-you"), age="60", pregnancy="no") == "changes"
    assert sent(browser, walk.url("changes"), changes=["jaw_or_scalp"]) != "stop"
    # Whether there ever was an aura is left blank.
    assert sent(browser, walk.url("symptoms"), symptoms=["vision"]) == "stop"


def test_a_half_filled_page_without_danger_is_not_kept(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(CHRONIC_AND_INTRACTABLE)
    page = walk.url("symptoms")
    refused = browser.post(page, token_of(browser.get(page)) | {"symptoms": ["sound"]})
    assert refused.status == 422
    assert "Sound bothers me" not in walk.get("check").text


def test_a_request_sent_after_the_link_was_renewed_is_not_sent_again_by_the_old_one(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(CHRONIC_AND_INTRACTABLE)
    old = walk.url("contact")
    old_form = token_of(browser.get(old)) | CONTACT
    door = browser.get(walk.url("check"), site="none")
    renewed = browser.post(walk.url("go-on"), token_of(door) | {"age": "42"}).location
    contact = renewed.replace("/check", "/contact")
    receipt = browser.post(contact, token_of(browser.get(contact)) | CONTACT)
    assert receipt.status == 303
    again = browser.post(old, old_form)
    assert again.status == 410
    assert "If you sent a request before, the clinic has it" in again.text


@pytest.mark.parametrize(
    ("answers", "where"),
    [
        (
            {"danger_now": ["none"], "age": 15, "danger_before": ["sudden"]},
            "Go to an emergency department today",
        ),
        ({"age": 15, "changes": ["strain"]}, "A parent should call the child's doctor"),
        ({"age": 42, "changes": ["strain"]}, "Call your own doctor or an urgent care clinic today"),
        ({"age": 30, "pregnancy": "pregnant"}, "Call your maternity team today"),
    ],
    ids=["danger before, a child", "a child", "an adult", "pregnant"],
)
def test_an_urgent_result_says_whom_to_see_today(
    app: Flask, browser: Browser, answers: dict[str, object], where: str
) -> None:
    page = plant(browser, app, answers_but(**answers)).get("result")
    assert where in page.text


def test_a_failure_is_logged_without_the_address(
    app: Flask, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    walk = begin(browser)

    def fail(token: str, slug: str) -> NoReturn:
        raise RuntimeError(f"{token} {slug}")

    app.view_functions["patient.page"] = fail
    with caplog.at_level(logging.DEBUG):
        failed = browser.client.get(walk.url("danger-now"), headers={"Sec-Fetch-Site": "same-origin"})
    assert failed.status_code == 500
    assert "It is our fault, not yours" in failed.text
    assert "patient.page" in caplog.text
    assert walk.token not in caplog.text


def test_a_dialled_number_keeps_its_extension_apart(app: Flask) -> None:
    dial = app.jinja_env.filters["dial"]
    assert dial("(704) 519-6918 ext. 5") == "7045196918;ext=5"
    assert dial("+44 20 7946 0958") == "+442079460958"
    assert re.fullmatch(r"[0-9]+", dial("(626) 555-0142"))
