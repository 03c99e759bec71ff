"""`make outbox-kill9`: two workers over a queue, killed at random moments; what is promised still arrives.

Counts what was lost, what came without having been owed, and what came twice: never more than was killed, and
each time under the same Message-ID.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import click
from builders import CHRONIC_AND_INTRACTABLE
from conftest import Databases, Installation, SqliteFiles, make_installation
from faults.mail_workers import start_worker
from postgres import PostgresServer
from sqlalchemy import select, update
from web.post_office import PostOffice, open_post_office
from web.test_mail import SENDER
from web.walking import add_requests, at_clinic

from screener.domain.notification import Choice
from screener.settings import Settings
from screener.store.notices import choose_notices
from screener.store.outbox import add_mail
from screener.store.staff import find_person
from screener.store.tables import OutboxMessage

READERS = ("intake@acme.example", "clinician@acme.example")
REQUESTS_A_CYCLE = 6
# The patient is told of each request, and both readers.
MAILS_A_REQUEST = 1 + len(READERS)
PHANTOM = "phantom@example.org"
PATIENCE_SECONDS = 30


@dataclass
class Rig:
    """An installation whose readers want to hear of each request, and a mail server that is slow a little."""

    installation: Installation
    office: PostOffice
    requests: int = 0
    kills: int = 0

    @property
    def settings(self) -> Settings:
        about = {"smtp_url": f"smtp+plain://127.0.0.1:{self.office.port}", "mail_from": SENDER}
        return replace(self.installation.settings, **about)  # type: ignore[arg-type]

    def owe(self) -> None:
        """Requests that came, and mail of a transaction that was undone."""
        now, app = datetime.now(UTC), self.installation.app
        people = [(str(uuid4()), CHRONIC_AND_INTRACTABLE, now) for _ in range(REQUESTS_A_CYCLE)]
        add_requests(app, people)
        self.requests += REQUESTS_A_CYCLE
        with at_clinic(app, "acme") as (session, _):
            about = {"to": PHANTOM, "language": "en", "values": {}, "due_at": now, "now": now}
            add_mail(session, "request_received", **about)  # type: ignore[arg-type]
            session.rollback()

    def cycle(self) -> None:
        """Two workers begin, and each is killed somewhere in its work."""
        self.owe()
        workers = [start_worker(self.settings) for _ in range(2)]
        seen = len(self.office.caught)
        for worker in workers:
            self._wait_for(seen + random.randint(1, REQUESTS_A_CYCLE))
            seen = len(self.office.caught)
            time.sleep(random.uniform(0, 0.02))
            self._kill(worker)
        self._forget_leases()

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
            session.execute(update(OutboxMessage).values(leased_until=None))
            session.commit()

    def drain(self) -> None:
        worker = start_worker(self.settings, once=True)
        worker.join(600)
        if worker.exitcode != 0:
            raise RuntimeError(f"the last worker ended with {worker.exitcode}")

    def judge(self) -> str:
        """What is wrong, or nothing."""
        with at_clinic(self.installation.app, "acme") as (session, _):
            rows = session.execute(select(OutboxMessage.id, OutboxMessage.kind, OutboxMessage.sent_at)).all()
        mails = {row.id for row in rows if row.kind != "new_request"}
        arrived = [UUID(found.strip("<>").split("@")[0]) for found in self.office.ids]
        lost = self.requests * MAILS_A_REQUEST - len(mails & set(arrived))
        phantoms = len(set(arrived) - mails) + self.office.recipients.count(PHANTOM)
        twice = len(arrived) - len(set(arrived))
        unsent = sum(row.sent_at is None for row in rows)
        click.echo(
            f"{self.requests} requests, {len(mails)} mails owed, {self.kills} kills: "
            f"{lost} lost, {phantoms} phantom, {twice} sent twice, {unsent} left in the outbox"
        )
        wrong = {
            "lost": lost,
            "phantom": phantoms,
            "more owed than promised": len(mails) - self.requests * MAILS_A_REQUEST,
            "sent twice without a kill": max(0, twice - self.kills),
            "left": unsent,
        }
        return ", ".join(f"{name}: {number}" for name, number in wrong.items() if number)


def begin(installation: Installation, office: PostOffice) -> Rig:
    office.delay = 0.01
    with at_clinic(installation.app, "acme") as (session, _):
        for email in READERS:
            person = find_person(session, email)
            if person is None:
                raise LookupError(email)
            choose_notices(
                session, person.id, Choice.EACH, quiet=None, urgent_breaks_in=False, now=datetime.now(UTC)
            )
        session.commit()
    return Rig(installation, office)


def main() -> int:
    cycles, kind = int(os.environ.get("CYCLES") or 40), os.environ.get("DB") or "sqlite"
    with ExitStack() as running:
        databases: Databases
        if kind == "sqlite":
            databases = SqliteFiles(Path(running.enter_context(tempfile.TemporaryDirectory())))
        else:
            databases = running.enter_context(PostgresServer())
        rig = begin(make_installation(databases.create()), running.enter_context(open_post_office()))
        for number in range(1, cycles + 1):
            rig.cycle()
            click.echo(f"cycle {number}: {len(rig.office.caught)} arrived")
        rig.drain()
        wrong = rig.judge()
        rig.installation.app.extensions["screener.database"].dispose()
    click.echo(f"outbox-kill9 on {kind}, {cycles} cycles: {'FAILED: ' + wrong if wrong else 'ok'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
