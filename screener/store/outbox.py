"""The outbox: messages owed, written in the transaction that owes them, and handed out to be sent."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

from email_validator import validate_email
from sqlalchemy import Row, Select, delete, func, or_, select, update
from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.database import new_id
from screener.store.tables import Draft, OutboxMessage, Owed, WebhookDelivery, place_of
from screener.store.tenancy import entered_clinic, looking_up
from screener.store.vault import open_document, seal_document

# What is owed to the clinic about a request; it turns into mails to those who want to know.
NEW_REQUEST: Final = "new_request"
# Longer than any mail server may keep us waiting, so that only a worker that died loses its lease.
LEASE: Final = timedelta(minutes=10)
# How long a message waits after each failed try; after the last one it is given up. About a day in all.
WAITS: Final = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 180, 420, 760))
MOST_TRIES: Final = len(WAITS) + 1
# Of one whose last try nobody came back from.
KILLED: Final = "killed"
_JITTER: Final = 0.2
Carried = TypeVar("Carried", OutboxMessage, WebhookDelivery)


@dataclass(frozen=True)
class Lease:
    """A message in this worker's hands until the lease runs out."""

    id: UUID
    clinic_id: UUID
    kind: str


@dataclass(frozen=True)
class Mail:
    """What was sealed: to whom, in which language, and the values its template names."""

    to: str = field(repr=False)
    language: str
    values: Mapping[str, str] = field(repr=False)


def add_message(session: Session, kind: str, consultation_id: UUID, now: datetime) -> OutboxMessage:
    """A message owed to the clinic."""
    message = _new(session, kind, now, due_at=now, consultation_id=consultation_id)
    session.add(message)
    session.flush()
    return message


def add_mail(
    session: Session,
    kind: str,
    *,
    to: str,
    language: str,
    values: Mapping[str, str],
    due_at: datetime,
    now: datetime,
    consultation_id: UUID | None = None,
    draft_id: UUID | None = None,
    recipient_id: UUID | None = None,
) -> OutboxMessage:
    """A mail owed to somebody, worded by `templates/emails/<kind>.txt`; goes with its draft, if it has one.

    Raises ValueError if `to` is no e-mail address.
    """
    checked = validate_email(to, check_deliverability=False)
    message = _new(session, kind, now, due_at=due_at, consultation_id=consultation_id, draft_id=draft_id)
    message.recipient_id = recipient_id
    document = {
        "to": checked.ascii_email or checked.normalized,
        "language": language,
        "values": dict(values),
    }
    ring = clinic_key(session, message.clinic_id)
    message.sealed_mail = seal_document(ring, place_of(message, "sealed_mail"), document)
    session.add(message)
    session.flush()
    return message


def _new(
    session: Session,
    kind: str,
    now: datetime,
    *,
    due_at: datetime,
    consultation_id: UUID | None = None,
    draft_id: UUID | None = None,
) -> OutboxMessage:
    return OutboxMessage(
        id=new_id(),
        clinic_id=entered_clinic(session),
        kind=kind,
        consultation_id=consultation_id,
        draft_id=draft_id,
        created_at=now,
        due_at=due_at,
    )


def cancel_mail(session: Session, draft_id: UUID, kinds: Collection[str]) -> None:
    """Removes the draft's mail of these kinds that was not sent yet."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.draft_id == draft_id,
            OutboxMessage.kind.in_(kinds),
            OutboxMessage.sent_at.is_(None),
        )
    )


def invited_drafts(consultation_id: UUID) -> Select[UUID | None]:
    """The ids of the drafts that a mail about this request leads to."""
    return select(OutboxMessage.draft_id).where(
        OutboxMessage.consultation_id == consultation_id, OutboxMessage.draft_id.is_not(None)
    )


def remove_messages(session: Session, consultation_id: UUID) -> None:
    """Whatever a request owes or was sent, and the forms that it was invited to fill in."""
    session.execute(delete(Draft).where(Draft.id.in_(invited_drafts(consultation_id))))
    session.execute(delete(OutboxMessage).where(OutboxMessage.consultation_id == consultation_id))


# ---------------------------------------------------------------- for the worker


def lease_mail(session: Session, kinds: Collection[str], now: datetime) -> Lease | None:
    """The mail of any clinic that is due longest, now in this worker's hands. Commit before sending it."""
    mail = select(OutboxMessage.id, OutboxMessage.clinic_id, OutboxMessage.kind).where(
        OutboxMessage.kind.in_(kinds)
    )
    found = take_longest_due(session, OutboxMessage, mail, now)
    return None if found is None else Lease(found.id, found.clinic_id, found.kind)


def take_longest_due(
    session: Session, table: type[Carried], wanted: Select[*tuple[Any, ...]], now: datetime
) -> Row[Any] | None:
    """Of what is wanted of a table of things owed, the row due longest, leased from now on.

    One that was tried to the last without an outcome killed its workers, and is given up.
    """
    due = (
        wanted.add_columns(table.attempts)
        .where(
            table.sent_at.is_(None),
            table.failed_at.is_(None),
            table.due_at <= now,
            or_(table.leased_until.is_(None), table.leased_until <= now),
        )
        # As the index has them, which begins with `sent_at`: else all that is due is read and sorted.
        .order_by(table.sent_at, table.due_at)
        .limit(1)
        # SQLite knows no row locks; there one worker looks at a time anyway.
        .with_for_update(skip_locked=True)
    )
    options = looking_up(session, "outbox lease")
    while (found := session.execute(due, execution_options=options).one_or_none()) is not None:
        # Counted before the try: one that kills its worker is counted too.
        has_tries = found.attempts < MOST_TRIES
        leased = {"leased_until": now + LEASE, "attempts": table.attempts + 1}
        change = leased if has_tries else {"failed_at": now, "last_error": KILLED}
        changing = update(table).where(table.id == found.id).values(change)
        session.execute(changing, execution_options={**options, "synchronize_session": False})
        if has_tries:
            break
    return found


def count_mail(session: Session) -> tuple[int, int]:
    """How many mails of all clinics wait, and how many were given up."""
    owed = OutboxMessage.sent_at.is_(None) & OutboxMessage.sealed_mail.is_not(None)
    counted = select(func.count(OutboxMessage.id), func.count(OutboxMessage.failed_at)).where(owed)
    together, dead = session.execute(counted, execution_options=looking_up(session, "outbox lease")).one()
    return together - dead, dead


class Owing(NamedTuple):
    """Of things owed: how many wait, how many were given up, and since when the first is due."""

    waiting: int
    dead: int
    due_since: datetime | None


def count_owed(session: Session, table: type[Carried]) -> Owing:
    """Of all clinics, before one was entered."""
    counted = select(
        func.count(table.id) - func.count(table.failed_at),
        func.count(table.failed_at),
        func.min(table.due_at).filter(table.failed_at.is_(None)),
    ).where(table.sent_at.is_(None))
    return Owing(*session.execute(counted, execution_options=looking_up(session, "outbox lease")).one())


def read_mail(session: Session, lease: Lease) -> Mail | None:
    """None if it was cancelled, or sent by another, meanwhile. Raises UnreadableError."""
    message = find_unsent(session, lease)
    return open_mail(session, message) if message and message.sealed_mail else None


def open_mail(session: Session, message: OutboxMessage) -> Mail:
    """Of one that was not sent. Raises UnreadableError."""
    ring = clinic_key(session, message.clinic_id)
    document = open_document(ring, place_of(message, "sealed_mail"), message.sealed_mail or b"")
    return Mail(document["to"], document["language"], document["values"])


def mark_sent(session: Session, lease: Lease, now: datetime) -> None:
    """Forgets whom it went to and what it said."""
    message = find_unsent(session, lease)
    if message is not None:
        message.sent_at, message.leased_until, message.sealed_mail = now, None, None
        message.last_error = None
        session.flush()


def mark_failed(session: Session, lease: Lease, error: str, now: datetime, *, for_good: bool) -> bool:
    """Keeps it for a later try, or as dead; whether it is dead. A dead one keeps what it would have said."""
    message = find_unsent(session, lease)
    if message is None:
        return False
    put_off(message, error, now, for_good=for_good)
    session.flush()
    return message.failed_at is not None


def put_off(row: Owed, error: str, now: datetime, *, for_good: bool = False) -> None:
    """To a later try, or given up after the last one."""
    row.leased_until, row.last_error = None, error
    if for_good or row.attempts >= MOST_TRIES:
        row.failed_at = now
    else:
        wait = WAITS[row.attempts - 1]
        row.due_at = now + wait * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - spreads load


def find_unsent(session: Session, lease: Lease) -> OutboxMessage | None:
    """None if it was cancelled, or sent by another, meanwhile."""
    return session.scalar(
        select(OutboxMessage).where(OutboxMessage.id == lease.id, OutboxMessage.sent_at.is_(None))
    )
