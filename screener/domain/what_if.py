"""What would change it: each single answer whose nearest other value moves a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, assert_never

from screener.domain.answers import AnswerError, Answers, refuse_impossible
from screener.domain.classification import CHRONIC_DAYS, article_class_of
from screener.domain.clinical_flags import (
    DEBILITATING_DAYS,
    EHF_REFRACTORY_MONTHS,
    EHF_RESISTANT_MONTHS,
    MANY_HEAD_DAYS,
    MIGRAINE_DAYS,
    MODERATE_PAIN,
    OVERUSE_LINES,
    judge_flags,
)
from screener.domain.next_step import ADULT_AGE
from screener.domain.question import Choice, Choices, Number, Part, Question, Text, Value, YesNo
from screener.domain.questionnaire import (
    ACUTE_DAYS,
    ACUTE_RELIEF,
    ACUTE_TRIED,
    AGE,
    ANY_ACUTE_DAYS,
    COMES_BACK,
    DAYS_LOST,
    DEBIL_DAYS,
    DEBIL_MONTHS,
    HEAD_DAYS,
    LIFESTYLE_RELIEF,
    LONGEST_BREAK,
    MIG_DAYS,
    NOW_LENGTH,
    NOW_PAIN,
    NOW_RELIEF,
    QUESTIONNAIRE,
    SEVERITY,
    TREATED_LENGTH,
    UNTREATED_LENGTH,
    USUAL_RELIEF,
)

_READ_BY_THE_CLASS: Final[tuple[Question, ...]] = (
    HEAD_DAYS,
    UNTREATED_LENGTH,
    TREATED_LENGTH,
    COMES_BACK,
    NOW_PAIN,
    NOW_LENGTH,
    NOW_RELIEF,
    LONGEST_BREAK,
    USUAL_RELIEF,
    LIFESTYLE_RELIEF,
    ACUTE_TRIED,
    *ACUTE_RELIEF.values(),
)


def _beside(*lines: int) -> tuple[Value, ...]:
    """The numbers on either side of the lines a rule draws: no other can be the nearest that matters."""
    return tuple(sorted({number for line in lines for number in (line - 1, line)}))


_LINES_OF_THE_CLASS: Final[Mapping[str, tuple[Value, ...]]] = {HEAD_DAYS.id: _beside(CHRONIC_DAYS)}
_USE_LINES: Final = _beside(1, *(days for _, days in OVERUSE_LINES.values()))
_LINES_OF_THE_FLAGS: Final[Mapping[str, tuple[Value, ...]]] = {
    AGE.id: _beside(ADULT_AGE),
    HEAD_DAYS.id: _beside(DEBILITATING_DAYS, MANY_HEAD_DAYS),
    MIG_DAYS.id: _beside(MIGRAINE_DAYS),
    SEVERITY.id: _beside(MODERATE_PAIN),
    DAYS_LOST.id: _beside(1),
    DEBIL_DAYS.id: _beside(DEBILITATING_DAYS),
    DEBIL_MONTHS.id: _beside(EHF_RESISTANT_MONTHS, EHF_REFRACTORY_MONTHS),
    ANY_ACUTE_DAYS.id: _USE_LINES,
    **{question.id: _USE_LINES for question in ACUTE_DAYS.values()},
}

# What a clinician may change on a copy: all but free words and the request's own questions.
CHANGEABLE: Final = tuple(
    question
    for question in QUESTIONNAIRE
    if not isinstance(question, Text) and QUESTIONNAIRE.page_of(question).part is not Part.REQUEST
)


@dataclass(frozen=True, slots=True)
class Change:
    """One answer changed alone, and what the judged thing becomes."""

    id: str
    to: Value
    becomes: str
    was_answered: bool
    steps: int

    def as_document(self) -> dict[str, Any]:
        to = list(self.to) if isinstance(self.to, tuple) else self.to
        return {"id": self.id, "to": to, "article_class": self.becomes}


def class_changes(answers: Answers) -> list[Change]:
    """For each id the article class reads, the nearest other value that changes the class."""
    found = _changes(answers, _READ_BY_THE_CLASS, _judge_class, _LINES_OF_THE_CLASS)
    return found[_CLASS]


def flag_changes(answers: Answers) -> dict[str, list[Change]]:
    """The same for each clinical flag, over all that a clinician may change."""
    return _changes(answers, CHANGEABLE, _judge_flags, _LINES_OF_THE_FLAGS)


_CLASS: Final = "article_class"


def _judge_class(answers: Answers) -> dict[str, str]:
    return {_CLASS: article_class_of(answers).value}


def _judge_flags(answers: Answers) -> dict[str, str]:
    return {flag: judged.verdict.value for flag, judged in judge_flags(answers).flags.items()}


def _changes(
    answers: Answers,
    questions: Iterable[Question],
    judge: Callable[[Answers], Mapping[str, str]],
    lines: Mapping[str, tuple[Value, ...]],
) -> dict[str, list[Change]]:
    """For each thing judged: unanswered ids first, then fewest steps, then in the order of the questions.

    `lines` names, by id, the only numbers worth trying.
    """
    now = judge(answers)
    found: dict[str, list[Change]] = {name: [] for name in now}
    for question in questions:
        if answers.was_asked(question):
            for name, change in _nearest(answers, question, lines.get(question.id), judge, now):
                found[name].append(change)
    return {
        name: sorted(changes, key=lambda change: (change.was_answered, change.steps))
        for name, changes in found.items()
    }


def _nearest(
    answers: Answers,
    question: Question,
    line: tuple[Value, ...] | None,
    judge: Callable[[Answers], Mapping[str, str]],
    now: Mapping[str, str],
) -> Iterator[tuple[str, Change]]:
    """The first value, going away from today's, that moves each of the things judged."""
    waiting, said = set(now), answers[question]
    for steps, value in _by_distance(question, line or _values(question), said):
        changed = _with(answers, question, value)
        after = judge(changed) if changed else now
        moved = {name for name in waiting if after[name] != now[name]}
        for name in moved:
            yield name, Change(question.id, value, after[name], said is not None, steps)
        waiting -= moved
        if not waiting:
            return


def _with(answers: Answers, question: Question, value: Value) -> Answers | None:
    """The answers with one of them changed; None where that cannot be."""
    raw = {**answers.as_raw(), question.id: value}
    try:
        refuse_impossible(raw)
    except AnswerError:
        return None
    return Answers(QUESTIONNAIRE, raw, from_outside=True)


def _by_distance(question: Question, values: tuple[Value, ...], now: Value | None) -> list[tuple[int, Value]]:
    """The values other than now with their distance, nearest first; an unanswered question is near to all."""
    if now is None:
        return [(0, value) for value in values]
    others = [(_distance(question, now, value), value) for value in values if value != now]
    return sorted(others, key=lambda other: other[0])


def _distance(question: Question, one: Value, other: Value) -> int:
    """Steps between two answers: numbers by difference, options by their places in the list."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return min(_distance(question, a, b) for a in one for b in other)
    if isinstance(question, Choice | Choices):
        return abs(_place_of(question, str(one)) - _place_of(question, str(other)))
    return abs(int(one) - int(other)) if isinstance(one, int) and isinstance(other, int) else 0


def _place_of(question: Choice | Choices, code: str) -> int:
    """An option that was asked once and is no more stands behind all others."""
    return question.codes.index(code) if code in question.codes else len(question.codes)


def _values(question: Question) -> tuple[Value, ...]:
    match question:
        case YesNo():
            return (True, False)
        case Number():
            return tuple(range(question.minimum, question.maximum + 1))
        case Choice():
            return question.codes
        case Choices():
            return tuple((code,) for code in question.codes)
        case Text():
            return ()
        case _:
            assert_never(question)
