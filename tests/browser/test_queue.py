"""The queue in Chromium: every state of it looks right, and its scripts do what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browser.test_sign_in import CLINICIAN, INTAKE, sign_in
from browser.walking import go_on, inspect
from conftest import Installation
from playwright.sync_api import Browser, BrowserContext, Page, expect
from web.walking import add_requests, answers_but

pytestmark = pytest.mark.browser

QUEUE = "/desk/acme/queue"
HOUR = timedelta(hours=1)


@pytest.fixture
def look(screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, f"queue-{name}", screenshots)


def test_each_state_of_the_queue_can_be_read_and_used(
    installed: Installation,
    desk: BrowserContext,
    browser: Browser,
    served: str,
    look: Callable[[Page, str], None],
) -> None:
    now = datetime.now(UTC)
    people = [(f"Quentin {n}", answers_but(changes=["strain"]), now - n * HOUR) for n in range(51)]
    add_requests(installed.app, [*people, ("<script>alert(1)</script>" * 4, answers_but(), now)])
    page = desk.new_page()
    sign_in(installed, page, INTAKE, QUEUE)
    look(page, "list")
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Quentin 50")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.emulate_media(media="screen")
    page.goto(f"{QUEUE}?urgency=flagged&sort=newest&owner=x")
    look(page, "filtered")
    page.get_by_text("Save or delete views").click()
    page.get_by_label("Save what is shown now as").fill("Urgent, newest")
    go_on(page, "Save view")
    page.get_by_text("Save or delete views").click()
    look(page, "views")
    page.goto(f"{QUEUE}?language=es&kind=question")
    look(page, "nothing")
    page.get_by_label("Find a request").fill("quentin 7")
    go_on(page, "Search")
    assert "quentin" not in page.url.lower()
    look(page, "search")
    page.get_by_role("link", name="Quentin 7").click()
    page.wait_for_url("**/requests/*")
    other = browser.new_context(base_url=served, viewport={"width": 1280, "height": 900}).new_page()
    sign_in(installed, other, CLINICIAN, page.url)
    expect(other.get_by_text(re.compile(rf"{INTAKE} opened this \d+ min ago"))).to_be_visible()
    look(other, "open-elsewhere")
    other.context.close()


def test_new_requests_are_told_without_moving_the_list(installed: Installation, desk: BrowserContext) -> None:
    page = desk.new_page()
    page.clock.install()
    sign_in(installed, page, INTAKE, QUEUE)
    before = page.locator("tbody th").all_inner_texts()
    page.clock.run_for(31_000)
    expect(page.get_by_role("link", name="show")).to_have_count(0)
    add_requests(
        installed.app, [("Newly sent", answers_but(), datetime.now(UTC) + timedelta(seconds=1))], "acme"
    )
    page.clock.run_for(31_000)
    expect(page.get_by_role("link", name="1 new request: show")).to_be_visible()
    assert page.locator("tbody th").all_inner_texts() == before


def test_keys_work_once_they_are_turned_on_and_never_in_a_field(
    installed: Installation, desk: BrowserContext
) -> None:
    add_requests(installed.app, [("Keys", answers_but(pregnancy="pregnant"), datetime.now(UTC))])
    page = desk.new_page()
    sign_in(installed, page, INTAKE, QUEUE)
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.get_by_text("Keyboard shortcuts: off").click()
    go_on(page, "Turn on")
    page.keyboard.press("/")
    page.keyboard.type("jka?")
    expect(page.get_by_label("Find a request")).to_have_value("jka?")
    page.evaluate("document.activeElement.blur()")
    rows = page.locator("tbody th a")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("a")
    expect(page.get_by_text("1 request is yours now.")).to_be_visible()
    expect(page.locator("tbody tr").nth(0).locator("[data-label=Owner]")).to_have_text("Me")
    page.keyboard.press("?")
    expect(page.get_by_text("assigns it to me")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/requests/*")
