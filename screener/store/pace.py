"""The pace: who does a thing again and again waits a little before each time; nobody is shut out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from screener.store.database import vault_of
from screener.store.tables import Pace
from screener.store.vault import derive_token

# Whoever has used less than this part of their own turns does not wait for what all together do: a limit that
# strangers fill must not keep out who comes once.
QUIET: Final = 1 / 4


class Counted(NamedTuple):
    """Something done for which there is a pace: so often at once, after that once in each `step`."""

    purpose: str
    # Whose turns these are: an address, a clinic, a mailbox. Stored as a keyed hash.
    whose: str
    at_once: int
    step: timedelta
    # Counts what many do: no reason to hold up somebody who did it hardly ever.
    of_many: bool = False

    def turns(self, full_at: datetime, now: datetime) -> float:
        """How many of the turns at once are used up; they come back one by one."""
        return max(full_at - now, timedelta(0)) / self.step

    def wait(self, full_at: datetime, now: datetime) -> timedelta:
        return max(full_at - now - (self.at_once - 1) * self.step, timedelta(0))


def wait_before(session: Session, counted: Sequence[Counted], now: datetime) -> timedelta:
    """How long to wait, judged by the first and by what else is counted; nothing if it may go ahead.

    A wait takes no turn: asking often makes none longer. Holds others of the kind until the commit.
    """
    full_at = _full_at(session, counted, now)
    own = counted[0]
    is_quiet = own.turns(full_at[own], now) < own.at_once * QUIET
    waits = [one.wait(full_at[one], now) for one in counted if not (one.of_many and is_quiet)]
    return max(waits)


def take_turn(session: Session, counted: Sequence[Counted], now: datetime) -> None:
    full_at = _full_at(session, counted, now)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for name, one in sorted((_name(session, one), one) for one in counted):
        # Never so full that a wait is longer than a step.
        full = min(full_at[one] + one.step, now + one.at_once * one.step)
        turn = insert(Pace).values(name=name, full_at=full)
        session.execute(
            turn.on_conflict_do_update(index_elements=[Pace.name], set_={"full_at": turn.excluded.full_at})
        )


def forget_whole(session: Session, now: datetime) -> int:
    """Who has all turns again needs no row; how many went. What a request holds now goes the next time."""
    whole = select(Pace.name).where(Pace.full_at <= now).with_for_update(skip_locked=True)
    gone = delete(Pace).where(Pace.name.in_(whole))
    removed = session.execute(gone, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", removed).rowcount


def _full_at(session: Session, counted: Sequence[Counted], now: datetime) -> dict[Counted, datetime]:
    """When all turns will be there again; now, if they are."""
    names = {one: _name(session, one) for one in counted}
    rows = session.execute(
        select(Pace.name, Pace.full_at)
        .where(Pace.name.in_(names.values()))
        .order_by(Pace.name)
        .with_for_update()
    )
    found = {row.name: row.full_at for row in rows}
    return {one: max(found.get(name, now), now) for one, name in names.items()}


def _name(session: Session, one: Counted) -> str:
    return derive_token(vault_of(session), f"pace {one.purpose}", one.whose)
