"""Consultation requests: received once, queued by urgency, moved with a reason, every look recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, delete, func, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql import ColumnElement

from screener.store.audit import note, request_subject
from screener.store.clinics import clinic_key
from screener.store.database import new_id
from screener.store.errors import ConflictError, NotFoundError
from screener.store.outbox import NEW_REQUEST, add_message, remove_messages
from screener.store.tables import Consultation, ConsultationEvent, Screening, User, place_of
from screener.store.tenancy import enter_clinic, entered_clinic, looking_up
from screener.store.vault import (
    CROCKFORD,
    Place,
    new_code,
    open_document,
    open_sealed,
    seal,
    seal_document,
    token_hash,
)

_REFERENCE_LENGTH: Final = 10
# How urgent a withdrawn request was went with its answers; it comes after all others.
_NO_RANK: Final = 9


class Cursor(NamedTuple):
    """Where a page of the queue ended."""

    urgency_rank: int
    received_at: datetime
    id: UUID


@dataclass(frozen=True)
class QueueRow:
    """A line of the queue; what is None of it went when the patient withdrew."""

    id: UUID
    reference: str
    name: str | None = field(repr=False)
    urgency: str | None
    urgency_rank: int
    article_class: str | None
    kind: str
    state: str
    received_at: datetime
    due_at: datetime | None
    withdrawn_at: datetime | None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.urgency_rank, self.received_at, self.id)


@dataclass(frozen=True)
class Event:
    """A line of a request's history; `staff_name` is None when the patient acted."""

    at: datetime
    what: str
    staff_name: str | None
    from_state: str | None
    to_state: str | None
    reason: str | None = field(repr=False)


def new_reference() -> str:
    """Ten characters without I, L, O and U, to say on the telephone; it names a record and opens none."""
    return new_code(_REFERENCE_LENGTH)


def add_consultation(
    session: Session,
    *,
    screening: Screening,
    contact: Mapping[str, Any],
    consent_version: str,
    kind: str,
    urgency_rank: int,
    due_at: datetime | None,
    idempotency_key: bytes,
    body_digest: bytes,
    receipt_token: str,
    now: datetime,
    staff_id: int | None = None,
) -> Consultation:
    """The request, its first event and the message it owes. `staff_id` is who entered it for a caller.

    Raises IntegrityError if the idempotency key was used before: roll back, then find its receipt.
    """
    consultation = Consultation(
        id=new_id(),
        clinic_id=entered_clinic(session),
        screening_id=screening.id,
        reference=new_reference(),
        consent_version=consent_version,
        kind=kind,
        state="new",
        urgency_rank=urgency_rank,
        received_at=now,
        due_at=due_at,
        idempotency_key=idempotency_key,
        body_digest=body_digest,
        receipt_hash=token_hash(receipt_token),
    )
    ring = clinic_key(session, consultation.clinic_id)
    consultation.sealed_contact = seal_document(ring, place_of(consultation, "sealed_contact"), contact)
    session.add(consultation)
    session.flush()
    _add_event(session, consultation, "received", now, staff_id=staff_id, to_state="new")
    add_message(session, NEW_REQUEST, consultation.id, now)
    return consultation


def _add_event(
    session: Session,
    consultation: Consultation,
    what: str,
    now: datetime,
    *,
    staff_id: int | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str | None = None,
    page: str | None = None,
) -> None:
    event = ConsultationEvent(
        id=new_id(),
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        what=what,
        staff_id=staff_id,
        from_state=from_state,
        to_state=to_state,
    )
    if reason is not None:
        ring = clinic_key(session, event.clinic_id)
        event.sealed_reason = seal(ring, place_of(event, "sealed_reason"), reason.encode())
    session.add(event)
    session.flush()
    subject = request_subject(consultation)
    note(session, what, subject, staff_id=staff_id, from_state=from_state, to_state=to_state, page=page)


def find_by_receipt(session: Session, receipt_token: str) -> Consultation | None:
    """The request behind a receipt, its clinic entered; None if the session is in another clinic."""
    consultation = session.scalar(
        select(Consultation).where(Consultation.receipt_hash == token_hash(receipt_token)),
        execution_options=looking_up(session, "receipt by token"),
    )
    if consultation is not None:
        enter_clinic(session, consultation.clinic_id)
    return consultation


def get_consultation(session: Session, reference: str) -> Consultation:
    # What no reference can look like is not asked for: PostgreSQL refuses some of it.
    looks_right = len(reference) == _REFERENCE_LENGTH and set(reference) <= set(CROCKFORD)
    by_reference = select(Consultation).where(Consultation.reference == reference)
    consultation = session.scalar(by_reference) if looks_right else None
    if consultation is None:
        raise NotFoundError("no such request")
    return consultation


def read_contact(session: Session, consultation: Consultation) -> dict[str, Any]:
    """Raise NotFoundError if the patient withdrew it."""
    if consultation.sealed_contact is None:
        raise NotFoundError("this request was withdrawn")
    ring = clinic_key(session, consultation.clinic_id)
    return open_document(ring, place_of(consultation, "sealed_contact"), consultation.sealed_contact)


def list_queue(
    session: Session, *, states: Collection[str], limit: int = 50, after: Cursor | None = None
) -> list[QueueRow]:
    """A page of requests in these states: most urgent first, then the longest waiting.

    One query; a second one only where the page runs over into the next urgency.
    """
    rows: list[QueueRow] = []
    for stretch in _stretches(after):
        page = _queue(states).where(stretch).limit(limit - len(rows))
        rows += [_queue_row(session, row) for row in session.execute(page).mappings()]
        if len(rows) == limit:
            break
    return rows


def _queue(states: Collection[str]) -> Select[*tuple[Any, ...]]:
    same_screening = and_(
        Screening.clinic_id == Consultation.clinic_id, Screening.id == Consultation.screening_id
    )
    columns = (
        Consultation.id,
        Consultation.reference,
        Consultation.sealed_contact,
        Screening.urgency,
        Consultation.urgency_rank,
        Screening.article_class,
        Consultation.kind,
        Consultation.state,
        Consultation.received_at,
        Consultation.due_at,
        Consultation.withdrawn_at,
    )
    return (
        select(*columns)
        .outerjoin(Screening, same_screening)
        .where(Consultation.state.in_(states))
        .order_by(Consultation.urgency_rank, Consultation.received_at, Consultation.id)
    )


def _stretches(after: Cursor | None) -> tuple[ColumnElement[bool], ...]:
    # Each stretch is found by the index at once; in one comparison SQLite would read all that lies before.
    if after is None:
        return (true(),)
    rank, received_at = Consultation.urgency_rank, Consultation.received_at
    later = or_(received_at > after.received_at, Consultation.id > after.id)
    return (
        and_(rank == after.urgency_rank, received_at >= after.received_at, later),
        rank > after.urgency_rank,
    )


def _queue_row(session: Session, row: RowMapping) -> QueueRow:
    shown = {column: value for column, value in row.items() if column != "sealed_contact"}
    return QueueRow(name=_name(session, row["id"], row["sealed_contact"]), **shown)


def _name(session: Session, consultation_id: UUID, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    clinic_id = entered_clinic(session)
    place = Place(clinic_id, Consultation.__tablename__, "sealed_contact", consultation_id)
    name: str = open_document(clinic_key(session, clinic_id), place, sealed)["contact_name"]
    return name


def count_by_state(session: Session) -> dict[str, int]:
    counted = select(Consultation.state, func.count(Consultation.id)).group_by(Consultation.state)
    return dict(session.execute(counted).all())


def move_consultation(
    session: Session,
    consultation: Consultation,
    *,
    to_state: str,
    reason: str | None,
    staff_id: int | None,
    now: datetime,
) -> None:
    """Raise ConflictError if somebody changed the request since it was loaded."""
    from_state = consultation.state
    consultation.state = to_state
    _flush_first(session)
    _add_event(
        session,
        consultation,
        "moved",
        now,
        staff_id=staff_id,
        from_state=from_state,
        to_state=to_state,
        reason=reason,
    )


def _flush_first(session: Session) -> None:
    """The row's version says whether anybody was faster."""
    try:
        session.flush()
    except StaleDataError:
        raise ConflictError("somebody else changed this request meanwhile") from None


def withdraw_consultation(session: Session, consultation: Consultation, now: datetime) -> None:
    """Deletes what the patient said and gave, what staff noted and what was owed; the bare row stays.

    Raise ConflictError if somebody changed the request since it was loaded.
    """
    screening_id = consultation.screening_id
    consultation.state, consultation.withdrawn_at = "withdrawn", now
    consultation.screening_id = consultation.sealed_contact = consultation.due_at = None
    consultation.urgency_rank = _NO_RANK
    _flush_first(session)
    session.execute(delete(Screening).where(Screening.id == screening_id))
    session.execute(delete(ConsultationEvent).where(ConsultationEvent.consultation_id == consultation.id))
    remove_messages(session, consultation.id)
    _add_event(session, consultation, "withdrawn", now, to_state="withdrawn")


def add_read_event(
    session: Session, consultation: Consultation, staff_id: int, now: datetime, page: str | None = None
) -> None:
    """`page` names the page it was opened on."""
    _add_event(session, consultation, "read", now, staff_id=staff_id, page=page)


def list_events(session: Session, consultation: Consultation) -> list[Event]:
    """The request's history, oldest first."""
    rows = session.execute(
        select(ConsultationEvent, User.name)
        .outerjoin(User, User.id == ConsultationEvent.staff_id)
        .where(ConsultationEvent.consultation_id == consultation.id)
        .order_by(ConsultationEvent.at, ConsultationEvent.id)
    )
    return [
        Event(row.at, row.what, name, row.from_state, row.to_state, _reason(session, row))
        for row, name in rows
    ]


def _reason(session: Session, event: ConsultationEvent) -> str | None:
    if event.sealed_reason is None:
        return None
    ring = clinic_key(session, event.clinic_id)
    return open_sealed(ring, place_of(event, "sealed_reason"), event.sealed_reason).decode()


def find_reference(session: Session, screening_id: UUID) -> str | None:
    """What the request that came of a screening is called; of several, the first."""
    return session.scalar(
        select(Consultation.reference)
        .where(Consultation.screening_id == screening_id)
        .order_by(Consultation.received_at, Consultation.id)
        .limit(1)
    )
