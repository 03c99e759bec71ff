"""Headers of every answer there is: pages, files, refusals, machines' doors; and headers that are forged."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from conftest import Installation
from flask import Flask
from web.client import Browser, Page
from web.walking import SignedIn, answers_but, forget_failures, plant, sign_in, token_of

from screener import create_app
from screener.store.staff_sessions import list_staff_sessions
from screener.store.tables import FailedTries, User
from screener.web import arrival

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE")
WITHIN = {"Sec-Fetch-Site": "same-origin"}
# Clinics' own pages, and pages that are tried out in a sandbox, load these.
LOADED_ELSEWHERE = re.compile(r"/static/|/e/v1\.js|/c/[a-z]+/(look\.css|logo\.png)")
LISTED = "'self' https://www.acme.example"
# Text says how it is written; JSON has one way.
KINDS = re.compile(r"text/[a-z]+; charset=utf-8|application/.+|image/png")
VALUES = {
    "slug": "acme",
    "clinic_slug": "acme",
    "reference": "0000000000",
    "staff_id": "1",
    "what": "note",
    "filename": "screener.css",
    "number": "1",
    "resource_id": "headache-screening",
}
NOBODY = "00000000-0000-0000-0000-000000000000"


def addresses(app: Flask) -> list[str]:
    """One for each rule; where it wants a record, one that is not there."""

    def fill(found: re.Match[str]) -> str:
        return NOBODY if found[1] == "uuid" else VALUES.get(found[2], "nonsense")

    return [re.sub(r"<(?:(\w+):)?(\w+)>", fill, rule.rule) for rule in app.url_map.iter_rules()]


def check(page: Page, method: str = "GET") -> None:
    """What ASVS 3.4 asks of each answer."""
    headers, where = page.headers, (method, page.path, page.status)
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == "'none'", where
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'", where
    framed_by = {"'self'"} if page.is_preview else {"'none'", LISTED}
    assert policy["frame-ancestors"] in framed_by, where
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Referrer-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    if page.status < 400:
        for_all = "cross-origin" if LOADED_ELSEWHERE.match(page.path) else "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == for_all, where
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains", where
    assert "Access-Control-Allow-Origin" not in headers, where
    assert not {"Server", "X-Powered-By"} & set(headers.keys()), where
    if page.source:
        assert KINDS.fullmatch(headers["Content-Type"]), where
    if page.status >= 400:
        assert headers["Cache-Control"] == "no-store", where


@pytest.fixture
def https(installation: Installation) -> Flask:
    """The same installation, reached by https behind one proxy."""
    return create_app(replace(installation.settings, base_url="https://localhost", proxies=1))


def test_every_answer_carries_the_headers(https: Flask) -> None:
    nobody, admin = Browser(https), sign_in(Browser(https), "admin@acme.example")
    seen = set()
    for path in addresses(https):
        for method in METHODS:
            # Past the browser's lint, for which the answer to OPTIONS is no page.
            page = Page(path, nobody.client.open(path, method=method, headers=WITHIN, buffered=True))
            check(page, method)
            seen.add(page.status)
            assert method != "TRACE" or page.status in {403, 404, 405}, path
        check(admin.get(path))
    walk = plant(nobody, https, answers_but())
    for page in (
        walk.get("about-you"),
        walk.get("about-you", site="none"),
        walk.get("nowhere"),
        nobody.get("/c/acme", headers={"Host": "evil.example"}),
        nobody.post("/c/acme/start", b"x" * 300_000),
        nobody.post("/c/acme/start", site="cross-site"),
        nobody.get("/static/none.css"),
    ):
        check(page)
        seen.add(page.status)
    assert seen >= {200, 302, 303, 400, 401, 403, 404, 405, 410, 413}


def test_a_failure_carries_them_too(https: Flask) -> None:
    https.add_url_rule("/fails", "fails", lambda: 1 / 0)
    failed = https.test_client().get("/fails")
    assert failed.status_code == 500
    check(Page("/fails", failed))
    assert "ZeroDivisionError" not in failed.text


def test_who_is_turned_away_at_the_door_is_told_safely(https: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrival, "SENDING", 0)
    away = https.test_client().post("/c/acme/start", data={"any": "body"}, headers=WITHIN)
    assert away.status_code == 503
    for name in ("default-src", "object-src", "base-uri", "form-action"):
        assert f"{name} 'none'" in away.headers["Content-Security-Policy"]
    assert "frame-ancestors *" in away.headers["Content-Security-Policy"]
    kept = ("Cache-Control", "X-Content-Type-Options", "Referrer-Policy", "Strict-Transport-Security")
    same = https.test_client().get("/c/acme").headers
    assert [away.headers[name] for name in kept] == [same[name] for name in kept]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/requests", "application/problem+json"),
        ("/fhir/QuestionnaireResponse", "application/fhir+json"),
    ],
)
def test_a_system_that_is_turned_away_at_the_door_is_told_as_it_reads(
    https: Flask, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    monkeypatch.setattr(arrival, "SENDING", 0)
    away = https.test_client().post(path, json={"any": "body"})
    assert (away.status_code, away.mimetype, away.headers["Retry-After"]) == (503, kind, "10")
    told = away.get_json()
    said = told["issue"][0] if "issue" in told else told
    assert said.get("code", said.get("title")) in {"transient", "Not now"}
    assert "again" in str(told)


def test_without_https_nobody_is_sent_there(browser: Browser) -> None:
    assert "Strict-Transport-Security" not in browser.get("/c/acme").headers


def test_leaving_makes_the_browser_forget_its_pages(signed_in: SignedIn) -> None:
    for way_out in ("/staff/logout", "/desk/account/sign-out-everywhere"):
        browser = signed_in("intake@acme.example")
        assert "Clear-Site-Data" not in browser.get("/desk/account").headers
        left = browser.post(way_out, token_of(browser.get("/desk/account")))
        assert left.status == 302
        assert left.headers["Clear-Site-Data"] == '"cache", "storage"'


# ---------------------------------------------------------------- what is forged


def address_of_the_last_session(app: Flask) -> str:
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        person = session.query(User).filter_by(email="intake@acme.example").one()
        address: str = list_staff_sessions(session, person.id)[0].address
        return address


def test_who_sends_is_told_by_the_trusted_proxy_alone(app: Flask, https: Flask) -> None:
    """Each proxy appends what it saw: of what a visitor wrote before, nothing is believed."""
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    for one, told, seen in (
        (app, forged, "127.0.0.1"),
        (https, forged | {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}, "198.51.100.7"),
    ):
        browser = Browser(one)
        browser.client.environ_base |= {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in told.items()}
        sign_in(browser, "intake@acme.example")
        assert address_of_the_last_session(one) == seen


def test_forged_addresses_are_one_address_to_the_throttle(app: Flask, browser: Browser) -> None:
    forget_failures(app)
    form = token_of(browser.get("/staff/login")) | {"email": "intake@acme.example", "password": "wrong"}
    statuses = [
        browser.post("/staff/login", form, headers={"X-Forwarded-For": f"203.0.113.{number}"}).status
        for number in range(6)
    ]
    assert statuses[-1] == 429
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        assert session.query(FailedTries).count() == 3, "a place, an account and an address"


@pytest.mark.parametrize(
    "forged",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "4443", "X-Forwarded-Prefix": "/evil"},
        {"X-Original-URL": "/desk/acme/queue", "X-Rewrite-URL": "/desk/acme/queue"},
        {"X-HTTP-Method-Override": "DELETE", "X-Forwarded-User": "admin@acme.example", "X-User-ID": "1"},
        {"Forwarded": "host=evil.example;proto=http"},
    ],
    ids=lambda forged: next(iter(forged)),
)
def test_forged_headers_change_no_page(https: Flask, forged: dict[str, str]) -> None:
    for path in ("/c/acme", "/desk/", "/staff/login", "/oembed?url=https://localhost/c/acme"):
        plain, page = Browser(https).get(path), Browser(https).get(path, headers=forged)
        assert (page.status, page.location) == (plain.status, plain.location), path
        assert "evil" not in page.source
        check(page)


def test_a_host_that_is_not_ours_gets_no_page_and_no_link(https: Flask) -> None:
    for host in ("evil.example", "localhost.evil.example", "localhost:x", "localhost@evil.example", "", " "):
        page = Browser(https).get("/desk/", headers={"Host": host})
        assert page.status == 400, host
        assert "evil" not in page.source + page.location
