"""The seed articles' criteria, one function each, cited (docs/criteria.md).

001: "15 days or more of head pain each month". 004: intractable migraines "last longer than 72 hours,
even with treatment", "may go away for a couple of hours, but it keeps coming back", "do not usually
respond well to medications" and go on "even after" lifestyle changes; a regular one "lasts for between
four and 72 hours".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from screener.domain.answers import Answers
from screener.domain.question import Question
from screener.domain.questionnaire import (
    ACUTE_RELIEF,
    ACUTE_TRIED,
    COMES_BACK,
    CONSTANT,
    DAYS_LOST,
    HEAD_DAYS,
    LIFESTYLE_RELIEF,
    LONGEST_BREAK,
    NOW_LENGTH,
    NOW_PAIN,
    NOW_RELIEF,
    SEVERITY,
    STOPS_ME,
    SYMPTOMS,
    TREATED_LENGTH,
    UNTREATED_LENGTH,
    USUAL_RELIEF,
)
from screener.domain.verdict import Criterion, Judgement, Verdict, all_of, any_of

CRITERIA_DATE = "2026-11-22"

CHRONIC_DAYS = 15
# Recalled counts are noisy: near the line a diary says more than a memory.
CLOSE_TO_THE_LINE = range(13, 17)
FEWEST_DAYS_OF_72_HOURS = 3

_LENGTHS_WITHIN = {"4_to_24h", "24_to_72h"}
_LASTING_RELIEF = {"goes", "much_better"}

_LITTLE_RELIEF = {"none", "a_little"}

Conflict = tuple[str, str]


class ArticleClass(Enum):
    CHRONIC_AND_INTRACTABLE = "chronic_and_intractable"
    INTRACTABLE = "intractable"
    CHRONIC = "chronic"
    REGULAR = "regular"
    OUTSIDE = "outside_the_criteria"
    INSUFFICIENT = "insufficient_information"


class Gap(Enum):
    """Which gap between the articles' classes an answer set outside of them falls into."""

    UNDER_4_HOURS = "under_4_hours"
    UNDER_72_HOURS_NOTHING_WORKS = "under_72_hours_nothing_works"
    OVER_72_HOURS_MEDICINE_WORKS = "over_72_hours_medicine_works"
    OVER_72_HOURS_LIFESTYLE_SETTLES = "over_72_hours_lifestyle_settles"


@dataclass(frozen=True, slots=True)
class Classification:
    article_class: ArticleClass
    chronic: Judgement
    intractable: Judgement
    regular: Judgement
    conflicts: tuple[Conflict, ...]
    close_to_the_line: bool
    gap: Gap | None

    @property
    def open_questions(self) -> tuple[str, ...]:
        """Ids whose answers would settle what cannot be told, in the order of the criteria."""
        judged = (self.chronic, self.intractable, self.regular)
        return tuple(dict.fromkeys(i for j in judged for c in j.criteria if c.id in GATES for i in c.missing))


GATES = frozenset(
    {
        "chronic.days",
        "intractable.length",
        "intractable.response",
        "intractable.present_attack",
        "regular.length",
        "regular.response",
    }
)


def classify_answers(answers: Answers) -> Classification:
    """The class of the articles with every criterion, conflict and gap behind it."""
    chronic = _chronic(answers)
    intractable = _intractable(answers)
    regular = _regular(answers)
    article_class = _article_class(chronic.verdict, intractable.verdict, regular.verdict)
    head_days = answers[HEAD_DAYS]
    return Classification(
        article_class=article_class,
        chronic=chronic,
        intractable=intractable,
        regular=regular,
        conflicts=(*_response_conflicts(answers), *_length_conflicts(answers), *_other_conflicts(answers)),
        close_to_the_line=head_days in CLOSE_TO_THE_LINE,
        gap=_gap(answers, intractable) if article_class is ArticleClass.OUTSIDE else None,
    )


def article_class_of(answers: Answers) -> ArticleClass:
    """The class alone."""
    return _article_class(_chronic(answers).verdict, _intractable(answers).verdict, _regular(answers).verdict)


def _article_class(chronic: Verdict, intractable: Verdict, regular: Verdict) -> ArticleClass:
    match chronic, intractable, regular:
        case Verdict.MET, Verdict.MET, _:
            return ArticleClass.CHRONIC_AND_INTRACTABLE
        case _, Verdict.MET, _:
            return ArticleClass.INTRACTABLE
        case Verdict.MET, _, _:
            return ArticleClass.CHRONIC
        case Verdict.NOT_MET, _, Verdict.MET:
            return ArticleClass.REGULAR
        case Verdict.NOT_MET, Verdict.NOT_MET, Verdict.NOT_MET:
            return ArticleClass.OUTSIDE
        case _:
            return ArticleClass.INSUFFICIENT


# ---------------------------------------------------------------- chronic


def _chronic(answers: Answers) -> Judgement:
    days = answers[HEAD_DAYS]
    verdict = Verdict.of(None if days is None else days >= CHRONIC_DAYS)
    criterion = Criterion("chronic.days", verdict, "001", answers.said(HEAD_DAYS), answers.missing(HEAD_DAYS))
    return Judgement(verdict, (criterion,))


# ---------------------------------------------------------------- intractable


def _intractable(answers: Answers) -> Judgement:
    length, response = _intractable_length(answers), _intractable_response(answers)
    lifestyle, present = _lifestyle(answers), _present_attack(answers)
    # Only a stated "it helps" speaks against it; an unknown does not block.
    not_blocked = Verdict.of(lifestyle.verdict is not Verdict.NOT_MET)
    usual = all_of(length.verdict, response.verdict, not_blocked)
    return Judgement(
        any_of(usual, present.verdict),
        (length, response, present, lifestyle, _signs(answers), _impact(answers)),
    )


def _intractable_length(answers: Answers) -> Criterion:
    asked = (TREATED_LENGTH, UNTREATED_LENGTH, COMES_BACK)
    verdict = _length_verdict(answers)
    missing = answers.missing(*asked) if verdict is Verdict.CANNOT_TELL else ()
    return Criterion("intractable.length", verdict, "004", answers.said(*asked), missing)


def _length_verdict(answers: Answers) -> Verdict:
    treated, untreated = answers[TREATED_LENGTH], answers[UNTREATED_LENGTH]
    if treated == "over_72h":
        return Verdict.MET
    match answers[COMES_BACK]:
        case True:
            return Verdict.CANNOT_TELL if _length_conflicts(answers) else Verdict.MET
        case False:
            if treated == "never_treated":
                # "Even with treatment" cannot be judged of a long attack that was never treated.
                short = untreated is not None and untreated != "over_72h"
            else:
                short = treated is not None
            return Verdict.NOT_MET if short else Verdict.CANNOT_TELL
        case None:  # pragma: no branch - the type checker knows that there is no other
            return Verdict.CANNOT_TELL


def _length_conflicts(answers: Answers) -> tuple[Conflict, ...]:
    """Attacks that end within 4 hours do not fit one that returns for more than 3 days."""
    if answers[COMES_BACK] is not True or answers[TREATED_LENGTH] == "over_72h":
        return ()
    return tuple(
        (COMES_BACK.id, length.id)
        for length in (UNTREATED_LENGTH, TREATED_LENGTH)
        if answers[length] == "under_4h"
    )


def _intractable_response(answers: Answers) -> Criterion:
    relief = answers[USUAL_RELIEF]
    if _response_conflicts(answers) or relief in {None, "never_tried"}:
        verdict = Verdict.CANNOT_TELL
    else:
        verdict = Verdict.of(relief in _LITTLE_RELIEF)
    against = set(_speaks_against_relief(answers))
    read: tuple[Question, ...] = (COMES_BACK, ACUTE_TRIED, *ACUTE_RELIEF.values())
    said = answers.said(USUAL_RELIEF, *(question for question in read if question.id in against))
    return Criterion("intractable.response", verdict, "004", said, answers.missing(USUAL_RELIEF))


def _response_conflicts(answers: Answers) -> tuple[Conflict, ...]:
    return tuple((USUAL_RELIEF.id, other) for other in _speaks_against_relief(answers))


def _speaks_against_relief(answers: Answers) -> Iterator[str]:
    relief = answers[USUAL_RELIEF]
    if relief in _LASTING_RELIEF and answers[COMES_BACK] is True:
        yield COMES_BACK.id
    if relief in _LITTLE_RELIEF:
        if answers.has(ACUTE_TRIED, "none"):
            yield ACUTE_TRIED.id
        for medicine in ACUTE_RELIEF.values():
            if answers[medicine] in _LASTING_RELIEF:
                yield medicine.id


def _present_attack(answers: Answers) -> Criterion:
    asked = (NOW_PAIN, NOW_LENGTH, NOW_RELIEF, LONGEST_BREAK)
    length, relief = answers[NOW_LENGTH], answers[NOW_RELIEF]
    if (
        answers[NOW_PAIN] is False
        or (length is not None and length != "over_72h")
        or relief in _LASTING_RELIEF
        # Two attacks: 004 allows "a couple of hours". A break that is not known speaks against nothing.
        or answers[LONGEST_BREAK] == "over_12h"
    ):
        verdict = Verdict.NOT_MET
    elif length == "over_72h" and relief in _LITTLE_RELIEF:
        verdict = Verdict.MET
    else:
        verdict = Verdict.CANNOT_TELL
    needed = answers.missing(NOW_PAIN, NOW_LENGTH, NOW_RELIEF) if verdict is Verdict.CANNOT_TELL else ()
    return Criterion("intractable.present_attack", verdict, "004", answers.said(*asked), needed)


def _lifestyle(answers: Answers) -> Criterion:
    relief = answers[LIFESTYLE_RELIEF]
    verdict = Verdict.of(None if relief in {None, "never_tried"} else relief != "helps")
    return Criterion(
        "intractable.lifestyle",
        verdict,
        "004",
        answers.said(LIFESTYLE_RELIEF),
        answers.missing(LIFESTYLE_RELIEF),
    )


def count_signs(answers: Answers) -> int:
    """How many of 004's four typical signs were named (0-4). The articles set no minimum."""
    return (answers[CONSTANT] is True) + sum(
        any(answers.has(SYMPTOMS, code) for code in sign)
        for sign in (("light", "vision"), ("nausea", "vomiting"), ("dizziness",))
    )


def _signs(answers: Answers) -> Criterion:
    """Support only, never a gate: met where any sign was named."""
    missing = answers.missing(CONSTANT, SYMPTOMS)
    verdict = Verdict.of(True if count_signs(answers) else None if missing else False)
    return Criterion("intractable.signs", verdict, "004", answers.said(CONSTANT, SYMPTOMS), missing)


def _impact(answers: Answers) -> Criterion:
    """Support only, never a gate: "significantly affects a person's ability to function"."""
    stops, lost = answers[STOPS_ME], answers[DAYS_LOST]
    verdict = any_of(
        Verdict.of(None if stops is None else stops != "no"),
        Verdict.of(None if lost is None else lost > 0),
    )
    asked = (SEVERITY, STOPS_ME, DAYS_LOST)
    return Criterion("intractable.impact", verdict, "004", answers.said(*asked), answers.missing(*asked))


# ---------------------------------------------------------------- regular


def _regular(answers: Answers) -> Judgement:
    length, response = _regular_length(answers), _regular_response(answers)
    return Judgement(all_of(length.verdict, response.verdict), (length, response))


def _regular_length(answers: Answers) -> Criterion:
    asked = (UNTREATED_LENGTH, TREATED_LENGTH, COMES_BACK)
    untreated, treated = answers[UNTREATED_LENGTH], answers[TREATED_LENGTH]
    known = {untreated, treated} - {None, "never_treated"}
    if treated == "over_72h" or answers[COMES_BACK] is True:
        verdict = Verdict.NOT_MET
    elif known & _LENGTHS_WITHIN:
        verdict = Verdict.MET
    else:
        verdict = Verdict.NOT_MET if known else Verdict.CANNOT_TELL
    missing = answers.missing(UNTREATED_LENGTH, TREATED_LENGTH) if verdict is Verdict.CANNOT_TELL else ()
    return Criterion("regular.length", verdict, "004", answers.said(*asked), missing)


def _regular_response(answers: Answers) -> Criterion:
    # 004 says "usually": only a stated failure speaks against it.
    verdict = Verdict.of(answers[USUAL_RELIEF] not in _LITTLE_RELIEF)
    return Criterion("regular.response", verdict, "004", answers.said(USUAL_RELIEF), ())


# ---------------------------------------------------------------- beside the classes


def _other_conflicts(answers: Answers) -> Iterator[Conflict]:
    head_days = answers[HEAD_DAYS]
    if answers[NOW_PAIN] is True and head_days == 0:
        yield (NOW_PAIN.id, HEAD_DAYS.id)
    if answers[NOW_LENGTH] == "over_72h" and head_days is not None and head_days < FEWEST_DAYS_OF_72_HOURS:
        yield (NOW_LENGTH.id, HEAD_DAYS.id)


def _gap(answers: Answers, intractable: Judgement) -> Gap:
    """Called where every class is not met: the articles' criteria leave these four gaps."""
    by_id = {criterion.id: criterion.verdict for criterion in intractable.criteria}
    lengths = {answers[UNTREATED_LENGTH], answers[TREATED_LENGTH]}
    if by_id["intractable.length"] is not Verdict.MET:
        nothing_works = by_id["intractable.response"] is Verdict.MET
        if lengths & _LENGTHS_WITHIN or ("over_72h" in lengths and nothing_works):
            return Gap.UNDER_72_HOURS_NOTHING_WORKS
        if "over_72h" not in lengths:
            return Gap.UNDER_4_HOURS
    if (
        by_id["intractable.response"] is Verdict.NOT_MET
        or by_id["intractable.lifestyle"] is not Verdict.NOT_MET
    ):
        return Gap.OVER_72_HOURS_MEDICINE_WORKS
    return Gap.OVER_72_HOURS_LIFESTYLE_SETTLES
