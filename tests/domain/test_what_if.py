"""What would change each clinical flag: one answer alone, the nearest value that moves it."""

from __future__ import annotations

from domain.test_explanation import answers_with

from screener.domain.answers import Answers
from screener.domain.question import Choice, Choices, Number, Option, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.what_if import Change, _values, class_changes, flag_changes


def change(changes: list[Change], question_id: str) -> Change | None:
    return next((found for found in changes if found.id == question_id), None)


# ICHD-3 1.1 A-D and 1.3: met in every point, on the lines themselves.
CHRONIC_BY_ICHD = {"untreated_length": "24_to_72h", "head_days": 15, "mig_days": 8}


def test_a_day_less_ends_chronic_migraine_by_ichd() -> None:
    found = flag_changes(answers_with(**CHRONIC_BY_ICHD))["ichd3_1_3"]
    for question_id, to in (("head_days", 14), ("mig_days", 7)):
        one = change(found, question_id)
        assert one is not None
        assert (one.to, one.becomes) == (to, "not_met")


def test_the_tenth_day_of_a_triptan_is_the_one_that_makes_overuse() -> None:
    used = answers_with(triptan_days=4, nsaid_days=0, acute_over_3_months=True)
    one = change(flag_changes(used)["ichd3_8_2"], "triptan_days")
    assert one is not None
    assert (one.to, one.becomes) == (10, "met")


def test_an_answer_that_no_flag_reads_changes_none() -> None:
    ids = {found.id for changes in flag_changes(answers_with()).values() for found in changes}
    assert not ids & {"pregnancy", "triggers", "danger_now", "years_with"}


def test_unanswered_questions_come_first_for_class_and_flags() -> None:
    answers = answers_with(lifestyle_relief=None, usual_relief=None)
    for changes in (class_changes(answers), *flag_changes(answers).values()):
        answered = [found.was_answered for found in changes]
        assert answered == sorted(answered)


def test_a_change_that_cannot_be_is_not_named() -> None:
    """Fewer headache days than migraine days cannot be."""
    found = class_changes(answers_with(head_days=20, mig_days=18))
    assert change(found, "head_days") is None


def test_every_kind_of_question_has_values_to_try_but_free_words() -> None:
    options = (Option("a", "A"), Option("b", "B"))
    for question, values in (
        (YesNo(id="x", stem="X?"), (True, False)),
        (Number(id="x", stem="X?", minimum=2, maximum=4), (2, 3, 4)),
        (Choice(id="x", stem="X?", options=options), ("a", "b")),
        (Choices(id="x", stem="X?", options=options), (("a",), ("b",))),
        (Text(id="x", stem="X?", max_length=9), ()),
    ):
        assert _values(question) == values


def test_an_option_that_is_asked_no_more_is_far_from_all_others() -> None:
    """A stored record may hold one."""
    raw = answers_with().as_raw() | {"symptoms": ("went",)}
    one = change(flag_changes(Answers(QUESTIONNAIRE, raw))["ichd3_1_5"], "symptoms")
    assert one is not None
    assert one.steps > 0
