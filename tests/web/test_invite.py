"""A follow-up screening: asked for by mail, filled in once more, linked, and shown as was and now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from builders import CONTACT
from conftest import Installation
from flask import Flask
from sqlalchemy import select, update
from web.client import Browser, Page, words
from web.walking import (
    answers_but,
    at_clinic,
    contact_but,
    reference_on,
    send_all,
    sign_in,
    token_of,
    walk_of,
)

from screener import create_app
from screener.store.outbox import Lease, Mail, read_mail
from screener.store.tables import Draft, OutboxMessage

pytestmark = pytest.mark.both_databases

BORN = {"birth_year": "1984"}


@pytest.fixture
def app(installation: Installation) -> Iterator[Flask]:
    """An installation that sends mail."""
    about = {"smtp_url": "smtp+plain://127.0.0.1:9", "mail_from": "Front desk <desk@acme.example>"}
    app = create_app(replace(installation.settings, **about))
    yield app
    app.extensions["screener.database"].dispose()


@pytest.fixture
def staff(app: Flask) -> Browser:
    return sign_in(Browser(app), "clinician@acme.example")


def ask_again(staff: Browser, reference: str) -> Page:
    page = staff.get(f"/desk/acme/requests/{reference}/invite")
    return staff.post(page.path, token_of(page))


def invitations(app: Flask) -> list[Mail]:
    with at_clinic(app, "acme") as (session, clinic):
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "follow_up_invitation"))
        mails = [read_mail(session, Lease(row.id, clinic.id, row.kind)) for row in rows]
        return [mail for mail in mails if mail]


def link_in(app: Flask) -> str:
    (mail,) = invitations(app)
    return "/" + mail.values["link"].split("/", 3)[3]


def open_it(patient: Browser, link: str) -> Page:
    page = patient.get(link, site="none")
    return patient.post(link, token_of(page) | BORN)


def drafts(app: Flask) -> int:
    with at_clinic(app, "acme") as (session, _):
        return len(session.scalars(select(Draft)).all())


def test_a_person_answers_again_and_staff_see_what_changed(
    browser: Browser, app: Flask, staff: Browser
) -> None:
    first = send_all(browser, app, answers=answers_but())
    asked = staff.get(f"/desk/acme/requests/{first}/invite")
    assert CONTACT["contact_email"] in asked.text
    assert "on its way" in staff.follow(ask_again(staff, first)).text

    patient = Browser(app)
    opened = open_it(patient, link_in(app))
    walk = walk_of(opened, patient)
    page = patient.get(opened.location)
    assert page.path.split("?")[0].endswith("/danger-now")
    assert "filled in" in page.text
    assert "danger_now" not in page.form
    walk.to_check({**answers_but(head_days=9), "treated_length": "4_to_24h", "acute_tried": ["triptan"]})
    second = reference_on(patient.follow(walk.send(contact_but())))

    page = staff.get(f"/desk/acme/requests/{second}")
    assert page.said["Answers an invitation"] == f"sent for {first}"
    assert "Over time" not in staff.get(f"/desk/acme/requests/{second}/history").text
    verdict = token_of(page) | {"other": first, "seen": "", "verdict": "same"}
    assert staff.post(f"/desk/acme/requests/{second}/same-person", verdict).status == 303
    changed = rows_of(staff.get(f"/desk/acme/requests/{second}/history"))
    assert changed["Course: Headache days in the last 30"] == ["20 days", "→ 9 days"]
    assert changed["Usual attack: Lasts, with medicine"] == ["Over 3 days", "→ 4 hours to 1 day"]
    assert "Medicines for attacks: Aspirin or other NSAID" in changed
    assert changed["Verdict: Articles"] == ["Chronic and intractable", "→ Intractable"]
    # The earlier one tells that there is a later one, and compares with nothing.
    earlier = staff.get(f"/desk/acme/requests/{first}/history")
    assert "Over time" in earlier.text
    assert "→" not in words(earlier.main)


def rows_of(page: Page) -> dict[str, list[str]]:
    tables = [table for table in page.all("table") if any(words(th) == "Was" for th in table.iter("th"))]
    rows = [row for row in tables[0].iter("tr") if row.findall("td")]
    return {words(row.findall("th")[0]): [words(cell) for cell in row.findall("td")] for row in rows}


def test_earlier_answers_are_filled_in_to_be_checked_and_counts_are_not(
    browser: Browser, app: Flask, staff: Browser
) -> None:
    ask_again(staff, send_all(browser, app, answers=answers_but()))
    patient = Browser(app)
    walk = walk_of(open_it(patient, link_in(app)), patient)
    walk.answer("danger-now", answers_but())
    assert walk.get("about-you").form["age"] == [""]
    for slug in ("about-you", "changes", "headache-days"):
        walk.answer(slug, answers_but())
    said = walk.get("attack-length").form
    assert (said["treated_length"], said["comes_back"]) == (["over_72h"], ["yes"])


def test_only_the_year_of_birth_opens_the_invitation(browser: Browser, app: Flask, staff: Browser) -> None:
    ask_again(staff, send_all(browser, app, answers=answers_but()))
    patient, link = Browser(app), link_in(app)
    page = patient.get(link, site="none")
    wrong = patient.post(link, token_of(page) | {"birth_year": "1985"})
    assert wrong.problems == ["That is not the year given before. Tries left: 4."]
    assert open_it(patient, link).status == 303
    assert patient.get(link, site="none").status == 410


def test_a_second_invitation_takes_the_place_of_the_first_and_a_double_click_is_one(
    browser: Browser, app: Flask, staff: Browser
) -> None:
    reference = send_all(browser, app, answers=answers_but())
    ask_again(staff, reference)
    first = link_in(app)
    assert ask_again(staff, reference).status == 303
    assert link_in(app) == first
    with at_clinic(app, "acme") as (session, _):
        earlier = datetime.now(UTC) - timedelta(minutes=1)
        session.execute(update(Draft).values(created_at=earlier))
        session.commit()
    assert "was sent" in staff.get(f"/desk/acme/requests/{reference}/invite").text
    ask_again(staff, reference)
    assert Browser(app).get(first, site="none").status == 410
    assert open_it(Browser(app), link_in(app)).status == 303
    assert drafts(app) == 1


def test_a_withdrawn_request_takes_its_invitation_along(browser: Browser, app: Flask, staff: Browser) -> None:
    reference = send_all(browser, app, answers=answers_but())
    receipt = next(page.path for page in browser.visited if page.path.startswith("/r/"))
    ask_again(staff, reference)
    link = link_in(app)
    page = browser.get(f"{receipt.split('?')[0]}/withdraw")
    assert browser.post(page.path, token_of(page)).status == 303
    assert (drafts(app), invitations(app)) == (0, [])
    assert Browser(app).get(link, site="none").status == 410
    assert staff.get(f"/desk/acme/requests/{reference}/invite").status == 410


def test_without_an_address_or_a_mail_server_it_says_what_to_do(
    browser: Browser, app: Flask, staff: Browser, installation: Installation
) -> None:
    silent = send_all(browser, app, answers=answers_but(), contact=contact_but(contact_email=""))
    page = staff.get(f"/desk/acme/requests/{silent}/invite")
    assert "gave no e-mail address" in page.text
    refused = staff.post(page.path, token_of(staff.get("/desk/account")))
    assert (refused.status, len(refused.problems)) == (409, 1)
    assert (drafts(app), invitations(app)) == (0, [])
    reference = send_all(browser, app, answers=answers_but())
    without_mail = sign_in(Browser(installation.app), "intake@acme.example")
    assert "sends no mail yet" in without_mail.get(f"/desk/acme/requests/{reference}/invite").text


def test_the_mail_is_in_the_patients_language_and_names_nobody(
    app: Flask, staff: Browser, browser: Browser
) -> None:
    ask_again(staff, send_all(browser, app, answers=answers_but()))
    (mail,) = invitations(app)
    assert (mail.to, mail.language) == (CONTACT["contact_email"], "en")
    said = " ".join(value for name, value in mail.values.items() if name != "link")
    assert "Pat" not in said
    assert not {"headache", "migraine", "ketamine"} & set(said.lower().split())
