"""Working copies and signed versions: one of a request at a time, and what was signed stays."""

from datetime import timedelta

import pytest
from conftest import past_the_walls
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person

from screener.store.consultations import get_consultation, list_events, withdraw_consultation
from screener.store.database import Database
from screener.store.errors import ConflictError, StoreError, UnreadableError
from screener.store.signed_histories import read_histories, save_working, sign_history
from screener.store.tables import (
    AuditEntry,
    Base,
    Clinic,
    Consultation,
    Membership,
    SignedHistory,
    WorkingHistory,
)
from screener.store.tenancy import enter_clinic

CANARY = "Quetzalcoatlus"


@pytest.fixture
def made(entered: Session) -> Consultation:
    return make_consultation(entered)


@pytest.fixture
def grace(entered: Session) -> int:
    return int(make_person(entered, "Grace").id)


def save(session: Session, made: Consultation, staff_id: int, notes: str, seen: str | None = None) -> None:
    stamp = read_histories(session, made).stamp if seen is None else seen
    document = {"notes": notes, "reason": ""}
    save_working(session, made, document, seen=stamp, staff_id=staff_id, now=NOW)


def sign(session: Session, made: Consultation, staff_id: int, seen: str | None = None, **told: str) -> int:
    kept = read_histories(session, made)
    document = kept.working.document if kept.working else {}
    return sign_history(
        session,
        made,
        document,
        seen=kept.stamp if seen is None else seen,
        reason=told.get("reason"),
        questionnaire_version="q",
        criteria_version="c",
        staff_id=staff_id,
        now=NOW + timedelta(minutes=1),
    )


def test_there_is_one_working_copy_and_it_says_who_touched_it_last(
    entered: Session, made: Consultation, grace: int
) -> None:
    ada = int(make_person(entered, "Ada").id)
    assert read_histories(entered, made).working is None
    save(entered, made, grace, "first")
    save(entered, made, ada, "second")
    entered.commit()
    found = read_histories(entered, made).working
    assert found is not None
    assert (found.staff_name, found.saved_at, found.document["notes"]) == ("Ada", NOW, "second")
    assert entered.scalar(select(func.count(WorkingHistory.id))) == 1


def test_people_are_called_as_this_clinic_calls_them(entered: Session, made: Consultation) -> None:
    ada = int(make_person(entered, "As called elsewhere").id)
    entered.execute(update(Membership).where(Membership.staff_id == ada).values(name="Dr. A."))
    save(entered, made, ada, "first")
    kept = read_histories(entered, made).working
    assert kept is not None
    assert kept.staff_name == "Dr. A."
    sign(entered, made, ada)
    assert [signed.staff_name for signed in read_histories(entered, made).signed] == ["Dr. A."]


def test_signing_makes_versions_one_two_three_and_ends_the_working_copy(
    entered: Session, made: Consultation, grace: int
) -> None:
    for number, notes in enumerate(("first", "second", "third"), 1):
        save(entered, made, grace, notes)
        reason = {"reason": f"why {number}"} if number > 1 else {}
        assert sign(entered, made, grace, **reason) == number
        entered.commit()
    kept = read_histories(entered, made)
    assert kept.working is None
    assert [(v.number, v.staff_name, v.document["notes"]) for v in kept.signed] == [
        (1, "Grace", "first"),
        (2, "Grace", "second"),
        (3, "Grace", "third"),
    ]
    assert kept.newest == kept.signed[-1]
    told = [(e.what, e.staff_name, e.reason) for e in list_events(entered, made)][1:]
    assert told == [
        ("history_signed", "Grace", None),
        ("history_amended", "Grace", "why 2"),
        ("history_amended", "Grace", "why 3"),
    ]
    noted = entered.scalars(select(AuditEntry.what).order_by(AuditEntry.number)).all()
    assert noted[-4:] == ["history_saved", "history_amended", "history_saved", "history_amended"]


def test_each_save_and_each_signature_makes_a_new_stamp(
    entered: Session, made: Consultation, grace: int
) -> None:
    stamps = [read_histories(entered, made).stamp]
    for _ in range(2):
        save(entered, made, grace, "a")
        stamps.append(read_histories(entered, made).stamp)
        save(entered, made, grace, "b")
        stamps.append(read_histories(entered, made).stamp)
        sign(entered, made, grace)
        stamps.append(read_histories(entered, made).stamp)
    assert len(set(stamps)) == len(stamps) == 7


def test_what_was_saved_or_signed_meanwhile_is_not_written_over(
    database: Database, entered: Session, made: Consultation, grace: int, clinic: Clinic
) -> None:
    save(entered, made, grace, "first")
    seen, reference, clinic_id = read_histories(entered, made).stamp, made.reference, clinic.id
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, clinic_id)
        same = get_consultation(elsewhere, reference)
        save(elsewhere, same, grace, "quicker")
        elsewhere.commit()
    for late in (lambda: save(entered, made, grace, "late", seen), lambda: sign(entered, made, grace, seen)):
        with pytest.raises(ConflictError):
            late()
        entered.rollback()
    kept = read_histories(entered, made)
    assert kept.signed == ()
    assert kept.working is not None
    assert kept.working.document["notes"] == "quicker"


def test_nothing_is_signed_without_a_working_copy(entered: Session, made: Consultation, grace: int) -> None:
    with pytest.raises(ConflictError):
        sign(entered, made, grace)


def test_what_was_signed_is_changed_by_nobody(
    database: Database, entered: Session, made: Consultation, grace: int
) -> None:
    save(entered, made, grace, "first")
    sign(entered, made, grace)
    entered.commit()
    row = entered.scalars(select(SignedHistory)).one()
    row.number = 7
    with pytest.raises(StoreError, match="never changed"):
        entered.flush()
    entered.rollback()
    with pytest.raises(StoreError, match="never changed"):
        entered.execute(update(SignedHistory).values(number=7))
    entered.rollback()
    with pytest.raises(DBAPIError, match="never changed"), past_the_walls(database) as connection:
        connection.execute(text("UPDATE signed_histories SET number = 7"))


def test_a_version_put_in_anothers_place_is_unreadable(
    database: Database, entered: Session, made: Consultation, grace: int
) -> None:
    save(entered, made, grace, "first")
    sign(entered, made, grace)
    entered.commit()
    with past_the_walls(database) as connection:
        on_table = "" if database.is_sqlite else " ON signed_histories"
        connection.execute(text(f"DROP TRIGGER signed_histories_stay{on_table}"))
        connection.execute(text("UPDATE signed_histories SET number = 2"))
    entered.expire_all()
    with pytest.raises(UnreadableError):
        read_histories(entered, made)


def test_the_database_keeps_a_number_to_one_version(entered: Session, made: Consultation, grace: int) -> None:
    save(entered, made, grace, "first")
    sign(entered, made, grace)
    row = entered.scalars(select(SignedHistory)).one()
    told = {c.name: getattr(row, c.name) for c in SignedHistory.__table__.columns if c.name != "id"}
    entered.add(SignedHistory(id=make_consultation(entered).id, **told))
    with pytest.raises(IntegrityError):
        entered.flush()


def test_a_withdrawal_takes_working_copy_and_versions_with_it(
    entered: Session, made: Consultation, grace: int
) -> None:
    other = make_consultation(entered)
    for request in (made, other):
        save(entered, request, grace, "first")
        sign(entered, request, grace)
        save(entered, request, grace, "amended")
    withdraw_consultation(entered, made, NOW)
    entered.commit()
    assert (read_histories(entered, made).working, read_histories(entered, made).signed) == (None, ())
    kept = read_histories(entered, other)
    assert kept.working is not None
    assert len(kept.signed) == 1


def test_another_clinic_sees_nothing_of_it(
    database: Database, entered: Session, made: Consultation, grace: int, other_clinic: Clinic
) -> None:
    save(entered, made, grace, "first")
    sign(entered, made, grace)
    save(entered, made, grace, "amended")
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert read_histories(elsewhere, made).working is None
        assert read_histories(elsewhere, made).signed == ()


def test_nothing_of_it_lies_readable_in_the_database(
    database: Database, entered: Session, made: Consultation, grace: int
) -> None:
    save(entered, made, grace, CANARY)
    sign(entered, made, grace, reason=CANARY)
    save(entered, made, grace, CANARY)
    entered.commit()
    with past_the_walls(database) as connection:
        stored = "".join(repr(connection.execute(t.select()).all()) for t in Base.metadata.sorted_tables)
    assert made.reference in stored
    assert CANARY not in stored
