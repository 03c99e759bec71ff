"""The queue: what is there to do, filtered, in the order it should be done, a page at a time."""

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import product
from typing import Any, Final, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import RowMapping, Select, and_, func, null, or_, select, union_all
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.domain.consultation import OPEN_STATES
from screener.domain.follow_up import Due
from screener.domain.urgency import ROUTINE_RANK, level_of
from screener.store.blind_index import IndexKind, index_of
from screener.store.clinics import zone_of
from screener.store.consultations import NO_RANK, get_consultation, open_contact
from screener.store.due import earliest_due
from screener.store.screenings import SealedScreening, open_screening
from screener.store.tables import Consultation, Screening

# Names are sealed: so many requests are opened to look for one.
MOST_NAMES: Final = 6000
# Beyond this, how many there are is not counted.
MOST_COUNTED: Final = 1000
# Of what is alike, so many are sorted here; where there are more, the next ones are soon met in order.
MOST_SORTED: Final = 200
_RANKS: Final = (*range(ROUTINE_RANK + 1), NO_RANK)
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
    # What is owed before this moment.
    due_before: datetime | None = None

    def conditions(
        self, received_at: Any = Consultation.received_at, owed_at: Any = Consultation.owed_at
    ) -> Iterator[ColumnElement[bool]]:
        """With these in place of the columns."""
        yield Consultation.state.in_(self.states)
        wanted = (
            (Consultation.kind, self.kind),
            (Consultation.article_class, self.article_class),
            (Consultation.owner_id, self.owner_id),
            (Consultation.language, self.language),
            (Consultation.reference, self.reference),
        )
        yield from (column == value for column, value in wanted if value is not None)
        if self.questionnaire_version is not None:
            of_version = Screening.questionnaire_version == self.questionnaire_version
            yield select(Screening.id).where(_same_screening(), of_version).exists()
        if self.ranks:
            yield Consultation.urgency_rank.in_(self.ranks)
        if self.is_unowned:
            yield Consultation.owner_id.is_(None)
        if self.owner_not_in is not None:
            yield and_(Consultation.owner_id.is_not(None), Consultation.owner_id.not_in(self.owner_not_in))
        if self.received_from is not None:
            yield received_at >= self.received_from
        if self.received_before is not None:
            yield received_at < self.received_before
        if self.due_before is not None:
            yield owed_at < self.due_before


class Cursor(NamedTuple):
    """A row's place in every order."""

    urgency_rank: int
    is_overdue: bool
    received_at: datetime
    id: UUID

    def key(self, order: Order) -> tuple[Any, ...]:
        waited = (self.received_at, self.id)
        return (self.urgency_rank, not self.is_overdue, *waited) if order is Order.SAFETY else waited


class Turn(NamedTuple):
    """Where a page begins: beyond a row, in the queue's direction or back."""

    cursor: Cursor
    is_back: bool = False

    def leads_to(self, place: Cursor, order: Order) -> bool:
        here, there = self.cursor.key(order), place.key(order)
        return (there < here) is ((order is Order.NEWEST) is not self.is_back) and there != here


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
    opened: bool = True,
) -> list[QueueRow]:
    """A page of the requests chosen, in the queue's order also when it is turned back.

    Safety first: the most urgent; of these what is overdue; of these the longest waiting. Names and safety
    flags are sealed: `opened` says whether they are wanted.
    """
    page = list_places(session, chosen, now=now, order=order, limit=limit, turn=turn)
    return _queue_rows(session, page, opened=opened)


# ---------------------------------------------------------------- the order


class _Strip(NamedTuple):
    """The requests chosen of one state, in the first order those alike in whether something is overdue.

    Each is an index's to find. The queue is their merging.
    """

    chosen: Filter
    is_owed: Callable[[Any], ColumnElement[bool]] | None = None
    is_overdue: bool = False
    # What a page was turned from.
    beyond: tuple[ColumnElement[bool], ...] = ()

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """Found by what is owed; what came lately, by when it came."""
        asks_owed = self.is_owed is not None or self.chosen.due_before is not None
        if asks_owed and self.chosen.received_from is None:
            return self._where(_unindexed(Consultation.received_at), Consultation.owed_at)
        return self.in_order()

    def in_order(self) -> tuple[ColumnElement[bool], ...]:
        """The same, found by the index that has the order."""
        return self._where(Consultation.received_at, _unindexed(Consultation.owed_at))

    def _where(self, received_at: Any, owed_at: Any) -> tuple[ColumnElement[bool], ...]:
        owed = () if self.is_owed is None else (self.is_owed(owed_at),)
        return (*self.chosen.conditions(received_at, owed_at), *owed, *self.beyond)


def _unindexed(column: Any) -> Any:
    """No index finds what a function gives, and of two that could the database takes the wrong one."""
    return func.coalesce(column, null())


def list_places(
    session: Session,
    chosen: Filter,
    *,
    now: datetime,
    order: Order = Order.SAFETY,
    limit: int,
    turn: Turn | None = None,
) -> list[Cursor]:
    """The places that a page of the queue shows, without the rows."""
    is_back = turn is not None and turn.is_back
    few, many = _few_and_many(session, list(_strips(chosen, order, now)))
    found = [place for place in _read_few(session, few, now) if turn is None or turn.leads_to(place, order)]
    found += _read_many(session, many, order, turn, limit=limit, now=now)
    found.sort(key=lambda place: place.key(order), reverse=(order is Order.NEWEST) is not is_back)
    page = found[:limit]
    return page[::-1] if is_back else page


def _strips(chosen: Filter, order: Order, now: datetime) -> Iterator[_Strip]:
    for state in chosen.states:
        one = replace(chosen, states=(state,))
        if order is Order.SAFETY:
            # With each urgency named an index goes on to what is owed.
            one = replace(one, ranks=chosen.ranks or _RANKS)
            yield _Strip(one, lambda owed_at: owed_at < now, is_overdue=True)
            yield _Strip(one, lambda owed_at: owed_at >= now)
            if chosen.due_before is None:
                yield _Strip(one, lambda owed_at: owed_at.is_(None))
        else:
            yield _Strip(one)


def _few_and_many(session: Session, strips: Sequence[_Strip]) -> tuple[list[_Strip], list[_Strip]]:
    """Those with so few that they are all read and sorted, and those with more; none of what is empty."""
    counts = count_each(session, [strip.conditions() for strip in strips], MOST_SORTED)
    few = [strip for strip, count in zip(strips, counts, strict=True) if 0 < count <= MOST_SORTED]
    many = [strip for strip, count in zip(strips, counts, strict=True) if count > MOST_SORTED]
    return few, many


def _read_few(session: Session, strips: Sequence[_Strip], now: datetime) -> list[Cursor]:
    return _read_places(session, [_places().where(*strip.conditions()) for strip in strips], now)


def _read_many(
    session: Session, strips: Sequence[_Strip], order: Order, turn: Turn | None, *, limit: int, now: datetime
) -> list[Cursor]:
    """As many of each stretch as the page holds, stretch by stretch in the queue's order."""
    columns = [Consultation.received_at, Consultation.id]
    is_descending = (order is Order.NEWEST) is not (turn is not None and turn.is_back)
    ordered = _places().order_by(*(c.desc() if is_descending else c for c in columns)).limit(limit)
    found: list[Cursor] = []
    for stretch in _stretches(strips, order, turn):
        # What is owed and how urgent it is go together: of one urgency there may be few after all.
        few, many = _few_and_many(session, stretch)
        found += _read_few(session, few, now)
        found += _read_places(session, [ordered.where(*part.in_order()) for part in many], now)
        if len(found) >= limit:
            break
    return found


_Conditions: TypeAlias = tuple[ColumnElement[bool], ...]


def _stretches(strips: Sequence[_Strip], order: Order, turn: Turn | None) -> Iterator[list[_Strip]]:
    """What lies beyond the turn, parted so that an index holds each part in the order of time."""
    if order is not Order.SAFETY:
        is_earlier = turn is not None and turn.is_back is (order is Order.LONGEST)
        beyond = (_beyond_moment(turn.cursor, is_earlier),) if turn else ()
        yield [strip._replace(beyond=beyond) for strip in strips]
        return
    is_back = turn is not None and turn.is_back
    ranks = {rank for strip in strips for rank in strip.chosen.ranks}
    for rank, is_overdue in sorted(product(ranks, (True, False)), key=_step, reverse=is_back):
        beyond = ()
        if turn is not None:
            here, there = _step((turn.cursor.urgency_rank, turn.cursor.is_overdue)), _step((rank, is_overdue))
            if here == there:
                beyond = (_beyond_moment(turn.cursor, is_back),)
            elif (there < here) is not is_back:
                continue
        yield [
            strip._replace(chosen=replace(strip.chosen, ranks=(rank,)), beyond=beyond)
            for strip in strips
            if strip.is_overdue is is_overdue
        ]


def _step(rank_overdue: tuple[int, bool]) -> tuple[int, bool]:
    """Of one urgency the overdue stand before the others."""
    rank, is_overdue = rank_overdue
    return rank, not is_overdue


def _beyond_moment(cursor: Cursor, earlier: bool) -> ColumnElement[bool]:
    at, row_id = Consultation.received_at, Consultation.id
    if earlier:
        return and_(at <= cursor.received_at, or_(at < cursor.received_at, row_id < cursor.id))
    return and_(at >= cursor.received_at, or_(at > cursor.received_at, row_id > cursor.id))


def _places() -> Select[*tuple[Any, ...]]:
    return select(Consultation.urgency_rank, Consultation.owed_at, Consultation.received_at, Consultation.id)


def _read_places(session: Session, parts: Sequence[Select[*tuple[Any, ...]]], now: datetime) -> list[Cursor]:
    if not parts:
        return []
    # Each in brackets of its own: SQLite takes no order or limit within a union.
    whole = union_all(*(select(*part.subquery().columns) for part in parts))
    return [_place_of(rank, owed_at, at, row_id, now) for rank, owed_at, at, row_id in session.execute(whole)]


def _place_of(rank: int, owed_at: datetime | None, at: datetime, row_id: UUID, now: datetime) -> Cursor:
    return Cursor(rank, owed_at is not None and owed_at < now, at, row_id)


# ---------------------------------------------------------------- the rows


def _queue_rows(session: Session, page: Sequence[Cursor], *, opened: bool) -> list[QueueRow]:
    if not page:
        return []
    ids = [place.id for place in page]
    rows = {row["id"]: row for row in session.execute(_rows(ids, opened=opened)).mappings()}
    flags = _red_flags(session, rows.values()) if opened else {}
    dues = earliest_due(session, ids, zone_of(session))
    hidden = {"sealed_contact", "screening_id"}
    return [
        QueueRow(
            name=_name(session, row["id"], row["sealed_contact"]) if opened else None,
            red_flags=flags.get(row["screening_id"], ()),
            urgency=_level(row["urgency_rank"]),
            due=dues.get(row["id"]),
            is_overdue=place.is_overdue,
            **{column: value for column, value in row.items() if column not in hidden},
        )
        for place in page
        # Gone meanwhile, with the read committed.
        if (row := rows.get(place.id)) is not None
    ]


def _rows(ids: Collection[UUID], *, opened: bool) -> Select[*tuple[Any, ...]]:
    columns = (
        Consultation.id,
        Consultation.reference,
        Consultation.screening_id,
        Consultation.urgency_rank,
        Consultation.article_class,
        Consultation.kind,
        Consultation.state,
        Consultation.language,
        Consultation.owner_id,
        Consultation.received_at,
        Consultation.withdrawn_at,
        *((Consultation.sealed_contact,) if opened else ()),
    )
    return select(*columns).where(Consultation.id.in_(ids))


def _level(rank: int) -> str | None:
    """As the screening has it, whose own row is long."""
    return None if rank == NO_RANK else level_of(rank).value


def _same_screening() -> ColumnElement[bool]:
    return and_(Screening.clinic_id == Consultation.clinic_id, Screening.id == Consultation.screening_id)


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
    return None if sealed is None else str(open_contact(session, consultation_id, sealed)["contact_name"])


def get_cursor(session: Session, reference: str, now: datetime) -> Cursor:
    """Raise NotFoundError if there is no such request."""
    row = get_consultation(session, reference)
    return _place_of(row.urgency_rank, row.owed_at, row.received_at, row.id, now)


# ---------------------------------------------------------------- counts


def count_chosen(session: Session, *chosen: Filter, most: int = MOST_COUNTED) -> list[int]:
    """How many there are of each; `most` + 1 stands for any more than that, which nobody counts."""
    return count_each(session, [tuple(one.conditions()) for one in chosen], most)


def count_since(session: Session, chosen: Filter, since: datetime) -> int:
    """How many came after that, as far as they are counted."""
    (count,) = count_each(session, [(*chosen.conditions(), Consultation.received_at > since)], MOST_COUNTED)
    return count


def count_each(session: Session, wanted: Sequence[_Conditions], most: int = MOST_COUNTED) -> list[int]:
    """As `count_chosen`, of requests of which something holds. One statement."""
    if not wanted:
        return []
    # The clinic stands in each index, so that no row is read to be counted.
    row = Consultation.clinic_id
    some = (select(row).where(*conditions).limit(most + 1).subquery() for conditions in wanted)
    counts = (select(func.count(part.c.clinic_id)).scalar_subquery() for part in some)
    return list(session.execute(select(*counts)).one())


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
    ones were not looked at, as far as they are counted."""
    any_open = Filter(states=_OPEN)
    newest = list_places(session, any_open, now=now, order=Order.NEWEST, limit=MOST_NAMES)
    looked_at = session.execute(
        select(Consultation.id, Consultation.sealed_contact).where(
            Consultation.id.in_([place.id for place in newest])
        )
    )
    wanted = _plain(name).replace("-", " ").split()
    found = {row.id for row in looked_at if _fits(_name(session, row.id, row.sealed_contact) or "", wanted)}
    page = [place for place in newest if place.id in found][:limit]
    (total,) = count_chosen(session, any_open, most=MOST_NAMES + MOST_COUNTED)
    return _queue_rows(session, page, opened=True), total - len(newest)


def _newest(session: Session, condition: ColumnElement[bool], now: datetime, limit: int) -> list[QueueRow]:
    # By time alone: with the id SQLite would go through all requests in their order.
    newest = _places().where(condition).order_by(Consultation.received_at.desc()).limit(limit)
    found = _read_places(session, [newest], now)
    return _queue_rows(session, found, opened=True)


def _plain(text: str) -> str:
    """Without case and accents: they are said on the telephone without them."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _fits(name: str, wanted: Collection[str]) -> bool:
    parts = _plain(name).replace("-", " ").split()
    return bool(wanted) and all(any(part.startswith(word) for part in parts) for word in wanted)
