"""The outbox: what is owed leaves once, to the right person, and is forgotten then."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session
from store.builders import NOW, insert_then, make_consultation

from screener.store.audit import find_head
from screener.store.database import Database, new_id
from screener.store.dead_letters import list_dead, resend
from screener.store.drafts import add_draft, remove_draft, remove_expired_drafts
from screener.store.errors import UnreadableError
from screener.store.migrations import migrate
from screener.store.outbox import (
    KILLED,
    LEASE,
    MOST_TRIES,
    WAITS,
    Lease,
    Owing,
    add_mail,
    add_message,
    cancel_mail,
    count_mail,
    count_owed,
    invited_drafts,
    lease_mail,
    mark_failed,
    mark_sent,
    read_mail,
    remove_messages,
)
from screener.store.tables import Clinic, Draft, OutboxMessage
from screener.store.tenancy import enter_clinic, entered_clinic
from screener.store.vault import Vault, new_key

CANARY = "quetzalcoatlus"
KIND = "remind"


def owe(session: Session, **changes: Any) -> OutboxMessage:
    about: dict[str, Any] = {
        "to": f"{CANARY}@example.org",
        "language": "en",
        "values": {"link": f"https://screen.example.org/r/{CANARY}"},
        "due_at": NOW,
        "now": NOW,
    } | changes
    return add_mail(session, about.pop("kind", KIND), **about)


def lease(database: Database, now: datetime = NOW, *kinds: str) -> Lease | None:
    """As a worker does, outside any clinic."""
    with database.new_session() as session:
        leased = lease_mail(session, kinds or (KIND,), now)
        session.commit()
    return leased


def must_lease(database: Database, now: datetime = NOW) -> Lease:
    leased = lease(database, now)
    assert leased
    return leased


def row(session: Session) -> OutboxMessage:
    session.expire_all()
    found = session.scalars(select(OutboxMessage)).one()
    # On SQLite a worker waits for whoever still looks.
    session.commit()
    return found


# ---------------------------------------------------------------- what is kept


def test_a_mail_is_read_as_it_was_owed(database: Database, entered: Session) -> None:
    owe(entered, language="es")
    entered.commit()
    mail = read_mail(entered, must_lease(database))
    assert mail
    assert (mail.to, mail.language) == (f"{CANARY}@example.org", "es")
    assert mail.values == {"link": f"https://screen.example.org/r/{CANARY}"}
    assert CANARY not in repr(mail)


@pytest.mark.sqlite_only("reads the file")
def test_nothing_of_a_mail_lies_readable_in_the_file(entered: Session, url: str) -> None:
    owe(entered)
    entered.commit()
    path = Path(url.removeprefix("sqlite:///"))
    kept = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert KIND.encode() in kept
    assert CANARY.encode() not in kept


def test_a_mail_opens_in_its_own_row_alone(entered: Session) -> None:
    first, second = owe(entered), owe(entered, to="other@example.org", due_at=NOW + timedelta(days=1))
    second.sealed_mail = first.sealed_mail
    entered.commit()
    with pytest.raises(UnreadableError):
        read_mail(entered, Lease(second.id, second.clinic_id, KIND))


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@b@example.org",
        "a@example.org\nBcc: b@example.org",
        "a@example.org, b@example.org",
        "@",
    ],
)
def test_what_is_no_address_is_refused_and_leaves_nothing(entered: Session, address: str) -> None:
    with pytest.raises(ValueError, match=r"@|address|email"):
        owe(entered, to=address)
    assert entered.scalars(select(OutboxMessage)).all() == []


def test_an_undone_transaction_owes_nothing(database: Database, entered: Session) -> None:
    owe(entered)
    entered.rollback()
    assert lease(database) is None


# ---------------------------------------------------------------- drafts


def test_a_drafts_mail_goes_with_the_draft(database: Database, session: Session, clinic: Clinic) -> None:
    draft, _ = add_draft(session, clinic.id, {}, NOW)
    owe(session, draft_id=draft.row.id)
    remove_draft(session, draft)
    session.commit()
    assert lease(database) is None
    assert session.scalars(select(OutboxMessage)).all() == []


def test_an_expired_drafts_mail_goes_with_it(session: Session, clinic: Clinic) -> None:
    draft, _ = add_draft(session, clinic.id, {}, NOW)
    owe(session, draft_id=draft.row.id)
    session.flush()
    assert remove_expired_drafts(session, NOW + timedelta(days=8)) == 1
    session.expire_all()
    assert session.scalars(select(OutboxMessage)).all() == []


def test_cancelling_removes_what_waits_of_that_kind_and_draft(session: Session, clinic: Clinic) -> None:
    draft, _ = add_draft(session, clinic.id, {}, NOW)
    other, _ = add_draft(session, clinic.id, {}, NOW)
    sent = owe(session, draft_id=draft.row.id)
    mark_sent(session, Lease(sent.id, clinic.id, KIND), NOW)
    owe(session, draft_id=draft.row.id)
    kept = {
        sent.id,
        owe(session, draft_id=draft.row.id, kind="other").id,
        owe(session, draft_id=other.row.id).id,
    }
    cancel_mail(session, draft.row.id, [KIND])
    assert set(session.scalars(select(OutboxMessage.id))) == kept


def test_a_mail_cancelled_in_the_workers_hands_is_not_read(
    database: Database, session: Session, clinic: Clinic
) -> None:
    draft, _ = add_draft(session, clinic.id, {}, NOW)
    owe(session, draft_id=draft.row.id)
    session.commit()
    leased = must_lease(database)
    cancel_mail(session, draft.row.id, [KIND])
    session.commit()
    assert read_mail(session, leased) is None
    mark_sent(session, leased, NOW)
    assert not mark_failed(session, leased, "X", NOW, for_good=True)


# ---------------------------------------------------------------- leases


def test_the_longest_due_mail_of_any_clinic_goes_first(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    entered.commit()
    late = owe(entered)
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        early = owe(elsewhere, due_at=NOW - timedelta(hours=1))
        elsewhere.commit()
    assert [must_lease(database) for _ in range(2)] == [
        Lease(early.id, other_clinic.id, KIND),
        Lease(late.id, entered_clinic(entered), KIND),
    ]


@pytest.mark.sqlite_only("asks SQLite how it goes about it")
def test_the_next_mail_is_found_without_a_look_at_all_the_others(
    database: Database, entered: Session
) -> None:
    owe(entered)
    entered.commit()
    steps: list[str] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            looking = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps.extend(row[3] for row in looking)

    must_lease(database)
    assert len(steps) == 1, "nothing is sorted"
    assert "(sent_at=? AND due_at<?)" in steps[0]


def test_only_mail_that_is_due_of_a_known_kind_and_not_done_is_handed_out(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    owe(entered, due_at=NOW + timedelta(seconds=1))
    owe(entered, kind="unknown")
    for done in (owe(entered), owe(entered)):
        leased = Lease(done.id, clinic.id, KIND)
        if done.sent_at is None:
            mark_sent(entered, leased, NOW)
    dead = owe(entered)
    assert mark_failed(entered, Lease(dead.id, clinic.id, KIND), "X", NOW, for_good=True)
    entered.commit()
    assert lease(database, NOW, KIND, "new_request") is None


def test_a_lease_keeps_others_away_until_it_runs_out(database: Database, entered: Session) -> None:
    owe(entered)
    entered.commit()
    first = must_lease(database)
    assert lease(database, NOW + LEASE - timedelta(seconds=1)) is None
    again = must_lease(database, NOW + LEASE)
    assert again == first
    assert row(entered).attempts == 2


def test_workers_that_look_at_once_never_get_the_same_mail(database: Database, entered: Session) -> None:
    owed = {owe(entered).id for _ in range(24)}
    entered.commit()

    def work(_: int) -> list[Any]:
        taken = []
        while leased := lease(database):
            taken.append(leased.id)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [found for share in pool.map(work, range(4)) for found in share]
    assert sorted(taken) == sorted(owed)


def test_a_worker_in_one_clinic_cannot_touch_anothers_mail(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    owe(entered)
    entered.commit()
    leased = must_lease(database)
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert read_mail(elsewhere, leased) is None
        mark_sent(elsewhere, leased, NOW)
        elsewhere.commit()
    assert row(entered).sent_at is None


# ---------------------------------------------------------------- what becomes of it


def test_a_sent_mail_is_forgotten(database: Database, entered: Session) -> None:
    owe(entered)
    entered.commit()
    mark_sent(entered, must_lease(database), NOW)
    entered.commit()
    sent = row(entered)
    assert (sent.sent_at, sent.sealed_mail, sent.leased_until) == (NOW, None, None)
    assert lease(database, NOW + timedelta(days=9)) is None


def test_a_mail_that_fails_waits_longer_each_time_and_dies_after_about_a_day(
    database: Database, entered: Session
) -> None:
    owe(entered)
    entered.commit()
    at, waits = NOW, []
    for attempt in range(1, MOST_TRIES + 1):
        is_dead = mark_failed(entered, must_lease(database, at), "SMTPDataError 451", at, for_good=False)
        entered.commit()
        assert is_dead == (attempt == MOST_TRIES)
        if not is_dead:
            waits.append(row(entered).due_at - at)
            assert lease(database, row(entered).due_at - timedelta(seconds=1)) is None
            at = row(entered).due_at
    assert waits == sorted(waits)
    assert timedelta(hours=19) < sum(waits, timedelta()) < timedelta(hours=29)
    dead = row(entered)
    assert (dead.failed_at, dead.last_error, dead.attempts) == (at, "SMTPDataError 451", 8)
    # What it would have said is kept, to be sent again by hand.
    assert read_mail(entered, Lease(dead.id, dead.clinic_id, KIND))
    entered.commit()
    assert lease(database, at + timedelta(days=9)) is None


def test_a_mail_that_kills_its_worker_each_time_is_given_up_and_holds_up_no_other(
    database: Database, entered: Session
) -> None:
    fatal, other = owe(entered).id, owe(entered, due_at=NOW + timedelta(seconds=1)).id
    entered.commit()
    for tried in range(MOST_TRIES):
        # Whoever takes it is heard of no more.
        assert must_lease(database, NOW + tried * LEASE).id == fatal
    at = NOW + MOST_TRIES * LEASE
    assert must_lease(database, at).id == other
    (dead,) = list_dead(entered)
    assert (dead.id, dead.failed_at, dead.tries, dead.error) == (fatal, at, MOST_TRIES, KILLED)
    assert resend(entered, [fatal], staff_id=1, now=at) == 1
    entered.commit()
    assert must_lease(database, at).id == fatal


def test_failures_of_one_moment_do_not_come_back_at_one_moment(entered: Session, clinic: Clinic) -> None:
    dues = set()
    for _ in range(5):
        owed = owe(entered)
        owed.attempts = 1
        mark_failed(entered, Lease(owed.id, clinic.id, KIND), "TimeoutError", NOW, for_good=False)
        dues.add(owed.due_at)
    assert len(dues) > 1


@pytest.mark.parametrize(("tried", "wait"), list(enumerate(WAITS, start=1)))
def test_each_wait_is_as_long_as_it_is_give_or_take_a_fifth(
    entered: Session, clinic: Clinic, tried: int, wait: timedelta
) -> None:
    owed = owe(entered)
    for _ in range(20):
        owed.attempts = tried
        assert not mark_failed(entered, Lease(owed.id, clinic.id, KIND), "X", NOW, for_good=False)
        assert wait * 0.8 <= owed.due_at - NOW <= wait * 1.2
        assert (owed.leased_until, owed.last_error, owed.failed_at) == (None, "X", None)


def test_a_message_keeps_what_it_is_about(entered: Session, clinic: Clinic) -> None:
    made = make_consultation(entered)
    told = add_message(entered, "new_request", made.id, NOW)
    assert (told.kind, told.clinic_id, told.consultation_id) == ("new_request", clinic.id, made.id)
    assert (told.created_at, told.due_at, told.sealed_mail) == (NOW, NOW, None)
    later = NOW + timedelta(hours=1)
    mail = owe(entered, consultation_id=made.id, language="es", due_at=later)
    assert (mail.consultation_id, mail.created_at, mail.due_at) == (made.id, NOW, later)
    read = read_mail(entered, Lease(mail.id, clinic.id, KIND))
    assert read is not None
    assert (read.to, read.language) == (f"{CANARY}@example.org", "es")
    assert read_mail(entered, Lease(told.id, clinic.id, "new_request")) is None, "nothing is sealed in it"


def test_what_a_request_owes_goes_with_it_and_so_do_the_forms_it_was_invited_to(
    entered: Session, clinic: Clinic
) -> None:
    made, other = make_consultation(entered), make_consultation(entered)
    invited, kept = (add_draft(entered, clinic.id, {}, NOW)[0].row for _ in range(2))
    owe(entered, consultation_id=made.id, draft_id=invited.id)
    owe(entered, consultation_id=made.id)
    left = {
        owe(entered, consultation_id=other.id, draft_id=kept.id).id,
        *entered.scalars(select(OutboxMessage.id).where(OutboxMessage.consultation_id == other.id)),
    }
    assert entered.scalars(invited_drafts(made.id)).all() == [invited.id]
    remove_messages(entered, made.id)
    assert set(entered.scalars(select(OutboxMessage.id))) == left
    assert entered.scalars(select(Draft.id)).all() == [kept.id]


def test_what_is_owed_is_counted_since_it_was_due(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    def owing() -> Owing:
        entered.commit()
        with database.new_session() as nowhere:
            return count_owed(nowhere, OutboxMessage)

    assert owing() == (0, 0, None)
    early, late = NOW - timedelta(hours=2), NOW + timedelta(hours=2)
    mark_failed(entered, Lease(owe(entered, due_at=early).id, clinic.id, KIND), "X", NOW, for_good=True)
    mark_sent(entered, Lease(owe(entered, due_at=early).id, clinic.id, KIND), NOW)
    assert owing() == (0, 1, None), "what was given up waits for nobody"
    owe(entered, due_at=late)
    owe(entered)
    assert owing() == (2, 1, NOW)


def test_what_waits_and_what_was_given_up_is_counted_over_all_clinics(
    database: Database, entered: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    make_consultation(entered)
    owe(entered)
    mark_failed(entered, Lease(owe(entered).id, clinic.id, KIND), "X", NOW, for_good=True)
    mark_sent(entered, Lease(owe(entered).id, clinic.id, KIND), NOW)
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        owe(elsewhere)
        elsewhere.commit()
    with database.new_session() as nowhere:
        assert count_mail(nowhere) == (2, 1)


# ---------------------------------------------------------------- the migration


@pytest.mark.sqlite_only("about altering by copying")
def test_an_older_database_keeps_its_rows_and_their_ties(tmp_path: Path, vault: Vault) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.sqlite", vault)
    migrate(database, "0001")
    clinic_id = new_id()
    ids = {name: new_id() for name in ("screening", "consultation", "message")}
    both = {"clinic_id": clinic_id, "created_at": NOW}
    with database.engine.begin() as connection:
        insert_then(
            connection,
            "clinics",
            {"id": clinic_id, "slug": "north", "name": "North", "phone": "1", "hours": "", "origins": []}
            | {"time_zone": "America/New_York", "is_demo": False, "created_at": NOW},
        )
        insert_then(
            connection,
            "clinic_keys",
            both | {"id": new_id(), "version": 1, "wrapped": vault.master.wrap(clinic_id, 1, new_key())},
        )
        insert_then(
            connection,
            "screenings",
            both
            | {"id": ids["screening"], "sealed": b"x", "urgency": "none", "article_class": "chronic"}
            | {"questionnaire_version": "1", "criteria_version": "1"},
        )
        insert_then(
            connection,
            "consultations",
            {"id": ids["consultation"], "clinic_id": clinic_id, "screening_id": ids["screening"]}
            | {"reference": "0123456789", "sealed_contact": b"x", "consent_version": "1", "version": 1}
            | {"kind": "question", "state": "new", "urgency_rank": 5, "received_at": NOW}
            | {"idempotency_key": b"k", "body_digest": b"d", "receipt_hash": b"r"},
        )
        insert_then(
            connection,
            "outbox_messages",
            both
            | {"id": ids["message"], "kind": "request_received", "consultation_id": ids["consultation"]}
            | {"due_at": NOW, "attempts": 0},
        )
    migrate(database)
    with database.new_session() as session:
        enter_clinic(session, clinic_id)
        message = session.scalars(select(OutboxMessage)).one()
        assert (message.kind, message.consultation_id) == ("new_request", ids["consultation"])
        assert find_head(session) == (0, b""), "each clinic has an audit trail"
        draft, _ = add_draft(session, clinic_id, {}, NOW)
        owe(session, draft_id=draft.row.id)
        remove_draft(session, draft)
        session.commit()
        # The references hold after the tables were copied.
        session.execute(update(OutboxMessage).values(attempts=3))
        assert session.scalars(select(OutboxMessage.id)).all() == [ids["message"]]
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    database.dispose()
