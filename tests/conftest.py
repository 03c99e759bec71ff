"""What every suite shares: an installation with two clinics and its staff, in a database of its own."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pytest
from builders import OWNER, PASSWORD, STAFF

if TYPE_CHECKING:
    from uuid import UUID

    from flask import Flask
    from sqlalchemy import Connection, Executable

    from screener.settings import Settings
    from screener.store.database import Database

DATABASE_KINDS: Final = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


class Databases(Protocol):
    """Makes databases of one kind, and gives their addresses."""

    def create(self, like: str = ...) -> str: ...

    def pretend_many(self, url: str) -> None: ...

    def drop(self, url: str) -> None: ...


class SqliteFiles:
    """Each database in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    def create(self, like: str = "") -> str:
        self._made += 1
        folder = self._folder / str(self._made)
        folder.mkdir()
        path = folder / "screener.db"
        if like:
            shutil.copy(like.removeprefix("sqlite:///"), path)
        return f"sqlite:///{path}"

    def pretend_many(self, url: str) -> None:
        """SQLite does so by itself, until it was told to count."""

    def drop(self, url: str) -> None:
        shutil.rmtree(Path(url.removeprefix("sqlite:///")).parent)


def run_on(metafunc: pytest.Metafunc, *, both: bool) -> None:
    """Whether a test runs on both kinds of database or on one alone; nothing if it wants none."""
    if "database_kind" in metafunc.fixturenames:
        kinds = DATABASE_KINDS if both else DATABASE_KINDS[:1]
        if metafunc.definition.get_closest_marker("postgresql_only"):
            kinds = DATABASE_KINDS[1:]
        metafunc.parametrize("database_kind", kinds, scope="module")


@pytest.fixture(scope="session")
def databases_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Databases]]:
    """The databases of a kind; PostgreSQL starts when it is first asked for."""
    with ExitStack() as running:

        @cache
        def databases(kind: str) -> Databases:
            if kind == "sqlite":
                return SqliteFiles(tmp_path_factory.mktemp("sqlite"))
            from postgres import PostgresServer  # noqa: PLC0415 - only where it is wanted

            return running.enter_context(PostgresServer())

        yield databases


@pytest.fixture(scope="module")
def databases(databases_of: Callable[[str], Databases], database_kind: str) -> Databases:
    return databases_of(database_kind)


@dataclass(frozen=True)
class Installation:
    """A running configuration and the app over it."""

    settings: Settings
    app: Flask


@contextmanager
def past_the_walls(database: Database) -> Iterator[Connection]:
    """A look at, or a hand in, the rows of all clinics: for tests that ask what really is there."""
    from screener.store.row_security import see_all  # noqa: PLC0415 - domain tests start without SQL

    with database.engine.begin() as connection:
        see_all(connection)
        yield connection


def tamper(database: Database, *statements: Executable) -> None:
    """As somebody who owns the database can: past the sessions, without the triggers of the audit trail."""
    with past_the_walls(database) as connection:
        if database.is_sqlite:
            for change in ("update", "delete"):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_entries_stay_{change}")
        else:
            connection.exec_driver_sql("DROP TRIGGER IF EXISTS audit_entries_stay ON audit_entries")
        for statement in statements:
            connection.execute(statement)


def settings_of(settings: Settings) -> dict[str, str]:
    """As the environment tells a command of them."""
    return {f"SCREENER_{each.name.upper()}": str(getattr(settings, each.name)) for each in fields(settings)}


def make_installation(database_url: str) -> Installation:
    """Two clinics, `acme` (framed by one site) and `other`, one person a role at each, and their owner."""
    from screener import create_app  # noqa: PLC0415 - domain tests start without the web
    from screener.settings import Settings  # noqa: PLC0415 - likewise
    from screener.store.clinics import add_clinic  # noqa: PLC0415 - likewise
    from screener.store.migrations import migrate  # noqa: PLC0415 - likewise

    settings = Settings(
        database_url=database_url,
        secret="a-secret-for-tests-0123456789abcdef",
        password_salt="a-salt-for-tests-0123456789abcdefgh",
        master_keys="1:" + base64.b64encode(bytes(range(32))).decode(),
        password_memory_kib=64,
        # Tests are faster than people, and come from one place.
        pace="off",
    )
    app = create_app(settings)
    database = app.extensions["screener.database"]
    migrate(database)
    with app.app_context():
        session = database.sessions()
        clinics = {
            slug: add_clinic(
                session,
                slug=slug,
                name=f"{slug.title()} Clinic",
                phone="(626) 555-0100",
                hours="9 to 5",
                time_zone="America/Los_Angeles",
                origins=["https://www.acme.example"] if slug == "acme" else [],
            )
            for slug in ("acme", "other")
        }
        for email, (slug, role) in STAFF.items():
            add_person(app, email, clinics[slug].id if slug else None, [role])
        session.commit()
    return Installation(settings, app)


def add_person(app: Flask, email: str, clinic_id: UUID | None, roles: Collection[str], name: str = "") -> int:
    """A member of staff with a password and an app for codes; their id. Within the app; commit it."""
    from flask_security import hash_password  # noqa: PLC0415 - domain tests start without the web

    from screener.store.staff import add_membership  # noqa: PLC0415 - likewise

    security, session = app.extensions["security"], app.extensions["screener.database"].sessions()
    person = security.datastore.create_user(email=email, name=name or email, password=hash_password(PASSWORD))
    person.is_installation_admin = email == OWNER
    security.datastore.commit()
    secret = security.totp_factory.generate_totp_secret()
    security.datastore.tf_set(person, "authenticator", totp_secret=secret)
    for role in roles if clinic_id else ():
        add_membership(session, staff_id=person.id, clinic_id=clinic_id, role=role)
    return int(person.id)


def next_code(app: Flask, email: str) -> str:
    """What the person's app shows; as if half a minute had passed since the last code they used."""
    from screener.store.staff import find_person  # noqa: PLC0415 - domain tests start without SQL

    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        person = find_person(session, email)
        assert person is not None
        person.totp_counter = None
        session.commit()
        code: str = app.extensions["security"].totp_factory.generate_totp_password(person.tf_totp_secret)
        return code
