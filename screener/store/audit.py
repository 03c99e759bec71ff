"""The audit trail: who read or changed what at a clinic, each entry chained to the one before it."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import Row, Select, and_, insert, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.store.database import new_id, vault_of
from screener.store.tables import AuditEntry, AuditHead, Consultation, User
from screener.store.tenancy import entered_clinic
from screener.store.vault import audit_key

# What an entry may say beside its code: states, roles, kinds and ids, never what a person said.
Detail: TypeAlias = str | int | bool | list[str] | None
_CODE: Final = re.compile(r"[A-Za-z0-9_. -]{1,64}")
_A_BATCH: Final = 500
# Entries are numbered in the order of their writing; by so much a clock may have been put back meanwhile.
_CLOCK_SLIPS: Final = timedelta(hours=1)
_FIELDS: Final = (
    AuditEntry.id,
    AuditEntry.number,
    AuditEntry.at,
    AuditEntry.staff_id,
    AuditEntry.what,
    AuditEntry.subject_table,
    AuditEntry.subject,
    AuditEntry.details,
    AuditEntry.chain,
)


class Public(str):
    """Words that every visitor of a clinic's page may read: not a code, but nothing of a patient's either."""

    __slots__ = ()


class Subject(NamedTuple):
    """What an entry is about: a table, and a row's id or a request's reference."""

    table: str
    name: str


class Noted(NamedTuple):
    """Something that goes into the trail; None among the details is not told."""

    what: str
    subject: Subject
    details: Mapping[str, Detail]
    staff_id: int | None = None


class _Entry(NamedTuple):
    """An entry before it is a row."""

    id: UUID
    clinic_id: UUID
    number: int
    at: datetime
    staff_id: int | None
    what: str
    subject_table: str
    subject: str
    details: dict[str, Detail]
    chain: bytes = b""


def request_subject(consultation: Consultation) -> Subject:
    return Subject(Consultation.__tablename__, consultation.reference)


def person_subject(staff_id: int) -> Subject:
    return Subject(User.__tablename__, str(staff_id))


def note(
    session: Session, what: str, subject: Subject, *, staff_id: int | None = None, **details: Detail
) -> None:
    """One more entry of the entered clinic; until the commit nobody else writes one there.

    `staff_id` is who did it: None for a patient, a stranger or the operator. Raises ValueError for a
    detail that is no code.
    """
    note_each(session, what, [subject], staff_id=staff_id, **details)


def note_each(
    session: Session,
    what: str,
    subjects: Iterable[Subject],
    *,
    staff_id: int | None = None,
    **details: Detail,
) -> None:
    """As `note`, the same of each subject, in one go."""
    told = {name: value for name, value in details.items() if value is not None}
    note_all(session, [Noted(what, subject, told, staff_id) for subject in subjects])


def note_all(session: Session, notes: Sequence[Noted]) -> None:
    """As `note`, one thing after another, in one go."""
    if not notes:
        return
    for one in notes:
        _check((one.what, *one.subject, *one.details.values()))
    head = session.scalars(
        # SQLite knows no row locks; there each writer waits for the one before it anyway.
        select(AuditHead).with_for_update().execution_options(populate_existing=True)
    ).one()
    rows = []
    for entry in _chained(_Chain(session), head, notes):
        rows.append(entry._asdict())
        head.number, head.chain = entry.number, entry.chain
    session.flush()
    session.execute(insert(AuditEntry), rows)


def _chained(chain: _Chain, head: AuditHead, notes: Iterable[Noted]) -> Iterator[_Entry]:
    for number, one in enumerate(notes, head.number + 1):
        entry = _Entry(
            id=new_id(),
            clinic_id=head.clinic_id,
            number=number,
            # The moment of writing, whatever moment is told of.
            at=datetime.now(UTC),
            staff_id=one.staff_id,
            what=one.what,
            subject_table=one.subject.table,
            subject=one.subject.name,
            details=dict(one.details),
        )
        yield entry._replace(chain=chain.link(head.chain, entry))


def _check(told: tuple[Detail, ...]) -> None:
    for value in told:
        for code in value if isinstance(value, list) else [value]:
            if isinstance(code, str) and not isinstance(code, Public) and not _CODE.fullmatch(code):
                raise ValueError("an audit entry holds codes and ids alone")


class _Chain:
    """What the entered clinic's entries are chained with: nobody continues it without the server's secret."""

    def __init__(self, session: Session) -> None:
        self._clinic_id = entered_clinic(session)
        self._key = audit_key(vault_of(session), self._clinic_id)

    def link(self, before: bytes, entry: _Entry | Row[Any]) -> bytes:
        said = (
            before.hex(),
            self._clinic_id.hex,
            entry.id.hex,
            entry.number,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.staff_id,
            entry.what,
            entry.subject_table,
            entry.subject,
            entry.details,
        )
        canonical = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
        return hmac.digest(self._key, canonical, hashlib.sha256)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class Wanted:
    """Which entries; what is None is not asked for. A person is wanted as the doer and as the subject."""

    person: int | None = None
    what: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_entries(
    session: Session, wanted: Wanted, *, limit: int, before: int | None = None
) -> list[AuditEntry]:
    """A page of the trail, newest first; `before` is the number where the page before ended."""
    page = _wanted(session, wanted).order_by(AuditEntry.number.desc()).limit(limit)
    if before is not None:
        page = page.where(AuditEntry.number < before)
    # A person's are found by two indexes: each gives a page, of which one is made.
    found = {entry.number: entry for who in _about(wanted) for entry in session.scalars(page.where(who))}
    return [found[number] for number in sorted(found, reverse=True)[:limit]]


def _about(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.person is None:
        yield true()
        return
    table, name = person_subject(wanted.person)
    yield AuditEntry.staff_id == wanted.person
    yield and_(AuditEntry.subject_table == table, AuditEntry.subject == name)


def _wanted(session: Session, wanted: Wanted) -> Select[AuditEntry]:
    found = select(AuditEntry)
    for column, value in ((AuditEntry.what, wanted.what), (AuditEntry.subject, wanted.subject)):
        if value is not None:
            found = found.where(column == value)
    if wanted.since is not None:
        first = _number_at(session, wanted.since - _CLOCK_SLIPS) or 0
        found = found.where(AuditEntry.at >= wanted.since, AuditEntry.number >= first)
    if wanted.until is not None:
        found = found.where(AuditEntry.at < wanted.until)
        if (last := _number_at(session, wanted.until + _CLOCK_SLIPS)) is not None:
            found = found.where(AuditEntry.number <= last)
    return found


def _number_at(session: Session, moment: datetime) -> int | None:
    """Of the first entry from then on: within numbers a page is found at once, within times it is sorted."""
    first = (
        select(AuditEntry.number).where(AuditEntry.at >= moment).order_by(AuditEntry.at, AuditEntry.number)
    )
    return session.scalar(first.limit(1))


# ---------------------------------------------------------------- verifying


class Head(NamedTuple):
    """Where a chain ends. Kept elsewhere, it shows later whether the trail was cut off behind it."""

    number: int
    chain: bytes


@dataclass(frozen=True)
class Verified:
    """How many entries hold; `broken` is the first number that does not, and `why` says what is wrong."""

    entries: int
    broken: int | None = None
    why: str = ""


def find_head(session: Session) -> Head | None:
    """None only if somebody removed it: it is there from the clinic's first day."""
    head = session.scalar(select(AuditHead))
    return None if head is None else Head(head.number, head.chain)


def begin_verifying(session: Session) -> None:
    """Say before the first statement: head and entries are then of one moment, and no writer waits."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    options = {"sqlite_begin": "DEFERRED"} if is_sqlite else {"isolation_level": "REPEATABLE READ"}
    session.connection(execution_options=options)


def verify_chain(session: Session, kept: Mapping[int, bytes] | None = None) -> Verified:
    """Computes the entered clinic's chain anew, in constant memory. `kept` are heads kept elsewhere."""
    head = find_head(session)
    if head is None:
        return Verified(0, 0, "the head is missing")
    walk = _Walk(_Chain(session), dict(kept or {}))
    entries = select(*_FIELDS).order_by(AuditEntry.number, AuditEntry.id)
    try:
        with session.execute(entries, execution_options={"yield_per": _A_BATCH}) as rows:
            why = walk.follow(rows)
    except (TypeError, ValueError):
        why = f"changed, it or one of the next {_A_BATCH}: no entry looks so"
    there_were = max(head.number, *walk.kept, 0)
    if why or walk.number < there_were:
        return Verified(walk.number, walk.number + 1, why or f"cut off: there were {there_were}")
    if (walk.number, walk.last) != head:
        return Verified(walk.number, walk.number, "the head does not fit the last entry")
    return Verified(walk.number)


@dataclass
class _Walk:
    """Along a chain from its beginning: how far it holds, and the kept heads that are still ahead."""

    chain: _Chain
    kept: dict[int, bytes]
    number: int = 0
    last: bytes = b""

    def follow(self, rows: Iterable[Row[Any]]) -> str:
        """What is wrong with the first entry that does not hold; nothing if all do."""
        entry: Row[Any]
        for entry, following in itertools.pairwise(itertools.chain(rows, [None])):  # type: ignore[assignment]  # never the None
            why = _wrong(self.chain, self.last, self.number + 1, entry, following)
            if why:
                return why
            if self.kept.pop(entry.number, entry.chain) != entry.chain:
                return "not what was there when its head was kept"
            self.last, self.number = entry.chain, entry.number
        return ""


def _wrong(chain: _Chain, before: bytes, number: int, entry: Row[Any], following: Row[Any] | None) -> str:
    if entry.number != number:
        return "missing" if entry.number > number else "out of order"
    if hmac.compare_digest(chain.link(before, entry), entry.chain):
        return ""
    # Ids run with time: one that is younger than its follower's was put in this place later.
    return "out of order" if following is not None and entry.id > following.id else "changed"
