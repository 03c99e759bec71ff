"""Mail: it leaves once, to the right person, says nothing of health, and survives what mail servers do."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from builders import CONTACT, EVERY_PAGE
from click.testing import CliRunner
from conftest import Installation
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import select, update
from web.client import Browser
from web.post_office import DRIP, HANG_UP, SILENCE, PostOffice, open_line, open_post_office
from web.test_settings import KEYS
from web.walking import add_requests, answers_but, at_clinic, contact_but, plant, reference_on

from screener import create_app
from screener.domain.notices import DISCLAIMER
from screener.settings import ROOT, SettingsError, load_settings
from screener.store.outbox import add_mail
from screener.store.tables import Consultation, OutboxMessage
from screener.web.cli import main
from screener.web.deliver import Patience, Worker
from screener.web.demo_mail import catch_mail
from screener.web.languages import read_catalogue
from screener.web.ports import free_port

SENDER = "Front desk <desk@acme.example>"
CANARY = "Quetzalcoatlus"
NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def app_with(installation: Installation, url: str, **settings: str) -> Flask:
    """The same installation, with mail set up."""
    about = {"smtp_url": url, "mail_from": SENDER, "base_url": "https://screen.example.org"} | settings
    return create_app(replace(installation.settings, **about))


@contextmanager
def posting(installation: Installation, office: PostOffice) -> Iterator[Flask]:
    """The same, by this post office; let go in the end."""
    app = app_with(installation, f"smtp+plain://127.0.0.1:{office.port}")
    try:
        yield app
    finally:
        app.extensions["screener.database"].dispose()


@pytest.fixture
def mailing(installation: Installation, office: PostOffice) -> Iterator[Flask]:
    with posting(installation, office) as app:
        yield app


def deliver(app: Flask) -> None:
    Worker(app).run(once=True)


def owe(app: Flask, number: int = 1, **changes: Any) -> None:
    values = {"clinic": "Acme", "reference": "0123456789", "link": "https://x.example/r/1", "phone": "555"}
    about: dict[str, Any] = {"to": "pat@example.com", "language": "en", "values": values} | changes
    with at_clinic(app, "acme") as (session, _):
        for _ in range(number):
            add_mail(session, "request_received", due_at=NOW, now=NOW, **about)
        session.commit()


def outbox(app: Flask, kind: str = "request_received") -> list[OutboxMessage]:
    with at_clinic(app, "acme") as (session, _):
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == kind)))


def outcome(app: Flask) -> tuple[bool, bool, str | None]:
    """Of the one mail: whether it was sent, whether given up, and the last failure."""
    (row,) = outbox(app)
    return row.sent_at is not None, row.failed_at is not None, row.last_error


def make_due(app: Flask) -> None:
    """As if the wait, or the lease of a dead worker, had run out."""
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(OutboxMessage).values(due_at=NOW, leased_until=None))
        session.commit()


# ---------------------------------------------------------------- the confirmation


def send(app: Flask, browser: Browser, **contact: object) -> str:
    receipt = browser.follow(plant(browser, app, answers_but()).send(contact_but(**contact)))
    return reference_on(receipt)


def test_who_asked_in_spanish_is_answered_in_spanish(mailing: Flask, office: PostOffice) -> None:
    browser = Browser(mailing)
    browser.follow(plant(browser, mailing, answers_but(), language="es").send(CONTACT))
    deliver(mailing)
    (message,) = office.caught
    spanish = read_catalogue("es").gettext
    assert message["Subject"] == spanish("Your request")
    body = " ".join(message.get_content().split())
    assert spanish("The clinic contacts you in the way you chose.") in body
    assert spanish(DISCLAIMER) in body
    # And the next one in English again: one worker writes to everybody.
    owe(mailing)
    deliver(mailing)
    assert office.caught[-1]["Subject"] == "Your request"


def test_who_gave_an_address_gets_the_reference_and_the_way_to_the_receipt(
    mailing: Flask, office: PostOffice
) -> None:
    browser = Browser(mailing)
    reference = send(mailing, browser)
    deliver(mailing)
    assert office.recipients == ["pat@example.com"]
    (message,) = office.caught
    assert (message["Subject"], message["To"]) == ("Your request", "pat@example.com")
    assert message["From"] == SENDER
    assert "Your request reached Acme Clinic." in office.text()
    assert f"Reference: {reference}" in office.text()
    assert "call 911" in office.text()
    assert DISCLAIMER in " ".join(office.text().split())
    link = re.search(r"https://screen\.example\.org(/r/\S+)", office.text())
    assert link
    assert reference in browser.get(link[1], site="none").text


def test_a_mail_tells_nothing_of_health_or_of_who_it_is(mailing: Flask, office: PostOffice) -> None:
    browser = Browser(mailing)
    answers = EVERY_PAGE | {"own_words": f"{CANARY} in words", "acute_other_name": f"{CANARY} herb"}
    walk = plant(browser, mailing, answers)
    contact = contact_but(contact_name=f"{CANARY} Name", contact_phone="(704) 519-6918")
    assert walk.send(contact).status == 303
    deliver(mailing)
    # What is drawn at random, and the time, may hold any three digits.
    drawn = {"message-id", "date"}
    # It is urgent, so the two who read answers are told too.
    assert len(office.caught) == 3
    said = [
        f"{name}: {value}"
        for one in office.caught
        for name, value in one.items()
        if name.lower() not in drawn
    ]
    said += [re.sub(r"https?://\S+|Reference: \S+", "", one.get_content()) for one in office.caught]
    told = "\n".join(said)
    words = (
        "Quetzal",
        "519",
        "headache",
        "migraine",
        "ketamine",
        "pain",
        "1984",
        "California",
        "chronic",
        "urgent",
    )
    assert [word for word in words if word.lower() in told.replace(DISCLAIMER, "").lower()] == []


def test_a_notice_tells_staff_how_many_wait_when_it_leaves_and_stays_if_nobody_does(
    mailing: Flask, office: PostOffice
) -> None:
    def come_and_be_told(*names: str, state: str) -> list[str]:
        add_requests(mailing, [(name, answers_but(), dt.datetime.now(dt.UTC)) for name in names])
        deliver(mailing)
        with at_clinic(mailing, "acme") as (session, _):
            session.execute(update(Consultation).values(state=state))
            session.commit()
        office.caught.clear()
        make_due(mailing)
        deliver(mailing)
        return [one.get_content() for one in office.caught]

    # One for each of the two who read answers.
    for told in come_and_be_told("Pat One", "Pat Two", state="new"):
        assert "2 new screenings wait at the desk" in told
        assert "https://screen.example.org/desk/\r\n" in told
    assert len(office.caught) == 2
    assert come_and_be_told("Pat Three", state="in_review") == []
    assert all(row.sent_at for row in outbox(mailing, "staff_digest"))


def test_who_gave_no_address_gets_no_mail(mailing: Flask, office: PostOffice) -> None:
    send(mailing, Browser(mailing), contact_email=None)
    deliver(mailing)
    assert office.caught == []
    assert outbox(mailing) == []


def test_the_link_comes_from_the_settings_and_never_from_the_host_that_was_asked_for(
    installation: Installation, office: PostOffice
) -> None:
    app = app_with(installation, f"smtp+plain://127.0.0.1:{office.port}", trusted_hosts="evil.example")
    browser = Browser(app)
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    sent = browser.open("POST", walk.url("contact"), data=form, headers={"Host": "evil.example"})
    assert sent.status == 303
    deliver(app)
    assert "evil" not in office.caught[0].as_string()
    assert "https://screen.example.org/r/" in office.text()


def test_a_request_that_was_not_stored_mails_nobody(mailing: Flask, office: PostOffice) -> None:
    walk = plant(Browser(mailing), mailing, answers_but())
    assert walk.send(contact_but(consent=None)).status == 422
    deliver(mailing)
    assert office.caught == []


def test_without_a_mail_server_the_mail_waits(installation: Installation) -> None:
    send(installation.app, Browser(installation.app))
    assert not installation.app.extensions["screener.settings"].can_mail
    (row,) = outbox(installation.app)
    assert row.sealed_mail
    assert row.sent_at is None


# ---------------------------------------------------------------- what a mail is


def templates() -> list[Path]:
    return sorted((ROOT / "templates" / "emails").glob("*.txt"))


@pytest.mark.parametrize("template", templates(), ids=lambda path: path.stem)
def test_no_subject_holds_a_value_and_each_mail_ends_with_the_disclaimer(template: Path) -> None:
    lines = template.read_text().splitlines()
    assert re.fullmatch(r"Subject: ([^{}]+|\{\{ _\(\"[^\"{}]+\"\) \}\})", lines[0])
    assert lines[1] == ""
    assert "disclaimer" in lines[-1]


def test_a_value_cannot_become_a_header(mailing: Flask, office: PostOffice) -> None:
    evil = "Acme\r\nBcc: everybody@example.org\r\n\r\nX"
    owe(mailing, values={"clinic": evil, "reference": evil, "link": evil, "phone": evil})
    deliver(mailing)
    assert office.recipients == ["pat@example.com"]
    assert office.caught[0]["Bcc"] is None
    assert "Bcc: everybody@example.org" in office.text()


def test_addresses_in_other_scripts_are_written_to(mailing: Flask, office: PostOffice) -> None:
    owe(mailing, to="pelé@example.com")
    owe(mailing, to="pat@bücher.example")
    deliver(mailing)
    assert office.recipients == ["pelé@example.com", "pat@xn--bcher-kva.example"]


def test_a_clinic_stands_before_the_address_by_the_name_it_chose(mailing: Flask, office: PostOffice) -> None:
    with at_clinic(mailing, "acme") as (session, clinic):
        clinic.sender_name = "Acme Front Desk"
        session.commit()
    owe(mailing)
    deliver(mailing)
    assert office.caught[0]["From"] == "Acme Front Desk <desk@acme.example>"


def test_a_mail_asks_machines_not_to_answer(mailing: Flask, office: PostOffice) -> None:
    owe(mailing)
    deliver(mailing)
    assert office.caught[0]["Auto-Submitted"] == "auto-generated"
    assert office.caught[0]["Date"].datetime.tzinfo


# ---------------------------------------------------------------- what mail servers do


@pytest.mark.parametrize(
    ("at", "reply", "told"),
    [
        ("to_recipient", "450 4.2.1 Busy <pat@example.com>", "SMTPRecipientsRefused 450"),
        ("to_recipient", "421 4.3.2 Closing", "SMTPRecipientsRefused 421"),
        ("to_data", "451 4.3.0 Try later", "SMTPDataError 451"),
        ("to_data", "554 5.7.1 Policy", "SMTPDataError 554"),
    ],
)
def test_what_failed_is_kept_and_sent_later(
    mailing: Flask, office: PostOffice, at: str, reply: str, told: str
) -> None:
    owe(mailing)
    getattr(office, at).append(reply)
    deliver(mailing)
    assert outcome(mailing) == (False, False, told)
    deliver(mailing)
    assert office.caught == [], "it has to wait first"
    make_due(mailing)
    deliver(mailing)
    assert outcome(mailing) == (True, False, None)
    assert len(office.caught) == 1


@pytest.mark.parametrize("code", [500, 550])
def test_an_address_nobody_has_is_given_up_at_once(mailing: Flask, office: PostOffice, code: int) -> None:
    owe(mailing)
    office.to_recipient.append(f"{code} 5.1.1 No such user <pat@example.com>")
    deliver(mailing)
    make_due(mailing)
    deliver(mailing)
    assert outcome(mailing) == (False, True, f"SMTPRecipientsRefused {code}")
    assert office.caught == []
    assert outbox(mailing)[0].sealed_mail, "staff may want to send it again"


def test_one_bad_address_holds_up_nobody_else(mailing: Flask, office: PostOffice) -> None:
    owe(mailing, 3)
    office.to_recipient += ["550 No", "450 Busy"]
    deliver(mailing)
    assert len(office.caught) == 1


def test_a_server_that_hangs_up_after_taking_the_mail_gets_the_same_mail_again(
    mailing: Flask, office: PostOffice
) -> None:
    owe(mailing)
    office.to_data.append(HANG_UP)
    deliver(mailing)
    assert outcome(mailing)[:2] == (False, False)
    make_due(mailing)
    deliver(mailing)
    first, second = office.ids
    assert first == second
    assert re.fullmatch(r"<[0-9a-f-]{36}@screen\.example\.org>", first)


def test_a_server_that_is_away_is_tried_again(installation: Installation) -> None:
    app = app_with(installation, "smtp+plain://127.0.0.1:1")
    owe(app)
    deliver(app)
    assert outcome(app) == (False, False, "ConnectionRefusedError")


@pytest.mark.parametrize(
    ("scheme", "says", "patience", "told"),
    [
        ("smtp+plain", [], Patience(answer=0.4, mail=60), "SMTPServerDisconnected"),
        ("smtps", [], Patience(answer=0.4, mail=60), "TimeoutError"),
        ("smtp+plain", DRIP, Patience(answer=60, mail=0.8), "SMTPServerDisconnected"),
        ("smtp+plain", [b"421 4.3.2 Too busy\r\n"], Patience(answer=0.4, mail=60), "SMTPServerDisconnected"),
        (
            "smtp+plain",
            [b"220 hello\r\n", b"454 4.7.0 No TLS now\r\n"],
            Patience(answer=0.4, mail=60),
            "SMTPServerDisconnected",
        ),
    ],
    ids=["silent", "silent about TLS", "drop by drop", "busy", "half way"],
)
def test_a_server_that_keeps_us_waiting_is_left_and_tried_again(
    installation: Installation, scheme: str, says: list[bytes], patience: Patience, told: str
) -> None:
    with open_line(says) as port:
        app = app_with(installation, f"{scheme}://127.0.0.1:{port}")
        owe(app)
        begun = time.monotonic()
        Worker(app, patience).run(once=True)
        assert time.monotonic() - begun < 30
    assert outcome(app) == (False, False, told)


# ---------------------------------------------------------------- one connection for many mails


def attempts(app: Flask) -> list[int]:
    return [row.attempts for row in outbox(app)]


def test_mails_that_wait_together_go_by_one_connection(mailing: Flask, office: PostOffice) -> None:
    owe(mailing, 3)
    deliver(mailing)
    assert len(office.ids) == len(set(office.ids)) == 3
    assert len(set(office.callers)) == 1
    assert office.names == {"screen.example.org"}


def test_a_connection_is_given_back_when_nothing_waits_any_more(mailing: Flask, office: PostOffice) -> None:
    worker = Worker(mailing)
    for number in (1, 2):
        owe(mailing)
        assert worker.deliver_next()
        assert len(office.parted) == number - 1, "another mail may wait"
        assert not worker.deliver_next()
        assert office.parted == office.callers, "by then the server knows that we are gone"
        assert len(set(office.callers)) == number


def test_a_worker_that_is_stopped_gives_its_connection_back(mailing: Flask, office: PostOffice) -> None:
    worker = Worker(mailing)
    owe(mailing, 2)
    office.at_data = worker.stop
    worker.run()
    assert len(office.caught) == 1
    assert office.parted == office.callers


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        ("to_reset", HANG_UP),
        ("to_reset", SILENCE),
        ("to_reset", "421 4.3.2 Closing"),
        ("to_sender", "421 4.7.0 Too many mails from one connection"),
        ("to_sender", "452 4.5.3 Too many mails from one connection"),
    ],
)
def test_a_server_that_had_enough_of_a_connection_costs_no_mail_its_try(
    mailing: Flask, office: PostOffice, at: str, reply: str
) -> None:
    owe(mailing, 4)
    # The first mail asks nothing before it.
    getattr(office, at).extend(["250 OK", reply] if at == "to_reset" else ["", "", reply])
    # Long enough for a machine that is busy, but where an answer is waited for that never comes.
    Worker(mailing, Patience(answer=2 if reply == SILENCE else 30, mail=60)).run(once=True)
    assert len(office.ids) == len(set(office.ids)) == 4
    assert len(set(office.callers)) == 2
    assert attempts(mailing) == [1] * 4


def test_a_sender_whom_a_server_refuses_is_not_tried_again_at_once(
    mailing: Flask, office: PostOffice
) -> None:
    owe(mailing)
    office.to_sender += ["550 5.7.1 Not from you"] * 2
    deliver(mailing)
    assert outcome(mailing) == (False, False, "SMTPSenderRefused 550")
    assert len(office.callers) == 1


@pytest.mark.parametrize(
    ("at", "reply"),
    [
        ("to_data", HANG_UP),
        ("to_data", "421 4.3.2 Closing"),
        ("to_data", "451 4.3.0 Try later"),
        ("to_recipient", "421 4.3.2 Closing"),
        ("to_recipient", "450 4.7.1 Greylisted"),
    ],
)
def test_a_failure_between_two_mails_is_of_that_mail_alone(
    mailing: Flask, office: PostOffice, at: str, reply: str
) -> None:
    owe(mailing, 4)
    getattr(office, at).extend(["250 OK" if at == "to_data" else "", reply])
    deliver(mailing)
    assert sorted(row.sent_at is not None for row in outbox(mailing)) == [False, True, True, True]
    assert attempts(mailing) == [1] * 4
    first, failed, *others = office.callers
    assert first == failed
    assert len({first, *others}) == 2, "after a failure all begins anew"
    make_due(mailing)
    deliver(mailing)
    assert len(set(office.ids)) == 4
    assert len(office.ids) == 4 + (reply == HANG_UP)


def test_a_connection_may_last_longer_than_a_mail_has_time(mailing: Flask, office: PostOffice) -> None:
    owe(mailing, 8)
    office.delay = 0.3
    Worker(mailing, Patience(answer=30, mail=2)).run(once=True)
    assert len(office.ids) == 8
    assert len(set(office.callers)) == 1


def test_logs_name_the_message_and_never_the_address(
    mailing: Flask, office: PostOffice, caplog: pytest.LogCaptureFixture
) -> None:
    owe(mailing, 3)
    office.to_recipient += ["550 No such user <pat@example.com>", "450 Busy <pat@example.com>"]
    with caplog.at_level(logging.DEBUG, "screener"):
        deliver(mailing)
    assert {str(row.id) in caplog.text for row in outbox(mailing)} == {True}
    for word in (
        "'outcome': 'sent'",
        "'kind': 'request_received', 'outcome': 'given up', 'error': 'SMTPRecipientsRefused 550'",
        "'kind': 'request_received', 'outcome': 'kept', 'error': 'SMTPRecipientsRefused 450'",
    ):
        assert word in caplog.text
    assert "pat@" not in caplog.text
    assert "No such user" not in caplog.text


# ---------------------------------------------------------------- several workers, and dead ones


def test_two_workers_send_each_mail_once(mailing: Flask, office: PostOffice) -> None:
    owe(mailing, 30)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(deliver, [mailing, mailing]))
    assert len(office.ids) == len(set(office.ids)) == 30


def start(installation: Installation, *words: str, **environ: str) -> subprocess.Popen[bytes]:
    """The command as an operator starts it."""
    settings = installation.settings
    environ |= {
        "SCREENER_DATABASE_URL": settings.database_url,
        "SCREENER_SECRET": settings.secret,
        "SCREENER_PASSWORD_SALT": settings.password_salt,
        "SCREENER_MASTER_KEYS": settings.master_keys,
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", "from screener.web.cli import main; main()", *words]
    return subprocess.Popen(command, env=os.environ | environ, cwd=ROOT, stderr=subprocess.PIPE)


def worker_process(installation: Installation, office: PostOffice, *options: str) -> subprocess.Popen[bytes]:
    return start(
        installation,
        "deliver",
        *options,
        SCREENER_BASE_URL="https://screen.example.org",
        SCREENER_SMTP_URL=f"smtp+plain://127.0.0.1:{office.port}",
        SCREENER_MAIL_FROM=SENDER,
    )


def test_a_worker_killed_after_sending_leads_to_the_same_mail_again(
    installation: Installation, mailing: Flask, office: PostOffice
) -> None:
    owe(mailing)
    worker = worker_process(installation, office)
    office.at_data = lambda: os.kill(worker.pid, signal.SIGKILL)
    worker.communicate(timeout=60)
    assert worker.returncode == -signal.SIGKILL
    assert outcome(mailing)[0] is False
    office.at_data = lambda: None
    deliver(mailing)
    assert len(office.caught) == 1, "the dead worker's lease still holds"
    make_due(mailing)
    deliver(mailing)
    assert len(office.ids) == 2
    assert len(set(office.ids)) == 1
    assert outcome(mailing)[0] is True


def test_a_worker_asked_to_stop_finishes_the_mail_in_hand(
    installation: Installation, mailing: Flask, office: PostOffice
) -> None:
    owe(mailing, 2)
    worker = worker_process(installation, office)
    office.at_data = worker.terminate
    # It has that long to hear of it.
    office.delay = 2
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0, told
    assert sorted(row.sent_at is not None for row in outbox(mailing)) == [False, True]
    assert b'"kind": "request_received", "outcome": "sent"' in told
    assert b"pat@" not in told


def test_once_drains_the_outbox_and_ends(
    installation: Installation, mailing: Flask, office: PostOffice
) -> None:
    owe(mailing, 3)
    worker = worker_process(installation, office, "--once")
    _, told = worker.communicate(timeout=60)
    assert worker.returncode == 0, told
    assert len(office.caught) == 3


# ---------------------------------------------------------------- TLS and signing in


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of a mail server at 127.0.0.1, which vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "mail.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize(("scheme", "from_first_byte"), [("smtp", False), ("smtps", True)])
def test_mail_goes_over_tls_to_a_server_that_is_vouched_for(
    installation: Installation, certificate: Path, scheme: str, *, from_first_byte: bool
) -> None:
    with open_post_office(tls=tls(certificate), from_first_byte=from_first_byte) as office:
        url = f"{scheme}://127.0.0.1:{office.port}"
        stranger = app_with(installation, url)
        owe(stranger)
        deliver(stranger)
        assert outcome(stranger) == (False, False, "SSLCertVerificationError")
        assert office.caught == []
        make_due(stranger)
        deliver(app_with(installation, url, smtp_ca=str(certificate)))
        assert len(office.caught) == 1


def test_a_server_that_offers_no_tls_gets_no_mail(installation: Installation, office: PostOffice) -> None:
    app = app_with(installation, f"smtp://127.0.0.1:{office.port}")
    owe(app)
    deliver(app)
    assert outcome(app) == (False, False, "SMTPNotSupportedError")
    assert office.caught == []


def test_the_worker_signs_in_and_a_wrong_password_kills_no_mail(
    installation: Installation, certificate: Path
) -> None:
    def check(*seen: Any) -> Any:
        from aiosmtpd.smtp import AuthResult  # noqa: PLC0415 - a type of the server's side

        return AuthResult(success=seen[-1].password == b"p@ss:word", handled=False)

    signing = {"authenticator": check, "auth_required": True}
    with open_post_office(tls=tls(certificate), **signing) as office:
        url = f"smtp://desk:{{}}@127.0.0.1:{office.port}"
        wrong = app_with(installation, url.format("wrong"), smtp_ca=str(certificate))
        owe(wrong)
        deliver(wrong)
        assert outcome(wrong) == (False, False, "SMTPAuthenticationError 535")
        make_due(wrong)
        deliver(app_with(installation, url.format("p%40ss%3Aword"), smtp_ca=str(certificate)))
        assert len(office.caught) == 1


# ---------------------------------------------------------------- settings


MAIL = {"SCREENER_SMTP_URL": "smtp://desk:secret-word@mail.example.org", "SCREENER_MAIL_FROM": SENDER}


def test_a_mail_server_is_read_from_one_address(tmp_path: Path) -> None:
    settings = load_settings(KEYS | MAIL, tmp_path)
    server = settings.mail_server
    assert settings.can_mail
    assert (server.scheme, server.host, server.port) == ("smtp", "mail.example.org", 587)
    assert (server.user, server.password) == ("desk", "secret-word")
    assert (settings.mail_sender.display_name, settings.mail_sender.addr_spec) == (
        "Front desk",
        "desk@acme.example",
    )
    assert "secret-word" not in repr(settings) + repr(server)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"SCREENER_MAIL_FROM": ""}, "SMTP_URL and SCREENER_MAIL_FROM together"),
        ({"SCREENER_SMTP_URL": ""}, "SMTP_URL and SCREENER_MAIL_FROM together"),
        ({"SCREENER_SMTP_URL": "mail.example.org:587"}, "SCREENER_SMTP_URL must look like"),
        ({"SCREENER_SMTP_URL": "https://mail.example.org"}, "SCREENER_SMTP_URL must look like"),
        ({"SCREENER_SMTP_URL": "smtp://desk:a/word@mail.example.org"}, "write / as %2F"),
        ({"SCREENER_SMTP_URL": "smtp://mail.example.org:port"}, "SCREENER_SMTP_URL must look like"),
        ({"SCREENER_SMTP_URL": "smtp+plain://mail.example.org:25"}, "mail server on this machine"),
        ({"SCREENER_MAIL_FROM": "Front desk"}, "SCREENER_MAIL_FROM must look like"),
        ({"SCREENER_SMTP_CA": "/no/such/file"}, "SCREENER_SMTP_CA must name a file"),
    ],
    ids=str,
)
def test_mail_settings_that_are_not_valid_are_refused_by_name(
    tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        load_settings(KEYS | MAIL | changed, tmp_path)


def test_the_worker_does_not_start_without_a_mail_server(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (KEYS | {"SCREENER_DATABASE_URL": installation.settings.database_url}).items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, ["deliver", "--once"])
    assert told.exit_code == 1
    assert "Set SCREENER_SMTP_URL and SCREENER_MAIL_FROM first." in told.output


def test_the_doctor_says_whether_mail_leaves_and_what_waits(
    installation: Installation, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    owe(installation.app, 2)
    for name, value in (KEYS | {"SCREENER_DATABASE_URL": installation.settings.database_url}).items():
        monkeypatch.setenv(name, value)
    assert (
        "Mail: not set, so none leaves; 2 waiting, 0 given up." in CliRunner().invoke(main, "doctor").output
    )
    monkeypatch.setenv("SCREENER_MAIL_FROM", SENDER)
    monkeypatch.setenv("SCREENER_SMTP_URL", f"smtp+plain://127.0.0.1:{office.port}")
    told = CliRunner().invoke(main, "doctor").output
    assert f"Mail: by smtp+plain://127.0.0.1:{office.port}; 2 waiting" in told
    assert "cannot leave" not in told
    assert not office.caught, "it only knocks"
    away = free_port()
    monkeypatch.setenv("SCREENER_SMTP_URL", f"smtp+plain://desk:secret-word@127.0.0.1:{away}")
    told = CliRunner().invoke(main, "doctor")
    assert told.exit_code == 1
    assert "Mail cannot leave: the mail server was away. See" in told.output
    assert "secret-word" not in told.output


# ---------------------------------------------------------------- the demo's own mail


def demo_app(installation: Installation, folder: Path, **settings: str) -> Flask:
    port = free_port()
    catch_mail(folder, port)
    return app_with(installation, f"smtp+plain://127.0.0.1:{port}", demo_mail=str(folder), **settings)


def test_a_demo_shows_what_it_mailed_with_links_to_follow(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "demo-mail"
    app = demo_app(installation, folder, base_url="http://localhost:8000")
    browser = Browser(app)
    assert "No mail yet" in browser.get("/demo/mail").text
    reference = send(app, browser)
    deliver(app)
    page = browser.get("/demo/mail")
    assert "All of it is made up" in page.text
    assert "pat@example.com" in page.text
    links = [path for words, path in page.links.items() if words.startswith("http://localhost:8000/r/")]
    assert len(links) == 1
    assert reference in browser.get(links[0]).text


def test_a_demo_keeps_the_newest_mails_first(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "demo-mail"
    folder.mkdir()
    for number in range(205):
        message = EmailMessage()
        message["To"], message["Subject"], message["Date"] = "a@example.org", f"Mail {number}", NOW
        message.set_content(f"Number {number}")
        (folder / f"{time.time_ns()}.eml").write_bytes(message.as_bytes())
    app = demo_app(installation, folder)
    owe(app)
    deliver(app)
    assert len(list(folder.iterdir())) == 200
    page = Browser(app).get("/demo/mail")
    assert (
        page.text.index("Your request reached")
        < page.text.index("Number 204")
        < page.text.index("Number 203")
    )
    assert "Number 5 " not in page.text


def test_one_command_serves_a_demo_with_its_mail_and_ends_both(installation: Installation) -> None:
    # Even where real mail is set up, a demo's stays in the demo.
    owe(installation.app, to="demo-started@example.org")
    port = free_port()
    mail = {"SCREENER_SMTP_URL": "smtp://mail.invalid", "SCREENER_MAIL_FROM": SENDER}
    server = start(installation, "serve", "--demo", "--port", str(port), **mail)
    try:
        sent, until = False, time.monotonic() + 60
        while not sent and time.monotonic() < until:
            time.sleep(0.2)
            sent = outcome(installation.app)[0]
        with urlopen(f"http://127.0.0.1:{port}/demo/mail", timeout=10) as page:
            assert b"demo-started@example.org" in page.read()
    finally:
        server.terminate()
        # Its output closes when the last of its processes has ended.
        _, told = server.communicate(timeout=60)
    assert b"Traceback" not in told


def test_there_is_no_such_page_where_no_demo_runs(browser: Browser) -> None:
    assert browser.get("/demo/mail").status == 404
