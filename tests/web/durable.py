"""Counts what costs a flush of the disk: commits of transactions that wrote something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import event

_WRITTEN = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)


@contextmanager
def durable_commits(app: Flask) -> Iterator[list[set[str]]]:
    """Of each such commit the tables it wrote to, in order."""
    engine = app.extensions["screener.database"].engine
    commits: list[set[str]] = []
    written: set[str] = set()

    def note(_connection: Any, cursor: Any, statement: str, *_more: Any) -> None:
        table = _WRITTEN.match(statement)
        # A look for what is over, and nothing was, leaves nothing to flush.
        if table and cursor.rowcount:
            written.add(table[1])

    def end(_connection: Any) -> None:
        if written:
            commits.append(set(written))
        written.clear()

    def forget(_connection: Any) -> None:
        written.clear()

    listening = (("after_cursor_execute", note), ("commit", end), ("rollback", forget))
    for name, told in listening:
        event.listen(engine, name, told)
    try:
        yield commits
    finally:
        for name, told in listening:
            event.remove(engine, name, told)
