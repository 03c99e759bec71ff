"""Tokens: made and shown once by an administrator, who gives away no right that is not theirs."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, words
from web.walking import at_clinic, give_roles, sign_in
from werkzeug.test import TestResponse

from screener.domain.rights import Right
from screener.store.api_tokens import list_tokens
from screener.store.audit import Wanted, list_entries

TOKENS = "/desk/acme/tokens"


def asked(app: Flask, token: str) -> TestResponse:
    return app.test_client().get("/api/v1/requests", headers={"Authorization": f"Bearer {token}"})


def test_a_token_is_shown_once_and_works_until_it_is_revoked(app: Flask, admin: Browser) -> None:
    page = admin.get(TOKENS)
    assert "There is none yet." in page.text
    form = {"name": "EHR bridge", "rights": [Right.REQUESTS_READ.value], "lives": "90"}
    made = admin.submit(page, **form)
    (shown,) = [words(one) for one in made.all("textarea")]
    assert shown.startswith("hs_acme_")
    assert asked(app, shown).json == {"requests": [], "next": None}
    after = admin.get(TOKENS)
    assert shown not in after.source
    assert "EHR bridge" in after.text
    twice = admin.follow(admin.submit(page, **form))
    assert "sent twice" in twice.text
    with at_clinic(app, "acme") as (session, _):
        (row,) = list_tokens(session)
        assert row.expires_at is not None
        assert (row.expires_at - row.created_at).days == 90
    revoke = next(one.get("action", "") for one in after.forms if "revoke" in one.get("action", ""))
    gone = admin.follow(admin.post(revoke, {"csrf_token": after.form["csrf_token"][0]}))
    assert "Revoked EHR bridge." in gone.text
    assert (
        app.test_client().get("/api/v1/requests", headers={"Authorization": f"Bearer {shown}"}).status_code
        == 401
    )
    with at_clinic(app, "acme") as (session, _):
        what = [one.what for one in list_entries(session, Wanted(), limit=20)]
    assert what[:3] == ["token_revoked", "token_used", "token_made"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 81}, "Enter a name"),
        ({"rights": None}, "Choose at least one right."),
        ({"rights": ["everything"]}, "Choose at least one right."),
        ({"lives": "36500"}, "Choose how long it works."),
        ({"rights": [Right.RECORDS_READ.value]}, "Only an administrator who also reads answers"),
        ({"rights": [Right.REQUESTS_MOVE.value]}, "Only an administrator who also reads answers"),
    ],
)
def test_what_is_not_valid_is_refused_with_all_that_was_typed(
    app: Flask, admin: Browser, typed: dict[str, object], said: str
) -> None:
    good = {"name": "EHR bridge", "rights": [Right.REQUESTS_READ.value], "lives": "30"}
    page = admin.submit(admin.get(TOKENS), **(good | typed))
    assert page.status == 422
    assert said in page.problems[0]
    assert page.form["name"] == [typed.get("name", "EHR bridge") or ""]
    with at_clinic(app, "acme") as (session, _):
        assert list_tokens(session) == []


def test_an_administrator_who_reads_answers_can_let_a_system_read_them(app: Flask) -> None:
    give_roles(app, "admin@acme.example", "clinic_admin", "clinician")
    both = sign_in(Browser(app), "admin@acme.example")
    made = both.submit(both.get(TOKENS), name="EHR", rights=[Right.RECORDS_READ.value], lives="")
    assert "Your new token" in made.text
