"""A clinic's figures: how many requests, of what sort, and how long they waited; no request is opened.

Counted by the database, from an index that holds all of it (`COUNTED_BY`), so that no row is read.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from screener.store.tables import Consultation

# Of what stands in each index: of the ids each row would be read.
_NUMBER: Final = func.count(Consultation.clinic_id)


class Span(NamedTuple):
    """From a moment to before another."""

    since: datetime
    before: datetime

    @property
    def holds(self) -> ColumnElement[bool]:
        return and_(Consultation.received_at >= self.since, Consultation.received_at < self.before)


class Sort(NamedTuple):
    """Requests that have all of this in common. What went with a withdrawal is None."""

    kind: str
    state: str
    urgency_rank: int
    language: str | None
    article_class: str | None
    number: int


def count_weeks(session: Session, ends: Sequence[datetime]) -> list[int]:
    """How many came between each of these moments and the next."""
    counts = (select(_NUMBER).where(Span(*both).holds) for both in pairwise(ends))
    return list(session.execute(select(*(count.scalar_subquery() for count in counts))).one())


def count_sorts(session: Session, span: Span) -> list[Sort]:
    """Of the requests received in the span; a sort that has none is missing."""
    shared = (
        Consultation.kind,
        Consultation.state,
        Consultation.urgency_rank,
        Consultation.language,
        Consultation.article_class,
    )
    counted = select(*shared, _NUMBER).where(span.holds).group_by(*shared)
    return [Sort(*row) for row in session.execute(counted)]


def count_waits(session: Session, span: Span) -> dict[int, int]:
    """How many were first tried after so many minutes; those nobody tried yet are left out."""
    minutes = Consultation.tried_minutes
    counted = select(minutes, _NUMBER).where(span.holds, minutes.is_not(None)).group_by(minutes)
    rows: Any = session.execute(counted).all()
    return dict(rows)
