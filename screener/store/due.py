"""What is owed about requests: call-backs, next tries and tasks, the earliest first."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.domain.follow_up import CALL_BACK, NEXT_TRY, OVER, TASK, Due, end_of_day
from screener.store.clinics import zone_of
from screener.store.database import change_rows
from screener.store.tables import Consultation, ContactEntry, RequestTask

_OVER: Final = tuple(state.value for state in OVER)
_A_BATCH: Final = 500


def earliest_due(session: Session, ids: Collection[UUID], time_zone: str) -> dict[UUID, Due]:
    """What is owed first about each of these requests; those about which nothing is owed are left out.

    Three queries, however many requests.
    """
    found: dict[UUID, Due] = {}
    for owed in (_call_backs(session, ids), _next_tries(session, ids), _tasks(session, ids, time_zone)):
        for consultation_id, due in owed:
            if consultation_id not in found or due.at < found[consultation_id].at:
                found[consultation_id] = due
    return found


def note_owed(session: Session, *ids: UUID) -> None:
    """Write down what is owed first about these requests, after something of that has changed.

    Like an owner it changes nothing of them: no open form grows stale.
    """
    # Whoever comes at the same time waits here and then sees what was written; else the later would miss it.
    # The key stays shared, since each has just written something that refers to the row.
    held = select(Consultation.id).where(Consultation.id.in_(ids)).order_by(Consultation.id)
    session.execute(held.with_for_update(key_share=True))
    dues = earliest_due(session, ids, zone_of(session))
    for row_id in ids:
        due = dues.get(row_id)
        owed = update(Consultation).where(Consultation.id == row_id).values(owed_at=due.at if due else None)
        change_rows(session, owed)


def note_all_by_day(session: Session) -> None:
    """The same of whatever is owed by the end of a day, after the clinic's day has changed."""
    with_tasks = iter(session.scalars(select(RequestTask.consultation_id).where(_is_open()).distinct()).all())
    # PostgreSQL takes no more than 65,535 ids at once.
    while batch := list(islice(with_tasks, _A_BATCH)):
        note_owed(session, *batch)


def _is_open() -> ColumnElement[bool]:
    return RequestTask.done_at.is_(None)


def _tried() -> ColumnElement[bool]:
    return exists().where(
        ContactEntry.clinic_id == Consultation.clinic_id, ContactEntry.consultation_id == Consultation.id
    )


def _call_backs(session: Session, ids: Collection[UUID]) -> Iterator[tuple[UUID, Due]]:
    rows = session.execute(
        select(Consultation.id, Consultation.due_at).where(
            Consultation.id.in_(ids),
            Consultation.state.not_in(_OVER),
            ~_tried(),
        )
    )
    for consultation_id, due_at in rows:
        if due_at is not None:
            yield consultation_id, Due(due_at, CALL_BACK)


def _next_tries(session: Session, ids: Collection[UUID]) -> Iterator[tuple[UUID, Due]]:
    """A later try settles what was planned before it."""
    rows = session.execute(
        select(ContactEntry.consultation_id, ContactEntry.next_try_at)
        .join(Consultation, Consultation.id == ContactEntry.consultation_id)
        .where(ContactEntry.consultation_id.in_(ids), Consultation.state.not_in(_OVER))
        .order_by(ContactEntry.at, ContactEntry.id)
    )
    last = {row.consultation_id: row.next_try_at for row in rows}
    for consultation_id, planned in last.items():
        if planned is not None:
            yield consultation_id, Due(planned, NEXT_TRY)


def _tasks(session: Session, ids: Collection[UUID], time_zone: str) -> Iterator[tuple[UUID, Due]]:
    rows = session.execute(
        select(RequestTask.consultation_id, RequestTask.due_on).where(
            RequestTask.consultation_id.in_(ids), _is_open()
        )
    )
    for consultation_id, due_on in rows:
        yield consultation_id, Due(end_of_day(due_on, time_zone), TASK)
