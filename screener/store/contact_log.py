"""The contact log and the notes: who tried to reach a patient, what came of it, and what staff wrote down."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from screener.store import audit
from screener.store.audit import request_subject
from screener.store.database import change_rows, new_id
from screener.store.due import note_owed
from screener.store.one_time_keys import find_written
from screener.store.sealed_text import open_text, seal_text
from screener.store.staff import called_here
from screener.store.tables import Consultation, ContactEntry, RequestNote, User


@dataclass(frozen=True)
class Contact:
    """A line of the contact log."""

    at: datetime
    staff_name: str
    kind: str
    outcome: str
    note: str | None = field(repr=False)
    next_try_at: datetime | None


@dataclass(frozen=True)
class Note:
    at: datetime
    staff_name: str
    text: str = field(repr=False)


def add_contact(
    session: Session,
    consultation: Consultation,
    *,
    kind: str,
    outcome: str,
    note: str,
    next_try_at: datetime | None,
    staff_id: int,
    now: datetime,
    row_id: UUID | None = None,
) -> ContactEntry:
    """Raise SentBeforeError if another contact has this id."""
    row_id = row_id or new_id()

    def is_same(entry: ContactEntry) -> bool:
        said = (entry.kind, entry.outcome, _note(session, entry) or "", entry.next_try_at)
        return said == (kind, outcome, note, next_try_at)

    if written := find_written(session, ContactEntry, row_id, is_same):
        return written
    entry = ContactEntry(
        id=row_id,
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        staff_id=staff_id,
        kind=kind,
        outcome=outcome,
        next_try_at=next_try_at,
    )
    if note:
        seal_text(session, entry, "sealed_note", note)
    session.add(entry)
    session.flush()
    note_owed(session, consultation.id)
    _note_tried(session, consultation, now)
    subject = request_subject(consultation)
    audit.note(session, "contact_logged", subject, staff_id=staff_id, kind=kind, outcome=outcome)
    return entry


def _note_tried(session: Session, consultation: Consultation, now: datetime) -> None:
    """How long the patient waited, where this is the first try. No open form grows stale by it."""
    minutes = math.ceil((now - consultation.received_at) / timedelta(minutes=1))
    first = update(Consultation).where(
        Consultation.id == consultation.id, Consultation.tried_minutes.is_(None)
    )
    change_rows(session, first.values(tried_minutes=minutes))


def list_contacts(session: Session, consultation: Consultation) -> list[Contact]:
    """Oldest first."""
    rows = session.execute(
        select(ContactEntry, called_here(session))
        .outerjoin(User, User.id == ContactEntry.staff_id)
        .where(ContactEntry.consultation_id == consultation.id)
        .order_by(ContactEntry.at, ContactEntry.id)
    )
    return [
        Contact(row.at, name, row.kind, row.outcome, _note(session, row), row.next_try_at)
        for row, name in rows
    ]


def _note(session: Session, entry: ContactEntry) -> str | None:
    return open_text(session, entry, "sealed_note") if entry.sealed_note else None


def add_note(
    session: Session,
    consultation: Consultation,
    text: str,
    staff_id: int,
    now: datetime,
    *,
    row_id: UUID | None = None,
) -> RequestNote:
    """Raise SentBeforeError if another note has this id."""
    row_id = row_id or new_id()

    def is_same(note: RequestNote) -> bool:
        return open_text(session, note, "sealed_text") == text

    if written := find_written(session, RequestNote, row_id, is_same):
        return written
    note = RequestNote(
        id=row_id,
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        at=now,
        staff_id=staff_id,
    )
    seal_text(session, note, "sealed_text", text)
    session.add(note)
    session.flush()
    audit.note(session, "note_added", request_subject(consultation), staff_id=staff_id)
    return note


def list_notes(session: Session, consultation: Consultation) -> list[Note]:
    """Oldest first."""
    rows = session.execute(
        select(RequestNote, called_here(session))
        .outerjoin(User, User.id == RequestNote.staff_id)
        .where(RequestNote.consultation_id == consultation.id)
        .order_by(RequestNote.at, RequestNote.id)
    )
    return [Note(row.at, name, open_text(session, row, "sealed_text")) for row, name in rows]
