"""A button that is pressed twice, or a form sent again: it is written once, and nobody is told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from web.client import Browser, Page
from web.test_follow_up import CLINICIAN, INTAKE, TODAY, TOMORROW
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    at_once,
    count_rows,
    id_of,
    path_of,
    token_of,
)

from screener.store.consultations import get_consultation, list_moves
from screener.store.tables import (
    Appointment,
    AuditEntry,
    ContactEntry,
    RequestLink,
    RequestNote,
    RequestTask,
    SavedView,
)
from screener.web.follow_up import SENT_BEFORE

pytestmark = pytest.mark.both_databases

NOW = datetime.now(UTC)
WORDS = {
    "contact": {"contact_kind": "call", "contact_outcome": "no_answer", "contact_note": "Rang long"},
    "note": {"note": "Prefers mornings"},
    "task": {"task": "Ask for records", "task_due": TOMORROW},
    "appointment": {"appointment": f"{TODAY.year + 1}-03-15T14:30", "appointment_minutes": "45"},
}
OTHER_WORDS = {
    "contact": {"contact_note": "Rang again"},
    "note": {"note": "Prefers evenings"},
    "task": {"task": "Send records"},
    "appointment": {"appointment_minutes": "60"},
}
WRITTEN = {"contact": ContactEntry, "note": RequestNote, "task": RequestTask, "appointment": Appointment}


def form_of(page: Page, action: str) -> dict[str, object]:
    """What the form with this action would send as it stands."""
    form = next(form for form in page.forms if form.get("action", "").endswith(action))
    hidden = [e for e in form.iter("input") if e.get("type") == "hidden"]
    return {e.get("name", ""): e.get("value", "") for e in hidden}


def typed(app: Flask, page: Page, what: str) -> dict[str, object]:
    to = {"task_for": str(id_of(app, INTAKE))} if what == "task" else {}
    return form_of(page, f"/add/{what}") | WORDS[what] | to


@pytest.mark.parametrize("what", WORDS)
def test_what_is_sent_twice_is_written_once(app: Flask, intake: Browser, reference: str, what: str) -> None:
    opened = intake.get(path_of(reference))
    form, path = typed(app, opened, what), f"{path_of(reference)}/add/{what}"
    twin = Browser(app)
    twin.client._cookies = dict(intake.client._cookies)  # noqa: SLF001 - the same person's same browser
    first, second = at_once(lambda: intake.post(path, form), lambda: twin.post(path, form))
    assert (
        (first.status, first.location)
        == (second.status, second.location)
        == (303, f"{path_of(reference)}#happened")
    )
    told = intake.follow(intake.post(path, form)).text
    assert count_rows(app, WRITTEN[what]) == 1
    assert "meanwhile" not in told
    assert (
        told.count(
            {
                "contact": "The contact is written down.",
                "note": "The note is written down.",
                "task": "The task is added.",
                "appointment": "The appointment is set.",
            }[what]
        )
        == 1
    )
    with at_clinic(app, "acme") as (session, _):
        entries = session.query(AuditEntry.what).filter(
            AuditEntry.what.notin_(("read", "received", "signed_in"))
        )
        assert entries.count() == 1, "and told once in the trail"

    changed = intake.post(path, form | OTHER_WORDS[what])
    assert changed.status == 409
    assert changed.problems == [SENT_BEFORE]
    for name, value in OTHER_WORDS[what].items():
        if name != "appointment_minutes":
            assert changed.form[name] == [value], "what was typed is still there"
    assert count_rows(app, WRITTEN[what]) == 1
    again = intake.post(path, typed(app, changed, what) | OTHER_WORDS[what])
    assert again.status == 303, "under a key of its own"
    assert count_rows(app, WRITTEN[what]) == 2


def test_a_form_of_another_person_or_request_is_another_form(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    (other,) = add_requests(app, [("Ann", answers_but(), NOW)])
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    form = typed(app, mine.get(path_of(reference)), "note")
    sent = [
        mine.post(f"{path_of(reference)}/add/note", form),
        mine.post(f"{path_of(other)}/add/note", form | {"note": "Of the other"}),
        theirs.post(f"{path_of(reference)}/add/note", form | token_of(theirs.get(path_of(reference)))),
    ]
    assert [page.status for page in sent] == [303] * 3
    assert count_rows(app, RequestNote) == 3


@pytest.mark.parametrize("key", [None, "", "x" * 5000, "\N{SNOWMAN}", "' or 1=1 --"])
def test_an_odd_key_does_no_harm(app: Flask, intake: Browser, reference: str, key: str | None) -> None:
    form = token_of(intake.get(path_of(reference))) | {"note": "Once"}
    sent = intake.post(f"{path_of(reference)}/add/note", form if key is None else form | {"once": key})
    assert sent.status == 303
    assert count_rows(app, RequestNote) == 1


def test_calling_off_twice_is_one_calling_off(app: Flask, intake: Browser, reference: str) -> None:
    path = f"{path_of(reference)}/add/appointment"
    intake.post(path, typed(app, intake.get(path_of(reference)), "appointment"))
    form = form_of(intake.get(path_of(reference)), "/add/appointment") | {"call_off": "yes"}
    for _ in range(2):
        sent = intake.post(path, form)
        assert sent.status == 303
        assert "The appointment is called off." in intake.follow(sent).text
    assert count_rows(app, Appointment) == 2


def test_a_decision_sent_twice_is_one_decision(app: Flask, signed_in: SignedIn, reference: str) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    path = f"{path_of(reference)}/move"
    for state in ("in_review", "later"):
        form = form_of(mine.get(path_of(reference)), "/move") | {"to_state": state, "reason": "Asked for May"}
        sent = [mine.post(path, form) for _ in range(2)]
        assert [page.status for page in sent] == [303, 303], sent[1].problems
    stale = mine.post(path, form | {"reason": "Asked for June"})
    assert stale.status == 409, "another decision on the same page is none"
    assert theirs.post(path, form | token_of(theirs.get(path_of(reference)))).status == 409
    with at_clinic(app, "acme") as (session, _):
        assert len(list_moves(session, get_consultation(session, reference))) == 2


def test_two_requests_are_linked_and_a_view_is_saved_once(
    app: Flask, intake: Browser, reference: str
) -> None:
    (other,) = add_requests(app, [("Pat Two", answers_but(), NOW)])
    page = intake.get(path_of(reference))
    for verdict, seen in (("same", ""), ("undone", "same")):
        form = token_of(page) | {"other": other, "verdict": verdict, "seen": seen}
        sent = [intake.post(f"{path_of(reference)}/same-person", form) for _ in range(2)]
        assert [page.status for page in sent] == [303, 303], sent[1].problems
    assert count_rows(app, RequestLink) == 1
    for name in ("Mine", "Mine", "Mine too"):
        view = intake.post("/desk/acme/views?show=done", token_of(page) | {"name": name, "for": "me"})
        assert view.status in {302, 303}
    assert count_rows(app, SavedView) == 2
    for _ in range(2):
        taken = {"reference": reference, "owner": "me", "opened": reference}
        told = intake.follow(intake.post("/desk/acme/assign", token_of(page) | taken)).text
    assert "0 requests" not in told
    assert "This request is yours." in told
