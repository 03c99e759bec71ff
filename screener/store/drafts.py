"""Drafts: answers being given, which only the link in the patient's hands opens."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import CursorResult, and_, delete, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError

from screener.store.database import new_id, vault_of
from screener.store.errors import NotFoundError
from screener.store.tables import DRAFT_IDLE, DRAFT_LIFE, MOST_TRIES, Draft, DraftDoor, place_of
from screener.store.tenancy import enter_clinic, looking_up
from screener.store.vault import (
    KeyRing,
    new_key,
    new_token,
    open_document,
    seal_document,
    token_hash,
    unwrap_draft_key,
    wrap_draft_key,
)

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass
class OpenDraft:
    """A draft whose door was opened; change `document`, then `save_draft`."""

    row: Draft
    key: bytes = field(repr=False)
    document: dict[str, Any] = field(repr=False)


def add_draft(
    session: Session, clinic_id: UUID, document: Mapping[str, Any], now: datetime
) -> tuple[OpenDraft, str]:
    """A new draft and the token that opens it; the token is nowhere else."""
    enter_clinic(session, clinic_id)
    row = Draft(id=new_id(), clinic_id=clinic_id, created_at=now, last_active_at=now)
    draft = OpenDraft(row, new_key(), dict(document))
    row.sealed = _seal(draft)
    session.add(row)
    session.flush()
    return draft, _add_door(session, draft, now)


def _seal(draft: OpenDraft) -> bytes:
    return seal_document(KeyRing.of_one(draft.key), place_of(draft.row, "sealed"), draft.document)


def _add_door(session: Session, draft: OpenDraft, now: datetime) -> str:
    token = new_token()
    door = DraftDoor(
        id=new_id(),
        clinic_id=draft.row.clinic_id,
        draft_id=draft.row.id,
        kind="page",
        secret_hash=token_hash(token),
        created_at=now,
    )
    door.wrapped_key = wrap_draft_key(vault_of(session), token, place_of(door, "wrapped_key"), draft.key)
    session.add(door)
    session.flush()
    return token


def find_open_draft(
    session: Session, token: str, now: datetime, *, to_change: bool = False
) -> OpenDraft | None:
    """The draft behind the token, its clinic entered; an expired one opens no more.

    `to_change` keeps its row locked, so that a page of another tab is written after this one, not over it.
    Else it only reads, so that a page view waits for no writer; `remove_expired_drafts` deletes.
    None as well if the session is in another clinic already: foreign and unknown look alike.
    """
    found = _find_door(session, token, to_change=to_change)
    if found is None:
        return None
    row, door = found
    enter_clinic(session, row.clinic_id)
    if _is_expired(row, now):
        return None
    key = unwrap_draft_key(vault_of(session), token, place_of(door, "wrapped_key"), door.wrapped_key)
    document = open_document(KeyRing.of_one(key), place_of(row, "sealed"), row.sealed)
    return OpenDraft(row, key, document)


def _find_door(session: Session, token: str, *, to_change: bool) -> tuple[Draft, DraftDoor] | None:
    if not _TOKEN.fullmatch(token):
        return None
    same_draft = and_(DraftDoor.clinic_id == Draft.clinic_id, DraftDoor.draft_id == Draft.id)
    looked_up = (
        select(Draft, DraftDoor).join(DraftDoor, same_draft).where(DraftDoor.secret_hash == token_hash(token))
    )
    found = session.execute(
        # SQLite knows no row locks; there each writer waits for the one before it anyway.
        looked_up.with_for_update() if to_change else looked_up,
        execution_options=looking_up(session, "draft by token"),
    ).one_or_none()
    return None if found is None else (found[0], found[1])


def _is_expired(row: Draft, now: datetime) -> bool:
    return now - row.last_active_at >= DRAFT_IDLE or now - row.created_at >= DRAFT_LIFE


def save_draft(session: Session, draft: OpenDraft, now: datetime) -> None:
    """The last one to write wins; raise NotFoundError if the draft was removed meanwhile."""
    draft.row.sealed = _seal(draft)
    draft.row.last_active_at = now
    try:
        session.flush()
    except StaleDataError:
        raise NotFoundError("this draft is gone") from None


def renew_door(session: Session, draft: OpenDraft) -> str:
    """A new token; every link handed out before is dead, and the wrong tries are forgotten."""
    session.execute(delete(DraftDoor).where(DraftDoor.draft_id == draft.row.id, DraftDoor.kind == "page"))
    draft.row.tries = 0
    return _add_door(session, draft, datetime.now(UTC))


def count_wrong_try(session: Session, draft: OpenDraft) -> int:
    """How many wrong tries there were; the fifth removes the draft. Commit this, whatever the reply is."""
    counting = update(Draft).where(Draft.id == draft.row.id).values(tries=Draft.tries + 1)
    counting = counting.execution_options(synchronize_session=False)
    tries: int | None = session.scalar(counting.returning(Draft.tries))
    if tries is None:
        return MOST_TRIES
    set_committed_value(draft.row, "tries", tries)
    if tries >= MOST_TRIES:
        remove_draft(session, draft)
    return tries


def remove_draft(session: Session, draft: OpenDraft) -> None:
    _remove(session, draft.row)


def _remove(session: Session, row: Draft) -> None:
    removed = session.execute(delete(Draft).where(Draft.id == row.id).returning(Draft.id)).all()
    if not removed:
        raise NotFoundError("this draft is gone")


def remove_expired_drafts(session: Session, now: datetime) -> int:
    """How many of the entered clinic's drafts were past their time."""
    expired = or_(Draft.last_active_at <= now - DRAFT_IDLE, Draft.created_at <= now - DRAFT_LIFE)
    removed = cast("CursorResult[Any]", session.execute(delete(Draft).where(expired)))
    return removed.rowcount
