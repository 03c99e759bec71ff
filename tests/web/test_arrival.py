"""Who waits at the door gets in by whose turn it is, and of too many those who ask most are sent away."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import EnvironBuilder

from screener.web.arrival import AT_WORK, Doorman, Turns, network_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Door:
    """One at work, who does not leave before told; whoever comes meanwhile waits behind."""

    def __init__(self, waiting: int) -> None:
        self.turns = Turns(1, waiting)
        self.came: list[str] = []
        self.sent_away: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(100)
        self._arrived = 0

    @contextmanager
    def held(self) -> Iterator[None]:
        done = Event()
        holder = self._pool.submit(self._work, "holder", "0.0.0.0", "", done)
        self._wait_for(lambda: self.turns._free == 0)  # noqa: SLF001 - nothing else tells
        yield
        done.set()
        holder.result(60)
        self._pool.shutdown()

    def arrive(self, name: str, sender: str, clinic: str = "") -> None:
        self._pool.submit(self._work, name, sender, clinic, None)
        self._arrived += 1
        self._wait_for(lambda: self.turns._asked == self._arrived + 1)  # noqa: SLF001 - likewise

    def _work(self, name: str, sender: str, clinic: str, done: Event | None) -> None:
        with self.turns.turn(sender, clinic) as is_let_in:
            if not is_let_in:
                self.sent_away[name] += 1
            elif done:
                done.wait(60)
            else:
                self.came.append(name)

    @staticmethod
    def _wait_for(is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < until
            time.sleep(0.0005)


def test_a_flood_from_one_address_waits_behind_each_other_one() -> None:
    door = Door(waiting=64)
    with door.held():
        for _ in range(20):
            door.arrive("flood", "198.51.100.1", "acme")
        door.arrive("other clinic", "203.0.113.1", "other")
        door.arrive("a question", "203.0.113.2")
        door.arrive("same clinic", "203.0.113.3", "acme")
    assert max(map(door.came.index, ("other clinic", "a question"))) <= 3
    assert door.came.index("same clinic") <= 6, "a clinic waits for a flood on itself, but not for all of it"
    assert len(door.came) == 23


def test_a_flood_of_many_addresses_on_one_clinic_does_not_hold_up_another() -> None:
    door = Door(waiting=64)
    with door.held():
        for number in range(40):
            door.arrive("flood", f"198.51.100.{number}", "acme")
        door.arrive("other clinic", "203.0.113.1", "other")
        door.arrive("made-up clinic", "198.51.100.1", "made-up")
    assert door.came.index("other clinic") <= 2
    assert door.came.index("made-up clinic") > 2, "another name does not help the same address"


def test_when_the_line_is_full_whoever_asks_most_is_sent_away_and_may_come_again() -> None:
    door = Door(waiting=8)
    with door.held():
        for _ in range(30):
            door.arrive("flood", "198.51.100.1")
        door.arrive("person", "203.0.113.1")
    assert door.sent_away == {"flood": 23}
    assert Counter(door.came) == {"flood": 7, "person": 1}
    assert door.came.index("person") <= 1
    with door.turns.turn("198.51.100.1", "") as is_let_in:
        assert is_let_in


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_an_address_is_a_place_and_of_ipv6_the_network_is(address: str, place: str) -> None:
    assert network_of(address) == place


def test_who_signs_in_waits_for_others_who_do_and_takes_no_turn_of_a_patients() -> None:
    """As many as there are turns would hash a password; each page still comes."""
    began: Counter[str] = Counter()
    one_hashes, done = Event(), Event()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        what = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
        began[what] += 1
        if what == "POST /staff/login":
            one_hashes.set()
            done.wait(10)
        start_response("200 OK", [])
        return [b""]

    doorman = Doorman(app, {})

    def ask(path: str, method: str, number: int) -> str:
        told: list[str] = []
        environ = EnvironBuilder(path, method=method).get_environ() | {"REMOTE_ADDR": f"203.0.113.{number}"}
        doorman(environ, lambda status, *_: told.append(status))  # type: ignore[arg-type,return-value]
        return told[0]

    with ThreadPoolExecutor(2 * AT_WORK) as pool:
        sign_ins = [pool.submit(ask, "/staff/login", "POST", number) for number in range(AT_WORK)]
        assert one_hashes.wait(10)
        for path in ("/c/acme", "/staff/login"):
            assert ask(path, "GET", 100) == "200 OK"
        assert began["POST /staff/login"] == 1
        done.set()
        assert {sign_in.result(10) for sign_in in sign_ins} == {"200 OK"}
