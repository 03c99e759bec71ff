"""Every revision, up and down, with rows in every table: nothing is lost that both sides have a place for."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import pytest
from alembic.script import ScriptDirectory
from conftest import past_the_walls
from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    Table,
    Time,
    Uuid,
    inspect,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from store.builders import NOW

from screener.store.database import Base, Database, UtcDateTime, new_id
from screener.store.migrations import FOLDER, migrate, pending
from screener.store.row_security import missing_walls
from screener.store.vault import Vault

# The oldest first.
REVISIONS = [script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions()][::-1]
# Table -> each of its rows, as text by column.
Rows: TypeAlias = dict[str, list[dict[str, str]]]


def fill(database: Database) -> None:
    """Two clinics with a row in each table: one with all it can hold, one with what it must."""
    with past_the_walls(database) as connection:
        for number in range(2):
            made: dict[str, dict[str, Any]] = {}
            for table in Base.metadata.sorted_tables:
                made[table.name] = _make_row(table, number, made)
                connection.execute(table.insert(), made[table.name])


def _make_row(table: Table, number: int, made: dict[str, dict[str, Any]]) -> dict[str, Any]:
    full = number == 0 and not table.name.startswith("staff")
    row = {c.name: _make_value(table, c, number) for c in table.columns if full or not c.nullable}
    for constraint in table.foreign_key_constraints:
        for key in constraint.elements:
            if key.parent.name in row:
                row[key.parent.name] = made[key.column.table.name][key.column.name]
    return row


def _make_value(table: Table, column: Column[Any], number: int) -> Any:
    if column.name == "time_zone":
        return "America/New_York"
    for check in table.constraints:
        if isinstance(check, CheckConstraint):
            allowed = re.match(rf"{column.name} IN \('(\w+)'", str(check.sqltext))
            if allowed:
                return allowed[1]
    values = (
        (Uuid, new_id()),
        (Boolean, True),
        (Integer, number + 1),
        (LargeBinary, f"bytes {number}".encode()),
        (JSON, ["list", number]),
        ((DateTime, UtcDateTime), NOW),
        (Date, NOW.date()),
        (Time, NOW.time()),
    )
    return next((value for kind, value in values if isinstance(column.type, kind)), f"t{number}")


def shape_of(database: Database) -> dict[str, Any]:
    """What the database looks like, but for the order of columns."""
    with database.engine.connect() as connection:
        seen = inspect(connection)
        shape: dict[str, Any] = {}
        for table in sorted(seen.get_table_names()):
            columns = {
                (c["name"], str(c["type"]), c["nullable"], c["default"]) for c in seen.get_columns(table)
            }
            keys = (
                *seen.get_foreign_keys(table),
                *seen.get_unique_constraints(table),
                *seen.get_check_constraints(table),
                *seen.get_indexes(table),
            )
            shape[table] = columns, {str(sorted(key.items())) for key in keys}
        triggers = (
            "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            if database.is_sqlite
            else "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
        )
        shape["triggers"] = set(connection.scalars(text(triggers)))
        shape["without a wall"] = missing_walls(connection)
        return shape


def rows_of(database: Database) -> Rows:
    with past_the_walls(database) as connection:
        tables = [name for name in inspect(connection).get_table_names() if name != "alembic_version"]
        return {
            table: [
                {name: repr(value) for name, value in row.items()}
                for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).mappings()
            ]
            for table in tables
        }


def assert_kept(older: Rows, newer: Rows, gone: int = 0) -> None:
    """The same rows in both, as far as both have a place for them; but for those that no older one has."""
    for table in sorted(older.keys() & newer.keys()):
        places = older[table][0].keys() & newer[table][0].keys()
        kept, all_of = (
            {tuple((p, row[p]) for p in sorted(places)) for row in at[table]} for at in (older, newer)
        )
        assert kept <= all_of, table
        assert len(all_of) - len(kept) == (gone if table == "outbox_messages" else 0), table


@pytest.fixture
def shapes(empty_url: str, vault: Vault) -> dict[str, Any]:
    """Revision -> what the database looks like, on the way up from nothing."""
    database, found = Database(empty_url, vault), {}
    for revision in REVISIONS:
        migrate(database, revision)
        found[revision] = shape_of(database)
    migrate(database, "base", down=True)
    found["base"] = shape_of(database)
    database.dispose()
    return found


def test_every_revision_goes_down_and_up_and_keeps_the_rows(
    database: Database, shapes: dict[str, Any]
) -> None:
    fill(database)
    for below, revision in reversed(list(zip(["base", *REVISIONS[:-1]], REVISIONS, strict=True))):
        before = rows_of(database)
        assert all(before.values())
        if revision == "mail":
            assert_refused(database, below)
            before = rows_of(database)
        migrate(database, below, down=True)
        assert shape_of(database) == shapes[below]
        down = rows_of(database)
        # A notice to staff goes with the table of whom it went to.
        assert_kept(down, before, gone=revision == "notices")
        migrate(database, revision)
        assert shape_of(database) == shapes[revision]
        assert_kept(down, rows_of(database))
        migrate(database, below, down=True)
        assert rows_of(database) == down
    assert pending(database)
    migrate(database)
    assert shape_of(database) == shapes[REVISIONS[-1]]


def assert_refused(database: Database, revision: str) -> None:
    """What has no place in the older tables keeps them from coming back, until somebody took it out."""
    before = rows_of(database)
    with pytest.raises(IntegrityError):
        migrate(database, revision, down=True)
    assert rows_of(database) == before
    of_clinic = "FROM {0} WHERE {0}.clinic_id = {1}.clinic_id"
    with past_the_walls(database) as connection:
        for table, column, parent in (
            ("consultations", "screening_id", "screenings"),
            ("outbox_messages", "consultation_id", "consultations"),
        ):
            found = f"(SELECT id {of_clinic.format(parent, table)})"
            connection.execute(text(f"UPDATE {table} SET {column} = {found} WHERE {column} IS NULL"))
        contact = Base.metadata.tables["consultations"].c.sealed_contact
        connection.execute(update(contact.table).where(contact.is_(None)).values(sealed_contact=b"contact"))
