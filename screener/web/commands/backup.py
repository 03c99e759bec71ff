"""`screener backup` and `screener restore`: the operator's copies of everything except the keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from screener.web.commands.installation import open_database

if TYPE_CHECKING:
    from screener.settings import Settings
    from screener.store.backups import Backup, Keeper
    from screener.store.database import Database

_FILE: Final = click.Path(dir_okay=False, path_type=Path)


class _Backups(click.Group):
    """`backup FILE` makes one, unless FILE is the name of another command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, args if args[0] in self.commands else ["make", *args])


@click.group("backup", cls=_Backups)
def backup_group() -> None:
    """Make an encrypted backup, or check one.

    `screener backup FILE` makes one while the server runs; `screener backup verify FILE` checks one.

    The file is compressed, and encrypted with SCREENER_BACKUP_KEY or else with the current master key. The
    keys are not in it: keep instance/keys.env, or wherever your keys are, in another place.
    """


@backup_group.command("make")
@click.argument("file", type=_FILE)
def make_command(file: Path) -> None:
    """Copy the whole database to FILE, and check the copy."""
    from screener.store.backups import make_backup

    database, keeper = _at_hand()
    begun = time.monotonic()
    with _in_words():
        made = make_backup(database, keeper, file)
    size = file.stat().st_size / 2**20
    click.echo(f"Wrote and verified {file}: {size:.1f} MiB in {time.monotonic() - begun:.1f} s.")
    _tell(made)
    click.echo(f"It opens with {made.head.key} alone, which is not in it: keep that elsewhere.")


@backup_group.command("verify")
@click.argument("file", type=_FILE)
def verify_command(file: Path) -> None:
    """Open all of FILE and check the database in it.

    The exit status is 1 if something is wrong.
    """
    from screener.store.backups import verify_backup

    _, keeper = _at_hand()
    with _in_words():
        _tell(verify_backup(keeper, file))


@click.command("restore")
@click.argument("file", type=_FILE)
@click.option(
    "--replace", is_flag=True, help="Replace a database that is not empty. Everything in it is lost."
)
def restore_command(file: Path, *, replace: bool) -> None:
    """Put a backup back, check it and bring it up to date.

    Stop the server and `screener deliver` first.

    Everybody is signed out. Whatever happened after the backup was made is undone, deletions too.
    """
    from screener.store.backups import restore_backup

    database, keeper = _at_hand()
    begun = time.monotonic()
    with _in_words():
        backup = restore_backup(database, keeper, file, replace=replace)
    _tell(backup)
    ago = str(datetime.now(UTC) - backup.head.made_at).split(".")[0]
    click.echo(f"Restored and verified in {time.monotonic() - begun:.1f} s. What came later is lost: {ago}.")


def _at_hand() -> tuple[Database, Keeper]:
    from screener.settings import load_settings

    settings = load_settings()
    database = open_database(settings)
    return database, _keeper(settings, database)


def _keeper(settings: Settings, database: Database) -> Keeper:
    from screener.store.backup_file import BackupKeys
    from screener.store.backups import Keeper

    others = {"SCREENER_SECRET": settings.secret, "SCREENER_PASSWORD_SALT": settings.password_salt}
    keys = BackupKeys(database.vault.master, settings.backup_key.encode())
    return Keeper(database.vault, keys, others)


def _tell(backup: Backup) -> None:
    rows, trails = backup.contents.rows, backup.contents.trails
    click.echo(
        f"As of {backup.head.made_at:%Y-%m-%d %H:%M:%S} UTC: {sum(rows.values()):,} rows in"
        f" {len(rows)} tables; {backup.entries:,} audit entries, all verified; clinics: {len(trails)}."
    )


@contextmanager
def _in_words() -> Iterator[None]:
    from screener.store.errors import BackupError

    try:
        yield
    except FileNotFoundError as error:
        raise click.ClickException(f"{error.filename} is not there.") from error
    except BackupError as error:
        raise click.ClickException(str(error)) from error
