"""The audit page: what was read or changed, and by whom, as a clinic's administrator finds it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from flask import Flask
from sqlalchemy import func, select
from web.client import Browser, words
from web.test_follow_up import add, add_task, log_contact
from web.test_people import PEOPLE, invite, person_page
from web.test_sign_in import LOGIN, change
from web.walking import SignedIn, add_requests, at_clinic, enter_password, give_roles, move, sign_in, token_of

from screener.store.audit import Subject, note
from screener.store.tables import AuditEntry

pytestmark = pytest.mark.both_databases

ADMIN, INTAKE, OTHER = "admin@acme.example", "intake@acme.example", "intake@other.example"
AUDIT = "/desk/acme/audit"
NOTHING = "\N{EN DASH}"
NAME = "Anna Acme-Patient"
# Places of a request which show nothing of it: they send on.
SHOW_NOTHING = {("queue.move", "GET"), ("work.still_open", "POST")}


@pytest.fixture
def reference(app: Flask) -> str:
    return add_requests(app, [(NAME, CHRONIC_AND_INTRACTABLE, datetime.now(UTC))])[0]


def lines(admin: Browser, **asked: object) -> list[list[str]]:
    """Who, what, about, details of each line that is shown, newest first."""
    page = admin.get(f"{AUDIT}?{urlencode(asked)}")
    assert page.status == 200
    return [[words(cell) for cell in row][2:] for row in page.all("tr")[1:]]


def count(app: Flask, what: str | None = None, clinic: str = "acme") -> int:
    with at_clinic(app, clinic) as (session, _):
        counted = select(func.count(AuditEntry.id))
        return session.scalar(counted if what is None else counted.where(AuditEntry.what == what)) or 0


# ---------------------------------------------------------------- nothing is missed


def test_each_page_that_opens_a_record_leaves_an_entry(app: Flask, intake: Browser, reference: str) -> None:
    opened = 0
    for rule in app.url_map.iter_rules():
        if "<reference>" not in rule.rule:
            continue
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            path = rule.rule.replace("<clinic_slug>", "acme").replace("<reference>", reference)
            before = count(app, "read")
            page = intake.open(method, path, data=token_of(intake.get("/desk/acme/queue")))
            if page.status == 200 and (rule.endpoint, method) not in SHOW_NOTHING:
                assert count(app, "read") == before + 1, f"{method} {rule.endpoint} leaves no entry"
                opened += 1
    assert opened >= 4


def test_each_page_that_opens_a_record_is_told_in_plain_words(
    app: Flask, admin: Browser, intake: Browser, reference: str
) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/desk/")]
    pages = [rule for rule in rules if "<reference>" in rule.rule]
    for rule in pages:
        values = {
            "clinic_slug": "acme",
            "reference": reference,
            "what": "note",
            "task_id": "x",
            "number": "1",
        }
        path = re.sub(r"<(\w+)>", lambda part, values=values: values[part[1]], rule.rule)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            intake.open(method, path, data=token_of(intake.get("/desk/acme/queue")) | {"charted": "yes"})
    opened = [details for _, did, _, details in lines(admin) if did == "Opened a request"]
    assert {"request page", "history page", "what-if page"} <= set(opened)
    assert [details for details in opened if re.search(r"\w\.\w|_", details)] == []


def test_people_and_contacts_are_told_by_their_names(
    app: Flask, admin: Browser, intake: Browser, reference: str
) -> None:
    add_task(intake, app, reference, "Ring", "clinician@acme.example")
    log_contact(intake, reference)
    assign = token_of(intake.get("/desk/acme/queue")) | {"reference": reference}
    for owner in ("me", "nobody"):
        intake.post("/desk/acme/assign", assign | {"owner": owner})
    told = [details for _, did, _, details in lines(admin) if did != "Opened a request"]
    assert told[:4] == ["to nobody", f"to {INTAKE}", "call; no answer", "for clinician@acme.example"]


def test_reading_deciding_and_withdrawing_are_told_in_words(
    app: Flask, admin: Browser, reference: str
) -> None:
    intake = sign_in(Browser(app), INTAKE)
    intake.get(f"/desk/acme/requests/{reference}/history")
    move(intake, reference, to_state="later", reason="No slot for Canary")
    found = lines(admin, reference=reference)
    assert found == [
        [INTAKE, "Decided about a request", reference, "was “New”; now “Later”"],
        [INTAKE, "Opened a request", reference, "request page"],
        [INTAKE, "Opened a request", reference, "history page"],
        ["A patient", "Sent a request", reference, "now “New”"],
    ]
    assert "Canary" not in admin.get(AUDIT).text


def test_changes_of_people_are_told_in_words(app: Flask, admin: Browser) -> None:
    invite(admin)
    invite(admin)
    path = person_page(app, "ann@acme.example")
    admin.post(path, token_of(admin.get(path)) | {"roles": ["clinician", "clinic_admin"]})
    admin.post(path, token_of(admin.get(path)) | {"leave": "yes"})
    ann = change(app, "ann@acme.example")
    assert lines(admin, person=ann) == [
        [ADMIN, "Removed a person", "ann@acme.example", "before: clinic admin, clinician; now: none"],
        [
            ADMIN,
            "Changed a person's roles",
            "ann@acme.example",
            "before: intake; now: clinic admin, clinician",
        ],
        [ADMIN, "Invited a person again", "ann@acme.example", NOTHING],
        [ADMIN, "Invited a person", "ann@acme.example", "before: none; now: intake"],
    ]


def test_signing_in_and_failing_to_are_told(app: Flask, admin: Browser) -> None:
    stranger = Browser(app)
    enter_password(stranger, stranger.get(LOGIN), INTAKE, "not the right one 123")
    sign_in(Browser(app), INTAKE)
    me = change(app, INTAKE)
    assert lines(admin, person=me) == [
        [INTAKE, "Signed in", INTAKE, "with a code"],
        ["Somebody", "Failed to sign in", INTAKE, "the password"],
    ]
    before = count(app)
    enter_password(stranger, stranger.get(LOGIN), "stranger@nowhere.example", "not the right one 123")
    assert count(app) == before


def test_what_happens_at_another_clinic_is_not_shown(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Olga Other", CHRONIC_AND_INTRACTABLE, datetime.now(UTC))], "other")
    sign_in(Browser(app), OTHER)
    assert count(app, clinic="other") == 2
    assert [who for who, *_ in lines(admin)] == [ADMIN]
    assert OTHER not in admin.get(f"{AUDIT}?person={change(app, OTHER)}").source


def test_a_person_of_two_clinics_signs_in_at_both(app: Flask) -> None:
    give_roles(app, OTHER, "intake")
    sign_in(Browser(app), OTHER)
    assert (count(app, "signed_in"), count(app, "signed_in", "other")) == (1, 1)


# ---------------------------------------------------------------- the page


def test_an_administrator_sees_references_and_no_names_and_readers_a_way_there(
    app: Flask, admin: Browser, reference: str
) -> None:
    page = admin.get(AUDIT)
    assert reference in page.text
    assert reference not in page.links
    assert NAME not in page.source
    give_roles(app, ADMIN, "clinic_admin", "clinician")
    page = sign_in(Browser(app), ADMIN).get(AUDIT)
    assert page.links[reference] == f"/desk/acme/requests/{reference}"
    assert NAME not in page.source


def fill_trail(app: Flask, number: int) -> None:
    with at_clinic(app, "acme") as (session, _):
        for _ in range(number):
            note(session, "read", Subject("consultations", "0123456789"), staff_id=1)
        session.commit()


def test_older_entries_come_page_by_page_under_the_same_filter(app: Flask, admin: Browser) -> None:
    fill_trail(app, 120)
    seen: list[int] = []
    path = f"{AUDIT}?reference=0123456789"
    while path:
        page = admin.get(path)
        seen += [int(words(row.findall("th")[0])) for row in page.all("tr")[1:]]
        path = page.links.get("Older entries", "")
    assert len(seen) == 120
    assert seen == sorted(seen, reverse=True)
    assert page.links["Newest"] == f"{AUDIT}?reference=0123456789"
    assert admin.get(f"{AUDIT}?before=1").text.count("Nothing is older.") == 1


def test_entries_are_found_by_what_and_day(admin: Browser, reference: str) -> None:
    assert [what for _, what, *_ in lines(admin, what="signed_in")] == ["Signed in"]
    assert [about for *_, about, _ in lines(admin, reference=reference.lower())] == [reference]
    assert len(lines(admin, **{"from": "2001-01-01", "to": "2999-12-31"})) == 2
    assert lines(admin, to="2001-01-01") == []
    assert "No entry fits these filters." in admin.get(f"{AUDIT}?to=2001-01-01").text


@pytest.mark.parametrize(
    "asked",
    [
        {"person": "9" * 30},
        {"person": "-1"},
        {"person": "x'--"},
        {"what": "<script>alert(1)</script>"},
        {"reference": "<script>alert(1)</script>\0"},
        {"reference": "x" * 5000},
        {"before": "99999999999999999999"},
        {"before": "0"},
    ],
)
def test_nonsense_in_the_address_finds_nothing_or_all(admin: Browser, asked: dict[str, str]) -> None:
    page = admin.get(f"{AUDIT}?{urlencode(asked)}")
    assert page.status == 200
    assert not [script for script in page.all("script") if not script.get("src")]


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("day", ["31.1.2026", "2026-02-30", "0001-01-01", "9999-12-31", "x"])
def test_something_that_is_no_date_is_pointed_out(admin: Browser, name: str, day: str) -> None:
    page = admin.get(f"{AUDIT}?{urlencode({name: day})}")
    assert page.status == 422
    assert page.problems == ["Enter a date like 2026-01-31."]


def test_names_of_people_are_shown_as_text(admin: Browser) -> None:
    invite(admin, name="<script>alert(1)</script>")
    assert "<script>alert(1)</script>" in admin.get(AUDIT).text


@pytest.mark.parametrize("email", [INTAKE, "clinician@acme.example"])
def test_only_administrators_find_the_way_there(signed_in: SignedIn, email: str) -> None:
    browser = signed_in(email)
    assert "Settings" not in browser.get("/desk/acme/queue").links
    page = browser.get(AUDIT)
    assert page.status == 403
    assert "Only an administrator of this clinic may open this page." in page.text


def test_administrators_find_the_way_there(admin: Browser) -> None:
    settings = admin.get(PEOPLE).links["Settings"]
    assert admin.get(settings).links["Audit trail"] == AUDIT


def test_every_moment_is_told_in_the_clinics_time(admin: Browser) -> None:
    assert re.search(r"\d:\d\d [AP]M", admin.get(AUDIT).text)


def test_what_staff_write_about_a_request_is_told_without_its_words(
    app: Flask, admin: Browser, intake: Browser, reference: str
) -> None:
    log_contact(intake, reference, note="Canary of a contact")
    add(intake, reference, "note", note="Canary of a note")
    add_task(intake, app, reference, "Canary of a task")
    did = [line[1] for line in lines(admin, reference=reference)]
    assert {"Logged a contact", "Wrote a note", "Added a task"} <= set(did)
    assert "Canary" not in admin.get(f"{AUDIT}?{urlencode({'reference': reference})}").source
