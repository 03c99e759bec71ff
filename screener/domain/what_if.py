"""What would change it: each single answer whose nearest other value moves a verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, assert_never

from screener.domain.answers import AnswerError, Answers, refuse_impossible
from screener.domain.classification import CHRONIC_DAYS, article_class_of
from screener.domain.question import Choice, Choices, Number, Part, Question, Text, Value, YesNo
from screener.domain.questionnaire import (
    ACUTE_RELIEF,
    ACUTE_TRIED,
    COMES_BACK,
    HEAD_DAYS,
    LIFESTYLE_RELIEF,
    LONGEST_BREAK,
    NOW_LENGTH,
    NOW_PAIN,
    NOW_RELIEF,
    QUESTIONNAIRE,
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
_LINES_OF_THE_CLASS: Final[Mapping[str, tuple[Value, ...]]] = {HEAD_DAYS.id: (CHRONIC_DAYS - 1, CHRONIC_DAYS)}


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
    return changes(
        answers, _READ_BY_THE_CLASS, lambda changed: article_class_of(changed).value, _LINES_OF_THE_CLASS
    )


def changes(
    answers: Answers,
    questions: Iterable[Question],
    judge: Callable[[Answers], str],
    lines: Mapping[str, tuple[Value, ...]] = MappingProxyType({}),
) -> list[Change]:
    """Unanswered ids first, then fewest steps, then in the order of the questions.

    `lines` may name, by id, the only values worth trying.
    """
    now = judge(answers)
    found = (
        _nearest(answers, question, lines.get(question.id, _values(question)), judge, now)
        for question in questions
        if answers.was_asked(question)
    )
    return sorted(
        (change for change in found if change), key=lambda change: (change.was_answered, change.steps)
    )


def _nearest(
    answers: Answers,
    question: Question,
    values: tuple[Value, ...],
    judge: Callable[[Answers], str],
    now: str,
) -> Change | None:
    for steps, value in _by_distance(question, values, answers[question]):
        changed = _with(answers, question, value)
        becomes = judge(changed) if changed else now
        if becomes != now:
            return Change(question.id, value, becomes, answers[question] is not None, steps)
    return None


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
        return abs(question.codes.index(str(one)) - question.codes.index(str(other)))
    return abs(int(one) - int(other)) if isinstance(one, int) and isinstance(other, int) else 0


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


# What a clinician may change on a copy: all but free words and the request's own questions.
CHANGEABLE: Final = tuple(
    question
    for question in QUESTIONNAIRE
    if not isinstance(question, Text) and QUESTIONNAIRE.page_of(question).part is not Part.REQUEST
)
