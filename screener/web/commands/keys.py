"""`screener keys`: what opens what, and how keys change while the server goes on."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from screener.web.commands.installation import each_clinic, open_clinic, open_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from screener.store.database import Database
    from screener.store.rotation import Resealed, Sealed

_MASTER_KEYS: Final = "SCREENER_MASTER_KEYS"


@click.group("keys")
def keys_group() -> None:
    """List the keys, or change them while the server runs.

    The master keys wrap each clinic's own keys, and those seal what its patients say.
    """


@keys_group.command("list")
def list_command() -> None:
    """List the keys by number, and what each still opens.

    No key itself is shown.

    Exit 1 if a clinic's key opens with none of the master keys that are set.
    """
    from screener.store.rotation import count_behind, list_keys
    from screener.store.vault import key_number

    database = open_database()
    master, shut = database.vault.master, False
    click.echo(
        f"Master keys: {', '.join(map(str, master.numbers))}; {master.current} wraps new clinics' keys."
    )
    for session, clinic in each_clinic(database):
        slug, rows, is_shut = clinic.slug, list_keys(session), False
        for row in rows:
            number = key_number(row.wrapped)
            missing = master.find(number) is None
            is_shut = is_shut or missing
            told = f" {_MASTER_KEYS} LACKS IT: put it back." if missing else ""
            click.echo(f"{slug}: key {row.version}, wrapped under master key {number}.{told}")
        shut = shut or is_shut
        if rows and not is_shut:
            behind = [f"{count} {sealed.column}" for sealed, count in count_behind(session) if count]
            click.echo(f"{slug}: under older keys: {', '.join(behind) or 'nothing'}.")
        if not rows:
            click.echo(f"{slug}: its keys were destroyed.")
    if shut:
        raise click.ClickException("What those keys seal stays shut until the master key is back.")


@keys_group.command("add-master")
def add_master_command() -> None:
    """Make another master key.

    It opens from now on, and wraps once `screener keys rewrap` is run.
    """
    from screener.settings import INSTANCE, KEYS_FILE, load_settings, set_setting
    from screener.store.vault import MasterKeys, new_key

    before = load_settings().master_keys
    number = max(MasterKeys.parse(before).numbers) + 1
    # In front: the last one wraps, and no server knows the new one before it is started again.
    after = f"{number}:{base64.b64encode(new_key()).decode()},{before}"
    if os.environ.get(_MASTER_KEYS):
        click.echo(f"{_MASTER_KEYS}={after}")
        click.echo("Set this where the environment is set.", err=True)
    else:
        set_setting(INSTANCE / KEYS_FILE, _MASTER_KEYS, after)
        click.echo(f"Master key {number} is in {INSTANCE / KEYS_FILE}. Keep a copy somewhere safe.")
    click.echo(
        "Then start the server and `screener deliver` again, and run `screener keys rewrap`.", err=True
    )


@keys_group.command("rewrap")
def rewrap_command() -> None:
    """Wrap all clinics' keys under the newest master key.

    Every server must know that key already.

    Each clinic by itself; running it again goes on where it stopped.
    """
    from screener.store.rotation import rewrap_keys

    database = open_database()
    for session, clinic in each_clinic(database):
        changed = rewrap_keys(session)
        session.commit()
        click.echo(f"{clinic.slug}: {changed} wrapped anew.")
    click.echo(f"All are under master key {database.vault.master.newest.current} now.")
    click.echo(
        f"Older ones may go from {_MASTER_KEYS} when `screener keys list` shows nothing under them."
        " Backups that were sealed under one open with that one alone: keep it as long as those."
    )


@keys_group.command("rotate-clinic")
@click.argument("slug")
def rotate_clinic_command(slug: str) -> None:
    """Give a clinic a new key, and seal its data again.

    Works in small steps while the server runs.

    Broken off, it is run again with `screener keys reseal SLUG`. Signed histories are never changed: the key
    they were signed under stays.
    """
    from screener.store.audit import Subject, note
    from screener.store.rotation import add_key

    database = open_database()
    with _open_whole_clinic(slug, database) as session:
        version = add_key(session)
        note(session, "key_rotated", Subject("clinics", slug), version=version)
        session.commit()
    click.echo(f"Key {version} seals what is written from now on.")
    _reseal(database, slug)


@keys_group.command("reseal")
@click.argument("slug")
def reseal_command(slug: str) -> None:
    """Go on with a `rotate-clinic` that was interrupted."""
    _reseal(open_database(), slug)


def _reseal(database: Database, slug: str) -> None:
    from screener.store.rotation import list_sealed

    changed = unreadable = 0
    with _open_whole_clinic(slug, database) as session:
        for sealed in list_sealed():
            for batch in _batches(session, sealed):
                changed, unreadable = changed + batch.changed, unreadable + batch.unreadable
    click.echo(f"{changed:,} values were sealed anew.")
    if unreadable:
        raise click.ClickException(f"{unreadable:,} values open with no key that is here, and were let be.")


def _batches(session: Session, sealed: Sealed) -> Iterator[Resealed]:
    from screener.store.rotation import reseal_batch

    last, more = None, True
    while more:
        batch = reseal_batch(session, sealed, last)
        session.commit()
        yield batch
        last, more = batch.last, batch.last is not None


@contextmanager
def _open_whole_clinic(slug: str, database: Database) -> Iterator[Session]:
    with open_clinic(slug, database) as (session, clinic):
        if clinic.shredded_at:
            raise click.ClickException(f"{slug}'s keys were destroyed.")
        yield session
