"""A real database for each test: a copy of one that was migrated, on SQLite and on PostgreSQL."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest
from conftest import Databases, run_on
from sqlalchemy.orm import Session
from store.builders import make_clinic

from screener.store.database import Database
from screener.store.migrations import migrate
from screener.store.tables import Clinic
from screener.store.tenancy import enter_clinic
from screener.store.vault import MasterKeys, Vault, new_key


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    run_on(metafunc, both=not metafunc.definition.get_closest_marker("sqlite_only"))


@pytest.fixture(scope="session")
def vault() -> Vault:
    return Vault(MasterKeys.parse(MasterKeys.new_text()), new_key())


@pytest.fixture(scope="session")
def migrated_in(vault: Vault) -> Callable[[Databases], str]:
    """The database to copy: made once of each kind."""

    @cache
    def migrated(databases: Databases) -> str:
        url = databases.create()
        database = Database(url, vault)
        migrate(database)
        database.dispose()
        return url

    return migrated


@pytest.fixture
def url(databases: Databases, migrated_in: Callable[[Databases], str]) -> Iterator[str]:
    url = databases.create(migrated_in(databases))
    yield url
    databases.drop(url)


@pytest.fixture
def empty_url(databases: Databases) -> Iterator[str]:
    """A database before `screener setup`."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
def database(url: str, vault: Vault) -> Iterator[Database]:
    database = Database(url, vault)
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
def entered(session: Session, clinic: Clinic) -> Session:
    """A session inside the clinic."""
    enter_clinic(session, clinic.id)
    return session


@pytest.fixture
def other_clinic(session: Session) -> Clinic:
    clinic = make_clinic(session, "south")
    session.commit()
    return clinic
