"""Notices of new requests: who of the staff is told, how each wants it, and what each is owed."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from email_validator import validate_email
from sqlalchemy import Select, and_, func, select, union
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.domain.consultation import OPEN_STATES, READS_ANSWERS, State
from screener.domain.notification import (
    DEFAULT,
    OVERDUE_AFTER,
    REMINDED_AGAIN_AFTER,
    Choice,
    QuietHours,
    Wish,
)
from screener.domain.urgency import ROUTINE_RANK
from screener.store.audit import Subject, note, person_subject
from screener.store.clinics import clinic_key, zone_of
from screener.store.database import new_id, vault_of
from screener.store.errors import ConflictError, NotFoundError, UnreadableError
from screener.store.outbox import Lease, add_mail, find_unsent
from screener.store.saved_drafts import CODE_LENGTH, read_code, show_code
from screener.store.staff import hold_people
from screener.store.tables import (
    Consultation,
    Membership,
    NoticeRecipient,
    OutboxMessage,
    User,
    place_of,
)
from screener.store.tenancy import entered_clinic
from screener.store.vault import derive_token, new_code, open_document, seal_document, token_hash

ONE: Final = "staff_new_request"
DIGEST: Final = "staff_digest"
REMINDER: Final = "staff_reminder"
INBOX_CODE: Final = "staff_inbox_code"
NOTICES: Final = frozenset({ONE, DIGEST, REMINDER})
MOST_INBOXES: Final = 5
CODE_LIFE: Final = timedelta(hours=72)
MOST_TRIES: Final = 5
_OPEN: Final = tuple(state.value for state in OPEN_STATES)
_READERS: Final = tuple(role.value for role in READS_ANSWERS)


@dataclass(frozen=True)
class Inbox:
    """A shared inbox, as the clinic's administrator put it down."""

    id: UUID
    # None if it does not open any more: then it is told of nothing.
    address: str | None = field(repr=False)
    choice: Choice
    is_confirmed: bool
    # Whether its code can still be typed.
    is_awaited: bool


class QuietTimes(NamedTuple):
    """By the clinic's clock."""

    begin: time
    end: time


# ---------------------------------------------------------------- choices


def find_own(session: Session, staff_id: int) -> NoticeRecipient | None:
    """What the person chose at the entered clinic; None if they never did."""
    return session.scalar(select(NoticeRecipient).where(NoticeRecipient.staff_id == staff_id))


def choose_notices(
    session: Session,
    staff_id: int,
    choice: Choice,
    *,
    quiet: QuietTimes | None,
    urgent_breaks_in: bool,
    now: datetime,
) -> bool:
    """How the person is told from now on. Whether anything changed."""
    hold_people(session, entered_clinic(session))
    own = find_own(session, staff_id) or _add_person(session, staff_id, now)
    begin, end = quiet or (None, None)
    wanted = (choice.value, begin, end, urgent_breaks_in)
    if wanted == (own.choice, own.quiet_from, own.quiet_until, own.urgent_breaks_in):
        return False
    own.choice, own.quiet_from, own.quiet_until, own.urgent_breaks_in = wanted
    session.flush()
    details = {"choice": choice.value, "quiet": "yes" if quiet else "no"}
    note(session, "notices_chosen", person_subject(staff_id), staff_id=staff_id, **details)
    return True


def _add_person(session: Session, staff_id: int, now: datetime) -> NoticeRecipient:
    return _add(session, now, choice=DEFAULT, staff_id=staff_id, confirmed_at=now)


def _add(session: Session, now: datetime, *, choice: Choice, **about: object) -> NoticeRecipient:
    row = NoticeRecipient(
        id=new_id(),
        clinic_id=entered_clinic(session),
        choice=choice.value,
        tries=0,
        urgent_breaks_in=False,
        created_at=now,
        **about,
    )
    session.add(row)
    session.flush()
    return row


def tells_urgent_at_once(session: Session) -> bool:
    """Whether anybody at the entered clinic is mailed of an urgent request at once, quiet hours aside."""
    chosen = {row.staff_id: row for row in session.scalars(select(NoticeRecipient)) if row.staff_id}
    choices = [
        Choice(chosen[staff_id].choice) if staff_id in chosen else DEFAULT
        for staff_id in session.scalars(select(User.id).where(_reads_here(session)))
    ]
    choices += [Choice(row.choice) for row, _ in _told_inboxes(session)]
    return any(choice.tells_urgent_at_once for choice in choices)


# ---------------------------------------------------------------- shared inboxes


def list_inboxes(session: Session, now: datetime) -> list[Inbox]:
    rows = session.scalars(_inboxes().order_by(NoticeRecipient.id))
    return [
        Inbox(
            row.id,
            _address(session, row),
            Choice(row.choice),
            is_confirmed=row.confirmed_at is not None,
            is_awaited=_is_awaited(row, now),
        )
        for row in rows
    ]


def _inboxes() -> Select[NoticeRecipient]:
    return select(NoticeRecipient).where(NoticeRecipient.staff_id.is_(None))


def add_inbox(session: Session, address: str, choice: Choice, *, staff_id: int, now: datetime) -> None:
    """Mails a code there: until it is typed nothing else is. One that stands there already is left as it is.

    Raises ValueError if this is no address, ConflictError if there are as many as there may be.
    """
    checked = validate_email(address, check_deliverability=False).normalized
    hold_people(session, entered_clinic(session))
    there = [inbox.address for inbox in list_inboxes(session, now)]
    if checked.lower() in [address.lower() for address in there if address]:
        return
    if len(there) >= MOST_INBOXES:
        raise ConflictError(f"{MOST_INBOXES} inboxes at most")
    row = _add(session, now, choice=choice)
    ring = clinic_key(session, row.clinic_id)
    row.sealed_address = seal_document(ring, place_of(row, "sealed_address"), {"address": checked})
    code = new_code(CODE_LENGTH)
    row.code_hash = _code_hash(session, row, code)
    add_mail(
        session,
        INBOX_CODE,
        to=checked,
        language="en",
        values={"code": show_code(code)},
        due_at=now,
        now=now,
        recipient_id=row.id,
    )
    note(session, "inbox_added", _subject(row), staff_id=staff_id, choice=choice.value)


def confirm_inbox(session: Session, inbox_id: UUID, typed: str, *, staff_id: int, now: datetime) -> bool:
    """Whether the code was right; after a few wrong ones none is. Raises NotFoundError."""
    row = _get_inbox(session, inbox_id)
    if row.confirmed_at is not None:
        return True
    if not _is_awaited(row, now):
        return False
    row.tries += 1
    code = read_code(typed) or ""
    if not hmac.compare_digest(_code_hash(session, row, code), row.code_hash or b""):
        session.flush()
        return False
    row.confirmed_at, row.code_hash = now, None
    note(session, "inbox_confirmed", _subject(row), staff_id=staff_id)
    return True


def remove_inbox(session: Session, inbox_id: UUID, *, staff_id: int) -> None:
    """With what it was still owed. Raises NotFoundError."""
    row = _get_inbox(session, inbox_id)
    session.delete(row)
    session.flush()
    note(session, "inbox_removed", _subject(row), staff_id=staff_id)


def _get_inbox(session: Session, inbox_id: UUID) -> NoticeRecipient:
    row = session.scalar(_inboxes().where(NoticeRecipient.id == inbox_id).with_for_update())
    if row is None:
        raise NotFoundError("no such inbox")
    return row


def _is_awaited(row: NoticeRecipient, now: datetime) -> bool:
    return row.confirmed_at is None and row.tries < MOST_TRIES and now < row.created_at + CODE_LIFE


def _code_hash(session: Session, row: NoticeRecipient, code: str) -> bytes:
    # Keyed and bound to its row: from the hash alone nobody finds a code this short.
    return token_hash(derive_token(vault_of(session), "inbox code", f"{row.id}|{code}"))


def _subject(row: NoticeRecipient) -> Subject:
    return Subject(NoticeRecipient.__tablename__, str(row.id))


def _address(session: Session, row: NoticeRecipient) -> str | None:
    ring, place = clinic_key(session, row.clinic_id), place_of(row, "sealed_address")
    try:
        opened: str = open_document(ring, place, row.sealed_address or b"")["address"]
    except UnreadableError:
        return None
    return opened


# ---------------------------------------------------------------- for the worker


def tell_staff(session: Session, lease: Lease, now: datetime) -> None:
    """Turns what is owed to the clinic into what each person and inbox wants; commit both at once."""
    clinic_id = entered_clinic(session)
    # One request at a time, so that nobody is owed two digests.
    hold_people(session, clinic_id)
    message = find_unsent(session, lease)
    if message is None:
        return
    message.sent_at, message.leased_until, message.last_error = now, None, None
    request = session.get(Consultation, message.consultation_id)
    if request is None or request.state != State.NEW.value:
        return
    time_zone = zone_of(session)
    for recipient, address in list(_told(session, now)):
        telling = _wish(recipient, time_zone).told_of(is_urgent=_is_urgent(request), now=now)
        if telling is None or (not telling.is_alone and _owes_digest(session, recipient)):
            continue
        add_mail(
            session,
            ONE if telling.is_alone else DIGEST,
            to=address,
            language="en",
            values={},
            due_at=telling.at,
            # A digest tells of all that came since the first.
            now=now if telling.is_alone else request.received_at,
            consultation_id=request.id if telling.is_alone else None,
            recipient_id=recipient.id,
        )


def remind_staff(session: Session, now: datetime) -> int:
    """Where something is overdue, all who may be told are owed a mail, whatever they chose: how many are now.

    Each once a day; quiet hours hold it back unless urgent ones break in.
    """
    if not _count_overdue(session, now):
        return 0
    hold_people(session, entered_clinic(session))
    lately = and_(OutboxMessage.kind == REMINDER, OutboxMessage.created_at > now - REMINDED_AGAIN_AFTER)
    everybody = {recipient.id: (recipient, address) for recipient, address in _told(session, now)}
    reminded = select(OutboxMessage.recipient_id).where(lately, OutboxMessage.recipient_id.in_(everybody))
    for done in session.scalars(reminded):
        everybody.pop(done, None)  # type: ignore[arg-type]  # a reminder has its recipient
    time_zone = zone_of(session)
    for recipient, address in everybody.values():
        add_mail(
            session,
            REMINDER,
            to=address,
            language="en",
            values={},
            due_at=_wish(recipient, time_zone).quiet_until(now, is_urgent=True) or now,
            now=now,
            recipient_id=recipient.id,
        )
    return len(everybody)


def _count_overdue(session: Session, now: datetime) -> int:
    """Open requests of which something is owed for too long, and urgent ones that nobody has taken up."""
    late = now - OVERDUE_AFTER
    owed = and_(Consultation.state.in_(_OPEN), Consultation.owed_at < late)
    is_urgent = Consultation.urgency_rank < ROUTINE_RANK
    untouched = and_(Consultation.state == State.NEW.value, is_urgent, Consultation.received_at < late)
    # Each is an index's to find.
    found = union(*(select(Consultation.id).where(either) for either in (owed, untouched))).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def weigh_notice(session: Session, lease: Lease, now: datetime) -> int:
    """How many requests the notice tells of. 0 if it is not to leave now: then commit what became of it."""
    message = find_unsent(session, lease)
    if message is None or message.recipient_id is None:
        return 0
    recipient = session.get_one(NoticeRecipient, message.recipient_id)
    wish, waiting = _wish(recipient, zone_of(session)), _waiting(session, message, recipient, now)
    is_wanted = wish.choice is not Choice.NONE or message.kind == REMINDER
    if not (waiting and is_wanted and _is_told(session, recipient)):
        session.delete(message)
        return 0
    quiet_until = wish.quiet_until(now, is_urgent=_is_about_urgent(session, message))
    if quiet_until is not None:
        # It was not tried.
        message.due_at, message.leased_until, message.attempts = quiet_until, None, message.attempts - 1
        return 0
    return waiting


def _told(session: Session, now: datetime) -> Iterator[tuple[NoticeRecipient, str]]:
    """Everybody whom the clinic may tell, with their address."""
    kept = {row.staff_id: row for row in session.scalars(select(NoticeRecipient)) if row.staff_id}
    for staff_id, email in session.execute(select(User.id, User.email).where(_reads_here(session))):
        yield kept.get(staff_id) or _add_person(session, staff_id, now), email
    yield from _told_inboxes(session)


def _told_inboxes(session: Session) -> Iterator[tuple[NoticeRecipient, str]]:
    """With their address; one that does not open keeps nobody else from being told."""
    for row in session.scalars(_inboxes().where(NoticeRecipient.confirmed_at.is_not(None))):
        if address := _address(session, row):
            yield row, address


def _is_told(session: Session, recipient: NoticeRecipient) -> bool:
    if recipient.staff_id is None:
        return recipient.confirmed_at is not None
    theirs = select(User.id).where(User.id == recipient.staff_id, _reads_here(session))
    return session.scalar(theirs) is not None


def _reads_here(session: Session) -> ColumnElement[bool]:
    """A reader of answers who has chosen a password: the mail with that link has proven the address."""
    reads = select(Membership.id).where(
        Membership.staff_id == User.id,
        Membership.clinic_id == entered_clinic(session),
        Membership.role.in_(_READERS),
    )
    return reads.exists() & User.password.is_not(None) & User.active.is_(True)


def _wish(recipient: NoticeRecipient, time_zone: str) -> Wish:
    begin, end = recipient.quiet_from, recipient.quiet_until
    quiet = QuietHours(begin, end, time_zone) if begin is not None and end is not None else None
    return Wish(Choice(recipient.choice), quiet, recipient.urgent_breaks_in)


def _owes_digest(session: Session, recipient: NoticeRecipient) -> bool:
    """One that was tried may have arrived: what comes after it needs a mail of its own."""
    pending = select(OutboxMessage.id).where(
        OutboxMessage.recipient_id == recipient.id,
        OutboxMessage.kind == DIGEST,
        OutboxMessage.attempts == 0,
        OutboxMessage.sent_at.is_(None),
    )
    return session.scalar(pending.limit(1).with_for_update()) is not None


def _waiting(session: Session, message: OutboxMessage, recipient: NoticeRecipient, now: datetime) -> int:
    """Of what the notice tells of, how many nobody has taken up yet."""
    if message.kind == REMINDER:
        return _count_overdue(session, now)
    waiting = select(func.count(Consultation.id)).where(Consultation.state == State.NEW.value)
    if message.kind == ONE:
        waiting = waiting.where(Consultation.id == message.consultation_id)
    else:
        waiting = waiting.where(Consultation.received_at >= message.created_at)
        if recipient.choice == Choice.URGENT.value:
            waiting = waiting.where(Consultation.urgency_rank < ROUTINE_RANK)
    return session.scalar(waiting) or 0


def _is_about_urgent(session: Session, message: OutboxMessage) -> bool:
    if message.kind != ONE:
        return message.kind == REMINDER
    request = session.get(Consultation, message.consultation_id)
    return request is not None and _is_urgent(request)


def _is_urgent(request: Consultation) -> bool:
    return request.urgency_rank < ROUTINE_RANK
