"""Withdrawing: by the link of the receipt, until the clinic took the request up; then nothing is left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session
from web.client import Browser, Page
from web.walking import (
    Walk,
    answers_but,
    at_clinic,
    at_once,
    contact_but,
    count_rows,
    move,
    plant,
    reference_on,
    sign_in,
    token_of,
)

from screener.domain.consultation import WITHDRAWABLE, State
from screener.store.consultations import get_consultation, move_consultation, withdraw_consultation
from screener.store.errors import ConflictError
from screener.store.tables import Clinic, Consultation, ConsultationEvent, OutboxMessage, Screening
from screener.store.tenancy import enter_clinic
from screener.web.replay import Replay, list_clinic_ids

pytestmark = pytest.mark.both_databases

NAME = "Wanda Withdrawn"


@dataclass(frozen=True)
class Sent:
    """A request that was sent, with its patient's browser at the receipt."""

    walk: Walk
    receipt: Page
    reference: str

    @property
    def path(self) -> str:
        return self.receipt.path.split("?")[0]

    @property
    def browser(self) -> Browser:
        return self.walk.browser

    def ask(self) -> Page:
        return self.browser.get(f"{self.path}/withdraw")

    def withdraw(self) -> Page:
        return self.browser.submit(self.ask())


def send(app: Flask, **contact: object) -> Sent:
    walk = plant(Browser(app), app, answers_but())
    receipt = walk.browser.follow(walk.send(contact_but(**({"contact_name": NAME} | contact))))
    return Sent(walk, receipt, reference_on(receipt))


@pytest.fixture
def sent(app: Flask) -> Sent:
    return send(app)


def rows(app: Flask) -> dict[str, int]:
    tables = (Consultation, Screening, ConsultationEvent, OutboxMessage)
    return {table.__tablename__: count_rows(app, table) for table in tables}


def row(app: Flask, reference: str) -> Consultation:
    with at_clinic(app, "acme") as (session, _):
        return get_consultation(session, reference)


def put_into(app: Flask, reference: str, state: State) -> None:
    with at_clinic(app, "acme") as (session, _):
        found = get_consultation(session, reference)
        if found.state != state.value:
            move_consultation(
                session, found, to_state=state.value, reason=None, staff_id=None, now=datetime.now(UTC)
            )
        session.commit()


# ---------------------------------------------------------------- the patient


def test_the_receipt_leads_to_a_page_that_says_what_goes_and_asks(app: Flask, sent: Sent) -> None:
    ask = sent.browser.get(sent.receipt.links["Withdraw my request"])
    assert ask.heading == "Withdraw and delete?"
    for told in ("your answers and your result", "your contact details", "This can't be undone."):
        assert told in ask.text
    assert ask.links["Keep my request"] == sent.path
    assert row(app, sent.reference).state == "new", "asking deletes nothing"


def test_a_withdrawn_request_leaves_its_reference_and_its_time_alone(app: Flask, sent: Sent) -> None:
    before = datetime.now(UTC)
    withdrawn = sent.withdraw()
    assert (withdrawn.status, withdrawn.location) == (303, sent.path)
    receipt = sent.browser.follow(withdrawn)
    assert receipt.heading == "You withdrew this request"
    assert "Your answers and contact details were deleted." in receipt.text
    assert sent.reference in receipt.text
    assert "Withdraw my request" not in receipt.text
    assert rows(app) == {
        "consultations": 1,
        "screenings": 0,
        "consultation_events": 1,
        "outbox_messages": 0,
    }
    left = row(app, sent.reference)
    assert (left.state, left.screening_id, left.sealed_contact, left.due_at) == (
        "withdrawn",
        None,
        None,
        None,
    )
    assert left.withdrawn_at
    assert left.withdrawn_at >= before


def test_what_staff_noted_goes_too(app: Flask, sent: Sent, intake: Browser) -> None:
    assert move(intake, sent.reference, to_state="later", reason="Sounds afraid").status == 303
    assert count_rows(app, ConsultationEvent) > 2
    sent.withdraw()
    with at_clinic(app, "acme") as (session, _):
        left = session.scalars(select(ConsultationEvent)).one()
    assert (left.what, left.to_state, left.sealed_reason, left.staff_id) == (
        "withdrawn",
        "withdrawn",
        None,
        None,
    )


def test_withdrawing_again_changes_nothing(app: Flask, sent: Sent) -> None:
    form = token_of(sent.ask())
    path = f"{sent.path}/withdraw"
    assert sent.browser.post(path, form).status == 303
    at = row(app, sent.reference).withdrawn_at
    again = sent.browser.post(path, form)
    assert (again.status, again.location) == (303, sent.path)
    assert sent.browser.get(path).location == sent.path
    assert row(app, sent.reference).withdrawn_at == at
    assert count_rows(app, ConsultationEvent) == 1


def test_the_sent_forms_own_address_still_leads_to_the_receipt(sent: Sent) -> None:
    form = sent.walk.get("contact")
    assert form.location == sent.path
    sent.withdraw()
    assert sent.browser.follow(sent.walk.get("contact")).heading == "You withdrew this request"


@pytest.mark.parametrize("state", sorted(WITHDRAWABLE, key=lambda state: state.value))
def test_a_request_may_be_withdrawn_until_it_is_accepted(app: Flask, sent: Sent, state: State) -> None:
    put_into(app, sent.reference, state)
    assert sent.withdraw().status == 303
    assert row(app, sent.reference).state == "withdrawn"


@pytest.mark.parametrize("state", [State.ACCEPTED, State.CLOSED])
def test_a_request_that_was_taken_up_is_withdrawn_by_telephone(app: Flask, sent: Sent, state: State) -> None:
    form = token_of(sent.ask())
    put_into(app, sent.reference, state)
    told = sent.browser.post(f"{sent.path}/withdraw", form)
    assert told.status == 409
    for page in (told, sent.ask()):
        assert page.heading == "The clinic is already working on your request"
        assert "(626) 555-0100" in page.text
        assert sent.reference in page.text
        assert "Withdraw and delete" not in page.text
    assert "Withdraw my request" not in sent.browser.get(sent.path).links
    assert row(app, sent.reference).state == state.value
    assert count_rows(app, Screening) == 1


def test_a_form_without_its_token_or_from_another_site_withdraws_nothing(app: Flask, sent: Sent) -> None:
    path, form = f"{sent.path}/withdraw", token_of(sent.ask())
    assert sent.browser.post(path).status == 400
    assert sent.browser.post(path, token_of(send(app).ask())).status == 400
    assert sent.browser.post(path, form, site="cross-site").status == 403
    assert row(app, sent.reference).state == "new"


def test_an_unknown_link_withdraws_nothing(app: Flask, sent: Sent) -> None:
    path = "/r/" + "x" * 43 + "/withdraw"
    assert sent.browser.get(path).status == 410
    assert sent.browser.post(path, token_of(sent.ask())).status == 410
    assert row(app, sent.reference).state == "new"


def test_a_neighbours_request_stays_whole(app: Flask, sent: Sent, intake: Browser) -> None:
    other = send(app, contact_name="Nora Neighbour")
    sent.withdraw()
    assert "Nora Neighbour" in intake.get(f"/desk/acme/requests/{other.reference}").text
    assert rows(app)["outbox_messages"] == 2


def test_a_patient_of_a_disabled_clinic_may_still_withdraw(app: Flask, sent: Sent) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Clinic).values(disabled_at=datetime.now(UTC)))
        session.commit()
    assert sent.withdraw().status == 303
    assert "deleted" in sent.browser.get(sent.path).text


def test_the_brightness_goes_along(sent: Sent) -> None:
    ask = sent.browser.get(f"{sent.path}/withdraw?theme=dark")
    withdrawn = sent.browser.post(ask.forms[0].get("action", ""), ask.form)
    assert withdrawn.location == f"{sent.path}?theme=dark"


# ---------------------------------------------------------------- the desk


def test_the_desk_lists_it_as_withdrawn_and_opens_nothing(sent: Sent, intake: Browser) -> None:
    sent.withdraw()
    assert sent.reference not in intake.get("/desk/acme/queue").text
    done = intake.get("/desk/acme/queue?show=done")
    assert re.search(f"{sent.reference} .*Withdrawn by the patient, [A-Z][a-z]{{2}}, ", done.text)
    assert NAME not in done.source
    for place in ("", "/history", "/what-if"):
        page = intake.get(f"/desk/acme/requests/{sent.reference}{place}")
        assert page.status == 410
        assert page.heading == "The patient withdrew this request"
        assert sent.reference in page.text
        assert NAME not in page.source


def test_looking_at_a_withdrawn_request_leaves_no_trace(app: Flask, sent: Sent, intake: Browser) -> None:
    sent.withdraw()
    intake.get(f"/desk/acme/requests/{sent.reference}")
    assert count_rows(app, ConsultationEvent) == 1


def test_a_decision_on_a_page_opened_before_is_refused_with_words(
    app: Flask, sent: Sent, intake: Browser
) -> None:
    page = intake.get(f"/desk/acme/requests/{sent.reference}")
    sent.withdraw()
    version = str(row(app, sent.reference).version)
    for told in ({}, {"version": version}):
        form = page.form | {"to_state": "accepted"} | told
        refused = intake.post(f"/desk/acme/requests/{sent.reference}/move", form)
        assert refused.status == 410
        assert refused.heading == "The patient withdrew this request"
    assert row(app, sent.reference).state == "withdrawn"


def test_replay_passes_over_what_was_withdrawn(app: Flask, sent: Sent) -> None:
    send(app)
    sent.withdraw()
    database = app.extensions["screener.database"]
    replay = Replay(database, list_clinic_ids(database, "acme"))
    assert list(replay.run()) == []
    assert (replay.replayed, replay.unreadable) == (1, 0)


def test_pages_of_the_queue_go_on_over_withdrawn_requests(app: Flask, intake: Browser) -> None:
    for _ in range(2):
        send(app).withdraw()
    done = intake.get("/desk/acme/queue?show=done")
    last = re.findall(r"/requests/([0-9A-Z]{10})", done.source)[0]
    following = intake.get(f"/desk/acme/queue?show=done&after={last}")
    assert len(re.findall("Withdrawn by the patient", following.text)) == 1


# ---------------------------------------------------------------- at once


def test_of_a_decision_and_a_withdrawal_at_once_one_wins_and_the_other_is_told(app: Flask) -> None:
    for _ in range(3):
        sent = send(app)
        intake = sign_in(Browser(app), "intake@acme.example")
        page = intake.get(f"/desk/acme/requests/{sent.reference}")
        decision = page.form | {"to_state": "accepted"}
        form = token_of(sent.ask())
        decided, withdrawn = at_once(
            partial(intake.post, f"/desk/acme/requests/{sent.reference}/move", decision),
            partial(sent.browser.post, f"{sent.path}/withdraw", form),
        )
        outcome = (row(app, sent.reference).state, decided.status, withdrawn.status)
        assert outcome in {("accepted", 302, 409), ("accepted", 303, 409), ("withdrawn", 410, 303)}


@pytest.mark.parametrize("winner", ["patient", "clinic"])
def test_the_slower_of_patient_and_clinic_changes_nothing(app: Flask, sent: Sent, winner: str) -> None:
    def withdraw(session: Session, found: Consultation) -> None:
        withdraw_consultation(session, found, datetime.now(UTC))

    def accept(session: Session, found: Consultation) -> None:
        now = datetime.now(UTC)
        move_consultation(session, found, to_state="accepted", reason=None, staff_id=None, now=now)

    first, second = (withdraw, accept) if winner == "patient" else (accept, withdraw)
    clinic_id = row(app, sent.reference).clinic_id
    new_session = app.extensions["screener.database"].new_session
    with new_session() as quick, new_session() as slow:
        for session in (quick, slow):
            enter_clinic(session, clinic_id)
        seen = get_consultation(slow, sent.reference)
        slow.commit()
        first(quick, get_consultation(quick, sent.reference))
        quick.commit()
        with pytest.raises(ConflictError):
            second(slow, seen)
        slow.rollback()
    assert row(app, sent.reference).state == ("withdrawn" if winner == "patient" else "accepted")
    assert count_rows(app, Screening) == (0 if winner == "patient" else 1)


def test_a_withdrawal_that_breaks_half_way_deletes_nothing(app: Flask, sent: Sent) -> None:
    before = rows(app)

    def fail(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM outbox_messages"):
            raise OSError("disk full")

    engine = app.extensions["screener.database"].engine
    form = token_of(sent.ask())
    event.listen(engine, "before_cursor_execute", fail)
    try:
        with pytest.raises(AssertionError, match="answers 500"):
            sent.browser.post(f"{sent.path}/withdraw", form)
    finally:
        event.remove(engine, "before_cursor_execute", fail)
    assert rows(app) == before
    assert row(app, sent.reference).state == "new"


@pytest.mark.sqlite_only("reads the file")
def test_what_was_withdrawn_is_overwritten_in_the_file(app: Flask, sent: Sent) -> None:
    with at_clinic(app, "acme") as (session, _):
        screening = session.scalars(select(Screening)).one()
        sealed = [screening.sealed, get_consultation(session, sent.reference).sealed_contact or b""]
    engine = app.extensions["screener.database"].engine
    path = Path(engine.url.database or "")

    def kept() -> bytes:
        driver = engine.raw_connection()
        driver.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        driver.close()
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    # A long value is spread over pages, so a piece of it is looked for.
    assert [value[20:120] in kept() for value in sealed] == [True, True]
    sent.withdraw()
    assert [value[20:120] in kept() for value in sealed] == [False, False]
