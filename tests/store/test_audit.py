"""The audit trail: complete, without gaps, and whatever is done to it behind our back shows."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from conftest import past_the_walls, tamper
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person

from screener.store.audit import (
    Head,
    Subject,
    Verified,
    Wanted,
    begin_verifying,
    find_head,
    list_entries,
    note,
    person_subject,
    verify_chain,
)
from screener.store.consultations import add_read_event, move_consultation, withdraw_consultation
from screener.store.database import Base, Database
from screener.store.errors import StoreError
from screener.store.staff import set_roles
from screener.store.tables import AuditEntry, Clinic
from screener.store.tenancy import enter_clinic

ENTRIES = Base.metadata.tables["audit_entries"]
HEADS = Base.metadata.tables["audit_heads"]


def write(session: Session, count: int = 1) -> None:
    for number in range(count):
        note(session, "read", Subject("consultations", f"REF{number}"), staff_id=number, page="history.show")
    session.commit()


def head_of(session: Session) -> Head:
    head = find_head(session)
    assert head is not None
    return head


def verified(database: Database, clinic: Clinic, kept: dict[int, bytes] | None = None) -> Verified:
    with database.new_session() as session:
        begin_verifying(session)
        enter_clinic(session, clinic.id)
        return verify_chain(session, kept)


def rewriting(at: int, /, **values: object) -> Any:
    return update(ENTRIES).where(ENTRIES.c.number == at).values(**values)


def removing(first: int, last: int) -> Any:
    return delete(ENTRIES).where(ENTRIES.c.number.between(first, last))


# ---------------------------------------------------------------- writing


def test_what_happens_to_a_request_is_in_the_trail_with_codes_alone(entered: Session) -> None:
    grace = make_person(entered, "Grace")
    made = make_consultation(entered)
    add_read_event(entered, made, grace.id, NOW, "history.show")
    move_consultation(entered, made, to_state="later", reason="Canary", staff_id=grace.id, now=NOW)
    withdraw_consultation(entered, made, NOW)
    entered.commit()
    told = [
        (entry.number, entry.what, entry.staff_id, entry.subject, entry.details)
        for entry in list_entries(entered, Wanted(), limit=10)
    ]
    assert told == [
        (4, "withdrawn", None, made.reference, {"to_state": "withdrawn"}),
        (3, "moved", grace.id, made.reference, {"from_state": "new", "to_state": "later"}),
        (2, "read", grace.id, made.reference, {"page": "history.show"}),
        (1, "received", None, made.reference, {"to_state": "new"}),
    ]


def test_who_changed_whose_roles_is_in_the_trail(session: Session, clinic: Clinic) -> None:
    ada, grace = make_person(session, "Ada"), make_person(session, "Grace")
    for roles in (["intake"], ["intake"], ["clinician", "intake"], []):
        set_roles(session, staff_id=ada.id, clinic_id=clinic.id, roles=roles, now=NOW, by=grace.id)
    session.commit()
    enter_clinic(session, clinic.id)
    found = list_entries(session, Wanted(person=ada.id), limit=10)
    assert [(entry.what, entry.staff_id, entry.details) for entry in found] == [
        ("removed", grace.id, {"was": ["clinician", "intake"], "roles": []}),
        ("roles_changed", grace.id, {"was": ["intake"], "roles": ["clinician", "intake"]}),
        ("invited", grace.id, {"was": [], "roles": ["intake"]}),
    ]


@pytest.mark.parametrize("words", ["Zoë", "two\nlines", "o'clock", "a@b.example", "", "x" * 65])
def test_what_is_no_code_is_refused(entered: Session, words: str) -> None:
    for details in ({"reason": words}, {"roles": ["intake", words]}):
        with pytest.raises(ValueError, match="codes"):
            note(entered, "read", person_subject(1), **details)
    with pytest.raises(ValueError, match="codes"):
        note(entered, "read", Subject("consultations", words))
    assert find_head(entered) == (0, b"")


def test_what_is_rolled_back_leaves_no_gap(entered: Session, clinic: Clinic, database: Database) -> None:
    write(entered)
    note(entered, "read", person_subject(1))
    entered.rollback()
    write(entered)
    assert verified(database, clinic) == Verified(2)


def test_each_clinic_has_a_trail_of_its_own(
    entered: Session, clinic: Clinic, other_clinic: Clinic, database: Database
) -> None:
    write(entered, 3)
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        write(elsewhere)
        assert [entry.number for entry in list_entries(elsewhere, Wanted(), limit=9)] == [1]
    assert (verified(database, clinic), verified(database, other_clinic)) == (Verified(3), Verified(1))


def test_writers_at_the_same_time_leave_one_chain_without_gaps(database: Database, clinic: Clinic) -> None:
    def write_some(_: int) -> None:
        for _ in range(5):
            with database.new_session() as session:
                enter_clinic(session, clinic.id)
                write(session)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write_some, range(8)))
    assert verified(database, clinic) == Verified(40)


# ---------------------------------------------------------------- reading


def test_entries_are_found_by_person_kind_reference_and_time_a_page_at_a_time(entered: Session) -> None:
    write(entered, 3)
    note(entered, "invited", person_subject(2), staff_id=1, roles=["intake"])
    entered.commit()
    moments = {entry.number: entry.at for entry in list_entries(entered, Wanted(), limit=9)}

    def numbers(limit: int = 9, before: int | None = None, **wanted: Any) -> list[int]:
        found = list_entries(entered, Wanted(**wanted), limit=limit, before=before)
        return [entry.number for entry in found]

    assert numbers(2) == [4, 3]
    assert numbers(2, before=3) == [2, 1]
    assert numbers(person=2) == [4, 3]
    assert numbers(what="read", person=1) == [2]
    assert numbers(subject="REF2") == [3]
    assert numbers(since=moments[2], until=moments[4]) == [3, 2]


# ---------------------------------------------------------------- append-only


def test_the_session_and_the_database_refuse_to_change_an_entry(entered: Session, database: Database) -> None:
    write(entered, 2)
    entry = list_entries(entered, Wanted(), limit=1)[0]
    entry.what = "moved"
    with pytest.raises(StoreError, match="written once"):
        entered.flush()
    entered.rollback()
    with pytest.raises(DBAPIError, match="never changed"):
        entered.execute(delete(AuditEntry))
    entered.rollback()
    for change in (rewriting(1, what="moved"), removing(1, 1), delete(ENTRIES)):
        with pytest.raises(DBAPIError, match="never changed"), past_the_walls(database) as connection:
            connection.execute(change)
    assert head_of(entered).number == 2


# ---------------------------------------------------------------- tampering

MOVED_ASIDE = 1000


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ([rewriting(3, what="moved")], (3, "changed")),
        ([rewriting(3, staff_id=99)], (3, "changed")),
        ([rewriting(3, staff_id=None)], (3, "changed")),
        ([rewriting(3, subject="REF9")], (3, "changed")),
        ([rewriting(3, details={"page": "history.what_if"})], (3, "changed")),
        ([rewriting(3, at=NOW)], (3, "changed")),
        ([rewriting(5, chain=b"x" * 32)], (5, "changed")),
        ([removing(3, 3)], (3, "missing")),
        ([removing(1, 1)], (1, "missing")),
        ([removing(4, 5)], (4, "cut off: there were 5")),
        ([removing(1, 5)], (1, "cut off: there were 5")),
        (
            [rewriting(3, number=MOVED_ASIDE), rewriting(4, number=3), rewriting(MOVED_ASIDE, number=4)],
            (3, "out of order"),
        ),
        ([rewriting(2, number=0)], (1, "out of order")),
        ([update(HEADS).values(number=9)], (6, "cut off: there were 9")),
        ([update(HEADS).values(number=4)], (5, "the head does not fit the last entry")),
        ([update(HEADS).values(chain=b"x" * 32)], (5, "the head does not fit the last entry")),
        ([delete(HEADS)], (0, "the head is missing")),
    ],
)
def test_tampering_is_detected(
    database: Database, entered: Session, clinic: Clinic, tampering: list[Any], found: tuple[int, str]
) -> None:
    write(entered, 5)
    assert verified(database, clinic) == Verified(5)
    tamper(database, *tampering)
    told = verified(database, clinic)
    assert (told.broken, told.why) == found


def test_a_whole_chain_made_without_the_secret_is_detected(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    write(entered, 2)
    foreign = b"y" * 32
    tamper(database, rewriting(2, what="moved", chain=foreign), update(HEADS).values(chain=foreign))
    assert verified(database, clinic) == Verified(1, 2, "changed")


@pytest.mark.sqlite_only("PostgreSQL keeps such values out")
@pytest.mark.parametrize("column", ["details", "at", "id", "staff_id"])
def test_what_cannot_even_be_read_is_detected(
    database: Database, entered: Session, clinic: Clinic, column: str
) -> None:
    write(entered, 3)
    tamper(database, text(f"UPDATE audit_entries SET {column} = '{{?' WHERE number = 2"))
    found = verified(database, clinic)
    assert found.broken in {1, 2}
    assert found.why.startswith("changed")


def test_a_trail_rolled_back_with_its_head_shows_by_the_head_kept_elsewhere(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    write(entered, 2)
    earlier = head_of(entered)
    write(entered, 2)
    head = head_of(entered)
    kept = {head.number: head.chain}
    entered.commit()
    back = update(HEADS).values(number=earlier.number, chain=earlier.chain)
    tamper(database, removing(3, 4), back)
    assert verified(database, clinic) == Verified(2), "nothing in the database shows it"
    assert verified(database, clinic, kept) == Verified(2, 3, "cut off: there were 4")
    write(entered, 3)
    found = verified(database, clinic, kept)
    assert (found.broken, found.why) == (4, "not what was there when its head was kept")
    assert verified(database, clinic, {earlier.number: earlier.chain}) == Verified(5)


def test_an_entry_moved_to_another_clinic_is_detected(
    database: Database, entered: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    write(entered, 1)
    head = head_of(entered)
    entered.commit()
    of_other = HEADS.c.clinic_id == other_clinic.id
    tamper(
        database,
        update(ENTRIES).values(clinic_id=other_clinic.id),
        update(HEADS).where(of_other).values(number=head.number, chain=head.chain),
    )
    assert verified(database, other_clinic) == Verified(0, 1, "changed")
    assert verified(database, clinic) == Verified(0, 1, "cut off: there were 1")


def test_verifying_waits_for_no_writer_and_sees_one_moment(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    write(entered, 2)
    with database.new_session() as verifier:
        begin_verifying(verifier)
        enter_clinic(verifier, clinic.id)
        assert verifier.scalar(select(AuditEntry.number).where(AuditEntry.number == 2)) == 2
        write(entered, 2)
        assert verify_chain(verifier) == Verified(2)
    assert verified(database, clinic) == Verified(4)
