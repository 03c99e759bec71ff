"""The clinician's page in Chromium: it reads well however much was said, and each value shows its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser.test_sign_in import CLINICIAN, sign_in
from browser.walking import follow, inspect
from builders import EVERY_PAGE
from conftest import Installation
from playwright.sync_api import BrowserContext, Page, expect
from web.test_history import OVERFULL, SPARSE
from web.walking import add_requests, answers_but

pytestmark = pytest.mark.browser


def open_history(
    installed: Installation, desk: BrowserContext, name: str, answers: dict[str, object]
) -> Page:
    (reference,) = add_requests(installed.app, [(f"History {name}", answers, datetime.now(UTC))])
    page = desk.new_page()
    sign_in(installed, page, CLINICIAN, f"/desk/acme/requests/{reference}/history")
    return page


@pytest.mark.parametrize(
    ("name", "answers"),
    [("sparse", SPARSE), ("usual", answers_but()), ("every-page", EVERY_PAGE), ("overfull", OVERFULL)],
)
def test_the_history_reads_well_however_much_was_said(
    installed: Installation,
    desk: BrowserContext,
    screenshots: Path | None,
    name: str,
    answers: dict[str, object],
) -> None:
    inspect(open_history(installed, desk, name, answers), f"history-{name}", screenshots)


def test_a_clinician_follows_a_value_to_its_answer_and_takes_the_history_along(
    installed: Installation, desk: BrowserContext, screenshots: Path | None
) -> None:
    desk.grant_permissions(["clipboard-read", "clipboard-write"])
    page = open_history(installed, desk, "taken along", answers_but())
    page.locator(".lead").get_by_role("link", name="20 days").click()
    answer = page.locator("#a-head_days")
    expect(answer).to_be_in_viewport()
    expect(answer).to_contain_text("20 days")
    # An answer that was not asked for lies in a fold, which opens on the way.
    page.locator(".history").get_by_role("link", name="Each sign lasts").click()
    expect(page.locator("#a-aura_each")).to_be_in_viewport()
    with page.expect_download() as paper:
        page.get_by_role("link", name="PDF, one page").click()
    assert paper.value.path().read_bytes().startswith(b"%PDF")
    follow(page, "Copy as text")
    inspect(page, "history-text", screenshots)
    page.get_by_role("button", name="Copy all of it").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "\nHeadache days in the last 30: 20 days\n" in copied.replace("\r\n", "\n")
    follow(page, "Back to the history")
    follow(page, "Ask again, by mail")
    inspect(page, "history-ask-again", screenshots)
