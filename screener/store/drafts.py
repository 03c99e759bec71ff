"""Drafts: answers being given, which only the link in the patient's hands opens."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.sql import ColumnElement

from screener.domain.next_screening import fit_today
from screener.domain.versions import QUESTIONNAIRE_VERSION
from screener.store.database import new_id, vault_of
from screener.store.endings import SENT, Ending, count_endings
from screener.store.errors import NotFoundError
from screener.store.outbox import cancel_mail
from screener.store.tables import (
    DRAFT_IDLE,
    MOST_TRIES,
    Clinic,
    Draft,
    DraftDoor,
    place_of,
)
from screener.store.tenancy import enter_clinic, entered_clinic, looking_up
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

# The open page's own address; and what a saved draft is come back to by: a mailed link, a written code.
Kind: TypeAlias = Literal["page", "resume", "code"]
WAYS_BACK: Final = ("resume", "code")
# Mail about a way back: the way itself, and the warning before it ends.
LINK_MAIL: Final = "draft_link"
WARNING_MAIL: Final = "draft_warning"
INVITATION_MAIL: Final = "follow_up_invitation"
# Which version of the questionnaire its answers are to.
_ASKED: Final = "questionnaire"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass
class OpenDraft:
    """A draft whose door was opened; change `document`, then `save_draft`."""

    row: Draft
    clinic: Clinic
    key: bytes = field(repr=False)
    document: dict[str, Any] = field(repr=False)


def add_draft(
    session: Session,
    clinic_id: UUID,
    document: Mapping[str, Any],
    now: datetime,
    *,
    reached: str | None = None,
) -> tuple[OpenDraft, str]:
    """A new draft and the token that opens it; the token is nowhere else.

    Where `reached` says that nothing was answered yet, it is counted where the form ends (store/endings.py).
    """
    enter_clinic(session, clinic_id)
    row = Draft(id=new_id(), clinic_id=clinic_id, created_at=now, last_active_at=now, reached=reached)
    draft = OpenDraft(row, session.get_one(Clinic, clinic_id), new_key(), dict(document))
    row.sealed = _seal(draft)
    session.add(row)
    session.flush()
    return draft, add_door(session, draft, "page", new_token(), now)


def _seal(draft: OpenDraft) -> bytes:
    document = draft.document | {_ASKED: QUESTIONNAIRE_VERSION}
    return seal_document(KeyRing.of_one(draft.key), place_of(draft.row, "sealed"), document)


def add_door(session: Session, draft: OpenDraft, kind: Kind, token: str, now: datetime) -> str:
    """Another way into the draft, by this token, which is given back."""
    door = DraftDoor(
        id=new_id(),
        clinic_id=draft.row.clinic_id,
        draft_id=draft.row.id,
        kind=kind,
        secret_hash=token_hash(token),
        created_at=now,
    )
    door.wrapped_key = wrap_draft_key(vault_of(session), token, place_of(door, "wrapped_key"), draft.key)
    session.add(door)
    session.flush()
    return token


def find_open_draft(
    session: Session, token: str, now: datetime, *, kind: Kind = "page", to_change: bool = False
) -> OpenDraft | None:
    """The draft behind the token, its clinic entered; an expired one opens no more.

    `to_change` keeps its row locked, so that a page of another tab is written after this one, not over it.
    Else it only reads, so that a page view waits for no writer; `remove_expired_drafts` deletes.
    None as well if the session is in another clinic already: foreign and unknown look alike.
    """
    found = _find_door(session, token, kind, to_change=to_change)
    if found is None:
        return None
    row, door, clinic = found
    enter_clinic(session, row.clinic_id)
    if now >= kept_until(row, draft_life(session, row.clinic_id)):
        return None
    key = unwrap_draft_key(vault_of(session), token, place_of(door, "wrapped_key"), door.wrapped_key)
    document = open_document(KeyRing.of_one(key), place_of(row, "sealed"), row.sealed)
    if document.pop(_ASKED, None) != QUESTIONNAIRE_VERSION:
        document["answers"] = fit_today(document["answers"])
    return OpenDraft(row, clinic, key, document)


# Made once: what every page of a patient begins with, and all that it needs to know of the clinic.
_OPEN_DOOR: Final = (
    select(Draft, DraftDoor, Clinic)
    .join(DraftDoor, and_(DraftDoor.clinic_id == Draft.clinic_id, DraftDoor.draft_id == Draft.id))
    .join(Clinic, Clinic.id == Draft.clinic_id)
    .where(
        DraftDoor.secret_hash == bindparam("secret_hash"),
        DraftDoor.kind == bindparam("kind"),
        DraftDoor.replaced_at.is_(None),
    )
)
_OPEN_DOOR_TO_CHANGE: Final = _OPEN_DOOR.with_for_update(of=(Draft, DraftDoor))


def _find_door(
    session: Session, token: str, kind: Kind, *, to_change: bool
) -> tuple[Draft, DraftDoor, Clinic] | None:
    if not _TOKEN.fullmatch(token):
        return None
    found = session.execute(
        # SQLite knows no row locks; there each writer waits for the one before it anyway.
        _OPEN_DOOR_TO_CHANGE if to_change else _OPEN_DOOR,
        {"secret_hash": token_hash(token), "kind": kind},
        execution_options=looking_up(session, "draft by token"),
    ).one_or_none()
    return None if found is None else (found[0], found[1], found[2])


def find_clinic_of_closed_door(session: Session, token: str) -> UUID | None:
    """Whose draft the token opened until another way in was used; None if the draft is gone too."""
    if not _TOKEN.fullmatch(token):
        return None
    closed = select(DraftDoor.clinic_id).where(
        DraftDoor.secret_hash == token_hash(token), DraftDoor.replaced_at.is_not(None)
    )
    return session.scalar(closed, execution_options=looking_up(session, "draft by token"))


def draft_life(session: Session, clinic_id: UUID) -> timedelta:
    """How long the clinic keeps a saved form after it was last gone on with, and any other in all."""
    return timedelta(days=session.get_one(Clinic, clinic_id).draft_days)


def kept_until(row: Draft, life: timedelta) -> datetime:
    """When it expires if nothing more is done with it; `life` is its clinic's (`draft_life`)."""
    if row.saved_at:
        return row.last_active_at + life
    return min(row.last_active_at + DRAFT_IDLE, row.created_at + life)


def save_draft(session: Session, draft: OpenDraft, now: datetime) -> None:
    """The last one to write wins; raise NotFoundError if the draft was removed meanwhile."""
    draft.row.sealed = _seal(draft)
    draft.row.last_active_at = now
    try:
        session.flush()
    except StaleDataError:
        raise NotFoundError("this draft is gone") from None


def renew_door(session: Session, draft: OpenDraft, now: datetime) -> str:
    """A new token; every link and code handed out before is dead, and the wrong tries are forgotten."""
    close_doors(session, draft, ("page", *WAYS_BACK), now)
    draft.row.tries = 0
    draft.row.last_active_at = now
    return add_door(session, draft, "page", new_token(), now)


def close_doors(session: Session, draft: OpenDraft, kinds: Collection[str], now: datetime) -> None:
    """They open no more, and mail about them that has not left is cancelled."""
    closing = update(DraftDoor).where(
        DraftDoor.draft_id == draft.row.id, DraftDoor.kind.in_(kinds), DraftDoor.replaced_at.is_(None)
    )
    session.execute(closing.values(replaced_at=now, wrapped_key=b""))
    cancel_mail(session, draft.row.id, (LINK_MAIL, WARNING_MAIL, INVITATION_MAIL))


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


def remove_draft(session: Session, draft: OpenDraft, *, was_sent: bool = False) -> None:
    """And counts where it ended. Raise NotFoundError if it is gone already."""
    gone = delete(Draft).where(Draft.id == draft.row.id).returning(Draft.last_active_at, Draft.reached)
    removed = session.execute(gone).all()
    if not removed:
        raise NotFoundError("this draft is gone")
    count_endings(
        session,
        [Ending(row.last_active_at, SENT if was_sent and row.reached else row.reached) for row in removed],
    )


def is_expired(life: timedelta, now: datetime) -> ColumnElement[bool]:
    """Of drafts: whether their time is over, as `kept_until` says."""
    saved, unsaved = Draft.saved_at.is_not(None), Draft.saved_at.is_(None)
    return or_(
        and_(unsaved, Draft.last_active_at <= now - DRAFT_IDLE),
        and_(unsaved, Draft.created_at <= now - life),
        and_(saved, Draft.last_active_at <= now - life),
    )


def remove_expired_drafts(session: Session, now: datetime, limit: int | None = None) -> int:
    """How many of the entered clinic's drafts were past their time; with `limit` at most so many go."""
    expired = is_expired(draft_life(session, entered_clinic(session)), now)
    some = select(Draft.id).where(expired).limit(limit)
    # Asked once more of each row itself: somebody may have gone on with it meanwhile.
    gone = delete(Draft).where(Draft.id.in_(some), expired).returning(Draft.last_active_at, Draft.reached)
    removed = session.execute(gone, execution_options={"synchronize_session": False}).all()
    count_endings(session, [Ending(row.last_active_at, row.reached) for row in removed])
    return len(removed)
