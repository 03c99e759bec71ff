"""What the database would read for a statement: whole tables, or all of a clinic's rows in one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import Connection, event

# Of these a clinic has a few, however many patients it has.
FEW = frozenset({"audit_heads", "clinic_keys", "clinics", "notice_recipients", "webhook_endpoints"})
# Of these it has what a week brings: to look for what is over, a clinic's are read.
A_WEEKS = frozenset({"drafts"})
_READS = re.compile(r"\s*(?:SELECT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_SCAN = re.compile(r"SCAN (\w+)")
_SEARCH = re.compile(r"SEARCH (\w+) USING .*\(clinic_id=\?\)$")


@contextmanager
def whole_reads(app: Flask) -> Iterator[dict[str, list[str]]]:
    """Of each table that was read whole, or by its clinic alone, the statements that did."""
    engine = app.extensions["screener.database"].engine
    found: dict[str, list[str]] = {}
    plan = _sqlite_reads if engine.dialect.name == "sqlite" else _postgresql_reads

    def explain(connection: Connection, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if _READS.match(statement) and "set_config" not in statement:
            for table in plan(connection, statement, values):
                found.setdefault(table, []).append(statement)

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def _sqlite_reads(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    names = _aliases(statement)
    cursor = connection.connection.cursor()
    for *_, step in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall():
        # A page of a list reads what it shows, in the order of the index.
        whole, of_clinic = _SCAN.match(step), "LIMIT" not in statement and _SEARCH.match(step)
        for read, may_be in ((whole, FEW | {"CONSTANT"}), (of_clinic, FEW | A_WEEKS)):
            table = names.get(read[1], read[1]) if read else ""
            if table and table not in may_be:
                yield table


def _aliases(statement: str) -> dict[str, str]:
    return {alias: table for table, alias in re.findall(r"(?:FROM|JOIN|,) (\w+) AS (\w+)", statement)}


def _postgresql_reads(connection: Connection, statement: str, values: Any) -> Iterator[str]:
    """With all that is small taken for large. Without figures of a table's rows PostgreSQL may take any
    index that begins with the clinic, so here only those count that use none."""
    cursor = connection.connection.cursor()
    cursor.execute("SET LOCAL enable_seqscan = off")
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", values)
    (told,) = cursor.fetchone() or ("[]",)
    plans = json.loads(told) if isinstance(told, str) else told
    for node in _nodes(plans[0]["Plan"]):
        is_whole = node["Node Type"] == "Seq Scan" or (
            node["Node Type"].startswith("Index") and "Index Cond" not in node and "LIMIT" not in statement
        )
        if is_whole and node.get("Relation Name", "") not in FEW | {""}:
            yield node["Relation Name"]


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)
