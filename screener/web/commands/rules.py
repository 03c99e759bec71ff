"""`screener classify` and `screener questions`: the rules, tried out on files."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import IO, Final, assert_never

import click

from screener.domain.answers import AnswerError
from screener.domain.question import Choice, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify
from screener.web.classify_files import HeaderError, Item, read_objects

_BAR_STEPS: Final = 200
_ROWS_A_STEP: Final = 100


@click.command("classify")
@click.argument("source", type=click.File("rb"), default="-")
@click.option("--brief", is_flag=True, help="Leave out the reasons, and what would change the class.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["auto", "json", "csv"]),
    default="auto",
    show_default=True,
    help="auto goes by the file's extension, else by how the file begins.",
)
def classify_command(source: IO[bytes], *, brief: bool, file_format: str) -> None:
    """Classify answers from a JSON or CSV file.

    SOURCE is a file, or standard input if left out. It holds one JSON object, an array, JSON lines or CSV. A
    CSV file has question ids in its header. Leave a cell empty if the question was not asked; write null or
    unsure for "I'm not sure"; separate several choices with semicolons.

    Prints one JSON object per line, in order. For an object or row that cannot be read it prints {"error",
    "id", "line"} instead, where "line" counts objects or rows from 1 (0 is the header of a CSV file). The
    others are still classified, and the exit status is 1.
    """
    failed = False
    items = read_objects(source, file_format)
    try:
        for number, item in enumerate(_with_progress(items, source), start=1):
            result = _classify_one(item, number, brief=brief)
            failed = failed or "error" in result
            click.echo(json.dumps(result))
    except HeaderError as error:
        failed = True
        click.echo(json.dumps(_error_object(error, 0)))
    sys.exit(1 if failed else 0)


def _classify_one(item: Item, number: int, *, brief: bool) -> dict[str, object]:
    if isinstance(item, AnswerError):
        return _error_object(item, number)
    try:
        return classify(item, brief=brief)
    except AnswerError as error:
        return _error_object(error, number)


def _error_object(error: AnswerError, number: int) -> dict[str, object]:
    return {"error": str(error), "id": error.id, "line": number}


def _with_progress(items: Iterator[Item], source: IO[bytes]) -> Iterator[Item]:
    """The same items; a person who waits at a terminal for a file to be written sees how far they are."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        yield from items
        return
    size = _size_of(source)
    if size is None:
        with click.progressbar(
            items, label="Classified", show_pos=True, file=sys.stderr, update_min_steps=_ROWS_A_STEP
        ) as counted:
            yield from counted
        return
    steps, done = max(1, size // _BAR_STEPS), 0
    with click.progressbar(length=size, label="Classified", file=sys.stderr, update_min_steps=steps) as bar:
        for item in items:
            read = source.tell()
            bar.update(read - done)
            done = read
            yield item


def _size_of(source: IO[bytes]) -> int | None:
    """In bytes; None for a pipe, which does not know."""
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


@click.command("questions")
def questions_command() -> None:
    """List every question, its id and its allowed values.

    Prints one JSON object per line: id, kind, allowed values and wording.
    """
    for question in QUESTIONNAIRE:
        click.echo(json.dumps(_describe(question)))


def _describe(question: Question) -> dict[str, object]:
    about: dict[str, object] = {"id": question.id, "kind": type(question).__name__, "wording": question.stem}
    match question:
        case Number():
            about |= {"minimum": question.minimum, "maximum": question.maximum}
        case Choice() | Choices():
            about |= {"codes": question.codes}
        case Text():
            about |= {"max_length": question.max_length}
        case YesNo():
            pass
        case _:
            assert_never(question)
    return about
