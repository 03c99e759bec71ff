"""Each role's day at the desk, in Chromium: what it does there, and where it may not go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browser.test_sign_in import give_password, sign_in
from browser.walking import fill, follow, go_on, inspect, slug_of
from browser.watching import watching
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, PASSWORD
from conftest import Installation, add_person
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from web.walking import add_requests, answers_but, at_clinic, count_rows

from screener.store.clinics import add_clinic
from screener.store.consultations import get_consultation, list_moves
from screener.store.staff import set_roles
from screener.store.tables import Appointment, ContactEntry, RequestNote, RequestTask

pytestmark = pytest.mark.browser

CLINIC = "roles"
DESK = f"/desk/{CLINIC}"
INTAKE, CLINICIAN, ADMIN = (f"{role}@{CLINIC}.example" for role in ("ina", "clara", "ada"))
NOW = datetime.now(UTC)
IN_TWO_DAYS = NOW + timedelta(days=2)

Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def app(installed: Installation) -> Flask:
    """With a clinic that no other test knows, and one person a role."""
    with installed.app.app_context():
        session = installed.app.extensions["screener.database"].sessions()
        clinic = add_clinic(
            session,
            slug=CLINIC,
            name="Roles Clinic",
            phone="(626) 555-0100",
            hours="9 to 5",
            time_zone="America/Los_Angeles",
            origins=[],
        )
        for email, name, role in (
            (INTAKE, "Ina Intake", "intake"),
            (CLINICIAN, "Clara Clinician", "clinician"),
            (ADMIN, "Ada Admin", "clinic_admin"),
        ):
            add_person(installed.app, email, clinic.id, [role], name)
        session.commit()
    return installed.app


@pytest.fixture
def look(screenshots: Path | None) -> Look:
    return lambda page, name: inspect(page, f"role-{name}", screenshots)


@pytest.fixture
def page(desk: BrowserContext, served: str) -> Iterator[Page]:
    """Staff at a desktop; fails if a page did what none may do."""
    with watching(desk, served):
        yield desk.new_page()


def press_twice(page: Page, button: str, place: str) -> int:
    """A hand that slips. Waits for the page that comes of it, and tells how often the form was sent."""
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.url.endswith(place) else None)
    twice = "el => { el.click(); setTimeout(() => el.click(), 5) }"
    with page.expect_event("load"):
        page.get_by_role("button", name=button, exact=True).evaluate(twice)
    return [request.method for request in sent].count("POST")


def test_intake_follows_a_request_up_and_a_slip_of_the_hand_writes_nothing_twice(
    installed: Installation, app: Flask, page: Page, look: Look
) -> None:
    first, second = add_requests(
        app, [("Ida Pear", answers_but(), NOW), ("Ida Pear-Oak", answers_but(), NOW)], CLINIC
    )
    sign_in(installed, page, INTAKE)
    page.get_by_label("Find a request").fill("ida pear-oak")
    go_on(page, "Search")
    follow(page, "Ida Pear-Oak")
    look(page, "request")

    page.get_by_text("Log a contact").click()
    fill(page, {"contact_kind": "call", "contact_outcome": "no_answer", "contact_note": "Rang long"})
    sent = press_twice(page, "Save contact", "/add/contact")
    expect(page.get_by_text("The contact is written down.")).to_have_count(1)
    page.get_by_text("Write a note").click()
    fill(page, {"note": "Prefers mornings"})
    sent += press_twice(page, "Save note", "/add/note")
    page.get_by_text("Add a task").click()
    fill(page, {"task": "Ask for records", "task_due": f"{IN_TWO_DAYS:%Y-%m-%d}"})
    sent += press_twice(page, "Add task", "/add/task")
    page.get_by_text("Set an appointment").click()
    fill(page, {"appointment": f"{IN_TWO_DAYS:%Y-%m-%dT14:30}", "appointment_minutes": "45"})
    sent += press_twice(page, "Save appointment", "/add/appointment")
    expect(page.get_by_text("The appointment is set. Tell the patient: nothing is sent.")).to_be_visible()
    look(page, "request-followed-up")
    written = [
        count_rows(app, table, CLINIC) for table in (ContactEntry, RequestNote, RequestTask, Appointment)
    ]
    assert written == [1, 1, 1, 1]
    with page.expect_download() as download:
        page.get_by_role("link", name="Calendar file").click()
    assert download.value.suggested_filename == "appointment.ics"
    sheet = Path(download.value.path()).read_text()
    assert f"Reference {second}" in sheet
    assert "Ida" not in sheet
    go_on(page, "Done: Ask for records")
    expect(page.get_by_text("The task is done.")).to_be_visible()

    page.get_by_label("Later").check()
    fill(page, {"reason": "Asked for May"})
    sent += press_twice(page, "Save", "/move")
    expect(page.get_by_text(f"{second} is now “Later”.")).to_be_visible()
    follow(page, "Open it again")
    go_on(page, "Take it back")
    expect(page.get_by_text("Taken back: this request is “New” again.")).to_be_visible()
    with at_clinic(app, CLINIC) as (session, _):
        assert len(list_moves(session, get_consultation(session, second))) == 2

    sent += press_twice(page, f"Same person: link ({first})", "/same-person")
    # Now and then the answer is there before the second click.
    assert sent > 6, "no hand slipped"
    expect(page.get_by_text("Other requests of this person")).to_be_visible()
    look(page, "request-linked")
    follow(page, first)
    expect(page.get_by_role("heading", name="Ida Pear", exact=True)).to_be_visible()
    go_on(page, f"Take the link back ({second})")
    expect(page.get_by_text(f"Taken back. Nothing is decided about {second}.")).to_be_visible()
    expect(page.get_by_text("Possibly sent more than once").first).to_be_visible()


@pytest.mark.usefixtures("app")
def test_a_call_goes_from_the_desk_into_the_queue_and_says_who_took_it(
    installed: Installation, page: Page, look: Look
) -> None:
    sign_in(installed, page, INTAKE, f"{DESK}/queue")
    follow(page, "New call")
    look(page, "call")
    go_on(page, "Begin")
    expect(page.get_by_text("By telephone, entered by Ina Intake.")).to_be_visible()
    look(page, "call-question")
    first = page.locator(".option input").first
    page.keyboard.press("1")
    expect(first).to_be_checked()
    page.keyboard.press("1")
    expect(first).not_to_be_checked()
    while slug_of(page) != "check":
        fill(page, CHRONIC_AND_INTRACTABLE)
        go_on(page)
    follow(page, "See my result")
    look(page, "call-result")
    follow(page, "Ask for a consultation")
    go_on(page)
    look(page, "call-contact")
    fill(page, CONTACT | {"contact_name": "Carl Caller", "contact_email": "carl@caller.example"})
    go_on(page, "Send my request")
    expect(page.get_by_text("The request was sent.")).to_be_visible()
    look(page, "call-sent")
    follow(page, "Open the request")
    expect(page.get_by_role("heading", name="Carl Caller")).to_be_visible()
    expect(page.get_by_text("Ina Intake, by telephone; the caller agreed by telephone")).to_be_visible()
    follow(page, "Back to the queue")
    expect(page.get_by_role("link", name="Carl Caller")).to_be_visible()


def test_a_clinician_takes_a_request_reads_its_history_and_accepts_it(
    installed: Installation, app: Flask, page: Page, look: Look
) -> None:
    (reference,) = add_requests(app, [("Hanna History", answers_but(), NOW)], CLINIC)
    sign_in(installed, page, CLINICIAN)
    page.get_by_label("Choose Hanna History").check()
    go_on(page, "Assign")
    expect(page.get_by_text("1 request is yours now.")).to_be_visible()
    follow(page, "Hanna History")
    page.get_by_text("Add a task").click()
    fill(page, {"task": "Read the letters", "task_due": f"{IN_TWO_DAYS:%Y-%m-%d}"})
    go_on(page, "Add task")
    follow(page, "My tasks")
    look(page, "tasks")
    go_on(page, "Done: Read the letters")
    expect(page.get_by_text("You have no open tasks.")).to_be_visible()
    page.goto(f"{DESK}/requests/{reference}/history")
    expect(page.get_by_role("heading", name="Hanna History")).to_be_visible()
    page.goto(f"{DESK}/requests/{reference}#decide")
    page.get_by_label("Accepted").check()
    go_on(page, "Save")
    expect(page.get_by_text(f"{reference} is now “Accepted”.")).to_be_visible()
    page.goto(f"{DESK}/people")
    expect(page.get_by_text("Only an administrator of this clinic may open this page.")).to_be_visible()


@dataclass
class Newcomer:
    """Somebody who is invited, at a computer of their own."""

    installed: Installation
    page: Page
    next_mail: Callable[[str], str]
    email: str = "nora@roles.example"

    def come_in(self, look: Look) -> None:
        mail = self.next_mail(self.email)
        link = re.search(r"http://localhost:\d+/staff/reset/\S+", mail)
        assert link, mail
        page = self.page
        page.goto(link[0])
        look(page, "newcomer-password")
        page.get_by_label("New password", exact=True).fill(PASSWORD)
        page.get_by_label("Type the new password again").fill(PASSWORD)
        go_on(page, "Set my password")
        if "/staff/login" in page.url:
            give_password(page, self.email)
        look(page, "newcomer-second-step")
        go_on(page, "Use an app")
        key = page.locator(".key").inner_text().replace("-", "")
        factory = self.installed.app.extensions["security"].totp_factory._totp  # noqa: SLF001 - the phone
        with self.installed.app.app_context():
            code = factory(key=key).generate().token
        page.get_by_label("Six digits").fill(code)
        go_on(page, "Switch it on")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()


@pytest.fixture
def new(
    installed: Installation, browser: Browser, served: str, next_mail: Callable[[str], str]
) -> Iterator[Newcomer]:
    context = browser.new_context(base_url=served)
    yield Newcomer(installed, context.new_page(), next_mail)
    context.close()


def test_an_administrator_invites_changes_and_removes_a_person_and_reads_no_answers(
    installed: Installation, app: Flask, page: Page, new: Newcomer, look: Look
) -> None:
    (reference,) = add_requests(app, [("Secret Name", answers_but(), NOW)], CLINIC)
    sign_in(installed, page, ADMIN, f"{DESK}/people")
    fill(page, {"name": "Nora New", "email": new.email, "roles": ["intake"]})
    go_on(page, "Invite")
    expect(page.get_by_text("Invited Nora New. The link in the mail works for 72 hours.")).to_be_visible()
    look(page, "people-invited")
    new.come_in(look)
    new.page.goto("/desk/")
    expect(new.page.get_by_role("link", name="Secret Name")).to_be_visible()

    # Another role signs her out at once.
    follow(page, "Nora New")
    page.locator('[value="intake"] + label').click()
    page.locator('[value="clinic_admin"] + label').click()
    go_on(page, "Save roles")
    expect(page.get_by_text("Nora New has new roles, from now on.")).to_be_visible()
    new.page.goto(f"{DESK}/requests/{reference}")
    expect(new.page.get_by_role("heading", name="Staff sign-in")).to_be_visible()
    sign_in(installed, new.page, new.email, f"{DESK}/requests/{reference}")
    for colleague in (new.page, page):
        for place in ("queue", f"requests/{reference}", f"requests/{reference}/history", "tasks", "call"):
            colleague.goto(f"{DESK}/{place}")
            expect(
                colleague.get_by_text("Your role at this clinic does not open patient records.")
            ).to_be_visible()
            expect(colleague.get_by_text("Secret Name")).to_have_count(0)
    look(page, "no-answers")

    page.goto(f"{DESK}/people")
    follow(page, "Nora New")
    go_on(page, "Remove from this clinic")
    expect(page.get_by_text("Nora New is no longer at this clinic, from now on.")).to_be_visible()
    sign_in(installed, new.page, new.email)
    expect(new.page.get_by_text("You are not a member of any clinic yet.")).to_be_visible()
    look(new.page, "no-clinic")

    follow(page, "Settings")
    follow(page, "Audit trail")
    told = page.locator("tbody").inner_text()
    for what in ("Invited a person", "Changed a person's roles", "Removed a person", "Sent a request"):
        assert what in told
    assert "Secret Name" not in told
    look(page, "audit")


def test_who_is_removed_while_writing_is_told_so_and_nothing_is_half_written(
    installed: Installation, app: Flask, page: Page, look: Look
) -> None:
    (reference,) = add_requests(app, [("Rhea Removed", answers_but(), NOW)], CLINIC)
    with at_clinic(app, CLINIC) as (session, clinic):
        leaver = add_person(app, "lea@roles.example", clinic.id, ["intake"], "Lea Leaver")
        session.commit()
    before = count_rows(app, RequestNote, CLINIC)
    sign_in(installed, page, "lea@roles.example", f"{DESK}/requests/{reference}")
    page.get_by_text("Write a note").click()
    fill(page, {"note": "She sounds afraid"})
    with at_clinic(app, CLINIC) as (session, clinic):
        set_roles(session, staff_id=leaver, clinic_id=clinic.id, roles=[], now=NOW)
        session.commit()
    go_on(page, "Save note")
    look(page, "removed-while-writing")
    expect(
        page.get_by_text("You were signed out before this was sent, so nothing of it was saved.")
    ).to_be_visible()
    sign_in(installed, page, "lea@roles.example", page.url)
    expect(page.get_by_text("you may not work there any more: ask its administrator.")).to_be_visible()
    look(page, "removed-signed-in")
    assert count_rows(app, RequestNote, CLINIC) == before
    follow(page, "Your clinics")
    expect(page.get_by_text("You are not a member of any clinic yet.")).to_be_visible()
