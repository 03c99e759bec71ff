"""PostgreSQL's own wall: what goes around the first one meets it."""

from datetime import timedelta
from uuid import UUID

import pytest
from conftest import Databases, past_the_walls
from postgres import PostgresServer
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session
from store.builders import NOW, make_clinic, make_consultation

from screener.store.database import Base, Database, new_id
from screener.store.drafts import add_draft
from screener.store.migrations import migrate
from screener.store.outbox import lease_mail
from screener.store.row_security import OPEN_TABLES, build_walls, missing_walls
from screener.store.tables import Clinic, Consultation, Draft
from screener.store.tenancy import enter_clinic
from screener.store.vault import Vault

pytestmark = pytest.mark.postgresql_only
WALLED = [t for t in Base.metadata.sorted_tables if "clinic_id" in t.c and t.name not in OPEN_TABLES]


def fill(session: Session, clinic: Clinic) -> None:
    """A request with its mail, and a draft."""
    enter_clinic(session, clinic.id)
    make_consultation(session)
    add_draft(session, clinic.id, {}, NOW)
    session.commit()


@pytest.fixture
def both(database: Database, clinic: Clinic, other_clinic: Clinic) -> tuple[UUID, UUID]:
    """Two clinics with the same kinds of rows."""
    for each in (clinic, other_clinic):
        with database.new_session() as session:
            fill(session, each)
    return clinic.id, other_clinic.id


def clinics_seen(connection: Connection) -> set[UUID]:
    """Whose rows there are, in any table."""
    seen: set[UUID] = set()
    for table in WALLED:
        seen |= set(connection.scalars(select(table.c.clinic_id)))
    return seen


def test_every_table_with_a_clinic_has_a_wall(database: Database) -> None:
    with database.engine.connect() as connection:
        walls = connection.execute(
            text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        )
        assert {row.relname for row in walls} == {table.name for table in WALLED}
        assert missing_walls(connection) == []
        policies = text("SELECT tablename FROM pg_policies WHERE policyname = 'one_clinic'")
        assert set(connection.scalars(policies)) == {table.name for table in WALLED}
        connection.execute(text("CREATE TABLE brand_new (id uuid, clinic_id uuid)"))
        assert missing_walls(connection) == ["brand_new"]
        build_walls(connection)
        assert missing_walls(connection) == []


def test_setup_puts_up_a_wall_that_is_missing(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE drafts DISABLE ROW LEVEL SECURITY"))
    assert [problem for problem in database.examine()[1] if "drafts" in problem]
    migrate(database)
    assert not [problem for problem in database.examine()[1] if "wall" in problem]


def test_around_the_first_wall_no_foreign_row_is_there(database: Database, both: tuple[UUID, UUID]) -> None:
    here, there = both
    with past_the_walls(database) as connection:
        assert clinics_seen(connection) == {here, there}
    with database.engine.connect() as connection:
        assert clinics_seen(connection) == set()
    with database.new_session() as session:
        enter_clinic(session, here)
        assert session.scalars(select(Draft)).one()
        assert clinics_seen(session.connection()) == {here}
        session.commit()
        # Told for the transaction alone: whoever gets the connection next begins with nothing.
        assert clinics_seen(session.connection()) == set()


@pytest.mark.parametrize("table", ["drafts", "consultations", "audit_heads", "clinic_keys"])
def test_around_the_first_wall_no_foreign_row_is_written(
    database: Database, both: tuple[UUID, UUID], table: str
) -> None:
    here, there = both
    with past_the_walls(database) as connection:
        before = connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).all()
        columns = [column for column in Base.metadata.tables[table].c.keys() if column != "id"]  # noqa: SIM118
    with database.new_session() as session:
        enter_clinic(session, here)
        session.scalars(select(Draft)).one()
        connection = session.connection()
        foreign = {"there": there, "new": new_id()}
        of_there = f"{table} WHERE clinic_id = :there"
        assert (
            connection.execute(text(f"UPDATE {table} SET id = id WHERE clinic_id = :there"), foreign).rowcount
            == 0
        )
        assert connection.execute(text(f"DELETE FROM {of_there}"), foreign).rowcount == 0
        copied = ", ".join(":there" if column == "clinic_id" else column for column in columns)
        for writing in (
            f"INSERT INTO {table} (id, {', '.join(columns)}) SELECT :new, {copied} FROM {table}",
            f"UPDATE {table} SET clinic_id = :there",
        ):
            with pytest.raises(ProgrammingError, match="row-level security"), connection.begin_nested():
                connection.execute(text(writing), foreign)
        session.commit()
    with past_the_walls(database) as connection:
        assert connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).all() == before


def test_what_was_told_in_a_savepoint_is_told_again(database: Database, both: tuple[UUID, UUID]) -> None:
    here, _ = both
    with database.new_session() as session:
        enter_clinic(session, here)
        savepoint = session.begin_nested()
        assert session.scalar(select(func.count(Draft.id))) == 1
        savepoint.rollback()
        assert session.scalar(select(func.count(Draft.id))) == 1
        session.rollback()
        assert session.scalar(select(func.count(Draft.id))) == 1


def test_a_look_up_reads_its_own_tables_and_only_the_worker_writes(
    database: Database, both: tuple[UUID, UUID]
) -> None:
    with database.new_session() as session:
        by_token = {"named_lookup": "draft by token"}
        assert len(session.scalars(select(Draft.id).with_for_update(), execution_options=by_token).all()) == 2
        connection = session.connection()
        assert set(connection.scalars(text("SELECT clinic_id FROM drafts"))) == set(both)
        assert connection.scalars(text("SELECT clinic_id FROM consultations")).all() == []
        assert connection.execute(text("DELETE FROM drafts")).rowcount == 0
        with pytest.raises(ProgrammingError, match="row-level security"), connection.begin_nested():
            connection.execute(text("UPDATE drafts SET tries = 4"))
        # The next statement, which is no look-up, ends it.
        enter_clinic(session, both[0])
        assert session.scalars(select(Consultation.clinic_id)).all() == [both[0]]
        assert clinics_seen(session.connection()) == {both[0]}
    with database.new_session() as session:
        leases = [lease_mail(session, ["new_request"], NOW + timedelta(days=1)) for _ in range(3)]
        assert {lease.clinic_id for lease in leases if lease} == set(both)
        assert leases[2] is None


def test_the_wall_ends_no_cascade_and_no_foreign_key(database: Database, both: tuple[UUID, UUID]) -> None:
    with database.new_session() as session:
        enter_clinic(session, both[0])
        session.delete(session.scalars(select(Draft)).one())
        session.commit()
    with past_the_walls(database) as connection:
        for table in ("drafts", "draft_doors"):
            left = connection.scalars(text(f"SELECT clinic_id FROM {table}")).all()
            assert set(left) == {both[1]}


APP, OWNER = "screener_app", "screener_owner"


def test_a_role_of_its_own_serves_and_cannot_take_the_wall_down(databases: Databases, vault: Vault) -> None:
    """As docs/postgresql.md sets it up."""
    assert isinstance(databases, PostgresServer)
    databases.make_role(OWNER, "BYPASSRLS")
    databases.make_role(APP)
    url = databases.create(owner=OWNER)
    owner, app = Database(url, vault), Database(url.replace(OWNER, APP), vault)
    with owner.engine.begin() as connection:
        connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {APP}"))
        for what in ("SELECT, INSERT, UPDATE, DELETE, MAINTAIN ON TABLES", "USAGE ON SEQUENCES"):
            connection.execute(text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {what} TO {APP}"))
    migrate(owner)
    with app.new_session() as session:
        fill(session, make_clinic(session, "north"))
    app.forget_deleted("drafts")
    assert not [problem for problem in app.examine()[1] if "wall" in problem]
    assert [problem for problem in owner.examine()[1] if "passes it" in problem]
    for taking_down in (
        "ALTER TABLE drafts DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE drafts NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY one_clinic ON drafts",
        "TRUNCATE drafts CASCADE",
        f"ALTER ROLE {APP} BYPASSRLS",
        f"SET ROLE {OWNER}",
        "SET session_replication_role = replica",
    ):
        with app.engine.connect() as connection, pytest.raises(ProgrammingError, match=r"owner|permission"):
            connection.execute(text(taking_down))
    with app.engine.connect() as connection:
        assert clinics_seen(connection) == set()
    with owner.engine.connect() as connection:
        assert len(clinics_seen(connection)) == 1
    owner.dispose()
    app.dispose()
    databases.drop(url)
