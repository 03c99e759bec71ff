"""PostgreSQL's own wall between clinics, behind the first one (tenancy.py): row-level security.

The first covers whatever goes through a session; this one also covers what goes around it. A row is visible
only to a transaction that named its clinic, even if that is the tables' owner's.
"""

from typing import Final

from sqlalchemy import Connection, text

from screener.store.tenancy import CLINIC_SETTING, LOOKUP_SETTING, NAMED_LOOKUPS, tell_clinic

# For migrations and backups, which work on all clinics at once and show nobody anything.
ALL_CLINICS: Final = "all-clinics"
# Has a clinic, but is read at sign-in, before one is known.
OPEN_TABLES: Final = frozenset({"memberships"})
# Where the worker writes down what it took, before it enters the clinic.
_LEASED: Final = frozenset({"outbox_messages", "webhook_deliveries"})

# In a SELECT of its own, so that it is read once a statement and not once a row.
_CLINIC: Final = f"(SELECT nullif(current_setting('{CLINIC_SETTING}', true), '')::uuid)"
_LOOKUP: Final = f"(SELECT current_setting('{LOOKUP_SETTING}', true))"
_TABLES: Final = text(
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AS has_wall FROM pg_class c"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'clinic_id'"
    " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace ORDER BY c.relname"
)
_POLICIES: Final = text("SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()")
_PASSES: Final = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")


def see_all(connection: Connection) -> None:
    """Until the transaction ends, all clinics' rows are there."""
    tell_clinic(connection, None, ALL_CLINICS)


def missing_walls(connection: Connection) -> list[str]:
    """The tables that should have a wall and lack it; none on SQLite, which has no row-level security."""
    if connection.dialect.name != "postgresql":
        return []
    rows = connection.execute(_TABLES)
    return [row.relname for row in rows if row.relname not in OPEN_TABLES and not row.has_wall]


def passes_walls(connection: Connection) -> bool:
    """Whether our role is exempt from the walls: a superuser, or one with BYPASSRLS."""
    return connection.dialect.name == "postgresql" and bool(connection.scalar(_PASSES))


def build_walls(connection: Connection) -> None:
    """Rebuild the walls around every table that holds a clinic's rows.

    A change here reaches existing databases with the next revision, even if that changes nothing else.
    """
    if connection.dialect.name != "postgresql":
        return
    for table, policy in connection.execute(_POLICIES).all():
        connection.execute(text(f"DROP POLICY {policy} ON {table}"))
    for row in connection.execute(_TABLES).all():
        if row.relname not in OPEN_TABLES:
            _build_wall(connection, row.relname)


def _build_wall(connection: Connection, table: str) -> None:
    here = f"clinic_id = {_CLINIC} OR {_LOOKUP} = '{ALL_CLINICS}'"
    policies = {"one_clinic": f"FOR ALL USING ({here})"}
    lookups = [name for name, tables in NAMED_LOOKUPS.items() if table in tables]
    if lookups:
        looked_up = f"{_LOOKUP} IN ({', '.join(map(_quoted, lookups))})"
        policies["look_up"] = f"FOR SELECT USING ({looked_up})"
        # Without it a look-up could hold no row; what it may write is another matter.
        written = looked_up if table in _LEASED else "false"
        policies["hold"] = f"FOR UPDATE USING ({looked_up}) WITH CHECK ({written})"
    for name, rule in policies.items():
        connection.execute(text(f"CREATE POLICY {name} ON {table} {rule}"))
    for how in ("ENABLE", "FORCE"):
        connection.execute(text(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY"))


def _quoted(name: str) -> str:
    return f"'{name}'"
