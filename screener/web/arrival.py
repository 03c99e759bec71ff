"""The doorman: a request is read in whole before anything begins for it, and a flood waits behind the others.

The server gives each request a thread and waits for the rest of it without end. Here senders wait apart from
the few requests that are worked on, and only so many of them, of one address and together.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

from werkzeug.wrappers import Response

from screener.settings import ROOT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Bytes of a body: on any page, and on the desk's, where a clinic's logo is sent.
MAX_BODY: Final = 256 * 1024
LARGEST: Final = 4 * 1024 * 1024
# Threads of each server process: for the requests at work, those waiting, those still being sent, and some
# to spare for those without a body.
THREADS: Final = 128
AT_WORK: Final = 4
WAITING: Final = 64
SENDING: Final = 48
SENDING_OF_ONE: Final = 8
# A clinic gets as many turns as so many addresses.
_ADDRESSES_A_CLINIC: Final = 8
# How many who came lately are remembered before those whose turns are long over are let go.
_REMEMBERED: Final = 1000
_CLINIC: Final = re.compile(r"/(?:c|desk)/([a-z0-9-]{1,40})(?:/|$)")
# Forms with a password, whose hash fills a core: one at a time, so that pages have the others.
_PASSWORDS: Final = re.compile(r"/staff/(login|verify|change|reset/.+)")
_BUSY: Final = Response((ROOT / "templates" / "errors" / "busy.html").read_bytes(), mimetype="text/html")
_AWAY: Final = [
    ("Retry-After", "10"),
    # It holds nothing and has nothing to press: a patient inside a clinic's page reads it too.
    (
        "Content-Security-Policy",
        "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors *",
    ),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    # Browsers read it where they came by https alone.
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
]


class Doorman:
    """WSGI middleware around the app; 503 for whoever finds too many before them.

    It is told as `busy` says, by how the path begins; else by a page.
    """

    def __init__(self, app: WSGIApplication, busy: Mapping[str, Response]) -> None:
        self._app, self._busy = app, busy
        self._turns = Turns(AT_WORK, WAITING)
        self._hashing = Turns(1, WAITING)
        self._lock = Lock()
        self._sending: Counter[str] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        sender = network_of(environ.get("REMOTE_ADDR", ""))
        most = LARGEST if path.startswith("/desk/") else MAX_BODY
        if _has_body(environ, most):
            with self._arriving(sender) as may_send:
                if not may_send:
                    return self._turn_away(path, start_response)
                # One byte more than may be, so that it is refused as too large and not as broken.
                environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(most + 1))
        if environ["REQUEST_METHOD"] == "POST" and _PASSWORDS.fullmatch(path):
            with self._hashing.turn(sender, "") as is_let_in:
                if not is_let_in:
                    return self._turn_away(path, start_response)
                return self._let_in(environ, start_response, sender)
        return self._let_in(environ, start_response, sender)

    def _let_in(
        self, environ: WSGIEnvironment, start_response: StartResponse, sender: str
    ) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        clinic = _CLINIC.match(path)
        with self._turns.turn(sender, clinic[1] if clinic else "") as is_let_in:
            return self._app(environ, start_response) if is_let_in else self._turn_away(path, start_response)

    def _turn_away(self, path: str, start_response: StartResponse) -> Iterable[bytes]:
        told = next((told for begin, told in self._busy.items() if path.startswith(begin)), _BUSY)
        body = told.get_data()
        headers = [("Content-Type", told.content_type or ""), ("Content-Length", str(len(body)))]
        start_response("503 Service Unavailable", headers + _AWAY)
        return [body]

    @contextmanager
    def _arriving(self, sender: str) -> Iterator[bool]:
        with self._lock:
            may_send = self._sending.total() < SENDING and self._sending[sender] < SENDING_OF_ONE
            self._sending[sender] += may_send
        try:
            yield may_send
        finally:
            with self._lock:
                self._sending[sender] -= may_send
                self._sending += Counter()  # lets go of addresses that send nothing


# "address" or "clinic", and which.
_Whose: TypeAlias = tuple[str, str]


@dataclass(order=True)
class _Waiting:
    """Somebody in line. The place in it is a time on a clock that only turns move."""

    place: float
    number: int
    # Whose turns it takes, and how much of one.
    steps: Mapping[_Whose, float] = field(compare=False)
    let_in: Future[bool] = field(compare=False, default_factory=Future)


class Turns:
    """Start-time fair queueing: each address and each clinic gets its turns, however many others ask.

    When too many wait, the last in line is sent away: one of whoever asks most.
    """

    def __init__(self, at_work: int, waiting: int) -> None:
        self._free, self._most = at_work, waiting
        self._lock = Lock()
        self._line: list[_Waiting] = []
        self._now = 0.0
        self._asked = 0
        # Where in line the next one of this address, or of this clinic, stands at the earliest.
        self._next: dict[_Whose, float] = {}

    @contextmanager
    def turn(self, sender: str, clinic: str) -> Iterator[bool]:
        let_in = self._ask(sender, clinic).let_in.result()
        try:
            yield let_in
        finally:
            if let_in:
                self._give_on()

    def _ask(self, sender: str, clinic: str) -> _Waiting:
        with self._lock:
            steps: dict[_Whose, float] = {("address", sender): 1}
            if clinic:
                steps["clinic", clinic] = 1 / _ADDRESSES_A_CLINIC
            one = _Waiting(self._place(steps), self._asked, steps)
            self._asked += 1
            if self._free:
                self._free -= 1
                self._let_in(one)
                return one
            heapq.heappush(self._line, one)
            if len(self._line) > self._most:
                self._send_away(max(self._line))
            return one

    def _place(self, steps: Mapping[_Whose, float]) -> float:
        place = max(self._now, *(self._next.get(whose, 0) for whose in steps))
        for whose, step in steps.items():
            self._next[whose] = max(self._next.get(whose, 0), self._now) + step
        if len(self._next) > _REMEMBERED:
            self._next = {whose: at for whose, at in self._next.items() if at > self._now}
        return place

    def _send_away(self, last: _Waiting) -> None:
        self._line.remove(last)
        heapq.heapify(self._line)
        # What it did not get counts for nothing, else a flood would be held against its clinic for long.
        for whose, step in last.steps.items():
            self._next[whose] = self._next.get(whose, 0) - step
        last.let_in.set_result(False)

    def _let_in(self, one: _Waiting) -> None:
        self._now = max(self._now, one.place)
        one.let_in.set_result(True)

    def _give_on(self) -> None:
        with self._lock:
            if self._line:
                self._let_in(heapq.heappop(self._line))
            else:
                self._free += 1


def network_of(address: str) -> str:
    """An address as one place: of IPv6 the network, since one home has as many addresses as it likes."""
    try:
        told = ip_address(address)
    except ValueError:
        return address
    if isinstance(told, IPv6Address):
        return str(told.ipv4_mapped or ip_network((told, 64), strict=False))
    return str(told)


def _has_body(environ: WSGIEnvironment, most: int) -> bool:
    """One that says it is too large is not read at all: the app refuses it by its length."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        return 0 < int(length) <= most
    return "HTTP_TRANSFER_ENCODING" in environ
