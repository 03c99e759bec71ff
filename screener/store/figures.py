"""A clinic's figures: how many requests, of what sort, and how long they waited; no request is opened."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from screener.store.tables import Consultation, ContactEntry, Screening


class Span(NamedTuple):
    """From a moment to before another."""

    since: datetime
    before: datetime


class Sort(NamedTuple):
    """Requests that have all of this in common. What went with a withdrawal is None."""

    kind: str
    state: str
    urgency_rank: int
    language: str | None
    number: int


class Received(NamedTuple):
    """When a request came, and when the patient was first tried, if ever."""

    at: datetime
    tried_at: datetime | None


def count_sorts(session: Session, span: Span) -> list[Sort]:
    """Of the requests received in the span; a sort that has none is missing."""
    shared = (Consultation.kind, Consultation.state, Consultation.urgency_rank, Consultation.language)
    counted = (
        select(*shared, func.count(Consultation.id))
        .where(Consultation.received_at >= span.since, Consultation.received_at < span.before)
        .group_by(*shared)
    )
    return [Sort(*row) for row in session.execute(counted)]


def count_classes(session: Session, span: Span) -> dict[str, int]:
    """By the class of the articles; what was withdrawn has none, and a screening is as old as its request."""
    counted = (
        select(Screening.article_class, func.count())
        .where(Screening.created_at >= span.since, Screening.created_at < span.before)
        .group_by(Screening.article_class)
    )
    return dict(session.execute(counted).all())


def list_received(session: Session, span: Span) -> list[Received]:
    """One of each request received in the span, in no order."""
    tried = (
        select(Consultation.received_at, func.min(ContactEntry.at))
        .outerjoin(
            ContactEntry,
            and_(
                ContactEntry.clinic_id == Consultation.clinic_id,
                ContactEntry.consultation_id == Consultation.id,
            ),
        )
        .where(Consultation.received_at >= span.since, Consultation.received_at < span.before)
        .group_by(Consultation.id, Consultation.received_at)
    )
    return [Received(*row) for row in session.execute(tried)]
