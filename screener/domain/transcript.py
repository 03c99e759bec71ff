"""What was said, as worded that day: the shape that is reviewed, stored, shown and exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from screener.domain.answers import Answers, Status
from screener.domain.question import Choice, Choices, Number, Page, Question, Text, Translate, Value, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE

NOT_SURE = "Not sure"
SKIPPED = "Skipped"
NOT_ASKED = "Not asked"
YES, NO = "Yes", "No"


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


def transcript(answers: Answers, translate: Translate = str) -> tuple[Line, ...]:
    """Every question that was asked, in order. What was not asked has no line."""
    return tuple(
        _line(answers, page, question, translate)
        for page in answers.questionnaire.pages
        for question in answers.asked_on(page)
        if page.shown or answers.status(question) is Status.ANSWERED
    )


def _line(answers: Answers, page: Page, question: Question, translate: Translate) -> Line:
    status, value = answers.status(question), answers[question]
    return Line(
        id=question.id,
        kind=type(question).__name__,
        page=page.slug,
        part=translate(page.part.value),
        topic=translate(question.topic or question.stem),
        wording=translate(question.stem),
        status=status.value,
        value=value,
        said=translate(SKIPPED) if status is Status.SKIPPED else said(question, value, translate),
    )


def said(question: Question, value: Value | None, translate: Translate = str) -> str:
    """An answer in the words of its question."""
    if value is None:
        return translate(NOT_SURE)
    match question:
        case YesNo():
            return translate(YES if value else NO)
        case Number():
            one, many = question.unit
            unit = one if value == 1 else many
            return f"{value} {translate(unit)}" if unit else str(value)
        case Choice() | Choices():
            return "; ".join(map(translate, _labels(question, value)))
        case Text():
            return str(value)
        case _:
            assert_never(question)


def in_source_words(line: Mapping[str, Any]) -> dict[str, Any]:
    """A stored line in English, whatever language it was shown in; `shown` keeps what the patient saw."""
    question = QUESTIONNAIRE.find(line["id"])
    if question is None:
        return dict(line)
    value = tuple(line["value"]) if isinstance(line["value"], list) else line["value"]
    return {
        **line,
        "part": QUESTIONNAIRE.page_of(question).part.value,
        "wording": question.stem,
        "said": SKIPPED if line["status"] == Status.SKIPPED.value else said(question, value),
        "shown": {"wording": line["wording"], "said": line["said"]},
    }


def _labels(question: Choice | Choices, value: Value) -> Iterator[str]:
    codes = value if isinstance(value, tuple) else (value,)
    return (option.label for option in question.options if option.code in codes)
