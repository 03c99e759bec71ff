"""People at a server, in a process of their own, so that what they cost is not taken for the server's.

Closed: so many people, each begins anew when they are through. Open: they come at fixed moments whether the
server keeps up or not, and a wait is counted from the moment at which a request was due (a slow answer
cannot hide the waits behind it).
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Barrier, Lock
from typing import Any, Final
from urllib.parse import urlencode

from bench.way import START, Way

_PATIENCE_SECONDS: Final = 30
_HIDDEN: Final = re.compile(rb'<input (?=[^>]*type="hidden")[^>]*name="([a-z_]+)"[^>]*value="([^"]*)"')
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LOCATION: Final = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
_COOKIE: Final = re.compile(rb"\r\nset-cookie: *([^=;\r]+)=([^;\r]*)", re.IGNORECASE)
_SEE_OTHER: Final = 303
_PROCESSES: Final = get_context("spawn")
# Between a person's requests where they come at fixed moments: it makes no difference to the server how long
# they think, and keeps the run short.
THINKING: Final = 0.05


LOGIN: Final = "/staff/login"


class RefusedError(RuntimeError):
    """The server did not do what was asked."""


@dataclass(frozen=True)
class Answer:
    status: int
    location: str
    body: bytes
    # With the headers.
    size: int


def hidden_in(answer: Answer) -> dict[str, str]:
    """What the forms of a page hold already."""
    return {name.decode(): held.decode() for name, held in _HIDDEN.findall(answer.body)}


@dataclass
class Line:
    """A kept connection; the person behind it has an address of their own, as behind a proxy."""

    port: int
    address: str
    cookies: dict[bytes, bytes] = field(default_factory=dict)
    _socket: socket.socket | None = None

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        sent = [
            f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Forwarded-For: {self.address}\r\n",
            "Sec-Fetch-Site: same-origin\r\nAccept-Encoding: gzip\r\n",
        ]
        if self.cookies:
            jar = b"; ".join(name + b"=" + value for name, value in self.cookies.items())
            sent.append(f"Cookie: {jar.decode()}\r\n")
        if body is not None:
            sent.append(f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n")
        try:
            line = self._open()
            line.sendall(("".join(sent) + "\r\n" + (body or "")).encode())
            return self._read(line)
        except OSError:
            self.close()
            raise

    def _open(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self, line: socket.socket) -> Answer:
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more(line)
        head, rest = found[:end], found[end + 4 :]
        if _CHUNKED.search(head):
            body = b"".join(self._chunks(line, rest))
        else:
            length = _LENGTH.search(head)
            body = self._whole(line, rest, int(length[1]) if length else 0)
        self.cookies.update(_COOKIE.findall(head))
        location = _LOCATION.search(head)
        where = location[1].decode() if location else ""
        return Answer(int(head[9:12]), where, body, len(head) + 4 + len(body))

    def _whole(self, line: socket.socket, had: bytes, wanted: int) -> bytes:
        while len(had) < wanted:
            had += self._more(line)
        return had

    def _chunks(self, line: socket.socket, had: bytes) -> Iterator[bytes]:
        size = -1
        while size:
            while (end := had.find(b"\r\n")) < 0:
                had += self._more(line)
            size = int(had[:end], 16)
            had = self._whole(line, had[end + 2 :], size + 2)
            yield had[:size]
            had = had[size + 2 :]

    def _more(self, line: socket.socket) -> bytes:
        more = line.recv(65536)
        if not more:
            self.close()
            raise RefusedError("the server hung up")
        return more

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(eq=False)
class Person:
    """Goes the whole way again and again, or asks the same questions over and over."""

    line: Line
    way: Way
    # Seconds, of each request.
    waits: list[float] = field(default_factory=list)
    # Each page as it came last, by its slug.
    answers: dict[str, Answer] = field(default_factory=dict)
    # What its form holds already.
    _hidden: dict[str, str] = field(default_factory=dict)
    # When the next request is due, where they come at fixed moments.
    _due: float | None = None

    def walk(self, begins: float | None = None) -> None:
        """From the clinic's page to the receipt."""
        self._due = begins
        at = self.begin()
        while at.startswith("/d/"):
            at = self.step(at)
        self._get(at)

    def begin(self) -> str:
        self.line.cookies.clear()
        self._get(START)
        return self._post(f"{START}/start", self._token_of(START))

    def step(self, at: str) -> str:
        """Opens a page and does what is done there; where that leads."""
        self._get(at)
        slug = _slug_of(at)
        if slug in self.way.links:
            return at.replace(slug, self.way.links[slug])
        return self._post(at, self._body(at))

    def ask_again(self, at: str) -> str:
        """A step as it is measured: the form is sent, and the page behind it opened."""
        following = self._post(at, self._body(at))
        self._get(following)
        return following

    def give_password(self, email: str, password: str) -> None:
        self.line.cookies.clear()
        self._get(LOGIN)
        self._post(
            LOGIN, "&".join([self._token_of(LOGIN), urlencode({"email": email, "password": password})])
        )

    def _body(self, at: str) -> str:
        return "&".join(filter(None, [self._token_of(at), self.way.bodies[_slug_of(at)]]))

    def _token_of(self, at: str) -> str:
        return self._hidden.get(_slug_of(at), "")

    def _get(self, path: str) -> None:
        answer = self._timed("GET", path)
        if answer.status != 200:
            raise RefusedError(f"GET {_slug_of(path)}: {answer.status}")
        slug = _slug_of(path) if path.startswith("/d/") else path.split("/")[1]
        self.answers[slug] = answer
        self._hidden[_slug_of(path)] = "&".join(f"{name}={held}" for name, held in hidden_in(answer).items())

    def _post(self, path: str, body: str) -> str:
        answer = self._timed("POST", path, body)
        if answer.status not in {302, _SEE_OTHER}:
            raise RefusedError(f"POST {_slug_of(path)}: {answer.status}")
        return answer.location

    def _timed(self, method: str, path: str, body: str | None = None) -> Answer:
        begun = time.perf_counter()
        if self._due is not None:
            if self._due > begun:
                time.sleep(self._due - begun)
            begun, self._due = self._due, self._due + THINKING
        answer = self.line.ask(method, path, body)
        self.waits.append(time.perf_counter() - begun)
        return answer


def _slug_of(path: str) -> str:
    return path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1]


@dataclass
class Told:
    """What came of it."""

    seconds: float = 0
    # Whole ways, or steps.
    done: int = 0
    waits: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def all_done(self) -> Told:
        """Raises RefusedError: whoever is refused is quickly served, and such a round measures nothing."""
        if self.refused or not self.done:
            raise RefusedError(f"{self.done} got through, {len(self.refused)} did not: {self.refused[:1]}")
        return self


@dataclass
class Crowd:
    """What it is told to do once it is ready."""

    port: int
    way: Way
    clients: int = 16

    def people(self) -> list[Person]:
        return [
            Person(Line(self.port, f"198.51.{n // 250}.{n % 250}"), self.way) for n in range(self.clients)
        ]

    def walk(self, ready: Callable[[], None], seconds: float) -> Told:
        """Closed loop, for so long; who is under way then goes on to the end."""
        told, lock = Told(), Lock()
        people = self.people()
        ready()
        begun = time.perf_counter()

        def go_on(person: Person) -> None:
            while time.perf_counter() - begun < seconds:
                problem = _refusal(person.walk)
                with lock:
                    told.done += not problem
                    told.refused += problem

        self._together(people, go_on)
        return _sum_up(told, people, begun)

    def step(self, ready: Callable[[], None], rounds: int) -> Told:
        """Closed loop of question steps, with forms begun before the clock starts."""
        told, people, barrier = Told(), self.people(), Barrier(self.clients + 1)
        lock = Lock()

        def go_on(person: Person) -> None:
            at = person.begin()
            door = at.rsplit("/", 1)[0]
            for slug in self.way.questions:
                person.step(f"{door}/{slug}")
            person.waits.clear()
            barrier.wait()
            barrier.wait()
            for _ in range(rounds):
                for slug in self.way.questions:
                    problem = _refusal(person.ask_again, f"{door}/{slug}")
                    with lock:
                        told.done += not problem
                        told.refused += problem

        with ThreadPoolExecutor(self.clients) as pool:
            going = [pool.submit(go_on, person) for person in people]
            for one in going:
                one.add_done_callback(lambda ended: ended.exception() and barrier.abort())
            barrier.wait()
            ready()
            barrier.wait()
            begun = time.perf_counter()
        for one in going:
            one.result()
        return _sum_up(told, people, begun)

    def arrive(self, ready: Callable[[], None], rate: float, seconds: float) -> Told:
        """Open loop: so many whole ways a second are begun, at even moments."""
        told, lock, number = Told(), Lock(), int(rate * seconds)
        # More hands than are ever full, unless the server falls behind.
        hands = Crowd(self.port, self.way, 256).people()
        free = list(hands)
        ready()
        begun = time.perf_counter()

        def come(due: float) -> None:
            with lock:
                person = free.pop()
            problem = _refusal(person.walk, due)
            with lock:
                told.done += not problem
                told.refused += problem
                free.append(person)

        with ThreadPoolExecutor(len(hands)) as pool:
            for one in range(number):
                due = begun + one / rate
                time.sleep(max(0, due - time.perf_counter()))
                pool.submit(come, due)
        return _sum_up(told, hands, begun)

    def sign_in(self, ready: Callable[[], None], emails: list[str], password: str, seconds: float) -> Told:
        """Each of them gives the right password again and again; what a second step costs is not asked."""
        told, lock = Told(), Lock()
        people = Crowd(self.port, self.way, len(emails)).people()
        ready()
        begun = time.perf_counter()

        def go_on(person: Person) -> None:
            email = emails[people.index(person)]
            while time.perf_counter() - begun < seconds:
                problem = _refusal(person.give_password, email, password)
                with lock:
                    told.done += not problem
                    told.refused += problem

        self._together(people, go_on)
        return _sum_up(told, people, begun)

    def _together(self, people: list[Person], go_on: Callable[[Person], None]) -> None:
        with ThreadPoolExecutor(len(people)) as pool:
            list(pool.map(go_on, people))


def _refusal(doing: Callable[..., Any], *args: Any) -> list[str]:
    try:
        doing(*args)
    except (RefusedError, OSError) as error:
        return [str(error) or type(error).__name__]
    return []


def _sum_up(told: Told, people: list[Person], begun: float) -> Told:
    told.seconds = time.perf_counter() - begun
    for person in people:
        told.waits += person.waits
        person.line.close()
    return told


def _run(crowd: Crowd, doing: str, args: tuple[Any, ...], line: Connection) -> None:
    # Hands change often here, and for short.
    sys.setswitchinterval(0.0005)

    def ready() -> None:
        line.send("ready")
        line.recv()

    line.send(getattr(crowd, doing)(ready, *args))


@dataclass
class Going:
    """A crowd that is ready to go; called, it goes, and tells what came of it."""

    line: Connection

    def begin(self) -> None:
        self.line.send("go")

    def end(self) -> Told:
        told: Told = self.line.recv()
        return told

    def __call__(self) -> Told:
        self.begin()
        return self.end()


@contextmanager
def crowd_of(crowd: Crowd, doing: str, *args: Any) -> Iterator[Going]:
    ours, theirs = _PROCESSES.Pipe()
    process = _PROCESSES.Process(target=_run, args=(crowd, doing, args, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        ours.recv()
        yield Going(ours)
    finally:
        process.kill()
        process.join()
