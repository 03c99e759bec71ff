"""By telephone: staff enter a caller's answers, by the same rules, and the request says who did."""

from __future__ import annotations

import re

import pytest
from builders import CONTACT
from flask import Flask
from web.client import Browser, Page
from web.test_people import roles_of
from web.walking import Walk, answers_but, at_clinic, document_of, fill, give_roles, plant, token_of

from screener.store.audit import Wanted, list_entries
from screener.store.drafts import add_draft
from screener.store.staff import find_person
from screener.store.tables import Draft, Membership
from screener.web.visit import now

pytestmark = pytest.mark.both_databases

CALL = "/desk/acme/call"
INTAKE = "intake@acme.example"


def begin_call(staff: Browser) -> Walk:
    begun = staff.post(CALL, token_of(staff.get(CALL)))
    assert begun.status == 303
    return Walk(staff, begun.location.split("/")[2])


def by_telephone(app: Flask, staff: Browser, answers: dict[str, object]) -> Walk:
    """A call at its end, without the walk to it."""
    with at_clinic(app, "acme") as (session, clinic):
        person = find_person(session, INTAKE)
        assert person is not None
        document = {"answers": answers, "events": [], "entered_by": {"id": person.id, "name": "Ina Intake"}}
        _, token = add_draft(session, clinic.id, document, now())
        session.commit()
    return Walk(staff, token)


def reference_of(page: Page) -> str:
    found = re.search(r"sent=([0-9A-Z]{10})", page.location)
    assert found, (page.location, page.problems)
    return found[1]


def test_a_call_goes_the_whole_way_and_its_request_says_who_entered_it(app: Flask, intake: Browser) -> None:
    walk = begin_call(intake)
    walk.to_check(answers_but())
    assert walk.get("check").heading == "Check your answers"
    health = walk.get("result").links["Ask for a consultation"]
    sent = fill(intake, intake.get(health), {})
    while not sent.location.endswith("/contact"):
        sent = fill(intake, intake.get(sent.location), {})
    assert "The caller agreed by telephone" in walk.get("contact").text
    done = walk.send(CONTACT)
    reference = reference_of(done)
    page = intake.follow(done)
    assert page.heading == "By telephone"
    assert reference in page.text
    shown = intake.get(f"/desk/acme/requests/{reference}")
    assert shown.said["Entered by"] == f"{INTAKE}, by telephone; the caller agreed by telephone"
    assert "Entered by" in intake.get(f"/desk/acme/requests/{reference}/history").said
    with at_clinic(app, "acme") as (session, _):
        me = find_person(session, INTAKE)
        assert me is not None
        found = list_entries(session, Wanted(person=me.id), limit=9)
        assert [entry.what for entry in found if entry.what in {"received", "call_begun"}] == [
            "received",
            "call_begun",
        ]
        assert session.query(Draft).count() == 0


def test_each_page_says_what_is_read_aloud_and_by_whom(app: Flask, intake: Browser) -> None:
    for place in ("danger-now", "about-you"):
        page = by_telephone(app, intake, answers_but()).get(place)
        assert "Read aloud" in page.text
        assert "entered by Ina Intake" in page.text
        assert page.all("body")[0].get("class") == "aloud"
        assert "Rather call?" not in page.text
    assert by_telephone(app, intake, {}).get("danger-now").links["Back"] == CALL
    assert "Read aloud" not in plant(intake, app, answers_but()).get("danger-now").text


def test_a_danger_sends_the_caller_to_911_and_both_ways_lead_back(app: Flask, intake: Browser) -> None:
    walk = begin_call(intake)
    page = walk.get("danger-now")
    code = next(e.get("value") for e in page.all("input") if e.get("name") == "danger_now")
    stopped = walk.answer("danger-now", {"danger_now": [code]})
    stop = intake.follow(stopped)
    assert stop.heading == "Tell the caller to hang up and call 911 now"
    assert walk.get("check").location.endswith("/stop")
    assert walk.leave_stop("by_mistake").location.endswith("/danger-now")
    assert walk.leave_stop("not_now").location.endswith("/about-you")
    assert [event["what"] for event in document_of(app, walk)["events"]] == ["stop", "by_mistake", "not_now"]


@pytest.mark.parametrize(
    ("ticked", "heading"),
    [
        (["self_harm"], "Tell the caller to call or text 988 now"),
        (["carbon_monoxide"], "Tell the caller to get everyone out now, hang up, and call 911"),
    ],
)
def test_other_dangers_are_told_in_their_own_words(
    app: Flask, intake: Browser, ticked: list[str], heading: str
) -> None:
    assert by_telephone(app, intake, answers_but(danger_now=ticked)).get("stop").heading == heading


def test_no_request_is_sent_for_a_caller_under_18(app: Flask, intake: Browser) -> None:
    walk = by_telephone(app, intake, answers_but(age=17))
    assert walk.get("contact").location.endswith("/result")


def test_without_the_callers_consent_nothing_is_sent(app: Flask, intake: Browser) -> None:
    walk = by_telephone(app, intake, answers_but())
    refused = intake.post(
        walk.url("contact"), {k: v for k, v in walk.contact_form(CONTACT).items() if k != "consent"}
    )
    assert refused.status == 422
    assert refused.problems == ["Tick the box to send your request."]


def test_a_call_is_not_left_to_be_finished_by_the_patient_alone(app: Flask, intake: Browser) -> None:
    walk = by_telephone(app, intake, answers_but())
    for place in ("about-you", "check", "result"):
        assert "Save and finish later" not in walk.get(place).text
    assert walk.get("save").location.endswith("/check")
    form = token_of(walk.get("about-you")) | {"place": "about-you", "age": "33"}
    left = intake.post(walk.url("pause"), form)
    assert intake.follow(left).heading == "Check your answers"


def test_the_pages_of_a_call_know_no_sign_in(app: Flask, intake: Browser) -> None:
    walk = begin_call(intake)
    elsewhere = Walk(Browser(app), walk.token)
    page = elsewhere.get("danger-now")
    assert page.status == 200
    assert "Set-Cookie" not in page.headers


def test_the_clinic_calls_the_person_by_its_own_name(app: Flask, intake: Browser) -> None:
    with at_clinic(app, "acme") as (session, clinic):
        me = find_person(session, INTAKE)
        assert me is not None
        row = session.query(Membership).filter_by(staff_id=me.id, clinic_id=clinic.id).one()
        row.name = "<b>Ina</b>"
        session.commit()
    page = begin_call(intake).get("danger-now")
    assert "entered by <b>Ina</b>" in page.text
    assert page.main.findall(".//b") == []


def test_whoever_was_removed_begins_no_call(app: Flask, intake: Browser) -> None:
    sent = token_of(intake.get(CALL))
    give_roles(app, INTAKE)
    assert roles_of(app, INTAKE) == frozenset()
    assert intake.post(CALL, sent).location.startswith("/staff/login")


def test_a_reference_of_another_clinic_or_none_is_not_found(intake: Browser) -> None:
    for reference in ("0000000000", "x", "<script>"):
        assert intake.get(f"{CALL}?sent={reference}").status == 404
