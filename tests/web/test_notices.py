"""Notices of new requests: to whom, when and how many; and the pages where that is chosen."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from builders import EVERY_PAGE
from conftest import Installation
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from web.client import Browser, Page
from web.post_office import PostOffice
from web.test_mail import app_with, deliver
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    contact_but,
    move,
    plant,
    token_of,
)

from screener.domain.notification import Choice
from screener.store.database import new_id
from screener.store.notices import QuietTimes, choose_notices
from screener.store.staff import find_person, set_roles
from screener.store.tables import AuditEntry, Clinic, ClinicKey, Consultation, NoticeRecipient, OutboxMessage
from screener.web import sweep

INTAKE, CLINICIAN, ADMIN = "intake@acme.example", "clinician@acme.example", "admin@acme.example"
ROUTINE, URGENT = answers_but(), EVERY_PAGE
PAGE, MAIL = "/desk/acme/notices", "/desk/acme/mail"
# What stands in the one line of a digest.
WAITING = re.compile(r"(\d+) new screenings? waits? at the desk")


@pytest.fixture
def app(installation: Installation, office: PostOffice) -> Iterator[Flask]:
    """The installation with mail set up; every test here wants it so."""
    app = app_with(installation, f"smtp+plain://127.0.0.1:{office.port}")
    yield app
    app.extensions["screener.database"].dispose()


def come(app: Flask, *answers: dict[str, object]) -> list[str]:
    """Requests come in just now; their references. Nobody is to be mailed but staff."""
    now = dt.datetime.now(dt.UTC)
    found = add_requests(app, [(f"Patient {uuid4()}", each, now) for each in answers])
    with at_clinic(app, "acme") as (session, _):
        session.execute(
            update(OutboxMessage).where(OutboxMessage.kind == "request_received").values(sent_at=now)
        )
        session.commit()
    return found


def choose(app: Flask, email: str, choice: Choice, **about: object) -> None:
    with at_clinic(app, "acme") as (session, _):
        person = find_person(session, email)
        assert person
        options = {"quiet": None, "urgent_breaks_in": False} | about
        choose_notices(session, person.id, choice, now=dt.datetime.now(dt.UTC), **options)  # type: ignore[arg-type]
        session.commit()


def an_hour_passes(app: Flask) -> None:
    with at_clinic(app, "acme") as (session, _):
        now = dt.datetime.now(dt.UTC)
        session.execute(update(OutboxMessage).where(OutboxMessage.due_at > now).values(due_at=now))
        session.commit()


def set_role(app: Flask, email: str, *roles: str) -> None:
    with at_clinic(app, "acme") as (session, clinic):
        person = find_person(session, email)
        assert person
        about = {"staff_id": person.id, "clinic_id": clinic.id, "roles": roles}
        set_roles(session, **about, now=dt.datetime.now(dt.UTC))  # type: ignore[arg-type]
        session.commit()


def told(office: PostOffice) -> list[str]:
    """Who was mailed since this was last asked."""
    found, office.recipients = sorted(office.recipients), []
    return found


def counts(office: PostOffice) -> list[int]:
    """What each digest said."""
    found = [WAITING.search(one.get_content()) for one in office.caught]
    return [int(each[1]) for each in found if each]


# ---------------------------------------------------------------- who is told, and when


@pytest.mark.both_databases
def test_those_who_read_answers_hear_of_urgent_ones_at_once_and_of_the_rest_together(
    app: Flask, office: PostOffice
) -> None:
    come(app, URGENT, ROUTINE, ROUTINE)
    deliver(app)
    assert told(office) == [CLINICIAN, INTAKE], "not the administrator, and nobody of another clinic"
    assert {one["Subject"] for one in office.caught} == {"A new screening waits"}
    come(app, ROUTINE)
    an_hour_passes(app)
    deliver(app)
    assert told(office) == [CLINICIAN, INTAKE]
    # The urgent one still waits too.
    assert counts(office) == [4, 4]
    assert "https://screen.example.org/desk/\r\n" in office.caught[-1].get_content()
    assert "acme" not in office.caught[-1].get_content().lower()
    an_hour_passes(app)
    deliver(app)
    assert told(office) == []


@pytest.mark.both_databases
def test_each_person_is_told_as_they_chose_by_two_workers_at_once(app: Flask, office: PostOffice) -> None:
    choose(app, INTAKE, Choice.EACH)
    choose(app, CLINICIAN, Choice.URGENT)
    come(app, *[ROUTINE] * 9, URGENT)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver, [app, app]))
    assert told(office) == [CLINICIAN, *[INTAKE] * 10]
    choose(app, INTAKE, Choice.HOURLY)
    choose(app, CLINICIAN, Choice.NONE)
    come(app, *[URGENT] * 6)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver, [app, app]))
    an_hour_passes(app)
    deliver(app)
    assert told(office) == [INTAKE], "one digest, not one a worker"
    assert counts(office) == [6]
    assert len(office.ids) == len(set(office.ids))


def test_where_nobody_hears_of_urgent_requests_at_once_the_pages_say_so(
    app: Flask, signed_in: SignedIn
) -> None:
    warning = "is mailed of an urgent request at once."
    pages = [(signed_in(INTAKE), "/desk/acme/notices"), (signed_in(ADMIN), "/desk/acme/mail")]

    def warned() -> list[bool]:
        found = [browser.get(path) for browser, path in pages]
        assert [page.status for page in found] == [200, 200]
        return [warning in page.text for page in found]

    assert warned() == [False, False], "by default they are"
    choose(app, INTAKE, Choice.NONE)
    choose(app, CLINICIAN, Choice.URGENT)
    assert warned() == [False, False]
    choose(app, CLINICIAN, Choice.HOURLY)
    assert warned() == [True, True]
    choose(app, INTAKE, Choice.EACH)
    assert warned() == [False, False]
    set_role(app, INTAKE, "clinic_admin")
    assert [warning in page.get(path).text for page, path in pages[1:]] == [True]


def test_what_somebody_took_up_is_told_no_more(app: Flask, office: PostOffice, signed_in: SignedIn) -> None:
    choose(app, CLINICIAN, Choice.NONE)
    first, second = come(app, ROUTINE, ROUTINE)
    deliver(app)
    intake = signed_in(INTAKE)
    assert move(intake, first, to_state="in_review").status == 303
    an_hour_passes(app)
    deliver(app)
    assert counts(office) == [1]
    come(app, ROUTINE)
    deliver(app)
    assert move(intake, second, to_state="in_review").status == 303
    third = come(app, URGENT)[0]
    assert move(intake, third, to_state="in_review").status == 303
    office.recipients.clear()
    deliver(app)
    assert told(office) == [], "the urgent one was taken up before the worker came"


def test_who_left_or_reads_no_answers_any_more_hears_nothing_not_even_what_was_owed(
    app: Flask, office: PostOffice
) -> None:
    come(app, ROUTINE)
    deliver(app)
    set_role(app, INTAKE)
    set_role(app, CLINICIAN, "clinic_admin")
    an_hour_passes(app)
    deliver(app)
    come(app, URGENT)
    deliver(app)
    assert told(office) == []


def test_who_was_invited_and_never_came_hears_nothing(app: Flask, office: PostOffice) -> None:
    with at_clinic(app, "acme") as (session, _):
        person = find_person(session, INTAKE)
        assert person
        person.password = None
        session.commit()
    come(app, URGENT)
    deliver(app)
    assert told(office) == [CLINICIAN], "the address may be a slip of the pen"


def test_a_choice_made_later_holds_for_what_is_owed_already(app: Flask, office: PostOffice) -> None:
    come(app, ROUTINE)
    deliver(app)
    choose(app, INTAKE, Choice.NONE)
    zone = dt.UTC
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Clinic).values(time_zone="UTC"))
        session.commit()
    now = dt.datetime.now(zone)
    quiet = QuietTimes((now - dt.timedelta(hours=1)).time(), (now + dt.timedelta(hours=2)).time())
    choose(app, CLINICIAN, Choice.HOURLY, quiet=quiet)
    an_hour_passes(app)
    deliver(app)
    assert told(office) == []
    with at_clinic(app, "acme") as (session, _):
        (owed,) = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "staff_digest"))
        assert (owed.attempts, owed.leased_until) == (0, None)
        assert abs(owed.due_at - now - dt.timedelta(hours=2)) < dt.timedelta(minutes=1)
    choose(app, CLINICIAN, Choice.EACH, quiet=quiet, urgent_breaks_in=True)
    come(app, URGENT, ROUTINE)
    deliver(app)
    assert told(office) == [CLINICIAN], "the urgent one breaks in, the other waits"


def test_a_request_that_was_not_stored_or_was_withdrawn_tells_nobody(app: Flask, office: PostOffice) -> None:
    browser = Browser(app)
    walk = plant(browser, app, URGENT)
    assert walk.send(contact_but(consent=None)).status == 422
    deliver(app)
    assert told(office) == []
    receipt = walk.send(contact_but(contact_email=None)).location
    page = browser.get(f"{receipt}/withdraw")
    assert browser.post(page.path, token_of(page)).status == 303
    deliver(app)
    assert told(office) == []


def test_a_digest_that_failed_does_not_swallow_what_comes_after_it(app: Flask, office: PostOffice) -> None:
    choose(app, CLINICIAN, Choice.NONE)
    come(app, ROUTINE)
    deliver(app)
    an_hour_passes(app)
    office.to_recipient.append("451 4.7.1 Greylisted, come again")
    deliver(app)
    come(app, ROUTINE)
    deliver(app)
    an_hour_passes(app)
    deliver(app)
    assert told(office) == [INTAKE, INTAKE]


# ---------------------------------------------------------------- the person's page


def test_a_person_chooses_on_a_page_beside_the_account(app: Flask, signed_in: SignedIn) -> None:
    intake = signed_in(INTAKE)
    assert intake.get("/desk/account").links["Acme Clinic"] == PAGE
    page = intake.get(PAGE)
    assert 'value="urgent_then_hourly" checked' in page.source
    sent = {"choice": "each", "quiet_from": "9:30", "quiet_until": "07:00", "urgent_breaks_in": "yes"}
    assert intake.post(PAGE, token_of(page) | sent).status == 303
    assert "Saved." in intake.get(PAGE).text
    again = intake.get(PAGE)
    assert 'value="09:30"' in again.source
    assert intake.post(PAGE, token_of(again) | sent).status == 303
    assert "Nothing was changed." in intake.get(PAGE).text
    with at_clinic(app, "acme") as (session, _):
        (own,) = session.scalars(select(NoticeRecipient))
        assert (own.choice, own.quiet_from, own.urgent_breaks_in) == ("each", dt.time(9, 30), True)
        noted = select(func.count(AuditEntry.id)).where(AuditEntry.what == "notices_chosen")
        assert session.scalar(noted) == 1
    assert "/notices" not in signed_in(ADMIN).get("/desk/account").source


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"choice": "loudly"}, "Choose how new requests are told."),
        ({"quiet_from": "22:00"}, "Give both times of the quiet hours, or neither."),
        ({"quiet_from": "22:00", "quiet_until": "22:00"}, "Quiet hours cannot end when they begin."),
        ({"quiet_from": "25:00", "quiet_until": "07:00"}, "Enter a time like 22:00."),
        ({"quiet_from": "22:00", "quiet_until": "7"}, "Enter a time like 22:00."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_was_typed(
    signed_in: SignedIn, typed: dict[str, str], problem: str
) -> None:
    intake = signed_in(INTAKE)
    page = intake.post(PAGE, token_of(intake.get(PAGE)) | {"choice": "urgent"} | typed)
    assert page.status == 422
    assert problem in page.text
    for said in typed.values():
        assert said == "loudly" or f'value="{said}"' in page.source


# ---------------------------------------------------------------- shared inboxes


def add_inbox(admin: Browser, address: str, choice: str = "each") -> Page:
    return admin.post(f"{MAIL}/inboxes", token_of(admin.get(MAIL)) | {"address": address, "choice": choice})


def inbox_path(admin: Browser) -> str:
    found = re.search(rf'action="({MAIL}/inboxes/[^"]+)"', admin.get(MAIL).source)
    assert found
    return found[1]


def press(admin: Browser, path: str, **form: str) -> Page:
    return admin.post(path, token_of(admin.get(MAIL)) | form)


def test_a_shared_inbox_is_told_of_nothing_before_its_code_was_typed(
    app: Flask, office: PostOffice, signed_in: SignedIn
) -> None:
    choose(app, INTAKE, Choice.NONE)
    choose(app, CLINICIAN, Choice.NONE)
    admin = signed_in(ADMIN)
    assert add_inbox(admin, "desk@bücher.example").status == 303
    add_inbox(admin, "Desk@bücher.example")
    come(app, URGENT)
    deliver(app)
    assert told(office) == ["desk@xn--bcher-kva.example"], "the code alone, once"
    text = office.text()
    code = re.search(r"\b[0-9A-Z]{4}(-[0-9A-Z]{4}){2}\b", text)
    assert code
    assert "acme" not in text.lower()
    press(admin, inbox_path(admin), code="0000-0000-0000")
    assert "That is not the code" in admin.get(MAIL).text
    press(admin, inbox_path(admin), code=code[0].lower().replace("-", " "))
    assert "Confirmed." in admin.get(MAIL).text
    come(app, ROUTINE)
    deliver(app)
    assert told(office) == ["desk@xn--bcher-kva.example"]
    press(admin, inbox_path(admin), remove="yes")
    come(app, ROUTINE)
    deliver(app)
    assert told(office) == []
    with at_clinic(app, "acme") as (session, _):
        noted = session.scalars(select(AuditEntry.what).order_by(AuditEntry.number)).all()
    assert [what for what in noted if what.startswith("inbox")] == [
        "inbox_added",
        "inbox_confirmed",
        "inbox_removed",
    ]


def test_a_code_cannot_be_guessed(app: Flask, office: PostOffice, signed_in: SignedIn) -> None:
    admin = signed_in(ADMIN)
    add_inbox(admin, "desk@acme.example")
    deliver(app)
    code = re.search(r"\b[0-9A-Z]{4}(-[0-9A-Z]{4}){2}\b", office.text())
    assert code
    path = inbox_path(admin)
    for _ in range(5):
        press(admin, path, code="0000-0000-0000")
    press(admin, path, code=code[0])
    page = admin.get(MAIL)
    assert "gets nothing yet" in page.text
    assert "the code is dead" in page.text


@pytest.mark.parametrize("address", ["", "desk", "a@b@c.example", "a@b.example\nBcc: c@d.example"])
def test_what_is_no_address_is_refused_and_kept(signed_in: SignedIn, address: str) -> None:
    page = add_inbox(signed_in(ADMIN), address)
    assert page.status == 422
    assert "Enter an e-mail address" in page.text
    assert f'value="{address}"' in page.source or "\n" in address


def test_there_is_an_end_of_inboxes(signed_in: SignedIn) -> None:
    admin = signed_in(ADMIN)
    assert [add_inbox(admin, f"desk{i}@acme.example").status for i in range(6)] == [303] * 5 + [422]


# ---------------------------------------------------------------- who mail comes from


def test_the_clinics_name_stands_before_the_installations_address(
    app: Flask, office: PostOffice, signed_in: SignedIn
) -> None:
    admin = signed_in(ADMIN)
    assert press(admin, f"{MAIL}/sender", sender_name="Recepción Ñandú").status == 303
    press(admin, f"{MAIL}/test")
    press(admin, f"{MAIL}/test")
    deliver(app)
    assert told(office) == [ADMIN], "pressed twice, sent once"
    assert office.caught[0]["From"] == "Recepción Ñandú <desk@acme.example>"
    assert office.caught[0]["Subject"] == "Mail works"
    press(admin, f"{MAIL}/sender", sender_name="")
    press(admin, f"{MAIL}/test")
    deliver(app)
    assert office.caught[1]["From"] == "Front desk <desk@acme.example>"


@pytest.mark.parametrize("name", ["Acme Migraine", "Desk\r\nBcc: all@example.org", "Desk <a@b.example>"])
def test_a_name_that_tells_or_breaks_is_refused_and_kept(signed_in: SignedIn, name: str) -> None:
    page = press(signed_in(ADMIN), f"{MAIL}/sender", sender_name=name)
    assert page.status == 422
    assert page.problems
    assert name.split(maxsplit=1)[0] in page.source


# ---------------------------------------------------------------- what is overdue


def late(app: Flask, reference: str, **by: dt.timedelta) -> None:
    """As if the request had come, or its call been promised, so long ago."""
    now = dt.datetime.now(dt.UTC)
    with at_clinic(app, "acme") as (session, _):
        moments = {column: now - ago for column, ago in by.items()}
        session.execute(update(Consultation).where(Consultation.reference == reference).values(**moments))
        session.commit()


def remind(app: Flask, after: dt.timedelta = dt.timedelta()) -> None:
    sweep.remind(app.extensions["screener.database"], dt.datetime.now(dt.UTC) + after)
    if after:
        an_hour_passes(app)
    deliver(app)


HOUR, MINUTE = dt.timedelta(hours=1), dt.timedelta(minutes=1)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("answers", "ago"),
    [(URGENT, {"received_at": HOUR + MINUTE}), (ROUTINE, {"owed_at": HOUR + MINUTE})],
    ids=["urgent and untouched", "a call that was promised"],
)
def test_what_is_overdue_for_an_hour_is_told_to_everybody_once_a_day_whatever_they_chose(
    app: Flask, office: PostOffice, answers: dict[str, object], ago: dict[str, dt.timedelta]
) -> None:
    for email in (INTAKE, CLINICIAN):
        choose(app, email, Choice.NONE)
    (reference,) = come(app, answers)
    deliver(app)
    late(app, reference, **dict.fromkeys(ago, HOUR - MINUTE))
    remind(app)
    assert told(office) == []
    late(app, reference, **ago)
    remind(app)
    assert told(office) == [CLINICIAN, INTAKE]
    said = office.caught[-1]
    assert said["Subject"] == "Something at the desk is overdue"
    assert said.get_content().startswith("1 request waits longer")
    assert reference not in said.get_content()
    remind(app, 23 * HOUR)
    assert told(office) == []
    remind(app, 25 * HOUR)
    assert told(office) == [CLINICIAN, INTAKE]


def test_nobody_is_reminded_of_what_was_seen_to_meanwhile_or_of_routine_requests_that_wait(
    app: Flask, office: PostOffice, signed_in: SignedIn
) -> None:
    urgent, waits = come(app, URGENT, ROUTINE)
    deliver(app)
    told(office)
    late(app, waits, received_at=100 * HOUR)
    remind(app)
    assert told(office) == []
    late(app, urgent, received_at=2 * HOUR)
    sweep.remind(app.extensions["screener.database"], dt.datetime.now(dt.UTC))
    assert move(signed_in(INTAKE), urgent, to_state="in_review").status == 303
    deliver(app)
    assert told(office) == []


def test_a_reminder_waits_for_the_end_of_quiet_hours_unless_urgent_ones_break_in(
    app: Flask, office: PostOffice
) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Clinic).values(time_zone="UTC"))
        session.commit()
    now = dt.datetime.now(dt.UTC)
    quiet = QuietTimes((now - HOUR).time(), (now + 2 * HOUR).time())
    choose(app, INTAKE, Choice.EACH, quiet=quiet)
    choose(app, CLINICIAN, Choice.EACH, quiet=quiet, urgent_breaks_in=True)
    (reference,) = come(app, URGENT)
    late(app, reference, received_at=2 * HOUR)
    deliver(app)
    told(office)
    remind(app)
    assert told(office) == [CLINICIAN]


def test_a_clinic_that_is_disabled_is_not_reminded(
    app: Flask, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    (reference,) = come(app, URGENT)
    deliver(app)
    told(office)
    late(app, reference, received_at=2 * HOUR)
    with at_clinic(app, "acme") as (session, clinic):
        clinic.disabled_at = dt.datetime.now(dt.UTC)
        add_inbox_that_is_broken(session)
        session.commit()
    remind(app)
    assert told(office) == []
    assert "an inbox cannot be told" not in caplog.text


def test_a_clinic_that_cannot_be_reminded_does_not_end_the_round(app: Flask, office: PostOffice) -> None:
    (reference,) = come(app, URGENT)
    deliver(app)
    told(office)
    late(app, reference, received_at=2 * HOUR)
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(ClinicKey).values(wrapped=b"broken"))
        session.commit()
    remind(app)
    assert told(office) == []


def test_an_inbox_whose_address_does_not_open_keeps_nobody_else_from_being_told(
    app: Flask, office: PostOffice, signed_in: SignedIn, caplog: pytest.LogCaptureFixture
) -> None:
    with at_clinic(app, "acme") as (session, _):
        broken = add_inbox_that_is_broken(session)
        session.commit()
    (reference,) = come(app, URGENT)
    deliver(app)
    assert told(office) == [CLINICIAN, INTAKE]
    late(app, reference, received_at=2 * HOUR)
    remind(app)
    assert told(office) == [CLINICIAN, INTAKE]
    # Whoever runs it and the clinic's administrator learn of it, and it can be removed.
    assert f"an inbox cannot be told: its address does not open', 'message': '{broken}'" in caplog.text
    admin = signed_in(ADMIN)
    assert "An address that cannot be read any more" in admin.get(MAIL).text
    assert add_inbox(admin, "desk@acme.example").status == 303
    press(admin, f"{MAIL}/inboxes/{broken}", remove="yes")
    assert "cannot be read" not in admin.get(MAIL).text


def add_inbox_that_is_broken(session: Session) -> UUID:
    now, inbox_id = dt.datetime.now(dt.UTC), new_id()
    session.add(
        NoticeRecipient(
            id=inbox_id,
            choice=Choice.EACH.value,
            tries=0,
            urgent_breaks_in=False,
            sealed_address=b"broken",
            confirmed_at=now,
            created_at=now,
        )
    )
    return inbox_id
