"""Mail that could not be delivered: seen by the clinic's administrator, sent again or given up, once."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import Installation
from flask import Flask
from sqlalchemy import select, update
from web.client import Browser, Page
from web.post_office import PostOffice
from web.test_mail import app_with, deliver, outbox, owe, send
from web.walking import SignedIn, at_clinic, token_of

from screener.store.outbox import MOST_TRIES
from screener.store.staff import add_membership, find_person
from screener.store.tables import AuditEntry, OutboxMessage

MAIL, ADMIN, INTAKE = "/desk/acme/mail", "admin@acme.example", "intake@acme.example"
NO_SUCH_USER = "550 5.1.1 No such user <pat@example.com>"


@pytest.fixture
def app(installation: Installation, office: PostOffice) -> Iterator[Flask]:
    app = app_with(installation, f"smtp+plain://127.0.0.1:{office.port}")
    yield app
    app.extensions["screener.database"].dispose()


def press(browser: Browser, path: str, **form: str) -> Page:
    return browser.post(f"{MAIL}/{path}", token_of(browser.get(MAIL)) | form)


def refuse(app: Flask, office: PostOffice, number: int = 1) -> list[str]:
    """Mails that the server knows no address for; their ids."""
    owe(app, number)
    office.to_recipient += [NO_SUCH_USER] * number
    deliver(app)
    return [str(row.id) for row in outbox(app) if row.failed_at]


def noted(app: Flask) -> list[tuple[str, object]]:
    with at_clinic(app, "acme") as (session, _):
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        return [(row.what, row.details.get("reason")) for row in rows if row.what.startswith("mail_")]


def test_an_empty_page_says_that_nothing_is_wrong(admin: Browser) -> None:
    page = admin.get(MAIL)
    assert "Nothing. The mail server has accepted all mail so far" in page.text
    assert "No mail is waiting." in page.text
    assert "could not be delivered." not in admin.get("/desk/acme/people").text


def test_a_patient_whom_no_mail_reaches_is_to_be_called(
    app: Flask, office: PostOffice, admin: Browser, signed_in: SignedIn
) -> None:
    reference = send(app, Browser(app))
    intake = signed_in(INTAKE)
    told = "The confirmation could not be delivered: call instead."
    assert told not in intake.get(f"/desk/acme/requests/{reference}").text
    office.to_recipient.append(NO_SUCH_USER)
    deliver(app)
    assert told in intake.get(f"/desk/acme/requests/{reference}").text
    page = admin.get(MAIL)
    assert "Confirmation of a request" in page.text
    assert "SMTPRecipientsRefused 550, 1 try" in page.text
    assert "The mail server knows no such address" in page.text
    assert "a patient" in page.text
    assert reference in page.text
    assert "pat@example.com" not in page.source, "whoever reads no answers reads no address either"
    assert "1 mail could not be delivered." in admin.get("/desk/acme/people").text


def test_staffs_own_addresses_are_shown(app: Flask, office: PostOffice, admin: Browser) -> None:
    press(admin, "test")
    office.to_recipient.append(NO_SUCH_USER)
    deliver(app)
    assert [e.text for e in admin.get(MAIL).all("span") if e.get("class") == "to"] == [ADMIN]


def test_what_killed_its_worker_each_time_is_given_up_and_says_so(
    app: Flask, office: PostOffice, admin: Browser
) -> None:
    owe(app)
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(OutboxMessage).values(attempts=MOST_TRIES))
        session.commit()
    deliver(app)
    assert office.ids == []
    assert "Sending it stopped the worker each time (killed, 8 tries)" in admin.get(MAIL).text


@pytest.mark.both_databases
def test_one_or_all_are_sent_again_once_however_often_it_is_pressed(
    app: Flask, office: PostOffice, admin: Browser
) -> None:
    first, *_ = refuse(app, office, 3)
    for _ in range(2):
        assert press(admin, "resend", letter=first).status == 303
    assert "On its way already" in admin.get(MAIL).text
    deliver(app)
    assert len(office.ids) == 1
    press(admin, "resend", all="yes")
    assert "2 on the way again." in admin.get(MAIL).text
    press(admin, "resend", all="yes")
    deliver(app)
    deliver(app)
    assert len(office.ids) == len(set(office.ids)) == 3
    assert noted(app) == [("mail_resent", None)] * 3


def test_what_is_given_up_has_a_reason_and_is_gone(app: Flask, office: PostOffice, admin: Browser) -> None:
    first, second = refuse(app, office, 2)
    page = press(admin, "discard", letter=first)
    assert page.status == 422
    assert "Choose why this mail is given up." in page.text
    for _ in range(2):
        press(admin, "discard", letter=first, reason="told_otherwise")
    assert "given up or sent again already" in admin.get(MAIL).text
    # Without a reason as well: each line of an error summary leads somewhere.
    assert press(admin, "discard", letter=first).status == 422
    assert [str(row.id) for row in outbox(app)] == [second]
    assert noted(app) == [("mail_discarded", "told_otherwise")]
    trail = admin.get("/desk/acme/audit").text
    assert "Gave up undelivered mail" in trail


def test_another_clinics_letter_is_out_of_reach(
    app: Flask, office: PostOffice, signed_in: SignedIn, admin: Browser
) -> None:
    (letter,) = refuse(app, office)
    with at_clinic(app, "other") as (session, clinic):
        person = find_person(session, "intake@other.example")
        assert person
        add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="clinic_admin")
        session.commit()
    other = signed_in("intake@other.example")
    token = token_of(other.get("/desk/other/mail"))
    for path, more in (("resend", {}), ("resend", {"all": "yes"}), ("discard", {"reason": "other"})):
        assert other.post(f"/desk/other/mail/{path}", token | {"letter": letter} | more).status == 303
    assert re.search(letter, admin.get(MAIL).source)
    deliver(app)
    assert office.caught == []


def test_what_waits_is_counted_by_kind(app: Flask, office: PostOffice, admin: Browser) -> None:
    owe(app, 2)
    office.to_recipient += ["450 Busy", "450 Busy"]
    deliver(app)
    rows = [" ".join("".join(e.itertext()).split()) for e in admin.get(MAIL).all("tr")]
    assert any(re.fullmatch(r"Confirmation of a request ?2.*1", row) for row in rows), rows
