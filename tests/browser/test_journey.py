"""The main job: a patient goes from the start to the confirmation, and staff find that very request."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.test_sign_in import sign_in
from browser.walking import fill, follow, go_on, inspect, slug_of
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, EVERY_PAGE
from conftest import Installation
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def look(*, scripted: bool, screenshots: Path | None) -> Callable[..., None]:
    """Inspects a screen; the desk always runs scripts."""

    def inspect_it(page: Page, name: str) -> None:
        inspect(page, name, screenshots, axe=scripted or "/desk/" in page.url)

    return inspect_it


def walk_to_the_check(page: Page, answers: dict[str, object], look: Callable[..., None]) -> list[str]:
    page.goto("/c/acme")
    look(page, "start")
    go_on(page, "Start")
    walked = []
    while slug_of(page) != "check":
        walked.append(slug_of(page))
        look(page, slug_of(page))
        fill(page, answers)
        go_on(page)
        assert len(walked) < 20, walked
    return walked


def test_a_patient_sends_a_request_and_staff_open_it(
    patient: Page, desk: BrowserContext, installed: Installation, look: Callable[..., None]
) -> None:
    walked = walk_to_the_check(patient, CHRONIC_AND_INTRACTABLE, look)
    assert len(walked) + 3 <= 18, "start, pages, check and result"
    look(patient, "check")
    expect(patient.get_by_text("20 days")).to_be_visible()

    follow(patient, "See my result")
    look(patient, "result")
    expect(
        patient.get_by_text("match what these clinics call chronic and intractable migraine")
    ).to_be_visible()
    follow(patient, "What is known about ketamine for migraine")
    look(patient, "evidence")
    patient.go_back()
    follow(patient, "Ask for a consultation")
    look(patient, "health")
    fill(patient, {"ket_heart": "no", "ket_medicines": ["none"]})
    go_on(patient)
    look(patient, "contact")
    go_on(patient, "Send my request")
    look(patient, "contact-error")
    fill(patient, {key: value for key, value in CONTACT.items() if key != "contact_name"})
    # What was typed survives an error.
    go_on(patient, "Send my request")
    expect(patient.get_by_label("Phone", exact=True)).to_have_value(CONTACT["contact_phone"])
    fill(patient, {"contact_name": CONTACT["contact_name"]})
    go_on(patient, "Send my request")
    look(patient, "receipt")
    reference = patient.locator(".reference").inner_text()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", reference)
    assert patient.context.cookies() == []

    staff = desk.new_page()
    sign_in(installed, staff, "intake@acme.example")
    look(staff, "queue")
    staff.goto(f"/desk/acme/requests/{reference}")
    look(staff, "submission")
    expect(staff.get_by_role("heading", name="Pat Example")).to_be_visible()
    expect(staff.locator("summary", has_text="Intractable migraine")).to_contain_text("matches")
    expect(staff.get_by_role("link", name="pat@example.com")).to_be_visible()
    follow(staff, "Clinician's history page")
    look(staff, "history")
    expect(staff.get_by_text("word for word")).to_be_visible()

    follow(staff, "What would change it")
    staff.locator("summary", has_text="On how many of the last 30 days").click()
    fill(staff, {"head_days": 14})
    go_on(staff, "See what moves")
    look(staff, "what-if")
    row = staff.get_by_role("row", name="Articles Chronic and intractable Intractable")
    expect(row).to_be_visible()
    follow(staff, "Back to the history")
    # The copy is gone: nothing of it was saved.
    expect(staff.get_by_text("20 days").first).to_be_visible()
    follow(staff, "What is known about ketamine for migraine")
    look(staff, "evidence-desk")


def test_danger_stops_the_questions_and_both_ways_back_are_kept(
    patient: Page, desk: BrowserContext, installed: Installation, look: Callable[..., None]
) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    go_on(patient)
    look(patient, "danger-now-error")
    fill(patient, {"danger_now": ["sudden", "self_harm"]})
    go_on(patient)
    look(patient, "stop")
    expect(patient.get_by_role("link", name="Call 911")).to_have_attribute("href", "tel:911")
    expect(patient.get_by_role("link", name="Call 988")).to_have_attribute("href", "tel:988")
    assert "consultation" not in patient.locator("body").inner_text().lower()

    stop = patient.url
    patient.goto(stop.replace("/stop", "/result"))
    expect(patient.get_by_role("heading", name="Welcome back")).to_be_visible()
    patient.go_back()
    go_on(patient, "I ticked that by mistake")
    assert slug_of(patient) == "danger-now"
    patient.locator('[value="self_harm"] + label').click()
    go_on(patient)
    go_on(patient, "It happened, but not now")
    assert slug_of(patient) == "about-you"

    while slug_of(patient) != "check":
        fill(patient, CHRONIC_AND_INTRACTABLE)
        go_on(patient)
    follow(patient, "See my result")
    look(patient, "result-urgent")
    expect(patient.get_by_text("Go to an emergency department today")).to_be_visible()
    follow(patient, "Ask the clinic to call me")
    go_on(patient)
    fill(patient, CONTACT)
    go_on(patient, "Send my request")
    look(patient, "receipt-urgent")
    reference = patient.locator(".reference").inner_text()

    staff = desk.new_page()
    sign_in(installed, staff, "clinician@acme.example")
    staff.goto(f"/desk/acme/requests/{reference}")
    look(staff, "submission-urgent")
    expect(staff.get_by_text("Said: ticked by mistake")).to_be_visible()
    expect(staff.get_by_text("Said: it happened, but not now")).to_be_visible()


def test_each_brightness_can_be_chosen_and_read(patient: Page, look: Callable[..., None]) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    for theme in ("Light", "Dim", "Dark"):
        go_on(patient, theme)
        expect(patient.get_by_role("button", name=theme)).to_have_attribute("aria-pressed", "true")
        go_on(patient, "Continue")
        look(patient, f"theme-{theme.lower()}")


def test_the_language_changes_in_place_and_enter_goes_on(patient: Page, look: Callable[..., None]) -> None:
    patient.goto("/c/acme")
    follow(patient, "Español")
    expect(patient.locator("html")).to_have_attribute("lang", "es")
    follow(patient, "English")
    go_on(patient, "Start")
    fill(patient, CHRONIC_AND_INTRACTABLE)
    go_on(patient)
    fill(patient, CHRONIC_AND_INTRACTABLE)
    go_on(patient, "Español")
    expect(patient.locator("html")).to_have_attribute("lang", "es")
    expect(patient.locator("#age")).to_have_value("42")
    look(patient, "about-you-spanish")
    with patient.expect_navigation():
        patient.locator("#age").press("Enter")
    assert slug_of(patient) == "changes"
    expect(patient.locator("html")).to_have_attribute("lang", "es")


@pytest.mark.parametrize("scripted", [True], indirect=True, ids=["script"])
def test_the_browser_goes_back_past_a_page_that_showed_an_error(patient: Page) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    fill(patient, CHRONIC_AND_INTRACTABLE)
    go_on(patient)
    fill(patient, CHRONIC_AND_INTRACTABLE | {"age": "forty"})
    go_on(patient)
    expect(patient).to_have_title(re.compile("^Error: About you"))
    fill(patient, CHRONIC_AND_INTRACTABLE)
    go_on(patient)
    assert slug_of(patient) == "changes"
    patient.go_back()
    expect(patient).to_have_title(re.compile("^About you"))
    expect(patient.locator("#age")).to_have_value("42")


def test_every_page_there_is_can_be_walked_and_read_back(patient: Page, look: Callable[..., None]) -> None:
    walked = walk_to_the_check(patient, EVERY_PAGE, look)
    assert len(walked) + 3 <= 18, "start, pages, check and result: no longer for anybody"
    follow(patient, "See my result")
    look(patient, "result-long-attack")
    follow(patient, "Add your history")
    while slug_of(patient) != "result":
        look(patient, slug_of(patient))
        fill(patient, EVERY_PAGE)
        go_on(patient)
    patient.get_by_text("All your answers").click()
    look(patient, "result-with-history")
    expect(patient.get_by_text("Feverfew")).to_be_visible()
    expect(patient.get_by_text("It is worst on Mondays. \U0001f327")).to_be_visible()
    expect(patient.get_by_text("it may itself cause headaches")).to_be_visible()
