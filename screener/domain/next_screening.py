"""A person who comes back: what is asked afresh, and what is only checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from screener.domain.answers import AnswerError, read_value
from screener.domain.question import NONE_CODE, Choices, Part, Value
from screener.domain.questionnaire import (
    ACUTE_OTHER_NAME,
    ACUTE_RELIEF,
    ACUTE_TRIED,
    ATTACKS_EVER,
    AURA_CLEARS,
    AURA_EACH,
    AURA_EVER,
    AURA_IN_A_ROW,
    AURA_ONE_SIDE,
    AURA_POSITIVE,
    AURA_SPREAD,
    AURA_TO_PAIN,
    AURA_TYPES,
    COMES_BACK,
    CONSTANT,
    DANGER_NOW,
    DHE_TRIED,
    LIFESTYLE_RELIEF,
    OTHER_TRIED,
    PREVENTIVE_OTHER_NAME,
    PREVENTIVE_OUTCOME,
    PREVENTIVES_TRIED,
    PULSATING,
    QUESTIONNAIRE,
    SEVERITY,
    SIDE,
    STOPS_ME,
    SYMPTOMS,
    TOLD_MIGRAINE,
    TREATED_LENGTH,
    TRIGGERS,
    TRIPTANS_COUNT,
    UNTREATED_LENGTH,
    USUAL_RELIEF,
    WORSE_ON_ACTIVITY,
    YEARS_WITH,
)
from screener.domain.screening import restore_answers
from screener.domain.urgency import Level, judge_urgency

# "None of these, now" says nothing of a moment much later.
DANGER_HOLDS: Final = timedelta(hours=4)

# What the usual attack is like and what was tried. Danger signs, age, the attack now, counts of days and the
# health questions of the request are asked afresh, as is every question not named here.
_CARRIED_OVER: Final = frozenset(
    question.id
    for question in (
        ATTACKS_EVER,
        UNTREATED_LENGTH,
        TREATED_LENGTH,
        COMES_BACK,
        USUAL_RELIEF,
        LIFESTYLE_RELIEF,
        SYMPTOMS,
        AURA_EVER,
        AURA_TYPES,
        AURA_EACH,
        AURA_CLEARS,
        ACUTE_TRIED,
        SIDE,
        CONSTANT,
        PULSATING,
        WORSE_ON_ACTIVITY,
        SEVERITY,
        STOPS_ME,
        *ACUTE_RELIEF.values(),
        ACUTE_OTHER_NAME,
        TRIPTANS_COUNT,
        DHE_TRIED,
        PREVENTIVES_TRIED,
        *PREVENTIVE_OUTCOME.values(),
        PREVENTIVE_OTHER_NAME,
        OTHER_TRIED,
        TRIGGERS,
        AURA_SPREAD,
        AURA_IN_A_ROW,
        AURA_ONE_SIDE,
        AURA_POSITIVE,
        AURA_TO_PAIN,
        YEARS_WITH,
        TOLD_MIGRAINE,
    )
)


# What looks for danger in a list: one that has grown since was not answered whole.
_DANGER_LISTS: Final = frozenset(
    question.id
    for question in QUESTIONNAIRE
    if isinstance(question, Choices) and QUESTIONNAIRE.page_of(question).part is Part.SAFETY
)


def carried_over(answers: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """The earlier answers that the next form starts with, for the person to check."""
    return {i: value for i, value in answers.items() if i in _CARRIED_OVER and _is_readable(i, value)}


def fit_today(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Answers to another version of the questionnaire: what is not among them is asked again.

    Gone is what today's questions cannot read, and what was ticked of dangers, unless it stops the questions.
    """
    kept = {i: value for i, value in stored.items() if _is_readable(i, value)}
    if judge_urgency(restore_answers(kept)).level is Level.EMERGENCY:
        return kept
    return {i: value for i, value in kept.items() if i not in _DANGER_LISTS}


def _is_readable(question_id: str, value: object) -> bool:
    question = QUESTIONNAIRE.find(question_id)
    if question is None or value is None:
        return question is not None and question.unsure_allowed
    try:
        read_value(question, value)
    except AnswerError:
        return False
    return True


def has_grown_old(stored: Mapping[str, Any], paused: timedelta) -> bool:
    """Whether "none of these, now" was said too long ago to count; a danger that was ticked still counts."""
    return paused >= DANGER_HOLDS and list(stored.get(DANGER_NOW.id) or ()) == [NONE_CODE]
