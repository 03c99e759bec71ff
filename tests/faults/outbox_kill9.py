"""`make outbox-kill9`: workers of mail and webhooks killed at random moments; what is promised arrives (P4).

Counts what was lost, what came without having been owed, and what came twice: never more than was killed, and
each time under the same Message-ID or event id.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import trustme
from builders import CHRONIC_AND_INTRACTABLE
from conftest import Installation, make_installation
from faults.mail_workers import start_worker
from faults.rig import Outcome, databases_for, faults_of, run
from sqlalchemy import func, select, update
from web.post_office import PostOffice, open_post_office
from web.receiver import Receiver, open_receiver, trust
from web.test_mail import SENDER
from web.walking import add_request, add_requests, at_clinic

from screener import create_app
from screener.domain.notification import Choice
from screener.settings import Settings
from screener.store.notices import choose_notices
from screener.store.staff import find_person
from screener.store.tables import OutboxMessage, WebhookDelivery
from screener.store.webhooks import add_endpoint

READERS: Final = ("intake@acme.example", "clinician@acme.example")
RECEIVED: Final = "request.received"
REQUESTS_A_CYCLE: Final = 6
# The patient is told of each request, and both readers.
MAILS_A_REQUEST: Final = 1 + len(READERS)
PATIENCE_SECONDS: Final = 30


@dataclass
class Rig:
    """An installation whose readers and whose clinic's system want to hear of each request."""

    installation: Installation
    office: PostOffice
    receiver: Receiver
    requests: int = 0
    kills: int = 0

    @property
    def settings(self) -> Settings:
        return self.installation.settings

    def prepare(self) -> None:
        # A mail server that is slow a little.
        self.office.delay = 0.01
        now = datetime.now(UTC)
        with at_clinic(self.installation.app, "acme") as (session, _):
            for email in READERS:
                person = find_person(session, email)
                assert person
                choose_notices(session, person.id, Choice.EACH, quiet=None, urgent_breaks_in=False, now=now)
            about: dict[str, Any] = {"staff_id": None, "key": "0" * 32, "now": now}
            add_endpoint(session, address=self.receiver.address, events=[RECEIVED], **about)
            session.commit()

    def cycle(self) -> None:
        """Two workers begin, and each is killed somewhere in its work."""
        self._owe()
        workers = [start_worker(self.settings) for _ in range(2)]
        seen = len(self.office.caught)
        for worker in workers:
            self._wait_for(seen + random.randint(1, REQUESTS_A_CYCLE))
            seen = len(self.office.caught)
            time.sleep(random.uniform(0, 0.02))
            self._kill(worker)
        self._forget_leases()

    def _owe(self) -> None:
        """Requests that came, and one whose transaction was undone."""
        app = self.installation.app
        people = [(str(uuid4()), CHRONIC_AND_INTRACTABLE, datetime.now(UTC)) for _ in range(REQUESTS_A_CYCLE)]
        add_requests(app, people)
        self.requests += REQUESTS_A_CYCLE
        with at_clinic(app, "acme") as (session, clinic):
            add_request(session, clinic, 0, str(uuid4()), CHRONIC_AND_INTRACTABLE, datetime.now(UTC))
            session.rollback()

    def _wait_for(self, number: int) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while len(self.office.caught) < number and time.monotonic() < until and self._owed():
            time.sleep(0.002)

    def _owed(self) -> bool:
        return len(set(self.office.ids)) < self.requests * MAILS_A_REQUEST

    def _kill(self, worker: BaseProcess) -> None:
        worker.kill()
        worker.join()
        self.kills += 1

    def _forget_leases(self) -> None:
        """Both workers are dead: as if their leases had run out."""
        with at_clinic(self.installation.app, "acme") as (session, _):
            for table in (OutboxMessage, WebhookDelivery):
                session.execute(update(table).values(leased_until=None))
            session.commit()

    def drain(self) -> None:
        worker = start_worker(self.settings, once=True)
        worker.join(600)
        if worker.exitcode != 0:
            raise RuntimeError(f"the last worker ended with {worker.exitcode}")

    def judge(self) -> Outcome:
        with at_clinic(self.installation.app, "acme") as (session, _):
            mails = session.scalars(select(OutboxMessage.id).where(OutboxMessage.kind != "new_request")).all()
            events = session.scalars(select(WebhookDelivery.event_id)).all()
            left = sum(
                session.scalar(select(func.count()).select_from(table).where(table.sent_at.is_(None))) or 0
                for table in (OutboxMessage, WebhookDelivery)
            )
        arrived = [UUID(found.strip("<>").split("@")[0]) for found in self.office.ids]
        heard = [UUID(got.headers["webhook-id"]) for got in self.receiver.got]
        mail = self._compare(mails, arrived, self.requests * MAILS_A_REQUEST)
        hooks = self._compare(events, heard, self.requests)
        twice = [counts.pop("twice") for counts in (mail, hooks)]
        told = (
            f"{self.requests} requests, {len(mails)} mails and {len(events)} webhooks, {self.kills} kills:"
            f" {mail['lost'] + hooks['lost']} lost, {mail['phantom'] + hooks['phantom']} phantom,"
            f" {twice[0]} mails and {twice[1]} webhooks twice"
        )
        broken = Counter(mail) + Counter(hooks)
        # Of each kind a kill explains one.
        broken["twice without a kill"] = sum(max(0, number - self.kills) for number in twice)
        broken["left in the outbox"] = left
        return Outcome(told, faults_of(broken))

    def _compare(self, owed: Sequence[UUID], arrived: Collection[UUID], promised: int) -> dict[str, int]:
        return {
            "lost": promised - len(set(owed) & set(arrived)),
            "phantom": len(set(arrived) - set(owed)),
            "more owed than promised": max(0, len(owed) - promised),
            "twice": len(arrived) - len(set(arrived)),
        }


def play(authority: trustme.CA, kind: str, cycles: int) -> Outcome:
    with ExitStack() as running:
        databases = running.enter_context(databases_for(kind))
        office = running.enter_context(open_post_office())
        receiver = running.enter_context(open_receiver(authority))
        rig = Rig(_install(databases.create(), office, receiver), office, receiver)
        rig.prepare()
        for _ in range(cycles):
            rig.cycle()
        rig.drain()
        outcome = rig.judge()
        rig.installation.app.extensions["screener.database"].dispose()
    return outcome


def _install(url: str, office: PostOffice, receiver: Receiver) -> Installation:
    made = make_installation(url)
    made.app.extensions["screener.database"].dispose()
    about: dict[str, Any] = {
        "smtp_url": f"smtp+plain://127.0.0.1:{office.port}",
        "mail_from": SENDER,
        "webhook_hosts": f"localhost:{receiver.port}",
        # Only a demo may tell a system on this very machine.
        "demo": "yes",
    }
    settings = replace(made.settings, **about)
    return Installation(settings, create_app(settings))


def main() -> int:
    authority = trustme.CA()
    with tempfile.TemporaryDirectory() as folder:
        # Before the first worker, from which all are forked.
        os.environ["SSL_CERT_FILE"] = trust(authority, Path(folder))
        return run("outbox-kill9", partial(play, authority), cycles=40)


if __name__ == "__main__":
    sys.exit(main())
