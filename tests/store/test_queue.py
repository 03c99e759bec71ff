"""The queue: each order whole and without repeats, both ways; each filter; what a search finds and reads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from plans import plans_of
from sqlalchemy import event, update
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person, make_screening

from screener.store import queue
from screener.store.consultations import (
    assign_consultation,
    list_events,
    move_consultation,
    withdraw_consultation,
)
from screener.store.contact_log import add_contact
from screener.store.database import Database
from screener.store.queue import (
    Filter,
    Order,
    QueueRow,
    Turn,
    count_chosen,
    count_since,
    list_by_index,
    list_by_name,
    list_queue,
)
from screener.store.tables import STATES, Clinic, Consultation
from screener.store.tasks import add_task
from screener.store.tenancy import enter_clinic

HOUR = timedelta(hours=1)
NEW = Filter(states=("new",))
ANY = Filter(states=STATES)


def pages(
    session: Session, order: Order, size: int, *, is_back: bool, now: datetime = NOW
) -> Iterator[list[QueueRow]]:
    turn = None
    if is_back:
        # From beyond the end: its last row, then back from it.
        (last,) = list_queue(session, NEW, now=now, order=order, limit=1000)[-1:]
        yield [last]
        turn = Turn(last.cursor, is_back=True)
    while page := list_queue(session, NEW, now=now, order=order, limit=size, turn=turn):
        assert len(page) <= size
        yield page
        turn = Turn((page[0] if is_back else page[-1]).cursor, is_back)


def make_many(session: Session) -> list[Consultation]:
    """Of every urgency; some of the same moment; some whose call is overdue, or due later."""
    waits, dues = (0, 0, 1, 2), (None, NOW - HOUR, NOW + HOUR)
    return [
        make_consultation(session, urgency_rank=r, now=NOW - w * HOUR, due_at=d)
        for r, w, d in product((2, 0, 5), waits, dues)
    ]


@pytest.mark.parametrize("most_sorted", [1000, 2, 0])
@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("is_back", [False, True])
def test_pages_of_any_size_hold_each_request_once_and_in_order(
    entered: Session, order: Order, most_sorted: int, monkeypatch: pytest.MonkeyPatch, *, is_back: bool
) -> None:
    """Whether few are sorted, many are read in an index's order, or some so and some so."""
    monkeypatch.setattr(queue, "MOST_SORTED", most_sorted)
    made = make_many(entered)
    entered.commit()
    expected = sorted(made, key=lambda row: (row.received_at, row.id), reverse=order is Order.NEWEST)
    if order is Order.SAFETY:
        expected.sort(key=lambda row: (row.urgency_rank, row.due_at is None or row.due_at > NOW))
    for size in (1, 2, 5, 12, 50):
        found = list(pages(entered, order, size, is_back=is_back))
        shown = [row.id for page in (found[::-1] if is_back else found) for row in page]
        assert shown == [row.id for row in expected]


def test_a_queue_row_shows_what_staff_choose_by(entered: Session) -> None:
    flags = {"report": {"red_flags": ["danger_before.sudden", "pregnancy.pregnant"]}}
    screening = make_screening(entered, document=flags, urgency="urgent", article_class="intractable")
    made = make_consultation(
        entered,
        screening=screening,
        contact={"contact_name": "Zoë"},
        kind="call_back",
        language="es",
        due_at=NOW - HOUR,
    )
    (row,) = list_queue(entered, NEW, now=NOW)
    assert (row.name, row.kind, row.language) == ("Zoë", "call_back", "es")
    assert (row.urgency, row.article_class) == ("urgent", "intractable")
    assert row.red_flags == ("danger_before.sudden", "pregnancy.pregnant")
    assert (row.state, row.reference, row.received_at, row.owner_id) == ("new", made.reference, NOW, None)
    assert row.is_overdue
    assert "Zoë" not in repr(row)
    assert "sudden" not in repr(row)


def make_owed(session: Session) -> tuple[list[Consultation], list[Consultation]]:
    """Requests about which something is overdue at NOW, and such where nothing is."""
    grace, hour_ago, soon = make_person(session, "Grace").id, NOW - HOUR, NOW + HOUR
    made = [
        make_consultation(session, due_at=due) for due in (hour_ago, hour_ago, None, None, hour_ago, soon)
    ]
    called, tried, planned, tasked, over, later = made
    about: Any = {"kind": "call", "outcome": "no_answer", "note": "", "staff_id": grace}
    add_contact(session, tried, next_try_at=hour_ago, now=NOW - 2 * HOUR, **about)
    add_contact(session, tried, next_try_at=soon, now=hour_ago, **about)
    add_contact(session, planned, next_try_at=hour_ago, now=NOW - 2 * HOUR, **about)
    yesterday, today = NOW.date() - timedelta(days=1), NOW.date()
    for request, day in ((tasked, yesterday), (later, today)):
        add_task(session, request, what="Ring", due_on=day, for_staff_id=grace, staff_id=grace, now=NOW)
    move_consultation(session, over, to_state="not_a_fit", reason="x", staff_id=None, now=NOW)
    session.commit()
    return [called, planned, tasked], [tried, over, later]


def test_what_is_overdue_stands_first_whichever_way_it_is_owed(entered: Session) -> None:
    overdue, others = make_owed(entered)
    rows = list_queue(entered, ANY, now=NOW)
    assert [row.id for row in rows if row.is_overdue] == [one.id for one in overdue]
    assert [row.id for row in rows] == [one.id for one in (*overdue, *others)]
    assert [row.due.what if row.due else None for row in rows] == [
        "Call back",
        "Next try",
        "Task",
        "Next try",
        None,
        "Call back",
    ]
    first, second = (
        list_queue(entered, ANY, now=NOW, limit=3, turn=turn) for turn in (None, Turn(rows[2].cursor))
    )
    assert [*first, *second] == rows


def test_what_is_owed_before_a_moment_can_be_chosen(entered: Session) -> None:
    overdue, (tried, _, later) = make_owed(entered)
    for moment, expected in ((NOW, overdue), (NOW + 2 * HOUR, [*overdue, tried, later])):
        chosen = replace(ANY, due_before=moment)
        assert [row.id for row in list_queue(entered, chosen, now=NOW)] == [one.id for one in expected]
        assert count_chosen(entered, chosen) == [len(expected)]


def test_a_call_is_owed_until_somebody_tried_or_the_request_is_over(entered: Session) -> None:
    made = make_consultation(entered, due_at=NOW)
    assert not list_queue(entered, ANY, now=NOW)[0].is_overdue
    later = NOW + timedelta(seconds=1)
    for state, is_overdue in (("accepted", True), ("closed", False)):
        move_consultation(entered, made, to_state=state, reason=None, staff_id=None, now=NOW)
        assert list_queue(entered, ANY, now=later)[0].is_overdue is is_overdue


def test_a_page_reads_no_more_rows_than_it_shows_of_each_lane(
    database: Database, entered: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_many(entered)
    entered.commit()
    monkeypatch.setattr(queue, "MOST_SORTED", 0)
    opened: list[Any] = []
    plainly = queue.open_contact
    monkeypatch.setattr(queue, "open_contact", lambda *args: opened.append(args) or plainly(*args))
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    first = list_queue(entered, NEW, now=NOW, limit=5)
    list_queue(entered, NEW, now=NOW, limit=5, turn=Turn(first[-1].cursor))
    assert len(opened) == 10
    # PostgreSQL is told the clinic before the first of them.
    selects = [text for text in statements if text.startswith("SELECT") and "set_config" not in text]
    assert len(selects) <= 32
    of_rows_shown = ("screenings.sealed", "clinic_keys", "clinics.time_zone", "consultations.id IN")
    of_rows_shown += ("contact_entries.consultation_id IN", "request_tasks.consultation_id IN")
    assert all("LIMIT" in text or any(part in text for part in of_rows_shown) for text in selects)


@pytest.mark.sqlite_only("of a few rows PostgreSQL's plan says nothing")
def test_a_deep_page_of_a_long_queue_is_found_by_its_index(
    database: Database, entered: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_SORTED", 0)
    for hours in range(3):
        make_consultation(entered, urgency_rank=5, now=NOW + hours * HOUR, due_at=NOW + 9 * HOUR)
    _, row, _ = list_queue(entered, NEW, now=NOW)
    about: tuple[dict[str, Any], ...] = (
        {},
        {"kind": "consultation"},
        {"article_class": "chronic"},
        {"language": "en"},
        {"is_unowned": True},
        {"received_from": NOW - HOUR},
        {"received_before": NOW + 9 * HOUR},
        {"due_before": NOW + 10 * HOUR},
    )
    for order, changes in product(Order, about):
        with plans_of(database) as plans:
            chosen = replace(NEW, **changes)
            assert len(list_queue(entered, chosen, now=NOW, order=order, turn=Turn(row.cursor))) == 1
        # Of the strip that the row is of, what lies beyond it; then the others.
        pages = [plan for plan in plans if "LIMIT" in plan.statement and "count(" not in plan.statement]
        deep = {"clinic_id", "received_at"}
        if order is Order.SAFETY:
            deep |= {"state", "urgency_rank"}
        assert any(deep <= plan.bounds for plan in pages), (order, changes, [plan.steps for plan in pages])
        assert not any(plan.sorts for plan in pages), (order, changes, [plan.steps for plan in pages])
        assert not any(plan.reads_all for plan in plans)
        if "received_from" in changes:
            # However much is owed, what came lately is little.
            counts = [plan.bounds for plan in plans if "count(" in plan.statement]
            assert all("received_at" in bounds for bounds in counts)


def test_the_queue_holds_the_states_asked_for_and_one_clinic(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    moved, _ = make_consultation(entered), make_consultation(entered)
    move_consultation(entered, moved, to_state="closed", reason=None, staff_id=None, now=NOW)
    entered.commit()
    assert [row.id for row in list_queue(entered, Filter(states=["closed"]), now=NOW)] == [moved.id]
    assert list_queue(entered, Filter(states=[]), now=NOW) == []
    assert count_chosen(entered, NEW, Filter(states=["closed"]), Filter(states=[])) == [1, 1, 0]
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert list_queue(elsewhere, Filter(states=["new", "closed"]), now=NOW) == []
        assert count_chosen(elsewhere, NEW) == [0]
        assert list_by_index(elsewhere, "phone", "+15550100", now=NOW, limit=9) == []
        assert list_by_name(elsewhere, "Ada", now=NOW, limit=9) == ([], 0)


def test_each_filter_leaves_out_the_others(entered: Session) -> None:
    person = make_person(entered, "Grace")
    screening = make_screening(entered, article_class="regular")
    one = make_consultation(
        entered, screening=screening, kind="question", language="es", urgency_rank=5, now=NOW - 3 * HOUR
    )
    assign_consultation(entered, one, owner_id=person.id, staff_id=person.id, now=NOW)
    other = make_consultation(entered, urgency_rank=2)
    for changes in (
        {"kind": "question"},
        {"language": "es"},
        {"ranks": (5,)},
        {"article_class": "regular"},
        {"owner_id": person.id},
        {"received_before": NOW},
    ):
        chosen = Filter(states=["new"], **changes)
        assert [row.id for row in list_queue(entered, chosen, now=NOW)] == [one.id], changes
        assert count_chosen(entered, chosen) == [1]
    for changes in ({"is_unowned": True}, {"received_from": NOW}):
        chosen = Filter(states=["new"], **changes)
        assert [row.id for row in list_queue(entered, chosen, now=NOW)] == [other.id], changes
    assert count_since(entered, NEW, NOW - HOUR) == 1
    assert count_since(entered, NEW, NOW) == 0


def test_an_assignment_is_an_event_and_spoils_no_open_form(entered: Session) -> None:
    grace, ana = make_person(entered, "Grace"), make_person(entered, "Ana")
    made = make_consultation(entered)
    version = made.version
    assign_consultation(entered, made, owner_id=ana.id, staff_id=grace.id, now=NOW)
    assign_consultation(entered, made, owner_id=None, staff_id=ana.id, now=NOW)
    entered.commit()
    told = [(e.what, e.staff_name, e.owner_name) for e in list_events(entered, made)[1:]]
    assert told == [("assigned", "Grace", "Ana"), ("assigned", "Ana", None)]
    assert (made.version, made.owner_id) == (version, None)


def test_a_withdrawn_request_is_nobodys_and_found_by_nothing(entered: Session) -> None:
    grace = make_person(entered, "Grace")
    made = make_consultation(entered)
    assign_consultation(entered, made, owner_id=grace.id, staff_id=grace.id, now=NOW)
    withdraw_consultation(entered, made, NOW)
    entered.commit()
    assert made.owner_id is None
    assert list_by_index(entered, "phone", "+15550100", now=NOW, limit=9) == []
    assert list_by_name(entered, "Ada", now=NOW, limit=9) == ([], 0)
    (row,) = list_queue(entered, Filter(states=["withdrawn"]), now=NOW)
    assert (row.name, row.red_flags, row.article_class) == (None, (), None)


# ---------------------------------------------------------------- search


def test_a_request_is_found_by_mail_and_phone_in_any_state(entered: Session) -> None:
    contact = {"contact_name": "Ada", "contact_email": "ada@example.org", "contact_phone": "(704) 519-6918"}
    made = make_consultation(entered, contact=contact)
    move_consultation(entered, made, to_state="closed", reason=None, staff_id=None, now=NOW)
    make_consultation(entered)
    for kind, value in (("email", "ADA@example.org"), ("phone", "704 519 6918")):
        assert [row.id for row in list_by_index(entered, kind, value, now=NOW, limit=9)] == [made.id]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zoe", True),
        ("ZOË", True),
        ("kowal zo", True),
        ("miller", True),
        ("Kowalska-Miller", True),
        ("oe", False),
        ("zoe smith", False),
        ("%", False),
        ("", False),
    ],
)
def test_names_are_found_by_their_beginnings_without_case_and_accents(
    entered: Session, typed: str, *, found: bool
) -> None:
    make_consultation(entered, contact={"contact_name": "Zoë Kowalska-Miller"})
    make_consultation(entered, contact={"contact_name": "Ada"})
    rows, _ = list_by_name(entered, typed, now=NOW, limit=9)
    assert [row.name for row in rows] == (["Zoë Kowalska-Miller"] if found else [])


def test_names_of_the_newest_open_requests_are_read_and_the_rest_is_counted(
    entered: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MOST_NAMES", 3)
    made = [make_consultation(entered, now=NOW + n * HOUR) for n in range(5)]
    rows, not_read = list_by_name(entered, "ada", now=NOW, limit=9)
    assert [row.id for row in rows] == [row.id for row in made[:1:-1]]
    assert not_read == 2
    entered.execute(update(Consultation).where(Consultation.id == made[4].id).values(state="closed"))
    rows, not_read = list_by_name(entered, "ada", now=NOW, limit=9)
    assert [row.id for row in rows] == [row.id for row in made[3:0:-1]]
    assert not_read == 1
