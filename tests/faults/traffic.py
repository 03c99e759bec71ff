"""The app as it is served, and people who walk through all of it at once, each with a name of their own.

Where it does not answer, or says "try again", a person presses the same button again, as the page tells them.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event, Thread
from typing import IO, Final, NamedTuple
from urllib.parse import urlencode
from uuid import uuid4

import psutil
from builders import as_form
from conftest import Databases, Installation, make_installation
from faults.rig import COMMAND, ROOT, environment_of
from web.walking import answers_but, contact_but

from screener.domain.question import Part
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.settings import Settings
from screener.web.ports import free_port

CLIENTS: Final = 6
# Longer than any fault of a rig lasts.
_PATIENCE_SECONDS: Final = 60
_AGAIN_SECONDS: Final = 0.1
_HIDDEN: Final = re.compile(r'name="(form_token|seen)" value="([^"]*)"')
_FIELD: Final = re.compile(r'<(?:input|select|textarea)[^>]* name="([^"]+)"')
_UNSURE: Final = re.compile(r'name="([^"]+)"[^>]* value="unsure"')
_REFERENCE: Final = re.compile(r'class="reference">([0-9A-HJKMNP-TV-Z]{10})<')
_HEALTH: Final = next(page.slug for page in QUESTIONNAIRE.pages if page.part is Part.REQUEST)
_SAID: Final = answers_but()


@dataclass
class Server:
    """`screener serve`; killed as a power cut would, and started again."""

    settings: Settings
    workers: int
    port: int = field(default_factory=free_port)
    drain: int = 0
    running: subprocess.Popen[bytes] | None = None
    # A line a request: for whoever looks for a failure, not among what a rig tells.
    log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def command(self) -> list[str]:
        about = {"port": self.port, "workers": self.workers, "drain": self.drain}
        return [*COMMAND, "serve", *(f"--{name}={value}" for name, value in about.items())]

    def start(self) -> float:
        """Seconds until it answered."""
        begun = time.monotonic()
        self.running = subprocess.Popen(
            self.command(),
            cwd=ROOT,
            env=environment_of(self.settings),
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.wait_for("/healthz")
        return time.monotonic() - begun

    def wait_for(self, path: str) -> float:
        """Seconds until that page is there."""
        begun = time.monotonic()
        while time.monotonic() - begun < _PATIENCE_SECONDS:
            with suppress(OSError, http.client.HTTPException):
                if ask(self.port, "GET", path).status == http.client.OK:
                    return time.monotonic() - begun
            time.sleep(0.02)
        raise TimeoutError(f"{path} did not come: {self.last_words()}")

    def all_words(self) -> bytes:
        # The server writes on where this file stands.
        return os.pread(self.log.fileno(), os.fstat(self.log.fileno()).st_size, 0)

    def last_words(self) -> str:
        return self.all_words()[-2000:].decode(errors="replace")

    def processes(self) -> list[psutil.Process]:
        """The server's workers, then itself."""
        assert self.running
        parent = psutil.Process(self.running.pid)
        return [*parent.children(), parent]

    def kill(self) -> None:
        if self.running and self.running.poll() is None:
            found = self.processes()
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            psutil.wait_procs(found, timeout=10)

    def stop(self) -> None:
        """As an operator does."""
        assert self.running
        self.running.terminate()
        if self.running.wait(_PATIENCE_SECONDS):
            raise OSError(f"it did not stop well: {self.last_words()}")

    def kill_worker(self) -> None:
        """The server begins another by itself."""
        with suppress(psutil.NoSuchProcess):
            self.processes()[0].kill()

    def kill_first(self) -> None:
        """The process that began the workers; they leave by themselves."""
        assert self.running
        workers = self.processes()[:-1]
        self.running.kill()
        self.running.wait()
        _, left = psutil.wait_procs(workers, timeout=10)
        if left:
            raise TimeoutError(f"{len(left)} workers stayed at the door of a server that was killed")

    def restart(self) -> float:
        self.kill()
        return self.start()


class Answer(NamedTuple):
    status: int
    text: str
    location: str
    retry_after: str

    @property
    def says_later(self) -> bool:
        return self.status == http.client.SERVICE_UNAVAILABLE and bool(self.retry_after)


def ask(
    port: int,
    method: str,
    path: str,
    form: Mapping[str, object] | None = None,
    *,
    cookie: str = "",
    address: str = "",
) -> Answer:
    """As a browser asks; from that address, where the server trusts a proxy to say so."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS)
    try:
        body = urlencode(form, doseq=True) if form is not None else None
        # As a browser says that the person came from our own pages.
        headers = {"Origin": f"http://127.0.0.1:{port}", "Sec-Fetch-Site": "same-origin"}
        if cookie:
            headers["Cookie"] = cookie
        if address:
            headers["X-Forwarded-For"] = address
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        about = answer.headers
        return Answer(
            answer.status, answer.read().decode(), about.get("Location", ""), about.get("Retry-After", "")
        )
    finally:
        connection.close()


class WrongAnswerError(Exception):
    """Neither what was asked for nor "try again"."""


@dataclass
class Traffic:
    """Who was told that their request arrived, when, and by which page; what nobody should have been told."""

    server: Server
    breath: float = 0.5
    acked: dict[str, datetime] = field(default_factory=dict)
    receipts: dict[str, str] = field(default_factory=dict)
    # When each page came, and after how many seconds.
    times: list[tuple[float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    # How often somebody was told to try again, and how often nothing answered.
    put_off: int = 0
    unanswered: int = 0
    stopping: Event = field(default_factory=Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """In the end each person finishes the walk in hand."""
        people = [Thread(target=self._walk_on) for _ in range(CLIENTS)]
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

    def endure(self, trouble: AbstractContextManager[None]) -> float:
        """Until somebody was told to try again; seconds until the next is through after it is over."""
        self.wait_for(CLIENTS)
        before, until = self.put_off, time.monotonic() + _PATIENCE_SECONDS
        with trouble:
            while self.put_off < before + CLIENTS:
                if time.monotonic() > until:
                    raise TimeoutError("nobody noticed the trouble")
                time.sleep(0.01)
        begun = time.monotonic()
        self.wait_for(1)
        return time.monotonic() - begun

    def _walk_on(self) -> None:
        while not self.stopping.wait(self.breath):
            try:
                self.send(str(uuid4()))
            except (WrongAnswerError, TimeoutError) as error:
                self.wrong.append(str(error))

    def send(self, name: str) -> None:
        """From the clinic's page to the receipt."""
        self._open("/c/acme")
        at = self._press("/c/acme/start", {"for": "me"})
        home = at.rpartition("/")[0]
        at = self._answer_until(at, "check")
        for place in ("check", "result"):
            self._open(f"{home}/{place}")
        at = self._answer_until(f"{home}/{_HEALTH}", "contact")
        contact = {what: as_form(value) for what, value in contact_but(contact_name=name).items()}
        receipt = self._press(at, self._hidden(at) | contact)
        self.acked[name] = datetime.now(UTC)
        self.receipts[name] = receipt

    def _answer_until(self, at: str, last: str) -> str:
        while not at.endswith(f"/{last}"):
            text = self._open(at).text
            unsure = dict.fromkeys(_UNSURE.findall(text), "unsure")
            said = {name: as_form(_SAID[name]) for name in _FIELD.findall(text) if name in _SAID}
            at = self._press(at, unsure | said | hidden_in(text))
        return at

    def _hidden(self, at: str) -> dict[str, object]:
        return hidden_in(self._open(at).text)

    def _open(self, path: str) -> Answer:
        return self._insist("GET", path, None, http.client.OK)

    def _press(self, path: str, form: Mapping[str, object]) -> str:
        return self._insist("POST", path, form, http.client.SEE_OTHER).location

    def _insist(self, method: str, path: str, form: Mapping[str, object] | None, wanted: int) -> Answer:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                answer = ask(self.server.port, method, path, form)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
            else:
                if answer.status == wanted:
                    self.times.append((begun, time.monotonic() - begun))
                    return answer
                if not answer.says_later:
                    raise WrongAnswerError(f"{answer.status} for {method} {path.rpartition('/')[2]}")
                self.put_off += 1
            time.sleep(_AGAIN_SECONDS)
        raise TimeoutError(f"{method} {path.rpartition('/')[2]} was tried for {_PATIENCE_SECONDS} s")


def hidden_in(text: str) -> dict[str, object]:
    """What the form of a page sends along."""
    return dict(_HIDDEN.findall(text.partition('id="answers"')[2]))


def reference_at(server: Server, receipt: str) -> str:
    """What the receipt's page calls the request; nothing if it does not show one."""
    found = _REFERENCE.search(ask(server.port, "GET", receipt).text)
    return found[1] if found else ""


@contextmanager
def serving(databases: Databases, kind: str, breath: float = 0.5) -> Iterator[tuple[Installation, Traffic]]:
    """An installation, its server, and nobody there yet."""
    installation = make_installation(databases.create())
    # Who looks at it later opens it anew.
    installation.app.extensions["screener.database"].dispose()
    server = Server(installation.settings, workers=1 if kind == "sqlite" else 2)
    server.start()
    try:
        yield installation, Traffic(server, breath)
    finally:
        server.kill()
