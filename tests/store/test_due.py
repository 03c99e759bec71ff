"""What is owed about requests, and whose: one look for a whole page of the queue."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person

from screener.domain.follow_up import Due
from screener.store.consultations import move_consultation
from screener.store.contact_log import add_contact, add_note, list_contacts, list_notes
from screener.store.database import Database
from screener.store.due import earliest_due
from screener.store.duplicates import list_matches
from screener.store.tables import Clinic, Consultation, User
from screener.store.tasks import add_task, finish_task, list_open_tasks
from screener.store.tenancy import enter_clinic

ZONE = "America/New_York"
HOUR = timedelta(hours=1)


@pytest.fixture
def entered(session: Session, clinic: Clinic) -> Session:
    enter_clinic(session, clinic.id)
    return session


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
