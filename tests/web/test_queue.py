"""The list staff work in: filters in the address, searches that are in none, and whose work is what."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.test_staff import (
    NOW,
    PREGNANT,
    QUEUE,
    ROUTINE,
    URGENT,
    XSS,
    names,
)
from web.walking import add_requests, at_clinic, contact_but, move, send_all, token_of

from screener.store.tables import Consultation

pytestmark = pytest.mark.both_databases

HOUR = timedelta(hours=1)
LATER = "Only the newest 6,000 open requests"


def search(browser: Browser, text: str) -> Page:
    return browser.post(f"{QUEUE}/search", token_of(browser.get(QUEUE)) | {"q": text})


def change(app: Flask, reference: str, **values: object) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Consultation).where(Consultation.reference == reference).values(values))
        session.commit()


# ---------------------------------------------------------------- filters


def test_a_filter_in_the_address_shows_what_fits_it(app: Flask, intake: Browser) -> None:
    references = add_requests(
        app, [("Urgent", URGENT, NOW), ("Pregnant", PREGNANT, NOW - 30 * HOUR), ("Calm", ROUTINE, NOW)]
    )
    change(app, references[2], language="es")
    move(intake, references[2], to_state="in_review")
    for query, shown in {
        "urgency=flagged": ["Pregnant", "Urgent"],
        "urgency=pregnancy": ["Pregnant"],
        "urgency=routine": ["Calm"],
        "waiting=1-to-3-days": ["Pregnant"],
        "waiting=under-4h": ["Urgent", "Calm"],
        "state=in_review": ["Calm"],
        "language=es": ["Calm"],
        "owner=nobody": ["Pregnant", "Urgent", "Calm"],
        "owner=me": [],
        "class=regular": [],
        "kind=question": [],
        "from=2100-01-01": [],
        "to=2000-01-01": [],
        f"from={(NOW - 48 * HOUR).date()}&to=2100-01-01": ["Pregnant", "Urgent", "Calm"],
        "urgency=flagged&waiting=under-4h": ["Urgent"],
        "sort=longest": ["Pregnant", "Urgent", "Calm"],
        "sort=newest": ["Calm", "Urgent", "Pregnant"],
    }.items():
        page = intake.get(f"{QUEUE}?{query}")
        assert names(page) == shown, query
        assert "left out" not in page.text


@pytest.mark.parametrize("name", ["show", "sort", "state", "urgency", "class", "owner", "language", "from"])
@pytest.mark.parametrize(
    "value", ["nonsense", "-1", "9" * 400, "%00", "%ED%A0%80", "2026-13-01", "0001-01-01"]
)
def test_what_an_address_asks_that_is_unknown_is_left_out_and_said(
    app: Flask, intake: Browser, name: str, value: str
) -> None:
    add_requests(app, [("Pat", ROUTINE, NOW)])
    page = intake.get(f"{QUEUE}?{name}={value}")
    assert page.status == 200
    assert names(page) == ["Pat"]
    assert "in this address is not known here. It was left out." in page.text


def test_a_place_in_the_queue_that_is_gone_is_said_and_begins_anew(app: Flask, intake: Browser) -> None:
    add_requests(app, [("Pat", ROUTINE, NOW)])
    for turn in ("after", "before"):
        page = intake.get(f"{QUEUE}?{turn}=0000000000")
        assert names(page) == ["Pat"]
        assert "That place in the queue is gone." in page.text


def test_an_empty_list_says_why_and_what_to_do(app: Flask, intake: Browser) -> None:
    page = intake.get(QUEUE)
    assert "Nothing is waiting here." in page.text
    assert page.links["your clinic's page"] == "/c/acme"
    add_requests(app, [("Pat", ROUTINE, NOW)])
    assert "No urgent requests. All clear." in intake.get(f"{QUEUE}?urgency=flagged").text
    page = intake.get(f"{QUEUE}?urgency=flagged&owner=me")
    assert "Nothing matches these filters. Clear them to see all 1." in page.text
    assert names(intake.get(page.links["Clear them"])) == ["Pat"]


def test_filters_stay_on_while_pages_are_turned_both_ways(app: Flask, intake: Browser) -> None:
    people = [(f"P{n:03}", (ROUTINE, URGENT)[n % 2], NOW - n * HOUR / 60) for n in range(240)]
    add_requests(app, people)
    page, seen = intake.get(f"{QUEUE}?urgency=flagged&sort=newest"), []
    while True:
        seen.append(names(page))
        if "Next page" not in page.links:
            break
        page = intake.get(page.links["Next page"])
    assert [name for part in seen for name in part] == [f"P{n:03}" for n in range(240) if n % 2]
    back = [names(page)]
    while "Previous page" in page.links:
        page = intake.get(page.links["Previous page"])
        back.append(names(page))
    assert back == seen[::-1]
    assert "120 of 240 match these filters." in page.text


def test_a_decision_and_the_way_back_lead_to_the_list_it_was_taken_from(app: Flask, intake: Browser) -> None:
    first, second = add_requests(app, [("Urgent", URGENT, NOW), ("Pregnant", PREGNANT, NOW)])
    here = f"{QUEUE}?urgency=flagged&sort=newest"
    names_here = names(intake.get(here))
    request = intake.get(f"/desk/acme/requests/{first}")
    assert sorted(request.links["Back to the queue"].partition("?")[2].split("&")) == [
        "sort=newest",
        "urgency=flagged",
    ]
    decided = intake.follow(move(intake, first, to_state="later", reason="Away"))
    assert names(decided) == names_here
    assert "Clear the filters" in decided.links
    intake.get(QUEUE)
    assert intake.get(f"/desk/acme/requests/{second}").links["Back to the queue"] == QUEUE


def test_the_reason_for_its_place_stands_beside_each_urgent_request(app: Flask, intake: Browser) -> None:
    add_requests(app, [("Urgent", URGENT, NOW)])
    assert "Set off by coughing, sneezing, exercise or sex" in intake.get(QUEUE).text


def test_an_overdue_call_is_marked_and_on_top_of_its_urgency(app: Flask, intake: Browser) -> None:
    references = add_requests(
        app, [("Old", URGENT, NOW - 9 * HOUR), ("Overdue", URGENT, NOW), ("Graver", PREGNANT, NOW)]
    )
    for reference in references:
        change(app, reference, due_at=None, owed_at=None)
    past = datetime.now(UTC) - 2 * HOUR
    change(app, references[1], due_at=past, owed_at=past)
    page = intake.get(QUEUE)
    assert names(page) == ["Graver", "Overdue", "Old"]
    assert "Call back overdue by 2 h" in page.text


def test_what_is_due_today_has_a_list_of_its_own_until_somebody_tried(app: Flask, intake: Browser) -> None:
    first, second = add_requests(app, [("Overdue", URGENT, NOW), ("Calm", ROUTINE, NOW)])
    past = datetime.now(UTC) - 2 * HOUR
    change(app, first, due_at=past, owed_at=past)
    page = intake.get(QUEUE)
    due = page.links["Due today (1, 1 overdue)"]
    assert names(intake.get(due)) == ["Overdue"]
    log = {"contact_kind": "call", "contact_outcome": "no_answer", "contact_note": ""}
    next_week = f"{NOW + 168 * HOUR:%Y-%m-%dT09:00}"
    for reference, next_try in ((first, next_week), (second, "")):
        request = f"/desk/acme/requests/{reference}"
        sent = log | {"next_try": next_try} | token_of(intake.get(request))
        assert intake.post(f"{request}/add/contact", sent).status == 303
    page = intake.get(QUEUE)
    assert "Due today (0)" in page.links
    assert re.search(r"Next try \w{3}, [^⚠]+, 9:00 AM", page.text)
    assert "Nothing is due today" in intake.get(due).text


def test_another_order_says_what_it_hides_below(app: Flask, intake: Browser) -> None:
    add_requests(app, [("Urgent", URGENT, NOW), ("Calm", ROUTINE, NOW - HOUR)])
    page = intake.get(f"{QUEUE}?sort=longest")
    assert names(page) == ["Calm", "Urgent"]
    assert "1 with a safety flag is not on top in this order." in page.text
    assert names(intake.get(page.links["Safety first"])) == ["Urgent", "Calm"]


# ---------------------------------------------------------------- search


def test_a_reference_leads_to_its_request_however_it_is_heard(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", ROUTINE, NOW)])
    heard = f" {reference[:5]}-{reference[5:]} ".lower().replace("0", "o").replace("1", "l")
    for typed in (reference, heard):
        assert search(intake, typed).location == f"/desk/acme/requests/{reference}"


def test_a_search_finds_by_name_mail_and_phone_and_leaves_no_address(
    browser: Browser, app: Flask, intake: Browser
) -> None:
    contact = contact_but(contact_name="Zoë Müller", contact_email="zoe@example.com")
    reference = send_all(browser, app, answers=ROUTINE, contact=contact)
    add_requests(app, [("Pat", ROUTINE, NOW)])
    for typed in ("zoe", "MULLER z", "Zoe@Example.com"):
        page = search(intake, typed)
        assert names(page) == ["Zoë Müller"], typed
        assert page.path == f"{QUEUE}/search"
        assert LATER not in page.text
    assert sorted(names(search(intake, "+1 704 519 6918"))) == ["Pat", "Zoë Müller"]
    move(intake, reference, to_state="accepted")
    assert names(search(intake, "zoe@example.com")) == ["Zoë Müller"]
    assert names(search(intake, "zoe")) == []
    assert intake.get(f"{QUEUE}/search").location == QUEUE


def test_a_search_that_finds_nothing_says_where_it_looked(intake: Browser) -> None:
    for typed, where in {
        "nobody": "the names of open requests",
        "a@b.example": "the e-mail addresses of all requests",
        "704 519 0000": "the phone numbers of all requests",
    }.items():
        assert f"Nothing found among {where}" in search(intake, typed).text


@pytest.mark.parametrize("text", ["", "  ", "\u0000", "a" * 5000])
def test_a_search_for_nothing_or_far_too_much_is_refused(intake: Browser, text: str) -> None:
    page = search(intake, text)
    assert page.status == 422
    assert page.problems == ["Enter a name, reference, e-mail or phone number."]


@pytest.mark.parametrize("text", [*XSS, "%", "'", "\N{SNOWMAN}", "@", "+", "0" * 300, "(((((((("])
def test_odd_searches_find_nothing_and_are_shown_as_typed(app: Flask, intake: Browser, text: str) -> None:
    add_requests(app, [("Pat", ROUTINE, NOW)])
    page = search(intake, text)
    assert page.status == 200
    assert names(page) == []
    assert [e.get("value") for e in page.all("input") if e.get("id") == "q"] == [text]


@pytest.mark.parametrize("name", XSS)
def test_markup_in_a_name_is_text_wherever_a_list_shows_it(app: Flask, intake: Browser, name: str) -> None:
    add_requests(app, [(f"Pat {name}", ROUTINE, NOW)])
    for page in (intake.get(QUEUE), search(intake, "pat")):
        assert names(page) == [" ".join(f"Pat {name}".split())]
        assert page.all("svg", "img") == []


def test_older_names_that_were_not_read_are_told(
    app: Flask, intake: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.store.queue.MOST_NAMES", 2)
    add_requests(app, [(f"Pat {n}", ROUTINE, NOW - n * HOUR) for n in range(3)])
    page = search(intake, "pat")
    assert names(page) == ["Pat 0", "Pat 1"]
    assert "1 older one was not" in page.text


def test_nobody_finds_anything_of_another_clinic(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Quentin", ROUTINE, NOW)], "other")
    for typed in (reference, "Quentin", "pat@example.com", "7045196918"):
        page = search(intake, typed)
        assert page.status == 200
        assert names(page) == []
