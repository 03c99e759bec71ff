"""What was said, as worded that day: the shape that is reviewed, stored, shown and exported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from screener.domain.answers import Answers, Status
from screener.domain.question import Choice, Choices, Number, Page, Question, Text, Value, YesNo

NOT_SURE = "Not sure"
SKIPPED = "Skipped"


@dataclass(frozen=True, slots=True)
class Line:
    """One question that was asked: its wording and what was said, ready to read."""

    id: str
    kind: str
    page: str
    part: str
    topic: str
    wording: str
    status: str
    value: Value | None
    said: str

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


def transcript(answers: Answers) -> tuple[Line, ...]:
    """Every question that was asked, in order. What was not asked has no line."""
    return tuple(
        _line(answers, page, question)
        for page in answers.questionnaire.pages
        for question in answers.asked_on(page)
        if page.shown or answers.status(question) is Status.ANSWERED
    )


def _line(answers: Answers, page: Page, question: Question) -> Line:
    status, value = answers.status(question), answers[question]
    return Line(
        id=question.id,
        kind=type(question).__name__,
        page=page.slug,
        part=page.part.value,
        topic=question.topic or question.stem,
        wording=question.stem,
        status=status.value,
        value=value,
        said=SKIPPED if status is Status.SKIPPED else said(question, value),
    )


def said(question: Question, value: Value | None) -> str:
    """An answer in the words of its question."""
    if value is None:
        return NOT_SURE
    match question:
        case YesNo():
            return "Yes" if value else "No"
        case Number():
            one, many = question.unit
            return f"{value} {one if value == 1 else many}".strip()
        case Choice() | Choices():
            return "; ".join(_labels(question, value))
        case Text():
            return str(value)
        case _:
            assert_never(question)


def _labels(question: Choice | Choices, value: Value) -> Iterator[str]:
    codes = value if isinstance(value, tuple) else (value,)
    return (option.label for option in question.options if option.code in codes)
