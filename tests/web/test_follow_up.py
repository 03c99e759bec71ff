"""Following up: contacts, notes, tasks and the appointment on a request's page, and one list of all of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update
from web.client import Browser, Page, words
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    at_once,
    count_rows,
    give_roles,
    id_of,
    move,
    path_of,
    sign_in,
    token_of,
)

from screener.store.consultations import get_consultation, withdraw_consultation
from screener.store.tables import (
    Appointment,
    ContactEntry,
    Membership,
    RequestLink,
    RequestNote,
    RequestTask,
    User,
)

pytestmark = pytest.mark.both_databases

INTAKE, CLINICIAN = "intake@acme.example", "clinician@acme.example"
CLOCK = ZoneInfo("America/Los_Angeles")
NOW = datetime.now(UTC)
TODAY = NOW.astimezone(CLOCK).date()
TOMORROW = (TODAY + timedelta(days=1)).isoformat()
TABLES = (ContactEntry, RequestNote, RequestTask, Appointment, RequestLink)

XSS = [
    "<script>alert(1)</script>",
    "</textarea></title><svg onload=alert(1)>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}",
    "&lt;b&gt; <!-- ]]>",
]


def add(browser: Browser, reference: str, what: str, **typed: object) -> Page:
    page = browser.get(path_of(reference))
    return browser.post(f"{path_of(reference)}/add/{what}", token_of(page) | typed)


def happened(page: Page) -> list[str]:
    lists = [e for e in page.all("ul") if "happened" in e.get("class", "").split()]
    return [words(item) for each in lists for item in each.findall("li")]


def log_contact(browser: Browser, reference: str, **typed: object) -> Page:
    return add(browser, reference, "contact", contact_kind="call", contact_outcome="no_answer", **typed)


def add_task(browser: Browser, app: Flask, reference: str, task: str, to: str = INTAKE) -> Page:
    return add(browser, reference, "task", task=task, task_due=TOMORROW, task_for=str(id_of(app, to)))


def withdraw(app: Flask, reference: str) -> None:
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, reference), datetime.now(UTC))
        session.commit()


def in_hours(hours: int) -> str:
    return (datetime.now(CLOCK) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


# ---------------------------------------------------------------- one list


def test_all_that_happened_stands_in_one_list_in_its_order(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    log_contact(mine, reference, contact_note="Rang twice", next_try=in_hours(30))
    add(theirs, reference, "note", note="Prefers\nmornings")
    add_task(mine, app, reference, "Ask for records", CLINICIAN)
    add(
        theirs,
        reference,
        "appointment",
        appointment=f"{TODAY.year + 1}-03-15T14:30",
        appointment_minutes="45",
        appointment_seen="",
    )
    move(mine, reference, to_state="later", reason="Away until May")
    told = [line for line in happened(mine.get(path_of(reference))) if " read by " not in f" {line}"]
    expected = [
        "✉ received",
        "☎ Call by intake@acme.example: no answer; next try",
        "✎ note by clinician@acme.example",
        "☐ task by intake@acme.example for clinician@acme.example",
        "◷ appointment set by clinician@acme.example:",
        "→ “New” → “Later” by intake@acme.example",
    ]
    assert len(told) == len(expected)
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(start), line
    for line, said in zip(
        told[1:], ("Rang twice", "Prefers mornings", "Ask for records", "45 minutes", "May"), strict=True
    ):
        assert said in line


def test_one_persons_readings_in_a_row_are_one_line(intake: Browser, reference: str) -> None:
    for _ in range(4):
        page = intake.get(path_of(reference))
    assert next(line for line in happened(page) if "read by" in line).startswith(
        "· read by intake@acme.example, 4 times"
    )


@pytest.mark.parametrize("said", XSS)
def test_what_staff_write_is_shown_as_text(app: Flask, intake: Browser, reference: str, said: str) -> None:
    log_contact(intake, reference, contact_note=said)
    add(intake, reference, "note", note=said)
    add_task(intake, app, reference, said)
    move(intake, reference, to_state="later", reason=said)
    refused = add(intake, reference, "task", task=said, task_due="x")
    for page in (intake.get(path_of(reference)), intake.get("/desk/acme/tasks"), refused):
        assert " ".join(said.split()) in page.text
        assert page.all("svg", "img") == []
        assert all(script.get("src", "").startswith("/static/") for script in page.all("script"))
    assert refused.form["task"] == [said]


# ---------------------------------------------------------------- what cannot be read is kept


@pytest.mark.parametrize(
    ("what", "typed", "problem"),
    [
        ("contact", {"contact_outcome": "reached"}, "Choose how you tried to reach the patient."),
        ("contact", {"contact_kind": "call", "contact_outcome": "\N{SNOWMAN}"}, "Choose what came of it."),
        ("contact", {"next_try": "soon"}, "Give day and time, like 2027-03-15T14:30."),
        ("contact", {"next_try": "2001-03-15T14:30"}, "Check the year."),
        ("contact", {"next_try": in_hours(-2)}, "This time is over. Give one that lies ahead."),
        ("contact", {"contact_note": "x" * 2001}, "Keep this to 2000 characters."),
        ("note", {"note": " \n "}, "Write the note first."),
        ("note", {}, "Write the note first."),
        ("note", {"note": "x" * 2001}, "Keep this to 2000 characters."),
        ("task", {"task": ""}, "Say what is to be done."),
        ("task", {"task": "Ring", "task_due": "31.12."}, "Give the day, like 2027-03-15."),
        ("task", {"task": "Ring", "task_due": "9999-12-31"}, "Check the year."),
        (
            "task",
            {"task": "Ring", "task_due": (TODAY - timedelta(days=1)).isoformat()},
            "This day is over. Give one that lies ahead.",
        ),
        (
            "task",
            {"task": "Ring", "task_due": TOMORROW, "task_for": "999999"},
            "Choose who does it: somebody who works here now.",
        ),
        ("appointment", {"appointment": ""}, "Give day and time, like 2027-03-15T14:30."),
        ("appointment", {"appointment": "0001-01-01T00:00"}, "Check the year."),
        ("appointment", {"appointment_minutes": "7"}, "Choose how long it takes."),
    ],
)
def test_what_is_not_valid_is_refused_with_advice_and_kept(
    app: Flask, intake: Browser, what: str, typed: dict[str, str], problem: str
) -> None:
    (reference,) = add_requests(app, [("Pat", answers_but(), NOW - timedelta(hours=1))])
    refused = add(intake, reference, what, **typed)
    assert refused.status == 422
    assert problem in refused.problems
    for name, value in typed.items():
        if (
            name not in {"contact_kind", "contact_outcome", "appointment_minutes", "task_for"}
            and value.strip()
        ):
            assert refused.form[name] == [value]
    assert [count_rows(app, table) for table in TABLES] == [0] * 5


def test_a_time_that_the_clock_skips_is_refused(app: Flask, intake: Browser, reference: str) -> None:
    year = TODAY.year + 1
    march = datetime(year, 3, 8, tzinfo=UTC)
    skipped = march + timedelta(days=6 - march.weekday())
    refused = add(
        intake, reference, "appointment", appointment=f"{skipped:%Y-%m-%d}T02:30", appointment_minutes="30"
    )
    assert refused.problems == ["The clocks are put forward that night: this time does not exist."]
    assert count_rows(app, Appointment) == 0


def test_nothing_unknown_is_added(intake: Browser, reference: str) -> None:
    assert add(intake, reference, "nonsense").status == 404
    assert intake.get(f"{path_of(reference)}/add/nonsense").status == 404


def test_a_form_whose_session_ended_leads_back_to_the_request(intake: Browser, reference: str) -> None:
    for place in ("add/note", "tasks/x/done"):
        assert intake.get(f"{path_of(reference)}/{place}").location == path_of(reference)


# ---------------------------------------------------------------- tasks


def test_a_task_stands_with_its_owner_until_it_is_done(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    assert "You have no open tasks." in theirs.get("/desk/acme/tasks").text
    add_task(mine, app, reference, "Ask for records", CLINICIAN)
    elsewhere = mine.get(mine.get("/desk/acme/tasks").links["Tasks of others (1)"])
    assert "for clinician@acme.example" in elsewhere.text
    page = theirs.get("/desk/acme/tasks")
    assert "Ask for records Pat, due" in page.text
    assert {"Mine (1)", "Tasks of others (0)"} <= set(page.links)
    assert page.links["Pat"] == path_of(reference)
    action = next(f.get("action", "") for f in page.main.iter("form"))
    done = theirs.post(action, token_of(page) | {"from_list": "yes"})
    assert "Ask for records" not in theirs.follow(done).text
    # Once more by somebody else: who was first stays.
    assert mine.post(action, token_of(mine.get("/desk/acme/tasks"))).status == 303
    told = happened(mine.get(path_of(reference)))
    assert next(line for line in told if "task done" in line).startswith(
        "☑ task done by clinician@acme.example"
    )
    assert sum("task done" in line for line in told) == 1


def test_long_lists_of_tasks_are_turned_page_by_page_and_keep_their_place(
    app: Flask, intake: Browser, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.web.follow_up.TASKS_A_PAGE", 2)
    for what in ("A1", "B2", "C3", "D4", "E5"):
        add_task(intake, app, reference, what)
    page, shown = intake.get("/desk/acme/tasks"), []
    while True:
        shown.append(re.findall(r"\b[A-E][1-5]\b", page.text))
        if "Next page" not in page.links:
            break
        page = intake.get(page.links["Next page"])
    assert shown == [["A1", "B2"], ["C3", "D4"], ["E5"]]
    last = page.path
    sent = {"from_list": "yes", "after": page.form["after"], "csrf_token": page.form["csrf_token"][:1]}
    done = intake.post(next(f.get("action", "") for f in page.main.iter("form")), sent)
    assert done.location == last
    page = intake.get(last)
    assert "Nothing more." in page.text
    assert "A1" in intake.get(page.links["To the beginning"]).text
    for nonsense in ("x", "0" * 32, "%00"):
        assert "A1" in intake.get(f"/desk/acme/tasks?after={nonsense}&whose=x").text


def test_a_clinic_calls_people_by_its_own_names(app: Flask, signed_in: SignedIn, reference: str) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.execute(update(User).where(User.email == CLINICIAN).values(name="Named by another clinic"))
        (member,) = session.scalars(select(Membership).join(User).where(User.email == CLINICIAN))
        member.name = "Dr. Here"
        session.commit()
    add(theirs, reference, "note", note="Be gentle")
    add_task(mine, app, reference, "Ring", CLINICIAN)
    move(theirs, reference, to_state="in_review")
    for path in (path_of(reference), "/desk/acme/tasks?whose=others"):
        assert "Dr. Here" in mine.get(path).text
    give_roles(app, CLINICIAN)
    page = mine.get(path_of(reference))
    assert "note by clinician@acme.example (left)" in page.text
    assert "another clinic" not in page.text


def test_a_task_of_another_request_or_none_is_not_found(app: Flask, intake: Browser, reference: str) -> None:
    (other,) = add_requests(app, [("Other", answers_but(), NOW)])
    add_task(intake, app, reference, "Ring")
    page = intake.get("/desk/acme/tasks")
    action = next(f.get("action", "") for f in page.main.iter("form"))
    for wrong in (action.replace(reference, other), f"{path_of(reference)}/tasks/x/done"):
        assert intake.post(wrong, token_of(page)).status == 404
    assert "Ring" in intake.get("/desk/acme/tasks").text


def test_who_left_keeps_their_name_on_what_they_wrote_and_owns(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    add(mine, reference, "note", note="Be gentle")
    add_task(theirs, app, reference, "Ring", INTAKE)
    opened = mine.get(path_of(reference))
    give_roles(app, INTAKE)
    late = mine.post(f"{path_of(reference)}/add/note", token_of(opened) | {"note": "Too late"})
    assert late.location.startswith("/staff/login")
    assert "You were signed out before this was sent, so nothing of it was saved." in mine.follow(late).text
    told = happened(theirs.get(path_of(reference)))
    assert any(line.startswith("✎ note by intake@acme.example") for line in told)
    assert "Too late" not in " ".join(told)
    assert "for intake@acme.example (left)" in theirs.get("/desk/acme/tasks?whose=others").text
    back = sign_in(Browser(app), INTAKE).get(path_of(reference))
    assert back.status == 404
    assert "you may not work there any more: ask its administrator." in back.text
    assert back.links["Your clinics"] == "/desk/"
    refused = add_task(theirs, app, reference, "Ring again", INTAKE)
    assert refused.problems == ["Choose who does it: somebody who works here now."]


# ---------------------------------------------------------------- what is owed


def test_a_call_back_past_its_time_is_marked_until_somebody_tried(app: Flask, intake: Browser) -> None:
    (urgent,) = add_requests(app, [("Pat", answers_but(changes=["strain"]), NOW - timedelta(days=6))])
    assert "Call back overdue by" in intake.get(path_of(urgent)).text
    log_contact(intake, urgent, next_try=in_hours(2))
    page = intake.get(path_of(urgent))
    assert "overdue" not in page.text
    assert re.search("Due: Next try (today|tomorrow), ", page.text)


# ---------------------------------------------------------------- the appointment


@pytest.mark.parametrize(("day", "utc"), [("01-15", "22:30"), ("07-15", "21:30")])
def test_the_calendar_file_has_the_right_moment_in_summer_and_winter_and_tells_nothing(
    intake: Browser, reference: str, day: str, utc: str
) -> None:
    year = TODAY.year + 1
    path = f"{path_of(reference)}/appointment.ics"
    assert intake.get(path).status == 404
    when = {"appointment": f"{year}-{day}T14:30", "appointment_minutes": "45", "appointment_seen": ""}
    page = intake.follow(add(intake, reference, "appointment", **when))
    assert "2:30 PM" in page.text
    got = intake.get(page.links["Calendar file"])
    assert got.response.mimetype == "text/calendar"
    (entry,) = Calendar.from_ical(got.source).walk("VEVENT")
    assert entry["dtstart"].dt == datetime.fromisoformat(f"{year}-{day}T{utc}Z")
    assert entry["duration"].dt == timedelta(minutes=45)
    assert str(entry["summary"]) == "Appointment"
    for told in ("Pat", "Acme", "eadache", "igraine", "clinic"):
        assert told not in got.source


def test_a_changed_appointment_moves_the_entry_and_a_called_off_one_has_none(
    intake: Browser, reference: str
) -> None:
    year, path = TODAY.year + 1, f"{path_of(reference)}/appointment.ics"
    entries = []
    for day in ("05-04", "05-05"):
        form = intake.get(path_of(reference)).form
        typed = {"appointment": f"{year}-{day}T09:00", "appointment_minutes": "30"}
        add(intake, reference, "appointment", **typed, appointment_seen=form.get("appointment_seen", [""]))
        entries += Calendar.from_ical(intake.get(path).source).walk("VEVENT")
    assert entries[0]["uid"] == entries[1]["uid"]
    assert entries[0]["sequence"] < entries[1]["sequence"]
    seen = intake.get(path_of(reference)).form["appointment_seen"]
    assert add(intake, reference, "appointment", call_off="yes", appointment_seen=seen).status == 303
    page = intake.get(path_of(reference))
    assert "Calendar file" not in page.links
    assert happened(page)[-1].startswith("◷ appointment called off by intake@acme.example")
    assert intake.get(path).status == 404


def test_of_two_who_set_the_appointment_the_second_sees_the_first(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    year = TODAY.year + 1
    typed = {"appointment_minutes": "30", "appointment_seen": ""}
    assert add(mine, reference, "appointment", appointment=f"{year}-05-04T09:00", **typed).status == 303
    late = add(theirs, reference, "appointment", appointment=f"{year}-06-01T10:00", **typed)
    assert late.status == 409
    assert late.problems == [
        "Somebody else changed the appointment meanwhile. Look at it below, then decide again."
    ]
    assert late.form["appointment"] == [f"{year}-06-01T10:00"]
    assert "9:00 AM" in late.text
    assert add(theirs, reference, "appointment", call_off="yes", appointment_seen="").status == 409
    assert count_rows(app, Appointment) == 1
    sent = theirs.post(f"{path_of(reference)}/add/appointment", late.form)
    assert sent.status == 303


# ---------------------------------------------------------------- withdrawn


def test_withdrawing_deletes_what_staff_wrote_and_nothing_is_added_afterwards(
    app: Flask, intake: Browser, reference: str
) -> None:
    log_contact(intake, reference, contact_note="x")
    add(intake, reference, "note", note="x")
    add_task(intake, app, reference, "x")
    typed = {
        "appointment": f"{TODAY.year + 1}-05-04T09:00",
        "appointment_minutes": "30",
        "appointment_seen": "",
    }
    add(intake, reference, "appointment", **typed)
    assert [count_rows(app, table) for table in TABLES[:4]] == [1] * 4
    token = token_of(intake.get(path_of(reference)))
    withdraw(app, reference)
    assert [count_rows(app, table) for table in TABLES] == [0] * 5
    for what in ("contact", "note", "task", "appointment"):
        late = intake.post(f"{path_of(reference)}/add/{what}", token | typed | {"note": "x"})
        assert late.status == 410
    assert intake.get(f"{path_of(reference)}/appointment.ics").status == 410
    assert [count_rows(app, table) for table in TABLES] == [0] * 5
    assert "You have no open tasks." in intake.get("/desk/acme/tasks").text


def test_a_note_that_is_written_while_the_patient_withdraws_is_refused_or_goes_too(
    app: Flask, intake: Browser
) -> None:
    for round_ in range(5):
        (reference,) = add_requests(app, [(f"Pat {round_}", answers_but(), NOW)])
        sent = token_of(intake.get(path_of(reference))) | {"note": "Sounds afraid"}
        written, _ = at_once(
            partial(intake.post, f"{path_of(reference)}/add/note", sent), partial(withdraw, app, reference)
        )
        assert written.status in {303, 410}
        assert count_rows(app, RequestNote) == 0
