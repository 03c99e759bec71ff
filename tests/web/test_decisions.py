"""Deciding about a request: what a state means, taking a decision back, and two people at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import update
from web.client import Browser, Page
from web.walking import SignedIn, at_clinic, give_roles, move, path_of, token_of

from screener.domain.consultation import MEANINGS, STAFF_MOVES, State
from screener.store.consultations import get_consultation, list_moves, withdraw_consultation
from screener.store.tables import Consultation

pytestmark = pytest.mark.both_databases

NOW = datetime.now(UTC).replace(microsecond=0)
INTAKE, CLINICIAN = "intake@acme.example", "clinician@acme.example"


def state_of(app: Flask, reference: str) -> str:
    with at_clinic(app, "acme") as (session, _):
        return get_consultation(session, reference).state


def put(app: Flask, reference: str, state: State) -> None:
    with at_clinic(app, "acme") as (session, _):
        session.execute(
            update(Consultation).where(Consultation.reference == reference).values(state=state.value)
        )
        session.commit()


def undo_form(page: Page) -> dict[str, object]:
    """What the button that takes a decision back would send."""
    form = next(f for f in page.forms if f.get("action", "").endswith("/undo"))
    return {e.get("name", ""): e.get("value", "") for e in form.iter("input")}


def undo(browser: Browser, reference: str) -> Page:
    return browser.post(f"{path_of(reference)}/undo", undo_form(browser.get(path_of(reference))))


def offers_undo(page: Page) -> bool:
    return any(form.get("action", "").endswith("/undo") for form in page.forms)


@pytest.mark.parametrize("state", [state for state in State if state is not State.WITHDRAWN])
def test_each_choice_says_what_it_means_and_each_other_state_why_not(
    app: Flask, intake: Browser, reference: str, state: State
) -> None:
    put(app, reference, state)
    text = intake.get(path_of(reference)).text
    for other in State:
        if other in STAFF_MOVES[state]:
            assert f"{other.label} {MEANINGS[other]}" in text
        else:
            assert f"{other.label}: " in text


def test_a_move_that_is_not_allowed_is_refused_with_the_way_there(
    app: Flask, intake: Browser, reference: str
) -> None:
    put(app, reference, State.ACCEPTED)
    refused = move(intake, reference, to_state="later", reason="x")
    assert refused.problems == ["This request is “Accepted”. Put it “In review” first, then decide anew."]
    assert move(intake, reference, to_state="withdrawn").problems == [
        "Only the patient can withdraw a request."
    ]


# ---------------------------------------------------------------- taking back


def test_a_decision_is_taken_back_by_who_made_it_and_both_stay_in_the_history(
    app: Flask, intake: Browser, reference: str
) -> None:
    queue = intake.follow(move(intake, reference, to_state="not_a_fit", reason="Slipped"))
    page = intake.get(queue.links["Open it again"])
    assert "You changed this from “New” to “Not a fit”" in page.text
    back = intake.follow(undo(intake, reference))
    assert "Taken back: this request is “New” again." in back.text
    assert "“Not a fit” → “New”, taken back by intake@acme.example" in back.text
    assert "Slipped" in back.text
    assert state_of(app, reference) == "new"
    assert not offers_undo(back), "what was taken back is not taken back again"


def test_only_who_decided_is_offered_to_take_it_back(app: Flask, signed_in: SignedIn, reference: str) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    move(mine, reference, to_state="accepted")
    form = undo_form(mine.get(path_of(reference)))
    page = theirs.get(path_of(reference))
    assert not offers_undo(page)
    refused = theirs.post(f"{path_of(reference)}/undo", form | token_of(page))
    assert refused.status == 409
    assert refused.problems == ["Only the person who decided last can take it back. You can decide anew."]
    assert state_of(app, reference) == "accepted"


@pytest.mark.parametrize(("ago", "taken"), [(timedelta(minutes=9), True), (timedelta(minutes=11), False)])
def test_ten_minutes_are_left_to_take_back(
    app: Flask,
    intake: Browser,
    reference: str,
    monkeypatch: pytest.MonkeyPatch,
    ago: timedelta,
    *,
    taken: bool,
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) - ago if tz else datetime.now(UTC)

    with monkeypatch.context() as then:
        then.setattr("screener.web.queue.datetime", Clock)
        move(intake, reference, to_state="accepted")
    page = intake.get(path_of(reference))
    assert offers_undo(page) is taken
    with at_clinic(app, "acme") as (session, _):
        (made,) = list_moves(session, get_consultation(session, reference))
    sent = intake.post(f"{path_of(reference)}/undo", token_of(page) | {"move": made.id.hex})
    assert sent.status == (303 if taken else 409)
    assert state_of(app, reference) == ("new" if taken else "accepted")


def test_an_older_page_does_not_take_back_a_newer_decision(
    app: Flask, intake: Browser, reference: str
) -> None:
    move(intake, reference, to_state="accepted")
    stale = undo_form(intake.get(path_of(reference)))
    move(intake, reference, to_state="in_review")
    refused = intake.post(f"{path_of(reference)}/undo", stale)
    assert (refused.status, state_of(app, reference)) == (409, "in_review")
    twice = undo_form(intake.get(path_of(reference)))
    for _ in range(2):
        assert intake.post(f"{path_of(reference)}/undo", twice).status == 303
    assert state_of(app, reference) == "accepted", "pressed twice, it is taken back once"


@pytest.mark.parametrize("asked", [None, "", "x", "\N{SNOWMAN}", "0" * 5000])
def test_nothing_nonsensical_is_taken_back(
    app: Flask, intake: Browser, reference: str, asked: str | None
) -> None:
    page = intake.get(path_of(reference))
    form = token_of(page) | ({} if asked is None else {"move": asked})
    assert intake.post(f"{path_of(reference)}/undo", form).problems == ["There is no decision to take back."]
    move(intake, reference, to_state="accepted")
    assert intake.post(f"{path_of(reference)}/undo", form).status == 409
    assert state_of(app, reference) == "accepted"


def test_after_the_patient_withdrew_nothing_is_taken_back(
    app: Flask, intake: Browser, reference: str
) -> None:
    move(intake, reference, to_state="in_review")
    form = undo_form(intake.get(path_of(reference)))
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, reference), NOW)
        session.commit()
    assert intake.post(f"{path_of(reference)}/undo", form).status == 410
    assert state_of(app, reference) == "withdrawn"


# ---------------------------------------------------------------- two at once


def test_the_second_is_told_what_the_first_decided_and_keeps_the_words(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    move(theirs, reference, to_state="in_review")
    opened = mine.get(path_of(reference))
    move(theirs, reference, to_state="later", reason="No <b>slot</b>")
    move(theirs, reference, to_state="accepted")
    form = opened.form | {"to_state": "not_a_fit", "reason": "Lives in Oslo"}
    late = mine.post(f"{path_of(reference)}/move", form)
    assert late.status == 409
    told = next(" ".join("".join(e.itertext()).split()) for e in late.all("div") if e.get("id") == "changed")
    assert "clinician@acme.example changed “In review” → “Later”: No <b>slot</b>" in told
    assert "clinician@acme.example changed “Later” → “Accepted”" in told
    assert "“New” → “In review”" not in told, "that was on the page already"
    assert late.form["reason"] == ["Lives in Oslo"]
    assert state_of(app, reference) == "accepted"


def test_who_was_removed_while_deciding_decides_nothing(
    app: Flask, signed_in: SignedIn, reference: str
) -> None:
    mine, theirs = signed_in(INTAKE), signed_in(CLINICIAN)
    move(mine, reference, to_state="later", reason="Asked for May")
    opened = mine.get(path_of(reference))
    give_roles(app, INTAKE)
    sent = mine.post(f"{path_of(reference)}/move", opened.form | {"to_state": "accepted"})
    assert sent.location.startswith("/staff/login")
    assert mine.post(f"{path_of(reference)}/undo", undo_form(opened)).status in {302, 400}
    assert state_of(app, reference) == "later"
    assert "“New” → “Later” by intake@acme.example" in theirs.get(path_of(reference)).text
