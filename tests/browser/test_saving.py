"""A patient leaves and comes back on another device, by link or by code; two windows are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from browser.walking import fill, follow, go_on, inspect, slug_of
from builders import CHRONIC_AND_INTRACTABLE
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser

BORN = str(datetime.now(UTC).year - 42)
SAVE = "Save and finish later"


@pytest.fixture
def look(*, scripted: bool, screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, name, screenshots, axe=scripted)


@pytest.fixture
def other_device(browser: Browser, served: str, *, scripted: bool) -> Page:
    context = browser.new_context(base_url=served, java_script_enabled=scripted)
    return context.new_page()


def walk_to(page: Page, slug: str) -> None:
    while slug_of(page) != slug:
        fill(page, CHRONIC_AND_INTRACTABLE)
        go_on(page)


def test_a_patient_comes_back_by_the_mailed_link_and_again_by_a_code(
    patient: Page,
    other_device: Page,
    next_mail: Callable[[str], str],
    look: Callable[[Page, str], None],
) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    walk_to(patient, "attack-length")
    fill(patient, {"attacks_ever": "five_or_more"})
    go_on(patient, SAVE)
    look(patient, "save")
    fill(patient, {"birth_year": "1950", "way": "email"})
    go_on(patient, "Save")
    look(patient, "save-error")
    fill(patient, {"birth_year": BORN, "contact_email": "pat@example.com"})
    go_on(patient, "Save")
    look(patient, "saved-mail")
    expect(patient.get_by_text("pat@example.com")).to_be_visible()

    found = re.search(r"http://localhost:\d+/resume/\S+", next_mail("pat@example.com"))
    assert found
    other_device.goto(found[0])
    look(other_device, "resume")
    fill(other_device, {"birth_year": "1950"})
    go_on(other_device, "Go on")
    look(other_device, "resume-error")
    fill(other_device, {"birth_year": BORN})
    go_on(other_device, "Go on")
    look(other_device, "back-again")
    assert slug_of(other_device) == "attack-length"
    # What was typed on the page that was left.
    expect(other_device.locator("#attacks_ever-3")).to_be_checked()

    follow(patient, "Go on now")
    look(patient, "elsewhere")
    patient.goto(found[0])
    look(patient, "used-link")

    walk_to(other_device, "check")
    follow(other_device, "See my result")
    follow(other_device, SAVE)
    fill(other_device, {"birth_year": BORN, "way": "code"})
    go_on(other_device, "Save")
    look(other_device, "saved-code")
    code = other_device.locator(".code").inner_text()
    patient.goto("/c/acme/resume")
    look(patient, "resume-by-code")
    fill(patient, {"code": code.lower().replace("-", " "), "birth_year": "1950"})
    go_on(patient, "Go on")
    look(patient, "resume-by-code-error")
    fill(patient, {"birth_year": BORN})
    go_on(patient, "Go on")
    assert slug_of(patient) == "check"
    expect(patient.get_by_text("20 days")).to_be_visible()
    assert patient.context.cookies() == []


def test_a_child_is_shown_a_code_and_asked_for_no_address(
    patient: Page, look: Callable[[Page, str], None]
) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    walk_to(patient, "about-you")
    fill(patient, {"age": 12})
    go_on(patient, SAVE)
    look(patient, "save-child")
    expect(patient.get_by_label("E-mail")).to_have_count(0)
    fill(patient, {"birth_year": str(int(BORN) + 30)})
    go_on(patient, "Save and show my code")
    expect(patient.locator(".code")).to_have_text(re.compile(r"^\w{4}-\w{4}-\w{4}$"))


def test_the_window_that_sends_last_is_told_and_the_back_button_is_not(
    patient: Page, look: Callable[[Page, str], None]
) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    walk_to(patient, "check")
    change = patient.locator("main a[href*='/about-you']").first
    with patient.context.expect_page() as opened:
        change.click(modifiers=["ControlOrMeta"])
    second = opened.value
    # Until it goes there a new tab is an empty page, which has loaded.
    second.wait_for_url("**/about-you*")
    with patient.expect_navigation():
        change.click()
    fill(patient, {"age": 43})
    go_on(patient)
    expect(patient.get_by_role("status")).to_have_count(0)
    patient.go_back()
    fill(patient, {"age": 44})
    go_on(patient)
    expect(patient.get_by_role("status")).to_have_count(0)

    fill(second, {"age": 45})
    go_on(second)
    expect(second.get_by_role("status")).to_contain_text("We kept what you sent last.")
    look(second, "told-later")
