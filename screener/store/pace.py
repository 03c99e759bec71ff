"""Pacing: whoever does something again and again waits a little before each time; nobody is shut out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from screener.store.database import change_rows, vault_of
from screener.store.tables import Pace
from screener.store.vault import derive_token

# Whoever has used less than this share of their own turns does not wait because of what everybody does
# together: a limit that strangers fill must not keep out somebody who comes once.
QUIET: Final = 1 / 4
_MS: Final = timedelta(milliseconds=1)


class Counted(NamedTuple):
    """Something done for which there is a pace: so often at once, after that once in each `step`."""

    purpose: str
    # Whose turns these are: an address, a clinic, a mailbox. Stored as a keyed hash.
    whose: str
    at_once: int
    step: timedelta
    # Counts what many do: no reason to hold up somebody who did it hardly ever.
    of_many: bool = False

    @property
    def step_ms(self) -> int:
        return self.step // _MS


def wait_before(session: Session, counted: Sequence[Counted], now: datetime) -> timedelta:
    """How long to wait, at most a step, judged by the first and by what else is counted; zero: go ahead.

    Waiting uses up no turn, so asking often makes no wait longer. Nothing is locked, so a few too many of
    those who ask at the same moment may go ahead.
    """
    names = {_name(session, one): one for one in counted}
    rows = session.execute(select(Pace.name, Pace.full_at).where(Pace.name.in_(names)))
    # What is still to come back, in milliseconds.
    missing = {names[row.name]: max(row.full_at - _to_ms(now), 0) for row in rows}
    own = counted[0]
    is_quiet = missing.get(own, 0) < own.at_once * own.step_ms * QUIET
    asked = [one for one in counted if not (one.of_many and is_quiet)]
    waits = (missing.get(one, 0) - (one.at_once - 1) * one.step_ms for one in asked)
    return timedelta(milliseconds=max(0, *waits))


def take_turn(session: Session, counted: Sequence[Counted], now: datetime) -> None:
    """Counts it. Last in a transaction: whoever counts the same waits for its end."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    moment = _to_ms(now)
    for name, one in sorted((_name(session, one), one) for one in counted):
        most = moment + one.at_once * one.step_ms
        begun = case((Pace.full_at > moment, Pace.full_at), else_=moment)
        full_at = case((begun + one.step_ms > most, most), else_=begun + one.step_ms)
        turn = insert(Pace).values(name=name, full_at=moment + one.step_ms)
        session.execute(turn.on_conflict_do_update(index_elements=[Pace.name], set_={"full_at": full_at}))


def forget_whole(session: Session, now: datetime) -> int:
    """Deletes the rows of those who have all their turns again; how many. A locked row goes the next time."""
    whole = select(Pace.name).where(Pace.full_at <= _to_ms(now)).with_for_update(skip_locked=True)
    return change_rows(session, delete(Pace).where(Pace.name.in_(whole)))


def _to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _name(session: Session, one: Counted) -> str:
    return derive_token(vault_of(session), f"pace {one.purpose}", one.whose)
