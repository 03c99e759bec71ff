"""Whether this process lives, and whether it can serve: for whatever sends it requests."""

from __future__ import annotations

from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from screener.store.clinics import find_shut
from screener.store.database import begin_reading
from screener.store.migrations import pending
from screener.web.access import database, db
from screener.web.transaction import RETRY_AFTER_SECONDS


def install(app: Flask) -> None:
    app.add_url_rule("/healthz", "healthz", lambda: _tell("ok"))
    app.add_url_rule("/readyz", "readyz", _show)


def _show() -> Response:
    missing = _missing()
    return _tell(f"not ready: {missing}", 503) if missing else _tell("ready")


def _missing() -> str | None:
    """What must be mended first, in a word."""
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
