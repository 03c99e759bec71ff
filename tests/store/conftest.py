"""A real database for each test: a copy of one migrated SQLite file, or PostgreSQL where a URL is given."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from store.builders import SERVER_URL, make_clinic

from screener.store.database import Base, Database
from screener.store.migrations import migrate
from screener.store.tables import Clinic
from screener.store.vault import MasterKeys, Vault, new_key


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(MasterKeys.parse(MasterKeys.new_text()), new_key())


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory, vault: Vault) -> Path | None:
    """The file to copy; None on a server, whose tables are emptied instead."""
    if SERVER_URL:
        server = Database(SERVER_URL, vault)
        with server.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        migrate(server)
        server.dispose()
        return None
    path = tmp_path_factory.mktemp("migrated") / "screener.sqlite"
    database = Database(f"sqlite:///{path}", vault)
    migrate(database)
    database.dispose()
    return path


@pytest.fixture
def url(migrated: Path | None, tmp_path: Path) -> str:
    if migrated is None:
        return SERVER_URL or ""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'screener.sqlite')}"


@pytest.fixture
def database(url: str, vault: Vault) -> Iterator[Database]:
    database = Database(url, vault)
    if SERVER_URL:
        tables = ", ".join(Base.metadata.tables)
        with database.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    yield database
    database.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.new_session() as session:
        yield session


@pytest.fixture
def clinic(session: Session) -> Clinic:
    """A clinic, not entered, and committed."""
    clinic = make_clinic(session, "north")
    session.commit()
    return clinic


@pytest.fixture
def other_clinic(session: Session) -> Clinic:
    clinic = make_clinic(session, "south")
    session.commit()
    return clinic
