"""The throttle: who fails often waits longer and longer, and strangers lock nobody out for good."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from screener.store.database import vault_of
from screener.store.staff_sessions import knows_place
from screener.store.tables import FailedTries
from screener.store.vault import derive_token

# So many tries fail without a wait; from then on each wait is twice the one before.
_FREE: Final = {"place": 4, "account": 30, "address": 60}
_LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=24)


class Try(NamedTuple):
    """Somebody wants in: `purpose` keeps apart what is counted apart."""

    purpose: str
    email: str
    address: str

    @property
    def values(self) -> dict[str, str]:
        email = self.email.strip().lower()
        return {"place": f"{email} {self.address}", "account": email, "address": self.address}


def wait_before(session: Session, attempt: Try, now: datetime) -> timedelta:
    """How long this one must wait; nothing if it may go ahead. Holds others of its kind until the commit."""
    names = _names(session, attempt)
    if knows_place(session, attempt.email.strip(), attempt.address, now):
        # What strangers do elsewhere, or here to other accounts, does not count at a person's own place.
        names = {"place": names["place"]}
    kinds = {name: kind for kind, name in names.items()}
    rows = session.scalars(
        select(FailedTries)
        .where(FailedTries.name.in_(kinds))
        .order_by(FailedTries.name)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    waits = [_wait_of(row, _FREE[kinds[row.name]], now) for row in rows]
    return max(waits, default=timedelta(0))


def _wait_of(row: FailedTries, free: int, now: datetime) -> timedelta:
    if row.count < free or now - row.last_at > FORGOTTEN_AFTER:
        return timedelta(0)
    # Capped before it is computed: two to the power of a flood has no place in a datetime.
    wait = min(timedelta(seconds=2 ** min(row.count - free + 1, 20)), _LONGEST_WAIT)
    return max(row.last_at + wait - now, timedelta(0))


def note_failure(session: Session, attempt: Try, now: datetime) -> None:
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(delete(FailedTries).where(FailedTries.last_at < now - FORGOTTEN_AFTER))
    for name in sorted(_names(session, attempt).values()):
        counted = insert(FailedTries).values(name=name, count=1, last_at=now)
        session.execute(
            counted.on_conflict_do_update(
                index_elements=[FailedTries.name],
                set_={FailedTries.count: FailedTries.count + 1, FailedTries.last_at: now},
            )
        )


def forget_failures(session: Session, attempt: Try) -> None:
    """Of this account from this address: the right person came."""
    session.execute(delete(FailedTries).where(FailedTries.name == _names(session, attempt)["place"]))


def _names(session: Session, attempt: Try) -> dict[str, str]:
    vault = vault_of(session)
    return {
        kind: derive_token(vault, f"failed {attempt.purpose} {kind}", value)
        for kind, value in attempt.values.items()
    }
