"""Migrations: how a database of any age becomes the one the tables describe."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from screener.store.database import Database
from screener.store.row_security import build_walls, missing_walls, see_all

FOLDER: Final = Path(__file__).parent
# Any number will do, as long as nothing else in the database locks on it.
_LOCK: Final = 7_300_411


def migrate(database: Database, revision: str = "head", *, down: bool = False) -> None:
    """Bring the database up to date; a second process that starts meanwhile waits and finds it done.

    All or nothing: whatever ends it in the middle leaves the database as it was. `down` goes back to an
    older revision; what that had no place for is lost.
    """
    with database.engine.connect() as connection, _keys_resting(database, connection), connection.begin():
        # On SQLite every transaction begins IMMEDIATE, which is the lock.
        if not database.is_sqlite:
            _wait_for_turn(connection)
        see_all(connection)
        before = _revision(connection)
        configuration = _configuration()
        configuration.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(configuration, revision)
        if _revision(connection) != before or missing_walls(connection):
            build_walls(connection)
        if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
            raise RuntimeError("the migration would leave rows that point nowhere; nothing was changed")


@contextmanager
def _keys_resting(database: Database, connection: Connection) -> Iterator[None]:
    """SQLite alters a table by copying it; meanwhile rows that point at it must be let be."""
    if not database.is_sqlite:
        yield
        return
    # By the driver: within a transaction SQLite ignores this setting.
    driver = connection.connection.cursor()
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")
        driver.close()


def pending(database: Database) -> bool:
    """Whether `migrate` has something to do."""
    with database.engine.connect() as connection:
        return _revision(connection.execution_options(sqlite_begin="DEFERRED")) != _head()


@cache
def _head() -> str | None:
    return ScriptDirectory.from_config(_configuration()).get_current_head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _wait_for_turn(connection: Connection) -> None:
    for setting in ("statement_timeout", "lock_timeout"):
        connection.execute(text(f"SET LOCAL {setting} = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _configuration() -> Config:
    configuration = Config()
    # Alembic reads the setting as a format string.
    configuration.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    configuration.set_main_option("path_separator", "os")
    return configuration
