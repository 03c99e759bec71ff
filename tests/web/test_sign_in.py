"""Signing in: two steps, no staff page without them, sessions that end, nobody told who is known."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from time import process_time, time
from types import SimpleNamespace
from uuid import UUID

import pytest
from builders import PASSWORD, STAFF
from conftest import Installation, next_code
from flask import Flask
from flask_security import hash_password
from passlib.exc import UsedTokenError
from sqlalchemy import text, update
from web.client import Browser, Page, words
from web.passkey import ORIGIN, Passkey
from web.walking import (
    SignedIn,
    at_clinic,
    enter_password,
    forget_failures,
    sign_in,
    take_second_step,
    token_of,
)

from screener import create_app
from screener.settings import Settings
from screener.store.audit import Wanted, list_entries
from screener.store.outbox import Lease, read_mail
from screener.store.staff import find_person, set_roles
from screener.store.tables import Clinic, FailedTries, OutboxMessage, StaffSession
from screener.store.tenancy import enter_clinic
from screener.web.staff_session import NOTHING_SAVED, OPEN, SETTING_UP

pytestmark = pytest.mark.both_databases

INTAKE, ADMIN = "intake@acme.example", "admin@acme.example"
QUEUE, ACCOUNT = "/desk/acme/queue", "/desk/account"
LOGIN = "/staff/login"
NEW_PASSWORD = "violin under seven quiet lemons"
NO_PERSON = "stranger@acme.example"


def change(app: Flask, email: str, **columns: object) -> int:
    """Sets columns of a person's row; their id."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        person = find_person(session, email)
        assert person is not None
        for name, value in columns.items():
            setattr(person, name, value)
        session.commit()
        return person.id


def without_steps(app: Flask, email: str) -> None:
    change(app, email, tf_totp_secret=None, tf_primary_method=None)


def age(app: Flask, **columns: timedelta) -> None:
    """Moves times of all sessions into the past."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        for row in session.query(StaffSession):
            for name, by in columns.items():
                setattr(row, name, getattr(row, name) - by)
        session.commit()


def is_in(browser: Browser) -> bool:
    """Whether the queue opens; else it must lead to the sign-in."""
    page = browser.get(QUEUE)
    assert page.status == 200 or page.location.startswith(LOGIN), (page.status, page.location)
    return page.status == 200


def mails(app: Flask) -> list[tuple[str, str, str]]:
    """(kind, to, path of the link) of what waits in the outbox."""
    found = []
    with app.app_context():
        session = app.extensions["screener.database"].new_session()
        clinics = session.query(Clinic.id).all()
        session.close()
        for (clinic_id,) in clinics:
            with app.extensions["screener.database"].new_session() as inside:
                enter_clinic(inside, clinic_id)
                for row in inside.query(OutboxMessage).order_by(OutboxMessage.created_at):
                    mail = read_mail(inside, Lease(row.id, clinic_id, row.kind))
                    assert mail is not None
                    link = str(mail.values["link"])
                    assert link.startswith("http://localhost:8000/")
                    found.append((row.kind, mail.to, link.removeprefix("http://localhost:8000")))
    return found


def trail(app: Flask) -> list[tuple[str, int | None, dict[str, object]]]:
    """What stands in the clinic's audit trail, by whom and with what, oldest first."""
    with at_clinic(app, "acme") as (session, _):
        entries = list_entries(session, Wanted(), limit=99)
        return [(entry.what, entry.staff_id, entry.details) for entry in reversed(entries)]


# ---------------------------------------------------------------- no page without a second step (P8)


def staff_places(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) of every route of the desk."""
    filled = {
        "clinic_slug": "acme",
        "staff_id": "1",
        "token_id": str(UUID(int=0)),
        "reference": "0000000000",
        "token": "x",
        "view_id": "x",
        "what": "task",
        "filename": "js/base64.js",
    }
    return [
        (
            rule.endpoint,
            method,
            re.sub(r"<(?:\w+:)?(\w+)>", lambda m: filled.get(m[1], "x"), rule.rule),
        )
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/desk/", "/staff/"))
        for method in sorted((rule.methods or set()) - {"OPTIONS"})
    ]


def test_no_staff_page_opens_for_nobody_or_after_a_password_alone(app: Flask) -> None:
    without_steps(app, INTAKE)
    halfway = Browser(app)
    enter_password(halfway, halfway.get(LOGIN), INTAKE)
    nobody = Browser(app)
    tokens = {browser: token_of(browser.visited[0]) for browser in (halfway,)}
    tokens[nobody] = token_of(nobody.get(LOGIN))
    led_away = 0
    for endpoint, method, path in staff_places(app):
        if endpoint not in OPEN:
            page = nobody.open(method, path, data=tokens[nobody] if method == "POST" else b"")
            assert page.location.startswith(LOGIN), (method, path)
        if endpoint not in OPEN | SETTING_UP:
            page = halfway.open(method, path, data=tokens[halfway] if method == "POST" else b"")
            assert page.location == "/desk/account/second-step", (method, path)
            led_away += 1
    assert led_away > 20


def test_what_opens_without_a_second_step_shows_nothing_of_a_clinic() -> None:
    for endpoint in OPEN | SETTING_UP:
        assert endpoint.startswith(("security.", "account.set_up", "account.here")), endpoint


@pytest.mark.parametrize("following", [QUEUE, ACCOUNT, "/desk/acme/people", "/staff/mf-recovery-codes"])
def test_the_right_password_alone_opens_nothing(app: Flask, following: str) -> None:
    browser = Browser(app)
    asked = enter_password(browser, browser.get(LOGIN), INTAKE)
    assert asked.location.startswith("/staff/tf-validate")
    assert browser.get(following).location.startswith(LOGIN)


def test_the_first_sign_in_leads_to_the_set_up_and_then_everywhere(app: Flask) -> None:
    without_steps(app, INTAKE)
    browser = Browser(app)
    page = browser.follow(enter_password(browser, browser.get(LOGIN), INTAKE))
    assert page.heading == "Set up your second step"
    code, action = start_app(app, browser)
    account = browser.follow(browser.post(action, token_of(page) | {"code": code}))
    assert account.heading == "Your account"
    assert "password and code" in account.text
    assert is_in(browser)
    again = sign_in(Browser(app), INTAKE)
    assert is_in(again)


def start_app(app: Flask, browser: Browser) -> tuple[str, str]:
    """The first code of a new authenticator app, and where to send it."""
    page = browser.get("/staff/tf-setup")
    shown = browser.post(page.path, token_of(page) | {"setup": "authenticator"})
    key = re.search(r'class="key">([A-Z2-7-]+)<', shown.source)
    assert key
    with app.app_context():
        factory = app.extensions["security"].totp_factory._totp  # noqa: SLF001 - stands for the phone
        code: str = factory(key=key[1].replace("-", "")).generate().token
    action = next(form.get("action", "") for form in shown.forms if "/tf-setup/" in form.get("action", ""))
    return code, action


# ---------------------------------------------------------------- codes


def test_a_code_opens_once(app: Flask) -> None:
    first, second = Browser(app), Browser(app)
    asked = {b: b.get(enter_password(b, b.get(LOGIN), INTAKE).location) for b in (first, second)}
    code = next_code(app, INTAKE)
    assert first.post(asked[first].path, token_of(asked[first]) | {"code": code}).status == 302
    refused = second.post(asked[second].path, token_of(asked[second]) | {"code": code})
    assert refused.problems == ["This code is wrong, too old, or was used already. Wait for the next one."]
    assert is_in(first)
    assert not is_in(second)


def at_once(app: Flask, path: str, code: str) -> list[bool]:
    """Four browsers past the password send the same code at the same moment; who is in."""
    browsers = [Browser(app) for _ in range(4)]
    forms = []
    for browser in browsers:
        enter_password(browser, browser.get(LOGIN), INTAKE)
        forms.append(token_of(browser.get(path)) | {"code": code})

    def send(pair: tuple[Browser, dict[str, object]]) -> None:
        browser, form = pair
        browser.client.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, zip(browsers, forms, strict=True)))
    return sorted(is_in(browser) for browser in browsers)


def test_a_code_sent_many_times_at_once_opens_once(app: Flask) -> None:
    assert at_once(app, "/staff/tf-validate", next_code(app, INTAKE)) == [False, False, False, True]


def test_a_time_step_is_used_up_by_condition_not_by_memory(app: Flask) -> None:
    with app.app_context():
        totp = app.extensions["security"].totp_factory
        session = app.extensions["screener.database"].sessions()
        person = find_person(session, INTAKE)
        totp.set_last_counter(person, SimpleNamespace(counter=5))
        for counter in (4, 5):
            with pytest.raises(UsedTokenError):
                totp.set_last_counter(person, SimpleNamespace(counter=counter))
        totp.set_last_counter(person, SimpleNamespace(counter=6))


@pytest.mark.parametrize(("steps", "works"), [(1, True), (3, False), (-3, False)])
def test_a_code_is_good_half_a_minute_early_and_not_much_sooner_or_later(
    app: Flask, steps: int, *, works: bool
) -> None:
    browser = Browser(app)
    page = browser.follow(enter_password(browser, browser.get(LOGIN), INTAKE))
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), INTAKE)
        assert person is not None
        key = app.extensions["security"].totp_factory._totp.from_source(person.tf_totp_secret)  # noqa: SLF001
    code = key.generate(time() + 30 * steps).token
    browser.post(page.path, token_of(page) | {"code": code})
    assert is_in(browser) is works


def make_recovery_codes(browser: Browser) -> list[str]:
    page = browser.get("/staff/mf-recovery-codes")
    shown = browser.post(page.path, token_of(page) | {"generate_new_codes": "yes"})
    return re.findall(r"<li>([0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4})</li>", shown.source)


def test_ten_recovery_codes_are_shown_once_lie_sealed_and_each_opens_once(
    app: Flask, intake: Browser
) -> None:
    codes = make_recovery_codes(intake)
    assert len(set(codes)) == 10
    assert codes[0] not in intake.get("/staff/mf-recovery-codes").source
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), INTAKE)
        assert person is not None
        assert not [code for code in codes if code in str(person.mf_recovery_codes)]
    browser = Browser(app)
    enter_password(browser, browser.get(LOGIN), INTAKE)
    page = browser.get("/staff/mf-recovery")
    assert browser.post(page.path, token_of(page) | {"code": "1234-5678-9abc"}).problems
    assert browser.post(page.path, token_of(page) | {"code": codes[3]}).status == 302
    assert is_in(browser)
    assert "9 of 10 left" in browser.get(ACCOUNT).text
    assert "password and recovery code" in browser.get(ACCOUNT).text
    again = Browser(app)
    enter_password(again, again.get(LOGIN), INTAKE)
    page = again.get("/staff/mf-recovery")
    assert again.post(page.path, token_of(page) | {"code": codes[3]}).problems
    assert not is_in(again)


def test_a_recovery_code_sent_many_times_at_once_opens_once(app: Flask, intake: Browser) -> None:
    code = make_recovery_codes(intake)[0]
    assert at_once(app, "/staff/mf-recovery", code) == [False, False, False, True]


def test_whoever_is_in_is_not_put_out_by_coming_back_to_the_way_in(intake: Browser) -> None:
    for place in ("tf-validate", "tf-select", "mf-recovery", "wan-signin"):
        assert intake.get(f"/staff/{place}").location == "/desk/"
    assert is_in(intake)


def test_the_last_second_step_cannot_be_given_up(app: Flask, intake: Browser) -> None:
    page = intake.get("/staff/tf-setup")
    intake.post(page.path, token_of(page) | {"setup": "disable"})
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), INTAKE)
        assert person is not None
        assert person.tf_totp_secret


def add_passkey(app: Flask, email: str, name: str) -> None:
    """As if one had been made; its key opens nothing here."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        app.extensions["security"].datastore.create_webauthn(
            find_person(session, email),
            name=name,
            credential_id=name.encode(),
            public_key=b"x",
            sign_count=0,
            usage="secondary",
            device_type="single_device",
            backup_state=False,
        )
        session.commit()


def remove_passkey(browser: Browser, name: str) -> Page:
    page = browser.get(ACCOUNT)
    return browser.follow(browser.post("/staff/wan-delete", token_of(page) | {"name": name}))


def test_the_last_passkey_of_whoever_has_no_app_cannot_be_removed(app: Flask, intake: Browser) -> None:
    for name in ("One", "Two"):
        add_passkey(app, INTAKE, name)
    page = intake.get("/staff/tf-setup")
    done = intake.post(page.path, token_of(page) | {"setup": "disable"})
    assert "Not in use" in intake.follow(done).text
    remove_passkey(intake, "Three")
    assert all(name in intake.get(ACCOUNT).text for name in ("One", "Two"))
    assert "Your passkey “One” was removed." in remove_passkey(intake, "One").text
    assert "Add another one first." in remove_passkey(intake, "Two").text
    assert "Two" in intake.get(ACCOUNT).text


def test_a_passkey_alone_is_asked_of_nobody(app: Flask) -> None:
    assert Browser(app).get("/staff/wan-signin").status == 404


def show_passkey(browser: Browser, key: Passkey, asked: Page, origin: str = ORIGIN) -> Page:
    if not asked.source.count("data-options"):
        asked = browser.post(asked.path, token_of(asked))
    action, answer = key.answer(asked, origin)
    return browser.post(action, answer)


def test_a_passkey_made_at_the_first_sign_in_lets_in_there_and_from_then_on(app: Flask) -> None:
    without_steps(app, INTAKE)
    here, elsewhere, later, phished = (Browser(app) for _ in range(4))
    for browser in (here, elsewhere):
        enter_password(browser, browser.get(LOGIN), INTAKE)
    page, key = here.get("/staff/wan-register"), Passkey()
    made = show_passkey(here, key, here.post(page.path, token_of(page) | {"name": "Phone"}))
    assert "Your passkey “Phone” was added." in here.follow(made).text
    assert is_in(here)
    assert elsewhere.get(ACCOUNT).location.startswith(LOGIN), "signed in with the password alone"
    for browser, origin in ((later, ORIGIN), (phished, "http://1ocalhost")):
        asked = browser.follow(enter_password(browser, browser.get(LOGIN), INTAKE))
        show_passkey(browser, key, asked, origin)
    assert (is_in(later), is_in(phished)) == (True, False)
    assert here.get(ACCOUNT).text.count("password and passkey") == 2
    person = change(app, INTAKE)
    assert trail(app)[-2:] == [
        ("sign_in_changed", person, {"page": "security.wan_register_response"}),
        ("signed_in", person, {"second_step": "passkey"}),
    ]
    code, action = start_app(app, later)
    later.post(action, token_of(later.get(ACCOUNT)) | {"code": code})
    assert not is_in(here)
    assert later.get(ACCOUNT).text.count("password and passkey") == 2, "how they came in stays"


@pytest.mark.parametrize("has_app", [True, False])
def test_whoever_is_asked_for_a_passkey_is_offered_their_app_if_they_have_one(
    app: Flask, *, has_app: bool
) -> None:
    add_passkey(app, INTAKE, "Phone")
    if not has_app:
        without_steps(app, INTAKE)
    browser = Browser(app)
    page = browser.follow(enter_password(browser, browser.get(LOGIN), INTAKE))
    if has_app:
        page = browser.follow(browser.post(page.path, token_of(page) | {"which": "webauthn"}))
    assert page.heading == "Use your passkey"
    assert ("Use a code from my app" in page.links) is has_app


# ---------------------------------------------------------------- what ends sessions (P7)


def test_a_copied_cookie_is_dead_after_sign_out(app: Flask, intake: Browser) -> None:
    cookie = intake.client.get_cookie("__Host-staff")
    assert cookie is not None
    thief = Browser(app)
    thief.client.set_cookie("__Host-staff", cookie.value)
    assert is_in(thief)
    intake.post("/staff/logout", token_of(intake.get(QUEUE)))
    thief.client.set_cookie("__Host-staff", cookie.value)
    assert not is_in(thief)


def change_password(app: Flask, here: Browser) -> None:
    _ = app
    page = here.get("/staff/change")
    typed = {"password": PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD}
    assert here.follow(here.post(page.path, token_of(page) | typed)).heading == "Your account"


def new_app(app: Flask, here: Browser) -> None:
    change(app, INTAKE, totp_counter=None)
    code, action = start_app(app, here)
    done = here.post(action, token_of(here.get("/staff/tf-setup")) | {"code": code})
    assert here.follow(done).heading == "Your account"


@pytest.mark.parametrize(
    ("act", "page"), [(change_password, "change_password"), (new_app, "two_factor_setup_validate")]
)
def test_a_new_password_or_second_step_ends_all_sessions_but_this(
    app: Flask, signed_in: SignedIn, act: Callable[[Flask, Browser], None], page: str
) -> None:
    here, elsewhere, colleague = signed_in(INTAKE), signed_in(INTAKE), signed_in("clinician@acme.example")
    act(app, here)
    assert (is_in(here), is_in(elsewhere), is_in(colleague)) == (True, False, True)
    assert ("sign_in_changed", change(app, INTAKE), {"page": f"security.{page}"}) in trail(app)


def test_signing_out_everywhere_ends_all_sessions_and_stands_in_the_trail(
    app: Flask, signed_in: SignedIn
) -> None:
    here, elsewhere, colleague = signed_in(INTAKE), signed_in(INTAKE), signed_in("clinician@acme.example")
    page = here.get(ACCOUNT)
    assert page.text.count("signed in") >= 1
    here.post(f"{ACCOUNT}/sign-out-everywhere", token_of(page))
    assert (is_in(here), is_in(elsewhere), is_in(colleague)) == (False, False, True)
    me = change(app, INTAKE)
    with at_clinic(app, "acme") as (session, _):
        (entry,) = list_entries(session, Wanted(what="signed_out"), limit=2)
        assert (entry.staff_id, entry.subject) == (me, str(me))


def test_other_roles_end_the_sessions(app: Flask, intake: Browser) -> None:
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        clinic = session.query(Clinic).filter_by(slug="acme").one()
        person = find_person(session, INTAKE)
        assert person is not None
        now = datetime.now(UTC)
        set_roles(session, staff_id=person.id, clinic_id=clinic.id, roles=["clinician"], now=now)
        session.commit()
    assert not is_in(intake)


def test_a_disabled_person_is_out_and_stays_out(app: Flask, intake: Browser) -> None:
    change(app, INTAKE, active=False)
    assert not is_in(intake)
    assert enter_password(Browser(app), Browser(app).get(LOGIN), INTAKE).status != 302


def test_a_reset_password_ends_all_sessions(app: Flask, intake: Browser) -> None:
    ask_for_reset(app, INTAKE)
    ((kind, _, path),) = mails(app)
    assert kind == "staff_reset"
    assert set_password(Browser(app), path).location == LOGIN
    assert not is_in(intake)
    changed = ("sign_in_changed", change(app, INTAKE), {"page": "security.reset_password"})
    assert trail(app)[-1] == changed
    assert signed_in_states(sign_in(Browser(app), INTAKE, NEW_PASSWORD)) == ["here", "ended"]


# ---------------------------------------------------------------- silence and age (P20)


def test_a_quarter_of_an_hour_of_silence_ends_the_session(app: Flask, intake: Browser) -> None:
    age(app, last_seen_at=timedelta(minutes=14, seconds=30))
    assert is_in(intake)
    age(app, last_seen_at=timedelta(minutes=14, seconds=30))
    assert is_in(intake), "being asked for a page is no silence"
    age(app, last_seen_at=timedelta(minutes=15))
    assert not is_in(intake)


def test_twelve_hours_end_the_session_whatever_was_done(app: Flask, intake: Browser) -> None:
    age(app, created_at=timedelta(hours=11, minutes=59))
    assert is_in(intake)
    assert intake.get("/desk/here").response.json["seconds"] < 61
    age(app, created_at=timedelta(minutes=1))
    assert not is_in(intake)


def test_asking_how_long_it_lasts_prolongs_nothing_and_staying_does(app: Flask, intake: Browser) -> None:
    age(app, last_seen_at=timedelta(minutes=13))
    told = intake.get("/desk/here").response.json
    assert 110 <= told["seconds"] <= 120
    assert intake.get("/desk/here").response.json["seconds"] <= 120
    stayed = intake.post("/desk/here", {"csrf_token": told["token"]}).response.json
    assert stayed["seconds"] > 890
    assert stayed["person"] == told["person"]
    age(app, last_seen_at=timedelta(minutes=15))
    assert intake.get("/desk/here").response.json == {"person": None}
    assert not is_in(intake)


# ---------------------------------------------------------------- nobody is told who has an account (P19)


def looks(page: Page) -> tuple[int, str, set[str]]:
    """What a stranger sees of an answer, but for what they typed themselves and the token."""
    source = re.sub(r'name="csrf_token" value="[^"]*"|value="[^"]*@[^"]*"', "", page.source)
    return page.status, source, {name for name, _ in page.headers}


def ask_for_reset(app: Flask, email: str) -> Page:
    browser = Browser(app)
    page = browser.get("/staff/reset")
    return browser.post(page.path, token_of(page) | {"email": email})


def set_password(browser: Browser, path: str, password: str = NEW_PASSWORD) -> Page:
    page = browser.get(path)
    if page.location:
        return page
    return browser.post(path, token_of(page) | {"password": password, "password_confirm": password})


@pytest.mark.parametrize("known", ["disabled", "invited", "active"])
def test_a_reset_looks_the_same_whoever_is_asked_for(app: Flask, known: str) -> None:
    change(app, INTAKE, active=known != "disabled")
    if known == "invited":
        change(app, INTAKE, password=None)
    assert looks(ask_for_reset(app, INTAKE)) == looks(ask_for_reset(app, NO_PERSON))
    assert [to for _, to, _ in mails(app)] == ([] if known == "disabled" else [INTAKE])


def test_whoever_belongs_to_no_clinic_has_none_to_send_a_reset(app: Flask) -> None:
    assert looks(ask_for_reset(app, "nobody@acme.example")) == looks(ask_for_reset(app, NO_PERSON))
    assert mails(app) == []


@pytest.mark.parametrize("known", ["disabled", "invited", "active"])
def test_a_wrong_password_looks_the_same_whoever_is_tried(app: Flask, known: str) -> None:
    change(app, INTAKE, active=known != "disabled")
    if known == "invited":
        change(app, INTAKE, password=None)
    pages = []
    for email in (INTAKE, NO_PERSON):
        browser = Browser(app)
        pages.append(looks(enter_password(browser, browser.get(LOGIN), email, "not the right one 123")))
    assert pages[0] == pages[1]


@pytest.mark.parametrize("path", [LOGIN, "/staff/reset"])
def test_an_address_that_no_database_can_hold_is_a_wrong_one(app: Flask, path: str) -> None:
    browser = Browser(app)
    form = token_of(browser.get(path)) | {"email": "in\0take@acme.example", "password": PASSWORD}
    # Not by the browser's own way: what was typed comes back, and is no HTML.
    answer = browser.client.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code in {200, 302}


@pytest.mark.sqlite_only("its triggers stand for a disk that is full")
def test_a_wrong_try_that_cannot_be_counted_is_told_as_the_database_is(app: Flask) -> None:
    browser = Browser(app)
    form = token_of(browser.get(LOGIN)) | {"email": INTAKE, "password": "not the right one 123"}
    with app.extensions["screener.database"].engine.begin() as connection:
        full = "BEFORE INSERT ON failed_tries BEGIN SELECT RAISE(FAIL, 'full'); END"
        connection.execute(text(f"CREATE TRIGGER full {full}"))
    # Not by the browser's own way, which takes no failure from us.
    answer = browser.client.post(LOGIN, data=form, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_waiting_looks_the_same_whoever_is_tried(app: Flask) -> None:
    pages: dict[str, list[tuple[int, str, set[str]]]] = {INTAKE: [], NO_PERSON: []}
    for email, seen in pages.items():
        for _ in range(6):
            browser = Browser(app)
            seen.append(looks(enter_password(browser, browser.get(LOGIN), email, "not the right one 123")))
    statuses = [[status for status, _, _ in seen] for seen in pages.values()]
    assert statuses[0] == statuses[1] == [200, 200, 200, 200, 429, 429]
    assert pages[INTAKE][0] == pages[NO_PERSON][0]


def go_on_failing(app: Flask) -> None:
    """As if whoever failed so far had done nothing else for an hour."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.execute(update(FailedTries).values(count=99))
        session.commit()


def test_the_right_password_after_too_many_tries_waits_too(app: Flask) -> None:
    browser = Browser(app)
    enter_password(browser, browser.get(LOGIN), INTAKE, "not the right one 123")
    go_on_failing(app)
    page = enter_password(browser, browser.get(LOGIN), INTAKE)
    assert (page.status, page.heading) == (429, "Please wait")
    assert 14 * 60 < int(page.headers["Retry-After"]) <= 15 * 60
    assert "Wait 15 minutes, then" in page.text


def test_a_reset_asked_for_again_and_again_waits_and_sends_no_more(app: Flask) -> None:
    assert ask_for_reset(app, INTAKE).status != 429
    go_on_failing(app)
    assert ask_for_reset(app, INTAKE).status == 429
    assert len(mails(app)) == 1
    assert is_in(sign_in(Browser(app), INTAKE)), "the password is counted apart"


def test_whoever_gets_in_begins_to_count_anew(app: Flask) -> None:
    for _ in range(2):
        for _ in range(3):
            browser = Browser(app)
            assert enter_password(browser, browser.get(LOGIN), INTAKE, "not the right one 123").status == 200
        sign_in(Browser(app), INTAKE)


def test_who_came_in_and_who_failed_stands_in_the_trail_of_the_clinic(app: Flask) -> None:
    browser = Browser(app)
    enter_password(browser, browser.get(LOGIN), INTAKE, "not the right one 123")
    page = browser.follow(enter_password(browser, browser.get(LOGIN), INTAKE))
    browser.post(page.path, token_of(page) | {"code": "000000"})
    sign_in(browser, INTAKE)
    ask_for_reset(app, INTAKE)
    assert trail(app)[-3:] == [
        ("sign_in_failed", None, {"page": "security.login"}),
        ("sign_in_failed", None, {"page": "security.two_factor_token_validation"}),
        ("signed_in", change(app, INTAKE), {"second_step": "code"}),
    ]


def test_a_reset_password_puts_out_whoever_stands_between_the_steps(app: Flask) -> None:
    halfway = Browser(app)
    page = halfway.follow(enter_password(halfway, halfway.get(LOGIN), INTAKE))
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    set_password(Browser(app), path)
    late = halfway.post(page.path, token_of(page) | {"code": next_code(app, INTAKE)})
    assert late.location.startswith(LOGIN)
    assert not is_in(halfway)


@pytest.mark.parametrize(
    ("path", "lost"), [("/desk/acme/people", True), ("/staff/logout", False), ("/desk/here", False)]
)
def test_only_whose_work_is_lost_by_a_sign_out_is_told_so(app: Flask, path: str, *, lost: bool) -> None:
    browser = Browser(app)
    browser.post(path, token_of(browser.get(LOGIN)))
    page = browser.get(LOGIN)
    told = [words(box) for box in page.all("p") if box.get("class") == "panel urgent"]
    assert told == ([NOTHING_SAVED] if lost else [])


def test_wrong_codes_make_wait_and_the_password_does_not_wipe_them(app: Flask) -> None:
    statuses = []
    for _ in range(3):
        browser = Browser(app)
        asked = enter_password(browser, browser.get(LOGIN), INTAKE)
        if asked.status == 429:
            statuses.append(429)
            continue
        page = browser.get(asked.location)
        statuses += [browser.post(page.path, token_of(page) | {"code": "000000"}).status for _ in range(2)]
    assert statuses == [200, 200, 200, 200, 429]


def test_signing_in_takes_as_long_for_a_stranger(installation: Installation) -> None:
    """With hashes that cost what they cost in earnest, or a fair part of it."""
    app = create_app(replace(installation.settings, password_memory_kib=4096))
    with app.app_context():
        hashed = hash_password(PASSWORD)
    change(app, INTAKE, password=hashed)
    taken: dict[str, list[float]] = {INTAKE: [], NO_PERSON: []}
    browser = Browser(app)
    token = token_of(browser.get(LOGIN))
    for _ in range(12):
        for email, times in taken.items():
            forget_failures(app)
            begun = process_time()
            browser.post(LOGIN, token | {"email": email, "password": "not the right one 123"})
            times.append(process_time() - begun)
    app.extensions["screener.database"].dispose()
    known, unknown = (median(times) for times in taken.values())
    # Of processor time, which other work on the machine does not change. Without a hash it is a tenth.
    assert 0.4 < known / unknown < 2.5, (known, unknown)


# ---------------------------------------------------------------- passwords and links


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short pass 123", "Use 15 to 128 characters."),
        ("a" * 129, "Use 15 to 128 characters."),
        ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("passwordpassword123", "easy to guess"),
        ("Acme headache clinic 12", "easy to guess"),
        ("intake@acme.example 1", "easy to guess"),
        # Their own names, of which one is the end of the other.
        ("Oyelaranzoe oyelaranzoe", "easy to guess"),
        ("Zoe loves headache Zoe", "easy to guess"),
        ("Wexlerbrook Institute 12", "easy to guess"),
    ],
)
def test_a_weak_password_is_refused_with_the_reason(app: Flask, password: str, said: str) -> None:
    change(app, INTAKE, name="Zoe Oyelaranzoe")
    with at_clinic(app, "acme") as (session, clinic):
        clinic.name = "Wexlerbrook Institute"
        session.commit()
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    page = set_password(Browser(app), path, password)
    assert page.status == 200
    assert any(said in line for line in page.problems), page.problems
    assert password not in page.source


@pytest.mark.parametrize(
    "password",
    [
        NEW_PASSWORD,
        (NEW_PASSWORD * 4)[:128],
        "ñandú tranvía ocho limón",
        "tmqzkrwplxvnbdgh",
        "september mornings",
    ],
)
def test_a_long_password_of_any_kind_will_do(app: Flask, password: str) -> None:
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    page = set_password(Browser(app), path, password)
    assert (page.location, page.status) == (LOGIN, 302), page.problems
    browser = Browser(app)
    assert enter_password(browser, browser.get(LOGIN), INTAKE, password).status == 302


def test_the_password_is_changed_by_whoever_knows_the_old_one(intake: Browser) -> None:
    page = intake.get("/staff/change")
    typed = {"password": NEW_PASSWORD, "new_password": NEW_PASSWORD, "new_password_confirm": NEW_PASSWORD}
    assert "This password is not right." in intake.post(page.path, token_of(page) | typed).text


def test_passwords_lie_as_argon2id(app: Flask) -> None:
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), INTAKE)
        assert person is not None
        # The tests' own memory, so that they are fast.
        assert str(person.password).startswith("$argon2id$v=19$m=64,t=2,p=1$")
    assert Settings().password_memory_kib >= 19 * 1024


def test_password_fields_are_masked_and_open_to_managers(app: Flask, intake: Browser) -> None:
    ask_for_reset(app, INTAKE)
    ((_, _, reset),) = mails(app)
    nobody = Browser(app)
    for page in (
        nobody.get(LOGIN),
        nobody.get(reset),
        intake.get("/staff/change"),
        intake.get("/staff/verify"),
    ):
        fields = [field for field in page.all("input") if "password" in field.get("name", "")]
        assert fields, page.path
        for field in fields:
            assert field.get("type") == "password"
            assert field.get("autocomplete") in {"current-password", "new-password"}
            assert not field.get("value")


def test_a_link_works_once_and_a_later_one_with_it(app: Flask) -> None:
    ask_for_reset(app, INTAKE)
    ask_for_reset(app, INTAKE)
    first, second = [path for _, _, path in mails(app)]
    assert set_password(Browser(app), second).location == LOGIN
    for path in (first, second):
        page = set_password(Browser(app), path, "another violin under lemons")
        assert page.location == "/staff/reset"


@pytest.mark.parametrize(("hours", "works"), [(0.9, True), (1.1, False), (71, False)])
def test_a_reset_link_lives_an_hour(
    app: Flask, monkeypatch: pytest.MonkeyPatch, hours: float, *, works: bool
) -> None:
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    later(monkeypatch, hours)
    browser = Browser(app)
    page = set_password(browser, path)
    assert page.location == (LOGIN if works else "/staff/reset")
    if not works:
        assert browser.follow(page).text.count("This link is too old. Ask for a new one.") == 1


@pytest.mark.parametrize(("hours", "works"), [(71, True), (73, False)])
def test_an_invitation_lives_three_days(
    app: Flask, monkeypatch: pytest.MonkeyPatch, hours: float, *, works: bool
) -> None:
    change(app, INTAKE, password=None)
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    later(monkeypatch, hours)
    assert set_password(Browser(app), path).location == (LOGIN if works else "/staff/reset")


def later(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """As the clock of signed links sees it."""
    from itsdangerous import TimestampSigner  # noqa: PLC0415 - only its clock is moved

    now = TimestampSigner.get_timestamp
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: now(self) + int(hours * 3600))


def test_a_forged_link_opens_nothing(app: Flask) -> None:
    ask_for_reset(app, INTAKE)
    ((_, _, path),) = mails(app)
    other = "y" if path[-9] == "x" else "x"
    for forged in (path[:-9] + path[-8:], path + "x", path[:-9] + other + path[-8:], "/staff/reset/x"):
        assert set_password(Browser(app), forged).location == "/staff/reset"


# ---------------------------------------------------------------- being asked again


def test_changing_who_comes_in_asks_again_after_ten_minutes(
    app: Flask, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = signed_in(ADMIN)
    places = ["/desk/acme/people", "/staff/tf-setup", "/staff/wan-register", "/staff/mf-recovery-codes"]
    for place in places:
        assert admin.get(place).status == 200
    assert app.config["SECURITY_FRESHNESS"] == timedelta(minutes=10)
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS", timedelta(microseconds=1))
    for place in places:
        asked = admin.get(place)
        assert asked.location.startswith("/staff/verify")
    page = admin.get(asked.location)
    refused = admin.post(page.path, token_of(page) | {"password": "not the right one 123"})
    assert refused.problems == ["This password is not right."]
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS", timedelta(minutes=10))
    again = admin.post(page.path, token_of(page) | {"password": PASSWORD})
    assert again.location == places[-1]


def test_an_account_without_a_clinic_still_keeps_its_own_page(signed_in: SignedIn) -> None:
    page = signed_in("nobody@acme.example").get(ACCOUNT)
    assert page.heading == "Your account"


def signed_in_states(browser: Browser) -> list[str]:
    """What the account page says of each sign-in, the newest first."""
    return [words(row).split()[-1] for row in browser.get(ACCOUNT).all("tr")[1:]]


def test_the_account_page_shows_where_one_signed_in(signed_in: SignedIn) -> None:
    first, second = signed_in(INTAKE), signed_in(INTAKE)
    first.post("/staff/logout", token_of(first.get(QUEUE)))
    assert signed_in_states(second) == ["here", "ended"]


def test_everybody_may_sign_in_and_out(app: Flask) -> None:
    for email in STAFF:
        browser = sign_in(Browser(app), email)
        out = browser.post("/staff/logout", token_of(browser.get(ACCOUNT)))
        assert out.location == LOGIN
        assert browser.get(ACCOUNT).location.startswith(LOGIN)


def test_a_session_of_another_person_does_not_fit_the_row(app: Flask, signed_in: SignedIn) -> None:
    """Whose row it is decides, not what else the cookie says."""
    browser = signed_in(INTAKE)
    theirs = change(app, "clinician@acme.example")
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.execute(update(StaffSession).values(staff_id=theirs))
        session.commit()
    assert not is_in(browser)


def test_a_second_step_asked_for_twice_is_taken_once(app: Flask) -> None:
    browser = Browser(app)
    asked = enter_password(browser, browser.get(LOGIN), INTAKE)
    assert take_second_step(browser, asked, INTAKE).location == "/desk/"
    assert browser.get(asked.location).location == "/desk/"


@pytest.mark.parametrize("token", ["", "forged"])
def test_a_form_with_a_forged_token_signs_nobody_in_and_mails_nothing(app: Flask, token: str) -> None:
    browser = Browser(app)
    for path in ("/staff/login", "/staff/reset"):
        sent = {**token_of(browser.get(path)), "csrf_token": token}
        sent |= {"email": "intake@acme.example", "password": PASSWORD}
        assert browser.post(path, sent).status == 400
    assert browser.get("/desk/").location.startswith("/staff/login")


def test_a_page_that_was_left_open_for_a_day_still_signs_in(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app)
    page = browser.get(LOGIN)
    later(monkeypatch, 24)
    assert enter_password(browser, page, INTAKE).location.startswith("/staff/tf-validate")


def test_pages_are_pages_whatever_a_program_says_it_would_rather_have(app: Flask) -> None:
    browser = Browser(app)
    page = browser.get(LOGIN, headers={"Accept": "application/json"})
    assert page.heading
    assert enter_password(browser, page, INTAKE).location
    assert browser.get(ACCOUNT, headers={"Accept": "application/json"}).location.startswith(LOGIN)
