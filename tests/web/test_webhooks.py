"""Webhooks: a clinic's system is told what happens, signed, without a patient's data, and nobody else is."""

from __future__ import annotations

import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme
from builders import CONTACT
from click.testing import CliRunner
from conftest import Installation, add_person, settings_of
from flask import Flask
from sqlalchemy import select, update
from standardwebhooks import Webhook, WebhookVerificationError
from web import receiver as receivers
from web.client import Browser, Page
from web.receiver import Receiver, answer, open_receiver, trust
from web.test_settings import KEYS
from web.walking import SignedIn, answers_but, at_clinic, count_rows, move, send_all, sign_in, token_of

from screener import create_app
from screener.settings import ROOT, SettingsError, load_settings
from screener.store.outbox import MOST_TRIES
from screener.store.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent
from screener.store.webhooks import EVENTS, TEST, Parcel, body_of, get_endpoint, send_test
from screener.web import courier
from screener.web.cli import main
from screener.web.courier import Courier, NotTakenError, hand_over, signed
from screener.web.deliver import Carrier, run_beside

WEBHOOKS = "/desk/acme/webhooks"
ADMIN = "admin@acme.example"
CANARY = "Quetzalcoatlus"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def receiver(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("SSL_CERT_FILE", trust(authority, tmp_path))
    with open_receiver(authority) as receiver:
        yield receiver


def app_with(installation: Installation, hosts: str, **settings: str) -> Flask:
    """The same installation; only a demo speaks with this very machine."""
    return create_app(replace(installation.settings, webhook_hosts=hosts, **settings))


@pytest.fixture
def telling(installation: Installation, receiver: Receiver) -> Iterator[Flask]:
    app = app_with(installation, f"hooks.example.org, *.example.net, localhost:{receiver.port}", demo="yes")
    yield app
    app.extensions["screener.database"].dispose()


@pytest.fixture
def admin(telling: Flask) -> Browser:
    return sign_in(Browser(telling), ADMIN)


def form_of(admin: Browser, path: str = WEBHOOKS) -> dict[str, Any]:
    """What its hidden fields say, of the form that adds one or sends a test."""
    page = admin.get(path)
    (once,) = {e.get("value") for e in page.all("input") if e.get("name") == "once"}
    return token_of(page) | {"once": once}


def add(admin: Browser, address: str, events: tuple[str, ...] = EVENTS) -> Page:
    return admin.post(WEBHOOKS, form_of(admin) | {"address": address, "events": list(events)})


def secret_on(page: Page) -> str:
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", page.text)
    return str(secret)


def place_of(app: Flask) -> str:
    """The page of the only one there is."""
    with at_clinic(app, "acme") as (session, _):
        return f"{WEBHOOKS}/{session.scalars(select(WebhookEndpoint.id)).one()}"


def deliver(app: Flask) -> None:
    Courier(app).run(once=True)


def hurry(app: Flask) -> None:
    """As if the waits were over."""
    with at_clinic(app, "acme") as (session, _):
        now = datetime.now(UTC)
        session.execute(update(WebhookDelivery).values(due_at=now))
        session.execute(update(WebhookEndpoint).values(rests_until=None))
        session.commit()


def press(admin: Browser, place: str, what: str, **sent: object) -> Page:
    return admin.post(f"{place}/{what}", token_of(admin.get(place)) | sent)


def log_of(admin: Browser, place: str) -> list[str]:
    """The lines of the log, without when it was."""
    rows = [row for table in admin.get(place).all("tbody") for row in table.iter("tr")]
    return [" ".join(" ".join("".join(cell.itertext()).split()) for cell in list(row)[1:6]) for row in rows]


# ---------------------------------------------------------------- what arrives


@pytest.mark.both_databases
def test_a_request_and_its_decision_arrive_signed_and_say_nothing_of_the_patient(
    telling: Flask, admin: Browser, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    secret = secret_on(add(admin, f"{receiver.address}/{CANARY}?key=a|b"))
    contact = CONTACT | {"contact_name": f"{CANARY} Name"}
    reference = send_all(Browser(telling), telling, answers=answers_but(own_words=CANARY), contact=contact)
    intake = sign_in(Browser(telling), "intake@acme.example")
    assert move(intake, reference, to_state="in_review").status == 303
    assert receiver.got == []
    deliver(telling)
    told = [Webhook(secret).verify(got.body, got.headers) for got in receiver.got]
    assert [(one["type"], one["data"]) for one in told] == [
        ("request.received", {"clinic": "acme", "reference": reference, "state": "new"}),
        ("request.state_changed", {"clinic": "acme", "reference": reference, "state": "in_review"}),
    ]
    for got, one in zip(receiver.got, told, strict=True):
        assert (got.path, got.headers["webhook-id"]) == (f"/hook/{CANARY}?key=a%7Cb", one["id"])
        assert got.headers["host"] == f"localhost:{receiver.port}"
        assert "cookie" not in got.headers
        assert CANARY not in got.body.decode() + json.dumps({**got.headers, "path": ""})
    assert CANARY not in caplog.text
    assert reference not in caplog.text
    place = place_of(telling)
    assert [line.split()[0] for line in log_of(admin, place)] == ["request.state_changed", "request.received"]
    assert all("delivered" in line and line.endswith("1 204") for line in log_of(admin, place))
    deliver(telling)
    assert len(receiver.got) == 2


def test_a_killed_worker_sends_again_what_arrived_with_the_same_id(
    telling: Flask, admin: Browser, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = secret_on(add(admin, receiver.address))
    press(admin, place_of(telling), "test")

    def die(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as killed:
        killed.setattr(courier, "mark_delivered", die)
        with pytest.raises(SystemExit):
            deliver(telling)
    deliver(telling)
    assert len(receiver.got) == 1, "its lease holds"
    with at_clinic(telling, "acme") as (session, _):
        session.execute(update(WebhookDelivery).values(leased_until=datetime.now(UTC)))
        session.commit()
    deliver(telling)
    first, again = [Webhook(secret).verify(got.body, got.headers) for got in receiver.got]
    assert first == again


FAULTS: dict[str, tuple[receivers.Reply, str]] = {
    "500": (answer(500), "500"),
    "404": (answer(404), "404"),
    "redirect": (answer(307, Location="https://localhost/elsewhere"), "307: it led elsewhere"),
    "silence": (receivers.keep_silent, "No answer within 10 seconds"),
    "drip": (receivers.drip, "No answer within 10 seconds"),
    "dropped": (receivers.hang_up, "The connection failed or was cut"),
    "rubbish": (receivers.talk_rubbish, "The connection failed or was cut"),
    "endless headers": (receivers.answer_with_endless_headers, "The connection failed or was cut"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_message_that_fails_is_kept_says_why_and_arrives_later_with_its_id(
    telling: Flask, admin: Browser, receiver: Receiver, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply, why = FAULTS[fault]
    receiver.replies = [reply]
    add(admin, receiver.address)
    place = place_of(telling)
    press(admin, place, "test")
    with monkeypatch.context() as impatient:
        if fault in {"silence", "drip"}:
            impatient.setattr(courier, "SECONDS", 1.5)
        deliver(telling)
    (line,) = log_of(admin, place)
    assert "waiting" in line
    assert "next try" in line
    assert f"1 {why}" in line
    assert "Nothing reaches it since" in admin.get(place).text
    assert "failing" in admin.get(WEBHOOKS).text
    deliver(telling)
    assert len(receiver.got) == 1, "no redirect is followed, and nothing is tried before its time"
    hurry(telling)
    deliver(telling)
    assert "delivered" in log_of(admin, place)[0]
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    assert "Nothing reaches it since" not in admin.get(place).text


def test_a_huge_answer_is_not_read(telling: Flask, admin: Browser, receiver: Receiver) -> None:
    receiver.replies = [receivers.answer_hugely]
    add(admin, receiver.address)
    press(admin, place_of(telling), "test")
    deliver(telling)
    assert "delivered" in log_of(admin, place_of(telling))[0]


def test_a_certificate_for_another_name_or_by_an_unknown_authority_is_refused(
    telling: Flask, authority: trustme.CA, receiver: Receiver
) -> None:
    for other, name in ((trustme.CA(), "localhost"), (authority, "elsewhere.example")):
        with open_receiver(other, name) as unknown:
            settings = replace(
                telling.extensions["screener.settings"], webhook_hosts=f"localhost:{unknown.port}"
            )
            with pytest.raises(NotTakenError, match="certificate"):
                hand_over(parcel(unknown.address), settings)
            assert unknown.got == []
    assert hand_over(parcel(receiver.address), telling.extensions["screener.settings"]) == 204


def parcel(address: str) -> Parcel:
    return Parcel(UUID(int=1), address, ["whsec_" + "c2VjcmV0" * 4], "{}")


# ---------------------------------------------------------------- where nothing is sent


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "Begin with https"),
        ("http://hooks.example.org/", "Begin with https"),
        ("ftp://hooks.example.org/", "Begin with https"),
        ("https://", "Enter an address like"),
        ("https://hooks.example.org:99999/", "Enter an address like"),
        ("https://hooks.example.org/a b", "Enter an address like"),
        ("https://hooks.example.org/\\@evil.example", "Enter an address like"),
        ("https://hooks.example.org/#here", "Leave out the #"),
        ("https://hooks.example.org/" + "x" * 500, "characters at most"),
        ("https://hooks.example.org:8443/", "not among the hosts"),
        ("https://evil.example/", "not among the hosts"),
        ("https://example.net/", "not among the hosts"),
        ("https://evilexample.net/", "not among the hosts"),
        ("https://hooks.example.org.evil.example/", "not among the hosts"),
        ("https://user:pass@hooks.example.org/", "before the @"),
        ("https://hooks.example.org@169.254.169.254/", "before the @"),
        ("https://169.254.169.254/latest/meta-data", "not among the hosts"),
        ("https://127.0.0.1/", "not among the hosts"),
        ("https://0177.0.0.1/", "not among the hosts"),
        ("https://0x7f.0.0.1/", "not among the hosts"),
        ("https://2130706433/", "Enter an address like"),
        ("https://[::1]/", "Enter an address like"),
        ("https://[::ffff:127.0.0.1]/", "Enter an address like"),
        ("https://[fc00::1]/", "Enter an address like"),
        ("https://localhost./", "not among the hosts"),
        ("https://127。0。0。1/", "not among the hosts"),
        ("https://evil。example/", "not among the hosts"),
        ("https://[bad/", "Enter an address like"),
    ],
)
def test_an_address_that_is_not_valid_or_not_allowed_is_refused_and_kept_on_the_page(
    refusing: Browser, address: str, said: str
) -> None:
    page = add(refusing, address)
    assert page.status == 422
    (problem,) = page.problems
    assert said in problem
    assert page.form["address"] == [address.strip()]
    assert count_rows(refusing.client.application, WebhookEndpoint) == 0


@pytest.fixture(scope="module")
def refusing(made: Any) -> Iterator[Browser]:
    """One administrator for all that is refused: nothing of it stays."""
    with made.copy() as installation:
        app = app_with(installation, "hooks.example.org, *.example.net")
        yield sign_in(Browser(app), ADMIN)
        app.extensions["screener.database"].dispose()


def test_an_address_is_kept_as_browsers_write_it(refusing: Browser) -> None:
    for typed in ("https://HOOKS。Example.org.:443/a", "https://a.b.example.net"):
        page = add(refusing, typed)
        assert page.status == 200
        shown = "https://hooks.example.org/a" if "HOOKS" in typed else "https://a.b.example.net/"
        assert shown in page.text
    app = refusing.client.application
    with at_clinic(app, "acme") as (session, _):
        for row in session.scalars(select(WebhookEndpoint)):
            session.delete(row)
        session.commit()


INSIDE = [
    "127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fc00::1", "64:ff9b::7f00:1",
]  # fmt: skip


def names(*each: list[str]) -> Callable[..., object]:
    """A name server that says something else each time."""
    left = list(each)

    def resolve(_host: str, port: int, **_about: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

    return resolve


@pytest.mark.parametrize("found", [*([one] for one in INSIDE), ["93.184.215.14", "10.0.0.1"]])
def test_an_allowed_name_that_leads_inside_is_not_called(
    app: Flask, monkeypatch: pytest.MonkeyPatch, found: list[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", names(found))
    monkeypatch.setattr(socket, "create_connection", lambda *_a, **_k: pytest.fail("it was called"))
    settings = replace(app.extensions["screener.settings"], webhook_hosts="*.example.net")
    with pytest.raises(NotTakenError, match="private"):
        hand_over(parcel("https://hooks.example.net/"), settings)


@pytest.mark.parametrize("host", ["2130706433", "017700000001", "0x7f000001", "127.1", "localhost"])
def test_this_machine_is_not_called_however_it_is_written_even_if_it_is_allowed(
    app: Flask, host: str
) -> None:
    settings = replace(app.extensions["screener.settings"], webhook_hosts=host)
    with pytest.raises(NotTakenError, match="private"):
        hand_over(parcel(f"https://{host}/"), settings)


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []

    def connect(address: object, **_about: object) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setattr(socket, "getaddrinfo", names(["93.184.215.14"], ["127.0.0.1"]))
    monkeypatch.setattr(socket, "create_connection", connect)
    settings = replace(app.extensions["screener.settings"], webhook_hosts="hooks.example.net")
    with pytest.raises(NotTakenError, match="connection"):
        hand_over(parcel("https://hooks.example.net/"), settings)
    assert called == [("93.184.215.14", 443)], "no name is looked up a second time, and no proxy asked"


def test_a_host_that_is_allowed_no_more_is_told_nothing_and_the_page_says_so(
    installation: Installation, telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    place = place_of(telling)
    press(admin, place, "test")
    later = app_with(installation, "", demo="yes")
    deliver(later)
    assert receiver.got == []
    browser = sign_in(Browser(later), ADMIN)
    assert "does not allow that host any more" in browser.get(place).text
    assert "This installation does not allow the host any more" in log_of(browser, place)[0]
    later.extensions["screener.database"].dispose()


@pytest.mark.parametrize(
    "hosts", ["*", "https://hooks.example.org", "*.org", "a b", "hooks.example.org/x", "x:*", "'self'"]
)
def test_a_setting_that_would_allow_more_than_names_is_refused(tmp_path: Path, hosts: str) -> None:
    with pytest.raises(SettingsError, match="SCREENER_WEBHOOK_HOSTS"):
        load_settings(KEYS | {"SCREENER_WEBHOOK_HOSTS": hosts}, instance=tmp_path)
    fine = load_settings(KEYS | {"SCREENER_WEBHOOK_HOSTS": "A.example.org:8443, *.b.org"}, instance=tmp_path)
    assert fine.webhook_targets == ["a.example.org:8443", "*.b.org"]


# ---------------------------------------------------------------- the page


def test_where_no_host_is_allowed_the_page_says_whom_to_ask(signed_in: SignedIn) -> None:
    browser = signed_in(ADMIN)
    page = browser.get(WEBHOOKS)
    assert "None is set up yet." in page.text
    assert "SCREENER_WEBHOOK_HOSTS" in page.text
    assert page.asked == []
    sent = token_of(page) | {"address": "https://hooks.example.org/", "events": ["history.signed"]}
    assert browser.post(WEBHOOKS, sent).status == 422


def test_a_secret_is_shown_once_and_a_double_click_adds_one(
    telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    sent = form_of(admin) | {"address": receiver.address, "events": ["request.received"]}
    first, second = admin.post(WEBHOOKS, sent), admin.post(WEBHOOKS, sent)
    assert secret_on(first) == secret_on(second)
    assert count_rows(telling, WebhookEndpoint) == 1
    place = place_of(telling)
    for path in (WEBHOOKS, place):
        assert "whsec_" not in admin.get(path).text
    assert receiver.address in admin.get(WEBHOOKS).links
    nothing = admin.post(WEBHOOKS, form_of(admin) | {"address": receiver.address})
    assert (nothing.status, nothing.problems) == (422, ["Choose at least one event."])


def test_after_a_new_secret_both_hold(telling: Flask, admin: Browser, receiver: Receiver) -> None:
    old = secret_on(add(admin, receiver.address))
    place = place_of(telling)
    pages = [press(admin, place, "secret", seen="1") for _ in range(2)]
    new = secret_on(pages[0])
    assert new == secret_on(pages[1])
    assert new != old
    press(admin, place, "test")
    deliver(telling)
    (got,) = receiver.got
    for secret in (old, new):
        assert Webhook(secret).verify(got.body, got.headers)["type"] == TEST
    refused = press(admin, place, "secret", seen="7")
    assert (refused.status, "whsec_" in refused.text) == (409, False)


def test_what_killed_its_worker_each_time_is_given_up_and_can_be_sent_again(
    telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    place = place_of(telling)
    press(admin, place, "test")
    with at_clinic(telling, "acme") as (session, _):
        session.execute(update(WebhookDelivery).values(attempts=MOST_TRIES))
        session.commit()
    deliver(telling)
    assert receiver.got == []
    (line,) = log_of(admin, place)
    assert "given up" in line
    assert "stopped the worker each time" in line
    press(admin, place, "replay", since="all")
    deliver(telling)
    assert len(receiver.got) == 1


def test_each_button_does_its_work_once_and_the_trail_tells_it(
    telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    place = place_of(telling)
    receiver.replies = [answer(500)]
    once = form_of(admin, place)
    for _ in range(2):
        assert admin.post(f"{place}/test", once).location == place
    assert count_rows(telling, WebhookEvent) == 1
    deliver(telling)
    with at_clinic(telling, "acme") as (session, _):
        session.execute(update(WebhookDelivery).values(failed_at=datetime.now(UTC) - timedelta(hours=2)))
        session.commit()
    assert "given up" in log_of(admin, place)[0]
    assert "0 messages go" in admin.follow(press(admin, place, "replay", since="hour")).text
    assert "1 message goes" in admin.follow(press(admin, place, "replay", since="day")).text
    deliver(telling)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    with at_clinic(telling, "acme") as (session, _):
        (delivery_id,) = session.scalars(select(WebhookDelivery.id)).all()
    for _ in range(2):
        assert press(admin, place, "replay", delivery=str(delivery_id)).status == 303
    deliver(telling)
    assert len(receiver.got) == 3
    saved = admin.post(place, token_of(admin.get(place)) | {"events": ["history.signed"]})
    assert "Saved" in admin.follow(saved).text
    assert admin.post(place, token_of(admin.get(place))).problems == ["Choose at least one event."]
    press(admin, place, "switch", to="off")
    assert "It is off since" in admin.get(place).text
    assert press(admin, place, "test").status == 409
    press(admin, place, "switch", to="on")
    token = token_of(admin.get(place))
    for _ in range(2):
        assert "That webhook is removed." in admin.follow(admin.post(f"{place}/remove", token)).text
    assert admin.get(place).status == 404
    trail = admin.get("/desk/acme/audit").text
    for words in (
        "Added a webhook",
        f"host: localhost {receiver.port}",
        "Sent a webhook a test",
        "Sent messages of a webhook again",
        "Changed what a webhook is told",
        "Turned a webhook off",
        "Turned a webhook on",
        "Removed a webhook",
    ):
        assert words in trail
    assert "/hook" not in trail


def test_one_that_was_paused_says_so_and_goes_on_when_turned_on(
    telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    place = place_of(telling)
    receiver.replies = [answer(500), answer(500)]
    press(admin, place, "test")
    deliver(telling)
    with at_clinic(telling, "acme") as (session, _):
        session.execute(update(WebhookEndpoint).values(failing_since=datetime.now(UTC) - timedelta(days=3)))
        session.commit()
    hurry(telling)
    deliver(telling)
    assert "so we stopped trying" in admin.get(place).text
    assert "paused" in admin.get(WEBHOOKS).text
    assert "The worker" in admin.get("/desk/acme/audit?what=webhook_paused").text
    hurry(telling)
    deliver(telling)
    assert len(receiver.got) == 2
    press(admin, place, "switch", to="on")
    deliver(telling)
    assert "delivered" in log_of(admin, place)[0]
    assert "Nothing reaches it" not in admin.get(place).text


def test_the_log_has_pages(telling: Flask, admin: Browser, receiver: Receiver) -> None:
    add(admin, receiver.address)
    place = place_of(telling)
    with at_clinic(telling, "acme") as (session, _):
        endpoint = get_endpoint(session, UUID(place.rpartition("/")[2]))
        for number in range(26):
            send_test(session, endpoint, staff_id=1, key=str(number), now=datetime.now(UTC))
        session.commit()
    page = admin.get(place)
    older = admin.get(page.links["Older messages"].split("#")[0])
    assert [len(log_of(admin, where)) for where in (place, older.path)] == [25, 1]
    assert older.links["Newest"] == f"{place}#log"
    assert admin.get(f"{place}?before={UUID(int=0)}").text.count("Nothing is older.") == 1
    assert admin.get(f"{place}?before=nonsense").status == 404


def test_another_clinics_webhook_is_no_webhook(telling: Flask, admin: Browser, receiver: Receiver) -> None:
    add(admin, receiver.address)
    foreign = place_of(telling).replace("acme", "other")
    assert admin.get(foreign).status == 404
    with at_clinic(telling, "other") as (session, clinic):
        add_person(telling, "admin@other.example", clinic.id, ["clinic_admin"])
        session.commit()
    stranger = sign_in(Browser(telling), "admin@other.example")
    token = token_of(stranger.get("/desk/other/webhooks"))
    unknown = f"/desk/other/webhooks/{UUID(int=5)}"
    for place in (foreign, unknown):
        assert stranger.get(place).status == 404
        for what in ("test", "switch", "secret", "replay", "remove"):
            assert stranger.post(f"{place}/{what}", token).status == 404
    assert count_rows(telling, WebhookEndpoint) == 1


def test_the_worker_needs_no_mail_server_for_webhooks(
    installation: Installation, telling: Flask, admin: Browser, receiver: Receiver
) -> None:
    add(admin, receiver.address)
    press(admin, place_of(telling), "test")
    settings = replace(installation.settings, webhook_hosts=f"localhost:{receiver.port}", demo="yes")
    told = CliRunner().invoke(main, ["deliver", "--once"], env=settings_of(settings))
    assert told.exit_code == 0, told.output
    assert len(receiver.got) == 1


def test_one_worker_that_breaks_stops_the_others(app: Flask) -> None:
    class Idle(Carrier):
        def deliver_next(self) -> bool:
            return False

    class Broken(Carrier):
        def deliver_next(self) -> bool:
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        run_beside([Idle(app), Broken(app)])


# ---------------------------------------------------------------- the manual


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "webhooks.md").read_text(), re.DOTALL)


def test_the_manuals_examples_are_what_is_sent() -> None:
    seen = []
    for block in blocks("json"):
        said = json.loads(block)
        event = WebhookEvent(
            id=UUID(said["id"]),
            type=said["type"],
            at=datetime.fromisoformat(said["timestamp"]),
            reference=said["data"].get("reference"),
            state=said["data"].get("state"),
        )
        assert body_of(event, said["data"]["clinic"]) == block.strip()
        seen.append(said["type"])
    assert seen == [*EVENTS, TEST]


@pytest.mark.parametrize("snippet", blocks("python"))
def test_the_manuals_snippets_tell_our_messages_from_others(snippet: str) -> None:
    told: dict[str, Any] = {}
    exec(snippet, told)
    read, ours = told["read_event"], parcel("")
    headers = signed(ours, datetime.now(UTC))
    assert read(ours.secrets[0], headers, b"{}") == {}
    other = "whsec_" + "b3RoZXIh" * 4
    both = signed(replace(ours, secrets=[other, *ours.secrets]), datetime.now(UTC))
    assert read(ours.secrets[0], both, b"{}") == {}
    refused = (ValueError, WebhookVerificationError)
    for secret, sent, body in (
        (other, headers, b"{}"),
        (ours.secrets[0], headers, b'{"a":1}'),
        (ours.secrets[0], headers | {"webhook-id": "x"}, b"{}"),
        (ours.secrets[0], signed(ours, datetime.now(UTC) - timedelta(minutes=6)), b"{}"),
    ):
        with pytest.raises(refused):
            read(secret, sent, body)
