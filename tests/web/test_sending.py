"""One form, one request: however often, from however many tabs it is sent."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

import pytest
from builders import CONTACT
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.walking import (
    Walk,
    answers_but,
    at_clinic,
    at_once,
    begin,
    contact_but,
    count_rows,
    plant,
    reference_on,
    token_of,
)

from screener.store.tables import Clinic, Consultation, ConsultationEvent, Draft, OutboxMessage, Screening

pytestmark = pytest.mark.both_databases


def rows(app: Flask) -> dict[str, int]:
    tables = (Consultation, Screening, OutboxMessage, ConsultationEvent, Draft)
    return {table.__tablename__: count_rows(app, table) for table in tables}


ONE_OF_EACH = {
    "consultations": 1,
    "screenings": 1,
    # One for the clinic, one for the patient.
    "outbox_messages": 2,
    "consultation_events": 1,
    "drafts": 0,
}


def test_a_form_pressed_twice_leads_to_the_receipt_in_the_language_it_was_sent_in(
    browser: Browser, app: Flask
) -> None:
    """The draft that kept the choice is gone by the second time; the device speaks English."""
    walk = plant(browser, app, answers_but(), language="es")
    form = walk.contact_form(CONTACT)
    receipts = [browser.follow(browser.post(walk.url("contact"), form)) for _ in range(2)]
    later = browser.follow(walk.get("check"))
    assert {page.tree.get("lang") for page in (*receipts, later)} == {"es"}


def test_the_same_form_twice_gives_the_same_receipt_and_one_request(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    first, second, third = (browser.post(walk.url("contact"), form) for _ in range(3))
    assert first.status == second.status == third.status == 303
    assert first.location == second.location == third.location
    assert rows(app) == ONE_OF_EACH


def test_the_same_form_from_another_browser_gives_the_same_receipt(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    first = browser.post(walk.url("contact"), form)
    assert Browser(app).post(walk.url("contact"), form).location == first.location


@pytest.mark.parametrize(
    "changed",
    [
        {"contact_name": "Somebody Else"},
        {"contact_phone": "(704) 519-6919"},
        {"contact_times": ["evening"]},
        {"contact_message_ok": "no"},
        {"consent": None},
        {"contact_birth_date": "2/30/1984"},
    ],
)
def test_another_form_after_sending_changes_nothing_and_says_so(
    browser: Browser, app: Flask, intake: Browser, changed: dict[str, object]
) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    receipt = browser.post(walk.url("contact"), form)
    other = {name: value for name, value in (form | changed).items() if value is not None}
    refused = browser.post(walk.url("contact"), other)
    assert refused.status == 409
    assert refused.heading == "You have already sent this request"
    assert refused.links["See your confirmation"] == receipt.location
    assert "Somebody Else" not in refused.source
    assert rows(app) == ONE_OF_EACH
    shown = intake.get(f"/desk/acme/requests/{reference_on(browser.follow(receipt))}")
    assert "(704) 519-6918" in shown.text
    assert shown.heading == "Pat Example"


def test_a_form_that_differs_in_blanks_alone_is_the_same(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    first = browser.post(walk.url("contact"), form)
    again = browser.post(walk.url("contact"), form | {"contact_name": "  Pat Example "})
    assert again.location == first.location


def test_forms_sent_at_once_make_one_request(app: Flask, browser: Browser) -> None:
    for count in (2, 8):
        walk = plant(browser, app, answers_but())
        form = walk.contact_form(CONTACT)
        before = rows(app)["consultations"]
        pages = send_at_once(app, walk, [form] * count)
        assert {page.status for page in pages} == {303}
        assert len({page.location for page in pages}) == 1
        assert rows(app)["consultations"] == before + 1


def test_of_two_different_forms_sent_at_once_one_wins_and_the_other_is_told(
    app: Flask, browser: Browser, intake: Browser
) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    forms = [form, form | {"contact_name": "Sam Example"}]
    pages = send_at_once(app, walk, forms)
    assert sorted(page.status for page in pages) == [303, 409]
    assert rows(app) == ONE_OF_EACH
    won = next(page for page in pages if page.status == 303)
    shown = intake.get(f"/desk/acme/requests/{reference_on(browser.follow(won))}")
    assert shown.heading == ("Pat Example" if won is pages[0] else "Sam Example")


def send_at_once(app: Flask, walk: Walk, forms: list[dict[str, object]]) -> list[Page]:
    """Each from a browser of its own."""
    return at_once(*(partial(Browser(app).post, walk.url("contact"), form) for form in forms))


def test_after_sending_every_old_address_leads_to_the_receipt(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    receipt = walk.send(CONTACT).location
    for place in ("contact", "check", "result", "danger-now", "stop", "health"):
        assert walk.get(place).location == receipt, place
        assert "Pat Example" not in browser.get(receipt).source


def test_the_receipt_shows_neither_name_nor_answers_and_opens_from_anywhere(
    browser: Browser, app: Flask
) -> None:
    walk = plant(browser, app, answers_but())
    path = walk.send(CONTACT).location
    for site in ("same-origin", "none", "cross-site"):
        receipt = browser.get(path, site=site)
        assert reference_on(receipt)
        source = receipt.source.lower()
        for words in (
            "pat example",
            "pat@example.com",
            "519-6918",
            "1984",
            "chronic",
            "intractable",
            "migraine",
        ):
            assert words not in source
        assert walk.token not in receipt.source


def test_the_receipts_address_names_neither_the_draft_nor_the_reference(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    path = walk.send(CONTACT).location
    assert walk.token not in path
    assert reference_on(browser.get(path)) not in path
    assert re.fullmatch(r"/r/[A-Za-z0-9_-]{43}", path)


def test_the_draft_is_deleted_with_the_sending(browser: Browser, app: Flask) -> None:
    plant(browser, app, answers_but()).send(CONTACT)
    assert count_rows(app, Draft) == 0


def test_an_unfinished_request_reaches_nobody(browser: Browser, app: Flask) -> None:
    walk = begin(browser)
    walk.to_check(answers_but())
    walk.get("result")
    walk.get("contact")
    walk.send(contact_but(contact_name=None))
    assert rows(app) == {**dict.fromkeys(ONE_OF_EACH, 0), "drafts": 1}


def test_two_drafts_of_one_person_are_two_requests(browser: Browser, app: Flask) -> None:
    receipts = {plant(browser, app, answers_but()).send(CONTACT).location for _ in range(2)}
    assert len(receipts) == 2
    assert rows(app)["consultations"] == 2


def test_a_clinic_that_was_disabled_meanwhile_takes_no_more_requests(browser: Browser, app: Flask) -> None:
    """Nobody could open it: a receipt would promise what cannot be kept."""
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    disable(app, "acme")
    assert browser.post(walk.url("contact"), form).status in {404, 410}
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.execute(update(Clinic).values(disabled_at=None))
        session.commit()
    assert count_rows(app, Consultation) == 0


def disable(app: Flask, slug: str) -> None:
    with at_clinic(app, slug) as (session, clinic):
        clinic.disabled_at = datetime.now(UTC)
        session.commit()


def test_a_stale_page_after_sending_is_told_that_it_was_sent(browser: Browser, app: Flask) -> None:
    walk = plant(browser, app, answers_but())
    about = walk.get("about-you")
    walk.send(CONTACT)
    late = browser.post(about.path, token_of(about) | {"age": "33", "pregnancy": "no"})
    assert late.status in {303, 409}
    assert count_rows(app, Draft) == 0
