"""Who has a request open: told to the next who opens it, and forgotten by itself. Nobody is kept out."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from screener.store.database import change_rows, new_id
from screener.store.tables import Consultation, Opening

LEASE: Final = timedelta(minutes=5)


class OpenedBy(NamedTuple):
    """Somebody who has a request open, and since when."""

    staff_id: int
    since: datetime


def note_opening(session: Session, consultation: Consultation, staff_id: int, now: datetime) -> None:
    """Begins a lease, or renews the one that still runs."""
    of_request = Opening.consultation_id == consultation.id
    lapsed = (of_request, Opening.seen_at <= now - LEASE)
    change_rows(session, delete(Opening).where(*lapsed))
    if _renew(session, consultation, staff_id, now):
        return
    opening = Opening(
        id=new_id(),
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        staff_id=staff_id,
        opened_at=now,
        seen_at=now,
    )
    try:
        with session.begin_nested():
            session.add(opening)
    except IntegrityError:
        # The person's other tab was faster.
        _renew(session, consultation, staff_id, now)


def _renew(session: Session, consultation: Consultation, staff_id: int, now: datetime) -> bool:
    renewed = (
        update(Opening)
        .where(Opening.consultation_id == consultation.id, Opening.staff_id == staff_id)
        .values(seen_at=now)
    )
    return change_rows(session, renewed) > 0


def list_others(session: Session, consultation: Consultation, staff_id: int, now: datetime) -> list[OpenedBy]:
    """Who else has it open, the first of them first."""
    rows = session.execute(
        select(Opening.staff_id, Opening.opened_at)
        .where(
            Opening.consultation_id == consultation.id,
            Opening.staff_id != staff_id,
            Opening.seen_at > now - LEASE,
        )
        .order_by(Opening.opened_at, Opening.id)
    )
    return [OpenedBy(row.staff_id, row.opened_at) for row in rows]
