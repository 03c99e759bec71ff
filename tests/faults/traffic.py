"""A real server and six people who send requests to it at once, each with a name of its own."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from typing import IO, Final, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

from builders import as_form
from conftest import Databases, Installation, SqliteFiles, make_installation
from flask import Flask
from postgres import PostgresServer
from sqlalchemy.exc import DBAPIError
from web.test_replay import settings_of
from web.walking import answers_but, at_clinic, contact_but

from screener.settings import Settings
from screener.store.drafts import add_draft
from screener.web.arrival import THREADS

CLIENTS: Final = 6
ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE_SECONDS: Final = 20
_START_SECONDS: Final = 60
_TOKEN: Final = re.compile(r'id="answers"[^>]*>\s*<input type="hidden" name="form_token" value="([^"]+)"')


@dataclass
class Server:
    """The app in processes of its own; killed as a power cut would, and started again."""

    settings: Settings
    workers: int
    port: int = field(init=False)
    running: subprocess.Popen[bytes] | None = None
    # A line a request: for whoever looks for a failure, not among what a drill tells.
    log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def __post_init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self) -> None:
        command = ["granian", "--interface", "wsgi", "--no-ws", "--blocking-threads", str(THREADS)]
        about = ["--workers", str(self.workers), "--port", str(self.port), "--log-level", "error", "wsgi:app"]
        environment = dict(os.environ) | settings_of(self.settings) | {"PYTHONPATH": str(ROOT)}
        self.running = subprocess.Popen(
            [sys.executable, "-m", *command, *about],
            cwd=ROOT,
            env=environment,
            stderr=self.log,
            start_new_session=True,
        )
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                if ask(self.port, "GET", "/healthz").status == http.client.OK:
                    return
            time.sleep(0.05)
        raise TimeoutError("the server did not start")

    def kill(self) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()

    def restart(self) -> None:
        self.kill()
        self.start()


class Answer(NamedTuple):
    status: int
    text: str
    location: str


def ask(
    port: int, method: str, path: str, form: Mapping[str, object] | None = None, *, address: str = ""
) -> Answer:
    """As a browser asks; from that address, where the server trusts a proxy to say so."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        body = urlencode(form, doseq=True) if form is not None else None
        # As a browser says that the person came from our own pages.
        headers = {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if address:
            headers["X-Forwarded-For"] = address
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode(), answer.headers.get("Location", ""))
    finally:
        connection.close()


@dataclass
class Traffic:
    """Who was told that their request arrived, and when; who was told anything but that or "try again"."""

    app: Flask
    server: Server
    acked: dict[str, datetime] = field(default_factory=dict)
    wrong: list[int] = field(default_factory=list)
    stopping: Event = field(default_factory=Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        people = [Thread(target=self._send_on) for _ in range(CLIENTS)]
        for person in people:
            person.start()
        try:
            yield
        finally:
            self.stopping.set()
            for person in people:
                person.join()

    def wait_for(self, more: int) -> None:
        """Until so many more were told."""
        wanted, until = len(self.acked) + more, time.monotonic() + _PATIENCE_SECONDS
        while len(self.acked) < wanted:
            if time.monotonic() > until:
                raise TimeoutError(f"nothing gets through; people were answered {self.wrong[:5]}")
            time.sleep(0.01)

    def _send_on(self) -> None:
        # A breath between two, so that a small machine serves and the command beside it runs too.
        while not self.stopping.wait(0.5):
            # The server is being killed, or the database busy: the person tries again later.
            with suppress(OSError, http.client.HTTPException, DBAPIError):
                self._send(str(uuid4()))

    def _send(self, name: str) -> None:
        with at_clinic(self.app, "acme") as (session, clinic):
            document = {"answers": answers_but(), "events": [], "language": "en"}
            _, token = add_draft(session, clinic.id, document, datetime.now(UTC))
            session.commit()
        path = f"/d/{token}/contact"
        status, page, _ = ask(self.server.port, "GET", path)
        found = _TOKEN.search(page)
        if status == http.client.OK and found:
            contact = contact_but(contact_name=name)
            form = {"form_token": found[1]} | {what: as_form(value) for what, value in contact.items()}
            status = ask(self.server.port, "POST", path, form).status
        if status == http.client.SEE_OTHER:
            self.acked[name] = datetime.now(UTC)
        elif status != http.client.SERVICE_UNAVAILABLE:
            self.wrong.append(status)


@contextmanager
def databases_for(kind: str) -> Iterator[Databases]:
    """With PostgreSQL's programs at hand, as an operator has them."""
    # Told to stop, a drill takes its servers along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as running:
        if kind == "sqlite":
            yield SqliteFiles(Path(running.enter_context(tempfile.TemporaryDirectory())))
            return
        postgres = running.enter_context(PostgresServer())
        os.environ["PATH"] = f"{postgres.programs}:{os.environ['PATH']}"
        yield postgres


@contextmanager
def serving(databases: Databases, kind: str) -> Iterator[tuple[Installation, Traffic]]:
    """An installation, its server, and nobody there yet."""
    installation = make_installation(databases.create())
    server = Server(installation.settings, workers=1 if kind == "sqlite" else 2)
    server.start()
    try:
        yield installation, Traffic(installation.app, server)
    finally:
        server.kill()
        installation.app.extensions["screener.database"].dispose()


def screener(settings: Settings, *command: str) -> subprocess.CompletedProcess[str]:
    """The command as an operator runs it."""
    return subprocess.run(
        [sys.executable, "-c", "from screener.web.cli import main; main()", *command],
        cwd=ROOT,
        env=dict(os.environ) | settings_of(settings) | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
