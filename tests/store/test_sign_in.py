"""Sessions, the throttle and people, as the store keeps them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from store.builders import NOW, make_clinic, make_person

from screener.store.audit import AuditEntry, Wanted, list_entries
from screener.store.clinic_changes import disable_clinic, shred_keys
from screener.store.database import Database
from screener.store.staff import (
    add_membership,
    called_here,
    end_installation_admin,
    find_person,
    find_roles,
    hold_people,
    list_colleagues,
    list_emails,
    list_memberships,
    make_installation_admin,
    note_person,
    set_roles,
    was_shredded,
)
from screener.store.staff_sessions import (
    IDLE_LIMIT,
    LONGEST_SESSION,
    add_staff_session,
    end_session,
    end_sessions,
    find_live_session,
    idle_limit,
    knows_place,
    list_staff_sessions,
    note_seen,
)
from screener.store.tables import Clinic, FailedTries, StaffSession, User
from screener.store.tenancy import enter_clinic
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
    assert row.ended_at == NOW
    end_sessions(session, ada.id, NOW + MINUTE)
    session.refresh(row)
    assert row.ended_at == NOW, "it ended once"


def test_a_session_tells_where_and_how_a_person_signed_in(session: Session, ada: User) -> None:
    row, token = begin(session, ada, browser="x" * 300)
    session.expire_all()
    assert (row.staff_id, row.address, row.browser) == (ada.id, HOME, "x" * 200)
    assert (row.second_step, row.created_at, row.last_seen_at, row.ended_at) == ("code", NOW, NOW, None)
    assert token.encode() not in row.token_hash
    later = [begin(session, ada, now=NOW + number * MINUTE)[0] for number in range(1, 22)]
    assert list_staff_sessions(session, ada.id) == later[:0:-1], "the newest twenty"


def test_a_session_that_goes_on_is_written_down_every_twenty_seconds(session: Session, ada: User) -> None:
    row, _ = begin(session, ada)
    second = timedelta(seconds=1)
    for after, seen in ((19, 0), (20, 20), (39, 20), (40, 40)):
        note_seen(session, row, NOW + after * second)
        assert row.last_seen_at == NOW + seen * second


def test_the_strictest_open_clinic_says_how_long_silence_may_last(session: Session, ada: User) -> None:
    assert idle_limit(session, ada.id) == IDLE_LIMIT == 15 * MINUTE
    shut = None
    for slug, minutes in (("long", 60), ("short", 30), ("shut", 5), ("foreign", 5)):
        shut = clinic = make_clinic(session, slug)
        clinic.idle_minutes = minutes
        if slug != "foreign":
            add_membership(session, staff_id=ada.id, clinic_id=clinic.id, role="intake")
        if slug == "shut":
            shut.disabled_at = NOW
    session.flush()
    assert idle_limit(session, ada.id) == 30 * MINUTE
    row, token = begin(session, ada)
    assert find_live_session(session, token, NOW + 30 * MINUTE - timedelta(seconds=1)) is row
    assert find_live_session(session, token, NOW + 30 * MINUTE) is None


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
    days = timedelta(days=90)
    assert knows_place(session, "ada@example.org", HOME, NOW + days - MINUTE)
    assert not knows_place(session, "ada@example.org", HOME, NOW + days)


# ---------------------------------------------------------------- the throttle


def test_waits_begin_after_a_few_failures_and_double_up_to_a_quarter_of_an_hour(session: Session) -> None:
    waits = []
    for _ in range(20):
        waits.append(wait_before(session, ADA, NOW).total_seconds())
        note_failure(session, ADA, NOW)
    assert waits[:8] == [0, 0, 0, 0, 2, 4, 8, 16]
    assert waits[-1] == 900
    assert wait_before(session, ADA, NOW + 15 * MINUTE) == timedelta(0)
    assert wait_before(session, ADA, NOW + 14 * MINUTE) == MINUTE, "the wait began with the last failure"
    assert wait_before(session, ADA._replace(email="eve@example.org"), NOW) == timedelta(0)
    assert wait_before(session, ADA._replace(email="ADA@example.org "), NOW).total_seconds() == 900
    assert wait_before(session, ADA._replace(purpose="reset"), NOW) == timedelta(0)


@pytest.mark.parametrize(("free", "each"), [(30, "address"), (60, "email")])
def test_an_account_or_an_address_waits_after_more_failures_than_a_place(
    session: Session, free: int, each: str
) -> None:
    """An account tried from anywhere, an address that tries any account."""
    for number in range(free):
        assert not wait_before(session, ADA._replace(**{each: f"{number}"}), NOW)
        note_failure(session, ADA._replace(**{each: f"{number}"}), NOW)
    assert wait_before(session, ADA._replace(**{each: "new"}), NOW) == timedelta(seconds=2)


def test_whoever_has_come_keeps_their_own_place_alone_free(session: Session, ada: User) -> None:
    begin(session, ada)
    for _ in range(4):
        note_failure(session, ADA, NOW)
    assert wait_before(session, ADA._replace(email=" ada@example.org"), NOW) == timedelta(seconds=2)
    forget_failures(session, ADA)
    assert session.query(FailedTries).count() == 2, "of the account and of the address they stay"


def test_failures_are_forgotten_after_a_day_and_not_before(session: Session) -> None:
    day = timedelta(hours=24)
    note_failure(session, ADA, NOW)
    note_failure(session, ADA._replace(email="x@example.org", address="198.51.100.1"), NOW + day)
    assert session.query(FailedTries).count() == 6
    note_failure(session, ADA._replace(email="x@example.org", address="198.51.100.1"), NOW + day + MINUTE)
    assert session.query(FailedTries).count() == 3


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


# ---------------------------------------------------------------- who belongs where


def trail(session: Session, clinic: Clinic) -> list[tuple[str, int | None, dict[str, object]]]:
    """What the clinic's audit trail holds, oldest first."""
    session.info.pop("clinic_id", None)
    enter_clinic(session, clinic.id)
    entries: list[AuditEntry] = list_entries(session, Wanted(), limit=99)
    session.info.pop("clinic_id")
    return [(entry.what, entry.staff_id, entry.details) for entry in reversed(entries)]


def test_a_person_belongs_to_open_clinics_with_all_their_roles_there(
    session: Session, clinic: Clinic, other_clinic: Clinic, ada: User
) -> None:
    shut = make_clinic(session, "aaa-shut")
    for where, role in (
        (other_clinic, "intake"),
        (clinic, "clinician"),
        (clinic, "clinic_admin"),
        (shut, "intake"),
    ):
        row = add_membership(session, staff_id=ada.id, clinic_id=where.id, role=role)
        assert (row.staff_id, row.clinic_id, row.role) == (ada.id, where.id, role)
    shut.disabled_at = NOW
    session.flush()
    assert list_memberships(session, ada.id) == [
        (clinic, {"clinician", "clinic_admin"}),
        (other_clinic, {"intake"}),
    ]
    assert find_roles(session, ada.id, clinic.id) == {"clinician", "clinic_admin"}
    assert find_roles(session, ada.id, shut.id) == set()
    assert list_memberships(session, ada.id + 1) == []


def test_a_destroyed_clinic_is_told_to_those_who_belonged_there_alone(
    session: Session, clinic: Clinic, other_clinic: Clinic, ada: User
) -> None:
    grace = make_person(session, "Grace")
    for where in (clinic, other_clinic):
        add_membership(session, staff_id=ada.id, clinic_id=where.id, role="intake")
    add_membership(session, staff_id=grace.id, clinic_id=other_clinic.id, role="intake")
    enter_clinic(session, clinic.id)
    disable_clinic(session, clinic, by=None, now=NOW)
    assert not was_shredded(session, ada.id, "north")
    shred_keys(session, clinic, by=None, now=NOW)
    assert was_shredded(session, ada.id, "north")
    assert not was_shredded(session, ada.id, "south")
    assert not was_shredded(session, grace.id, "north")


def test_colleagues_stand_by_name_in_any_case_then_by_address(session: Session, clinic: Clinic) -> None:
    people = [make_person(session, name) for name in ("zoe", "Bob", "ann", "Carl")]
    names = ("zoe", "Sam", "ann", "Sam")
    for person, name in zip(people, names, strict=True):
        set_roles(session, staff_id=person.id, clinic_id=clinic.id, roles=["intake"], now=NOW, name=name)
    found = list_colleagues(session, clinic.id)
    assert [(each.name, each.email) for each in found] == [
        ("ann", "ann@example.org"),
        ("Sam", "bob@example.org"),
        ("Sam", "carl@example.org"),
        ("zoe", "zoe@example.org"),
    ]
    assert list_emails(session, [people[0].id, people[1].id, 99]) == {
        people[0].id: "zoe@example.org",
        people[1].id: "bob@example.org",
    }


def test_whom_the_operator_added_has_come_with_any_sign_in(
    session: Session, clinic: Clinic, ada: User
) -> None:
    add_membership(session, staff_id=ada.id, clinic_id=clinic.id, role="intake")
    (invited,) = list_colleagues(session, clinic.id)
    assert (invited.name, invited.has_come) == ("Ada", False)
    begin(session, ada, now=NOW - MINUTE)
    assert list_colleagues(session, clinic.id)[0].has_come


def test_who_left_is_known_by_their_address_alone(
    session: Session, clinic: Clinic, other_clinic: Clinic, ada: User
) -> None:
    set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=["intake"], now=NOW, name="Dr. A.")
    set_roles(session, staff_id=ada.id, clinic_id=other_clinic.id, roles=["intake"], now=NOW, name="Other")
    enter_clinic(session, clinic.id)
    assert session.scalars(select(called_here(session)).where(User.id == ada.id)).all() == ["Dr. A."]
    session.info.pop("clinic_id")
    set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=[], now=NOW)
    enter_clinic(session, clinic.id)
    told = session.scalars(select(called_here(session)).where(User.id == ada.id)).all()
    assert told == ["ada@example.org (left)"]


def test_a_person_is_found_by_their_address_in_any_case(session: Session, ada: User) -> None:
    assert find_person(session, " Ada@Example.org ") is ada
    assert find_person(session, "ada@example.com") is None


def test_each_change_of_roles_is_written_down_with_who_made_it(
    session: Session, clinic: Clinic, ada: User
) -> None:
    grace = make_person(session, "Grace")
    about = {"staff_id": ada.id, "clinic_id": clinic.id, "by": grace.id}
    later = NOW + MINUTE
    before = len(trail(session, clinic))
    set_roles(session, **about, roles=["intake"], now=NOW, name="A. L.")
    begin(session, ada, now=NOW + MINUTE / 2)
    set_roles(session, **about, roles=["intake", "clinician"], now=later, name="ignored")
    (colleague,) = list_colleagues(session, clinic.id)
    assert (colleague.name, colleague.has_come) == ("A. L.", True), "a new role keeps name and day"
    set_roles(session, **about, roles=["clinician"], now=later)
    set_roles(session, **about, roles=[], now=later)
    assert trail(session, clinic)[before:] == [
        ("invited", grace.id, {"was": [], "roles": ["intake"]}),
        ("roles_changed", grace.id, {"was": ["intake"], "roles": ["clinician", "intake"]}),
        ("roles_changed", grace.id, {"was": ["clinician", "intake"], "roles": ["clinician"]}),
        ("removed", grace.id, {"was": ["clinician"], "roles": []}),
    ]


def test_who_looks_after_the_clinics_changes_with_a_sign_out_and_an_entry(
    session: Session, clinic: Clinic, other_clinic: Clinic, ada: User
) -> None:
    add_membership(session, staff_id=ada.id, clinic_id=clinic.id, role="intake")
    before = len(trail(session, clinic))
    foreign = len(trail(session, other_clinic))
    for change, expected in ((make_installation_admin, True), (end_installation_admin, False)):
        row, token = begin(session, ada)
        change(session, ada, NOW + MINUTE)
        session.expire_all()
        assert ada.is_installation_admin is expected
        assert find_live_session(session, token, NOW) is None
        assert row.ended_at == NOW + MINUTE
    note_person(session, ada, "signed_in", by=ada.id, second_step="code")
    assert trail(session, clinic)[before:] == [
        ("made_installation_admin", None, {}),
        ("ended_installation_admin", None, {}),
        ("signed_in", ada.id, {"second_step": "code"}),
    ]
    assert len(trail(session, other_clinic)) == foreign
