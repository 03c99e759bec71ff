"""A clinic's settings: one page to all of them, checked, never written over unseen, and in force at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from builders import CONTACT, OWNER
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.test_flow import REGULAR
from web.walking import SignedIn, add_requests, answers_but, at_clinic, begin, plant, token_of

from screener.store.audit import Wanted, list_entries
from screener.store.clinic_changes import change_clinic
from screener.store.tables import LANGUAGES as STORED_LANGUAGES
from screener.store.tables import StaffSession
from screener.web.languages import LANGUAGES

SETTINGS = "/desk/acme/settings"
URGENT = answers_but(changes=["injury_3mo"], injury_signs=["none"])

# What is said of care, whatever the clinic takes.
CARE = {
    "call_back": "Get care today, as said above.",
    "consultation": "Show this result to your own doctor",
    "question": "Your own doctor is the best first step.",
}
NO_PHONE = "This is not a full phone number. Include the area code, for example 212 555 0123."


def save(admin: Browser, page: Page | None = None, **typed: object) -> Page:
    page = page or admin.get(SETTINGS)
    return admin.post(SETTINGS, page.form | token_of(page) | typed)


def set_up(app: Flask, **about: object) -> None:
    with at_clinic(app, "acme") as (session, clinic):
        change_clinic(session, clinic, about, by=None)
        session.commit()


def stored(app: Flask, name: str) -> object:
    with at_clinic(app, "acme") as (_, clinic):
        return getattr(clinic, name)


def language_of(page: Page) -> str | None:
    return page.all("html")[0].get("lang")


def languages_offered(admin: Browser) -> list[str | None]:
    """To the clinic's website, by the page that makes its snippet."""
    (select,) = [s for s in admin.get("/desk/acme/website").all("select") if s.get("name") == "lang"]
    return [option.get("value") for option in select.iter("option")]


def test_the_page_leads_to_every_room_and_says_how_things_stand(app: Flask, admin: Browser) -> None:
    set_up(app, accent="#22577a", refused_days=60)
    page = admin.get(SETTINGS)
    for label, place, state in (
        ("People", "people", "3 people, 1 administrator"),
        ("Look and words", "look", "own color"),
        ("Website", "website", "1 site may show the questionnaire"),
        ("Mail", "mail", "all delivered"),
        ("Webhooks", "webhooks", "0 systems"),
        ("Tokens", "tokens", "0 tokens"),
        ("Exports", "exports", "none yet"),
        ("Retention", "retention", "60 days if not taken on, 30 after charting, 7 for unfinished forms"),
        ("Audit trail", "audit", "entries"),
    ):
        assert page.links[label] == f"/desk/acme/{place}"
        assert state in page.text
        assert admin.get(page.links[label]).status == 200


def test_what_is_saved_holds_and_the_trail_says_what_it_was(app: Flask, admin: Browser) -> None:
    saved = save(
        admin,
        name="Acme <b>Head</b> Center",
        phone="212-555-0123 ext 4",
        hours="",
        time_zone="America/New_York",
        languages=["es", "en"],
        kinds=["question", "consultation"],
        idle_minutes="30",
    )
    assert saved.status == 303, saved.problems
    page = admin.follow(saved)
    assert "Saved. It holds from now on." in page.text
    start = Browser(app).get("/c/acme")
    assert "Acme <b>Head</b> Center" in start.text
    assert stored(app, "languages") == ["en", "es"]
    assert save(admin).location == SETTINGS
    with at_clinic(app, "acme") as (session, _):
        (entry,) = list_entries(session, Wanted(what="clinic_changed"), limit=9)
    assert entry.details["changes"] == [
        "name: Acme Clinic → Acme <b>Head</b> Center",
        "phone: (626) 555-0100 → (212) 555-0123 ext. 4",
        "hours: 9 to 5 → nothing",
        "time zone: America/Los_Angeles → America/New_York",
        "kinds: consultation, call_back, question → consultation, question",
        "idle minutes: 15 → 30",
    ]
    assert "phone: (626) 555-0100 → (212) 555-0123 ext. 4; hours" in admin.get("/desk/acme/audit").text


@pytest.mark.parametrize(
    ("name", "typed", "problem"),
    [
        ("name", "", "Name: use 1 to 200 characters on one line."),
        ("name", "x" * 201, "Name: use 1 to 200 characters on one line."),
        ("phone", "", NO_PHONE),
        ("phone", "911", NO_PHONE),
        ("phone", "555 0100", NO_PHONE),
        ("hours", "9 to 5\n" + "x" * 200, "Hours: use 0 to 200 characters on one line."),
        ("time_zone", "America/Atlantis", "Time zone 'America/Atlantis' is not known: use an IANA name like"),
        ("time_zone", "", "Time zone '' is not known: use an IANA name like America/New_York."),
        ("languages", [], "Choose at least one language."),
        ("languages", ["fr"], "Choose at least one language."),
        ("kinds", [], "Choose at least one kind of request."),
        ("idle_minutes", "0", "Enter a whole number from 5 to 60."),
        ("idle_minutes", "61", "Enter a whole number from 5 to 60."),
        ("idle_minutes", "soon", "Enter a whole number from 5 to 60."),
        ("idle_minutes", "1" * 5000, "Enter a whole number from 5 to 60."),
    ],
)
def test_what_would_lock_the_clinic_out_is_refused_and_what_was_typed_stays(
    app: Flask, admin: Browser, name: str, typed: object, problem: str
) -> None:
    before = stored(app, name)
    refused = save(admin, **({"name": "Another name"} | {name: typed}))
    assert refused.status == 422
    (told,) = refused.problems
    assert told.startswith(problem)
    assert stored(app, name) == before
    if name not in {"name", "hours", "languages"}:
        kept = [typed] if isinstance(typed, str) else typed
        assert refused.form.get(name, []) == kept
        assert refused.form["name"] == ["Another name"]


def test_of_two_administrators_nobody_writes_over_the_other(app: Flask, admin: Browser) -> None:
    page = admin.get(SETTINGS)
    assert save(admin, page, hours="8 to 4", idle_minutes="20").status == 303
    stale = save(admin, page, hours="10 to 6", kinds=["consultation"])
    assert stale.status == 409
    assert "Somebody else saved these settings meanwhile" in stale.text
    assert "Hours: 8 to 4" in stale.text
    assert "Minutes until staff are signed out: 20" in stale.text
    assert (stored(app, "hours"), stored(app, "kinds")) == (
        "8 to 4",
        ["consultation", "call_back", "question"],
    )
    assert (stale.form["hours"], stale.form["idle_minutes"]) == (["10 to 6"], ["20"])
    assert save(admin, stale).status == 303
    assert [stored(app, name) for name in ("hours", "idle_minutes", "kinds")] == [
        "10 to 6",
        20,
        ["consultation"],
    ]
    again = save(admin, page, hours="10 to 6", idle_minutes="20", kinds=["consultation"])
    assert again.status == 303, "sent twice, it is the same"
    for seen in ("", "[]", "{", "[" * 20000):
        assert save(admin, seen=seen).location == SETTINGS, "nothing was typed, so nothing can be lost"
        assert save(admin, seen=seen, hours="never").status == 409
    assert stored(app, "hours") == "10 to 6"


# ---------------------------------------------------------------- in force at once


def test_a_language_that_is_left_is_spoken_no_more_and_drafts_go_on(app: Flask, browser: Browser) -> None:
    assert tuple(LANGUAGES) == STORED_LANGUAGES
    walk = plant(browser, app, answers_but(), language="es")
    assert language_of(walk.get("check")) == "es"
    set_up(app, languages=["en"])
    for page in (browser.get("/c/acme?lang=es"), walk.get("check"), browser.get("/c/acme/evidence?lang=es")):
        assert (page.status, language_of(page)) == (200, "en")
        assert "Español" not in page.source
    assert walk.send(CONTACT).location.startswith("/r/")
    set_up(app, languages=["es"])
    fresh = Browser(app)
    for address in ("/c/acme", "/c/acme?lang=en"):
        page = fresh.get(address)
        assert language_of(page) == "es"
        assert "English" not in page.source
    assert language_of(begin(fresh).get("danger-now")) == "es"
    assert language_of(Browser(app).get("/c/other?lang=en")) == "en"


def test_the_snippet_offers_the_clinics_languages_alone(app: Flask, admin: Browser) -> None:
    assert "es" in languages_offered(admin)
    set_up(app, languages=["en"])
    assert "es" not in languages_offered(admin)


@pytest.mark.parametrize(
    ("answers", "kind", "button"),
    [
        (URGENT, "call_back", "Ask the clinic to call me"),
        (answers_but(), "consultation", "Ask for a consultation"),
        (REGULAR, "question", "send a question to Acme Clinic"),
    ],
)
def test_a_kind_of_request_that_is_not_taken_gives_way_to_the_phone(
    app: Flask, browser: Browser, answers: dict[str, object], kind: str, button: str
) -> None:
    walk = plant(browser, app, answers)
    offered = walk.get("result")
    assert button in offered.links
    form = walk.contact_form(CONTACT) if kind == "question" else {}
    set_up(app, kinds=[one for one in ("consultation", "call_back", "question") if one != kind])
    page = walk.get("result")
    assert button not in page.text
    assert CARE[kind] in page.text
    assert "You can also call Acme Clinic at (626) 555-0100 (9 to 5)." in page.text
    for place in ("contact", "health"):
        assert walk.get(place).status in {303, 404}
    if form:
        assert browser.post(walk.url("contact"), form).location == walk.url("result")
    set_up(app, kinds=["consultation", "call_back", "question"])
    assert button in walk.get("result").links


def test_staff_are_signed_out_after_the_minutes_that_the_clinic_set(
    app: Flask, admin: Browser, signed_in: SignedIn
) -> None:
    intake = signed_in("intake@acme.example")
    assert save(admin, idle_minutes="45").status == 303

    def be_silent(minutes: int) -> Page:
        with app.app_context():
            session = app.extensions["screener.database"].sessions()
            session.execute(
                update(StaffSession).values(last_seen_at=datetime.now(UTC) - timedelta(minutes=minutes))
            )
            session.commit()
        return intake.get("/desk/acme/queue")

    page = be_silent(44)
    assert page.status == 200
    seconds = re.search(r'data-seconds="(\d+)"', page.source)
    assert seconds
    assert 44 * 60 < int(seconds[1]) <= 45 * 60
    assert be_silent(46).status == 302


def test_the_installation_administrator_changes_clinics_and_opens_none(
    app: Flask, signed_in: SignedIn
) -> None:
    owner = signed_in(OWNER)
    (reference,) = add_requests(app, [("Pat", answers_but(), datetime.now(UTC))])
    assert owner.get("/desk/clinics/acme").status == 200
    for place in ("settings", "retention", "queue", "audit", f"requests/{reference}"):
        assert owner.get(f"/desk/acme/{place}").status == 404


def test_a_new_clinic_offers_all_and_keeps_as_long_as_it_may(app: Flask) -> None:
    with at_clinic(app, "other") as (_, clinic):
        told = (clinic.languages, clinic.kinds, clinic.idle_minutes, clinic.draft_days, clinic.refused_days)
    assert told == (["en", "es"], ["consultation", "call_back", "question"], 15, 7, 90)
