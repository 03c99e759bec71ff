"""The `screener` command: what an operator does with an installation, from set-up to backup."""

from __future__ import annotations

import json
import os
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Final, assert_never

import click

from screener.domain.answers import AnswerError
from screener.domain.question import Choice, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify
from screener.web import backup_commands, key_commands
from screener.web.classify_files import HeaderError, Item, read_objects
from screener.web.installation import open_database as _open_database

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path
    from uuid import UUID

    from sqlalchemy.orm import Session

    from screener.store.database import Database
    from screener.store.tables import Clinic

_BAR_STEPS: Final = 200
_ROWS_A_STEP: Final = 100
_STOPPING_SECONDS: Final = 20


_SECTIONS: Final = {
    "Set up": ("setup", "doctor", "clinic", "staff", "token", "demo"),
    "Run": ("serve", "deliver", "retention"),
    "Look after": ("backup", "restore", "keys", "audit", "export", "reindex", "replay"),
    "Try the rules": ("questions", "classify"),
}


class _Commands(click.Group):
    """Says what is wrong with the settings, keys or database in words, not in a traceback."""

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """In the order in which they are needed."""
        widest = max(map(len, self.commands))
        limit = formatter.width - widest - 6
        for title, names in _SECTIONS.items():
            with formatter.section(title):
                rows = [(f"{name:{widest}}", self.commands[name].get_short_help_str(limit)) for name in names]
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as error:
            # By name: importing the store would slow down the commands that need none of it.
            match type(error).__name__:
                case "SettingsError":
                    raise click.ClickException(str(error)) from error
                case "UnreadableError":
                    told = "`screener keys list` tells if a key is missing."
                    raise click.ClickException(f"Something sealed does not open: {error}. {told}") from error
                case "OperationalError" | "ProgrammingError":
                    # Its first line: no statement, and nothing that was to be stored.
                    said = str(getattr(error, "orig", error)).partition("\n")[0]
                    told = "Check SCREENER_DATABASE_URL, and that `screener setup` was run."
                    raise click.ClickException(f"The database says: {said}\n{told}") from error
            raise


@click.group(cls=_Commands)
def main() -> None:
    """Run and look after a headache screener.

    To see it: `screener setup`, `screener demo`, then `screener serve --demo`. For a clinic: `screener
    setup`, `screener doctor`, `screener clinic add` and `screener staff add`; then keep `screener serve`
    and `screener deliver` running.

    Settings are SCREENER_* variables in the environment: see .env.example or docs/settings.md.
    """


for command in (*backup_commands.COMMANDS, *key_commands.COMMANDS):
    main.add_command(command)


@main.command("classify")
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


@main.command("questions")
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


@main.command("doctor")
def doctor_command() -> None:
    """Check this installation and say what to fix.

    Looks at the settings, files, keys, database, clock and mail. The exit status is 1 if something must be
    fixed; a line that begins with "Better:" is advice.
    """
    from screener.settings import load_settings
    from screener.web.doctor import examine

    settings = load_settings()
    findings = list(examine(settings, _open_database(settings)))
    for finding in findings:
        if not finding.must:
            click.echo(finding.words)
    problems = [finding.words for finding in findings if finding.must]
    if problems:
        raise click.ClickException("\n".join(problems))


@main.command("deliver")
@click.option("--once", is_flag=True, help="Send what is due, then exit. Deletes nothing.")
def deliver_command(*, once: bool) -> None:
    """Send waiting mail and webhooks; delete what is past its time.

    Runs until it is stopped. On SIGTERM it finishes the message in hand.
    """
    import signal

    from screener import create_app
    from screener.settings import load_settings
    from screener.web.courier import carriers_of
    from screener.web.deliver import run_beside, stop_all
    from screener.web.logs import start_logging
    from screener.web.sweep import Sweeper

    start_logging()
    settings = load_settings()
    if not (settings.can_mail or settings.webhook_targets):
        raise click.ClickException(
            "Set SCREENER_SMTP_URL and SCREENER_MAIL_FROM first."
            " For webhooks alone set SCREENER_WEBHOOK_HOSTS."
        )
    app = create_app(settings)
    carriers = [*carriers_of(app), *([] if once else [Sweeper(app)])]
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, lambda *_: stop_all(carriers))
    run_beside(carriers, once=once)


@main.command("retention")
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
def retention_command(*, dry_run: bool) -> None:
    """Delete what is past its time, once.

    `screener deliver` does this every hour. Run it every hour yourself if that is not running.
    """
    from collections import Counter
    from datetime import UTC, datetime

    from screener.web.sweep import foresee, sweep

    way = foresee if dry_run else sweep
    counts: Counter[tuple[str, str]] = Counter()
    for swept in way(_open_database(), datetime.now(UTC)):
        counts[swept.slug, swept.kind] += swept.number
    for (slug, kind), count in counts.items():
        click.echo(f"{slug}: {count:,} {kind} {'would be deleted' if dry_run else 'deleted'}")
    if not counts:
        click.echo("Nothing to delete.")


@main.command("setup")
def setup_command() -> None:
    """Make the keys (once) and bring the database up to date."""
    from screener.settings import INSTANCE, KEYS_FILE, make_keys
    from screener.store.migrations import migrate

    try:
        made = make_keys()
    except OSError as error:
        raise click.ClickException(
            f"{INSTANCE}: {error.strerror}. Set SCREENER_INSTANCE to a folder that can be written to."
        ) from error
    if made:
        click.echo(f"Made new keys in {INSTANCE / KEYS_FILE}. Keep a copy safe: nothing opens without them.")
    migrate(_open_database())


@main.group("clinic")
def clinic_group() -> None:
    """Add, change, list, disable or destroy clinics."""


@clinic_group.command("add")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--phone", required=True, help="As shown to patients.")
@click.option("--hours", default="", help="When the phone is answered, in plain words.")
@click.option("--time-zone", default="America/New_York", show_default=True)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="A website that may show the pages in a frame. Repeat for several.",
)
def add_clinic_command(
    slug: str, *, name: str, phone: str, hours: str, time_zone: str, origins: tuple[str, ...]
) -> None:
    """Add a clinic; its page is /c/SLUG."""
    from screener.store.clinic_changes import note_clinic
    from screener.store.clinics import add_clinic

    with _open_database().new_session() as session:
        try:
            clinic = add_clinic(
                session, slug=slug, name=name, phone=phone, hours=hours, time_zone=time_zone, origins=origins
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        note_clinic(session, clinic, "clinic_added", by=None)
        session.commit()
    click.echo(f"Added. Patients start at /c/{slug}")


@clinic_group.command("list")
def list_clinics_command() -> None:
    """List the clinics.

    Prints slug, name, state, number of requests and websites, separated by tabs.
    """
    from screener.store.clinic_changes import count_requests
    from screener.store.clinics import list_clinics

    with _open_database().new_session() as session:
        for clinic in list_clinics(session):
            told = (clinic.slug, clinic.name, clinic.state, count_requests(session, clinic))
            click.echo("\t".join([*map(str, told), " ".join(clinic.origins) or "-"]))


@clinic_group.command("change")
@click.argument("slug")
@click.option("--name")
@click.option("--phone", help="As shown to patients.")
@click.option("--hours", help="When the phone is answered, in plain words.")
@click.option("--time-zone")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="A website that may show the pages in a frame. Replaces the whole list; repeat for several.",
)
@click.option("--no-origins", is_flag=True, help="No website may show the pages in a frame.")
def change_clinic_command(
    slug: str, *, origins: tuple[str, ...], no_origins: bool, **about: str | None
) -> None:
    """Change what the options name, and nothing else."""
    from screener.store.clinic_changes import change_clinic

    changes: dict[str, object] = {name: value for name, value in about.items() if value is not None}
    if origins or no_origins:
        changes["origins"] = list(origins)
    with _clinic(slug) as (session, clinic):
        try:
            changed = change_clinic(session, clinic, changes, by=None)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Changed: {', '.join(changed).replace('_', ' ') or 'nothing'}.")


@clinic_group.command("disable")
@click.argument("slug")
def disable_clinic_command(slug: str) -> None:
    """Close a clinic's pages to patients and staff.

    Its data stays. `screener clinic enable` opens the pages again.
    """
    from datetime import UTC, datetime

    from screener.store.clinic_changes import disable_clinic

    with _clinic(slug) as (session, clinic):
        changed = disable_clinic(session, clinic, by=None, now=datetime.now(UTC))
    click.echo("Disabled." if changed else "It was disabled already.")


@clinic_group.command("enable")
@click.argument("slug")
def enable_clinic_command(slug: str) -> None:
    """Open a disabled clinic's pages again."""
    from screener.store.clinic_changes import enable_clinic

    with _clinic(slug) as (session, clinic):
        try:
            changed = enable_clinic(session, clinic, by=None)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo("Enabled." if changed else "It was enabled already.")


@clinic_group.command("shred-key")
@click.argument("slug")
def shred_key_command(slug: str) -> None:
    """Destroy a clinic's keys, and so its data, for good.

    Nothing its patients said or its staff wrote can be opened again; only the audit trail, times and states
    remain readable. Asks you to type the slug once more.
    """
    from datetime import UTC, datetime

    from screener.store.clinic_changes import shred_keys

    database = _open_database()
    with _clinic(slug, database) as (session, clinic):
        click.echo(f"This destroys all that was said at {clinic.name}. Nothing brings it back.")
        if click.prompt("Type the slug to go on", default="", show_default=False) != slug:
            raise click.ClickException("That is not the slug. Nothing was changed.")
        changed = shred_keys(session, clinic, by=None, now=datetime.now(UTC))
    if not database.forget_deleted("clinic_keys"):
        raise click.ClickException(
            "Destroyed, but the database's log still holds the keys: somebody is reading. Run this again."
        )
    click.echo("Destroyed." if changed else "It was destroyed before.")
    click.echo("Backups made before still hold these keys: delete them, or they open with the master key.")


@contextmanager
def _clinic(slug: str, database: Database | None = None) -> Iterator[tuple[Session, Clinic]]:
    """A clinic, also a disabled one, and the session it is changed in; committed if nothing is raised."""
    from screener.store.clinics import find_any_clinic

    with (database or _open_database()).new_session() as session:
        clinic = find_any_clinic(session, slug)
        if clinic is None:
            raise click.ClickException(f"No clinic is called {slug}.")
        yield session, clinic
        session.commit()


@main.group("token")
def token_group() -> None:
    """Let a clinic's own systems in, or shut them out."""


@token_group.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="The system that will hold it.")
@click.option(
    "--right",
    "rights",
    multiple=True,
    required=True,
    help="What it may do, like requests.read (docs/api.md). Repeat for several.",
)
@click.option(
    "--days", type=click.IntRange(1, 366), help="How long it works. If left out: until it is revoked."
)
def add_token_command(slug: str, *, name: str, rights: tuple[str, ...], days: int | None) -> None:
    """Make a token and print it. It is shown only once."""
    from datetime import UTC, datetime, timedelta

    from screener.domain.rights import Right
    from screener.store.api_tokens import add_token
    from screener.store.tenancy import enter_clinic

    known = {right.value: right for right in Right}
    if not set(rights) <= set(known):
        raise click.ClickException(f"The rights are: {', '.join(known)}.")
    with _clinic(slug) as (session, clinic):
        enter_clinic(session, clinic.id)
        try:
            made = add_token(
                session,
                name=name,
                rights=[known[right] for right in dict.fromkeys(rights)],
                lasts=timedelta(days=days) if days else None,
                by=None,
                now=datetime.now(UTC),
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo(made)


@token_group.command("list")
@click.argument("slug")
def list_tokens_command(slug: str) -> None:
    """List a clinic's tokens.

    Prints id, name, last characters, rights and state, separated by tabs.
    """
    from datetime import UTC, datetime

    from screener.store.api_tokens import list_tokens, state_of
    from screener.store.tenancy import enter_clinic

    now = datetime.now(UTC)
    with _clinic(slug) as (session, clinic):
        enter_clinic(session, clinic.id)
        for one in list_tokens(session):
            told = (str(one.id), one.name, one.ending, ",".join(one.rights), state_of(one, now))
            click.echo("\t".join(told))


@token_group.command("revoke")
@click.argument("slug")
@click.argument("token_id", type=click.UUID)
def revoke_token_command(slug: str, token_id: UUID) -> None:
    """Revoke a token, so that it opens nothing."""
    from datetime import UTC, datetime

    from screener.store.api_tokens import revoke_token
    from screener.store.errors import NotFoundError
    from screener.store.tenancy import enter_clinic

    with _clinic(slug) as (session, clinic):
        enter_clinic(session, clinic.id)
        try:
            token = revoke_token(session, token_id, by=None, now=datetime.now(UTC))
        except NotFoundError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Revoked {token.name}.")


@main.group("staff")
def staff_group() -> None:
    """Add people, or reset how they sign in."""


@staff_group.command("add")
@click.argument("email")
@click.option("--clinic", "slug")
@click.option("--role", "roles", multiple=True, help="intake, clinician or clinic_admin. Repeat for several.")
@click.option(
    "--installation-admin", is_flag=True, help="Looks after all clinics, and reads no clinic's requests."
)
@click.option("--name", required=True)
def add_staff_command(
    email: str, *, slug: str | None, roles: tuple[str, ...], installation_admin: bool, name: str
) -> None:
    """Add a person and print their invitation link.

    With the link they choose a password, once, within 72 hours. This is how the first administrator of a
    clinic gets in; they invite the others from the desk. With --installation-admin and no clinic, the person
    looks after all clinics.
    """
    if bool(slug) != bool(roles) or not (slug or installation_admin):
        raise click.UsageError("Give --clinic and --role together, or --installation-admin, or all three.")
    from screener.web.people import add_by_hand

    _print_link(partial(add_by_hand, email, name, slug, roles, installation_admin=installation_admin))


@staff_group.command("new-link")
@click.argument("email")
def new_link_command(email: str) -> None:
    """Print a link that sets a new password.

    For somebody whom no mail reaches. Make sure first that it is really them. The link works once, for an
    hour, or for 72 hours if they have no password yet. Their second step is asked for as before.
    """
    from screener.web.people import link_by_hand

    _print_link(partial(link_by_hand, email))


def _print_link(make: Callable[[], str]) -> None:
    from screener import create_app

    app = create_app()
    click.get_current_context().call_on_close(app.extensions["screener.database"].dispose)
    with app.test_request_context():
        try:
            click.echo(make())
        except ValueError as error:
            raise click.ClickException(str(error)) from error


@staff_group.command("end-installation-admin")
@click.argument("email")
def end_installation_admin_command(email: str) -> None:
    """Stop a person looking after all clinics.

    Their roles at single clinics stay.
    """
    from datetime import UTC, datetime

    from screener.store.staff import end_installation_admin, find_person

    with _open_database().new_session() as session:
        person = find_person(session, email)
        if person is None or not person.is_installation_admin:
            raise click.ClickException(f"{email} does not look after the clinics.")
        end_installation_admin(session, person, datetime.now(UTC))
        session.commit()
    click.echo("Done. They are signed out.")


@staff_group.command("forget-second-step")
@click.argument("email")
def forget_second_step_command(email: str) -> None:
    """Let a person set up a new second step.

    For somebody who lost their app, passkeys and recovery codes. Make sure first that it is really them. They
    are signed out, and until they set up a new second step, their password alone lets them do it: run this
    while they wait.
    """
    from datetime import UTC, datetime

    from screener.store.staff import find_person, forget_second_steps

    with _open_database().new_session() as session:
        person = find_person(session, email)
        if person is None:
            raise click.ClickException(f"Nobody has the address {email}.")
        forget_second_steps(session, person, datetime.now(UTC))
        session.commit()
    click.echo("Done. They set up a new second step when they next sign in.")


@main.command("replay")
@click.option("--clinic", "slug", help="Only this clinic's screenings.")
@click.option("--rows", "with_rows", is_flag=True, help="Also name each request whose verdicts changed.")
def replay_command(*, slug: str | None, with_rows: bool) -> None:
    """Show which stored results today's rules would change.

    Classifies every stored screening again, and prints was -> now. Nothing is written, and no answer or name
    is shown. The exit status is 1 if a screening could not be
    opened or read.
    """
    from screener.web.replay import Replay, Unreadable, list_clinic_ids

    database = _open_database()
    clinics = list_clinic_ids(database, slug)
    if slug is not None and not clinics:
        raise click.ClickException(f"No clinic is called {slug}.")
    replay = Replay(database, clinics)
    for told in replay.run():
        if with_rows or isinstance(told, Unreadable):
            click.echo(told.as_line())
    for line in replay.summary():
        click.echo(line)
    sys.exit(1 if replay.unreadable else 0)


@main.command("reindex")
def reindex_command() -> None:
    """Rebuild what the queue searches and filters by.

    Run it once after an upgrade that says so, or after a clinic's oldest key is gone. Running it again is
    harmless.
    """
    from screener.store.reindexing import reindex_page
    from screener.store.tenancy import enter_clinic
    from screener.web.replay import list_clinic_ids

    database, changed = _open_database(), 0
    for clinic in list_clinic_ids(database):
        with database.new_session() as session:
            enter_clinic(session, clinic.id)
            last, more = None, True
            while more:
                last, count = reindex_page(session, last)
                session.commit()
                session.expunge_all()
                changed, more = changed + count, last is not None
    click.echo(f"{changed:,} requests were filled in.")


@main.group("audit")
def audit_group() -> None:
    """Check that the audit trail is whole."""


@audit_group.command("verify")
@click.option("--clinic", "slug", help="Only this clinic's trail.")
@click.option(
    "--head", "kept", type=click.File("r"), help="A file with what `screener audit head` printed earlier."
)
def verify_command(*, slug: str | None, kept: IO[str] | None) -> None:
    """Check each clinic's trail from its first entry.

    The exit status is 1 if an entry was changed, moved, removed or cut off.
    """
    from screener.store.audit import verify_chain
    from screener.web.trails import each_trail, read_heads

    try:
        heads = read_heads(kept or ())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    failed = False
    for name, session in each_trail(_open_database(), slug):
        found = verify_chain(session, heads.pop(name, None))
        failed = failed or found.broken is not None
        click.echo(
            f"{name}: ok, {found.entries} entries"
            if found.broken is None
            else f"{name}: BROKEN at entry {found.broken}: {found.why}"
        )
    for name in heads if slug is None else ():
        failed = True
        click.echo(f"{name}: BROKEN: the clinic is gone, with its trail")
    sys.exit(1 if failed else 0)


@audit_group.command("head")
@click.option("--clinic", "slug", help="Only this clinic's trail.")
def head_command(*, slug: str | None) -> None:
    """Print where each clinic's trail ends.

    Keep the output on another machine: `screener audit verify --head FILE` checks against it later.
    """
    from screener.store.audit import find_head
    from screener.web.trails import each_trail

    for name, session in each_trail(_open_database(), slug):
        head = find_head(session)
        if head is None:
            raise click.ClickException(f"{name}: the head is missing. Run `screener audit verify`.")
        click.echo(f"{name} {head.number} {head.chain.hex() or '-'}")


@main.command("export")
@click.argument("slug")
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    help="A new file to write; it must not exist yet.",
)
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Only requests that came in on or after this day."
)
def export_command(slug: str, *, output: str, since: datetime | None) -> None:
    """Write a clinic's requests to a FHIR file.

    One transaction Bundle per line, oldest first, without withdrawn requests. Only you can read the file. The
    audit trail records that each request was read.
    """
    from zoneinfo import ZoneInfo

    from screener.exports.fhir.consultation import consultation_bundle
    from screener.settings import load_settings
    from screener.store.tenancy import enter_clinic
    from screener.web.fhir_requests import read_all

    settings, count = load_settings(), 0
    base_url = settings.link("")
    with _clinic(slug, _open_database(settings)) as (session, clinic), _new_file(output) as file:
        if clinic.shredded_at:
            raise click.ClickException("The keys of this clinic were destroyed: nothing of it opens.")
        start = since.replace(tzinfo=ZoneInfo(clinic.time_zone)) if since else None
        enter_clinic(session, clinic.id)
        for stored in read_all(session, clinic.name, start):
            file.write(json.dumps(consultation_bundle(stored, base_url=base_url)) + "\n")
            count += 1
    click.echo(f"{count:,} requests were written to {output}.")


@contextmanager
def _new_file(path: str) -> Iterator[IO[str]]:
    """For its owner alone; gone again if something is raised."""
    from pathlib import Path

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already. Nothing was written.") from None
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}. Nothing was written.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        Path(path).unlink()
        raise


@main.command("demo")
@click.option(
    "--submissions",
    type=click.IntRange(0, 10_000_000),
    help="How many there should be in all. If left out: 40 when the clinic is new.",
)
def demo_command(*, submissions: int | None) -> None:
    """Add a demo clinic with made-up patients.

    Run again with a higher --submissions, it adds the missing ones.
    """
    from screener import create_app
    from screener.web.demo import add_demo

    with create_app().app_context(), click.progressbar(length=submissions or 0, file=sys.stderr) as bar:
        told = add_demo(submissions, bar.update)
    click.echo(told)


@main.command("serve")
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Use 0.0.0.0 in a container. Always put a proxy with a certificate in front.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="How many processes. More than one needs PostgreSQL.",
)
@click.option(
    "--drain",
    default=0,
    show_default=True,
    type=click.IntRange(0, 60),
    help="After SIGTERM, serve on for this many seconds while /readyz says no: a load balancer moves on.",
)
@click.option("--demo", is_flag=True, help="Print the demo clinic's links and passwords, and catch its mail.")
def serve_command(*, port: int, address: str, workers: int, drain: int, demo: bool) -> None:
    """Serve the pages to a reverse proxy on this machine."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from screener.settings import LOOPBACK
    from screener.web.arrival import THREADS
    from screener.web.logs import configuration
    from screener.web.metrics import begin_anew

    if demo and address not in LOOPBACK:
        raise click.UsageError("The demo shows its sign-in codes to whoever asks: keep it on 127.0.0.1.")
    _refuse_taken(port)
    begin_anew()
    if workers > 1 and _open_database().is_sqlite:
        raise click.ClickException("SQLite lets one process write at a time: leave out --workers.")
    os.environ.setdefault("SCREENER_BASE_URL", f"http://localhost:{port}")
    if demo:
        os.environ["SCREENER_DEMO"] = "yes"
        _print_demo(port)
        _start_demo_mail(port)
        _start_demo_host(port)
    server = Server(
        "screener.web.served:app",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=configuration(),
        # One that was killed is begun again; one that waits for a slow sender does not hold up a stop.
        respawn_failed_workers=True,
        workers_kill_timeout=_STOPPING_SECONDS,
    )
    if drain:
        server.on_startup(lambda: _stop_later(drain))
    server.serve()


def _stop_later(seconds: int) -> None:
    """Told to stop, the server first says so where a balancer asks, and goes on that long."""
    import signal
    from threading import Timer

    from screener.web.readiness import say_leaving

    stop = signal.getsignal(signal.SIGTERM)

    def leave(*_: object) -> None:
        say_leaving()
        Timer(seconds, stop).start()  # type: ignore[arg-type]  # the server's own

    signal.signal(signal.SIGTERM, leave)


def _print_demo(port: int) -> None:
    from screener.web.demo import DEMO_OWNER, DEMO_PASSWORD, DEMO_SLUG, DEMO_STAFF

    click.echo(f"Patients: http://localhost:{port}/c/{DEMO_SLUG}")
    click.echo(f"Staff:    http://localhost:{port}/desk/")
    for email, role in DEMO_STAFF.items():
        click.echo(f"  {email} ({role.replace('_', ' ')}), password: {DEMO_PASSWORD}")
    click.echo(f"  {DEMO_OWNER} (all clinics), password: {DEMO_PASSWORD}")
    click.echo(f"  then the six digits at http://localhost:{port}/demo/code")


def _start_demo_mail(port: int) -> None:
    """Mail goes round in a circle here, whatever the environment says: it never reaches anybody."""
    import multiprocessing
    from importlib.util import find_spec

    from screener.settings import INSTANCE
    from screener.web.demo_mail import free_port

    if find_spec("aiosmtpd") is None:
        click.echo("Mail:     stays in the outbox; install aiosmtpd to see it")
        return
    folder, smtp_port = INSTANCE / "demo-mail", free_port()
    os.environ |= {
        "SCREENER_SMTP_URL": f"smtp+plain://127.0.0.1:{smtp_port}",
        "SCREENER_MAIL_FROM": "Demo <no-reply@demo.example>",
        "SCREENER_DEMO_MAIL": str(folder),
    }
    # A process: the server forks its workers, which threads of ours would not survive.
    spawning = multiprocessing.get_context("spawn")
    spawning.Process(target=_run_demo_mail, args=(folder, smtp_port), daemon=True).start()
    click.echo(f"Mail:     http://localhost:{port}/demo/mail")


def _run_demo_mail(folder: Path, smtp_port: int) -> None:
    """Catches and delivers, until the server's last process ends, however that ends."""
    import signal

    from screener import create_app
    from screener.web.courier import carriers_of
    from screener.web.deliver import run_beside, stop_all
    from screener.web.demo_mail import catch_mail
    from screener.web.sweep import Sweeper

    catch_mail(folder, smtp_port)
    app = create_app()
    carriers = [*carriers_of(app), Sweeper(app)]
    _stop_with_server(lambda: stop_all(carriers))
    # Ctrl-C reaches the server too, which then stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop_all(carriers))
    run_beside(carriers)


def _start_demo_host(port: int) -> None:
    """A clinic's own website beside ours, on the demo clinic's list."""
    import multiprocessing

    from screener.settings import load_settings
    from screener.web.demo import DEMO_SLUG
    from screener.web.demo_host import HOST, list_site
    from screener.web.demo_mail import free_port

    site_port = free_port() if is_taken(port + 1) else port + 1
    settings = load_settings()
    database = _open_database(settings)
    list_site(database, DEMO_SLUG, f"http://{HOST}:{site_port}")
    # The server forks: it must not take our connections along.
    database.dispose()
    spawning = multiprocessing.get_context("spawn")
    about = (site_port, settings.link(""), DEMO_SLUG)
    spawning.Process(target=_run_demo_host, args=about, daemon=True).start()
    click.echo(f"Widget:   http://{HOST}:{site_port}/ is a clinic's own site that holds it")


def _run_demo_host(port: int, home: str, slug: str) -> None:
    """Until the server's last process ends, however that ends."""
    import signal

    from screener.web.demo_host import make_site

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    site = make_site(port, home, slug)
    _stop_with_server(site.shutdown)
    site.serve_forever()


def _stop_with_server(stop: Callable[[], None]) -> None:
    """In a process beside the demo's server: stops its work once the server has ended."""
    from multiprocessing import parent_process
    from threading import Thread

    server = parent_process()

    def follow() -> None:
        if server is not None:
            server.join()
        stop()

    Thread(target=follow, daemon=True).start()


def _refuse_taken(port: int) -> None:
    if is_taken(port):
        raise click.ClickException(f"Port {port} is taken. Choose another: PORT={port + 2} make run")


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
