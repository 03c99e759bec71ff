"""Where a result leads: one test a row of the contract's section 5."""

import pytest
from domain.contract import CLASSES

from screener.domain.next_step import next_step


def led(urgency: str, article_class: str, age: int | None) -> tuple[str, str | None]:
    step = next_step(urgency, article_class, age)
    return step.offer, step.kind


@pytest.mark.parametrize("article_class", CLASSES)
@pytest.mark.parametrize("age", [None, 0, 17, 18, 80])
def test_an_emergency_leads_to_the_emergency_number_and_nowhere_else(
    article_class: str, age: int | None
) -> None:
    assert led("emergency", article_class, age) == ("emergency", None)


@pytest.mark.parametrize("article_class", CLASSES)
@pytest.mark.parametrize("urgency", ["routine", "urgent"])
@pytest.mark.parametrize("age", [0, 17])
def test_a_child_is_led_to_its_own_pediatrician_and_into_no_queue(
    urgency: str, article_class: str, age: int
) -> None:
    assert led(urgency, article_class, age) == ("own_pediatrician", None)


@pytest.mark.parametrize("article_class", CLASSES)
@pytest.mark.parametrize("age", [18, 19, 120])
def test_any_urgent_class_leads_to_a_call_back(article_class: str, age: int) -> None:
    assert led("urgent", article_class, age) == ("call_back", "call_back")


@pytest.mark.parametrize("article_class", ["chronic", "intractable", "chronic_and_intractable"])
@pytest.mark.parametrize("age", [18, 120])
def test_chronic_intractable_and_both_lead_to_a_consultation(article_class: str, age: int) -> None:
    assert led("routine", article_class, age) == ("consultation", "consultation")


@pytest.mark.parametrize("article_class", ["regular", "outside_the_criteria"])
@pytest.mark.parametrize("age", [18, 120])
def test_regular_and_outside_lead_to_ones_own_doctor_or_a_question(article_class: str, age: int) -> None:
    assert led("routine", article_class, age) == ("own_doctor", "question")


@pytest.mark.parametrize("age", [18, 120])
def test_too_little_information_leads_to_the_open_questions(age: int) -> None:
    assert led("routine", "insufficient_information", age) == ("open_questions", "question")
