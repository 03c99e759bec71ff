"""Possible duplicates: shown side by side, linked or told apart by a person, never merged."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select
from web.client import Browser, Page
from web.walking import (
    SignedIn,
    answers_but,
    at_clinic,
    contact_but,
    count_rows,
    move,
    path_of,
    plant,
    reference_on,
    send_all,
    token_of,
)

from screener.store.audit import verify_chain
from screener.store.consultations import get_consultation, list_events, withdraw_consultation
from screener.store.tables import AuditEntry, Consultation, RequestLink

pytestmark = pytest.mark.both_databases

PAT = {
    "contact_name": "Pat Pear",
    "contact_birth_date": "4/27/1984",
    "contact_email": "pat@pear.example",
    "contact_phone": "704 519 6918",
}


def send(app: Flask, **contact: object) -> str:
    return send_all(Browser(app), app, answers=answers_but(), contact=contact_but(**(PAT | contact)))


def decide(browser: Browser, here: str, there: str, verdict: str, seen: str = "") -> Page:
    token = token_of(browser.get(path_of(here)))
    form = {"other": there, "verdict": verdict, "seen": seen}
    return browser.post(f"{path_of(here)}/same-person", token | form)


def compared(page: Page) -> dict[str, str]:
    """What the table says of each line of contact."""
    rows = [row for row in page.all("tr") if len(row) == 4 and row[0].get("scope") == "row"]
    return {"".join(row[0].itertext()): "".join(row[3].itertext()) for row in rows}


def asks(page: Page) -> bool:
    return "Possibly sent more than once" in page.text


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (
            {"contact_name": "Ann Oak", "contact_birth_date": "1/2/1990", "contact_phone": "212 456 7890"},
            {"E-mail"},
        ),
        (
            {
                "contact_name": "Ann Oak",
                "contact_email": "ann@oak.example",
                "contact_phone": "+1 (704) 519-6918",
            },
            {"Phone", "Born"},
        ),
        # Found by a name in any case and spacing, which differs as it was typed.
        (
            {"contact_name": "PAT  pear", "contact_email": "p@work.example", "contact_phone": "212 456 7890"},
            {"Born"},
        ),
        ({"contact_email": "PAT@pear.example"}, {"Name", "Born", "E-mail", "Phone"}),
    ],
)
def test_two_that_share_something_are_shown_with_what_differs(
    app: Flask, intake: Browser, other: dict[str, str], same: set[str]
) -> None:
    one, two = send(app), send(app, **other)
    for here, there in ((one, two), (two, one)):
        page = intake.get(path_of(here))
        assert asks(page)
        assert there in page.links
        told = compared(page)
        assert {label for label, words in told.items() if words == "= same"} == same
    assert count_rows(app, Consultation) == 2


def test_whose_contact_details_were_shown_beside_a_request_stands_in_the_trail(
    app: Flask, intake: Browser, signed_in: SignedIn
) -> None:
    one, two, three = send(app), send(app), send(app)
    decide(intake, one, three, "different")
    before = len(readings(app))
    intake.get(path_of(one))
    assert readings(app)[before:] == [
        (one, {"page": "queue.submission"}),
        (two, {"page": "queue.alike", "other": one}),
    ]
    intake.get(f"{path_of(one)}/history")
    assert len(readings(app)) == before + 3, "there nothing is compared"
    told = signed_in("admin@acme.example").get(f"/desk/acme/audit?reference={two}").text
    assert f"compared with another request on its page; and {one}" in told
    with at_clinic(app, "acme") as (session, _):
        assert verify_chain(session).broken is None
        assert [e.what for e in list_events(session, get_consultation(session, two))] == ["received"]


def readings(app: Flask) -> list[tuple[str, dict[str, object]]]:
    """What the trail says was read, in its order."""
    with at_clinic(app, "acme") as (session, _):
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.number))
        return [(entry.subject, entry.details) for entry in found if entry.what == "read"]


@pytest.mark.parametrize(
    "other",
    [
        {"contact_name": "Ann Oak", "contact_email": "ann@oak.example", "contact_phone": "212 456 7890"},
        {
            "contact_birth_date": "4/28/1984",
            "contact_email": "p2@pear.example",
            "contact_phone": "212 456 7890",
        },
    ],
    ids=["born on one day", "of one name"],
)
def test_what_many_share_makes_no_duplicate(app: Flask, intake: Browser, other: dict[str, str]) -> None:
    one = send(app)
    send(app, **other)
    assert not asks(intake.get(path_of(one)))


def test_a_link_shows_on_both_pages_and_is_taken_back_from_either(app: Flask, signed_in: SignedIn) -> None:
    one, two = send(app), send(app)
    mine, theirs = signed_in("intake@acme.example"), signed_in("clinician@acme.example")
    told = mine.follow(decide(mine, one, two, "same"))
    assert f"Linked: {two} is the same person's." in told.text
    for here, there in ((one, two), (two, one)):
        page = theirs.get(path_of(here))
        assert "Other requests of this person" in page.text
        assert "linked by intake@acme.example" in page.text
        assert page.links[there] == path_of(there)
        assert not asks(page)
    assert decide(theirs, two, one, "undone", seen="same").status == 303
    assert asks(mine.get(path_of(one)))
    assert count_rows(app, Consultation) == 2, "nothing was merged"
    assert count_rows(app, RequestLink) == 1


def test_two_that_were_told_apart_are_not_asked_about_again(app: Flask, intake: Browser) -> None:
    one, two = send(app), send(app, contact_name="Ann Pear", contact_birth_date="1/2/2001")
    decide(intake, one, two, "different")
    for here in (one, two):
        page = intake.get(path_of(here))
        assert not asks(page)
        assert "Told apart from 1 request" in page.text
    decide(intake, two, one, "undone", seen="different")
    assert asks(intake.get(path_of(one)))


def test_a_third_is_asked_about_although_two_are_linked(app: Flask, intake: Browser) -> None:
    one, two, three = send(app), send(app), send(app)
    decide(intake, one, two, "same")
    assert asks(intake.get(path_of(one)))
    assert {two, three} <= set(intake.get(path_of(one)).links)


def test_of_two_who_decide_about_a_pair_the_second_is_told(app: Flask, signed_in: SignedIn) -> None:
    one, two = send(app), send(app)
    mine, theirs = signed_in("intake@acme.example"), signed_in("clinician@acme.example")
    decide(theirs, two, one, "different")
    late = decide(mine, one, two, "same")
    assert late.status == 409
    assert late.problems == [
        "Somebody else decided about these two requests meanwhile. Look below, then decide again."
    ]
    assert "not the same person, by clinician@acme.example" in late.text
    stale = decide(mine, one, two, "undone", seen="same")
    assert stale.status == 409


@pytest.mark.parametrize(("verdict", "status"), [("merge", 422), ("", 422), ("\N{SNOWMAN}", 422)])
def test_no_other_word_is_taken(app: Flask, intake: Browser, verdict: str, status: int) -> None:
    one, two = send(app), send(app)
    assert decide(intake, one, two, verdict).status == status
    assert decide(intake, one, one, "same").status == 422
    assert decide(intake, one, "0000000000", "same").status == 404
    assert decide(intake, one, "", "same").status == 404
    assert count_rows(app, RequestLink) == 0


def test_a_request_of_another_clinic_is_no_match_and_cannot_be_linked(app: Flask, intake: Browser) -> None:
    one = send(app)
    walk = plant(Browser(app), app, answers_but(), "other")
    foreign = reference_on(walk.browser.follow(walk.send(contact_but(**PAT))))
    assert not asks(intake.get(path_of(one)))
    assert decide(intake, one, foreign, "same").status == 404


def test_withdrawing_takes_the_link_and_the_likeness_along(app: Flask, intake: Browser) -> None:
    one, two = send(app), send(app)
    intake.follow(decide(intake, one, two, "same"))
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, two), datetime.now(UTC))
        session.commit()
        assert get_consultation(session, two).person_index is None
    page = intake.get(path_of(one))
    assert not asks(page)
    assert two not in page.text
    assert count_rows(app, RequestLink) == 0
    assert decide(intake, one, two, "same").status == 410


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_the_other_patients_words_are_shown_as_text(app: Flask, intake: Browser, name: str) -> None:
    one = send(app)
    send(app, contact_name=name)
    page = intake.get(path_of(one))
    assert name in page.text
    assert page.all("img") == []
    assert move(intake, one, to_state="duplicate", reason="Sent twice").status == 303
