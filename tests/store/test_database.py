"""The database itself: migrations, durability, limits, and what it refuses."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.orm import Session
from store.builders import make_clinic

from screener.store import database as database_module
from screener.store.database import Base, Database, Limits, begin_reading, new_id
from screener.store.migrations import migrate, pending
from screener.store.tables import Clinic, Membership
from screener.store.vault import Vault


def test_the_migrations_build_what_the_tables_say(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
        migrated = inspect(connection)
        for table in Base.metadata.sorted_tables:
            for kept, said in (
                (migrated.get_check_constraints(table.name), "ck"),
                (migrated.get_foreign_keys(table.name), "fk"),
                (migrated.get_unique_constraints(table.name), "uq"),
            ):
                names = {c.name for c in table.constraints if str(c.name).startswith(f"{said}_")}
                assert {constraint["name"] for constraint in kept} == names
    assert not pending(database)


def test_processes_that_start_together_migrate_once(empty_url: str, vault: Vault) -> None:
    databases = [Database(empty_url, vault) for _ in range(4)]
    assert pending(databases[0])
    with ThreadPoolExecutor() as pool:
        list(pool.map(migrate, databases))
    assert not any(pending(database) for database in databases)
    for database in databases:
        database.dispose()


def test_a_migration_that_breaks_leaves_nothing(empty_url: str, vault: Vault) -> None:
    database = Database(empty_url, vault)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE outbox_messages (id INTEGER)"))
    with pytest.raises(DBAPIError):
        migrate(database)
    assert inspect(database.engine).get_table_names() == ["outbox_messages"]
    database.dispose()


@pytest.mark.sqlite_only("PostgreSQL's settings are its server's")
@pytest.mark.parametrize(("safe_since", "journal"), [((3, 0, 0), ("wal", 2)), ((99, 0, 0), ("delete", 3))])
def test_what_was_committed_is_on_disk(
    url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch, safe_since: object, journal: tuple[str, int]
) -> None:
    monkeypatch.setattr(database_module, "_SAFE_WAL", safe_since)
    database = Database(url, vault)
    names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "trusted_schema")
    with database.engine.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
    database.dispose()
    assert settings == [*journal, 1, 1, 0]


@pytest.mark.sqlite_only("about the driver")
def test_the_interpreters_own_sqlite_will_do(url: str, vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_module, "_sqlite_module", lambda: sqlite3)
    database = Database(url, vault)
    with database.new_session() as session:
        make_clinic(session, "east")
        session.commit()
        assert session.scalar(select(Clinic.slug)) == "east"
    database.dispose()


def test_the_examination_names_what_could_lose_a_receipt(database: Database) -> None:
    # The tests' PostgreSQL runs without these, to be quick.
    lost = [] if database.is_sqlite else ["fsync", "synchronous_commit"]
    told, problems = database.examine()
    assert told
    assert [problem.split()[0] for problem in problems] == lost


def test_the_database_ends_what_takes_too_long(url: str, vault: Vault) -> None:
    database = Database(url, vault, Limits(statement=1, lock=2, idle=3))
    asked = ["PRAGMA busy_timeout"]
    if not database.is_sqlite:
        asked = ["SHOW statement_timeout", "SHOW lock_timeout", "SHOW idle_in_transaction_session_timeout"]
        with database.engine.connect() as connection, pytest.raises(DBAPIError, match="statement timeout"):
            connection.exec_driver_sql("SELECT pg_sleep(5)")
    # What is let take its time ends with itself.
    database.forget_deleted("drafts")
    with database.engine.connect() as connection:
        told = [connection.exec_driver_sql(each).scalar() for each in asked]
    assert told == ([2000] if database.is_sqlite else ["1s", "2s", "3s"])
    database.dispose()


def test_reading_waits_for_no_writer(database: Database, session: Session, clinic: Clinic) -> None:
    clinic.name = "Being written"
    session.flush()
    with database.new_session() as reader:
        begin_reading(reader)
        assert reader.scalar(select(Clinic.name)) == "North"


def test_failures_show_no_values(session: Session, clinic: Clinic) -> None:
    canary = "Quetzalcoatlus"
    session.add(Membership(staff_id=1, clinic_id=clinic.id, role=canary))
    with pytest.raises(DBAPIError) as failed:
        session.flush()
    assert canary not in str(failed.value)


def test_naive_times_are_refused(session: Session, clinic: Clinic) -> None:
    clinic.disabled_at = datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None)
    with pytest.raises(StatementError, match="time zone"):
        session.flush()


def test_other_databases_are_refused(vault: Vault) -> None:
    with pytest.raises(ValueError, match="sqlite"):
        Database("mysql://localhost/x", vault)


def test_ids_are_version_seven_and_run_with_time() -> None:
    ids = [new_id() for _ in range(50)]
    assert all((made.version, made.variant) == (7, "specified in RFC 4122") for made in ids)
    assert len(set(ids)) == 50
    seconds = [(made.int >> 80) / 1000 for made in ids]
    assert seconds == sorted(seconds)
    assert abs(time.time() - seconds[-1]) < 60


def test_each_session_has_its_own_clinic_and_the_vault(database: Database, vault: Vault) -> None:
    with database.new_session() as one, database.new_session() as two:
        one.info["clinic_id"] = new_id()
        assert "clinic_id" not in two.info
        assert one.info["vault"] is vault
    assert database.sessions() is database.sessions()


def test_a_new_file_is_its_owners_alone(tmp_path: Path, vault: Vault) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}", vault)
    migrate(database)
    rights = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    assert rights["new.db"] == 0o600
    assert set(rights.values()) == {0o600}


@pytest.mark.parametrize(
    ("address", "hosts", "ports", "wanted"),
    [
        ("postgresql://u:p%40s@one:5433,two/db", "one,two", "5433,5432", "read-write"),
        ("postgresql+psycopg://u:p%40s@[::1],two/db", "::1,two", "5432,5432", "read-write"),
        (
            "postgresql+psycopg://u:p%40s@/db?host=one:5433&host=two:5434",
            "one,two",
            "5433,5434",
            "read-write",
        ),
        ("postgresql://u:p%40s@one,two/db?target_session_attrs=any", "one,two", "5432,5432", "any"),
    ],
)
def test_an_address_of_several_servers_means_the_one_that_writes(
    vault: Vault, address: str, hosts: str, ports: str, wanted: str
) -> None:
    database = Database(address, vault)
    _, told = database.engine.dialect.create_connect_args(database.url)
    assert (told["host"], told["port"], told["target_session_attrs"]) == (hosts, ports, wanted)
    assert (told["user"], told["password"], told["dbname"]) == ("u", "p@s", "db")


def test_an_address_that_cannot_be_read_is_not_told_again(vault: Vault) -> None:
    with pytest.raises(ValueError, match="several servers are named like this") as refused:
        Database("postgresql://u:quetzalcoatlus@one,two:port:s/db?what=1", vault)
    assert "quetzalcoatlus" not in str(refused.value)
