"""Whether this process lives, and whether it can serve: for whatever sends it requests."""

from __future__ import annotations

import os
import signal
from multiprocessing import active_children, parent_process
from threading import Event
from typing import Final

from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from screener.store.clinics import find_shut
from screener.store.database import begin_reading
from screener.store.migrations import pending
from screener.web.access import database, db
from screener.web.transaction import RETRY_AFTER_SECONDS

# Said to a server's processes before they are stopped.
_LEAVE: Final = signal.SIGUSR1
_leaving: Final = Event()


def hear_of_leaving() -> None:
    """In a process that our server began: once it hears that it will be stopped, it is not ready any more."""
    if parent_process() is not None:
        signal.signal(_LEAVE, lambda *_: _leaving.set())


def say_leaving() -> None:
    """To each process that this one began."""
    for process in active_children():
        if process.pid:
            os.kill(process.pid, _LEAVE)


def install(app: Flask) -> None:
    app.add_url_rule("/healthz", "healthz", lambda: _tell("ok"))
    app.add_url_rule("/readyz", "readyz", _show)


def _show() -> Response:
    missing = _missing()
    return _tell(f"not ready: {missing}", 503) if missing else _tell("ready")


def _missing() -> str | None:
    """Why nobody should be sent here, in a word."""
    if _leaving.is_set():
        return "leaving"
    try:
        if pending(database()):
            return "migrations"
        begin_reading(db())
        return "keys" if find_shut(db(), most=1) else None
    except SQLAlchemyError:
        db().rollback()
        return "database"


def _tell(words: str, status: int = 200) -> Response:
    later = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status != 200 else {}  # noqa: PLR2004 - it is OK
    return Response(f"{words}\n", status, later, mimetype="text/plain")
