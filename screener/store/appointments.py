"""Appointments: when the patient comes. Each change is a row of its own; the last one holds."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store import audit
from screener.store.audit import request_subject
from screener.store.database import new_id
from screener.store.one_time_keys import find_written
from screener.store.staff import called_here
from screener.store.tables import Appointment, Consultation, User
from screener.store.webhooks import announce


class Arranged(NamedTuple):
    """What was arranged; called off if it has no time."""

    id: UUID
    at: datetime
    staff_name: str
    starts_at: datetime | None
    minutes: int | None


def add_appointment(
    session: Session,
    consultation: Consultation,
    *,
    starts_at: datetime | None,
    minutes: int | None,
    staff_id: int,
    now: datetime,
    row_id: UUID | None = None,
) -> Appointment:
    """Raise SentBeforeError if another arrangement has this id."""
    row_id = row_id or new_id()

    def is_same(row: Appointment) -> bool:
        return (row.starts_at, row.minutes) == (starts_at, minutes)

    if written := find_written(session, Appointment, row_id, is_same):
        return written
    row = Appointment(
        id=row_id,
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        staff_id=staff_id,
        starts_at=starts_at,
        minutes=minutes,
    )
    session.add(row)
    session.flush()
    what = "appointment_set" if starts_at else "appointment_called_off"
    audit.note(session, what, request_subject(consultation), staff_id=staff_id)
    announce(session, consultation, what, now)
    return row


def list_appointments(session: Session, consultation: Consultation) -> list[Arranged]:
    """What was arranged, changed and called off, oldest first."""
    rows = session.execute(
        select(
            Appointment.id, Appointment.at, called_here(session), Appointment.starts_at, Appointment.minutes
        )
        .outerjoin(User, User.id == Appointment.staff_id)
        .where(Appointment.consultation_id == consultation.id)
        .order_by(Appointment.at, Appointment.id)
    )
    return [Arranged(*row) for row in rows]
