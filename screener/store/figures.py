"""A clinic's figures: how many requests, of what sort, and how long they waited; no request is opened."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import case, func, select
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


def count_stretches(session: Session, ends: Sequence[datetime]) -> list[int]:
    """How many were received between each of these moments and the next."""
    # Which stretch it is: the first whose end is later.
    stretch = case(*((Consultation.received_at < end, at) for at, end in enumerate(ends[1:])))
    counted = (
        select(stretch, func.count(Consultation.id))
        .where(Consultation.received_at >= ends[0], Consultation.received_at < ends[-1])
        .group_by(stretch)
    )
    counts: dict[int, int] = dict(session.execute(counted).all())
    return [counts.get(at, 0) for at in range(len(ends) - 1)]


def count_sorts(session: Session, span: Span) -> list[Sort]:
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
        select(Screening.article_class, func.count(Screening.id))
        .where(Screening.created_at >= span.since, Screening.created_at < span.before)
        .group_by(Screening.article_class)
    )
    return dict(session.execute(counted).all())


def list_waits(session: Session, span: Span) -> list[timedelta | None]:
    """How long each request waited for the first try to reach the patient; None if there was none."""
    tried = (
        select(Consultation.received_at, func.min(ContactEntry.at))
        .outerjoin(
            ContactEntry,
            (ContactEntry.clinic_id == Consultation.clinic_id)
            & (ContactEntry.consultation_id == Consultation.id),
        )
        .where(Consultation.received_at >= span.since, Consultation.received_at < span.before)
        .group_by(Consultation.id, Consultation.received_at)
    )
    return [first - received if first else None for received, first in session.execute(tried)]
