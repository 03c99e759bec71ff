"""Once an hour at each clinic: staff are reminded of what is overdue, and what is over is deleted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from screener.store.consultations import WRITTEN_BY_STAFF
from screener.store.database import Database, begin_reading
from screener.store.errors import StoreError
from screener.store.notices import list_inboxes, remind_staff
from screener.store.retention import (
    clinic_ids,
    count_over,
    periods_of,
    remove_leavings,
    remove_old_sign_ins,
    remove_over_drafts,
    remove_over_requests,
)
from screener.store.tables import Clinic, Consultation, Draft, DraftDoor, OutboxMessage, Screening
from screener.store.tenancy import enter_clinic
from screener.web.deliver import Carrier
from screener.web.logs import get_log
from screener.web.metrics import Meters

_AN_HOUR: Final = 3600.0
Remove: TypeAlias = Callable[[Session, Clinic, datetime], int]
REMOVED: Final[dict[str, Remove]] = {
    "requests": remove_over_requests,
    "drafts": remove_over_drafts,
    "leavings": remove_leavings,
}
# Where something that was said stood, and may still be read in the files.
_SAID: Final = tuple(
    table.__tablename__
    for table in (Consultation, Screening, OutboxMessage, Draft, DraftDoor, *WRITTEN_BY_STAFF)
)

log = get_log(__name__)


class Swept(NamedTuple):
    """What went of a clinic in one transaction."""

    slug: str
    kind: str
    number: int


class Sweeper(Carrier):
    """The worker's round: begun at most once an hour, and left in its middle if the worker stops."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._due = 0.0
        self._meters: Meters = app.extensions["screener.meters"]

    def deliver_next(self) -> bool:
        """Sweeps if an hour has passed. Always False: nothing is due again at once."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + _AN_HOUR
        if self._settings.can_mail:
            remind(self._database, datetime.now(UTC))
        counts: Counter[str] = Counter()
        for swept in sweep(self._database, datetime.now(UTC)):
            counts[swept.kind] += swept.number
            if self.is_stopping:
                break
        self._meters.count_swept(counts)
        for kind, number in counts.items():
            log.info("swept", kind=kind, number=number)
        return False


def sweep(database: Database, now: datetime) -> Iterator[Swept]:
    """Deletes what is over, and tells it as it goes. Another sweep at the same time does no harm.

    Where something cannot be deleted all else is, and the next sweep tries it again.
    """
    with _trying("sign-ins"), database.new_session() as session:
        remove_old_sign_ins(session, now)
        session.commit()
    removed = 0
    try:
        for clinic_id in _clinics(database):
            for kind, remove in REMOVED.items():
                with _trying(kind):
                    for swept in _in_batches(database, clinic_id, kind, remove, now):
                        removed += swept.number
                        yield swept
    finally:
        if removed:
            database.forget_deleted(*_SAID)


def remind(database: Database, now: datetime) -> None:
    """Owes everybody at a clinic word of what is overdue there; the worker mails it like any other."""
    for clinic_id in _clinics(database):
        with _trying("reminders"), database.new_session() as session:
            enter_clinic(session, clinic_id)
            if session.get_one(Clinic, clinic_id).disabled_at is not None:
                continue
            owed = remind_staff(session, now)
            session.commit()
            if owed:
                log.info("reminded", number=owed)
            for inbox in list_inboxes(session, now):
                if inbox.address is None:
                    log.error("an inbox cannot be told: its address does not open", message=str(inbox.id))


def _clinics(database: Database) -> list[UUID]:
    with database.new_session() as session:
        begin_reading(session)
        return clinic_ids(session)


def _in_batches(
    database: Database, clinic_id: UUID, kind: str, remove: Remove, now: datetime
) -> Iterator[Swept]:
    while True:
        with database.new_session() as session:
            enter_clinic(session, clinic_id)
            clinic = session.get_one(Clinic, clinic_id)
            count = remove(session, clinic, now)
            session.commit()
        if not count:
            return
        yield Swept(clinic.slug, kind, count)


@contextmanager
def _trying(what: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, StoreError) as error:
        # Its words may hold values.
        log.error("not swept", kind=what, error=type(error).__name__)  # noqa: TRY400


def foresee(database: Database, now: datetime) -> Iterator[Swept]:
    """What `sweep` would delete now of what was said; nothing is."""
    for clinic_id in _clinics(database):
        with database.new_session() as session:
            begin_reading(session)
            enter_clinic(session, clinic_id)
            clinic = session.get_one(Clinic, clinic_id)
            found = count_over(session, periods_of(clinic), clinic.time_zone, now)
        yield from (Swept(clinic.slug, kind, count) for kind, count in found._asdict().items() if count)
