"""Screenings: what was asked, said and concluded, written once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.database import new_id
from screener.store.errors import NotFoundError
from screener.store.tables import Screening, place_of
from screener.store.tenancy import entered_clinic
from screener.store.vault import open_document, seal_document


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


def read_screening(session: Session, screening: Screening) -> dict[str, Any]:
    ring = clinic_key(session, screening.clinic_id)
    return open_document(ring, place_of(screening, "sealed"), screening.sealed)
