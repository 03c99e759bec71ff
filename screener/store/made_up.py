"""Made-up requests in great number: the rows that the app would write, many at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Row, and_, func, insert, select
from sqlalchemy.orm import Session

from screener.domain.follow_up import OVER
from screener.store.audit import Noted, Subject, note_all
from screener.store.blind_index import indexes_of
from screener.store.clinics import clinic_key
from screener.store.consultations import new_reference
from screener.store.database import new_id
from screener.store.tables import Consultation, ConsultationEvent, Screening
from screener.store.tenancy import entered_clinic
from screener.store.vault import (
    Place,
    open_document,
    open_sealed,
    pack,
    seal,
    seal_document,
    token_hash,
    unpack,
)

DECIDED_AFTER: Final = timedelta(minutes=4)
# Packing is a fifth of the work, and most copies of a person say the very same: more than there are people.
_pack: Final = lru_cache(maxsize=1200)(pack)
_OVER: Final = tuple(state.value for state in OVER)
_VERDICTS: Final = (
    Screening.urgency,
    Screening.article_class,
    Screening.questionnaire_version,
    Screening.criteria_version,
)
_ASKED: Final = (
    Consultation.kind,
    Consultation.language,
    Consultation.urgency_rank,
    Consultation.consent_version,
)


@dataclass(frozen=True, slots=True)
class Person:
    """What a made-up person said, how it was judged, and what they asked for."""

    # As it was sealed: dictionaries of a thousand people would fill the memory.
    said: bytes = field(repr=False)
    contact: dict[str, Any] = field(repr=False)
    received_at: datetime
    verdicts: dict[str, Any]
    asked: dict[str, Any]


class Decision(NamedTuple):
    to_state: str
    reason: str | None


@dataclass(frozen=True)
class Copy:
    """Another request of a person, under another name."""

    of: Person
    contact: Mapping[str, Any] = field(repr=False)
    received_at: datetime
    due_at: datetime | None
    digest: bytes
    decision: Decision | None


def count_requests(session: Session) -> int:
    return session.scalar(select(func.count(Consultation.id))) or 0


def read_people(session: Session, *, most: int) -> list[Person]:
    """Those of the clinic's first requests, as far as their patients did not withdraw."""
    same = and_(Screening.clinic_id == Consultation.clinic_id, Screening.id == Consultation.screening_id)
    rows: Iterable[Row[Any]] = session.execute(
        select(
            Consultation.id,
            Consultation.sealed_contact,
            Consultation.screening_id,
            Screening.sealed,
            Consultation.received_at,
            *_ASKED,
            *_VERDICTS,
        )
        .join(Screening, same)
        .where(Consultation.sealed_contact.is_not(None))
        .order_by(Consultation.id)
        .limit(most)
    )
    return [_person(session, row) for row in rows]


def _person(session: Session, row: Row[Any]) -> Person:
    ring = clinic_key(session, entered_clinic(session))
    return Person(
        said=unpack(open_sealed(ring, _place(session, Screening, row.screening_id, "sealed"), row.sealed)),
        contact=open_document(ring, _place(session, Consultation, row.id), row.sealed_contact),
        received_at=row.received_at,
        verdicts={column.key: getattr(row, column.key) for column in _VERDICTS},
        asked={column.key: getattr(row, column.key) for column in _ASKED},
    )


def _place(session: Session, table: type[Any], row_id: UUID, column: str = "sealed_contact") -> Place:
    return Place(entered_clinic(session), table.__tablename__, column, row_id)


def add_copies(session: Session, copies: Sequence[Copy]) -> None:
    """With their events and audit entries; nobody is owed a message about people who are made up."""
    screenings, requests, events, notes = [], [], [], []
    for copy in copies:
        screening = _screening(session, copy)
        request = _request(session, copy, screening["id"])
        screenings.append(screening)
        requests.append(request)
        for event, noted in _events(session, copy, request):
            events.append(event)
            notes.append(noted)
    for table, rows in ((Screening, screenings), (Consultation, requests), (ConsultationEvent, events)):
        # Else it would write apart what has a NULL elsewhere.
        session.execute(insert(table), rows, execution_options={"render_nulls": True})
    note_all(session, notes)


def _screening(session: Session, copy: Copy) -> dict[str, Any]:
    place = _place(session, Screening, new_id(), "sealed")
    # What happened on the way happened when it was sent.
    was, now = (at.isoformat().encode() for at in (copy.of.received_at, copy.received_at))
    return {
        "id": place.row_id,
        "clinic_id": place.clinic_id,
        "sealed": seal(clinic_key(session, place.clinic_id), place, _pack(copy.of.said.replace(was, now))),
        "created_at": copy.received_at,
        **copy.of.verdicts,
    }


def _request(session: Session, copy: Copy, screening_id: UUID) -> dict[str, Any]:
    place = _place(session, Consultation, new_id())
    decided = copy.decision is not None
    since = copy.received_at + DECIDED_AFTER if decided else copy.received_at
    state = copy.decision.to_state if copy.decision else "new"
    return {
        "id": place.row_id,
        "clinic_id": place.clinic_id,
        "screening_id": screening_id,
        "reference": new_reference(),
        "sealed_contact": seal_document(clinic_key(session, place.clinic_id), place, copy.contact),
        **indexes_of(session, copy.contact),
        **copy.of.asked,
        "state": state,
        "state_since": since,
        "accepted_at": since if state == "accepted" else None,
        "received_at": copy.received_at,
        "due_at": copy.due_at,
        "owed_at": None if state in _OVER else copy.due_at,
        "article_class": copy.of.verdicts["article_class"],
        "idempotency_key": copy.digest,
        "body_digest": copy.digest,
        "receipt_hash": token_hash(copy.digest.hex()),
        "version": 2 if decided else 1,
    }


def _events(
    session: Session, copy: Copy, request: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], Noted]]:
    yield _event(session, request, "received", copy.received_at, Decision("new", None))
    if copy.decision:
        yield _event(session, request, "moved", request["state_since"], copy.decision)


def _event(
    session: Session,
    request: Mapping[str, Any],
    what: str,
    at: datetime,
    decided: Decision,
) -> tuple[dict[str, Any], Noted]:
    place = _place(session, ConsultationEvent, new_id(), "sealed_reason")
    ring = clinic_key(session, place.clinic_id)
    states = {"from_state": "new" if what == "moved" else None, "to_state": decided.to_state}
    row = {
        "id": place.row_id,
        "clinic_id": place.clinic_id,
        "consultation_id": request["id"],
        "at": at,
        "what": what,
        **states,
        "sealed_reason": seal(ring, place, decided.reason.encode()) if decided.reason else None,
    }
    told = {name: state for name, state in states.items() if state}
    return row, Noted(what, Subject(Consultation.__tablename__, request["reference"]), told)
