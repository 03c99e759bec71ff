"""Reindexing: what the queue filters and searches by, filled in from what is sealed, where it is missing."""

from typing import Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from screener.store.blind_index import indexes_of
from screener.store.consultations import read_contact
from screener.store.database import change_rows
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Consultation

PAGE: Final = 200


def reindex_page(session: Session, after: UUID | None) -> tuple[UUID | None, int]:
    """A page of the entered clinic's requests by id: the last one's id (None after the last page), and how
    many rows were changed. Raises UnreadableError if one cannot be opened."""
    page = select(Consultation).order_by(Consultation.id).limit(PAGE)
    if after is not None:
        page = page.where(Consultation.id > after)
    rows = list(session.scalars(page))
    changed = sum(_reindex(session, row) for row in rows if row.sealed_contact is not None)
    return (rows[-1].id if len(rows) == PAGE else None), changed


def _reindex(session: Session, row: Consultation) -> bool:
    wanted = indexes_of(session, read_contact(session, row)) | {"language": _language(session, row)}
    if all(getattr(row, column) == value for column, value in wanted.items()):
        return False
    # Not through the row itself: no open decision form grows stale of it, and nothing comes back to a
    # request that its patient withdraws meanwhile.
    still_there = (Consultation.id == row.id, Consultation.sealed_contact.is_not(None))
    change_rows(session, update(Consultation).where(*still_there).values(wanted))
    return True


def _language(session: Session, row: Consultation) -> str | None:
    if row.screening_id is None:
        return None
    language: str = read_screening(session, get_screening(session, row.screening_id))["language"]
    return language
