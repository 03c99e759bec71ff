"""Who is signed in where: a row a sign-in, ended by sign-out, silence, age, or a change of rights."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from screener.store.database import new_id
from screener.store.tables import Clinic, Membership, StaffSession, User
from screener.store.vault import new_token, token_hash

LONGEST_SESSION: Final = timedelta(hours=12)
# Of whoever belongs to no clinic; a clinic sets its own.
IDLE_LIMIT: Final = timedelta(minutes=15)
# Small enough to mean nothing beside the limit, large enough to spare a write a request.
_SEEN_STEP: Final = timedelta(seconds=20)
# How long a place where a person signed in well stays known as theirs.
KNOWN_PLACE: Final = timedelta(days=90)
_LONGEST_BROWSER: Final = 200
_MOST_LISTED: Final = 20


def add_staff_session(
    session: Session, *, staff_id: int, address: str, browser: str, second_step: str | None, now: datetime
) -> tuple[StaffSession, str]:
    """The row, and the token that only the cookie will hold."""
    token = new_token()
    row = StaffSession(
        id=new_id(),
        staff_id=staff_id,
        token_hash=token_hash(token),
        address=address,
        browser=browser[:_LONGEST_BROWSER],
        second_step=second_step,
        created_at=now,
        last_seen_at=now,
    )
    session.add(row)
    session.flush()
    return row, token


def find_live_session(session: Session, token: str, now: datetime) -> StaffSession | None:
    """None if it was ended, or ended itself by silence or age."""
    row = session.scalar(
        select(StaffSession).where(
            StaffSession.token_hash == token_hash(token), StaffSession.ended_at.is_(None)
        )
    )
    return row if row is not None and now < ends_at(row, idle_limit(session, row.staff_id)) else None


def idle_limit(session: Session, staff_id: int) -> timedelta:
    """After how long a silence a person is signed out: as the strictest of their clinics says."""
    strictest = session.scalar(
        select(func.min(Clinic.idle_minutes))
        .join(Membership, Membership.clinic_id == Clinic.id)
        .where(Membership.staff_id == staff_id, Clinic.disabled_at.is_(None))
    )
    return IDLE_LIMIT if strictest is None else timedelta(minutes=strictest)


def ends_at(row: StaffSession, idle: timedelta) -> datetime:
    """When it ends unless the person does something before, or whatever they do."""
    return min(row.last_seen_at + idle, row.created_at + LONGEST_SESSION)


def note_seen(session: Session, row: StaffSession, now: datetime) -> None:
    if now - row.last_seen_at >= _SEEN_STEP:
        row.last_seen_at = now
        session.flush()


def end_session(session: Session, row: StaffSession, now: datetime) -> None:
    row.ended_at = now
    session.flush()


def end_sessions(session: Session, staff_id: int, now: datetime, *, but: StaffSession | None = None) -> None:
    """Everywhere, or everywhere else."""
    ending = update(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
    if but is not None:
        ending = ending.where(StaffSession.id != but.id)
    session.execute(ending.values(ended_at=now))


def list_staff_sessions(session: Session, staff_id: int) -> list[StaffSession]:
    """The newest first, the ended too."""
    rows = select(StaffSession).where(StaffSession.staff_id == staff_id)
    return list(session.scalars(rows.order_by(StaffSession.created_at.desc()).limit(_MOST_LISTED)))


def knows_place(session: Session, email: str, address: str, now: datetime) -> bool:
    """Whether this person signed in from this address before, with both steps."""
    found = session.scalar(
        select(StaffSession.id)
        .join(User, User.id == StaffSession.staff_id)
        .where(
            func.lower(User.email) == email.lower(),
            StaffSession.address == address,
            StaffSession.second_step.is_not(None),
            StaffSession.created_at > now - KNOWN_PLACE,
        )
        .limit(1)
    )
    return found is not None
