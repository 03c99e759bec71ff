"""Stored text never runs (promise P12): hostile words in every field, shown to staff on every desk page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from browser.test_sign_in import sign_in
from browser.walking import fill, go_on, open_inside
from browser.watching import Watch, watching
from builders import CONTACT, EVERY_PAGE
from conftest import Installation, add_person
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Error, Page
from sqlalchemy import delete
from sqlalchemy.orm import Session
from web.client import Browser as Visitor
from web.walking import at_clinic, plant

from screener.domain.answers import Answers
from screener.domain.question import Text
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store.appointments import add_appointment
from screener.store.clinics import add_clinic
from screener.store.consultations import assign_consultation, get_consultation, move_consultation
from screener.store.contact_log import add_contact, add_note
from screener.store.database import new_id
from screener.store.duplicates import decide_pair
from screener.store.saved_views import add_view
from screener.store.tables import Clinic, Consultation, OutboxMessage
from screener.store.tasks import add_task
from screener.web.clinic_card import card_of
from screener.web.forms import clean_text
from screener.web.requests import Sending, send_request

pytestmark = pytest.mark.browser

CORPUS = (
    "<script data-planted>alert(1)</script>",
    "</title></textarea><script data-planted>alert(2)</script>",
    '"><img data-planted src=/x onerror=alert(3)>',
    "' autofocus onfocus='alert(4)",
    '" autofocus onfocus="alert(5)',
    "x onmouseover=alert(6) style=color:red",
    "<svg data-planted onload=alert(7)><animate onbegin=alert(7)>",
    '<svg><a href="javascript:alert(8)"><text>x</text></a></svg>',
    "javascript:alert(9)//",
    '<a href="java\tscript:alert(10)" data-planted>x</a>',
    "<iframe srcdoc='<script>alert(11)</script>'></iframe>",
    "<img src=https://elsewhere.example/x.png>",
    "<link rel=stylesheet href=//elsewhere.example/x>",
    "<style>main{display:none}</style>",
    '<meta http-equiv=refresh content="0;url=//elsewhere.example">',
    "<base href=//elsewhere.example/><form action=//elsewhere.example>",
    "{{ 7*7 }} {% include 'layout.html' %} {{ config }} {#",
    "${7*7} #{7*7} %(name)s %s {name} `${alert(12)}`",
    "&lt;script&gt;alert(13)&lt;/script&gt; &#60;b&#62; &amp;amp; &",
    "<!-- --!> ]]> <![CDATA[<b data-planted>x</b>",
    "\ufffd\ufffd\u00c0\u00af<b data-planted\u2028onclick=alert(14)\u2029>",
    "\uff1cscript\uff1ealert(15)\uff1c/script\uff1e \u02ba\u2019\u00b4",
    "\u202egnp.tpircs\u202d \u2067olleh \u200b\ufeffend",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306 \U0001f92f \\u003cscript\\u003e \\x3c/script",
)
# Each field runs through all of them, in as few requests as there are pieces.
PIECES = tuple(" ".join(CORPUS[at : at + 4]) for at in range(0, len(CORPUS), 4))
ALL = "\n".join(CORPUS)
FREE_TEXT = [q.id for each in QUESTIONNAIRE.pages for q in each.questions if isinstance(q, Text)]
HOSTILE = "hostile"
VIEWER = "viewer@hostile.example"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Stored:
    """What was planted at a clinic of its own."""

    app: Flask
    references: list[str]
    people: list[int]


@pytest.fixture(scope="module")
def stored(installed: Installation) -> Stored:
    app = installed.app
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        clinic = add_clinic(
            session,
            slug=HOSTILE,
            name=f"Clinic {PIECES[0]}",
            phone=CORPUS[3],
            hours="",
            time_zone="America/Los_Angeles",
            origins=[],
        )
        # More than any form takes: a database may hold what an earlier one let in.
        clinic.hours = ALL
        people = [
            add_person(app, f"person{at}@hostile.example", clinic.id, ["intake"], name=piece)
            for at, piece in enumerate(PIECES)
        ]
        people.append(
            add_person(app, VIEWER, clinic.id, ["intake", "clinician", "clinic_admin"], name=CORPUS[22])
        )
        session.commit()
    with at_clinic(app, HOSTILE) as (session, clinic):
        references = [
            _plant_request(session, clinic, piece, staff_id)
            for piece, staff_id in zip(PIECES, people, strict=False)
        ]
        one, other, third, *_ = (get_consultation(session, reference) for reference in references)
        for pair, verdict in (((one, other), "same"), ((one, third), "different")):
            decide_pair(session, *pair, verdict=verdict, seen=None, staff_id=people[1], now=NOW)
        for piece in PIECES:
            add_view(
                session, staff_id=people[-1], name=piece[:60], query={"show": "done"}, is_shared=True, now=NOW
            )
        # Nobody else's test finds this mail.
        session.execute(delete(OutboxMessage))
        session.commit()
    return Stored(app, references, people)


def _plant_request(session: Session, clinic: Clinic, piece: str, staff_id: int) -> str:
    """What a patient typed, as hostile as the doors refuse it, and all that staff write about it."""
    texts = dict.fromkeys(FREE_TEXT, piece) | {"own_words": ALL}
    read = {name: tuple(v) if isinstance(v, list) else v for name, v in (EVERY_PAGE | texts).items()}
    digest = hashlib.sha256(piece.encode()).digest()
    contact = dict.fromkeys(("contact_name", "contact_channel", "contact_state"), piece)
    sent = send_request(
        session,
        card_of(clinic),
        answers=Answers(QUESTIONNAIRE, read),
        events=[],
        contact=CONTACT | contact | {"contact_email": f"x@{HOSTILE}.example", "contact_phone": piece},
        kind="consultation",
        sending=Sending(digest, digest, digest.hex()),
        now=NOW - timedelta(hours=1),
        entered_by={"id": staff_id, "name": piece},
    )
    _write_about(session, get_consultation(session, sent.reference), staff_id)
    return sent.reference


def _write_about(session: Session, consultation: Consultation, staff_id: int) -> None:
    by = {"staff_id": staff_id, "now": NOW}
    add_contact(session, consultation, kind="call", outcome="other", note=ALL, next_try_at=NOW, **by)
    add_note(session, consultation, ALL, **by)
    add_task(session, consultation, what=ALL, due_on=date(2020, 1, 1), for_staff_id=staff_id, **by)
    add_appointment(session, consultation, starts_at=NOW, minutes=30, **by)
    move_consultation(session, consultation, to_state="in_review", reason=ALL, **by)
    assign_consultation(session, consultation, owner_id=staff_id, **by)


@pytest.fixture
def watched(desk: BrowserContext, served: str) -> Iterator[tuple[Watch, Page]]:
    with watching(desk, served) as watch:
        yield watch, desk.new_page()


def places(stored: Stored) -> Iterator[str]:
    """Every page of the desk there is, also one that was added yesterday; each request's on all of them."""
    for rule in stored.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.rule.startswith("/desk/"):
            continue
        path = rule.rule.replace("<clinic_slug>", HOSTILE).replace("<what>", "note")
        path = path.replace("<task_id>", str(new_id()))
        if "<reference>" in path:
            yield from (path.replace("<reference>", reference) for reference in stored.references)
        elif "<int:staff_id>" in path:
            yield from (path.replace("<int:staff_id>", str(number)) for number in stored.people)
        else:
            yield path


def shows_page(page: Page, place: str) -> bool:
    """Opens it; not a page are files to keep and answers to scripts."""
    try:
        response = page.goto(place)
    except Error as error:
        assert "Download is starting" in error.message  # noqa: PT017 - anything else is a failure
        return False
    return response is not None and response.headers["content-type"].startswith("text/html")


def words_of(page: Page) -> str:
    return " ".join(str(page.locator("body").text_content()).split())


def test_hostile_words_are_shown_as_words_on_every_desk_page(
    installed: Installation, stored: Stored, watched: tuple[Watch, Page]
) -> None:
    watch, page = watched
    sign_in(installed, page, VIEWER)
    shown, opened, leads_elsewhere = "", set(), set()
    for place in places(stored):
        kind = re.sub(r"[0-9A-Z]{10}", "", place)
        if kind in leads_elsewhere:
            continue
        if not shows_page(page, place):
            continue
        if not page.url.endswith(place):
            leads_elsewhere.add(kind)
        opened.add(kind)
        watch.look(page)
        shown += words_of(page)
    assert len(opened) >= 10, opened
    for text in CORPUS:
        assert shown.count(" ".join(text.split())) >= len(stored.references), text


def test_hostile_words_that_are_refused_or_looked_for_come_back_as_words(
    installed: Installation, stored: Stored, watched: tuple[Watch, Page]
) -> None:
    watch, page = watched
    request, typed = f"/desk/{HOSTILE}/requests/{stored.references[0]}", " ".join(CORPUS)
    sign_in(installed, page, VIEWER, request)

    def send(button: str) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=button, exact=True).click()
        watch.look(page)

    for summary, fields, button in (
        ("Log a contact", ("#contact_note", "#next_try"), "Save contact"),
        ("Add a task", ("#task",), "Add task"),
        ("Write a note", ("#note",), "Save note"),
    ):
        page.locator("summary", has_text=summary).click()
        for each in fields:
            # The picker takes no words: as a browser without one would send them.
            page.locator(each).evaluate("el => { if (el.type.startsWith('date')) el.type = 'text' }")
            page.fill(each, typed + " long" * (500 if each == "#note" else 1))
        send(button)
        assert page.locator(".problems").count() == 1
        assert page.input_value(fields[0]).startswith(" ".join(CORPUS)[:40])
    page.fill("#reason", typed)
    send("Save")
    assert page.input_value("#reason") == clean_text(typed)
    page.goto(f"/desk/{HOSTILE}/queue")
    page.get_by_text("Save or delete views").click()
    page.locator("#view-name").evaluate("el => el.removeAttribute('maxlength')")
    page.fill("#view-name", CORPUS[1])
    send("Save view")
    assert f"Saved as “{CORPUS[1]}”." in words_of(page)
    page.fill("#q", CORPUS[4])
    send("Search")
    assert page.input_value("#q") == CORPUS[4]
    page.goto(f"/desk/{HOSTILE}/people")
    page.fill("#name", typed)
    page.fill("#email", CORPUS[5])
    send("Invite")
    assert page.input_value("#email") == CORPUS[5]


def test_hostile_words_are_shown_as_words_to_the_patient_who_typed_them(
    browser: Browser, served: str, stored: Stored
) -> None:
    texts = dict.fromkeys(FREE_TEXT, PIECES[0][:80])
    walk = plant(Visitor(stored.app), stored.app, EVERY_PAGE | texts | {"own_words": ALL[:1000]}, HOSTILE)
    context = browser.new_context(base_url=served)
    with watching(context, served) as watch:
        page = context.new_page()
        page.goto(f"/c/{HOSTILE}")
        for place in ("check", "result", "medicine-relief", "background"):
            open_inside(page, walk.url(place))
            watch.look(page)
        assert page.input_value("#own_words") == ALL[:1000]
        open_inside(page, walk.url("contact"))
        fill(page, {"contact_name": PIECES[0], "contact_email": PIECES[1], "contact_phone": PIECES[2]})
        go_on(page, "Send my request")
        watch.look(page)
        assert page.input_value("#contact_name") == PIECES[0]
    context.close()
