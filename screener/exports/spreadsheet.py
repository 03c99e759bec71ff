"""A table of requests: one row each, one column a question, and nothing in it that a program would run."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias, assert_never

from defusedcsv import csv

from screener.domain.answers import Status
from screener.domain.question import Choice, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.transcript import NOT_ASKED, NOT_SURE, SKIPPED

# What a spreadsheet takes for the beginning of a formula or a command.
_BEGINS_FORMULA: Final = frozenset("=+-@|%")
_BEGINS_CELL: Final = frozenset("\t\r\n\0")
# Unicode categories of blanks and unseen characters: some programs skip them before looking for a formula.
_UNSEEN: Final = ("Z", "C")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ROWS_A_CHUNK: Final = 50

Cell: TypeAlias = str | int


class Group(Enum):
    """What a file may hold beside the request itself; both are only for those who may read answers."""

    ANSWERS = "answers"
    CONTACT = "contact"


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the fact or question it holds, its heading and what it means."""

    id: str
    heading: str
    meaning: str


_REQUEST: Final = (
    Column("reference", "Reference", "Names the request at the desk."),
    Column("received", "Received", "When the patient sent it, by the clinic's clock."),
    Column("kind", "Asked for", "Consultation, call back or question."),
    Column("state", "State", "What the clinic has decided so far."),
    Column("owner", "Owner", "Whose work it is at the clinic."),
    Column("call_due", "Call due", "When a call-back was promised by, by the clinic's clock."),
    Column("first_contact", "First contact", "The first try to reach the patient, by the clinic's clock."),
    Column("withdrawn", "Withdrawn", "When the patient withdrew it; the answers were deleted then."),
)
_SCREENING: Final = (
    Column("urgency", "Safety", "How urgent the answers are; red flags first."),
    Column("class", "Answers match", "The class of the articles that the answers match."),
    Column("language", "Language", "What the patient read; the answers stand here in English."),
    Column("filled_in_by", "Filled in by", "The patient, someone else, or staff by telephone."),
    Column("questionnaire", "Questionnaire", "The version of the questions."),
    Column("criteria", "Criteria", "The version of the rules."),
)
_CONTACT: Final = (
    Column("contact_name", "Name", "As the patient typed it."),
    Column("contact_birth_date", "Born", "Year, month, day."),
    Column("contact_phone", "Phone", "As the patient typed it."),
    Column("contact_email", "E-mail", "As the patient typed it."),
)
_OTHER: Final = Column(
    "other_answers", "Answers to older questions", "Questions that are asked no more, with their answers."
)


def columns(groups: Collection[Group]) -> tuple[Column, ...]:
    """What a file of these groups holds, in order."""
    contact = _CONTACT if Group.CONTACT in groups else ()
    answers = (*_SCREENING, *map(_column, QUESTIONNAIRE), _OTHER) if Group.ANSWERS in groups else ()
    return (*_REQUEST, *contact, *answers)


def _column(question: Question) -> Column:
    heading = f"{question.topic or question.stem} [{question.id}]"
    return Column(question.id, heading, f"{question.stem} {_answered_by(question)}")


def _answered_by(question: Question) -> str:
    match question:
        case YesNo():
            return "Yes or No."
        case Number():
            unit = f" {question.unit[1]}" if question.unit[1] else ""
            return f"A number from {question.minimum} to {question.maximum}{unit}."
        case Choice():
            return f"One of: {_labels(question)}."
        case Choices():
            return f"Any of: {_labels(question)}."
        case Text():
            return "The patient's own words."
        case _:
            assert_never(question)


def _labels(question: Choice | Choices) -> str:
    return "; ".join(option.label for option in question.options)


def cells(
    wanted: Iterable[Column], facts: Mapping[str, str], lines: Iterable[Mapping[str, Any]] | None
) -> list[Cell]:
    """A request's row. `facts` are in words by column, `lines` its transcript; None where that is gone."""
    said: dict[str, Cell] = dict(facts)
    if lines is not None:
        said |= dict.fromkeys((question.id for question in QUESTIONNAIRE), NOT_ASKED) | _told(lines)
    return [said.get(column.id, "") for column in wanted]


def _told(lines: Iterable[Mapping[str, Any]]) -> dict[str, Cell]:
    told: dict[str, Cell] = {}
    other = []
    for line in lines:
        if QUESTIONNAIRE.find(line["id"]):
            told[line["id"]] = _answer(line)
        else:
            other.append(f"{line['wording']} {line['said']}")
    return told | {_OTHER.id: "; ".join(other)}


def _answer(line: Mapping[str, Any]) -> Cell:
    """A number to compute with; all else in the words of the question, "Skipped" and "Not sure" too."""
    is_number = line["kind"] == Number.__name__ and line["status"] == Status.ANSWERED.value
    return int(line["value"]) if is_number else str(line["said"])


def about(wanted: Iterable[Column], told: Iterable[tuple[str, str]]) -> list[tuple[Cell, ...]]:
    """What the table is, and what each of its columns means."""
    meanings = ((column.heading, column.meaning) for column in wanted)
    marks = (
        (SKIPPED, "The question was left blank."),
        (NOT_SURE, "The patient chose “I'm not sure”."),
        (NOT_ASKED, "The patient's other answers did not lead to this question."),
    )
    return [("About this file", ""), *told, ("Column or word", "What it means"), *marks, *meanings]


# ---------------------------------------------------------------- as CSV


def csv_chunks(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """RFC 4180 in UTF-8, with the mark by which Excel knows that; a few rows at a time."""
    yield b"\xef\xbb\xbf"
    buffer = io.StringIO()
    # Texts in quotes, so that no other separator divides them.
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    for number, row in enumerate(rows, 1):
        writer.writerow([harmless(cell) for cell in row])
        if number % _ROWS_A_CHUNK == 0:
            yield _take(buffer)
    yield _take(buffer)


def _take(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def harmless(cell: Cell) -> Cell:
    """Text that no spreadsheet takes for a formula: an apostrophe before it makes it text."""
    if isinstance(cell, int):
        return cell
    plain = _CONTROL.sub("", cell)
    return f"'{plain}" if looks_like_formula(cell) else plain


def looks_like_formula(text: str) -> bool:
    """As the most careless program sees it: unseen characters skipped, full-width signs read as plain."""
    if text[:1].isalnum():
        # Nearly all cells.
        return False
    first = next((letter for letter in text if not unicodedata.category(letter).startswith(_UNSEEN)), "")
    return text[:1] in _BEGINS_CELL or unicodedata.normalize("NFKC", first)[:1] in _BEGINS_FORMULA
