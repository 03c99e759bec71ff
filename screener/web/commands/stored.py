"""`screener retention`, `export`, `reindex` and `replay`: all that clinics keep, gone through at once."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click

from screener.web.commands.installation import each_clinic, open_clinic, open_database


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only count what would be deleted.")
def retention_command(*, dry_run: bool) -> None:
    """Delete what is past its time, once.

    `screener deliver` does this every hour. Run it every hour yourself if that is not running.
    """
    from screener.web.sweep import foresee, sweep

    way = foresee if dry_run else sweep
    counts: Counter[tuple[str, str]] = Counter()
    for swept in way(open_database(), datetime.now(UTC)):
        counts[swept.slug, swept.kind] += swept.number
    for (slug, kind), count in counts.items():
        click.echo(f"{slug}: {count:,} {kind} {'would be deleted' if dry_run else 'deleted'}")
    if not counts:
        click.echo("Nothing to delete.")


@click.command("export")
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
    from screener.web.fhir_requests import read_all

    settings, count = load_settings(), 0
    base_url = settings.link("")
    with open_clinic(slug, open_database(settings)) as (session, clinic), _new_file(output) as file:
        if clinic.shredded_at:
            raise click.ClickException("The keys of this clinic were destroyed: nothing of it opens.")
        start = since.replace(tzinfo=ZoneInfo(clinic.time_zone)) if since else None
        for stored in read_all(session, clinic.name, start):
            file.write(json.dumps(consultation_bundle(stored, base_url=base_url)) + "\n")
            count += 1
    click.echo(f"{count:,} requests were written to {output}.")


@contextmanager
def _new_file(path: str) -> Iterator[IO[str]]:
    """For its owner alone; gone again if something is raised."""
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


@click.command("reindex")
def reindex_command() -> None:
    """Rebuild what the queue searches and filters by.

    Run it once after an upgrade that says so, or after a clinic's oldest key is gone. Running it again is
    harmless.
    """
    from screener.store.reindexing import reindex_page

    changed = 0
    for session, clinic in each_clinic(open_database()):
        last, more = None, not clinic.shredded_at
        while more:
            last, count = reindex_page(session, last)
            session.commit()
            session.expunge_all()
            changed, more = changed + count, last is not None
    click.echo(f"{changed:,} requests were filled in.")


@click.command("replay")
@click.option("--clinic", "slug", help="Only this clinic's screenings.")
@click.option("--rows", "with_rows", is_flag=True, help="Also name each request whose verdicts changed.")
def replay_command(*, slug: str | None, with_rows: bool) -> None:
    """Show which stored results today's rules would change.

    Classifies every stored screening again, and prints was -> now. Nothing is written, and no answer or name
    is shown. The exit status is 1 if a screening could not be opened or read.
    """
    from screener.web.replay import Replay, Unreadable, list_clinic_ids

    database = open_database()
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
