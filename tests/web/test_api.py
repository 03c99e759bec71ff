"""The JSON API: a clinic's own systems read and decide by token, of their clinic alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import CONTACT
from conftest import Installation
from flask import Flask
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from web.client import Browser, Page
from web.walking import add_requests, answers_but, at_clinic

from screener import create_app
from screener.domain.rights import Right
from screener.settings import ROOT
from screener.store.api_tokens import MOST_CALLS_A_MINUTE, add_token, list_tokens, revoke_token
from screener.store.audit import Wanted, list_entries
from screener.store.clinic_changes import disable_clinic
from screener.store.consultations import get_consultation, withdraw_consultation
from screener.store.tables import ApiToken

pytestmark = pytest.mark.both_databases

NOW = datetime.now(UTC)
LIST = "/api/v1/requests"
PAGE = (ROOT / "docs" / "api.md").read_text()
Make = Callable[..., str]


@pytest.fixture
def make(app: Flask) -> Make:
    def made(*rights: Right, clinic: str = "acme", lasts: timedelta | None = None) -> str:
        with at_clinic(app, clinic) as (session, _):
            text = add_token(session, name="EHR", rights=rights or list(Right), lasts=lasts, by=None, now=NOW)
            session.commit()
        return text

    return made


def call(app: Flask, path: str, token: str = "", method: str = "GET", body: Any = None) -> Page:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    client = app.test_client()
    response = client.open(path, method=method, headers=headers, json=body, buffered=True)
    assert response.status_code < 500
    assert "Set-Cookie" not in response.headers
    return Page(path, response)


def told(page: Page) -> Any:
    return json.loads(page.source)


def sent(app: Flask, count: int = 1, clinic: str = "acme") -> list[str]:
    people = [(f"Patient {n}", answers_but(), NOW - timedelta(hours=count - n)) for n in range(count)]
    return add_requests(app, people, clinic)


def test_requests_are_listed_oldest_first_page_by_page_and_say_nothing_of_who_or_what(
    app: Flask, make: Make
) -> None:
    references = sent(app, 3)
    sent(app, 1, "other")
    token = make(Right.REQUESTS_READ)
    first = call(app, f"{LIST}?limit=2", token)
    assert [one["reference"] for one in told(first)["requests"]] == references[:2]
    assert told(first)["next"] == references[1]
    rest = call(app, f"{LIST}?limit=2&after={references[1]}", token)
    assert [one["reference"] for one in told(rest)["requests"]] == references[2:]
    assert told(rest)["next"] is None
    assert told(rest)["requests"][0] | {"received_at": "", "reference": ""} == {
        "reference": "",
        "state": "new",
        "kind": "consultation",
        "urgency": "routine",
        "article_class": "chronic_and_intractable",
        "language": "en",
        "received_at": "",
    }
    assert "Patient" not in first.source + rest.source
    assert told(call(app, f"{LIST}?state=accepted", token)) == {"requests": [], "next": None}
    assert call(app, f"{LIST}?after=0000000000", token).status == 404


def test_a_request_is_read_as_staff_see_it_and_the_trail_says_so(app: Flask, make: Make) -> None:
    (reference,) = sent(app)
    page = call(app, f"{LIST}/{reference}", make(Right.RECORDS_READ))
    record = told(page)
    assert record["contact"]["contact_name"] == "Patient 0"
    assert record["contact"]["contact_email"] == CONTACT["contact_email"]
    said = {one["id"]: one for one in record["answers"]}
    assert (said["head_days"]["value"], said["head_days"]["status"]) == (20, "answered")
    with at_clinic(app, "acme") as (session, _):
        entries = list_entries(session, Wanted(subject=reference), limit=9)
        assert [(one.what, one.details, one.staff_id) for one in entries if one.what == "read"] == [
            ("read", {"page": "api.read_request"}, None)
        ]


def test_a_decision_is_one_of_staffs_and_is_made_on_what_was_seen(
    app: Flask, make: Make, intake: Browser
) -> None:
    (reference,) = sent(app)
    token = make()
    path = f"{LIST}/{reference}/decisions"
    version = told(call(app, f"{LIST}/{reference}", token))["version"]
    refused = call(app, path, token, "POST", {"to": "not_a_fit", "version": version})
    assert refused.status == 422
    assert told(refused)["errors"][0]["field"] == "reason"
    typed = {"to": "accepted", "version": version, "reason": " Agreed\0 \u202etoday "}
    done = call(app, path, token, "POST", typed)
    assert told(done) == {"reference": reference, "state": "accepted", "version": version + 1}
    again = call(app, path, token, "POST", {"to": "accepted", "version": version})
    assert again.status == 409
    assert f"version {version + 1}" in told(again)["detail"]
    impossible = call(app, path, token, "POST", {"to": "withdrawn", "version": version + 1})
    assert (impossible.status, told(impossible)["detail"]) == (
        409,
        "Only the patient can withdraw a request.",
    )
    page = intake.get(f"/desk/acme/requests/{reference}")
    assert "“Accepted” by a system" in page.text
    # As if it were typed at the desk: what turns the writing round turns nothing after it.
    assert "Agreed \u202etoday\u202c" in page.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"to": "accepted"}, "version"),
        ({"to": "loved", "version": 1}, "to"),
        ({"to": "accepted", "version": "one"}, "version"),
        ({"to": "accepted", "version": 1, "reason": "x" * 501}, "reason"),
        ({"to": "accepted", "version": 1, "also": True}, "also"),
        ([], "body"),
    ],
)
def test_a_body_that_is_wrong_is_told_by_its_field_and_not_said_again(
    app: Flask, make: Make, body: Any, field: str
) -> None:
    (reference,) = sent(app)
    page = call(app, f"{LIST}/{reference}/decisions", make(), "POST", body)
    assert (page.status, page.response.mimetype) == (422, "application/problem+json")
    assert [one["field"] for one in told(page)["errors"]] == [field]
    assert "xxx" not in page.source


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "state=loved", "received_from=today", "after=1", "name=Anna"]
)
def test_a_query_that_is_wrong_is_told_by_its_field(app: Flask, make: Make, query: str) -> None:
    page = call(app, f"{LIST}?{query}", make())
    assert page.status == 422
    assert told(page)["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


def test_nothing_opens_without_a_token_that_works(app: Flask, make: Make) -> None:
    good = make()
    over, revoked = make(lasts=timedelta(days=1)), make()
    with at_clinic(app, "acme") as (session, _):
        rows = {row.ending: row for row in list_tokens(session)}
        rows[over[-4:]].expires_at = NOW - timedelta(seconds=1)
        revoke_token(session, rows[revoked[-4:]].id, by=None, now=NOW)
        session.commit()
    swapped = good.replace("hs_acme_", "hs_other_")
    for bad in (
        "",
        "x",
        over,
        revoked,
        swapped,
        good[:-1],
        good.removeprefix("hs_"),
        "hs_acme_",
        "hs_Acme_x",
    ):
        page = call(app, LIST, bad)
        assert (page.status, page.headers["WWW-Authenticate"]) == (401, "Bearer"), bad
    assert call(app, LIST, good).status == 200
    assert app.test_client().get(LIST, headers={"Authorization": f"Basic {good}"}).status_code == 401
    with at_clinic(app, "acme") as (session, clinic):
        disable_clinic(session, clinic, by=None, now=NOW)
        session.commit()
    assert call(app, LIST, good).status == 401


@pytest.mark.parametrize("right", Right)
def test_a_token_does_what_its_rights_say_and_no_more(app: Flask, make: Make, right: Right) -> None:
    (reference,) = sent(app)
    token = make(right)
    asked = {
        Right.REQUESTS_READ: (LIST, "GET", None),
        Right.RECORDS_READ: (f"{LIST}/{reference}", "GET", None),
        Right.REQUESTS_MOVE: (f"{LIST}/{reference}/decisions", "POST", {"to": "in_review", "version": 1}),
    }
    for needed, (path, method, body) in asked.items():
        assert call(app, path, token, method, body).status == (200 if needed is right else 403)


def test_another_clinics_request_and_one_that_is_not_look_the_same(app: Flask, make: Make) -> None:
    (theirs,) = sent(app, clinic="other")
    token = make()
    for place, method in (("", "GET"), ("/decisions", "POST")):
        body = {"to": "accepted", "version": 1} if method == "POST" else None
        foreign, unknown = (
            call(app, f"{LIST}/{reference}{place}", token, method, body) for reference in (theirs, "0" * 10)
        )
        assert foreign.status == unknown.status == 404
        assert foreign.source == unknown.source


def test_a_withdrawn_request_is_listed_and_opens_no_more(app: Flask, make: Make) -> None:
    (reference,) = sent(app)
    with at_clinic(app, "acme") as (session, _):
        withdraw_consultation(session, get_consultation(session, reference), NOW)
        session.commit()
    (listed,) = told(call(app, LIST, make()))["requests"]
    assert (listed["state"], listed["urgency"], listed["article_class"]) == ("withdrawn", None, None)
    assert call(app, f"{LIST}/{reference}", make()).status == 410


def test_every_use_is_in_the_trail_and_too_many_in_a_minute_wait(app: Flask, make: Make) -> None:
    token = make(Right.REQUESTS_READ)
    assert call(app, LIST, token).status == 200
    assert call(app, f"{LIST}/{'0' * 10}", token).status == 403
    with at_clinic(app, "acme") as (session, _):
        used = [one.details for one in list_entries(session, Wanted(what="token_used"), limit=9)]
        assert used == [{"page": "api.read_request"}, {"page": "api.list_requests"}]
        (row,) = list_tokens(session)
        # As if the last call of this minute, and of the one that may begin meanwhile, had been made.
        row.calls = MOST_CALLS_A_MINUTE
        row.minute = int(datetime.now(UTC).timestamp()) // 60
        session.commit()
    page = call(app, LIST, token)
    if page.status == 200:  # a new minute began
        with at_clinic(app, "acme") as (session, _):
            session.get_one(ApiToken, row.id).calls = MOST_CALLS_A_MINUTE
            session.commit()
        page = call(app, LIST, token)
    assert page.status == 429
    assert 0 < int(page.headers["Retry-After"]) <= 60


def test_a_token_is_nowhere_in_the_database(app: Flask, make: Make) -> None:
    token = make()
    with at_clinic(app, "acme") as (session, _):
        (row,) = list_tokens(session)
        kept = f"{row.name} {row.secret_hash!r} {row.ending} {row.rights}"
    assert token[-12:] not in kept
    # What is random may hold a "_" too.
    assert token.split("_", 2)[2][:20] not in kept


def test_no_cookie_and_no_form_of_another_site_counts_here(app: Flask, intake: Browser) -> None:
    (reference,) = sent(app)
    for method, path in (("GET", LIST), ("POST", f"{LIST}/{reference}/decisions")):
        assert intake.open(method, path).status == 401


def test_what_is_not_there_is_told_as_machines_read_it(app: Flask, make: Make) -> None:
    for path, method, status in (
        ("/api/v1/nothing", "GET", 404),
        (LIST, "DELETE", 405),
        ("/api/", "GET", 404),
        (f"{LIST}/%00", "GET", 404),
    ):
        page = call(app, path, make(), method)
        assert (page.status, page.response.mimetype) == (status, "application/problem+json"), path
    large = call(app, f"{LIST}/{'0' * 10}/decisions", make(), "POST", {"to": "x" * 300_000})
    assert (large.status, large.response.mimetype) == (413, "application/problem+json")
    assert told(large)["title"] == "Too large"


def test_the_description_names_each_door_with_its_right_and_refusals(app: Flask) -> None:
    document = told(call(app, "/api/v1/openapi.json"))
    assert document["openapi"] == "3.1.0"
    listing = document["paths"]["/api/v1/requests"]["get"]
    assert {one["name"] for one in listing["parameters"]} == {
        "state",
        "kind",
        "received_from",
        "received_before",
        "after",
        "limit",
    }
    assert {"200", "401", "403", "422", "429"} <= set(listing["responses"])
    decide = document["paths"]["/api/v1/requests/{reference}/decisions"]["post"]
    assert decide["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Decision")
    assert "requests.move" in decide["description"]


def test_a_system_says_for_itself_what_it_wants_to_be_told(installation: Installation, make: Make) -> None:
    app = create_app(replace(installation.settings, webhook_hosts="hooks.example.org"))
    token, path = make(Right.WEBHOOKS_MANAGE), "/api/v1/webhooks"
    new = {"address": "https://hooks.example.org/acme", "events": ["request.received"]}
    made = told(call(app, path, token, "POST", new))
    assert made["secret"].startswith("whsec_")
    listed = {name: value for name, value in made.items() if name != "secret"}
    assert told(call(app, path, token)) == {"webhooks": [listed]}
    own = f"{path}/{made['id']}"
    changed = told(call(app, own, token, "PATCH", {"events": ["history.signed"], "state": "off"}))
    assert changed == listed | {"events": ["history.signed"], "state": "off"}
    theirs = make(Right.WEBHOOKS_MANAGE, clinic="other")
    assert call(app, own, theirs, "DELETE").status == 404
    for wrong, status, field in (
        ({"address": "https://elsewhere.example/"}, 409, "address"),
        ({"address": "http://hooks.example.org/"}, 409, "address"),
        ({"events": ["everything"]}, 422, "events"),
        ({"events": []}, 422, "events"),
    ):
        page = call(app, path, token, "POST", new | wrong)
        assert (page.status, told(page)["errors"][0]["field"]) == (status, field)
    assert told(call(app, own, token, "DELETE")) == {"id": made["id"]}
    assert told(call(app, path, token)) == {"webhooks": []}
    app.extensions["screener.database"].dispose()


def test_the_calls_of_the_documentation_do_what_it_says(installation: Installation, make: Make) -> None:
    app = create_app(replace(installation.settings, webhook_hosts="hooks.example.org"))
    (reference,) = sent(app)
    token, path = make(), f"{LIST}/{reference}"
    (listing,) = re.findall(r"GET (/api/v1/requests\?\S+)", PAGE)
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    found = told(call(app, listing, token))
    assert found.keys() == json.loads(shown).keys()
    assert found["requests"][0].keys() == json.loads(shown)["requests"][0].keys()
    record = told(call(app, path, token))
    assert {"version", "contact", "red_flags", "answers"} == record.keys() - found["requests"][0].keys()
    (decision,) = re.findall(r"decisions\n +({.*})", PAGE)
    body = json.loads(decision) | {"version": record["version"]}
    assert told(call(app, f"{path}/decisions", token, "POST", body))["state"] == json.loads(decision)["to"]
    (webhook,) = re.findall(r"`({\"address\".*?})`", PAGE, re.DOTALL)
    made = told(call(app, "/api/v1/webhooks", token, "POST", json.loads(webhook)))
    (change,) = re.findall(r"`({\"state\".*?})`", PAGE)
    own = f"/api/v1/webhooks/{made['id']}"
    assert told(call(app, own, token, "PATCH", json.loads(change)))["state"] == "off"
    assert set(re.findall(r"^\| `(\S+)` \|", PAGE, re.MULTILINE)) == {right.value for right in Right}
    app.extensions["screener.database"].dispose()


def test_what_the_database_cannot_keep_is_told_as_systems_read_it(app: Flask, make: Make) -> None:
    token, commits = make(), iter(("the call is counted", "the answer is ready"))

    def fail_late(_connection: Connection) -> None:
        if next(commits) == "the answer is ready":
            raise OperationalError("COMMIT", None, Exception("disk full"))

    event.listen(app.extensions["screener.database"].engine, "commit", fail_late)
    answer = app.test_client().get(LIST, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert (answer.headers["Retry-After"], answer.get_json()["title"]) == ("10", "Not now")
