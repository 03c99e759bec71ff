"""A later screening: danger signs, counts and the attack now are asked afresh, the rest is checked."""

from datetime import timedelta

import pytest
from builders import EVERY_PAGE

from screener.domain.next_screening import DANGER_HOLDS, carried_over, fit_today, has_grown_old
from screener.domain.questionnaire import QUESTIONNAIRE


@pytest.mark.parametrize(
    "question_id",
    [
        *("danger_now", "danger_before", "age", "pregnancy", "changes", "injury_signs"),
        *("head_days", "mig_days", "months_at_rate", "days_lost", "debil_days", "debil_months"),
        *(
            "now_pain",
            "now_length",
            "now_relief",
            "keep_down",
            "longest_break",
            "now_stops_me",
            "now_as_usual",
        ),
        *("acute_days", "triptan_days", "acute_other_days", "acute_over_3_months", "own_words"),
        *("ket_heart", "ket_medicines", "ket_escort", "continuous_since_start"),
    ],
)
def test_what_may_have_changed_since_is_asked_again(question_id: str) -> None:
    assert QUESTIONNAIRE.find(question_id) is not None
    assert question_id not in carried_over({question_id: "anything"})


def test_the_usual_attack_and_what_was_tried_is_kept_as_it_was_said() -> None:
    kept = carried_over({**EVERY_PAGE, "side": None})
    assert kept["treated_length"] == "over_72h"
    assert kept["acute_tried"] == ["triptan", "ergot", "other"]
    assert kept["beta_blocker_outcome"] == "not_enough"
    assert kept["side"] is None
    assert "head_days" not in kept


# As other versions of the questionnaire had them.
GONE = {
    "asked_no_more": "yes",
    "side": "an option that went",
    "symptoms": ["nausea", "an option that went"],
    "head_days": 31,
    "constant": "was no yes or no",
    "age": None,
}


def test_what_todays_questions_cannot_read_is_asked_again_and_the_rest_kept() -> None:
    assert fit_today(EVERY_PAGE | GONE | {"pulsating": None}) == {
        question_id: value
        for question_id, value in (EVERY_PAGE | {"pulsating": None}).items()
        if question_id not in {*GONE, "danger_now", "danger_before", "changes", "injury_signs"}
    }
    assert carried_over({"side": "an option that went", "pulsating": True}) == {"pulsating": True}


@pytest.mark.parametrize("danger", [{"danger_now": ["sudden"]}, {"changes": ["immune", "fever"]}])
def test_who_was_stopped_by_a_danger_stays_stopped(danger: dict[str, list[str]]) -> None:
    said = {"danger_now": ["none"], "danger_before": ["none"], "changes": ["none"], "age": 40} | danger
    assert fit_today(said) == said


@pytest.mark.parametrize(
    ("ticked", "short_of", "is_old"),
    [
        (["none"], timedelta(0), True),
        (["none"], timedelta(seconds=1), False),
        (["sudden"], timedelta(0), False),
        (None, timedelta(0), False),
    ],
)
def test_that_there_was_no_danger_holds_for_hours_and_a_danger_for_good(
    ticked: list[str] | None, short_of: timedelta, *, is_old: bool
) -> None:
    assert has_grown_old({"danger_now": ticked}, DANGER_HOLDS - short_of) is is_old
    assert not has_grown_old({}, DANGER_HOLDS)
