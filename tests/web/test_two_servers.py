"""Two servers on one PostgreSQL: this process, and another that shares nothing with it but the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import pytest
from builders import CONTACT
from conftest import Installation
from faults.traffic import Answer, Server, ask, hidden_in
from flask import Flask
from web.client import Browser
from web.walking import answers_but, at_clinic, begin, plant, send_all, sign_in, stored, token_of

from screener.store.clinic_changes import change_clinic
from screener.store.pace import take_turn
from screener.store.rotation import add_key
from screener.web.pace import TOO_MANY, turns

pytestmark = pytest.mark.postgresql_only
INTAKE, QUEUE = "intake@acme.example", "/desk/acme/queue"


class Copies(Protocol):
    def copy(self) -> AbstractContextManager[Installation]: ...


@pytest.fixture(scope="module")
def both(made: Copies) -> Iterator[tuple[Flask, Server]]:
    with made.copy() as installation:
        server = Server(replace(installation.settings, pace="on"), workers=1)
        server.start()
        try:
            yield installation.app, server
        finally:
            server.kill()
            server.log.close()


@pytest.fixture
def app(both: tuple[Flask, Server]) -> Flask:
    return both[0]


@pytest.fixture
def there(both: tuple[Flask, Server]) -> int:
    return both[1].port


def seen_by(staff: Browser, there: int, path: str) -> Answer:
    cookie = staff.client.get_cookie("__Host-staff")
    assert cookie
    return ask(there, "GET", path, cookie=f"__Host-staff={cookie.value}")


def test_a_form_begun_here_goes_on_there_and_here_again(app: Flask, there: int) -> None:
    browser = Browser(app)
    walk = begin(browser)
    page = ask(there, "GET", walk.url("danger-now"))
    sent = ask(there, "POST", walk.url("danger-now"), hidden_in(page.text) | {"danger_now": "none"})
    assert (sent.status, stored(app, walk)) == (303, {"danger_now": ["none"]})
    assert browser.get(sent.location).status == 200


def test_a_form_sent_at_both_is_one_request_with_one_receipt(app: Flask, there: int) -> None:
    walk = plant(Browser(app), app, answers_but())
    form = walk.contact_form(CONTACT)
    receipts = {walk.browser.post(walk.url("contact"), form).location}
    receipts.add(ask(there, "POST", walk.url("contact"), form).location)
    assert len(receipts) == 1


def test_what_a_clinic_changes_here_is_seen_there_at_once(app: Flask, there: int) -> None:
    assert "(626) 555-0100" in ask(there, "GET", "/c/acme").text
    with at_clinic(app, "acme") as (session, clinic):
        change_clinic(session, clinic, {"phone": "(626) 555-0199", "accent": "#7b2d42"}, by=None)
        session.commit()
    page = ask(there, "GET", "/c/acme").text
    assert "(626) 555-0199" in page
    assert "accent=7b2d42" in page


def test_who_signed_in_here_is_known_there_until_they_leave(app: Flask, there: int) -> None:
    staff = sign_in(Browser(app), INTAKE)
    assert seen_by(staff, there, QUEUE).status == 200
    cookie = staff.client.get_cookie("__Host-staff")
    assert cookie
    staff.post("/staff/logout", token_of(staff.get(QUEUE)))
    staff.client.set_cookie("__Host-staff", cookie.value)
    assert "/staff/login" in seen_by(staff, there, QUEUE).location


def test_what_a_new_key_seals_here_opens_there(app: Flask, there: int) -> None:
    staff = sign_in(Browser(app), INTAKE)
    before = send_all(Browser(app), app, answers=answers_but())
    assert "Pat Example" in seen_by(staff, there, f"/desk/acme/requests/{before}").text
    with at_clinic(app, "acme") as (session, _):
        add_key(session)
        session.commit()
    after = send_all(Browser(app), app, answers=answers_but())
    for reference in (before, after):
        assert "Pat Example" in seen_by(staff, there, f"/desk/acme/requests/{reference}").text


def test_turns_taken_here_count_there(app: Flask, there: int) -> None:
    assert ask(there, "POST", "/c/acme/start", {"for": "me"}).status == 303
    from_here = app.test_request_context(environ_base={"REMOTE_ADDR": "127.0.0.1"})
    with from_here, at_clinic(app, "acme") as (session, _):
        counted = turns("begin")
        for _ in range(counted[0].at_once):
            take_turn(session, counted, datetime.now(UTC))
        session.commit()
    assert ask(there, "POST", "/c/acme/start", {"for": "me"}).status == TOO_MANY
