"""Dead letters: mail of a clinic that could not be delivered, to be sent again or given up by its people."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.store.audit import Subject, note, note_each, person_subject
from screener.store.outbox import NEW_REQUEST, add_mail, open_mail
from screener.store.staff import hold_people
from screener.store.tables import Consultation, OutboxMessage, User
from screener.store.tenancy import entered_clinic

# What goes to staff and to inboxes that the clinic named: only their addresses are shown.
_TO_STAFF: Final = "staff_"
TEST: Final = "staff_test"
MOST_SHOWN: Final = 200


@dataclass(frozen=True)
class DeadLetter:
    """`to` is the address of staff or of the clinic's own inbox; None where it goes to a patient."""

    id: UUID
    kind: str
    to: str | None
    reference: str | None
    owed_since: datetime
    failed_at: datetime
    tries: int
    error: str


class Waiting(NamedTuple):
    """Mail of one kind that is still to leave."""

    kind: str
    number: int
    # The earliest of them, and the most tries one of them took.
    since: datetime
    tries: int


def list_dead(session: Session) -> list[DeadLetter]:
    """Of the entered clinic, the newest first."""
    rows = session.execute(
        select(OutboxMessage, Consultation.reference)
        .outerjoin(Consultation, Consultation.id == OutboxMessage.consultation_id)
        .where(_is_dead())
        .order_by(OutboxMessage.failed_at.desc(), OutboxMessage.id)
        .limit(MOST_SHOWN)
    )
    return [_letter(session, row, reference) for row, reference in rows]


def _letter(session: Session, row: OutboxMessage, reference: str | None) -> DeadLetter:
    to_staff = row.kind.startswith(_TO_STAFF) and row.sealed_mail
    return DeadLetter(
        row.id,
        row.kind,
        open_mail(session, row).to if to_staff else None,
        reference,
        row.created_at,
        row.failed_at or row.created_at,
        row.attempts,
        row.last_error or "",
    )


def count_dead(session: Session) -> int:
    return session.scalar(select(func.count(OutboxMessage.id)).where(_is_dead())) or 0


def list_waiting(session: Session) -> list[Waiting]:
    """By kind."""
    waits = select(
        OutboxMessage.kind,
        func.count(OutboxMessage.id),
        func.min(OutboxMessage.created_at),
        func.max(OutboxMessage.attempts),
    ).where(OutboxMessage.sent_at.is_(None), OutboxMessage.failed_at.is_(None))
    return [
        Waiting(*row)
        for row in session.execute(waits.group_by(OutboxMessage.kind).order_by(OutboxMessage.kind))
    ]


def list_undelivered(session: Session, consultation: Consultation) -> list[str]:
    """The kinds of mail to this request's patient that were given up."""
    kinds = select(OutboxMessage.kind).where(
        OutboxMessage.consultation_id == consultation.id,
        OutboxMessage.recipient_id.is_(None),
        # The clinic is owed no mail, but what turns into notices.
        OutboxMessage.kind != NEW_REQUEST,
        _is_dead(),
    )
    return sorted(set(session.scalars(kinds)))


def resend(session: Session, letter_ids: Collection[UUID] | None, *, staff_id: int, now: datetime) -> int:
    """Tries these anew, or all with None; how many. What is on its way already is let be."""
    rows = _hold_dead(session, letter_ids)
    for row in rows:
        row.failed_at = row.leased_until = None
        row.attempts, row.due_at = 0, now
    session.flush()
    note_each(session, "mail_resent", map(_subject, rows), staff_id=staff_id)
    return len(rows)


def discard(session: Session, letter_id: UUID, reason: str, *, staff_id: int) -> bool:
    """Gives it up for good; False if it is dead no more. `reason` is a code."""
    rows = _hold_dead(session, [letter_id])
    for row in rows:
        session.delete(row)
        note(session, "mail_discarded", _subject(row), staff_id=staff_id, kind=row.kind, reason=reason)
    session.flush()
    return bool(rows)


def _hold_dead(session: Session, letter_ids: Collection[UUID] | None) -> list[OutboxMessage]:
    dead = select(OutboxMessage).where(_is_dead()).order_by(OutboxMessage.id).with_for_update()
    if letter_ids is not None:
        dead = dead.where(OutboxMessage.id.in_(letter_ids))
    return list(session.scalars(dead))


def _is_dead() -> ColumnElement[bool]:
    return OutboxMessage.failed_at.is_not(None) & OutboxMessage.sent_at.is_(None)


def _subject(row: OutboxMessage) -> Subject:
    return Subject(OutboxMessage.__tablename__, str(row.id))


def add_test_mail(session: Session, person: User, now: datetime) -> None:
    """To the person's own address, unless one waits already."""
    waiting = select(OutboxMessage).where(
        OutboxMessage.kind == TEST, OutboxMessage.sent_at.is_(None), OutboxMessage.failed_at.is_(None)
    )
    hold_people(session, entered_clinic(session))
    if any(open_mail(session, row).to == person.email for row in session.scalars(waiting)):
        return
    add_mail(session, TEST, to=person.email, language="en", values={}, due_at=now, now=now)
    note(session, "mail_tested", person_subject(person.id), staff_id=person.id)
