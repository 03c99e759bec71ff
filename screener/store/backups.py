"""Backups: the whole database as of one moment, in a file that is proven to open before it counts."""

import hashlib
import hmac
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, NamedTuple

from sqlalchemy import Connection, MetaData, Table, delete, func, inspect, select, text
from sqlalchemy.orm import Session

from screener.store import postgres_dump
from screener.store.audit import begin_verifying, find_head, verify_chain
from screener.store.backup_file import BackupKeys, Head, parts_of, read_backup, write_backup
from screener.store.clinic_changes import note_clinic
from screener.store.clinics import list_clinics
from screener.store.database import Database
from screener.store.errors import BackupError
from screener.store.migrations import migrate
from screener.store.row_security import see_all
from screener.store.tables import ClinicKey, StaffSession
from screener.store.tenancy import furnishing_clinic
from screener.store.vault import Vault, key_number

_SQLITE_FILE: Final = "screener.db"
# PostgreSQL's schemas that keep what was there: until a restore went well, and from then until it is deleted.
_ASIDE, _REPLACED = postgres_dump.LEFT_OUT
_OTHERS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
_IN_USE: Final = "The database is in use. Stop the server and `screener deliver` first."


@dataclass(frozen=True)
class Contents:
    """What a backup holds, as counted at its moment; sealed with it."""

    rows: Mapping[str, int]
    # Each clinic's number of entries and its trail's end.
    trails: Mapping[str, tuple[int, str]]
    # Which master keys its clinics' keys are wrapped under, and marks of the other keys it needs.
    master_keys: list[int]
    marks: Mapping[str, str]


class Backup(NamedTuple):
    """A file that was proven to open."""

    head: Head
    contents: Contents

    @property
    def entries(self) -> int:
        return sum(number for number, _ in self.contents.trails.values())


@dataclass(frozen=True)
class Keeper:
    """Who makes and reads backups here: with which keys, and for which other keys (by their names)."""

    vault: Vault
    keys: BackupKeys
    others: Mapping[str, str]

    @property
    def marks(self) -> dict[str, str]:
        """By name: enough to tell whether a key is the same, and nothing of the key."""
        return {
            name: hmac.digest(key.encode(), b"backup mark", hashlib.sha256)[:8].hex()
            for name, key in self.others.items()
        }


# ---------------------------------------------------------------- making


def make_backup(database: Database, keeper: Keeper, file: Path) -> Backup:
    """A new file, proven to open. Raises BackupError; nothing is left behind then."""
    if file.exists():
        raise BackupError(f"{file} is there already. Choose another name.")
    # All that was committed before this moment is in it.
    made_at = datetime.now(UTC)
    with _beside(file) as folder:
        made = folder / "backup"
        with _reading(database, folder) as (session, parts), _new_file(made) as out:
            contents = _take_stock(session, keeper)
            head = Head.new(keeper.keys, database=_kind(database), made_at=made_at)
            write_backup(out, head, keeper.keys, asdict(contents), parts)
        proven = verify_backup(keeper, made)
        made.rename(file)
        _sync_folder(file.parent)
    return proven


@contextmanager
def _reading(database: Database, folder: Path) -> Iterator[tuple[Session, Iterator[bytes]]]:
    """A session that sees one moment, and the database of the same moment."""
    if database.is_sqlite:
        copied = folder / _SQLITE_FILE
        with _new_file(copied):
            database.copy_to(copied)
        with (
            _opened(copied, database.vault) as copy,
            copy.new_session() as session,
            copied.open("rb") as file,
        ):
            begin_verifying(session)
            yield session, parts_of(file.read)
        return
    with database.new_session() as session:
        begin_verifying(session)
        connection = session.connection()
        # It rests while the dump is read.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        snapshot = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        with closing(postgres_dump.dump(database.url, snapshot)) as parts:
            yield session, parts


def _take_stock(session: Session, keeper: Keeper) -> Contents:
    connection = session.connection()
    rows = _count_rows(connection)
    wrapped = connection.execute(select(ClinicKey.__table__.c.wrapped)).scalars()
    numbers = sorted({key_number(key) for key in wrapped})
    return Contents(rows, _verify_trails(session), numbers, keeper.marks)


def _count_rows(connection: Connection) -> dict[str, int]:
    """Of the tables that are there, which are an older version's in an older backup."""
    see_all(connection)
    tables = (Table(name, MetaData()) for name in inspect(connection).get_table_names())
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in tables
    }


def _verify_trails(session: Session) -> dict[str, tuple[int, str]]:
    ends: dict[str, tuple[int, str]] = {}
    for clinic in list_clinics(session):
        with furnishing_clinic(session, clinic.id):
            found, head = verify_chain(session), find_head(session)
        if found.broken is not None or head is None:
            raise BackupError(
                f"The audit trail of {clinic.slug} is broken at entry {found.broken} ({found.why}), or"
                " SCREENER_SECRET is not the one it was written with. `screener audit verify` tells more."
            )
        ends[clinic.slug] = (head.number, head.chain.hex())
    return ends


# ---------------------------------------------------------------- proving


def verify_backup(keeper: Keeper, file: Path) -> Backup:
    """Opens all of it, and counts. Raises BackupError.

    The trails of SQLite are verified anew; those of PostgreSQL were as it was made, and are when put back.
    """
    with file.open("rb") as source:
        head, contents, parts = _read(source, keeper)
        _check_keys(keeper, contents)
        if head.database == "sqlite":
            with _beside(file) as folder:
                _unpack(parts, folder / _SQLITE_FILE)
                _bring_up(folder / _SQLITE_FILE, keeper.vault, contents)
        else:
            _compare("rows", contents.rows, postgres_dump.count_dumped(parts))
    return Backup(head, contents)


def _read(source: IO[bytes], keeper: Keeper) -> tuple[Head, Contents, Iterator[bytes]]:
    head, about, parts = read_backup(source, keeper.keys)
    trails = {slug: (number, chain) for slug, (number, chain) in about["trails"].items()}
    return head, Contents(**(about | {"trails": trails})), parts


def _unpack(parts: Iterator[bytes], path: Path) -> None:
    with _new_file(path) as out:
        for part in parts:
            out.write(part)


def _bring_up(path: Path, vault: Vault, contents: Contents) -> None:
    """A copy of a backup of SQLite: proven whole, then brought up to date."""
    with _opened(path, vault) as copy:
        with copy.engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            if found != "ok":
                raise BackupError(f"The database in this backup is damaged: {found}")
            _compare("rows", contents.rows, _count_rows(connection))
        _prove_trails(copy, contents)


def _prove_trails(database: Database, contents: Contents) -> None:
    migrate(database)
    with database.new_session() as session:
        begin_verifying(session)
        _compare("audit trails", contents.trails, _verify_trails(session))


def _compare(what: str, wanted: Mapping[str, object], found: Mapping[str, object]) -> None:
    wrong = sorted(name for name in {*wanted, *found} if wanted.get(name) != found.get(name))
    if wrong:
        raise BackupError(f"The {what} of {', '.join(wrong)} are not those that were counted at the backup.")


# ---------------------------------------------------------------- putting back


def restore_backup(database: Database, keeper: Keeper, file: Path, *, replace: bool) -> Backup:
    """The backup in place of what is there, proven. Raises BackupError; what was there stays then.

    Nobody stays signed in, and each clinic's trail says that it was put back.
    """
    with file.open("rb") as source:
        head, contents, _ = _read(source, keeper)
    backup = Backup(head, contents)
    _check_keys(keeper, contents)
    if head.database != _kind(database):
        raise BackupError(
            f"This backup is of {head.database}, and SCREENER_DATABASE_URL names {_kind(database)}."
        )
    if not (replace or _is_empty(database)):
        raise BackupError("The database is not empty. With --replace all that is in it goes.")
    way = _restore_sqlite if database.is_sqlite else _restore_postgresql
    with file.open("rb") as source:
        way(database, backup, _read(source, keeper)[2])
    return backup


def _check_keys(keeper: Keeper, contents: Contents) -> None:
    missing = [number for number in contents.master_keys if keeper.vault.master.find(number) is None]
    if missing:
        told = ", ".join(map(str, missing))
        raise BackupError(f"SCREENER_MASTER_KEYS lacks key {told}, without which the clinics stay shut.")
    for name, mark in keeper.marks.items():
        if contents.marks.get(name) != mark:
            raise BackupError(f"{name} is not the one this backup was made with. Set that one first.")


def _is_empty(database: Database) -> bool:
    with database.engine.connect() as connection:
        return not inspect(connection).get_table_names()


def _restore_sqlite(database: Database, backup: Backup, parts: Iterator[bytes]) -> None:
    target = Path(database.url.database or "")
    with _beside(target) as folder:
        copied = folder / _SQLITE_FILE
        _unpack(parts, copied)
        _bring_up(copied, database.vault, backup.contents)
        with _opened(copied, database.vault) as copy:
            _settle(copy, backup.head)
            copy.let_go()
        database.dispose()
        if not database.let_go():
            raise BackupError(_IN_USE)
        copied.rename(target)
        _sync_folder(target.parent)


def _restore_postgresql(database: Database, backup: Backup, parts: Iterator[bytes]) -> None:
    with _set_aside(database):
        postgres_dump.load(database.url, parts)
        with database.engine.connect() as connection:
            _compare("rows", backup.contents.rows, _count_rows(connection))
        _prove_trails(database, backup.contents)
        _settle(database, backup.head)


@contextmanager
def _set_aside(database: Database) -> Iterator[None]:
    """What is there goes when the rest went well, and comes back when not."""
    database.dispose()
    with database.engine.begin() as connection:
        if connection.exec_driver_sql(_OTHERS).scalar_one():
            raise BackupError(_IN_USE)
        # Of a restore that was killed.
        connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {_REPLACED} CASCADE")
        _take_back(connection)
        connection.exec_driver_sql(f"ALTER SCHEMA public RENAME TO {_ASIDE}")
        connection.exec_driver_sql("CREATE SCHEMA public")
    try:
        yield
    except BaseException:
        database.dispose()
        with database.engine.begin() as connection:
            _take_back(connection)
        raise
    with database.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"DROP SCHEMA {_REPLACED} CASCADE")


def _take_back(connection: Connection) -> None:
    """What was set aside, if anything is."""
    if inspect(connection).has_schema(_ASIDE):
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql(f"ALTER SCHEMA {_ASIDE} RENAME TO public")


def _settle(database: Database, head: Head) -> None:
    """Signs everybody out, lest old sessions live again, and notes the restore in each trail."""
    with database.new_session() as session:
        session.execute(delete(StaffSession))
        for clinic in list_clinics(session):
            made_at = head.made_at.strftime("%Y-%m-%d %H.%M.%S UTC")
            note_clinic(session, clinic, "restored", by=None, made_at=made_at)
        if not database.is_sqlite:
            # By the same commit: what was there comes back until it, and never after it.
            session.connection().exec_driver_sql(f"ALTER SCHEMA {_ASIDE} RENAME TO {_REPLACED}")
        session.commit()


# ---------------------------------------------------------------- files


def _kind(database: Database) -> str:
    return "sqlite" if database.is_sqlite else "postgresql"


@contextmanager
def _opened(path: Path, vault: Vault) -> Iterator[Database]:
    database = Database(f"sqlite:///{path}", vault)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A private folder on the same disk."""
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise BackupError(f"{file.parent}: {error.strerror}.") from error


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, synced to disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
