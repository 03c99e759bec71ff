"""Rows to test with."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, column, table
from sqlalchemy.orm import Session

from screener.store.clinics import add_clinic
from screener.store.consultations import add_consultation
from screener.store.database import Base
from screener.store.screenings import add_screening
from screener.store.staff import add_membership
from screener.store.tables import Clinic, Consultation, Screening, User
from screener.store.tenancy import find_entered_clinic

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@dataclass
class Clock:
    """Each look is a second later."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def make_clinic(session: Session, slug: str, **changes: Any) -> Clinic:
    about = {"name": slug.title(), "phone": "(555) 010-0100", "hours": "8-5", "time_zone": "America/New_York"}
    return add_clinic(session, slug=slug, **(about | changes))


def make_screening(session: Session, **changes: Any) -> Screening:
    about = {
        "document": {"answers": {"head_days": 15}},
        "urgency": "none",
        "article_class": "chronic",
        "questionnaire_version": "1",
        "criteria_version": "1",
        "now": NOW,
    }
    return add_screening(session, **(about | changes))


def make_consultation(session: Session, **changes: Any) -> Consultation:
    about = {
        "contact": {"contact_name": "Ada", "contact_phone": "+15550100"},
        "consent_version": "1",
        "kind": "consultation",
        "language": "en",
        "urgency_rank": 2,
        "due_at": None,
        "idempotency_key": secrets.token_bytes(32),
        "body_digest": secrets.token_bytes(32),
        "receipt_token": secrets.token_urlsafe(32),
        "now": NOW,
    } | changes
    screening = about.pop("screening", None) or make_screening(session)
    return add_consultation(session, screening=screening, **about)


def make_person(session: Session, name: str) -> User:
    person = User(name=name, email=f"{name}@example.org".lower(), active=True, fs_uniquifier=name)
    session.add(person)
    session.flush()
    if clinic_id := find_entered_clinic(session):
        add_membership(session, staff_id=person.id, clinic_id=clinic_id, role="intake")
    return person


def insert_then(connection: Connection, name: str, row: dict[str, Any]) -> None:
    """Into a table of an older database: names the row's columns alone, without today's defaults."""
    today = Base.metadata.tables[name].c
    connection.execute(table(name, *(column(each, today[each].type) for each in row)).insert(), row)
