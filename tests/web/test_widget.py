"""What the server does for the widget: the loader's address, and whom a framed page may speak to."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, Page
from web.walking import BORN, Walk, answers_but, contact_but, leave, plant, token_of

LISTED = "https://www.acme.example"
AROUND = f"embed=1&po={LISTED}&eid=123456"


def spoken_to(page: Page) -> list[tuple[str, str, str]]:
    """Origin, name and reason in the script that speaks to the page around; none if it is not there."""
    scripts = [script for script in page.all("script") if "framed.js" in script.get("src", "")]
    return [(s.get("data-po", ""), s.get("data-eid", ""), s.get("data-why", "")) for s in scripts]


def test_the_loader_stays_at_its_address_and_is_kept_for_an_hour(browser: Browser) -> None:
    loader = browser.get("/e/v1.js").response
    assert (loader.status_code, loader.mimetype) == (200, "text/javascript")
    assert loader.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert loader.headers["Cache-Control"] == "public, max-age=3600"
    assert "Set-Cookie" not in loader.headers
    assert "Vary" not in loader.headers


@pytest.mark.parametrize(
    "query",
    [
        "",
        "embed=1&po=https://evil.example&eid=123456",
        f"embed=1&po={LISTED}.evil.example&eid=123456",
        f"embed=1&po={LISTED}/&eid=123456",
        f"embed=1&po={LISTED}&eid=",
        f"embed=1&po={LISTED}&eid=<script>",
        f"embed=1&po={LISTED.upper()}&eid=123456",
        "embed=1&po=null&eid=123456",
        "embed=1&po=*&eid=123456",
    ],
)
def test_a_page_that_is_not_on_the_list_is_told_nothing(browser: Browser, query: str) -> None:
    assert spoken_to(browser.get(f"/c/acme?{query}")) == []


def start_framed(browser: Browser) -> Walk:
    start = browser.get(f"/c/acme?{AROUND}")
    assert spoken_to(start) == [(LISTED, "123456", "start")]
    first = browser.post(start.forms[0].get("action", ""), start.form)
    return Walk(browser, first.location.split("/")[2])


def test_the_frame_is_kept_from_the_first_page_to_the_receipt_and_said_in_no_address_of_the_draft(
    browser: Browser,
) -> None:
    walk = start_framed(browser)
    walk.to_check(answers_but())
    assert all("po=" not in page.path for page in browser.visited if page.path.startswith("/d/"))
    for place in ("danger-now", "check", "result", "contact"):
        assert spoken_to(walk.get(place)) == [(LISTED, "123456", "next")], place
    receipt = browser.follow(walk.send(contact_but()))
    assert spoken_to(receipt) == [(LISTED, "123456", "done")]


def test_the_privacy_notice_stays_in_its_frame(browser: Browser) -> None:
    start = browser.get(f"/c/acme?po={LISTED}&eid=123456")
    notice = browser.get(start.links["Your privacy"])
    assert spoken_to(notice) == [(LISTED, "123456", "next")]
    assert spoken_to(browser.get(notice.links["Back to the start"])) == [(LISTED, "123456", "start")]


def test_the_emergency_page_speaks_like_any_other(browser: Browser) -> None:
    walk = start_framed(browser)
    walk.answer("danger-now", {"danger_now": ["chest_pain"]})
    assert spoken_to(walk.get("stop")) == [(LISTED, "123456", "next")]


def test_a_form_that_is_come_back_to_stands_in_no_frame(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but(), frame=[LISTED, "123456"])
    assert spoken_to(walk.get("check")) == [(LISTED, "123456", "next")]
    link = f"/resume/{leave(app, walk, 'resume')}"
    page = browser.get(link, site="none")
    back = browser.post(link, token_of(page) | {"birth_year": str(BORN)})
    assert spoken_to(browser.get(back.location)) == []


def test_a_frame_of_a_site_that_was_taken_off_the_list_is_told_nothing_more(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but(), frame=["https://left.example", "1"])
    assert spoken_to(walk.get("check")) == []


def test_staff_pages_speak_to_nobody(intake: Browser) -> None:
    assert spoken_to(intake.get(f"/desk/acme/queue?{AROUND}")) == []
