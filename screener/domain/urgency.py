"""Red flags: looked at before any class, after every page (docs/criteria.md).

Relief from a triptan, a known migraine or being used to it never cancels a flag: none of them is read here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from screener.domain.answers import Answers
from screener.domain.question import NONE_CODE, Choices
from screener.domain.questionnaire import (
    AGE,
    ATTACKS_EVER,
    AURA_CLEARS,
    AURA_EACH,
    AURA_TYPES,
    CHANGES,
    DANGER_BEFORE,
    DANGER_NOW,
    INJURY_SIGNS,
    KEEP_DOWN,
    NOW_LENGTH,
    PREGNANCY,
    SYMPTOMS,
)

OLDER_AGE = 50


class Level(Enum):
    EMERGENCY = "emergency"
    URGENT = "urgent"
    ROUTINE = "routine"


# Within `urgent` these have places of their own in the queue, in this order, before the rest.
_URGENT_ORDER = ("danger_before.", "pregnancy.", "keep_down.")
ROUTINE_RANK: Final = len(_URGENT_ORDER) + 2


@dataclass(frozen=True, slots=True)
class Urgency:
    """How soon, and each flag that says so, the gravest first."""

    emergencies: tuple[str, ...]
    urgent: tuple[str, ...]

    @property
    def level(self) -> Level:
        if self.emergencies:
            return Level.EMERGENCY
        return Level.URGENT if self.urgent else Level.ROUTINE

    @property
    def red_flags(self) -> tuple[str, ...]:
        return self.emergencies + self.urgent

    @property
    def rank(self) -> int:
        """Place in the queue: 0 emergency, 1-3 the named urgent reasons, 4 other urgent, 5 routine."""
        if self.emergencies:
            return 0
        for rank, prefix in enumerate(_URGENT_ORDER, start=1):
            if any(flag.startswith(prefix) for flag in self.urgent):
                return rank
        return len(_URGENT_ORDER) + (1 if self.urgent else 2)


def level_of(rank: int) -> Level:
    """What a place in the queue says of how soon."""
    if rank == 0:
        return Level.EMERGENCY
    return Level.ROUTINE if rank == ROUTINE_RANK else Level.URGENT


def judge_urgency(answers: Answers) -> Urgency:
    """The red flags in these answers, emergencies apart from what is urgent."""
    return Urgency(tuple(_emergencies(answers)), tuple(_urgent(answers)))


def _ticked(answers: Answers, question: Choices) -> tuple[str, ...]:
    return tuple(f"{question.id}.{code}" for code in answers[question] or () if code != NONE_CODE)


def _emergencies(answers: Answers) -> Iterator[str]:
    yield from _ticked(answers, DANGER_NOW)
    yield from _arteritis(answers)
    yield from _injury(answers)
    yield from _immune(answers)
    yield from _pregnancy(answers)


def _arteritis(answers: Answers) -> Iterator[str]:
    """Giant cell arteritis with sight at risk."""
    if answers.has(CHANGES, "new_after_50"):
        who = "changes.new_after_50"
    elif _is_older(answers):
        who = "age.50_or_over"
    else:
        return
    if answers.has(CHANGES, "jaw_or_scalp"):
        if answers.has(CHANGES, "double_or_greying_sight"):
            yield f"{who}+changes.jaw_or_scalp+changes.double_or_greying_sight"
        if answers.has(SYMPTOMS, "vision"):
            yield f"{who}+changes.jaw_or_scalp+symptoms.vision"


def _injury(answers: Answers) -> Iterator[str]:
    if not answers.has(CHANGES, "injury_3mo"):
        return
    for code in ("worsening_weeks", "morning_vomiting"):
        if answers.has(CHANGES, code):
            yield f"changes.injury_3mo+changes.{code}"
    for sign in _ticked(answers, INJURY_SIGNS):
        yield f"changes.injury_3mo+{sign}"
    # Where the signs were not asked, vomiting with the headache is taken as one.
    if answers[INJURY_SIGNS] is None and answers.has(SYMPTOMS, "vomiting"):
        yield "changes.injury_3mo+symptoms.vomiting"


def _immune(answers: Answers) -> Iterator[str]:
    if answers.has(CHANGES, "immune"):
        for code in ("fever", "worsening_weeks", "double_or_greying_sight"):
            if answers.has(CHANGES, code):
                yield f"changes.immune+changes.{code}"


def _pregnancy(answers: Answers) -> Iterator[str]:
    if answers[PREGNANCY] in {"pregnant", "postpartum_6w"}:
        for code in ("double_or_greying_sight", "first_or_long_aura", "clot_or_estrogen_new"):
            if answers.has(CHANGES, code):
                yield f"pregnancy.{answers[PREGNANCY]}+changes.{code}"


def _urgent(answers: Answers) -> Iterator[str]:
    yield from _ticked(answers, DANGER_BEFORE)
    if answers[PREGNANCY] in {"pregnant", "postpartum_6w"}:
        yield f"pregnancy.{answers[PREGNANCY]}"
    if answers[KEEP_DOWN] is False:
        yield "keep_down.no"
    if answers[DANGER_NOW] is None:
        yield "danger_now.unanswered"
    if answers[CHANGES] is None:
        yield "changes.unanswered"
    yield from _ticked(answers, CHANGES)
    if answers[NOW_LENGTH] == "over_72h":
        yield "now_length.over_72h"
    if _is_older(answers) and answers[ATTACKS_EVER] == "one":
        yield "age.50_or_over+attacks_ever.one"
    if answers.has(AURA_TYPES, "weakness"):
        yield "aura_types.weakness"
    if answers[AURA_EACH] == "over_60_min":
        yield "aura_each.over_60_min"
    if answers[AURA_CLEARS] is False:
        yield "aura_clears.no"


def _is_older(answers: Answers) -> bool:
    age = answers[AGE]
    return age is not None and age >= OLDER_AGE
