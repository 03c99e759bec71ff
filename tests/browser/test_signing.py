"""A clinician confirms and signs a history in Chromium, with the page's script and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser.test_sign_in import CLINICIAN, sign_in
from browser.walking import follow, go_on, inspect
from builders import EVERY_PAGE
from conftest import Installation
from playwright.sync_api import Browser, Locator, Page, expect
from web.walking import add_requests

pytestmark = pytest.mark.browser


@pytest.fixture
def look(screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, f"signing-{name}", screenshots)


def open_confirm(
    installed: Installation, browser: Browser, served: str, name: str, *, scripted: bool = True
) -> Page:
    """The page of a request that was just sent, on a clinician's desktop."""
    (reference,) = add_requests(installed.app, [(name, EVERY_PAGE, datetime.now(UTC))])
    viewport = {"width": 1280, "height": 900}
    context = browser.new_context(base_url=served, viewport=viewport, java_script_enabled=scripted)
    page = context.new_page()
    sign_in(installed, page, CLINICIAN, f"/desk/acme/requests/{reference}/history/confirm")
    expect(page.get_by_role("heading", name=f"Confirm the history: {name}")).to_be_visible()
    return page


def line(page: Page, question_id: str) -> Locator:
    return page.locator(f"#line-{question_id}")


def chosen(of: Locator) -> Locator:
    return of.locator(".marks input:checked + label")


def test_a_clinician_goes_from_the_first_mark_to_an_amended_signature(
    installed: Installation, browser: Browser, served: str, look: Callable[[Page, str], None]
) -> None:
    page = open_confirm(installed, browser, served, "Sig Ned")
    look(page, "new")
    safety = page.locator("#topic-safety")
    expect(line(page, "age").locator(".correction")).to_be_hidden()
    line(page, "age").get_by_text("Corrected", exact=True).click()
    line(page, "age").locator("input.number").fill("43")
    # Another mark takes an answer back that was only tried.
    line(page, "age").get_by_text("As said", exact=True).click()
    expect(line(page, "age").locator("input.number")).to_have_value("42")
    go_on(page, "All as said: Safety")
    expect(safety.locator("summary").first).to_contain_text("5 of 5 checked")
    expect(page.locator("#topic-attacks")).to_have_attribute("open", "")
    # Enter in a field saves; it confirms nothing.
    days = line(page, "head_days")
    days.get_by_text("Corrected", exact=True).click()
    days.locator("input.number").fill("14")
    with page.expect_navigation():
        days.locator("input.number").press("Enter")
    expect(page.get_by_text("Saved. It is not signed yet.")).to_be_visible()
    expect(days.locator(".words")).to_contain_text("14 days")
    expect(chosen(line(page, "attacks_ever"))).to_have_text("Not checked")
    days.locator(".correction summary").click()
    days.locator("input.number").fill("99")
    go_on(page, "Sign")
    expect(days.locator(".error")).to_be_visible()
    expect(page.locator("#problems")).to_be_focused()
    look(page, "wrong")
    days.locator("input.number").fill("15")
    page.get_by_label("Your notes").fill("Seen today.")
    go_on(page, "Sign")
    look(page, "sign")
    page.get_by_label("I went through this history").check()
    go_on(page, "Sign this history")
    expect(page.get_by_role("heading", name="Signed history, version 1: Sig Ned")).to_be_visible()
    look(page, "signed")
    page.get_by_label("Why it is amended").fill("A letter came.")
    go_on(page, "Amend")
    expect(chosen(line(page, "age"))).to_have_text("As said")
    go_on(page, "Sign")
    page.get_by_label("I went through this history").check()
    go_on(page, "Sign this history")
    follow(page, "Version 1")
    expect(page.get_by_text("This version was amended:")).to_be_visible()
    page.context.close()


def test_it_works_without_script(installed: Installation, browser: Browser, served: str) -> None:
    page = open_confirm(installed, browser, served, "No Script", scripted=False)
    line(page, "age").locator(".correction summary").click()
    line(page, "age").locator("input.number").fill("43")
    go_on(page, "All as said: Safety")
    expect(page.locator("#topic-attacks")).to_have_attribute("open", "")
    page.locator("#topic-safety > summary").click()
    expect(chosen(line(page, "age"))).to_have_text("Corrected")
    expect(chosen(line(page, "changes"))).to_have_text("As said")
    go_on(page, "Sign")
    page.get_by_label("I went through this history").check()
    go_on(page, "Sign this history")
    expect(page.get_by_role("row", name="How old are you?")).to_contain_text("43 years")
    page.context.close()


def test_all_of_it_opened_fits_the_narrowest_phone(
    installed: Installation, browser: Browser, served: str, screenshots: Path | None
) -> None:
    page = open_confirm(installed, browser, served, "w" * 120)
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
    page.evaluate(
        "document.querySelectorAll('.marks .option:last-child input').forEach(each => each.click())"
    )
    # The fields' own markup is axed where they are asked.
    inspect(page, "signing-all-open", screenshots, axe=False)
    page.context.close()
