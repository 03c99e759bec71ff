"""What is owed about requests: call-backs, next tries and tasks, the earliest first."""

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from screener.domain.follow_up import CALL_BACK, NEXT_TRY, OVER, TASK, Due, end_of_day, last_day_over
from screener.store.tables import Consultation, ContactEntry, RequestTask

_OVER = tuple(state.value for state in OVER)


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


def is_owed_before(moment: datetime, time_zone: str) -> ColumnElement[bool]:
    """Of requests: whether anything about one is owed before this moment, as `earliest_due` says."""
    is_waited_for = Consultation.state.not_in(_OVER)
    call_back = and_(Consultation.due_at.is_not(None), Consultation.due_at < moment, ~_tried())
    # Each look-up stands by itself: the database makes it once, not for each request.
    try_again, later = ContactEntry, aliased(ContactEntry)
    settled = exists().where(
        later.clinic_id == try_again.clinic_id,
        later.consultation_id == try_again.consultation_id,
        or_(later.at > try_again.at, and_(later.at == try_again.at, later.id > try_again.id)),
    )
    tries = select(try_again.consultation_id).where(try_again.next_try_at < moment, ~settled)
    tasks = select(RequestTask.consultation_id).where(
        RequestTask.done_at.is_(None), RequestTask.due_on <= last_day_over(moment, time_zone)
    )
    return or_(
        and_(is_waited_for, or_(call_back, Consultation.id.in_(tries))),
        Consultation.id.in_(tasks),
    )


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
            RequestTask.consultation_id.in_(ids), RequestTask.done_at.is_(None)
        )
    )
    for consultation_id, due_on in rows:
        yield consultation_id, Due(end_of_day(due_on, time_zone), TASK)
