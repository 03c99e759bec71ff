"""The queue: what is there to do, filtered, in the order it should be done, a page at a time."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, func, not_, or_, select, true
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.domain.consultation import OPEN_STATES
from screener.domain.follow_up import Due
from screener.store.blind_index import IndexKind, index_of
from screener.store.clinics import clinic_key, zone_of
from screener.store.consultations import get_consultation
from screener.store.due import earliest_due, is_owed_before
from screener.store.screenings import SealedScreening, open_screening
from screener.store.tables import Consultation, Screening
from screener.store.tenancy import entered_clinic
from screener.store.vault import Place, open_document

ROUTINE_RANK: Final = 5
# Names are sealed: so many requests are opened to look for one.
MOST_NAMES: Final = 6000
_OPEN: Final = tuple(state.value for state in OPEN_STATES)


class Order(Enum):
    """Safety first is the queue's own; the others are for looking something up."""

    SAFETY = "safety"
    LONGEST = "longest"
    NEWEST = "newest"


@dataclass(frozen=True)
class Filter:
    """Which requests; None or empty leaves out the condition, except for `states`."""

    states: Collection[str]
    kind: str | None = None
    ranks: Collection[int] = ()
    article_class: str | None = None
    owner_id: int | None = None
    is_unowned: bool = False
    # Owned, but by none of these.
    owner_not_in: Collection[int] | None = None
    language: str | None = None
    reference: str | None = None
    questionnaire_version: str | None = None
    received_from: datetime | None = None
    received_before: datetime | None = None
    # What is owed before this moment, by the clock of this zone.
    due_before: datetime | None = None
    time_zone: str = "UTC"

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        yield Consultation.state.in_(self.states)
        wanted = (
            (Consultation.kind, self.kind),
            (Consultation.owner_id, self.owner_id),
            (Consultation.language, self.language),
            (Consultation.reference, self.reference),
        )
        yield from (column == value for column, value in wanted if value is not None)
        if self.article_class is not None:
            # By an index alone: the screenings' own rows are long.
            of_class = select(Screening.id).where(Screening.article_class == self.article_class)
            yield Consultation.screening_id.in_(of_class)
        if self.questionnaire_version is not None:
            of_version = Screening.questionnaire_version == self.questionnaire_version
            yield Consultation.screening_id.in_(select(Screening.id).where(of_version))
        if self.ranks:
            yield Consultation.urgency_rank.in_(self.ranks)
        if self.is_unowned:
            yield Consultation.owner_id.is_(None)
        if self.owner_not_in is not None:
            yield and_(Consultation.owner_id.is_not(None), Consultation.owner_id.not_in(self.owner_not_in))
        if self.received_from is not None:
            yield Consultation.received_at >= self.received_from
        if self.received_before is not None:
            yield Consultation.received_at < self.received_before
        if self.due_before is not None:
            yield is_owed_before(self.due_before, self.time_zone)


class Cursor(NamedTuple):
    """A row's place in every order."""

    urgency_rank: int
    is_overdue: bool
    received_at: datetime
    id: UUID


class Turn(NamedTuple):
    """Where a page begins: beyond a row, in the queue's direction or back."""

    cursor: Cursor
    is_back: bool = False


@dataclass(frozen=True)
class QueueRow:
    """A line of the queue; what is None of it went when the patient withdrew."""

    id: UUID
    reference: str
    name: str | None = field(repr=False)
    urgency: str | None
    urgency_rank: int
    # Why it comes before others: the codes of its safety flags, the gravest first.
    red_flags: tuple[str, ...] = field(repr=False)
    article_class: str | None
    kind: str
    state: str
    language: str | None
    owner_id: int | None
    received_at: datetime
    # The next thing that is owed about it.
    due: Due | None
    is_overdue: bool
    withdrawn_at: datetime | None

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.urgency_rank, self.is_overdue, self.received_at, self.id)


def list_queue(
    session: Session,
    chosen: Filter,
    *,
    now: datetime,
    order: Order = Order.SAFETY,
    limit: int = 50,
    turn: Turn | None = None,
) -> list[QueueRow]:
    """A page of the requests chosen, in the queue's order also when it is turned back.

    Safety first: the most urgent; of these what is overdue; of these the longest waiting.
    """
    is_back = turn is not None and turn.is_back
    zone = zone_of(session)
    lanes = _lanes(order, turn, is_owed_before(now, zone))
    descending = (order is Order.NEWEST) is not is_back
    found = [
        row
        for lane in lanes
        for row in _read_lane(session, chosen, order, lane, descending=descending, limit=limit)
    ]
    dues = earliest_due(session, [row["id"] for row in found], zone) if found else {}
    found.sort(key=lambda row: _key(order, _cursor_of(row, dues, now)), reverse=descending)
    page = found[:limit]
    return _queue_rows(session, page[::-1] if is_back else page, dues, now)


def _key(order: Order, cursor: Cursor) -> tuple[Any, ...]:
    waited = (cursor.received_at, cursor.id)
    if order is Order.SAFETY:
        return (cursor.urgency_rank, not cursor.is_overdue, *waited)
    return waited


_Stretches = tuple[ColumnElement[bool], ...]


def _lanes(order: Order, turn: Turn | None, is_overdue: ColumnElement[bool]) -> Iterator[_Stretches]:
    """Each lane is read in the order of an index, stretch by stretch; the page merges them.

    In one comparison SQLite would read all that lies before.
    """
    if order is not Order.SAFETY:
        after = (
            true() if turn is None else _beyond_moment(turn.cursor, turn.is_back is (order is Order.LONGEST))
        )
        yield (after,)
        return
    for lane, overdue in ((is_overdue, True), (not_(is_overdue), False)):
        yield tuple(and_(lane, stretch) for stretch in _stretches(turn, is_overdue=overdue))


def _stretches(turn: Turn | None, *, is_overdue: bool) -> _Stretches:
    if turn is None:
        return (true(),)
    rank, at = Consultation.urgency_rank, turn.cursor.urgency_rank
    beyond = rank < at if turn.is_back else rank > at
    if is_overdue is turn.cursor.is_overdue:
        return (and_(rank == at, _beyond_moment(turn.cursor, turn.is_back)), beyond)
    # In one urgency the overdue stand before the others.
    shares_rank = is_overdue is turn.is_back
    return (rank <= at if turn.is_back else rank >= at,) if shares_rank else (beyond,)


def _beyond_moment(cursor: Cursor, earlier: bool) -> ColumnElement[bool]:
    at, row_id = Consultation.received_at, Consultation.id
    if earlier:
        return and_(at <= cursor.received_at, or_(at < cursor.received_at, row_id < cursor.id))
    return and_(at >= cursor.received_at, or_(at > cursor.received_at, row_id > cursor.id))


def _read_lane(
    session: Session, chosen: Filter, order: Order, lane: _Stretches, *, descending: bool, limit: int
) -> list[RowMapping]:
    columns: list[Any] = [Consultation.received_at, Consultation.id]
    if order is Order.SAFETY:
        columns.insert(0, Consultation.urgency_rank)
    ordered = _rows(chosen.conditions()).order_by(*(c.desc() if descending else c for c in columns))
    rows: list[RowMapping] = []
    for stretch in lane:
        rows += session.execute(ordered.where(stretch).limit(limit - len(rows))).mappings()
        if len(rows) == limit:
            break
    return rows


def _rows(conditions: Iterable[ColumnElement[bool]]) -> Select[*tuple[Any, ...]]:
    columns = (
        Consultation.id,
        Consultation.reference,
        Consultation.sealed_contact,
        Consultation.screening_id,
        Screening.urgency,
        Consultation.urgency_rank,
        Screening.article_class,
        Consultation.kind,
        Consultation.state,
        Consultation.language,
        Consultation.owner_id,
        Consultation.received_at,
        Consultation.withdrawn_at,
    )
    return select(*columns).outerjoin(Screening, _same_screening()).where(*conditions)


def _same_screening() -> ColumnElement[bool]:
    return and_(Screening.clinic_id == Consultation.clinic_id, Screening.id == Consultation.screening_id)


def _cursor_of(row: RowMapping, dues: Mapping[UUID, Due], now: datetime) -> Cursor:
    due = dues.get(row["id"])
    is_overdue = due is not None and due.is_overdue(now)
    return Cursor(row["urgency_rank"], is_overdue, row["received_at"], row["id"])


def _queue_rows(
    session: Session, rows: Collection[RowMapping], dues: Mapping[UUID, Due], now: datetime
) -> list[QueueRow]:
    flags = _red_flags(session, rows)
    hidden = {"sealed_contact", "screening_id"}
    return [
        QueueRow(
            name=_name(session, row["id"], row["sealed_contact"]),
            red_flags=flags.get(row["screening_id"], ()),
            due=dues.get(row["id"]),
            is_overdue=_cursor_of(row, dues, now).is_overdue,
            **{column: value for column, value in row.items() if column not in hidden},
        )
        for row in rows
    ]


def _red_flags(session: Session, rows: Iterable[RowMapping]) -> dict[UUID, tuple[str, ...]]:
    ids = [row["screening_id"] for row in rows if row["screening_id"] and row["urgency_rank"] < ROUTINE_RANK]
    if not ids:
        return {}
    sealed = session.execute(select(Screening.id, Screening.sealed).where(Screening.id.in_(ids)))
    return {
        row.id: tuple(_report(session, SealedScreening(row.id, row.sealed)).get("red_flags", ()))
        for row in sealed
    }


def _report(session: Session, screening: SealedScreening) -> dict[str, Any]:
    report: dict[str, Any] = open_screening(session, screening).get("report", {})
    return report


def _name(session: Session, consultation_id: UUID, sealed: bytes | None) -> str | None:
    if sealed is None:
        return None
    clinic_id = entered_clinic(session)
    place = Place(clinic_id, Consultation.__tablename__, "sealed_contact", consultation_id)
    name: str = open_document(clinic_key(session, clinic_id), place, sealed)["contact_name"]
    return name


def get_cursor(session: Session, reference: str, now: datetime) -> Cursor:
    """Raise NotFoundError if there is no such request."""
    row = get_consultation(session, reference)
    due = earliest_due(session, [row.id], zone_of(session)).get(row.id)
    is_overdue = due is not None and due.is_overdue(now)
    return Cursor(row.urgency_rank, is_overdue, row.received_at, row.id)


def count_by_state(session: Session) -> dict[str, int]:
    counted = select(Consultation.state, func.count(Consultation.id)).group_by(Consultation.state)
    return dict(session.execute(counted).all())


def count_chosen(session: Session, chosen: Filter, *, since: datetime | None = None) -> int:
    """How many there are, or came since then."""
    counted = select(func.count(Consultation.id)).where(*chosen.conditions())
    if since is not None:
        counted = counted.where(Consultation.received_at > since)
    return session.scalar(counted) or 0


# ---------------------------------------------------------------- search


def list_by_index(
    session: Session, kind: IndexKind, value: str, *, now: datetime, limit: int
) -> list[QueueRow]:
    """Requests in any state with this e-mail or phone number, the newest first."""
    index = index_of(session, kind, value)
    if index is None:
        return []
    column = Consultation.email_index if kind == "email" else Consultation.phone_index
    return _newest(session, column == index, now, limit)


def list_by_name(session: Session, name: str, *, now: datetime, limit: int) -> tuple[list[QueueRow], int]:
    """Open requests whose name has each of these words' beginnings, the newest first; and how many older
    ones were not looked at."""
    is_open = Consultation.state.in_(_OPEN)
    looked_at = session.execute(
        select(Consultation.id, Consultation.sealed_contact)
        .where(is_open)
        .order_by(Consultation.received_at.desc(), Consultation.id.desc())
        .limit(MOST_NAMES)
    ).all()
    wanted = _plain(name).replace("-", " ").split()
    found = [row.id for row in looked_at if _fits(_name(session, row.id, row.sealed_contact) or "", wanted)]
    total = session.scalar(select(func.count(Consultation.id)).where(is_open)) or 0
    return _newest(session, Consultation.id.in_(found[:limit]), now, limit), total - len(looked_at)


def _newest(session: Session, condition: ColumnElement[bool], now: datetime, limit: int) -> list[QueueRow]:
    rows = _rows([condition]).order_by(Consultation.received_at.desc(), Consultation.id.desc()).limit(limit)
    found = session.execute(rows).mappings().all()
    dues = earliest_due(session, [row["id"] for row in found], zone_of(session)) if found else {}
    return _queue_rows(session, found, dues, now)


def _plain(text: str) -> str:
    """Without case and accents: they are said on the telephone without them."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _fits(name: str, wanted: Collection[str]) -> bool:
    parts = _plain(name).replace("-", " ").split()
    return bool(wanted) and all(any(part.startswith(word) for part in parts) for word in wanted)
