"""Tokens of clinics' own systems: shown once, kept as a hash, each with its rights, and revocable."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from screener.domain.rights import Right
from screener.store.audit import Subject, note
from screener.store.clinics import find_clinic
from screener.store.errors import ConflictError, NotFoundError
from screener.store.one_time_keys import row_of_key
from screener.store.tables import ApiToken, Clinic
from screener.store.tenancy import enter_clinic, entered_clinic
from screener.store.vault import new_token, token_hash

# With the slug behind it: tells whoever finds a token what it is, and us which clinic to look for it in.
_PREFIX: Final = "hs"
LONGEST_NAME: Final = 80
LONGEST_LIFE: Final = timedelta(days=366)
MOST_CALLS_A_MINUTE: Final = 120
MOST_TOKENS: Final = 50
_IS_NOT_REVOKED: Final = ApiToken.revoked_at.is_(None)


@dataclass(frozen=True)
class Bearer:
    """A system that was let in."""

    token_id: UUID
    clinic: Clinic = field(repr=False)
    name: str
    rights: frozenset[Right]


def add_token(
    session: Session,
    *,
    name: str,
    rights: Collection[Right],
    lasts: timedelta | None,
    by: int | None,
    now: datetime,
    key: str = "",
) -> str:
    """A token of the entered clinic, to be shown now and never again. `key` is its form's one-time key.

    Raise ValueError if it cannot be, ConflictError if the form was sent before.
    """
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(f"Enter a name of 1 to {LONGEST_NAME} characters.")
    if not rights:
        raise ValueError("Choose at least one right.")
    if lasts is not None and not timedelta(0) < lasts <= LONGEST_LIFE:
        raise ValueError(f"A token works for 1 to {LONGEST_LIFE.days} days.")
    # Whoever comes at the same time waits here, and then finds what was written.
    clinic = session.get_one(Clinic, entered_clinic(session), with_for_update=True)
    token_id = row_of_key(clinic.id, by, key)
    if session.get(ApiToken, token_id) is not None:
        raise ConflictError("this form was sent before")
    if (session.scalar(select(func.count(ApiToken.id)).where(_IS_NOT_REVOKED)) or 0) >= MOST_TOKENS:
        raise ValueError(f"A clinic has at most {MOST_TOKENS} tokens. Revoke one that is not used.")
    text = f"{_PREFIX}_{clinic.slug}_{new_token()}"
    token = ApiToken(
        id=token_id,
        name=name,
        secret_hash=token_hash(text),
        ending=text[-4:],
        rights=sorted(right.value for right in rights),
        staff_id=by,
        created_at=now,
        expires_at=now + lasts if lasts else None,
    )
    session.add(token)
    session.flush()
    note(session, "token_made", _subject(token), staff_id=by, rights=list(token.rights))
    return text


def list_tokens(session: Session) -> list[ApiToken]:
    """Of the entered clinic, the newest first, the revoked ones too."""
    return list(session.scalars(select(ApiToken).order_by(ApiToken.created_at.desc(), ApiToken.id)))


def revoke_token(session: Session, token_id: UUID, *, by: int | None, now: datetime) -> ApiToken:
    """It opens nothing from the commit on. Raise NotFoundError if the clinic has no such token."""
    token = session.get(ApiToken, token_id, with_for_update=True)
    if token is None:
        raise NotFoundError("no such token")
    if token.revoked_at is None:
        token.revoked_at = now
        session.flush()
        note(session, "token_revoked", _subject(token), staff_id=by)
    return token


def enter_by_token(session: Session, text: str, now: datetime) -> Bearer | None:
    """Who shows this token, with their clinic entered; None for whatever opens nothing (any more)."""
    prefix, _, rest = text.partition("_")
    slug, _, secret = rest.partition("_")
    clinic = find_clinic(session, slug) if prefix == _PREFIX and secret else None
    if clinic is None:
        return None
    enter_clinic(session, clinic.id)
    token = session.scalar(select(ApiToken).where(ApiToken.secret_hash == token_hash(text), _IS_NOT_REVOKED))
    if token is None or state_of(token, now) != "live":
        return None
    return Bearer(token.id, clinic, token.name, frozenset(map(Right, token.rights)))


def count_call(session: Session, bearer: Bearer, endpoint: str, now: datetime) -> bool:
    """Notes one use in the trail; False, and no note, where there were too many in this minute."""
    minute = int(now.timestamp()) // 60
    counted = (
        update(ApiToken)
        .where(ApiToken.id == bearer.token_id)
        .values(calls=case((ApiToken.minute == minute, ApiToken.calls + 1), else_=1), minute=minute)
        .returning(ApiToken.calls)
        .execution_options(synchronize_session=False)
    )
    if session.execute(counted).scalar_one() > MOST_CALLS_A_MINUTE:
        return False
    note(session, "token_used", Subject(ApiToken.__tablename__, str(bearer.token_id)), page=endpoint)
    return True


def state_of(token: ApiToken, now: datetime) -> str:
    """ "live", "revoked" or "over"."""
    if token.revoked_at is not None:
        return "revoked"
    return "over" if token.expires_at is not None and token.expires_at <= now else "live"


def last_used(token: ApiToken) -> datetime | None:
    """To the minute."""
    return datetime.fromtimestamp(token.minute * 60, UTC) if token.minute else None


def _subject(token: ApiToken) -> Subject:
    return Subject(ApiToken.__tablename__, str(token.id))
