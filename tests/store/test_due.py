"""What is owed about requests, and whose: one look for a whole page of the queue."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person, make_screening

from screener.domain.follow_up import Due
from screener.store.clinic_changes import change_clinic
from screener.store.consultations import get_consultation, move_consultation, withdraw_consultation
from screener.store.contact_log import add_contact, add_note, list_contacts, list_notes
from screener.store.database import Database
from screener.store.due import earliest_due
from screener.store.duplicates import list_matches
from screener.store.migrations import migrate
from screener.store.tables import Clinic, Consultation, User
from screener.store.tasks import add_task, finish_task, list_open_tasks
from screener.store.tenancy import enter_clinic

ZONE = "America/New_York"
HOUR = timedelta(hours=1)


@pytest.fixture
def grace(entered: Session) -> User:
    return make_person(entered, "Grace")


@pytest.fixture
def tried(entered: Session, grace: User) -> Callable[..., object]:
    def add(made: Consultation, at: datetime, next_try_at: datetime | None = None) -> object:
        about = {"kind": "call", "outcome": "no_answer", "note": "", "staff_id": grace.id}
        return add_contact(entered, made, next_try_at=next_try_at, now=at, **about)

    return add


def due(session: Session, made: Consultation) -> Due | None:
    return earliest_due(session, [made.id], ZONE).get(made.id)


def test_a_call_back_is_owed_until_somebody_tried(entered: Session, tried: Callable[..., object]) -> None:
    made = make_consultation(entered, due_at=NOW)
    assert due(entered, made) == Due(NOW, "Call back")
    assert due(entered, make_consultation(entered)) is None
    tried(made, NOW)
    assert due(entered, made) is None


def test_the_last_try_says_when_the_next_is_owed(entered: Session, tried: Callable[..., object]) -> None:
    made = make_consultation(entered, due_at=NOW)
    tried(made, NOW, NOW + 5 * HOUR)
    assert due(entered, made) == Due(NOW + 5 * HOUR, "Next try")
    tried(made, NOW + HOUR)
    assert due(entered, made) is None


def test_a_task_is_owed_to_the_end_of_the_clinics_day_until_it_is_done(entered: Session, grace: User) -> None:
    made = make_consultation(entered, due_at=None)
    by = {"for_staff_id": grace.id, "staff_id": grace.id, "now": NOW}
    late = add_task(entered, made, what="Records", due_on=date(2026, 11, 25), **by)
    soon = add_task(entered, made, what="Call", due_on=date(2026, 11, 23), **by)
    found = due(entered, made)
    assert found is not None
    assert (found.what, found.at.isoformat()) == ("Task", "2026-11-24T04:59:00+00:00")
    assert not found.is_overdue(found.at)
    assert found.is_overdue(found.at + HOUR)
    finish_task(entered, made, soon.id, grace.id, NOW)
    assert [task.id for task in list_open_tasks(entered)] == [late.id]


@pytest.mark.parametrize("state", ["not_a_fit", "duplicate", "closed"])
def test_nobody_is_called_about_a_request_that_is_over(
    entered: Session, tried: Callable[..., object], state: str
) -> None:
    one, two = (make_consultation(entered, due_at=NOW) for _ in range(2))
    tried(two, NOW, NOW + HOUR)
    for made in (one, two):
        move_consultation(entered, made, to_state=state, reason="x", staff_id=None, now=NOW)
        assert due(entered, made) is None


def written(session: Session) -> dict[object, datetime | None]:
    """What stands in the rows."""
    session.flush()
    return dict(session.execute(select(Consultation.id, Consultation.owed_at)).all())


def test_what_is_owed_stands_in_the_row_whatever_happens_to_it(
    entered: Session, clinic: Clinic, grace: User, tried: Callable[..., object]
) -> None:
    made = make_consultation(entered, due_at=NOW + HOUR, screening=make_screening(entered))
    by = {"for_staff_id": grace.id, "staff_id": grace.id, "now": NOW}
    about = {"reason": "x", "staff_id": grace.id, "now": NOW}

    def check(owed: datetime | None, zone: str = ZONE) -> None:
        found = earliest_due(entered, [made.id], zone).get(made.id)
        assert written(entered)[made.id] == (found and found.at) == owed

    check(NOW + HOUR)
    tried(made, NOW, NOW + 5 * HOUR)
    check(NOW + 5 * HOUR)
    task = add_task(entered, made, what="Call", due_on=NOW.date() - timedelta(days=1), **by)
    day_end = datetime(2026, 11, 22, 4, 59, tzinfo=UTC)
    check(day_end)
    move_consultation(entered, made, to_state="not_a_fit", **about)
    check(day_end)
    change_clinic_zone(entered, clinic)
    check(day_end + 3 * HOUR, "America/Los_Angeles")
    finish_task(entered, made, task.id, grace.id, NOW)
    check(None)
    move_consultation(entered, made, to_state="in_review", **about)
    check(NOW + 5 * HOUR)
    tried(made, NOW + HOUR)
    check(None)
    tried(made, NOW + 2 * HOUR, NOW + 9 * HOUR)
    withdraw_consultation(entered, made, NOW)
    check(None)
    assert made.article_class is None


def test_with_the_clinics_day_all_that_is_owed_by_it_changes(
    entered: Session, clinic: Clinic, grace: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.store.due._A_BATCH", 2)
    for _ in range(5):
        made = make_consultation(entered, due_at=None)
        by = {"for_staff_id": grace.id, "staff_id": grace.id, "now": NOW}
        add_task(entered, made, what="Call", due_on=NOW.date(), **by)
    change_clinic_zone(entered, clinic)
    assert set(written(entered).values()) == {datetime(2026, 11, 23, 7, 59, tzinfo=UTC)}


def change_clinic_zone(session: Session, clinic: Clinic) -> None:
    session.commit()
    change_clinic(session, clinic, {"time_zone": "America/Los_Angeles"}, by=None)


def test_an_older_database_learns_what_is_owed_and_of_which_class_a_request_is(
    database: Database, entered: Session, grace: User, tried: Callable[..., object]
) -> None:
    by = {"for_staff_id": grace.id, "staff_id": grace.id, "now": NOW}
    made = [make_consultation(entered, due_at=NOW + n * HOUR) for n in range(7)]
    tried(made[1], NOW)
    tried(made[2], NOW, NOW + HOUR)
    tried(made[3], NOW, NOW + HOUR)
    tried(made[3], NOW + HOUR, NOW + 9 * HOUR)
    for row in made[4:6]:
        move_consultation(entered, row, to_state="closed", reason="x", staff_id=None, now=NOW)
    for row in (made[0], made[5]):
        add_task(entered, row, what="Call", due_on=NOW.date() - timedelta(days=3), **by)
    withdraw_consultation(entered, made[6], NOW)
    columns = (Consultation.id, Consultation.owed_at, Consultation.article_class)
    rows = select(*columns).order_by(Consultation.id)
    before = entered.execute(rows).all()
    assert len({owed_at for _, owed_at, _ in before}) == 4
    entered.commit()
    migrate(database, "paces", down=True)
    migrate(database)
    assert entered.execute(rows).all() == before


def test_what_is_owed_is_found_in_three_queries_and_in_one_clinic(
    database: Database, entered: Session, other_clinic: Clinic, tried: Callable[..., object]
) -> None:
    made = [make_consultation(entered, due_at=NOW + n * HOUR) for n in range(20)]
    tried(made[0], NOW, NOW + HOUR)
    entered.commit()
    ids = [row.id for row in made]
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    found = earliest_due(entered, ids, ZONE)
    assert {due.what for due in found.values()} == {"Call back", "Next try"}
    assert len(found) == 20
    # PostgreSQL is told the clinic before the first of them.
    asked = [text for text in statements if text.startswith("SELECT") and "set_config" not in text]
    assert len(asked) == 3
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert earliest_due(elsewhere, ids, ZONE) == {}
        assert list_open_tasks(elsewhere) == []


def test_what_staff_wrote_is_sealed_and_opens_where_it_was_written(entered: Session, grace: User) -> None:
    made, other = make_consultation(entered), make_consultation(entered)
    about = {"kind": "visit", "outcome": "other", "next_try_at": None, "staff_id": grace.id, "now": NOW}
    entry = add_contact(entered, made, note="Brought a friend", **about)
    note = add_note(entered, made, "Sensitive to light", grace.id, NOW)
    task = add_task(
        entered,
        made,
        what="Dim the room",
        due_on=date(2027, 1, 1),
        for_staff_id=grace.id,
        staff_id=grace.id,
        now=NOW,
    )
    for sealed in (entry.sealed_note, note.sealed_text, task.sealed_what):
        assert sealed
        assert not any(word in sealed for word in (b"friend", b"light", b"room"))
    assert [(c.note, c.staff_name) for c in list_contacts(entered, made)] == [("Brought a friend", "Grace")]
    assert [n.text for n in list_notes(entered, made)] == ["Sensitive to light"]
    assert list_contacts(entered, other) == []
    assert "friend" not in repr(list_contacts(entered, made))
    assert "Dim" not in repr(list_open_tasks(entered))


def test_requests_that_give_nothing_match_nothing(entered: Session) -> None:
    one = make_consultation(entered, contact={"contact_name": "Ada"})
    make_consultation(entered, contact={"contact_name": "Ada"})
    assert list_matches(entered, one) == []


def test_of_two_who_add_tasks_at_once_the_earlier_is_owed(
    database: Database, entered: Session, clinic: Clinic, grace: User
) -> None:
    made = make_consultation(entered, due_at=None)
    entered.commit()
    by = {"for_staff_id": grace.id, "staff_id": grace.id, "now": NOW}

    def add_later() -> None:
        with database.new_session() as elsewhere:
            enter_clinic(elsewhere, clinic.id)
            other = get_consultation(elsewhere, made.reference)
            add_task(elsewhere, other, what="Records", due_on=date(2026, 11, 25), **by)
            elsewhere.commit()

    add_task(entered, made, what="Call", due_on=date(2026, 11, 23), **by)
    with ThreadPoolExecutor() as pool:
        later = pool.submit(add_later)
        wait([later], timeout=0.3)
        assert not later.done(), "it waits for what is being written"
        entered.commit()
        later.result()
    owed = written(entered)[made.id]
    assert owed == datetime(2026, 11, 24, 4, 59, tzinfo=UTC)
