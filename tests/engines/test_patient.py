"""The patient's own way, in each engine: from the start to the receipt, with slips and turns."""

from __future__ import annotations

from builders import CHRONIC_AND_INTRACTABLE, CONTACT
from engines.person import Person
from selenium.webdriver.common.keys import Keys


def test_a_patient_goes_from_the_start_to_the_receipt_and_nothing_is_kept(
    person: Person, served: str
) -> None:
    walk(person, served, "check")
    assert "20 days" in person.see("main").text
    person.press("See my result")
    assert "chronic and intractable migraine" in person.see("main").text
    person.press("Ask for a consultation")
    person.fill({"ket_heart": "no", "ket_medicines": ["none"]})
    person.press("Continue")
    person.fill(CONTACT)
    person.press("Send my request")
    assert person.heading == "Your request was sent"
    assert len(person.see(".reference").text) == 10
    assert person.kept() == []
    reference = person.see(".reference").text
    person.go(person.driver.refresh)
    assert person.see(".reference").text == reference
    # Whoever uses this computer next finds no name by going back.
    person.turn(person.driver.back)
    assert person.path.startswith("/r/")
    assert CONTACT["contact_name"] not in person.driver.page_source


def test_back_and_reload_keep_the_place_and_the_answers(person: Person, served: str) -> None:
    person.open(f"{served}/c/acme")
    person.press("Start")
    person.fill(CHRONIC_AND_INTRACTABLE)
    person.press("Continue")
    assert person.path.endswith("/about-you")
    person.go(person.driver.refresh)
    assert person.path.endswith("/about-you")
    person.turn(person.driver.back)
    assert person.path.endswith("/danger-now")
    assert person.all("[value=none]")[0].is_selected()
    person.turn(person.driver.forward)
    assert person.path.endswith("/about-you")
    person.press("Back")
    assert person.path.endswith("/danger-now")
    assert person.all("[value=none]")[0].is_selected()


def test_an_answer_changed_after_back_is_no_second_window(person: Person, served: str) -> None:
    walk(person, served, "about-you")
    person.fill(CHRONIC_AND_INTRACTABLE)
    person.press("Continue")
    person.turn(person.driver.back)
    assert person.path.endswith("/about-you")
    person.fill({"age": 43})
    person.press("Continue")
    assert person.all(".told") == []


def test_an_error_is_told_first_and_leads_to_its_question(person: Person, served: str) -> None:
    person.open(f"{served}/c/acme")
    person.press("Start")
    person.press("Continue")
    assert person.driver.title.startswith("Error: ")
    assert person.has_focus("#problems")
    person.all(".problems a")[0].click()
    person.wait(lambda: person.has_focus("#danger_now-1"))
    person.fill(CHRONIC_AND_INTRACTABLE)
    person.press("Continue")
    assert person.path.endswith("/about-you")
    # Back leads to the page as it was opened, not to "Confirm Form Resubmission".
    person.turn(person.driver.back)
    assert person.path.endswith("/danger-now")
    assert person.all("#problems") == []


def test_the_keyboard_alone_answers_and_goes_on(person: Person, served: str) -> None:
    person.open(f"{served}/c/acme")
    tab_to(person, ".ways button")
    person.go(lambda: person.type(Keys.ENTER))
    assert person.path.endswith("/danger-now")
    tab_to(person, "[value=none]")
    person.type(Keys.SPACE)
    assert person.all("[value=none]")[0].is_selected()
    tab_to(person, "#continue")
    person.go(lambda: person.type(Keys.ENTER))
    assert person.path.endswith("/about-you")
    tab_to(person, "#age")
    person.type("42")
    # Enter in a field sends the page's own form, whichever button stands before it.
    person.go(lambda: person.type(Keys.ENTER))
    assert person.path.endswith("/about-you")
    assert person.all("#age")[0].get_property("value") == "42"
    assert person.has_focus("#problems")


def test_a_danger_stops_with_a_call_that_can_be_pressed(person: Person, served: str) -> None:
    person.open(f"{served}/c/acme")
    person.press("Start")
    person.fill({"danger_now": ["chest_pain"]})
    person.press("Continue")
    assert person.path.endswith("/stop")
    call = person.named("Call 911")
    assert call.get_property("href") == "tel:911"
    assert call.rect["height"] >= 48
    person.press("I ticked that by mistake")
    assert person.path.endswith("/danger-now")


def test_a_link_to_answers_shows_none_until_its_age_is_given(person: Person, served: str) -> None:
    walk(person, served, "changes")
    planted = person.run("return location.href")
    person.open("about:blank")
    person.open(planted)
    assert person.heading == "Welcome back"
    person.fill({"age": 42})
    person.press("Go on")
    assert person.run("return location.href") != planted
    assert person.path.endswith("/changes")
    person.open("about:blank")
    person.open(planted)
    assert person.all("[name=age]") == []


def tab_to(person: Person, wanted: str) -> None:
    """Presses Tab until the focus is there."""
    for _ in range(40):
        person.type(Keys.TAB)
        if person.has_focus(wanted):
            return
    raise AssertionError(f"no stop {wanted} on {person.path}")


def walk(person: Person, served: str, until: str) -> None:
    """From the start to the page of this name."""
    person.open(f"{served}/c/acme")
    person.press("Start")
    for _ in range(20):
        if person.path.endswith(f"/{until}"):
            return
        person.fill(CHRONIC_AND_INTRACTABLE)
        person.press("Continue")
    raise AssertionError(f"no page {until}")
