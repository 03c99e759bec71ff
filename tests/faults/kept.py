"""What is in the database after a rig, held against what people were told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from conftest import past_the_walls
from faults.rig import screener
from faults.traffic import Traffic, reference_at
from flask import Flask
from sqlalchemy import func, select
from web.walking import at_clinic

from screener import create_app
from screener.settings import Settings
from screener.store.consultations import read_contact
from screener.store.database import Database
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Consultation, OutboxMessage, Screening


@contextmanager
def opened(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    try:
        yield app
    finally:
        app.extensions["screener.database"].dispose()


def requests_in(settings: Settings) -> dict[str, list[str]]:
    """Of each name the references of its requests; contact and answers are opened on the way."""
    found: dict[str, list[str]] = defaultdict(list)
    with opened(settings) as app, at_clinic(app, "acme") as (session, _):
        for row in session.scalars(select(Consultation)):
            read_screening(session, get_screening(session, row.screening_id))
            found[read_contact(session, row)["contact_name"]].append(row.reference)
    return found


def judge(settings: Settings, traffic: Traffic) -> dict[str, int]:
    """How often each promise was broken. Everybody has finished, and the server answers."""
    found, acked = requests_in(settings), traffic.acked
    shown = {name: reference_at(traffic.server, receipt) for name, receipt in traffic.receipts.items()}
    verified = screener(settings, "audit", "verify")
    with opened(settings) as app:
        halves, damaged = _count_halves(app), _is_damaged(app.extensions["screener.database"])
    return {
        "lost": len(acked.keys() - found.keys()),
        "twice": sum(len(references) > 1 for references in found.values()),
        # Everybody went on until they were told, so there can be no others.
        "nobody was told of": len(found.keys() - acked.keys()),
        "receipts that do not show theirs": sum([shown[name]] != found.get(name) for name in shown),
        "half-saved": halves,
        "databases damaged": int(damaged),
        "audit trails broken": int(verified.returncode != 0),
        "answers that nobody should get": len(traffic.wrong),
    }


def _count_halves(app: Flask) -> int:
    """Answers without a request, and requests that do not owe the clinic its one message."""
    with at_clinic(app, "acme") as (session, _):
        owed = select(OutboxMessage.consultation_id).where(OutboxMessage.kind == "new_request")
        counts = dict.fromkeys(session.scalars(select(Consultation.id)), 0)
        for consultation_id in session.scalars(owed):
            counts[consultation_id] += 1
        screenings = session.scalar(select(func.count()).select_from(Screening)) or 0
        return abs(screenings - len(counts)) + sum(count != 1 for count in counts.values())


def _is_damaged(database: Database) -> bool:
    if not database.is_sqlite:
        # Every row was read, and PostgreSQL checks its pages as it reads them.
        return False
    with past_the_walls(database) as connection:
        return bool(connection.exec_driver_sql("PRAGMA integrity_check").scalar() != "ok")
