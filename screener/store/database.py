"""The connection: one engine and its sessions, set so that what was committed is on disk."""

import importlib
import os
import sqlite3
import time
import uuid
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import randbits
from types import ModuleType
from typing import Any, Final, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import (
    URL,
    Connection,
    CursorResult,
    DateTime,
    Delete,
    Dialect,
    Engine,
    MetaData,
    Update,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, scoped_session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from screener.store.row_security import missing_walls, passes_walls
from screener.store.tenancy import ClinicSession
from screener.store.vault import Vault
from screener.store.write_turns import WriteTurns

# Below this version a WAL file can corrupt the database when it is reset.
_SAFE_WAL: Final = (3, 51, 3)
_CONNECT_SECONDS: Final = 5
# A machine without power says nothing, not even that it is gone: after ten seconds nobody waits for it.
_UNHEARD: Final = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}
# Between the names of servers, and where no port is said.
_SEVERAL: Final = ","
_PORT: Final = "5432"
_PARTS: Final = {"username": "user", "password": "password", "database": "dbname"}
_PASSED: Final = (
    "The database's own wall between clinics does not stand: this role passes it."
    " Use one that is no superuser and has no BYPASSRLS (docs/postgresql.md)."
)


@dataclass(frozen=True)
class Limits:
    """After how many seconds a statement, a wait for another's lock and a forgotten transaction are ended.

    SQLite knows the second alone.
    """

    statement: int = 15
    lock: int = 5
    idle: int = 60


_LIMITS: Final = Limits()


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """Times that know they are UTC, also on SQLite, which forgets it."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        _ = dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone says nothing; use datetime.now(UTC)")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        _ = dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def kind_of(error: SQLAlchemyError) -> str:
    """What failed, by its class: the words quote the statement's values, which are patient data."""
    return type(getattr(error, "orig", None) or error).__name__


def new_id() -> uuid.UUID:
    """A time-ordered id (UUID version 7), known before the insert because sealed values are bound to it."""
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    # RFC 9562's method 3: twelve bits of the millisecond, so that rows of one request keep their order.
    fraction = nanoseconds * 4096 // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | randbits(62)
    return uuid.UUID(int=value)


class Database:
    """An engine and its sessions; each session carries the vault and its own clinic."""

    def __init__(self, url: str, vault: Vault, limits: Limits = _LIMITS) -> None:
        self.url = _read_address(url)
        self.vault = vault
        self.engine = _sqlite(self.url, limits) if self.is_sqlite else _postgresql(self.url, limits)
        self.new_session = sessionmaker(
            self.engine, class_=ClinicSession, expire_on_commit=False, info={"vault": vault}
        )
        self.sessions = scoped_session(self.new_session)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def has_safe_wal(self) -> bool:
        """Whether this SQLite may keep a write-ahead log; meaningless on PostgreSQL."""
        return _has_safe_wal(_sqlite_module())

    def examine(self) -> tuple[list[str], list[str]]:
        """What is connected and how it keeps what was committed; and what must be mended first."""
        with self.engine.connect() as connection:
            if not self.is_sqlite:
                names = ("server_version", "fsync", "synchronous_commit")
                found = {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}
                off = [name for name in names if found[name] == "off"]
                told = [f"PostgreSQL: {', '.join(f'{name} {value}' for name, value in found.items())}."]
                if _SEVERAL in str(self.url.query.get("host")):
                    told.append(f"Of several servers the one at {_place_of(connection)} answers.")
                problems = [f"{name} is off: a receipt could be lost. Turn it on." for name in off]
                return told, [*problems, *_gaps(connection)]
            journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        module = _sqlite_module()
        why = "safe from the WAL-reset bug" if self.has_safe_wal else "older than 3.51.3, so without a WAL"
        return [
            f"SQLite {module.sqlite_version} by {module.__name__}: {why}.",
            f"journal_mode={journal}, synchronous={synchronous} (2 is FULL, 3 is EXTRA).",
        ], []

    def read_clock(self) -> datetime | None:
        """The database's time; None where it has no clock but ours."""
        if self.is_sqlite:
            return None
        with self.engine.connect() as connection:
            found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            return found

    def forget_deleted(self, *tables: str) -> bool:
        """What was deleted and committed leaves the files too; backups are not ours to reach.

        SQLite overwrites it in place but keeps it in the log, PostgreSQL keeps dead rows. False if somebody
        reads for so long that it still lies in SQLite's log: then do it again.
        """
        with self.engine.connect() as connection:
            if self.is_sqlite:
                cursor = connection.connection.cursor()
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                [(was_busy, *_)] = cursor.fetchall()
                return not was_busy
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            # As long as it takes: it is in nobody's way.
            alone.exec_driver_sql("SET statement_timeout = 0")
            try:
                alone.exec_driver_sql(f"VACUUM {', '.join(tables)}")
            finally:
                alone.exec_driver_sql("RESET statement_timeout")
            return True

    def copy_to(self, path: Path) -> None:
        """All of this SQLite database as of one moment, as a single file; writers go on beside it."""
        with self.engine.connect() as connection, closing(_sqlite_module().connect(str(path))) as copy:
            # With all pages in one step it reads as of one moment.
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]  # it is open
            copy.execute("PRAGMA journal_mode=DELETE")

    def let_go(self) -> bool:
        """Whether nobody else has this SQLite database open; its log is then within its file."""
        with self.engine.connect() as connection:
            cursor = connection.connection.cursor()
            try:
                cursor.execute("PRAGMA journal_mode=DELETE")
            except _sqlite_module().OperationalError:
                return False
        self.dispose()
        return True

    def dispose(self) -> None:
        self.sessions.remove()
        self.engine.dispose()


def begin_reading(session: Session) -> None:
    """Say before the first statement that nothing will be written: on SQLite it then waits for no writer."""
    session.connection(execution_options={"sqlite_begin": "DEFERRED"})


def change_rows(session: Session, change: Update | Delete) -> int:
    """How many rows an UPDATE or DELETE changed. Rows that the session has loaded stay as they were read."""
    result = session.execute(change, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount


def vault_of(session: Session) -> Vault:
    vault: Vault = session.info["vault"]
    return vault


def _read_address(address: str) -> URL:
    """Also one of several servers in PostgreSQL's own way: postgresql://user@one:5432,two:5432/database."""
    scheme, _, place = address.partition("://")
    named = place.partition("/")[0].rpartition("@")[2]
    if scheme.partition("+")[0] in {"postgresql", "postgres"} and _SEVERAL in named:
        try:
            parts: dict[str, Any] = conninfo_to_dict(f"postgresql://{place}")
        except psycopg.Error:
            # It says the address again, with its password.
            raise ValueError("several servers are named like this: postgresql://user@one,two/name") from None
        about = {kind: parts.pop(name, None) for kind, name in _PARTS.items()}
        url = URL.create("postgresql", **about, query=parts)
    else:
        url = make_url(address)
    match url.drivername:
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return _that_writes(url.set(drivername="postgresql+psycopg"))
        case "sqlite":
            return url
        case other:
            raise ValueError(f"the database is sqlite:/// or postgresql://, not {other}://")


def _that_writes(url: URL) -> URL:
    """Of several servers the one that may be written to, whichever it is now."""
    _, arguments = url.get_dialect()().create_connect_args(url)
    hosts = str(arguments.get("host", "")).split(_SEVERAL)
    if len(hosts) == 1:
        return url
    ports = str(arguments.get("port", "")).split(_SEVERAL)
    if len(ports) == 1:
        ports *= len(hosts)
    several = {
        "host": _SEVERAL.join(hosts),
        "port": _SEVERAL.join(port or _PORT for port in ports),
        "target_session_attrs": url.query.get("target_session_attrs", "read-write"),
    }
    return url.set(host="", port=None).update_query_dict(several)


def _place_of(connection: Connection) -> str:
    info = connection.connection.driver_connection.info  # type: ignore[union-attr]  # it is open
    return f"{info.host}:{info.port}"


def _gaps(connection: Connection) -> list[str]:
    if passes_walls(connection):
        return [_PASSED]
    missing = missing_walls(connection)
    return [f"No wall between clinics around {', '.join(missing)}: run `screener setup`."] if missing else []


def _postgresql(url: URL, limits: Limits) -> Engine:
    settings = {
        "timezone": "UTC",
        "statement_timeout": f"{limits.statement}s",
        "lock_timeout": f"{limits.lock}s",
        "idle_in_transaction_session_timeout": f"{limits.idle}s",
    }
    arguments = {
        "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        "connect_timeout": _CONNECT_SECONDS,
        **_UNHEARD,
    }
    # Pinged before each use: after a restart of the server the first request works already.
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
    event.listen(engine, "handle_error", _hide_failing_row)
    return engine


def _hide_failing_row(context: ExceptionContext) -> None:
    # PostgreSQL tells the values of the row it refuses, in a detail that would end in logs.
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.diag.message_primary:
        told, shown = str(error), error.diag.message_primary
        error.args = (shown,)
        if wrapped is not None:
            wrapped.args = tuple(str(part).replace(told, shown) for part in wrapped.args)


def _sqlite_module() -> ModuleType:
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def _has_safe_wal(module: ModuleType) -> bool:
    version: tuple[int, int, int] = module.sqlite_version_info
    return version >= _SAFE_WAL


def _sqlite(url: URL, limits: Limits) -> Engine:
    module = _sqlite_module()
    turns = WriteTurns()
    # isolation_level None: the driver begins nothing by itself, so the savepoints and locks are ours.
    arguments = {"isolation_level": None, "timeout": limits.lock, "factory": _giving_back(module, turns)}
    engine = create_engine(url, module=module, connect_args=arguments, hide_parameters=True)
    has_safe_wal = _has_safe_wal(module)

    @event.listens_for(engine, "do_connect")
    def make_private(_dialect: object, _entry: object, _arguments: object, _named: object) -> None:
        _make_private(url.database)

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        _set_pragmas(connection, limits.lock, has_safe_wal=has_safe_wal)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("sqlite_begin") == "DEFERRED":
            connection.exec_driver_sql("BEGIN DEFERRED")
        else:
            _begin_writing(connection, turns, limits.lock)

    return engine


def _begin_writing(connection: Connection, turns: WriteTurns, seconds: int) -> None:
    own = connection.connection.driver_connection
    if not turns.take(own, seconds):
        # As SQLite says it of a writer in another process.
        late = _sqlite_module().OperationalError("database is locked")
        raise OperationalError("BEGIN IMMEDIATE", None, late)
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        turns.give_back(own)
        raise


def _giving_back(module: ModuleType, turns: WriteTurns) -> type[Any]:
    """A connection whose turn ends with its transaction, however that ends."""

    class TurnedConnection(module.Connection):  # type: ignore[name-defined,misc]  # of either module
        def commit(self) -> None:
            super().commit()
            turns.give_back(self)

        def rollback(self) -> None:
            super().rollback()
            turns.give_back(self)

        def close(self) -> None:
            super().close()
            turns.give_back(self)

    return TurnedConnection


def _make_private(path: str | None) -> None:
    """A new file is its owner's alone, and its log with it; one that is there is left as it is."""
    if path:
        with suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _set_pragmas(connection: Any, lock_seconds: int, *, has_safe_wal: bool) -> None:
    journal = ("journal_mode=WAL", "synchronous=FULL")
    if not has_safe_wal:
        journal = ("journal_mode=DELETE", "synchronous=EXTRA")
    cursor = connection.cursor()
    timeout = f"busy_timeout={lock_seconds * 1000}"
    for pragma in (timeout, *journal, "foreign_keys=ON", "secure_delete=ON", "trusted_schema=OFF"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
