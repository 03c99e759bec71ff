"""Histories that clinicians confirm: one working copy of a request, and the versions that were signed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store import audit
from screener.store.audit import request_subject
from screener.store.clinics import clinic_key
from screener.store.consultations import add_event
from screener.store.database import new_id
from screener.store.errors import ConflictError, UnreadableError
from screener.store.staff import called_here
from screener.store.tables import Consultation, SignedHistory, User, WorkingHistory, place_of
from screener.store.vault import open_document, seal_document


@dataclass(frozen=True)
class Working:
    """What is confirmed so far, and who saved it last."""

    staff_id: int
    staff_name: str
    saved_at: datetime
    document: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A version that stays as it is."""

    number: int
    staff_id: int
    staff_name: str
    signed_at: datetime
    document: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Histories:
    """A request's working copy and its signed versions, the oldest first.

    The stamp is another one after each save and each signature: a form that carries it shows how old it is.
    """

    stamp: str
    working: Working | None
    signed: tuple[Signed, ...]

    @property
    def newest(self) -> Signed | None:
        return self.signed[-1] if self.signed else None


def read_histories(session: Session, consultation: Consultation) -> Histories:
    """Raise UnreadableError if a version was altered or put in another's place."""
    return _read(session, consultation)[1]


def _read(session: Session, consultation: Consultation) -> tuple[WorkingHistory | None, Histories]:
    """The working copy's row too."""
    row, working = _read_working(session, consultation)
    signed = _read_signed(session, consultation)
    stamp = f"{row.id.hex}.{row.version}" if row else f"signed.{len(signed)}"
    return row, Histories(stamp, working, signed)


def _read_working(
    session: Session, consultation: Consultation
) -> tuple[WorkingHistory | None, Working | None]:
    found = session.execute(
        select(WorkingHistory, called_here(session))
        .outerjoin(User, User.id == WorkingHistory.staff_id)
        .where(WorkingHistory.consultation_id == consultation.id)
        # Another person's save counts, also where this session has read the row before.
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        return None, None
    row, name = found
    ring = clinic_key(session, row.clinic_id)
    return row, Working(
        row.staff_id, name, row.saved_at, open_document(ring, place_of(row, "sealed"), row.sealed)
    )


def _read_signed(session: Session, consultation: Consultation) -> tuple[Signed, ...]:
    rows = session.execute(
        select(SignedHistory, called_here(session))
        .outerjoin(User, User.id == SignedHistory.staff_id)
        .where(SignedHistory.consultation_id == consultation.id)
        .order_by(SignedHistory.number)
    )
    return tuple(_open_signed(session, row, name) for row, name in rows)


def _open_signed(session: Session, row: SignedHistory, name: str) -> Signed:
    document = open_document(clinic_key(session, row.clinic_id), place_of(row, "sealed"), row.sealed)
    if document["number"] != row.number:
        raise UnreadableError("a signed version stands in another's place")
    return Signed(row.number, row.staff_id, name, row.signed_at, document)


def save_working(
    session: Session,
    consultation: Consultation,
    document: Mapping[str, Any],
    *,
    seen: str,
    staff_id: int,
    now: datetime,
) -> None:
    """Puts the document in the place of the one before. The caller holds the request's row.

    Raise ConflictError if anybody saved or signed since the stamp that was seen.
    """
    row, _ = _expect(session, consultation, seen)
    if row is None:
        row = WorkingHistory(id=new_id(), clinic_id=consultation.clinic_id, consultation_id=consultation.id)
        session.add(row)
    ring = clinic_key(session, consultation.clinic_id)
    row.sealed = seal_document(ring, place_of(row, "sealed"), document)
    row.staff_id, row.saved_at = staff_id, now
    session.flush()
    audit.note(session, "history_saved", request_subject(consultation), staff_id=staff_id)


def discard_working(session: Session, consultation: Consultation, *, seen: str, staff_id: int) -> None:
    """Throws the working copy away, and with it a begun amendment. The caller holds the request's row.

    Raise ConflictError as `save_working` does, and if there is no working copy.
    """
    row, _ = _expect(session, consultation, seen)
    if row is None:
        raise ConflictError("there is nothing that could be thrown away")
    session.delete(row)
    session.flush()
    audit.note(session, "history_discarded", request_subject(consultation), staff_id=staff_id)


def sign_history(
    session: Session,
    consultation: Consultation,
    document: Mapping[str, Any],
    *,
    seen: str,
    reason: str | None,
    questionnaire_version: str,
    criteria_version: str,
    staff_id: int,
    now: datetime,
) -> int:
    """The next version, which the working copy makes way for; its number. The caller holds the request's row.

    A reason belongs to each version but the first. Raise ConflictError as `save_working` does.
    """
    working, found = _expect(session, consultation, seen)
    if working is None:
        raise ConflictError("there is nothing that could be signed")
    number = len(found.signed) + 1
    row = SignedHistory(
        id=new_id(),
        clinic_id=consultation.clinic_id,
        consultation_id=consultation.id,
        number=number,
        questionnaire_version=questionnaire_version,
        criteria_version=criteria_version,
        staff_id=staff_id,
        signed_at=now,
    )
    ring = clinic_key(session, consultation.clinic_id)
    row.sealed = seal_document(ring, place_of(row, "sealed"), {**document, "number": number})
    session.add(row)
    session.delete(working)
    session.flush()
    what = "history_signed" if reason is None else "history_amended"
    add_event(session, consultation, what, now, staff_id=staff_id, reason=reason)
    return number


def _expect(
    session: Session, consultation: Consultation, seen: str
) -> tuple[WorkingHistory | None, Histories]:
    row, found = _read(session, consultation)
    if found.stamp != seen:
        raise ConflictError("somebody else saved or signed this history meanwhile")
    return row, found
