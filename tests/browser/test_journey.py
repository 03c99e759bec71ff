"""The main job: a patient goes from the start to the confirmation, and staff find that very request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser.walking import fill, go_on, inspect, slug_of
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, PASSWORD
from playwright.sync_api import BrowserContext, Page, expect

pytestmark = pytest.mark.browser

_LAST_PAGE = "medicines"


def walk_to_the_check(page: Page, answers: dict[str, object], pictures: Path | None = None) -> list[str]:
    page.goto("/c/acme")
    inspect(page, "start", pictures)
    go_on(page, "Start")
    walked = []
    while slug_of(page) != "check":
        walked.append(slug_of(page))
        inspect(page, slug_of(page), pictures)
        fill(page, answers)
        go_on(page)
        assert len(walked) < 20, walked
    return walked


def sign_in(desk: BrowserContext, email: str) -> Page:
    page = desk.new_page()
    page.goto("/desk/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_patient_sends_a_request_and_staff_open_it(
    patient: Page, desk: BrowserContext, screenshots: Path | None
) -> None:
    walked = walk_to_the_check(patient, CHRONIC_AND_INTRACTABLE, screenshots)
    assert len(walked) + 3 <= 18, "start, pages, check and result"
    inspect(patient, "check", screenshots)
    expect(patient.get_by_text("20 days")).to_be_visible()

    patient.get_by_role("link", name="See my result").click()
    inspect(patient, "result", screenshots)
    expect(
        patient.get_by_text("match what these clinics call chronic and intractable migraine")
    ).to_be_visible()
    patient.get_by_role("link", name="What is known about ketamine for migraine").click()
    inspect(patient, "evidence", screenshots)
    patient.go_back()
    patient.get_by_role("link", name="Ask for a consultation").click()
    inspect(patient, "health", screenshots)
    fill(patient, {"ket_heart": "no", "ket_medicines": ["none"]})
    go_on(patient)
    inspect(patient, "contact", screenshots)
    go_on(patient, "Send my request")
    inspect(patient, "contact-error", screenshots)
    fill(patient, {key: value for key, value in CONTACT.items() if key != "contact_name"})
    # What was typed survives an error.
    go_on(patient, "Send my request")
    expect(patient.get_by_label("Phone", exact=True)).to_have_value(CONTACT["contact_phone"])
    fill(patient, {"contact_name": CONTACT["contact_name"]})
    go_on(patient, "Send my request")
    inspect(patient, "receipt", screenshots)
    reference = patient.locator(".reference").inner_text()
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{10}", reference)
    assert patient.context.cookies() == []

    staff = sign_in(desk, "intake@acme.example")
    inspect(staff, "queue", screenshots)
    staff.goto(f"/desk/acme/requests/{reference}")
    inspect(staff, "submission", screenshots)
    expect(staff.get_by_role("heading", name="Pat Example")).to_be_visible()
    expect(staff.get_by_text("Intractable migraine: matches")).to_be_visible()
    expect(staff.get_by_role("link", name="pat@example.com")).to_be_visible()
    staff.get_by_role("link", name="Clinician's history page").click()
    inspect(staff, "history", screenshots)
    expect(staff.get_by_text("word for word")).to_be_visible()

    staff.get_by_role("link", name="What would change it").click()
    staff.get_by_text("Your headache days").click()
    fill(staff, {"head_days": 14, "mig_days": 12})
    go_on(staff, "See what moves")
    inspect(staff, "what-if", screenshots)
    row = staff.get_by_role("row", name="Articles Chronic and intractable Intractable")
    expect(row).to_be_visible()
    staff.get_by_role("link", name="Back to the history").click()
    # The copy is gone: nothing of it was saved.
    expect(staff.get_by_text("20 days").first).to_be_visible()
    staff.get_by_role("link", name="What is known about ketamine for migraine").click()
    inspect(staff, "evidence-desk", screenshots)


def test_danger_stops_the_questions_and_both_ways_back_are_kept(
    patient: Page, desk: BrowserContext, screenshots: Path | None
) -> None:
    patient.goto("/c/acme")
    go_on(patient, "Start")
    go_on(patient)
    inspect(patient, "danger-now-error", screenshots)
    fill(patient, {"danger_now": ["sudden", "self_harm"]})
    go_on(patient)
    inspect(patient, "stop", screenshots)
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
    patient.get_by_role("link", name="See my result").click()
    inspect(patient, "result-urgent", screenshots)
    expect(patient.get_by_text("Go to an emergency department today")).to_be_visible()
    patient.get_by_role("link", name="Ask the clinic to call me").click()
    go_on(patient)
    fill(patient, CONTACT)
    go_on(patient, "Send my request")
    inspect(patient, "receipt-urgent", screenshots)
    reference = patient.locator(".reference").inner_text()

    staff = sign_in(desk, "clinician@acme.example")
    staff.goto(f"/desk/acme/requests/{reference}")
    inspect(staff, "submission-urgent", screenshots)
    expect(staff.get_by_text("Said: ticked by mistake")).to_be_visible()
    expect(staff.get_by_text("Said: it happened, but not now")).to_be_visible()
