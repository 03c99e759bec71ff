"""FHIR over HTTP: what is served is FHIR, a clinic's systems read and send their own, and nothing leaks."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import pytest
from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE
from click.testing import CliRunner
from conftest import Installation, settings_of
from exports.fhir_samples import SAID
from fhir.resources.R4B import get_fhir_model_class
from flask import Flask
from web.client import Browser, Page, words
from web.walking import SignedIn, add_requests, at_clinic, count_rows

from screener.domain.rights import Right
from screener.exports.fhir.server import SERVED
from screener.settings import ROOT
from screener.store.api_tokens import add_token
from screener.store.audit import Wanted, list_entries
from screener.store.consultations import get_consultation, read_contact, withdraw_consultation
from screener.store.queue import Filter, list_queue
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Consultation, OutboxMessage
from screener.web.cli import main

NOW = datetime.now(UTC).replace(microsecond=0)
BASE = "http://localhost:8000"
RESPONSES = "/fhir/QuestionnaireResponse"
SYSTEM = f"{BASE}/fhir/sid/request"
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "who",
    "name": [{"given": ["Quentin", "Q."], "family": "Canaryname"}],
    "birthDate": "1984-04-27",
    "telecom": [
        {"system": "phone", "value": "(704) 519-6918"},
        {"system": "email", "value": "canary.qxz@example.com"},
    ],
    "address": [{"state": "NC"}],
}
TYPED = ("Canary", "canary.qxz", "519-6918", "1984-04-27", "Quentin")
Make = Callable[..., str]


@pytest.fixture
def make(app: Flask) -> Make:
    def made(*rights: Right, clinic: str = "acme") -> str:
        with at_clinic(app, clinic) as (session, _):
            text = add_token(
                session, name="EHR bridge", rights=rights or [*Right], lasts=None, by=None, now=NOW
            )
            session.commit()
        return text

    return made


def call(app: Flask, path: str, token: str = "", body: Any = None, **headers: str) -> Page:
    """A POST if there is a body; whatever comes back is valid FHIR."""
    if token:
        headers["Authorization"] = f"Bearer {token}"
    method = "GET" if body is None else "POST"
    sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    response = app.test_client().open(path, method=method, headers=headers, data=sent, buffered=True)
    assert response.status_code < 500
    page = Page(path, response)
    if response.status_code != 304:
        assert response.mimetype == "application/fhir+json"
        assert "Set-Cookie" not in response.headers
        told = json.loads(page.source)
        model = get_fhir_model_class(told["resourceType"]).model_validate_json(page.source)
        assert json.loads(model.model_dump_json()) == told
    return page


def told(page: Page) -> Any:
    return json.loads(page.source)


def issues(page: Page) -> list[tuple[str, str]]:
    """Each one's code and place."""
    found = told(page)["issue"]
    return [(one["code"], next(iter(one.get("expression", [])), "")) for one in found]


def stored(app: Flask, answers: Mapping[str, object] = CHRONIC_AND_INTRACTABLE, count: int = 1) -> list[str]:
    people = [(f"Patient {n}", answers, NOW - timedelta(days=count - n)) for n in range(count)]
    return add_requests(app, people)


def from_elsewhere(app: Flask, token: str, answers: Mapping[str, object] = CHRONIC_AND_INTRACTABLE) -> Any:
    """What another system would send: our own response to these answers, with a Patient of theirs."""
    (reference,) = stored(app, answers)
    sent = told(call(app, f"{RESPONSES}/{reference}", token))
    for ours in ("id", "identifier", "source"):
        del sent[ours]
    return sent | {"contained": [deepcopy(PATIENT)], "subject": {"reference": "#who"}}


def opened(app: Flask, reference: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """A request's document, its contact data and its kind."""
    with at_clinic(app, "acme") as (session, _):
        row = get_consultation(session, reference)
        assert row.screening_id is not None
        document = read_screening(session, get_screening(session, row.screening_id))
        return document, read_contact(session, row), row.kind


def reads(app: Flask, reference: str) -> list[Any]:
    with at_clinic(app, "acme") as (session, _):
        found = list_entries(session, Wanted(subject=reference, what="read"), limit=9)
        return [one.details["page"] for one in found]


# ---------------------------------------------------------------- for everybody


def test_the_capability_statement_names_each_door_and_no_other(app: Flask) -> None:
    doors = {
        (rule.rule.split("/")[2], kind)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/fhir/") and rule.endpoint != "fhir.metadata"
        for method, kind in (("POST", "create"), ("GET", "read" if "<" in rule.rule else "search-type"))
        if method in (rule.methods or set())
    }
    assert doors == {(name, kind) for name, (kinds, _) in SERVED.items() for kind in kinds}
    statement = told(call(app, "/fhir/metadata"))
    assert statement["fhirVersion"] == "4.0.1"
    assert statement["implementation"]["url"] == f"{BASE}/fhir"


@pytest.mark.parametrize("kind", ["Questionnaire", "CodeSystem"])
def test_what_we_ask_is_there_for_all_and_is_sent_again_only_when_it_changed(app: Flask, kind: str) -> None:
    place = f"/fhir/{kind}/headache-screening"
    first = call(app, place)
    resource = told(first)
    assert resource["url"] == BASE + place
    assert "Cabeza".casefold() in first.source.casefold(), "Spanish is beside it"
    again = call(app, place, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.source) == (304, "")
    assert first.headers["Cache-Control"] == "public, no-cache"
    for asked, count in (
        ({}, 1),
        ({"url": resource["url"], "version": resource["version"]}, 1),
        ({"url": resource["url"], "version": "1"}, 0),
    ):
        found = told(call(app, f"/fhir/{kind}?{urlencode(asked)}"))
        assert [one["resource"] for one in found.get("entry", [])] == [resource] * count
    assert call(app, f"/fhir/{kind}?title=x").status == 400
    assert call(app, f"/fhir/{kind}/other").status == 404


# ---------------------------------------------------------------- reading


@pytest.mark.both_databases
def test_a_search_goes_page_by_page_and_each_one_handed_out_is_in_the_trail(app: Flask, make: Make) -> None:
    references = stored(app, count=4)
    add_requests(app, [("Olga", CHRONIC_AND_INTRACTABLE, NOW)], "other")
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, references[1]), NOW)
        session.commit()
    left = [references[0], *references[2:]]
    token = make(Right.RECORDS_READ)
    first = told(call(app, f"{RESPONSES}?_count=2&authored=ge2020-01-01", token))
    links = {one["relation"]: one["url"] for one in first["link"]}
    rest = told(call(app, links["next"].removeprefix(BASE), token))
    assert [one["resource"]["id"] for page in (first, rest) for one in page["entry"]] == left
    assert (first["total"], rest["total"]) == (3, 3)
    assert [one["relation"] for one in rest["link"]] == ["self"]
    assert [reads(app, one) for one in references] == [["fhir.search_responses"], []] + [
        ["fhir.search_responses"]
    ] * 2


def test_a_search_finds_what_fits_all_that_was_asked(app: Flask, make: Make) -> None:
    references = stored(app, count=3)
    token = make(Right.RECORDS_READ)

    def found(*asked: tuple[str, str]) -> list[str]:
        page = call(app, f"{RESPONSES}?{urlencode(asked)}", token)
        return [one["resource"]["id"] for one in told(page).get("entry", [])]

    ours = told(call(app, "/fhir/Questionnaire/headache-screening"))
    middle = (NOW - timedelta(days=2)).isoformat()
    assert found(("authored", f"ge{middle}")) == references[1:]
    assert found(("authored", f"ge{middle}"), ("authored", f"lt{NOW.isoformat()}"))[0] == references[1]
    assert found(("authored", f"lt{middle}")) == references[:1]
    for identifier in (f"{references[1]}-answers", f"{SYSTEM}|{references[1]}-answers"):
        assert found(("identifier", identifier)) == [references[1]]
        assert found(("identifier", identifier), ("authored", f"lt{middle}")) == []
    one = references[1]
    for identifier in (one, f"urn:x|{one}-answers", f"|{one}-answers", "-answers", f"{one}-patient"):
        assert found(("identifier", identifier)) == []
    assert found(("questionnaire", ours["url"])) == references
    assert found(("questionnaire", f"{ours['url']}|{ours['version']}")) == references
    assert found(("questionnaire", f"{ours['url']}|2020-01-01+00000000")) == []
    assert found(("questionnaire", "urn:x")) == []


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("patient=Anna", "patient"),
        ("authored=2026-01-01", "authored"),
        ("authored=gt2026-01-01", "authored"),
        ("authored=ge2026-13-01", "authored"),
        ("authored=ge2026-01-01T10:00:00", "authored"),
        ("authored=lt0001-01-01", "authored"),
        ("_count=0", "_count"),
        ("_count=51", "_count"),
        ("_count=5&_count=6", "_count"),
        ("questionnaire=%00", "questionnaire"),
        ("identifier:exact=x", "identifier:exact"),
    ],
)
def test_a_search_that_cannot_be_done_as_asked_is_refused_by_name(
    app: Flask, make: Make, asked: str, named: str
) -> None:
    page = call(app, f"{RESPONSES}?{asked}", make())
    assert page.status == 400
    assert told(page)["issue"][0]["diagnostics"].startswith(f"{named}: ")
    assert "Anna" not in page.source


def test_answers_and_the_whole_request_are_read_with_its_version_and_noted(app: Flask, make: Make) -> None:
    (reference,) = stored(app, EVERY_PAGE)
    token = make(Right.RECORDS_READ)
    answers = call(app, f"{RESPONSES}/{reference}", token)
    whole = call(app, f"/fhir/Bundle/{reference}", token)
    assert answers.headers["ETag"] == whole.headers["ETag"] == 'W/"1"'
    assert answers.headers["Cache-Control"] == "no-store"
    assert told(answers)["subject"]["identifier"] == {"system": SYSTEM, "value": f"{reference}-patient"}
    entries = [one["resource"] for one in told(whole)["entry"]]
    assert entries[0]["name"] == [{"text": "Patient 0"}]
    assert entries[1]["item"] == told(answers)["item"]
    assert reads(app, reference) == ["fhir.read_bundle", "fhir.read_answers"]


@pytest.mark.both_databases
def test_another_clinics_request_and_an_unknown_one_look_the_same_and_a_withdrawn_one_is_gone(
    app: Flask, make: Make
) -> None:
    (theirs,) = add_requests(app, [("Olga", CHRONIC_AND_INTRACTABLE, NOW)], "other")
    (gone,) = stored(app)
    token = make()
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, gone), NOW)
        session.commit()
    for kind in ("QuestionnaireResponse", "Bundle"):
        pages = [call(app, f"/fhir/{kind}/{each}", token) for each in (theirs, "0000000000", "%00")]
        assert {page.status for page in pages} == {404}
        assert len({page.source for page in pages}) == 1
        assert issues(call(app, f"/fhir/{kind}/{gone}", token)) == [("deleted", "")]
    assert call(app, f"{RESPONSES}?after={theirs}", token).status == 404


@pytest.mark.parametrize("right", Right)
def test_a_token_opens_what_its_rights_say_and_no_more(
    app: Flask, make: Make, right: Right, intake: Browser
) -> None:
    (reference,) = stored(app)
    token = make(right)
    for path in (RESPONSES, f"{RESPONSES}/{reference}", f"/fhir/Bundle/{reference}"):
        assert call(app, path, token).status == (200 if right is Right.RECORDS_READ else 403)
        assert call(app, path).headers["WWW-Authenticate"] == "Bearer"
        assert intake.get(path).status == 401, "who is signed in at the desk is nobody here"
    assert call(app, RESPONSES, token, {}).status == (422 if right is Right.RECORDS_WRITE else 403)


# ---------------------------------------------------------------- sending in


@pytest.mark.parametrize("name", ["sparse", "usual", "every page", "unsure"])
def test_what_was_read_here_and_is_sent_in_again_is_judged_the_same_and_reads_the_same(
    app: Flask, make: Make, name: str
) -> None:
    token = make()
    sent = from_elsewhere(app, token, SAID[name])
    (first,) = [row.reference for row in _queue(app)]
    page = call(app, RESPONSES, token, sent)
    assert page.status == 201
    assert page.headers["ETag"] == 'W/"1"'
    made = told(page)
    assert page.headers["Location"] == f"{BASE}{RESPONSES}/{made['id']}"
    assert told(call(app, f"{RESPONSES}/{made['id']}", token)) == made
    theirs = {"id", "identifier", "authored", "subject", "source", "contained"}
    assert {k: v for k, v in made.items() if k not in theirs} == {
        k: v for k, v in sent.items() if k not in theirs
    }
    (was, _, kind), (now, _, new_kind) = opened(app, first), opened(app, made["id"])
    assert (now["report"], new_kind) == (was["report"], kind)
    assert [line["id"] for line in now["transcript"]] == [line["id"] for line in was["transcript"]]


def _queue(app: Flask) -> list[Any]:
    with at_clinic(app, "acme") as (session, _):
        return list_queue(session, Filter(states=["new"]), now=NOW)


def test_who_asks_is_read_as_our_own_form_reads_it_and_staff_see_who_sent_it(
    app: Flask, make: Make, intake: Browser
) -> None:
    token = make()
    sent = from_elsewhere(app, token) | {"language": "es-MX"}
    made = told(call(app, RESPONSES, token, sent))
    document, contact, _ = opened(app, made["id"])
    assert made["language"] == "es"
    assert made["item"][1]["item"][0]["text"] == "¿Cuántos años tiene?"
    assert contact == {
        "contact_name": "Quentin Q. Canaryname",
        "contact_birth_date": "1984-04-27",
        "contact_phone": "(704) 519-6918",
        "contact_email": "canary.qxz@example.com",
        "contact_channel": "phone",
        "contact_message_ok": False,
        "contact_times": ["morning", "midday", "afternoon", "evening"],
        "contact_state": "North Carolina",
        "consent": [
            "The clinic's own system “EHR bridge” sent this, and keeps what the patient agreed to there."
        ],
    }
    assert document["sent_by"] == "EHR bridge"
    page = intake.get(f"/desk/acme/requests/{made['id']}")
    assert "EHR bridge, a system of the clinic, which keeps" in page.text
    assert intake.get(f"/desk/acme/requests/{made['id']}/history").status == 200
    whole = told(call(app, f"/fhir/Bundle/{made['id']}", token))
    agents = whole["entry"][-1]["resource"]["agent"]
    assert "EHR bridge, a system of the clinic" in [one["who"].get("display") for one in agents]


def test_the_trail_says_that_a_system_sent_and_read(app: Flask, make: Make, signed_in: SignedIn) -> None:
    token = make()
    made = told(call(app, RESPONSES, token, from_elsewhere(app, token)))
    call(app, f"/fhir/Bundle/{made['id']}", token)
    page = signed_in("admin@acme.example").get(f"/desk/acme/audit?reference={made['id']}")
    lines = [[words(cell) for cell in row][2:] for row in page.all("tr")[1:]]
    assert lines == [
        ["A system", "Opened a request", made["id"], "a request as FHIR, by a system"],
        ["A system", "Sent a request", made["id"], "now “New”; sent in as FHIR, by a system"],
    ]


@pytest.mark.both_databases
def test_the_same_sent_again_or_twice_at_once_is_one_request(app: Flask, make: Make) -> None:
    token = make()
    sent = from_elsewhere(app, token)
    with ThreadPoolExecutor(2) as pool:
        pages = [*pool.map(lambda _: call(app, RESPONSES, token, sent), range(2))]
    assert sorted(page.status for page in pages) == [200, 201]
    turned = dict(reversed(sent.items()))
    again = call(app, RESPONSES, token, turned)
    assert again.status == 200
    assert {page.headers["Location"] for page in (*pages, again)} == {again.headers["Location"]}
    assert {page.source for page in pages} == {again.source}
    assert count_rows(app, Consultation) == 2
    assert call(app, RESPONSES, make(clinic="other"), sent).status == 201, "another clinic's is another"
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, told(again)["id"]), NOW)
        session.commit()
    assert issues(call(app, RESPONSES, token, sent)) == [("deleted", "")]


def test_an_emergency_comes_first_in_the_queue_to_be_called_back(app: Flask, make: Make) -> None:
    token = make()
    sent = from_elsewhere(app, token, EVERY_PAGE)
    _item(sent, "danger_now")["answer"] = [{"valueCoding": _coding("danger_now.sudden")}]
    made = told(call(app, RESPONSES, token, sent))
    first = _queue(app)[0]
    assert (first.reference, first.urgency, first.kind) == (made["id"], "emergency", "call_back")
    assert first.due is not None


def _item(resource: Any, link: str) -> Any:
    return next(item for group in resource["item"] for item in group["item"] if item["linkId"] == link)


def _coding(code: str) -> dict[str, str]:
    return {"system": f"{BASE}/fhir/CodeSystem/headache-screening", "code": code}


# ---------------------------------------------------------------- refusing


def _changed(change: Callable[[Any], object]) -> Callable[[Any], Any]:
    def made(sent: Any) -> Any:
        change(sent)
        return sent

    return made


def _patient(**changed: Any) -> Callable[[Any], Any]:
    return _changed(lambda sent: sent["contained"][0].update(changed))


IN_PATIENT = "QuestionnaireResponse.contained[0]"
WRONG: dict[str, tuple[Callable[[Any], Any], str, str]] = {
    "unknown item": (
        _changed(lambda s: _item(s, "age").update(linkId="years")),
        "not-found",
        "QuestionnaireResponse.item[1].item[0].linkId",
    ),
    "wrong type": (
        _changed(lambda s: _item(s, "age").update(answer=[{"valueString": "Canary"}])),
        "value",
        "QuestionnaireResponse.item[1].item[0].answer[0]",
    ),
    "unanswered": (
        _changed(lambda s: _item(s, "age").pop("answer")),
        "required",
        "QuestionnaireResponse.item.where(linkId='page.about-you').item.where(linkId='age')",
    ),
    "other version": (
        _changed(lambda s: s.update(questionnaire=f"{s['questionnaire']}0")),
        "not-supported",
        "QuestionnaireResponse.questionnaire",
    ),
    "a child": (
        _changed(lambda s: _item(s, "age").update(answer=[{"valueInteger": 17}])),
        "business-rule",
        "QuestionnaireResponse.descendants().where(linkId='age')",
    ),
    "no age": (
        _changed(lambda s: (s.update(status="stopped"), _item(s, "age").pop("answer"))),
        "business-rule",
        "QuestionnaireResponse.descendants().where(linkId='age')",
    ),
    "not finished": (
        _changed(lambda s: s.update(status="in-progress")),
        "business-rule",
        "QuestionnaireResponse.status",
    ),
    "no list": (
        _changed(lambda s: s.update(item={"a": "Canary"})),
        "structure",
        "QuestionnaireResponse.item",
    ),
    "no Patient": (_changed(lambda s: s.pop("contained")), "required", "QuestionnaireResponse.contained"),
    "two Patients": (
        _changed(lambda s: s["contained"].append(PATIENT)),
        "required",
        "QuestionnaireResponse.contained",
    ),
    "no name": (_patient(name=[{"given": [7]}, "Canary"]), "value", f"{IN_PATIENT}.name"),
    "long name": (_patient(name=[{"text": "Canary" * 40}]), "value", f"{IN_PATIENT}.name"),
    "a year alone": (_patient(birthDate="1984"), "value", f"{IN_PATIENT}.birthDate"),
    "born lately": (_patient(birthDate=f"{NOW.year - 5}-01-01"), "business-rule", f"{IN_PATIENT}.birthDate"),
    "not to be reached": (_patient(telecom={}), "required", f"{IN_PATIENT}.telecom"),
    "a short phone number": (
        _patient(telecom=[{"system": "phone", "value": "519-6918"}]),
        "value",
        f"{IN_PATIENT}.telecom.where(system='phone')",
    ),
    "no e-mail address": (
        _patient(telecom=[{"system": "email", "value": "canary.qxz"}]),
        "value",
        f"{IN_PATIENT}.telecom.where(system='email')",
    ),
    "another state": (_patient(address=[{"state": "Canary"}]), "value", f"{IN_PATIENT}.address.state"),
    "no object": (lambda _: ["Canary"], "structure", "QuestionnaireResponse"),
    "no JSON": (lambda _: b'{"Canary": ', "invalid", ""),
    "nested deeply": (lambda _: b"[" * 200_000, "invalid", ""),
    "nested": (lambda _: b"[" * 500 + b"]" * 500, "structure", "QuestionnaireResponse"),
    "half a letter": (_patient(name=[{"text": "Canary \ud83d"}]), "invalid", ""),
    "a megabyte": (lambda _: b'{"a": "%s"}' % (b"Canary" * 180_000), "too-long", ""),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_taken_is_named_with_its_place_and_nothing_of_it_is_kept(
    app: Flask, make: Make, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    change, code, path = WRONG[name]
    token = make()
    sent = change(from_elsewhere(app, token))
    page = call(app, RESPONSES, token, sent)
    assert page.status == (413 if code == "too-long" else 422)
    assert (code, path) in issues(page)
    assert count_rows(app, Consultation) == 1
    for typed in TYPED:
        assert typed not in page.source + caplog.text


@pytest.mark.parametrize("lacks", ["an age", "a Patient"])
def test_whoever_sends_an_emergency_that_is_refused_is_told_of_it(app: Flask, make: Make, lacks: str) -> None:
    token = make()
    sent = from_elsewhere(app, token)
    _item(sent, "danger_now")["answer"] = [{"valueCoding": _coding("danger_now.stroke_signs")}]
    if lacks == "an age":
        _item(sent, "age")["answer"] = [{"valueInteger": 12}]
    else:
        del sent["contained"]
    refused = call(app, RESPONSES, token, sent)
    assert refused.status == 422
    first = told(refused)["issue"][0]
    assert "call 911" in first["diagnostics"]
    assert "stroke" not in refused.source
    _item(sent, "danger_now")["answer"] = [{"valueCoding": _coding("danger_now.none")}]
    assert "911" not in call(app, RESPONSES, token, sent).source


def test_every_fault_is_told_at_once(app: Flask, make: Make) -> None:
    token = make()
    sent = from_elsewhere(app, token) | {"contained": [{"resourceType": "Patient"}]}
    _item(sent, "age")["answer"] = [{"valueInteger": 142}]
    assert [path for _, path in issues(call(app, RESPONSES, token, sent))] == [
        "QuestionnaireResponse.item[1].item[0].answer",
        f"{IN_PATIENT}.telecom",
        f"{IN_PATIENT}.name",
        f"{IN_PATIENT}.birthDate",
        f"{IN_PATIENT}.address.state",
    ]


def test_what_a_patient_said_is_in_no_log_and_in_no_entry_of_the_trail(
    app: Flask, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = make()
    sent = from_elsewhere(app, token, EVERY_PAGE | {"own_words": "Canarywords"})
    made = told(call(app, RESPONSES, token, sent))
    for path in (RESPONSES, f"{RESPONSES}/{made['id']}", f"/fhir/Bundle/{made['id']}"):
        assert "Canarywords" in call(app, path, token).source
    with at_clinic(app, "acme") as (session, _):
        trail = [
            f"{one.what} {one.subject} {one.details}" for one in list_entries(session, Wanted(), limit=99)
        ]
        mail = session.query(OutboxMessage).count()
    assert any("received" in line and made["id"] in line for line in trail)
    assert mail > 1, "the patient gets the mail that holds the way to withdraw"
    for typed in (*TYPED, token):
        assert typed not in caplog.text + "".join(trail)


def test_an_unknown_address_is_answered_as_fhir_does(app: Flask, make: Make) -> None:
    token = make()
    for path in ("/fhir/Patient", "/fhir/", "/fhir/Questionnaire/x/y"):
        assert issues(call(app, path, token)) == [("not-found", "")]
    response = app.test_client().delete(RESPONSES)
    assert (response.status_code, response.mimetype) == (405, "application/fhir+json")
    assert "POST" in response.headers["Allow"]


def test_docs_tell_what_happens(app: Flask, make: Make) -> None:
    (first,) = stored(app)
    page = (ROOT / "docs" / "fhir.md").read_text().replace("7KQ2M9XW4B", first)
    calls = re.findall(r"^    (GET|POST) (\S+) +(\d{3})$", page, re.MULTILINE)
    assert len(calls) > 12
    patient = json.loads(re.findall(r"```json\n(.+?)```", page, re.DOTALL)[-1])
    token = make()
    sent = told(call(app, f"{RESPONSES}/{first}", token)) | {"contained": [patient]}
    for method, path, status in calls:
        answer = call(app, path, token, sent if method == "POST" else None)
        assert answer.status == int(status), path
        is_found = "identifier" in path or "authored" in path or "questionnaire=" in path
        assert not is_found or told(answer)["total"] == 1


# ---------------------------------------------------------------- the operator's file


def export(installation: Installation, *options: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["export", *options], env=settings_of(installation.settings))
    assert result.exit_code == status, result.output
    return result.output


@pytest.mark.both_databases
def test_a_clinics_requests_are_written_to_a_file_one_a_line(
    installation: Installation, app: Flask, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.web.fhir_requests._A_PAGE", 2)
    references = stored(app, count=5)
    add_requests(app, [("Olga", CHRONIC_AND_INTRACTABLE, NOW)], "other")
    file = tmp_path / "acme.ndjson"
    assert "5 requests" in export(installation, "acme", "--output", str(file))
    lines = file.read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == references
    assert json.loads(lines[0]) == told(call(app, f"/fhir/Bundle/{references[0]}", make()))
    assert file.stat().st_mode & 0o777 == 0o600
    assert reads(app, references[-1]) == ["screener export"]
    assert "is there already" in export(installation, "acme", "--output", str(file), status=1)
    assert file.read_text().splitlines() == lines
    # A day of the clinic's calendar, which may have 25 hours.
    day = (NOW - timedelta(days=2)).astimezone(ZoneInfo("America/Los_Angeles")).date().isoformat()
    export(installation, "acme", "--output", str(tmp_path / "late"), "--since", quote(day))
    late = [json.loads(line)["id"] for line in (tmp_path / "late").read_text().splitlines()]
    assert late in (references[-2:], references[-3:])
    assert "No clinic" in export(installation, "nowhere", "--output", str(tmp_path / "x"), status=1)
    assert not (tmp_path / "x").exists()
