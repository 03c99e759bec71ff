"""Sessions, the throttle and people, as the store keeps them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from store.builders import NOW, make_clinic, make_person

from screener.store.database import Database
from screener.store.staff import add_membership, find_roles, hold_people, list_colleagues, set_roles
from screener.store.staff_sessions import (
    IDLE_LIMIT,
    LONGEST_SESSION,
    add_staff_session,
    end_session,
    end_sessions,
    find_live_session,
    knows_place,
    list_staff_sessions,
    note_seen,
)
from screener.store.tables import Clinic, FailedTries, StaffSession, User
from screener.store.throttle import Try, forget_failures, note_failure, wait_before

HOME = "203.0.113.7"
MINUTE = timedelta(minutes=1)
ADA = Try("sign-in", "ada@example.org", HOME)


@pytest.fixture
def ada(session: Session) -> User:
    person = make_person(session, "Ada")
    session.commit()
    return person


def begin(session: Session, person: User, **changes: object) -> tuple[StaffSession, str]:
    about = {"address": HOME, "browser": "x", "second_step": "code", "now": NOW} | changes
    return add_staff_session(session, staff_id=person.id, **about)  # type: ignore[arg-type]


# ---------------------------------------------------------------- sessions


def test_a_session_is_found_by_its_token_alone_until_silence_or_age_end_it(
    session: Session, ada: User
) -> None:
    row, token = begin(session, ada)
    assert find_live_session(session, token, NOW) is row
    assert find_live_session(session, "another", NOW) is None
    assert find_live_session(session, token, NOW + IDLE_LIMIT - MINUTE) is row
    assert find_live_session(session, token, NOW + IDLE_LIMIT) is None
    moment = NOW
    while moment < NOW + LONGEST_SESSION - 10 * MINUTE:
        moment += 10 * MINUTE
        note_seen(session, row, moment)
    assert find_live_session(session, token, NOW + LONGEST_SESSION - MINUTE) is row
    assert find_live_session(session, token, NOW + LONGEST_SESSION) is None


def test_an_ended_session_is_not_found_and_stays_in_the_history(session: Session, ada: User) -> None:
    row, token = begin(session, ada)
    end_session(session, row, NOW)
    assert find_live_session(session, token, NOW) is None
    assert list_staff_sessions(session, ada.id) == [row]


def test_all_sessions_of_one_person_end_but_one(session: Session, ada: User) -> None:
    grace = make_person(session, "Grace")
    here, kept = begin(session, ada)
    ended = [begin(session, ada)[1] for _ in range(2)]
    _, foreign = begin(session, grace)
    end_sessions(session, ada.id, NOW, but=here)
    assert [find_live_session(session, token, NOW) is not None for token in (kept, *ended, foreign)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_place_is_known_once_both_steps_were_taken_there(session: Session, ada: User) -> None:
    begin(session, ada, second_step=None)
    assert not knows_place(session, "ada@example.org", HOME, NOW)
    begin(session, ada)
    assert knows_place(session, "ADA@example.org", HOME, NOW)
    assert not knows_place(session, "ada@example.org", "203.0.113.8", NOW)
    assert not knows_place(session, "eve@example.org", HOME, NOW)
    assert not knows_place(session, "ada@example.org", HOME, NOW + timedelta(days=91))


# ---------------------------------------------------------------- the throttle


def test_waits_begin_after_a_few_failures_and_double_up_to_a_quarter_of_an_hour(session: Session) -> None:
    waits = []
    for _ in range(20):
        waits.append(wait_before(session, ADA, NOW).total_seconds())
        note_failure(session, ADA, NOW)
    assert waits[:8] == [0, 0, 0, 0, 2, 4, 8, 16]
    assert waits[-1] == 900
    assert wait_before(session, ADA, NOW + 15 * MINUTE) == timedelta(0)
    assert wait_before(session, ADA._replace(email="ADA@example.org "), NOW).total_seconds() == 900
    assert wait_before(session, ADA._replace(purpose="reset"), NOW) == timedelta(0)


def test_a_day_without_failures_and_the_right_person_forget_them(session: Session) -> None:
    for _ in range(9):
        note_failure(session, ADA, NOW)
    assert wait_before(session, ADA, NOW)
    forget_failures(session, ADA)
    assert not wait_before(session, ADA, NOW)
    for _ in range(9):
        note_failure(session, ADA, NOW)
    later = NOW + timedelta(hours=25)
    assert not wait_before(session, ADA, later)
    note_failure(session, ADA._replace(email="x@example.org"), later)
    assert session.query(FailedTries).count() == 3, "what is forgotten is deleted"


def test_of_a_thousand_tries_from_fifty_addresses_few_are_tried_and_the_owner_still_gets_in(
    session: Session, ada: User
) -> None:
    begin(session, ada)
    tried = 0
    for number in range(1000):
        moment = NOW + number * timedelta(seconds=1)
        attempt = Try("sign-in", "ada@example.org", f"198.51.100.{number % 50}")
        if not wait_before(session, attempt, moment):
            tried += 1
            note_failure(session, attempt, moment)
    assert 30 <= tried <= 100
    end = NOW + timedelta(seconds=1000)
    assert wait_before(session, ADA._replace(address="198.51.100.200"), end), "a new address waits too"
    assert not wait_before(session, ADA, end), "the owner's own place does not"


def test_a_machine_that_tries_many_accounts_waits_but_not_whoever_works_beside_it(
    session: Session, ada: User
) -> None:
    begin(session, ada)
    for number in range(80):
        note_failure(session, Try("sign-in", f"x{number}@example.org", HOME), NOW)
    assert wait_before(session, Try("sign-in", "y@example.org", HOME), NOW)
    assert not wait_before(session, ADA, NOW)


def test_no_address_and_no_e_mail_lies_in_the_table(session: Session) -> None:
    note_failure(session, ADA, NOW)
    names = [row.name for row in session.query(FailedTries)]
    assert len(names) == 3
    assert not [name for name in names if "ada" in name or "203" in name]


def test_failures_at_the_same_moment_are_all_counted(database: Database) -> None:
    def fail(_: int) -> None:
        with database.new_session() as session:
            note_failure(session, ADA, NOW)
            session.commit()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fail, range(12)))
    with database.new_session() as session:
        assert {row.count for row in session.query(FailedTries)} == {12}


# ---------------------------------------------------------------- people


def test_new_roles_take_the_place_of_old_ones_and_end_the_sessions(
    session: Session, clinic: Clinic, ada: User
) -> None:
    assert set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["intake"], now=NOW, name="A. L.")
    _, token = begin(session, ada)
    assert not set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["intake"], now=NOW)
    assert find_live_session(session, token, NOW), "nothing changed"
    assert set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["clinician", "intake"], now=NOW)
    assert find_roles(session, ada.id, clinic.id) == {"clinician", "intake"}
    assert not find_live_session(session, token, NOW)
    (colleague,) = list_colleagues(session, clinic.id)
    assert (colleague.name, colleague.roles) == ("A. L.", {"clinician", "intake"})
    assert set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=[], now=NOW)
    assert list_colleagues(session, clinic.id) == []


def test_a_role_that_there_is_not_is_refused(session: Session, clinic: Clinic, ada: User) -> None:
    with pytest.raises(ValueError, match="role"):
        set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["owner"], now=NOW)


def test_a_clinic_sees_its_own_people_under_its_own_names(
    session: Session, clinic: Clinic, other_clinic: Clinic, ada: User
) -> None:
    set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["intake"], now=NOW, name="Here")
    set_roles(session, staff_id=ada.id, clinic_id=other_clinic.id, roles=["intake"], now=NOW, name="There")
    assert [person.name for person in list_colleagues(session, clinic.id)] == ["Here"]
    assert [person.name for person in list_colleagues(session, other_clinic.id)] == ["There"]


def test_a_person_has_come_once_they_signed_in_after_the_invitation(
    session: Session, clinic: Clinic, ada: User
) -> None:
    begin(session, ada, now=NOW - MINUTE)
    set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["intake"], now=NOW)
    assert not list_colleagues(session, clinic.id)[0].has_come
    begin(session, ada, now=NOW + MINUTE, second_step=None)
    assert not list_colleagues(session, clinic.id)[0].has_come
    begin(session, ada, now=NOW + MINUTE)
    assert list_colleagues(session, clinic.id)[0].has_come


def test_of_two_administrators_who_remove_each_other_at_once_one_stays(database: Database) -> None:
    with database.new_session() as session:
        clinic = make_clinic(session, "north")
        people = [make_person(session, name) for name in ("Ada", "Grace")]
        for person in people:
            add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="clinic_admin")
        session.commit()
        clinic_id, (ada, grace) = clinic.id, [person.id for person in people]

    def remove(pair: tuple[int, int]) -> bool:
        mine, theirs = pair
        with database.new_session() as session:
            hold_people(session, clinic_id)
            if not find_roles(session, mine, clinic_id):
                return False
            set_roles(session, staff_id=theirs, clinic_id=clinic_id, roles=[], now=NOW)
            session.commit()
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(remove, [(ada, grace), (grace, ada)])) == [False, True]
