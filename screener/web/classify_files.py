"""Reads objects of answers from files: JSON (an object, an array, lines) and CSV, one at a time.

Only the object at hand is held in memory, so a file may be of any length. An object that cannot be read
comes out as the AnswerError that says why, in its place, and the reading goes on.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import IO, Final, TypeAlias

from screener.domain.answers import AnswerError, read_answers
from screener.domain.question import Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE

Item: TypeAlias = Mapping[str, object] | AnswerError

_CHUNK: Final = 1 << 16
_MOST_DIGITS: Final = 20  # no answer has as many; Python refuses to read numbers of thousands of digits
_JSON_PARTS: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|"|[\[\]{},]', re.DOTALL)
# No object of answers goes over as many lines; a broken one holds no more of what follows it than this.
_MOST_LINES: Final = 10_000
_TRUTHS: Final = {"true": True, "yes": True, "false": False, "no": False}
_FORMAT_BY_ENDING: Final = {"csv": "csv", "json": "json", "jsonl": "json", "ndjson": "json"}


class HeaderError(AnswerError):
    """The header of a CSV file that nothing below it can be read by."""


def read_objects(source: IO[bytes], file_format: str) -> Iterator[Item]:
    """Every object of the source, in order; `file_format` is json, csv or auto. Raises HeaderError."""
    stream = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape", newline="")
    try:
        yield from _read_stream(stream, str(getattr(source, "name", "")), file_format)
    finally:
        stream.detach()  # who opened the source closes it


def _read_stream(stream: IO[str], name: str, file_format: str) -> Iterator[Item]:
    # An array may stand on one line that is longer than memory: the beginning is looked at first.
    opening = _first_words(stream)
    if opening.lstrip().startswith("[") and file_format != "csv":
        return _read_array(opening, stream)
    lines = chain([opening + stream.readline()], stream)
    first = next((line for line in lines if line.strip()), "")
    lines = chain([first], lines)
    if file_format == "auto":
        file_format = _format_of(name, first)
    return _read_csv(lines) if file_format == "csv" else _read_lines(lines)


def _first_words(stream: IO[str]) -> str:
    """Up to the first character that says something, no further than its line."""
    opening = ""
    while not opening.strip():
        character = stream.read(1)
        if not character:
            break
        opening = "" if character in "\r\n" else opening + character
    return opening


def _format_of(name: str, first: str) -> str:
    """By the file's ending, else by its first line: a header names at least one question."""
    ending = name.rpartition(".")[2].lower()
    if ending in _FORMAT_BY_ENDING:
        return _FORMAT_BY_ENDING[ending]
    cells = (cell.strip().strip('"') for cell in first.split(","))
    is_header = not first.lstrip().startswith("{") and any(QUESTIONNAIRE.find(cell) for cell in cells)
    return "csv" if is_header else "json"


# ---------------------------------------------------------------- JSON


def _parse(text: str) -> Item:
    try:
        text.encode()
        item = json.loads(text, object_pairs_hook=_refuse_twice, parse_int=_whole_number)
    except AnswerError as error:
        return error
    except UnicodeEncodeError:
        return AnswerError(None, "is not readable JSON: some of it is not UTF-8")
    except RecursionError:
        return AnswerError(None, "is not readable JSON: it is nested too deeply")
    except ValueError as error:
        return AnswerError(None, f"is not readable JSON: {error}")
    if isinstance(item, dict):
        return item
    return AnswerError(None, "must be a JSON object of answers keyed by question id")


def _refuse_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read: dict[str, object] = {}
    for name, value in pairs:
        if name in read:
            raise AnswerError(name, "is answered twice in one object")
        read[name] = value
    return read


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def _read_lines(lines: Iterable[str]) -> Iterator[Item]:
    """One object a line. An object may also go over several lines, up to the next line that opens one."""
    held: list[str] = []
    for line in lines:
        if not line.strip():
            continue
        if held and (line.lstrip().startswith("{") or len(held) == _MOST_LINES):
            yield from _read_held(held)
            held = []
        if held or _opens_only(line):
            held.append(line)
        else:
            yield _parse(line)
    yield from _read_held(held)


def _opens_only(line: str) -> bool:
    return line.lstrip().startswith("{") and not line.rstrip().endswith("}")


def _read_held(held: list[str]) -> Iterator[Item]:
    whole = _parse("".join(held)) if held else None
    if isinstance(whole, AnswerError) and whole.id is None:
        # No object over several lines, then: each line stands for itself.
        yield from map(_parse, held)
    elif whole is not None:
        yield whole


def _read_array(opening: str, stream: IO[str]) -> Iterator[Item]:
    """The elements of an array, cut apart by their brackets; then what may follow it, line by line."""
    text = opening.lstrip()[1:]
    depth = count = start = at = 0
    while True:
        part = _JSON_PARTS.search(text, at)
        if part is None or part[0] == '"':
            # Nothing more to cut here, or a string that goes on: keep what is begun and read on.
            at = len(text) if part is None else part.start()
            text, at, start = text[start:], at - start, 0
            more = stream.read(max(_CHUNK, len(text)))
            if not more:
                yield from _unclosed(text)
                return
            text += more
            continue
        at = part.end()
        if part[0] in "[{":
            depth += 1
        elif part[0] in "]}" and depth:
            depth -= 1
        elif part[0] in ",]" and not depth:
            element, start = text[start : part.start()], at
            count += 1
            is_end = part[0] == "]"
            if element.strip() or not is_end or count > 1:
                yield _parse(element)
            if is_end:
                break
    rest = io.StringIO(text[at:] + stream.readline(), newline="")
    yield from _read_lines(chain(rest, stream))


def _unclosed(text: str) -> Iterator[Item]:
    last = _parse(text) if text.strip() else None
    if last is not None:
        yield last
    if not isinstance(last, AnswerError):
        yield AnswerError(None, "is not readable JSON: the array is never closed")


# ---------------------------------------------------------------- CSV


def _read_csv(lines: Iterable[str]) -> Iterator[Item]:
    rows = csv.reader(lines, strict=True)
    questions = _read_header(rows)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            yield AnswerError(None, f"is not readable CSV: {error} (line {rows.line_num} of the file)")
            continue
        if cells is None:
            return
        if cells:
            yield _read_row(questions, cells)


def _read_header(rows: Iterator[list[str]]) -> list[Question]:
    try:
        names = [name.strip() for name in next(rows, [])]
    except csv.Error as error:
        raise HeaderError(None, f"the header is not readable CSV: {error}") from None
    return [_column(names, place) for place in range(len(names))]


def _column(names: list[str], place: int) -> Question:
    name = names[place]
    where = f"column {place + 1} of the header"
    if not name:
        raise HeaderError(None, f"{where} is empty: it must be a question id")
    question = QUESTIONNAIRE.find(name)
    if question is None:
        raise HeaderError(name, f"{where}, {_shown(name)}: {_why_unknown(name)}")
    if name in names[:place]:
        raise HeaderError(name, f"{where}, {name}: the id stands there twice")
    return question


def _shown(name: str) -> str:
    return name[:80].encode(errors="replace").decode()


def _why_unknown(name: str) -> str:
    try:
        read_answers(QUESTIONNAIRE, {name: None})
    except AnswerError as error:
        return str(error)
    raise AssertionError(name)


def _read_row(questions: list[Question], cells: list[str]) -> Item:
    if len(cells) != len(questions):
        return AnswerError(None, f"has {len(cells)} cells, but the header has {len(questions)}")
    try:
        return {
            question.id: _read_cell(question, cell)
            for question, cell in zip(questions, cells, strict=True)
            if cell.strip()
        }
    except AnswerError as error:
        return error


def _read_cell(question: Question, cell: str) -> object:
    """The cell in its question's kind; what is none of that kind is left as it is, to be refused."""
    try:
        cell.encode()
    except UnicodeEncodeError:
        raise AnswerError(question.id, "is not UTF-8") from None
    word = cell.strip()
    if word.lower() in {"null", "unsure"}:
        return None
    match question:
        case YesNo():
            return _TRUTHS.get(word.lower(), word)
        case Number():
            return _whole_number(word) if re.fullmatch(r"-?[0-9]+", word) else word
        case Choices():
            return [code.strip() for code in word.split(";")]
        case Text():
            return cell
        case _:
            return word
