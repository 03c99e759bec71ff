"""The whole way by keyboard alone, and what a screen reader is told on it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from browser.walking import slug_of
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, as_form
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

_WHERE = """() => {
  const el = document.activeElement;
  return {name: el.name || '', value: el.value || '', type: el.type || '', id: el.id,
          words: (el.innerText || '').trim(), shown: el.matches(':focus-visible') || el === document.body};
}"""
MOST_STOPS = 80


def tab_to(page: Page, **wanted: str) -> None:
    """Presses Tab until the focus is there; every stop on the way can be seen."""
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        at = page.evaluate(_WHERE)
        assert at["shown"], at
        if all(at[key] == value for key, value in wanted.items()):
            return
    pytest.fail(f"no stop {wanted} on {page.url}")


def press_through(page: Page, words: str) -> None:
    tab_to(page, words=words)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def answer_by_keys(page: Page, answers: Mapping[str, object]) -> None:
    names = page.locator("main form [name]").evaluate_all(
        "els => [...new Set(els.filter(el => el.type !== 'hidden').map(el => el.name))]"
    )
    for name in (name for name in names if name in answers):
        for value in as_form(answers[name]):
            control = page.locator(f'main form [name="{name}"]').first
            match control.evaluate("el => el.tagName === 'SELECT' ? 'select' : el.type"):
                case "radio":
                    choose_radio(page, name, value)
                case "checkbox":
                    tab_to(page, name=name, value=value)
                    page.keyboard.press("Space")
                case _:
                    tab_to(page, name=name)
                    page.keyboard.type(value)


def choose_radio(page: Page, name: str, value: str) -> None:
    """One stop a group; the arrows choose in it."""
    tab_to(page, name=name)
    page.keyboard.press("Space")
    for _ in range(20):
        if page.evaluate(_WHERE)["value"] == value:
            return
        page.keyboard.press("ArrowDown")
    pytest.fail(f"{name} has no {value}")


@pytest.mark.parametrize("scripted", [True], indirect=True, ids=["script"])
def test_a_request_can_be_sent_without_a_mouse(patient: Page) -> None:
    page = patient
    page.goto("/c/acme")
    page.keyboard.press("Tab")
    assert page.evaluate(_WHERE)["words"] == "Skip to the main part"
    press_through(page, "Start")
    while slug_of(page) != "check":
        answer_by_keys(page, CHRONIC_AND_INTRACTABLE)
        press_through(page, "Continue")
    press_through(page, "See my result")
    press_through(page, "Ask for a consultation")
    press_through(page, "Continue")
    press_through(page, "Send my request")
    # The errors are where the reader is, and the first leads to its field.
    expect(page.locator("#problems")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#contact_name")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    answer_by_keys(page, CONTACT)
    press_through(page, "Send my request")
    expect(page.get_by_role("heading", name="Your request was sent")).to_be_visible()


@pytest.mark.parametrize("scripted", [True], indirect=True, ids=["script"])
def test_a_screen_reader_is_told_names_groups_and_errors_in_order(patient: Page) -> None:
    patient.goto("/c/acme")
    expect(patient.locator("body")).to_match_aria_snapshot("""
        - link "Skip to the main part"
        - banner:
          - link "Español"
          - link "(626) 555-0100"
        - main:
          - heading "Headache questionnaire" [level=1]
          - paragraph:
            - link "Call 911"
          - button "Start"
        - contentinfo:
          - navigation "How bright?"
    """)
    patient.get_by_role("button", name="Start", exact=True).click()
    patient.wait_for_url("**/danger-now")
    patient.get_by_role("button", name="Continue", exact=True).click()
    expect(patient.locator("main")).to_match_aria_snapshot("""
        - link "Back"
        - alert "There is a problem":
          - heading "There is a problem" [level=2]
          - list:
            - listitem:
              - link "Tick at least one."
        - paragraph: "Part 1 of 4: Safety"
        - group "Is any of this happening now?":
          - heading "Is any of this happening now?" [level=1]
          - checkbox "Chest pain"
          - checkbox "None of these"
        - button "Continue"
        - paragraph:
          - button "Save and finish later"
    """)
    group = patient.get_by_role("group", name="Is any of this happening now?")
    expect(group).to_have_accessible_description("Tick all that fit. Error: Tick at least one.")
