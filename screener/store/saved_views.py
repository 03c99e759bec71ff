"""Saved views: filters of the queue that somebody comes back to, kept under a name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.store.database import change_rows, new_id
from screener.store.errors import NotFoundError
from screener.store.sealed_text import open_text, seal_text
from screener.store.tables import SavedView
from screener.store.tenancy import entered_clinic

LONGEST_NAME: Final = 60
MOST_VIEWS: Final = 30


@dataclass(frozen=True)
class View:
    """A saved view as a person sees it."""

    id: UUID
    staff_id: int
    name: str = field(repr=False)
    query: Mapping[str, str]
    is_shared: bool


def add_view(
    session: Session,
    *,
    staff_id: int,
    name: str,
    query: Mapping[str, str],
    is_shared: bool,
    now: datetime,
) -> None:
    """Once, however often it is saved. Raise ValueError, in words for the person, if it will not do."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise ValueError(f"Give the view a name of 1 to {LONGEST_NAME} characters.")
    said = (name, dict(query), is_shared)
    mine = _list(session, SavedView.staff_id == staff_id)
    if any(said == (view.name, view.query, view.is_shared) for view in mine):
        return
    if len(mine) >= MOST_VIEWS:
        raise ValueError(f"You have {MOST_VIEWS} saved views. Delete one first.")
    view = SavedView(
        id=new_id(),
        clinic_id=entered_clinic(session),
        staff_id=staff_id,
        query=dict(query),
        is_shared=is_shared,
        created_at=now,
    )
    seal_text(session, view, "sealed_name", name)
    session.add(view)
    session.flush()


def list_views(session: Session, staff_id: int) -> list[View]:
    """A person's own and those that others share, by name."""
    views = _list(session, or_(SavedView.staff_id == staff_id, SavedView.is_shared.is_(True)))
    return sorted(views, key=lambda view: (view.name.casefold(), view.id))


def _list(session: Session, chosen: ColumnElement[bool]) -> list[View]:
    return [
        View(row.id, row.staff_id, open_text(session, row, "sealed_name"), row.query, row.is_shared)
        for row in session.scalars(select(SavedView).where(chosen))
    ]


def delete_view(session: Session, view_id: UUID, staff_id: int, here: Collection[int]) -> None:
    """One's own, or a shared one that whoever made it left behind; `here` are those who did not leave.

    Raise NotFoundError for any other.
    """
    view = session.scalar(select(SavedView).where(SavedView.id == view_id))
    if view is None or not (view.staff_id == staff_id or (view.is_shared and view.staff_id not in here)):
        raise NotFoundError("no such view of one's own")
    change_rows(session, delete(SavedView).where(SavedView.id == view_id))
    session.expunge(view)
