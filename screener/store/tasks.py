"""Tasks: what is to be done about a request, by when and by whom."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import ColumnElement

from screener.store import audit
from screener.store.audit import request_subject
from screener.store.consultations import read_contact
from screener.store.database import new_id
from screener.store.due import note_owed
from screener.store.errors import NotFoundError
from screener.store.one_time_keys import find_written
from screener.store.sealed_text import open_text, seal_text
from screener.store.staff import called_here
from screener.store.tables import Consultation, RequestTask, User


@dataclass(frozen=True)
class Task:
    id: UUID
    reference: str
    patient: str = field(repr=False)
    at: datetime
    staff_name: str
    what: str = field(repr=False)
    due_on: date
    for_staff_id: int
    for_name: str
    done_at: datetime | None
    done_by: str | None


def add_task(
    session: Session,
    consultation: Consultation,
    *,
    what: str,
    due_on: date,
    for_staff_id: int,
    staff_id: int,
    now: datetime,
    row_id: UUID | None = None,
) -> RequestTask:
    """Raise SentBeforeError if another task has this id."""
    row_id = row_id or new_id()

    def is_same(task: RequestTask) -> bool:
        return (_what(session, task), task.due_on, task.for_staff_id) == (what, due_on, for_staff_id)

    if written := find_written(session, RequestTask, row_id, is_same):
        return written
    task = RequestTask(
        id=row_id,
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        staff_id=staff_id,
        due_on=due_on,
        for_staff_id=for_staff_id,
    )
    seal_text(session, task, "sealed_what", what)
    session.add(task)
    session.flush()
    note_owed(session, consultation.id)
    subject = request_subject(consultation)
    audit.note(session, "task_added", subject, staff_id=staff_id, for_staff_id=for_staff_id)
    return task


def _what(session: Session, task: RequestTask) -> str:
    return open_text(session, task, "sealed_what")


def finish_task(
    session: Session, consultation: Consultation, task_id: UUID, staff_id: int, now: datetime
) -> None:
    """Who was first stays. Raise NotFoundError if the request has no such task."""
    task = session.get(RequestTask, task_id)
    if task is None or task.consultation_id != consultation.id:
        raise NotFoundError("no such task")
    if task.done_at is None:
        task.done_at, task.done_by = now, staff_id
        session.flush()
        note_owed(session, consultation.id)
        audit.note(session, "task_done", request_subject(consultation), staff_id=staff_id)


def list_tasks(session: Session, consultation: Consultation) -> list[Task]:
    """The request's, the earliest due first."""
    return _list(session, RequestTask.consultation_id == consultation.id)


def list_open_tasks(
    session: Session,
    *,
    of: int | None = None,
    but_of: int | None = None,
    after: UUID | None = None,
    limit: int | None = None,
) -> list[Task]:
    """The clinic's, the earliest due first: one person's, or all but theirs. `after` is the last one seen.

    Raise NotFoundError if there is no such task.
    """
    chosen: list[ColumnElement[bool]] = [RequestTask.done_at.is_(None)]
    if of is not None:
        chosen.append(RequestTask.for_staff_id == of)
    if but_of is not None:
        chosen.append(RequestTask.for_staff_id != but_of)
    if after is not None:
        seen = session.get(RequestTask, after)
        if seen is None:
            raise NotFoundError("no such task")
        same_day = and_(RequestTask.due_on == seen.due_on, RequestTask.id > seen.id)
        chosen.append(or_(RequestTask.due_on > seen.due_on, same_day))
    return _list(session, *chosen, limit=limit)


def count_open_tasks(session: Session) -> dict[int, int]:
    """How many each person has to do."""
    counted = select(RequestTask.for_staff_id, func.count(RequestTask.id))
    rows = session.execute(counted.where(RequestTask.done_at.is_(None)).group_by(RequestTask.for_staff_id))
    return {row[0]: row[1] for row in rows}


def _list(session: Session, *chosen: ColumnElement[bool], limit: int | None = None) -> list[Task]:
    adder, owner, finisher = aliased(User), aliased(User), aliased(User)
    same_request = and_(
        Consultation.clinic_id == RequestTask.clinic_id, Consultation.id == RequestTask.consultation_id
    )
    rows = session.execute(
        select(
            RequestTask,
            Consultation,
            called_here(session, adder),
            called_here(session, owner),
            called_here(session, finisher),
        )
        .join(Consultation, same_request)
        .join(adder, adder.id == RequestTask.staff_id)
        .join(owner, owner.id == RequestTask.for_staff_id)
        .outerjoin(finisher, finisher.id == RequestTask.done_by)
        .where(*chosen)
        .order_by(RequestTask.due_on, RequestTask.id)
        .limit(limit)
    )
    return [
        Task(
            row.id,
            request.reference,
            read_contact(session, request)["contact_name"],
            row.at,
            added_by,
            _what(session, row),
            row.due_on,
            row.for_staff_id,
            for_name,
            row.done_at,
            done_by,
        )
        for row, request, added_by, for_name, done_by in rows
    ]
