"""Screenings: what was asked, said and concluded, written once."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.database import new_id
from screener.store.errors import NotFoundError
from screener.store.tables import Screening, place_of
from screener.store.tenancy import entered_clinic
from screener.store.vault import Place, open_document, seal_document


def add_screening(
    session: Session,
    *,
    document: Mapping[str, Any],
    urgency: str,
    article_class: str,
    questionnaire_version: str,
    criteria_version: str,
    now: datetime,
) -> Screening:
    """A finished screening. The document is sealed; the rest stays readable, to count and filter by."""
    screening = Screening(
        id=new_id(),
        clinic_id=entered_clinic(session),
        urgency=urgency,
        article_class=article_class,
        questionnaire_version=questionnaire_version,
        criteria_version=criteria_version,
        created_at=now,
    )
    ring = clinic_key(session, screening.clinic_id)
    screening.sealed = seal_document(ring, place_of(screening, "sealed"), document)
    session.add(screening)
    session.flush()
    return screening


def get_screening(session: Session, screening_id: UUID) -> Screening:
    screening = session.get(Screening, screening_id)
    if screening is None:
        raise NotFoundError("no such screening")
    return screening


def list_screenings(session: Session, ids: Collection[UUID]) -> list[Screening]:
    """All at once, in no order."""
    return list(session.scalars(select(Screening).where(Screening.id.in_(ids))))


def read_screening(session: Session, screening: Screening) -> dict[str, Any]:
    ring = clinic_key(session, screening.clinic_id)
    return open_document(ring, place_of(screening, "sealed"), screening.sealed)


class SealedScreening(NamedTuple):
    """A stored screening as it lies there; `open_screening` reads it."""

    id: UUID
    sealed: bytes


def list_sealed_screenings(
    session: Session, *, after: UUID | None = None, limit: int = 100
) -> list[SealedScreening]:
    """The entered clinic's screenings in the order of their ids, a page at a time."""
    page = select(Screening.id, Screening.sealed).order_by(Screening.id).limit(limit)
    if after is not None:
        page = page.where(Screening.id > after)
    return [SealedScreening(row.id, row.sealed) for row in session.execute(page)]


def open_screening(session: Session, screening: SealedScreening) -> dict[str, Any]:
    """Raise UnreadableError if the document was altered or its key is not here."""
    clinic_id = entered_clinic(session)
    place = Place(clinic_id, Screening.__tablename__, "sealed", screening.id)
    return open_document(clinic_key(session, clinic_id), place, screening.sealed)
