"""How a database means to find what it is asked for: by an index, or by reading all there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import event

from screener.store.database import Database
from screener.store.tables import Base

# Of these a clinic has a few, however many patients it has; of the drafts what a week brings.
FEW: Final = frozenset(
    {
        *("clinics", "clinic_keys", "audit_heads", "paces", "drafts"),
        *(
            "staff",
            "staff_roles",
            "roles_users",
            "staff_passkeys",
            "memberships",
            "saved_views",
            "notice_recipients",
        ),
        *("api_tokens", "exports", "webhook_endpoints"),
    }
)
GROWING: Final = tuple(sorted(set(Base.metadata.tables) - FEW))
_SQLITE_STEP: Final = re.compile(r"(SCAN|SEARCH) (\w+)(?:.*? \((.*)\))?")
_SQLITE_BOUND: Final = re.compile(r"(\w+)(?=[=<>])")
_POSTGRESQL_STEP: Final = re.compile(r"(?:->\s+)?(?:Seq|Index|Index Only|Bitmap Heap) Scan.* on (\w+)")
_POSTGRESQL_BOUND: Final = re.compile(r"\(+(\w+)\)?(?:::\w+)? (?:[=<>]+|IS) ")
Found = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Plan:
    statement: str
    steps: tuple[str, ...]
    # Of each look at a growing table: the columns by which an index finds its rows.
    found: tuple[Found, ...]

    @property
    def bounds(self) -> set[str]:
        return {column for _, columns in self.found for column in columns}

    @property
    def sorts(self) -> bool:
        return any("TEMP B-TREE" in step or "Sort" in step for step in self.steps)

    @property
    def reads_all(self) -> bool:
        """Whether it grows with the clinic: the clinic alone bounds it, and no page ends it."""
        ends = "LIMIT" in self.statement and not self.sorts
        return any(columns <= {"clinic_id"} and not (columns and ends) for _, columns in self.found)


@contextmanager
def plans_of(database: Database) -> Iterator[list[Plan]]:
    """Of whatever is read meanwhile."""
    plans: list[Plan] = []
    explain = _on_sqlite if database.is_sqlite else _on_postgresql

    def note(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")) and "set_config" not in statement:
            plans.append(explain(cursor.connection.cursor(), statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield plans
    event.remove(database.engine, "before_cursor_execute", note)


def _on_sqlite(cursor: Any, statement: str, parameters: Any) -> Plan:
    cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
    steps = tuple(row[3] for row in cursor.fetchall())
    # It calls a table as the statement does.
    named = re.findall(rf"\b({'|'.join(GROWING)}) AS (\w+)", statement)
    tables = {alias: table for table, alias in named} | dict(zip(GROWING, GROWING, strict=True))
    found: list[Found] = []
    for step in steps:
        match = _SQLITE_STEP.match(step)
        if match and match[2] in tables:
            columns = _SQLITE_BOUND.findall(match[3] or "") if match[1] == "SEARCH" else ()
            found.append((tables[match[2]], frozenset(columns)))
    return Plan(statement, steps, tuple(found))


def _on_postgresql(cursor: Any, statement: str, parameters: Any) -> Plan:
    cursor.execute(f"EXPLAIN (COSTS OFF) {statement}", parameters)
    steps = tuple(row[0].strip() for row in cursor.fetchall())
    found: list[Found] = []
    is_growing = False
    for step in steps:
        if match := _POSTGRESQL_STEP.match(step):
            is_growing = match[1] in GROWING
            if is_growing:
                found.append((match[1], frozenset()))
        elif step.startswith("Index Cond:") and is_growing:
            table, _ = found.pop()
            found.append((table, frozenset(_POSTGRESQL_BOUND.findall(step))))
    return Plan(statement, steps, tuple(found))
