"""When a request, a draft and what hangs on them go, to the hour, on both databases (promise P17)."""

from datetime import date, datetime, timedelta

import pytest
from conftest import past_the_walls
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from store.builders import NOW, insert_then, make_clinic, make_consultation, make_person

from screener.domain.retention import LONGEST, Periods
from screener.store.audit import Wanted, list_entries, verify_chain
from screener.store.clinic_changes import change_clinic
from screener.store.consultations import move_consultation, withdraw_consultation
from screener.store.database import Database, new_id
from screener.store.drafts import add_draft, find_open_draft
from screener.store.endings import Ending, count_endings, endings_by_page
from screener.store.extracts import add_export, list_exports
from screener.store.migrations import migrate
from screener.store.openings import note_opening
from screener.store.retention import (
    Counted,
    count_kept,
    count_over,
    end_hold,
    hold,
    list_over,
    mark_charted,
    periods_of,
    remove_leavings,
    remove_old_sign_ins,
    remove_over_drafts,
    remove_over_requests,
    request_goes_at,
)
from screener.store.staff_sessions import KNOWN_PLACE, add_staff_session, idle_limit
from screener.store.tables import (
    Clinic,
    Consultation,
    Draft,
    FailedTries,
    Opening,
    StaffSession,
)
from screener.store.tenancy import enter_clinic
from screener.store.throttle import FORGOTTEN_AFTER, Try, note_failure
from screener.store.vault import Vault

DAY, HOUR, MOMENT = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)
ZONE = "America/New_York"


def references(session: Session) -> set[str]:
    return set(session.scalars(select(Consultation.reference)))


# What is done to a request that came at NOW, as (state, days after), and when it goes; None: never.
LIVES = {
    "nobody decided": ([], 90),
    "looked into": ([("in_review", 20)], 110),
    "refused": ([("not_a_fit", 5)], 95),
    "later": ([("later", 3)], 93),
    "refused and closed": ([("duplicate", 1), ("closed", 2)], 92),
    "accepted": ([("accepted", 1)], None),
    "accepted and closed": ([("accepted", 1), ("closed", 2)], None),
    "charted": ([("accepted", 1), ("charted", 4)], 34),
    "charted and closed": ([("accepted", 1), ("charted", 4), ("closed", 9)], 34),
    "charted, and the mark taken back": ([("accepted", 1), ("charted", 4), ("not charted", 5)], None),
    "accepted by mistake": ([("accepted", 1), ("charted", 2), ("in_review", 3)], 93),
    "withdrawn": ([("withdrawn", 6)], 96),
    "held beyond its time": ([("held until 2027-03-31", 1)], 129),
    "held for less": ([("held until 2026-12-24", 1)], 90),
    "held, and the hold ended": ([("held until 2027-03-31", 1), ("hold ended", 2)], 90),
    "accepted and held": ([("accepted", 1), ("held until 2026-12-24", 1)], None),
}


def live(session: Session, life: list[tuple[str, int]]) -> Consultation:
    made, person = make_consultation(session), make_person(session, "Grace")
    for what, days in life:
        by = {"staff_id": person.id, "now": NOW + days * DAY}
        if what.startswith("held until "):
            until = date.fromisoformat(what.removeprefix("held until "))
            hold(session, made, until=until, reason="A court asks", **by)
        elif what == "hold ended":
            end_hold(session, made, **by)
        elif what.endswith("charted"):
            mark_charted(session, made, charted=what == "charted", **by)
        elif what == "withdrawn":
            withdraw_consultation(session, made, by["now"])
        else:
            move_consultation(session, made, to_state=what, reason=None, **by)
    session.commit()
    return made


@pytest.mark.parametrize("name", LIVES)
def test_a_request_goes_when_its_time_is_over_and_not_an_hour_before(
    entered: Session, clinic: Clinic, name: str
) -> None:
    life, days = LIVES[name]
    made = live(entered, life)
    goes = request_goes_at(made, LONGEST, ZONE)
    if days is None:
        assert goes is None
        assert remove_over_requests(entered, clinic, NOW + 4000 * DAY) == 0
        return
    assert goes is not None
    # A hold ends with its day at the clinic, not at the hour the request came.
    at = (
        NOW + days * DAY
        if "beyond" not in name
        else datetime.fromisoformat("2027-03-31T23:59-04:00") + MOMENT
    )
    assert abs(goes - at) <= MOMENT
    assert count_over(entered, LONGEST, ZONE, at - HOUR).requests == 0
    assert remove_over_requests(entered, clinic, at - HOUR) == 0
    assert references(entered) == {made.reference}
    assert count_over(entered, LONGEST, ZONE, at).requests == 1
    assert [one.reference for one in list_over(entered, LONGEST, ZONE, at, limit=9)] == [made.reference]
    assert remove_over_requests(entered, clinic, at) == 1
    assert references(entered) == set()
    entry = list_entries(entered, Wanted(what="retention_removed"), limit=9)[0]
    assert (entry.subject, entry.staff_id) == (made.reference, None)
    assert verify_chain(entered).broken is None


def test_a_clinic_shortens_its_periods_and_only_for_itself(database: Database, session: Session) -> None:
    for slug, days in (("east", 90), ("west", 10)):
        clinic = make_clinic(session, slug)
        change_clinic(session, clinic, {"refused_days": days}, by=None)
        session.commit()
        with database.new_session() as at:
            enter_clinic(at, clinic.id)
            make_consultation(at)
            at.commit()
            assert remove_over_requests(at, clinic, NOW + 10 * DAY) == (1 if slug == "west" else 0)
    with pytest.raises(ValueError, match="refused days: use a whole number from 7 to 90"):
        change_clinic(session, clinic, {"refused_days": 91}, by=None)
    assert periods_of(clinic) == Periods(7, 10, 30)


def test_requests_go_a_batch_at_a_time_and_what_waits_is_counted(entered: Session, clinic: Clinic) -> None:
    for _ in range(5):
        make_consultation(entered)
    kept = live(entered, [("accepted", 0), ("held until 2027-03-31", 0)])
    assert count_kept(entered, NOW.date()) == (1, 1)
    assert count_kept(entered, date(2027, 4, 1)) == (1, 0)
    later = NOW + 90 * DAY
    page = [
        one.reference
        for skip in (0, 3)
        for one in list_over(entered, LONGEST, ZONE, later, limit=3, skip=skip)
    ]
    assert len(page) == len(set(page)) == 5
    assert [remove_over_requests(entered, clinic, later, limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert references(entered) == {kept.reference}


def test_a_draft_lives_as_long_as_its_clinic_says(entered: Session, clinic: Clinic) -> None:
    change_clinic(entered, clinic, {"draft_days": 2}, by=None)
    (left, token), (saved, _) = (add_draft(entered, clinic.id, {}, NOW) for _ in range(2))
    saved.row.saved_at = NOW
    # Gone on with each day, it still ends after two.
    left.row.last_active_at = NOW + 2 * DAY - HOUR
    entered.commit()
    assert find_open_draft(entered, token, NOW + 2 * DAY - HOUR) is not None
    assert count_over(entered, periods_of(clinic), ZONE, NOW + 2 * DAY - HOUR) == Counted(0, 0)
    assert remove_over_drafts(entered, clinic, NOW + 2 * DAY - HOUR) == 0
    assert find_open_draft(entered, token, NOW + 2 * DAY) is None
    assert count_over(entered, periods_of(clinic), ZONE, NOW + 2 * DAY) == Counted(0, 2)
    assert remove_over_drafts(entered, clinic, NOW + 2 * DAY) == 2
    assert entered.scalars(select(Draft)).all() == []
    (entry,) = list_entries(entered, Wanted(what="drafts_removed"), limit=9)
    assert entry.details == {"count": 2}


def test_what_nobody_needs_any_more_goes_too(entered: Session, clinic: Clinic) -> None:
    person, made = make_person(entered, "Grace"), make_consultation(entered)
    note_opening(entered, made, person.id, NOW)
    add_staff_session(entered, staff_id=person.id, address="::1", browser="", second_step="code", now=NOW)
    note_failure(entered, Try("sign-in", "a@example.org", "::1"), NOW)
    entered.commit()
    assert remove_leavings(entered, clinic, NOW + timedelta(minutes=4)) == 0
    assert remove_leavings(entered, clinic, NOW + timedelta(minutes=5)) == 1
    assert entered.scalars(select(Opening)).all() == []
    remove_old_sign_ins(entered, NOW + FORGOTTEN_AFTER)
    assert len(entered.scalars(select(FailedTries)).all()) == 3
    # So long a place stays known as the person's own.
    assert remove_old_sign_ins(entered, NOW + KNOWN_PLACE - HOUR) == 3
    assert len(entered.scalars(select(StaffSession)).all()) == 1
    assert remove_old_sign_ins(entered, NOW + KNOWN_PLACE) == 1


def test_who_took_out_files_and_where_forms_ended_is_known_for_six_years(
    entered: Session, clinic: Clinic
) -> None:
    person = make_person(entered, "Grace")
    about = {"reason": "board", "references": ["AB"], "file_format": "csv", "groups": [], "query": {}}
    add_export(entered, **about, staff_id=person.id, now=NOW)
    count_endings(entered, [Ending(NOW, "age")])
    entered.commit()
    over = NOW + timedelta(days=6 * 366)
    assert remove_leavings(entered, clinic, over - MOMENT) == 0
    assert remove_leavings(entered, clinic, over) == 1
    assert list_exports(entered, limit=9) == []
    assert remove_leavings(entered, clinic, over + DAY) == 1
    assert endings_by_page(entered, date.min, date.max) == {}


def test_the_strictest_clinic_of_a_person_says_when_silence_ends_the_session(
    entered: Session, clinic: Clinic
) -> None:
    person, stranger = make_person(entered, "Grace"), make_person(entered, "Nobody")
    entered.execute(update(Clinic).values(idle_minutes=40))
    assert idle_limit(entered, person.id) == timedelta(minutes=40)
    change_clinic(entered, clinic, {"idle_minutes": 5}, by=None)
    assert idle_limit(entered, person.id) == timedelta(minutes=5)
    clinic.disabled_at = NOW
    entered.flush()
    assert idle_limit(entered, stranger.id) == timedelta(minutes=15)


def test_requests_from_before_have_the_times_that_their_events_tell(empty_url: str, vault: Vault) -> None:
    database = Database(empty_url, vault)
    migrate(database, "clinics")
    clinic_id = new_id()
    lives = {
        "new": [],
        "accepted": [("new", "accepted", 3)],
        "closed": [("new", "accepted", 3), ("accepted", "closed", 5)],
        "duplicate": [("new", "accepted", 3), ("accepted", "in_review", 4), ("in_review", "duplicate", 6)],
    }
    with past_the_walls(database) as connection:
        about = {"slug": "old", "name": "Old", "phone": "1", "hours": "", "time_zone": ZONE}
        made = {"id": clinic_id, "origins": [], "is_demo": False, "texts": {}, "created_at": NOW}
        insert_then(connection, "clinics", made | about)
        for number, (state, moves) in enumerate(lives.items()):
            made = new_id()
            mark = bytes([number])
            told = {"reference": state, "state": state, "kind": "question", "consent_version": "1"}
            keys = {"idempotency_key": mark, "body_digest": mark, "receipt_hash": mark}
            row = {"id": made, "clinic_id": clinic_id, "urgency_rank": 1, "received_at": NOW, "version": 1}
            insert_then(connection, "consultations", row | told | keys)
            for was, now, days in moves:
                event = {"id": new_id(), "clinic_id": clinic_id, "consultation_id": made, "what": "moved"}
                move = {"at": NOW + days * DAY, "from_state": was, "to_state": now}
                insert_then(connection, "consultation_events", event | move)
    migrate(database)
    with database.new_session() as session:
        enter_clinic(session, clinic_id)
        found = {row.reference: row for row in session.scalars(select(Consultation))}
        times = {state: (row.state_since - NOW, row.accepted_at) for state, row in found.items()}
        assert periods_of(session.get_one(Clinic, clinic_id)) == LONGEST
    assert times == {
        "new": (0 * DAY, None),
        "accepted": (3 * DAY, NOW + 3 * DAY),
        "closed": (5 * DAY, NOW + 5 * DAY),
        "duplicate": (6 * DAY, None),
    }
    database.dispose()
