"""PostgreSQL is stopped and started under the app: nobody has to restart anything but it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from threading import Thread

import pytest
from conftest import Installation, make_installation
from postgres import PostgresServer
from web.client import Browser
from web.post_office import open_post_office
from web.test_mail import app_with, owe
from web.walking import CONTACT, answers_but, plant, sign_in

from screener.web import deliver
from screener.web.courier import carriers_of
from screener.web.deliver import run_beside, stop_all
from screener.web.sweep import Sweeper

pytestmark = pytest.mark.postgresql_only


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of its own: others use theirs meanwhile."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def installed(server: PostgresServer) -> Iterator[Installation]:
    made = make_installation(server.create())
    yield made
    made.app.extensions["screener.database"].dispose()


def test_requests_fail_plainly_while_it_is_away_and_work_from_the_first_one_after(
    server: PostgresServer, installed: Installation
) -> None:
    app = installed.app
    patient = Browser(app)
    staff = sign_in(Browser(app), "intake@acme.example")
    walk = plant(patient, app, answers_but())
    form = walk.contact_form(CONTACT)
    server.stop()
    # Not by the browsers themselves, whose pages never fail.
    ours = {"Sec-Fetch-Site": "same-origin"}
    for answer in (
        patient.client.post(walk.url("contact"), data=form, headers=ours),
        patient.client.get("/c/acme"),
        staff.client.get("/desk/acme/queue"),
        # Refusals whose page names who is signed in.
        staff.client.get("/desk/no/such/page", headers=ours),
        staff.client.post("/desk/acme/queue/search", headers={"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert "save right now" in answer.text
    server.start()
    again = patient.post(walk.url("contact"), form)
    assert (again.status, patient.get(again.location).status) == (303, 200)
    assert staff.get("/desk/acme/queue").status == 200
    # Restarted while nobody asks: nobody notices.
    server.stop()
    server.start()
    assert [staff.get("/desk/acme/queue").status, patient.get("/c/acme").status] == [200, 200]


def test_the_worker_outlives_a_restart(
    server: PostgresServer, installed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "PAUSE_SECONDS", 0.02)
    with open_post_office() as office:
        app = app_with(installed, f"smtp+plain://127.0.0.1:{office.port}")
        carriers = [*carriers_of(app), Sweeper(app)]
        worker = Thread(target=run_beside, args=[carriers])
        worker.start()
        try:
            for number in range(1, 3):
                server.stop()
                server.start()
                owe(app)
                until = time.monotonic() + 60
                while office.recipients.count("pat@example.com") < number:
                    assert worker.is_alive()
                    assert time.monotonic() < until
                    time.sleep(0.02)
        finally:
            stop_all(carriers)
            worker.join()
            app.extensions["screener.database"].dispose()
