"""The machine's door: the `screener` command."""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from collections.abc import Iterator
from typing import IO, assert_never

import click

from screener.domain.answers import AnswerError
from screener.domain.question import Choice, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify


@click.group()
def main() -> None:
    """Headache screener: danger first, then class, then a consultation request."""


@main.command("classify")
@click.argument("source", type=click.File("rb"), default="-")
@click.option("--brief", is_flag=True, help="Leave out the reasons and what would change the class.")
def classify_command(source: IO[bytes], *, brief: bool) -> None:
    """Classify answers: one JSON object, an array, or JSON lines, from SOURCE or standard input.

    Writes one JSON object a line, in order. An object that cannot be read gives
    {"error", "id", "line"} on its line; the others are still classified, and the exit status is 1.
    """
    failed = False
    for number, item in enumerate(_read_objects(source), start=1):
        result = _classify_one(item, number, brief=brief)
        failed = failed or "error" in result
        click.echo(json.dumps(result))
    sys.exit(1 if failed else 0)


def _classify_one(item: object, number: int, *, brief: bool) -> dict[str, object]:
    try:
        return classify(_as_answers(item), brief=brief)
    except AnswerError as error:
        return {"error": str(error), "id": error.id, "line": number}


class _UnreadableError(AnswerError):
    def __init__(self, error: Exception) -> None:
        super().__init__(None, f"is not readable JSON: {error}")


def _as_answers(item: object) -> dict[str, object]:
    if isinstance(item, _UnreadableError):
        raise item
    if not isinstance(item, dict):
        raise AnswerError(None, "must be a JSON object of answers keyed by question id")
    return item


def _parse(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return _UnreadableError(error)


def _read_objects(source: IO[bytes]) -> Iterator[object]:
    """JSON lines are read one at a time; anything else is read whole."""
    stream = io.TextIOWrapper(source, encoding="utf-8-sig", errors="surrogateescape")
    lines = (line for line in stream if line.strip())
    first = next(lines, None)
    if first is None:
        return
    opening = _parse(first)
    if not isinstance(opening, _UnreadableError | list):
        yield opening
        yield from map(_parse, lines)
        return
    rest = list(lines)
    whole = _parse("".join([first, *rest]))
    if isinstance(whole, list):
        yield from whole
    elif isinstance(whole, _UnreadableError) and not first.lstrip().startswith("["):
        yield opening
        yield from map(_parse, rest)
    else:
        yield whole


@main.command("questions")
def questions_command() -> None:
    """List every question: id, kind, allowed values and wording, one JSON object a line."""
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


@main.command("setup")
def setup_command() -> None:
    """Make this installation's keys (once) and bring the database up to date."""
    from screener.settings import load_settings, make_keys
    from screener.store.migrations import migrate
    from screener.web.app import open_database

    if make_keys():
        click.echo(
            "Made fresh keys in instance/keys.env. Keep a copy somewhere safe: without them nothing opens."
        )
    migrate(open_database(load_settings()))


@main.group("clinic")
def clinic_group() -> None:
    """Clinics of this installation."""


@clinic_group.command("add")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--phone", required=True, help="As shown to patients.")
@click.option("--hours", default="", help="When the phone is answered, in words.")
@click.option("--time-zone", default="America/New_York", show_default=True)
@click.option("--origin", "origins", multiple=True, help="A site that may frame the pages; may be repeated.")
def add_clinic_command(
    slug: str, *, name: str, phone: str, hours: str, time_zone: str, origins: tuple[str, ...]
) -> None:
    """Add a clinic; its page is /c/SLUG."""
    from screener.settings import load_settings
    from screener.store.clinics import add_clinic
    from screener.web.app import open_database

    with open_database(load_settings()).new_session() as session:
        try:
            add_clinic(
                session, slug=slug, name=name, phone=phone, hours=hours, time_zone=time_zone, origins=origins
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        session.commit()
    click.echo(f"Added. Patients start at /c/{slug}")


@main.command("demo")
@click.option("--submissions", default=40, show_default=True)
def demo_command(*, submissions: int) -> None:
    """Add the demo clinic with made-up submissions, and its staff, unless it is there."""
    from screener import create_app
    from screener.web.demo import add_demo

    with create_app().app_context():
        click.echo(add_demo(submissions))


@main.command("serve")
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option("--demo", is_flag=True, help="Also print the demo clinic's links and sign-ins.")
def serve_command(*, port: int, demo: bool) -> None:
    """Serve on 127.0.0.1."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    _refuse_taken(port)
    os.environ.setdefault("SCREENER_BASE_URL", f"http://localhost:{port}")
    if demo:
        _print_demo(port)
    Server(
        "wsgi:app",
        address="127.0.0.1",
        port=port,
        interface=Interfaces.WSGI,
        blocking_threads=4,
        websockets=False,
        log_access=False,
        log_level=LogLevels.warning,
    ).serve()


def _print_demo(port: int) -> None:
    from screener.web.demo import DEMO_PASSWORD, DEMO_SLUG, DEMO_STAFF

    click.echo(f"Patients: http://localhost:{port}/c/{DEMO_SLUG}")
    click.echo(f"Staff:    http://localhost:{port}/desk/")
    for email, role in DEMO_STAFF.items():
        click.echo(f"  {email} ({role.replace('_', ' ')}), password: {DEMO_PASSWORD}")


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"Port {port} is taken. Choose another: PORT={port + 1} make run"
            ) from None
