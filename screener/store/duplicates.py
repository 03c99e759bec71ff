"""Possible duplicates: requests that share an e-mail, a phone number, or name and birth date.

They are shown, never merged: families share an e-mail, so only a person says whose two requests are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store import audit
from screener.store.audit import Subject, request_subject
from screener.store.consultations import read_contact
from screener.store.database import new_id
from screener.store.errors import ConflictError
from screener.store.staff import called_here
from screener.store.tables import Consultation, RequestLink, User

_SHOWN: Final = ("contact_name", "contact_birth_date", "contact_email", "contact_phone")
# A clinic's own number, given by many, must not fill the page.
MOST_SHOWN: Final = 20


@dataclass(frozen=True)
class Match:
    """Another request that may be the same person's, and what was decided about the two."""

    reference: str
    state: str
    received_at: datetime
    contact: dict[str, str] = field(repr=False)
    # Which of e-mail, phone and person the two share.
    shared: tuple[str, ...]
    # "same" or "different"; None while nobody decided, or after it was taken back.
    verdict: str | None
    decided_by: str | None
    decided_at: datetime | None

    @property
    def is_compared(self) -> bool:
        """Its contact details are shown: somebody is to decide by them."""
        return self.verdict is None


def list_matches(session: Session, consultation: Consultation) -> list[Match]:
    """The newest first; linked ones whether they still look alike or not."""
    links = _links(session, consultation)
    rows = session.scalars(
        select(Consultation).where(
            Consultation.id != consultation.id,
            Consultation.withdrawn_at.is_(None),
            Consultation.id.in_([*links, *_alike(session, consultation)]),
        )
    )
    # Here, for SQLite would go through all requests in their order.
    newest = sorted(rows, key=lambda row: row.received_at, reverse=True)[:MOST_SHOWN]
    return [_match(session, consultation, row, links.get(row.id)) for row in newest]


def note_compared(session: Session, one: Consultation, matches: Iterable[Match], staff_id: int) -> None:
    """Whoever opens `one` reads the contact details of what is to be compared with it."""
    read = [Subject(Consultation.__tablename__, m.reference) for m in matches if m.is_compared]
    audit.note_each(session, "read", read, staff_id=staff_id, page="queue.alike", other=one.reference)


def _alike(session: Session, one: Consultation) -> Iterator[UUID]:
    """The newest by each of what is given: an index finds them, however many there are."""
    given = (
        (Consultation.email_index, one.email_index),
        (Consultation.phone_index, one.phone_index),
        (Consultation.person_index, one.person_index),
    )
    for column, value in given:
        if value is not None:
            newest = select(Consultation.id).where(column == value).order_by(Consultation.received_at.desc())
            yield from session.scalars(newest.limit(MOST_SHOWN + 1))


def _links(session: Session, one: Consultation) -> dict[UUID, tuple[RequestLink, str]]:
    """What was decided, by the other request's id."""
    linked = select(RequestLink, called_here(session)).join(User, User.id == RequestLink.staff_id)
    rows = [
        row
        for column in (RequestLink.first_id, RequestLink.second_id)
        for row in session.execute(linked.where(column == one.id))
    ]
    return {
        link.second_id if link.first_id == one.id else link.first_id: (link, name)
        for link, name in rows
        if link.verdict != "undone"
    }


def _match(
    session: Session, one: Consultation, other: Consultation, decided: tuple[RequestLink, str] | None
) -> Match:
    said = read_contact(session, other)
    link, name = decided or (None, None)
    return Match(
        reference=other.reference,
        state=other.state,
        received_at=other.received_at,
        contact={column: said.get(column) or "" for column in _SHOWN},
        shared=tuple(
            what
            for what in ("person", "email", "phone")
            if (value := getattr(one, f"{what}_index")) is not None
            and value == getattr(other, f"{what}_index")
        ),
        verdict=link.verdict if link else None,
        decided_by=name,
        decided_at=link.at if link else None,
    )


def decide_pair(
    session: Session,
    one: Consultation,
    other: Consultation,
    *,
    verdict: str,
    seen: str | None,
    staff_id: int,
    now: datetime,
) -> None:
    """Remember what a person said about two requests; "undone" takes it back. Hold both rows first.

    Raise ConflictError if it is not what they saw any more (`seen` is the verdict on their page).
    """
    first, second = sorted((one.id, other.id))
    pair = (RequestLink.first_id == first, RequestLink.second_id == second)
    link = session.scalar(select(RequestLink).where(*pair))
    if link is not None and (link.verdict, link.staff_id) == (verdict, staff_id):
        # Said twice, by a double click.
        return
    found = None if link is None or link.verdict == "undone" else link.verdict
    if found != seen:
        raise ConflictError("somebody else decided about these two meanwhile")
    if link is None:
        link = RequestLink(id=new_id(), clinic_id=one.clinic_id, first_id=first, second_id=second)
        session.add(link)
    link.verdict, link.staff_id, link.at = verdict, staff_id, now
    session.flush()
    subject = request_subject(one)
    audit.note(session, "likeness_judged", subject, staff_id=staff_id, other=other.reference, verdict=verdict)


def list_same_person(session: Session, consultation: Consultation) -> list[Consultation]:
    """Requests that staff linked to this one, step by step; the oldest first, without those withdrawn."""
    found: dict[UUID, Consultation] = {consultation.id: consultation}
    unseen = [consultation]
    while unseen:
        links = _links(session, unseen.pop())
        same = {other for other, (link, _) in links.items() if link.verdict == "same"} - found.keys()
        rows = session.scalars(
            select(Consultation).where(Consultation.id.in_(same), Consultation.withdrawn_at.is_(None))
        ).all()
        found |= {row.id: row for row in rows}
        unseen += rows
    del found[consultation.id]
    return sorted(found.values(), key=lambda row: (row.received_at, row.id))
