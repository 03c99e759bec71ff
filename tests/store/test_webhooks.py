"""Webhooks: an event stands in the transaction of what it tells, and leaves at least once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person

from screener.store.appointments import add_appointment
from screener.store.clinic_changes import shred_keys
from screener.store.consultations import (
    add_read_event,
    assign_consultation,
    list_moves,
    move_consultation,
    undo_move,
    withdraw_consultation,
)
from screener.store.database import Database, new_id
from screener.store.errors import ConflictError, NotFoundError
from screener.store.outbox import LEASE, MOST_TRIES, Lease
from screener.store.retention import remove_leavings
from screener.store.signed_histories import read_histories, save_working, sign_history
from screener.store.tables import (
    AuditEntry,
    Clinic,
    Consultation,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)
from screener.store.tenancy import enter_clinic
from screener.store.webhooks import (
    EVENTS,
    KEPT,
    MOST_ENDPOINTS,
    OVERLAP,
    PATIENCE,
    Endpoint,
    add_endpoint,
    count_deliveries,
    get_endpoint,
    lease_delivery,
    list_deliveries,
    mark_delivered,
    mark_undelivered,
    read_parcel,
    remove_endpoint,
    renew_secret,
    replay,
    replay_failed,
    send_test,
    turn_off,
    turn_on,
)

CANARY = "quetzalcoatlus"
ADMIN = 7
MINUTE = timedelta(minutes=1)


def add(session: Session, events: Iterable[str] = EVENTS, **changes: Any) -> Endpoint:
    about = {"address": f"https://hooks.example.org/{CANARY}", "key": ""}
    return add_endpoint(session, **about | {"events": list(events), "staff_id": ADMIN, "now": NOW} | changes)


def types(session: Session) -> list[str]:
    return list(session.scalars(select(WebhookEvent.type).order_by(WebhookEvent.id)))


def lease(database: Database, now: datetime = NOW, done: Session | None = None) -> Lease | None:
    """As a worker does, outside any clinic; `done` has to end what it reads first."""
    if done:
        done.commit()
    with database.new_session() as session:
        leased = lease_delivery(session, now)
        session.commit()
        return leased


def fail(database: Database, session: Session, now: datetime, status: int | None = 500) -> bool:
    leased = lease(database, now)
    if leased is None:
        return False
    mark_undelivered(session, leased, "status", status, now)
    session.commit()
    return True


# ---------------------------------------------------------------- what is told


def do_everything(session: Session) -> Consultation:
    """All that is told of a request, in order, and what is not told between."""
    grace = int(make_person(session, "Grace").id)
    made = make_consultation(session)
    add_read_event(session, made, grace, NOW)
    assign_consultation(session, made, owner_id=grace, staff_id=grace, now=NOW)
    move_consultation(session, made, to_state="in_review", reason=CANARY, staff_id=grace, now=NOW)
    undo_move(session, made, list_moves(session, made)[-1], grace, NOW)
    about = {"staff_id": grace, "now": NOW, "row_id": new_id()}
    for _ in range(2):
        add_appointment(session, made, starts_at=NOW, minutes=30, **about)
    add_appointment(session, made, starts_at=None, minutes=None, staff_id=grace, now=NOW)
    for reason in (None, CANARY):
        seen = read_histories(session, made).stamp
        save_working(session, made, {"notes": CANARY}, seen=seen, staff_id=grace, now=NOW)
        sign_history(
            session,
            made,
            {"notes": CANARY},
            seen=read_histories(session, made).stamp,
            reason=reason,
            questionnaire_version="q",
            criteria_version="c",
            staff_id=grace,
            now=NOW,
        )
    withdraw_consultation(session, made, NOW)
    return made


TOLD = [
    ("request.received", "new"),
    ("request.state_changed", "in_review"),
    ("request.state_changed", "new"),
    ("appointment.set", "new"),
    ("appointment.called_off", "new"),
    ("history.signed", "new"),
    ("history.amended", "new"),
    ("request.withdrawn", "withdrawn"),
]


def test_each_thing_that_happens_is_told_once_with_the_state_it_led_to(
    database: Database, entered: Session, clinic: Clinic
) -> None:
    add(entered)
    made = do_everything(entered)
    entered.commit()
    told = []
    while leased := lease(database):
        parcel = read_parcel(entered, leased, NOW)
        assert parcel
        told.append(json.loads(parcel.body))
        assert CANARY not in parcel.body
        assert set(told[-1]) == {"id", "type", "timestamp", "data"}
        assert (told[-1]["id"], told[-1]["timestamp"]) == (str(parcel.event_id), "2026-11-22T09:30:00.000Z")
        mark_delivered(entered, leased, 204, NOW)
        entered.commit()
    told.sort(key=lambda one: one["id"])
    assert [(one["type"], one["data"]["state"]) for one in told] == TOLD
    assert {one["type"] for one in told} == set(EVENTS)
    assert {(d["clinic"], d["reference"]) for d in (one["data"] for one in told)} == {
        (clinic.slug, made.reference)
    }


def test_nobody_is_told_what_they_did_not_choose_and_nothing_is_written_for_nobody(entered: Session) -> None:
    make_consultation(entered)
    assert types(entered) == []
    signed = add(entered, ["history.signed"])
    off = add(entered)
    turn_off(entered, off, ADMIN, NOW)
    do_everything(entered)
    assert types(entered) == ["history.signed"]
    assert list(entered.scalars(select(WebhookDelivery.endpoint_id))) == [signed.row.id]


def test_what_is_undone_is_not_told(database: Database, entered: Session) -> None:
    add(entered)
    entered.commit()
    make_consultation(entered)
    entered.rollback()
    assert lease(database) is None
    assert types(entered) == []


def test_another_clinic_hears_and_sees_nothing(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    endpoint = add(entered)
    make_consultation(entered)
    entered.commit()
    leased = lease(database)
    assert leased
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        with pytest.raises(NotFoundError):
            get_endpoint(elsewhere, endpoint.row.id)
        assert read_parcel(elsewhere, leased, NOW) is None
        mark_delivered(elsewhere, leased, 200, NOW)
        assert list_deliveries(elsewhere, endpoint.row.id, limit=9) == []
        make_consultation(elsewhere)
        elsewhere.commit()
    entered.expire_all()
    assert [line.state for line in list_deliveries(entered, endpoint.row.id, limit=9)] == ["waiting"]


def test_the_address_and_the_secret_lie_sealed(entered: Session) -> None:
    made = add(entered)
    assert CANARY.encode() not in made.row.sealed
    assert made.secrets[0].encode() not in made.row.sealed
    assert get_endpoint(entered, made.row.id) == made
    told = entered.scalars(select(AuditEntry).where(AuditEntry.what == "webhook_added")).one()
    assert CANARY not in json.dumps(told.details)


def test_events_are_kept_for_thirty_days_also_when_no_other_follows(entered: Session, clinic: Clinic) -> None:
    gone, endpoint = add(entered), add(entered)
    make_consultation(entered)
    make_consultation(entered, now=NOW + MINUTE)
    remove_endpoint(entered, gone, ADMIN)
    assert remove_leavings(entered, clinic, NOW + KEPT - MINUTE) == 0
    assert remove_leavings(entered, clinic, NOW + KEPT) == 1
    entered.expire_all()
    (line,) = list_deliveries(entered, endpoint.row.id, limit=9)
    assert line.event.at == NOW + MINUTE
    remove_endpoint(entered, endpoint, ADMIN)
    assert remove_leavings(entered, clinic, NOW + KEPT + MINUTE) == 1
    assert entered.scalars(select(WebhookEvent)).all() == []


def test_a_clinic_whose_keys_are_destroyed_tells_nobody(
    database: Database, session: Session, clinic: Clinic
) -> None:
    with database.new_session() as there:
        enter_clinic(there, clinic.id)
        add(there)
        make_consultation(there)
        there.commit()
    shred_keys(session, clinic, by=None, now=NOW)
    session.commit()
    assert lease(database) is None


def test_a_request_waits_for_no_administrator(database: Database, entered: Session, clinic: Clinic) -> None:
    if database.is_sqlite:
        pytest.skip("there each writer waits for the one before it")
    endpoint = add(entered)
    entered.commit()
    get_endpoint(entered, endpoint.row.id, to_change=True)
    with database.new_session() as patient:
        enter_clinic(patient, clinic.id)
        make_consultation(patient)
        # It would end in a deadlock: the one holds the trail, the other the endpoint.
        turning = ThreadPoolExecutor(1).submit(turn_off, entered, endpoint, ADMIN, NOW)
        make_consultation(patient)
        patient.commit()
        turning.result()
    entered.commit()
    assert types(entered) == ["request.received"] * 2


# ---------------------------------------------------------------- at least once


def test_a_killed_workers_message_is_sent_by_the_next_with_the_same_id_and_body(
    database: Database, entered: Session
) -> None:
    add(entered)
    make_consultation(entered)
    entered.commit()
    first = lease(database)
    assert first
    sent = read_parcel(entered, first, NOW)
    # It may have left by now; whoever carried it is killed before it says so.
    assert lease(database, NOW + LEASE - MINUTE, entered) is None
    again = lease(database, NOW + LEASE)
    assert again == first
    assert read_parcel(entered, again, NOW) == sent
    mark_delivered(entered, again, 200, NOW + LEASE)
    entered.commit()
    assert lease(database, NOW + 9 * LEASE) is None
    row = entered.scalars(select(WebhookDelivery)).one()
    assert row.attempts == 2, "the killed one's try counts"
    # The dead come back: what they report changes nothing.
    mark_undelivered(entered, first, "timeout", None, NOW)
    assert row.sent_at == NOW + LEASE


def test_workers_that_look_at_once_never_get_the_same_message(database: Database, entered: Session) -> None:
    add(entered)
    for _ in range(12):
        make_consultation(entered)
    entered.commit()

    def work(_: int) -> list[UUID]:
        taken = []
        while leased := lease(database):
            taken.append(leased.id)
        return taken

    with ThreadPoolExecutor(3) as pool:
        taken = [found for share in pool.map(work, range(3)) for found in share]
    assert sorted(taken) == sorted(entered.scalars(select(WebhookDelivery.id)))


def test_what_fails_waits_longer_each_time_and_is_given_up_after_about_a_day(
    database: Database, entered: Session
) -> None:
    endpoint = add(entered)
    make_consultation(entered)
    entered.commit()
    row, at = entered.scalars(select(WebhookDelivery)).one(), NOW
    for attempt in range(1, MOST_TRIES + 1):
        at = max(row.due_at, endpoint.row.rests_until or at)
        assert lease(database, at - timedelta(seconds=1), entered) is None
        assert fail(database, entered, at)
        entered.refresh(row)
        assert (row.attempts, row.status_code, row.failed_at is not None) == (attempt, 500, attempt == 8)
    assert timedelta(hours=19) < at - NOW < timedelta(hours=29)
    assert count_deliveries(entered) == {endpoint.row.id: (0, 1)}
    assert lease(database, at + timedelta(days=9), entered) is None


def test_an_endpoint_that_fails_rests_so_that_it_holds_up_no_other(
    database: Database, entered: Session
) -> None:
    bad, good = add(entered), add(entered)
    for _ in range(3):
        make_consultation(entered)
    entered.commit()
    carried = []
    while leased := lease(database):
        row = entered.scalars(select(WebhookDelivery).where(WebhookDelivery.id == leased.id)).one()
        carried.append(row.endpoint_id)
        if row.endpoint_id == bad.row.id:
            mark_undelivered(entered, leased, "timeout", None, NOW)
        else:
            mark_delivered(entered, leased, 200, NOW)
        entered.commit()
    assert sorted(carried) == sorted([bad.row.id, *[good.row.id] * 3])


def test_after_three_days_without_a_success_it_is_paused_and_keeps_what_happens(
    database: Database, entered: Session
) -> None:
    endpoint = add(entered)

    def happen(at: datetime) -> bool:
        make_consultation(entered, now=at)
        entered.commit()
        return fail(database, entered, at)

    assert happen(NOW)
    assert happen(NOW + PATIENCE - MINUTE)
    assert endpoint.state == "on"
    assert happen(NOW + PATIENCE)
    assert endpoint.state == "paused"
    assert entered.scalars(select(AuditEntry).where(AuditEntry.what == "webhook_paused")).one()
    later = NOW + PATIENCE + timedelta(days=1)
    assert not happen(later)
    turn_on(entered, endpoint, ADMIN)
    entered.commit()
    carried = 0
    while leased := lease(database, later):
        mark_delivered(entered, leased, 200, later)
        entered.commit()
        carried += 1
    assert carried == 4
    # A success in between begins the count anew.
    assert happen(later + MINUTE)
    assert endpoint.state == "on"


def test_what_is_off_sends_nothing_until_it_is_on_again(database: Database, entered: Session) -> None:
    endpoint = add(entered)
    make_consultation(entered)
    for _ in range(2):
        turn_off(entered, endpoint, ADMIN, NOW)
    entered.commit()
    assert lease(database) is None
    for _ in range(2):
        turn_on(entered, endpoint, ADMIN)
    entered.commit()
    assert lease(database)
    noted = list(entered.scalars(select(AuditEntry.what).order_by(AuditEntry.number)))
    assert [what for what in noted if what.startswith("webhook_")] == [
        "webhook_added",
        "webhook_disabled",
        "webhook_enabled",
    ]


def test_one_message_or_all_that_was_given_up_goes_again_with_its_own_id(
    database: Database, entered: Session
) -> None:
    endpoint = add(entered)
    for day in (0, 2, 2):
        make_consultation(entered, now=NOW + timedelta(days=day))
    rows = list(entered.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)))
    for row in rows:
        row.failed_at = row.due_at
    entered.commit()
    now = NOW + timedelta(days=3)
    assert replay_failed(entered, endpoint, NOW + MINUTE, ADMIN, now) == 2
    assert replay_failed(entered, endpoint, NOW + MINUTE, ADMIN, now) == 0
    assert replay(entered, endpoint, rows[0].id, ADMIN, now)
    assert not replay(entered, endpoint, rows[0].id, ADMIN, now), "it waits already"
    entered.commit()
    ids = set()
    while leased := lease(database, now):
        parcel = read_parcel(entered, leased, now)
        assert parcel
        ids.add(parcel.event_id)
        mark_delivered(entered, leased, 200, now)
        entered.commit()
    assert ids == {row.event_id for row in rows}
    assert replay(entered, endpoint, rows[0].id, ADMIN, now), "also what arrived once"
    other = add(entered)
    with pytest.raises(NotFoundError):
        replay(entered, other, rows[0].id, ADMIN, now)


# ---------------------------------------------------------------- endpoints


def test_a_form_that_is_sent_twice_adds_one_and_shows_its_secret_again_for_a_while(entered: Session) -> None:
    first = add(entered, key="k")
    assert add(entered, key="k", now=NOW + MINUTE) == first
    for changed in ({"address": "https://other.example.org/"}, {"now": NOW + timedelta(hours=1)}):
        with pytest.raises(ConflictError):
            add(entered, key="k", **changed)
    assert add(entered, key="k", staff_id=ADMIN + 1).row.id != first.row.id
    for _ in range(MOST_ENDPOINTS - 2):
        add(entered)
    with pytest.raises(ConflictError, match="at most"):
        add(entered)


def test_the_old_secret_signs_too_for_a_day(database: Database, entered: Session) -> None:
    endpoint = add(entered)
    make_consultation(entered)
    (old,) = endpoint.secrets
    new = renew_secret(entered, endpoint, seen=1, staff_id=ADMIN, now=NOW).secrets[0]
    entered.commit()
    assert new != old
    leased = lease(database)
    assert leased
    for at, holding in ((NOW + OVERLAP - MINUTE, [new, old]), (NOW + OVERLAP, [new])):
        parcel = read_parcel(entered, leased, at)
        assert parcel
        assert parcel.secrets == holding
        assert new not in repr(parcel)
        assert CANARY not in repr(parcel)
    # Pressed twice it is one change; a page that is older than another's change makes none.
    found = get_endpoint(entered, endpoint.row.id)
    assert renew_secret(entered, found, seen=1, staff_id=ADMIN, now=NOW + MINUTE).secrets == [new, old]
    with pytest.raises(ConflictError):
        renew_secret(entered, found, seen=1, staff_id=ADMIN, now=NOW + timedelta(hours=1))
    newest = renew_secret(entered, found, seen=2, staff_id=ADMIN, now=NOW + timedelta(hours=1))
    assert newest.secrets[1] == new
    assert len(newest.secrets) == 2


def test_a_test_goes_to_one_alone_and_once_a_form(database: Database, entered: Session) -> None:
    endpoint, _ = add(entered), add(entered)
    for _ in range(2):
        send_test(entered, endpoint, staff_id=ADMIN, key="k", now=NOW)
    entered.commit()
    leased = lease(database)
    assert leased
    parcel = read_parcel(entered, leased, NOW)
    assert parcel
    told = json.loads(parcel.body)
    assert (told["type"], told["data"]) == ("endpoint.test", {"clinic": "north"})
    assert lease(database, NOW, entered) is None


def test_what_is_removed_takes_what_it_was_owed_along(database: Database, entered: Session) -> None:
    gone, stays = add(entered), add(entered)
    make_consultation(entered)
    entered.commit()
    leased = [lease(database), lease(database)]
    remove_endpoint(entered, gone, ADMIN)
    entered.commit()
    parcels = [read_parcel(entered, one, NOW) for one in leased if one]
    assert parcels.count(None) == 1
    assert list(entered.scalars(select(WebhookEndpoint.id))) == [stays.row.id]


def test_the_log_turns_page_by_page(entered: Session) -> None:
    endpoint = add(entered)
    for _ in range(5):
        make_consultation(entered)
    first = list_deliveries(entered, endpoint.row.id, limit=3)
    rest = list_deliveries(entered, endpoint.row.id, limit=3, before=first[-1].delivery.id)
    seen = [line.delivery.id for line in (*first, *rest)]
    assert (len(first), len(rest)) == (3, 2)
    assert seen == sorted(set(seen), reverse=True)
