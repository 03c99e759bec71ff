"""A person who comes back: what is asked afresh, and what is only checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from screener.domain.question import NONE_CODE, Value
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


def carried_over(answers: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """The earlier answers that the next form starts with, for the person to check."""
    return {question_id: value for question_id, value in answers.items() if question_id in _CARRIED_OVER}


def has_grown_old(stored: Mapping[str, Any], paused: timedelta) -> bool:
    """Whether "none of these, now" was said too long ago to count; a danger that was ticked still counts."""
    return paused >= DANGER_HOLDS and list(stored.get(DANGER_NOW.id) or ()) == [NONE_CODE]
