"""Requests taken out of a clinic as a file: which ones, what each row holds, and a note that it was done."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from screener.store import audit
from screener.store.audit import Subject
from screener.store.clinics import clinic_key
from screener.store.consultations import open_contact
from screener.store.database import begin_reading, new_id
from screener.store.queue import Filter, Order, list_places
from screener.store.screenings import SealedScreening, open_screening
from screener.store.staff import called_here
from screener.store.tables import Consultation, ContactEntry, Export, Screening, User, place_of
from screener.store.tenancy import entered_clinic
from screener.store.vault import open_document, seal_document

_A_BATCH: Final = 100


@dataclass(frozen=True)
class Extract:
    """A request as it is taken out; what was not asked for, or was withdrawn, is None."""

    reference: str
    kind: str
    state: str
    received_at: datetime
    due_at: datetime | None
    withdrawn_at: datetime | None
    first_contact_at: datetime | None
    owner_id: int | None
    urgency_rank: int
    article_class: str | None
    questionnaire_version: str | None
    criteria_version: str | None
    document: dict[str, Any] | None = field(repr=False)
    contact: dict[str, Any] | None = field(repr=False)


def list_chosen(session: Session, chosen: Filter, *, limit: int) -> list[tuple[UUID, str]]:
    """Id and reference of the requests chosen, the oldest first."""
    places = list_places(session, chosen, now=datetime.now(UTC), order=Order.LONGEST, limit=limit)
    ids = [place.id for place in places]
    rows = session.execute(select(Consultation.id, Consultation.reference).where(Consultation.id.in_(ids)))
    references = {row.id: row.reference for row in rows}
    return [(row_id, references[row_id]) for row_id in ids if row_id in references]


def read_extracts(
    session: Session, ids: Sequence[UUID], *, answers: bool, contact: bool
) -> Iterator[Extract]:
    """In the order of the ids, read a few at a time and opened one by one.

    No transaction is open meanwhile, however slowly they are taken.
    """
    waiting = iter(ids)
    while batch := list(islice(waiting, _A_BATCH)):
        begin_reading(session)
        found = {row.id: row for row in _rows(session, batch, answers=answers)}
        first = _first_contacts(session, batch)
        # Once unwrapped, the session has them.
        clinic_key(session, entered_clinic(session))
        session.commit()
        for row in (found[row_id] for row_id in batch if row_id in found):
            yield _extract(session, row, first.get(row.id), answers=answers, contact=contact)


def _rows(session: Session, ids: Collection[UUID], *, answers: bool) -> Sequence[Row[Any]]:
    same = and_(Screening.clinic_id == Consultation.clinic_id, Screening.id == Consultation.screening_id)
    plain = (
        Consultation.id,
        Consultation.reference,
        Consultation.kind,
        Consultation.state,
        Consultation.received_at,
        Consultation.due_at,
        Consultation.withdrawn_at,
        Consultation.owner_id,
        Consultation.urgency_rank,
        Consultation.sealed_contact,
        Consultation.screening_id,
    )
    wanted: Any = select(*plain).where(Consultation.id.in_(ids))
    if answers:
        versions = (Screening.article_class, Screening.questionnaire_version, Screening.criteria_version)
        wanted = wanted.add_columns(Screening.sealed, *versions).outerjoin(Screening, same)
    return list(session.execute(wanted))


def _first_contacts(session: Session, ids: Collection[UUID]) -> dict[UUID, datetime]:
    first = (
        select(ContactEntry.consultation_id, func.min(ContactEntry.at))
        .where(ContactEntry.consultation_id.in_(ids))
        .group_by(ContactEntry.consultation_id)
    )
    return dict(session.execute(first).all())


def _extract(
    session: Session, row: Row[Any], first_contact_at: datetime | None, *, answers: bool, contact: bool
) -> Extract:
    is_read = answers and row.screening_id is not None
    return Extract(
        reference=row.reference,
        kind=row.kind,
        state=row.state,
        received_at=row.received_at,
        due_at=row.due_at,
        withdrawn_at=row.withdrawn_at,
        first_contact_at=first_contact_at,
        owner_id=row.owner_id,
        urgency_rank=row.urgency_rank,
        article_class=row.article_class if is_read else None,
        questionnaire_version=row.questionnaire_version if is_read else None,
        criteria_version=row.criteria_version if is_read else None,
        document=open_screening(session, SealedScreening(row.screening_id, row.sealed)) if is_read else None,
        contact=open_contact(session, row.id, row.sealed_contact) if contact and row.sealed_contact else None,
    )


# ---------------------------------------------------------------- that it was done


@dataclass(frozen=True)
class PastExport:
    """A file that was taken out."""

    at: datetime
    staff_name: str
    file_format: str
    groups: list[str]
    row_count: int
    reason: str = field(repr=False)


def add_export(
    session: Session,
    *,
    reason: str,
    references: Sequence[str],
    file_format: str,
    groups: Sequence[str],
    query: Mapping[str, str],
    staff_id: int,
    now: datetime,
) -> Export:
    """Keeps who took out what and why; the audit trail says so too, without the words of the reason."""
    export = Export(
        id=new_id(),
        clinic_id=entered_clinic(session),
        at=now,
        staff_id=staff_id,
        file_format=file_format,
        groups=list(groups),
        query=dict(query),
        row_count=len(references),
    )
    ring = clinic_key(session, export.clinic_id)
    sealed = {"reason": reason, "references": list(references)}
    export.sealed = seal_document(ring, place_of(export, "sealed"), sealed)
    session.add(export)
    session.flush()
    audit.note(
        session,
        "exported",
        Subject(Export.__tablename__, str(export.id)),
        staff_id=staff_id,
        file_format=file_format,
        holds=["request", *groups],
        filters=[f"{name} {value}" for name, value in query.items()],
        rows=len(references),
    )
    return export


def list_exports(session: Session, *, limit: int) -> list[PastExport]:
    """The newest first."""
    rows = session.execute(
        select(Export, called_here(session))
        .outerjoin(User, User.id == Export.staff_id)
        .order_by(Export.at.desc(), Export.id.desc())
        .limit(limit)
    )
    ring = clinic_key(session, entered_clinic(session))
    return [
        PastExport(
            row.at,
            name,
            row.file_format,
            row.groups,
            row.row_count,
            open_document(ring, place_of(row, "sealed"), row.sealed)["reason"],
        )
        for row, name in rows
    ]
