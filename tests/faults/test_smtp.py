"""What mail servers do to us: requests come in as quickly, no mail is lost, and staff see what is dead."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from math import comb
from statistics import median, quantiles
from typing import Any, Final

import pytest
from click import echo
from conftest import Databases, Installation, make_installation
from faults.mail_workers import start_worker
from sqlalchemy import select
from web.client import Browser
from web.post_office import DRIP, HANG_UP, PostOffice, open_line, open_post_office
from web.test_mail import SENDER, certificate, deliver, make_due, owe, posting, tls  # noqa: F401 - a fixture
from web.walking import answers_but, at_clinic, contact_but, plant, sign_in

from screener.store.dead_letters import resend
from screener.store.staff import find_person
from screener.store.tables import OutboxMessage
from screener.web.deliver import Patience

SUBMISSIONS: Final = int(os.environ.get("CYCLES") or 40)
QUEUE: Final = int(os.environ.get("QUEUE") or 10_000)
# The figure to reach. Half of the pairs may exceed it by chance, more than that as rarely as UNLIKELY says: a
# busy machine, which does the same to both of a pair, is no growth.
MOST_GROWTH: Final = 1.10
UNLIKELY: Final = 0.001
# A p95 is the second or third slowest of so few: it is held to what it would cost a patient to wait for a
# mail server, which these workers give up after half a second.
GIVES_UP_SECONDS: Final = 0.5
IMPATIENT: Final = Patience(answer=GIVES_UP_SECONDS, mail=1)


def always(office: PostOffice, at: str, reply: str) -> PostOffice:
    getattr(office, at).extend([reply] * 10_000)
    return office


@contextmanager
def fault(name: str, certificate: Any) -> Iterator[dict[str, str]]:  # noqa: F811 - the fixture's value
    """A mail server that does it; the settings that lead there."""
    with ExitStack() as open_:
        plain = "smtp+plain://127.0.0.1:{}"
        match name:
            case "refuse":
                yield {"smtp_url": plain.format(1)}
            case "time-out":
                yield {"smtp_url": plain.format(open_.enter_context(open_line([])))}
            case "421":
                line = open_line([b"421 4.3.2 Too busy\r\n"])
                yield {"smtp_url": plain.format(open_.enter_context(line))}
            case "slow drip":
                yield {"smtp_url": plain.format(open_.enter_context(open_line(DRIP)))}
            case "starttls":
                line = open_line(
                    [b"220 hello\r\n", b"250-mail\r\n250 STARTTLS\r\n", b"454 4.7.0 Not now\r\n"]
                )
                yield {"smtp_url": f"smtp://127.0.0.1:{open_.enter_context(line)}"}
            case "bad certificate":
                office = open_.enter_context(open_post_office(tls=tls(certificate)))
                yield {"smtp_url": f"smtp://127.0.0.1:{office.port}"}
            case _:
                office = open_.enter_context(open_post_office())
                at, reply = {
                    "451": ("to_data", "451 4.3.0 Try later"),
                    "452": ("to_recipient", "452 4.2.2 Mailbox full"),
                    "550": ("to_recipient", "550 5.1.1 No such user"),
                    "drop after DATA": ("to_data", HANG_UP),
                    "healthy": ("to_data", "250 OK"),
                }[name]
                always(office, at, reply)
                yield {"smtp_url": plain.format(office.port)}


FAULTS = (
    *("refuse", "time-out", "421", "451", "452", "550", "starttls", "bad certificate"),
    *("drop after DATA", "slow drip"),
)


@contextmanager
def installed(databases: Databases) -> Iterator[Installation]:
    made = make_installation(databases.create())
    try:
        yield made
    finally:
        made.app.extensions["screener.database"].dispose()


@pytest.fixture
def installation(databases: Databases) -> Iterator[Installation]:
    with installed(databases) as installation:
        yield installation


@contextmanager
def working(
    installation: Installation, number: int = 1, patience: Patience = IMPATIENT, **settings: str
) -> Iterator[None]:
    """Workers of their own, as beside a server."""
    about: dict[str, Any] = {"mail_from": SENDER} | settings
    settings_of_all = replace(installation.settings, **about)
    workers = [start_worker(settings_of_all, patience) for _ in range(number)]
    try:
        yield
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def submit(*installations: Installation) -> list[list[float]]:
    """At each in turn, so that all meet the same machine: seconds of each request."""
    took: list[list[float]] = [[] for _ in installations]
    for _ in range(SUBMISSIONS):
        for installation, seconds in zip(installations, took, strict=True):
            browser = Browser(installation.app)
            walk = plant(browser, installation.app, answers_but())
            form, path = walk.contact_form(contact_but(contact_email="pat@example.com")), walk.url("contact")
            begun = time.perf_counter()
            sent = browser.post(path, form)
            seconds.append(time.perf_counter() - begun)
            assert sent.status == 303
    return took


def p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def chance_of(number: int) -> float:
    """That so many of the pairs come out one way where both ways are as likely."""
    return sum(comb(SUBMISSIONS, count) for count in range(number, SUBMISSIONS + 1)) / 2**SUBMISSIONS


def told(seconds: list[float]) -> str:
    return f"{median(seconds) * 1000:.0f} ms (median), {p95(seconds) * 1000:.0f} ms (p95)"


def confirmations(installation: Installation) -> list[OutboxMessage]:
    with at_clinic(installation.app, "acme") as (session, _):
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "request_received")))


def send_all_again(installation: Installation) -> None:
    """As the clinic's administrator does when the server is well again."""
    with at_clinic(installation.app, "acme") as (session, _):
        person = find_person(session, "admin@acme.example")
        assert person
        resend(session, None, staff_id=person.id, now=datetime.now(UTC))
        session.commit()
    make_due(installation.app)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_delays_mail_and_nothing_else(
    databases: Databases,
    installation: Installation,
    name: str,
    certificate: Any,  # noqa: F811
) -> None:
    with (
        installed(databases) as beside,
        fault("healthy", certificate) as well,
        fault(name, certificate) as ill,
        working(beside, **well),
        working(installation, **ill),
    ):
        healthy, faulty = submit(beside, installation)
        wait_for_tries(installation)
    rows = confirmations(installation)
    dead = [row for row in rows if row.failed_at]
    assert len(rows) == SUBMISSIONS
    assert not any(row.sent_at for row in rows)
    assert (len(dead) > 0) == (name == "550")
    page = sign_in(Browser(installation.app), "admin@acme.example").get("/desk/acme/mail")
    assert ("SMTPRecipientsRefused 550" in page.text) == (name == "550")
    send_all_again(installation)
    with open_post_office() as office, posting(installation, office) as app:
        deliver(app)
        arrived = [found.strip("<>").split("@")[0] for found in office.ids]
    assert len(arrived) == len(set(arrived))
    assert {str(row.id) for row in rows} <= set(arrived)
    echo(f"{name}: {told(faulty)}; with a well server {told(healthy)}; 0 lost")
    slower = sum(one > other * MOST_GROWTH for one, other in zip(faulty, healthy, strict=True))
    assert chance_of(slower) > UNLIKELY
    assert p95(faulty) < p95(healthy) * MOST_GROWTH + GIVES_UP_SECONDS * 0.8


def wait_for_tries(installation: Installation) -> None:
    """At least one mail met the fault."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if any(row.last_error for row in confirmations(installation)):
            return
        time.sleep(0.1)
    raise AssertionError("the worker tried nothing")


def test_a_greylist_is_waited_out(installation: Installation) -> None:
    with open_post_office() as office, posting(installation, office) as app:
        owe(app, 5)
        office.to_data += ["451 4.7.1 Greylisted, try again"] * 5
        deliver(app)
        assert office.caught == []
        assert {row.last_error for row in confirmations(installation)} == {"SMTPDataError 451"}
        make_due(app)
        deliver(app)
        assert len(office.ids) == len(set(office.ids)) == 5


def test_a_queue_of_ten_thousand_drains_while_requests_come_in(installation: Installation) -> None:
    owe(installation.app, QUEUE)
    with open_post_office() as office:
        settings = {"smtp_url": f"smtp+plain://127.0.0.1:{office.port}"}
        begun = time.monotonic()
        with working(installation, number=2, patience=Patience(), **settings):
            (busy,) = submit(installation)
            while len(office.caught) < QUEUE + SUBMISSIONS:
                assert time.monotonic() - begun < 1800
                time.sleep(0.5)
        took = time.monotonic() - begun
        ids = office.ids
    assert len(ids) == len(set(ids)) == QUEUE + SUBMISSIONS
    echo(f"{QUEUE} mails in {took:.0f} s by two workers; requests meanwhile {told(busy)}")
