"""Consultation requests: received once, queued by urgency, moved with a reason, every look recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.exc import StaleDataError

from screener.store.audit import note, request_subject
from screener.store.blind_index import indexes_of
from screener.store.clinics import clinic_key
from screener.store.database import change_rows, new_id
from screener.store.due import note_owed
from screener.store.errors import ConflictError, NotFoundError
from screener.store.outbox import NEW_REQUEST, add_message, remove_messages
from screener.store.sealed_text import open_text, seal_text
from screener.store.staff import called_here
from screener.store.tables import (
    Appointment,
    Consultation,
    ConsultationEvent,
    ContactEntry,
    RequestLink,
    RequestNote,
    RequestTask,
    Screening,
    SignedHistory,
    User,
    WorkingHistory,
    place_of,
)
from screener.store.tenancy import enter_clinic, entered_clinic, looking_up
from screener.store.vault import (
    CROCKFORD,
    Place,
    new_code,
    open_document,
    seal_document,
    token_hash,
)
from screener.store.webhooks import announce

_REFERENCE_LENGTH: Final = 10
# A withdrawn request: its urgency was deleted with its answers, and it sorts after all others.
NO_RANK: Final = 9
# What hangs on one request and goes with it.
WRITTEN_BY_STAFF: Final = (
    ConsultationEvent,
    ContactEntry,
    RequestNote,
    RequestTask,
    Appointment,
    WorkingHistory,
    SignedHistory,
)


@dataclass(frozen=True)
class Event:
    """A line of a request's history; `staff_name` is None when the patient acted."""

    at: datetime
    what: str
    staff_name: str | None
    from_state: str | None
    to_state: str | None
    reason: str | None = field(repr=False)
    # Of an "assigned" event; None there means that nobody owns the request any more.
    owner_name: str | None = None


@dataclass(frozen=True)
class Move:
    """A change of state; `what` says whether it was made ("moved") or taken back ("undone")."""

    id: UUID
    at: datetime
    what: str
    staff_id: int | None
    staff_name: str | None
    from_state: str
    to_state: str
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
    language: str,
    urgency_rank: int,
    due_at: datetime | None,
    idempotency_key: bytes,
    body_digest: bytes,
    receipt_token: str,
    now: datetime,
    staff_id: int | None = None,
    page: str | None = None,
) -> Consultation:
    """The request, its first event and the message it owes.

    `staff_id` is who entered it for a caller, `page` the door by which a system sent it.

    Raises IntegrityError if the idempotency key was used before: roll back, then find its receipt.
    """
    consultation = Consultation(
        id=new_id(),
        clinic_id=entered_clinic(session),
        screening_id=screening.id,
        reference=new_reference(),
        consent_version=consent_version,
        kind=kind,
        language=language,
        **indexes_of(session, contact),
        state="new",
        urgency_rank=urgency_rank,
        received_at=now,
        state_since=now,
        due_at=due_at,
        owed_at=due_at,
        article_class=screening.article_class,
        idempotency_key=idempotency_key,
        body_digest=body_digest,
        receipt_hash=token_hash(receipt_token),
    )
    ring = clinic_key(session, consultation.clinic_id)
    consultation.sealed_contact = seal_document(ring, place_of(consultation, "sealed_contact"), contact)
    session.add(consultation)
    session.flush()
    add_event(session, consultation, "received", now, staff_id=staff_id, to_state="new", page=page)
    add_message(session, NEW_REQUEST, consultation.id, now)
    return consultation


def add_event(
    session: Session,
    consultation: Consultation,
    what: str,
    now: datetime,
    *,
    staff_id: int | None = None,
    from_state: str | None = None,
    to_state: str | None = None,
    reason: str | None = None,
    owner_id: int | None = None,
    page: str | None = None,
    until: str | None = None,
) -> None:
    """A line of the request's history, with its entry in the trail and what webhooks are told of it.

    `reason` is what staff wrote: it is sealed. The rest are codes, ids and an ISO date (`until`).
    """
    event = ConsultationEvent(
        id=new_id(),
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        what=what,
        staff_id=staff_id,
        from_state=from_state,
        to_state=to_state,
        owner_id=owner_id,
    )
    if reason is not None:
        seal_text(session, event, "sealed_reason", reason)
    session.add(event)
    session.flush()
    subject = request_subject(consultation)
    told = {
        "from_state": from_state,
        "to_state": to_state,
        "owner_id": owner_id,
        "page": page,
        "until": until,
    }
    note(session, what, subject, staff_id=staff_id, **told)
    announce(session, consultation, what, now)


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
    """By its reference. Raise NotFoundError if the entered clinic has none such."""
    # What no reference can look like is not asked for: PostgreSQL refuses some of it.
    looks_right = len(reference) == _REFERENCE_LENGTH and set(reference) <= set(CROCKFORD)
    by_reference = select(Consultation).where(Consultation.reference == reference)
    consultation = session.scalar(by_reference) if looks_right else None
    if consultation is None:
        raise NotFoundError("no such request")
    return consultation


def get_consultations(session: Session, ids: Sequence[UUID]) -> list[Consultation]:
    """Those of them that are there, in this order."""
    rows = {row.id: row for row in session.scalars(select(Consultation).where(Consultation.id.in_(ids)))}
    return [rows[row_id] for row_id in ids if row_id in rows]


def read_contact(session: Session, consultation: Consultation) -> dict[str, Any]:
    """Raise NotFoundError if the patient withdrew it."""
    if consultation.sealed_contact is None:
        raise NotFoundError("this request was withdrawn")
    return open_contact(session, consultation.id, consultation.sealed_contact)


def open_contact(session: Session, consultation_id: UUID, sealed: bytes) -> dict[str, Any]:
    """The same of a row that was not loaded as one. Raise UnreadableError as `open_document` does."""
    clinic_id = entered_clinic(session)
    place = Place(clinic_id, Consultation.__tablename__, "sealed_contact", consultation_id)
    return open_document(clinic_key(session, clinic_id), place, sealed)


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
    _change_state(session, consultation, "moved", to_state, reason=reason, staff_id=staff_id, now=now)


def undo_move(session: Session, consultation: Consultation, move: Move, staff_id: int, now: datetime) -> None:
    """Take the last move back, by an event of its own. Raise ConflictError as a move does."""
    _change_state(session, consultation, "undone", move.from_state, reason=None, staff_id=staff_id, now=now)


def _change_state(
    session: Session,
    consultation: Consultation,
    what: str,
    to_state: str,
    *,
    reason: str | None,
    staff_id: int | None,
    now: datetime,
) -> None:
    from_state = consultation.state
    consultation.state, consultation.state_since = to_state, now
    if to_state == "accepted":
        consultation.accepted_at = consultation.accepted_at or now
    elif to_state != "closed":
        consultation.accepted_at = consultation.charted_at = None
    _flush_first(session)
    note_owed(session, consultation.id)
    add_event(
        session,
        consultation,
        what,
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
    consultation.state, consultation.withdrawn_at, consultation.state_since = "withdrawn", now, now
    consultation.screening_id = consultation.sealed_contact = consultation.due_at = None
    consultation.article_class = None
    consultation.urgency_rank = NO_RANK
    consultation.email_index = consultation.phone_index = consultation.language = None
    consultation.owner_id = None
    consultation.person_index = None
    _flush_first(session)
    session.execute(delete(Screening).where(Screening.id == screening_id))
    _remove_what_hangs_on(session, consultation.id)
    note_owed(session, consultation.id)
    add_event(session, consultation, "withdrawn", now, to_state="withdrawn")


def _remove_what_hangs_on(session: Session, consultation_id: UUID) -> None:
    for table in WRITTEN_BY_STAFF:
        session.execute(delete(table).where(table.consultation_id == consultation_id))
    linked = or_(RequestLink.first_id == consultation_id, RequestLink.second_id == consultation_id)
    session.execute(delete(RequestLink).where(linked))
    remove_messages(session, consultation_id)


def remove_consultation(session: Session, consultation: Consultation) -> None:
    """The row itself, with what was said and all that hangs on it; nothing of it is left but the trail."""
    screening_id = consultation.screening_id
    _remove_what_hangs_on(session, consultation.id)
    session.delete(consultation)
    session.flush()
    if screening_id is not None:
        session.execute(delete(Screening).where(Screening.id == screening_id))


def add_read_event(
    session: Session, consultation: Consultation, staff_id: int, now: datetime, page: str | None = None
) -> None:
    """`page` names the page it was opened on."""
    add_event(session, consultation, "read", now, staff_id=staff_id, page=page)


def assign_consultation(
    session: Session, consultation: Consultation, *, owner_id: int | None, staff_id: int, now: datetime
) -> None:
    """Whose work it is; None for nobody's. The row's version stays, so that no open form grows stale."""
    change_rows(
        session, update(Consultation).where(Consultation.id == consultation.id).values(owner_id=owner_id)
    )
    session.refresh(consultation, ["owner_id"])
    add_event(session, consultation, "assigned", now, staff_id=staff_id, owner_id=owner_id)


def list_events(session: Session, consultation: Consultation) -> list[Event]:
    """The request's history, oldest first."""
    owner = aliased(User)
    rows = session.execute(
        select(ConsultationEvent, called_here(session), called_here(session, owner))
        .outerjoin(User, User.id == ConsultationEvent.staff_id)
        .outerjoin(owner, owner.id == ConsultationEvent.owner_id)
        .where(ConsultationEvent.consultation_id == consultation.id)
        .order_by(ConsultationEvent.at, ConsultationEvent.id)
    )
    return [
        Event(row.at, row.what, name, row.from_state, row.to_state, _reason(session, row), owner_name)
        for row, name, owner_name in rows
    ]


def list_moves(session: Session, consultation: Consultation) -> list[Move]:
    """The request's changes of state, oldest first, those taken back among them."""
    rows = session.execute(
        select(ConsultationEvent, called_here(session))
        .outerjoin(User, User.id == ConsultationEvent.staff_id)
        .where(
            ConsultationEvent.consultation_id == consultation.id,
            ConsultationEvent.what.in_(("moved", "undone")),
        )
        .order_by(ConsultationEvent.at, ConsultationEvent.id)
    )
    return [
        Move(
            row.id,
            row.at,
            row.what,
            row.staff_id,
            name,
            row.from_state or "",
            row.to_state or "",
            _reason(session, row),
        )
        for row, name in rows
    ]


def _reason(session: Session, event: ConsultationEvent) -> str | None:
    return open_text(session, event, "sealed_reason") if event.sealed_reason else None


def find_reference(session: Session, screening_id: UUID) -> str | None:
    """What the request that came of a screening is called; of several, the first."""
    return session.scalar(
        select(Consultation.reference)
        .where(Consultation.screening_id == screening_id)
        .order_by(Consultation.received_at, Consultation.id)
        .limit(1)
    )
