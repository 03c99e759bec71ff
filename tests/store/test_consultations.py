"""Requests: what is stored with each, who finds it, and what its history says."""

import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import past_the_walls
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from store.builders import NOW, Clock, make_consultation, make_person, make_screening

from screener.store.consultations import (
    Event,
    add_read_event,
    find_by_receipt,
    get_consultation,
    list_events,
    move_consultation,
    read_contact,
)
from screener.store.database import Database
from screener.store.drafts import add_draft
from screener.store.errors import ConflictError, NotFoundError, UnreadableError
from screener.store.queue import Filter, list_queue
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Base, Clinic, Consultation, ConsultationEvent, OutboxMessage, Screening
from screener.store.tenancy import enter_clinic
from screener.store.vault import derive_token

CANARY = "Quetzalcoatlus"


def test_a_request_keeps_what_was_said_with_its_event_and_its_message(entered: Session) -> None:
    screening = make_screening(entered, document={"answers": {"age": 41}})
    made = make_consultation(entered, screening=screening, contact={"contact_name": "Ada"}, due_at=NOW)
    entered.commit()
    entered.expunge_all()
    found = get_consultation(entered, made.reference)
    assert read_contact(entered, found) == {"contact_name": "Ada"}
    assert read_screening(entered, get_screening(entered, found.screening_id)) == {"answers": {"age": 41}}
    assert (found.state, found.received_at, found.due_at) == ("new", NOW, NOW)
    assert [event.what for event in list_events(entered, found)] == ["received"]
    message = entered.scalars(select(OutboxMessage)).one()
    assert (message.kind, message.consultation_id, message.due_at) == ("new_request", found.id, NOW)


def test_a_reference_is_ten_characters_that_are_hard_to_mishear(entered: Session) -> None:
    references = {make_consultation(entered).reference for _ in range(20)}
    assert len(references) == 20
    assert all(re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", reference) for reference in references)


def test_times_come_back_aware_and_in_utc(entered: Session) -> None:
    made = make_consultation(entered, now=datetime.fromisoformat("2026-11-22T04:30:00-05:00"))
    entered.commit()
    entered.expire_all()
    assert made.received_at == NOW
    assert made.received_at.tzinfo is UTC


def test_an_unknown_or_foreign_reference_is_not_found(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    reference = make_consultation(entered).reference
    entered.commit()
    with pytest.raises(NotFoundError):
        get_consultation(entered, "0000000000")
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        with pytest.raises(NotFoundError):
            get_consultation(elsewhere, reference)


def test_a_second_request_under_one_key_leaves_nothing_behind(entered: Session) -> None:
    key = secrets.token_bytes(32)
    make_consultation(entered, idempotency_key=key)
    entered.commit()
    with pytest.raises(IntegrityError):
        make_consultation(entered, idempotency_key=key)
    entered.rollback()
    for table in (Consultation, Screening, ConsultationEvent, OutboxMessage):
        assert entered.scalar(select(func.count(table.id))) == 1


def test_an_undone_request_owes_no_message(entered: Session) -> None:
    make_consultation(entered)
    entered.rollback()
    assert entered.scalar(select(func.count(OutboxMessage.id))) == 0


def test_two_clinics_may_use_one_key(database: Database, entered: Session, other_clinic: Clinic) -> None:
    key = secrets.token_bytes(32)
    make_consultation(entered, idempotency_key=key)
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        make_consultation(elsewhere, idempotency_key=key)


def test_a_receipt_finds_its_request_and_enters_the_clinic(
    database: Database, entered: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    token = derive_token(entered.info["vault"], "receipt", "a draft's token")
    made = make_consultation(entered, receipt_token=token)
    entered.commit()
    with database.new_session() as nowhere:
        found = find_by_receipt(nowhere, token)
        assert found is not None
        assert found.reference == made.reference
        assert nowhere.info["clinic_id"] == clinic.id
        assert read_contact(nowhere, found)["contact_name"] == "Ada"
    with database.new_session() as elsewhere:
        assert find_by_receipt(elsewhere, "no such receipt") is None
        enter_clinic(elsewhere, other_clinic.id)
        assert find_by_receipt(elsewhere, token) is None


def test_the_history_says_who_did_what_and_why(entered: Session) -> None:
    clock = Clock()
    person = make_person(entered, "Grace")
    made = make_consultation(entered)
    add_read_event(entered, made, person.id, clock())
    move_consultation(
        entered, made, to_state="later", reason="no slot — yet", staff_id=person.id, now=clock()
    )
    move_consultation(entered, made, to_state="withdrawn", reason=None, staff_id=None, now=clock())
    entered.commit()
    second = timedelta(seconds=1)
    assert list_events(entered, made) == [
        Event(NOW, "received", None, None, "new", None),
        Event(NOW + second, "read", "Grace", None, None, None),
        Event(NOW + 2 * second, "moved", "Grace", "new", "later", "no slot — yet"),
        Event(NOW + 3 * second, "moved", None, "later", "withdrawn", None),
    ]
    assert made.version == 3


def test_events_of_one_moment_keep_their_order(entered: Session) -> None:
    made = make_consultation(entered)
    for state in ("in_review", "later", "new", "in_review", "closed"):
        move_consultation(entered, made, to_state=state, reason=None, staff_id=None, now=NOW)
    reached = [event.to_state for event in list_events(entered, made)]
    assert reached == ["new", "in_review", "later", "new", "in_review", "closed"]


def test_the_slower_of_two_moves_is_told(database: Database, entered: Session, clinic: Clinic) -> None:
    made = make_consultation(entered)
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, clinic.id)
        same = get_consultation(elsewhere, made.reference)
        elsewhere.commit()
        move_consultation(entered, made, to_state="accepted", reason=None, staff_id=None, now=NOW)
        entered.commit()
        with pytest.raises(ConflictError):
            move_consultation(elsewhere, same, to_state="not_a_fit", reason="x", staff_id=None, now=NOW)
        elsewhere.rollback()
        assert get_consultation(elsewhere, made.reference).state == "accepted"
        assert len(list_events(elsewhere, same)) == 2


@pytest.mark.parametrize("change", [{"kind": "party"}, {"kind": ""}])
def test_the_database_knows_the_kinds(entered: Session, change: dict[str, str]) -> None:
    with pytest.raises(IntegrityError):
        make_consultation(entered, **change)


def test_the_database_knows_the_states(entered: Session) -> None:
    made = make_consultation(entered)
    with pytest.raises(IntegrityError):
        move_consultation(entered, made, to_state="lost", reason=None, staff_id=None, now=NOW)


def test_a_contact_swapped_between_requests_is_unreadable(entered: Session) -> None:
    one, two = make_consultation(entered), make_consultation(entered)
    one.sealed_contact, two.sealed_contact = two.sealed_contact, one.sealed_contact
    entered.flush()
    with pytest.raises(UnreadableError):
        read_contact(entered, one)
    with pytest.raises(UnreadableError):
        list_queue(entered, Filter(states=["new"]), now=NOW)


def test_nothing_a_patient_or_staff_said_lies_readable_in_the_database(
    database: Database, entered: Session, clinic: Clinic, tmp_path: Path
) -> None:
    screening = make_screening(entered, document={"note": f"{CANARY} note"})
    contact = {"contact_name": f"{CANARY} name"}
    receipt = secrets.token_urlsafe(32)
    made = make_consultation(entered, screening=screening, contact=contact, receipt_token=receipt)
    move_consultation(entered, made, to_state="later", reason=f"{CANARY} why", staff_id=None, now=NOW)
    _, token = add_draft(entered, clinic.id, {"answer": CANARY}, NOW)
    entered.commit()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    with past_the_walls(database) as connection:
        for table in Base.metadata.sorted_tables:
            stored += repr(connection.execute(table.select()).all()).encode()
    assert made.reference.encode() in stored
    for secret in (CANARY, token, receipt):
        assert secret.encode() not in stored
