"""Who works on what: owners, requests that are open elsewhere, and what came in meanwhile."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from conftest import past_the_walls
from flask import Flask
from sqlalchemy import text, update
from web.client import Browser, Page
from web.test_staff import INTAKE, NOW, QUEUE, ROUTINE, URGENT, events, names
from web.walking import SignedIn, add_requests, at_clinic, give_roles, id_of, token_of

from screener.store.consultations import get_consultation, move_consultation
from screener.store.tables import Opening, StaffSession

pytestmark = pytest.mark.both_databases

CLINICIAN = "clinician@acme.example"
ASSIGN = "/desk/acme/assign"


def assign(browser: Browser, references: list[str], owner: object, path: str = ASSIGN) -> Page:
    form = token_of(browser.get(QUEUE)) | {"reference": references, "owner": str(owner)}
    return browser.follow(browser.post(path, form))


def owners(page: Page) -> list[str]:
    return ["".join(cell.itertext()) for cell in page.all("td") if cell.get("data-label") == "Owner"]


# ---------------------------------------------------------------- owners


def test_chosen_requests_are_given_away_at_once_with_an_event_each(
    app: Flask, intake: Browser, signed_in: SignedIn
) -> None:
    references = add_requests(app, [("One", URGENT, NOW), ("Two", ROUTINE, NOW), ("Three", ROUTINE, NOW)])
    page = assign(intake, references[:2], "me")
    assert "2 requests are yours now." in page.text
    assert owners(page) == ["Me", "Me", "Nobody"]
    page = assign(intake, references[1:], id_of(app, CLINICIAN))
    assert f"2 requests are {CLINICIAN}'s now." in page.text
    assert owners(page) == ["Me", CLINICIAN, CLINICIAN]
    page = assign(signed_in(CLINICIAN), references, "me")
    assert f"1 request is yours now. Before: {INTAKE}." in page.text
    assert [what for what, _, _ in events(app, references[1])] == ["received", "assigned", "assigned"]
    opened = intake.get(f"/desk/acme/requests/{references[1]}").text
    assert f"given to {CLINICIAN} by {INTAKE}" in opened
    assert owners(assign(intake, references[:1], "nobody")) == ["Nobody", CLINICIAN, CLINICIAN]


def test_the_owner_filter_knows_me_nobody_and_a_colleague(app: Flask, intake: Browser) -> None:
    references = add_requests(app, [("Mine", ROUTINE, NOW), ("Theirs", ROUTINE, NOW), ("Free", ROUTINE, NOW)])
    clinician = id_of(app, CLINICIAN)
    assign(intake, references[:1], "me")
    assign(intake, references[1:2], clinician)
    for owner, shown in {"me": ["Mine"], "nobody": ["Free"], clinician: ["Theirs"]}.items():
        assert names(intake.get(f"{QUEUE}?owner={owner}")) == shown


def test_assigning_leads_back_to_the_same_list_or_the_open_request(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", URGENT, NOW)])
    form = token_of(intake.get(QUEUE)) | {"reference": reference, "owner": "me"}
    sent = intake.post(f"{ASSIGN}?urgency=flagged&sort=newest&evil=1", form)
    assert sent.location == f"{QUEUE}?sort=newest&urgency=flagged"
    sent = intake.post(ASSIGN, form | {"opened": reference, "owner": "nobody"})
    assert sent.location == f"/desk/acme/requests/{reference}"
    page = intake.follow(sent)
    assert "1 request is nobody's now." in page.text
    assert "Nobody has taken this request." in page.text


def test_what_cannot_be_given_is_refused_in_words(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    assert "Choose at least one request first." in assign(intake, [], "me").text
    assert "Choose 100 requests at most." in assign(intake, [f"{n}" for n in range(101)], "me").text
    for nobody in (
        "",
        "x",
        "9" * 400,
        id_of(app, "admin@acme.example"),
        id_of(app, "intake@other.example"),
    ):
        assert "that person is not here any more" in assign(intake, [reference], nobody).text
    assert [what for what, _, _ in events(app, reference)] == ["received"]


def test_a_request_that_is_not_there_gives_nothing_away(app: Flask, intake: Browser) -> None:
    (mine,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    (theirs,) = add_requests(app, [("Quinn", ROUTINE, NOW)], "other")
    for wrong in (theirs, "0000000000", "\N{SNOWMAN}"):
        assert assign(intake, [mine, wrong], "me").status == 404
    assert owners(intake.get(QUEUE)) == ["Nobody"]


@pytest.mark.postgresql_only
def test_a_decision_and_a_gift_of_the_same_request_wait_for_each_other(app: Flask, intake: Browser) -> None:
    references = add_requests(app, [(str(n), ROUTINE, NOW) for n in range(3)])
    form = token_of(intake.get(QUEUE)) | {"reference": references, "owner": "me"}
    is_waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    database = app.extensions["screener.database"]
    with (
        at_clinic(app, "acme") as (session, _),
        past_the_walls(database) as looking,
        ThreadPoolExecutor(1) as pool,
    ):
        # Whichever of them is taken last, the entries in the trail come after.
        decided = get_consultation(session, references[1])
        session.refresh(decided, with_for_update=True)
        giving = pool.submit(intake.post, ASSIGN, form)
        until = time.monotonic() + 20
        while not looking.scalar(is_waiting) and time.monotonic() < until:
            time.sleep(0.02)
        move_consultation(session, decided, to_state="accepted", reason=None, staff_id=None, now=NOW)
        session.commit()
        assert intake.follow(giving.result()).heading == "Queue"
    assert [events(app, reference)[-1][0] for reference in references] == ["assigned"] * 3


def test_a_person_who_left_is_told_as_such_and_gets_nothing_more(app: Flask, intake: Browser) -> None:
    references = add_requests(app, [("One", ROUTINE, NOW), ("Two", ROUTINE, NOW)])
    clinician = id_of(app, CLINICIAN)
    assign(intake, references[:1], clinician)
    give_roles(app, CLINICIAN)
    page = intake.get(QUEUE)
    assert owners(page) == ["Somebody who left", "Nobody"]
    assert names(intake.get(f"{QUEUE}?owner=left")) == names(page)[:1]
    assert CLINICIAN not in page.text
    assert "that person is not here any more" in assign(intake, references[1:], clinician).text
    assert "that of somebody who left" in intake.get(f"/desk/acme/requests/{references[0]}").text
    assert "The owner in this address is not known here." in intake.get(f"{QUEUE}?owner={clinician}").text


# ---------------------------------------------------------------- open elsewhere


def test_the_second_to_open_a_request_is_told_and_not_kept_out(app: Flask, signed_in: SignedIn) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    path = f"/desk/acme/requests/{reference}"
    intake, clinician = signed_in(INTAKE), signed_in(CLINICIAN)
    assert "opened this" not in intake.get(path).text
    assert "opened this" not in intake.get(path).text, "one's own opening is no news"
    page = clinician.get(path)
    assert f"{INTAKE} opened this 0 min ago" in page.text
    assert page.offers("to_state", "accepted")
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Opening).values(seen_at=datetime.now(UTC) - timedelta(minutes=6)))
        session.commit()
    assert "opened this" not in clinician.get(path).text


def test_the_script_renews_a_lease_and_not_the_session(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    page = intake.get(f"/desk/acme/requests/{reference}")
    long_ago = datetime.now(UTC) - timedelta(minutes=4)
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Opening).values(seen_at=long_ago))
        session.execute(update(StaffSession).values(last_seen_at=long_ago))
        session.commit()
    (box,) = [e for e in page.all("div") if e.get("id") == "still-open"]
    assert intake.post(box.get("data-url", ""), token_of(page)).response.json == {"open": True}
    assert intake.get("/desk/acme/queue/new?since=0").response.json == {"count": "1"}
    with at_clinic(app, "acme") as (session, _):
        assert session.query(Opening).one().seen_at > long_ago
        assert {row.last_seen_at for row in session.query(StaffSession)} == {long_ago}


# ---------------------------------------------------------------- meanwhile


def test_new_requests_are_counted_by_the_pages_own_filters(app: Flask, intake: Browser) -> None:
    add_requests(app, [("Old", URGENT, datetime.now(UTC))])
    boxes = {}
    for query in ("", "?urgency=flagged"):
        (box,) = [e for e in intake.get(QUEUE + query).all("p") if e.get("id") == "new-requests"]
        boxes[query] = box
        assert intake.get(box.get("data-url", "")).response.json == {"count": ""}
        assert box.get("data-page") == QUEUE + query
        assert box.get("role") == "status"
    later = datetime.now(UTC) + timedelta(seconds=1)
    add_requests(app, [("Calm new", ROUTINE, later), ("Urgent new", URGENT, later)])
    told = [intake.get(box.get("data-url", "")).response.json for box in boxes.values()]
    assert told == [{"count": "2"}, {"count": "1"}]


@pytest.mark.parametrize("since", ["", "x", "nan", "inf", "-inf", "1e300", "9" * 400, "%00"])
def test_something_that_is_no_time_is_refused(intake: Browser, since: str) -> None:
    assert intake.get(f"/desk/acme/queue/new?since={since}").status == 400


def test_counting_ends_with_the_session(intake: Browser) -> None:
    intake.post("/staff/logout", token_of(intake.get(QUEUE)))
    assert intake.get("/desk/acme/queue/new?since=0").status == 302
