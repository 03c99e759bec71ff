"""`make flood`: 200 requests a second on one clinic, and people at another who begin their forms meanwhile.

Three times: in peace, beside a flood from one address, beside one from many. All go through, and how long
they waited for a page is told.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import OK, SEE_OTHER, HTTPException
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from statistics import quantiles
from typing import Any, Final

import click
from conftest import make_installation
from faults.rig import Outcome, databases_for, run
from faults.traffic import Answer, Server, ask, hidden_in

A_SECOND: Final = 200
MANY: Final = 200
# By how many addresses.
FLOODS: Final = {"in peace": 0, "beside one address": 1, f"beside {MANY}": MANY}
# At once on the way: more than the server lets wait.
IN_FLIGHT: Final = 100
# Of a hundred pages the slowest but one; on a machine that does nothing else it is far below.
SLOWEST: Final = 3.0
_PROCESSES: Final = get_context("spawn")


@dataclass
class Flood:
    """One clinic's page, forms begun there, and a question of one of them, over and over."""

    port: int
    addresses: int
    stopping: Event
    told: Any

    def run(self) -> None:
        statuses: Counter[str] = Counter()
        token = ""
        while not token:
            token = ask(self.port, "POST", "/c/acme/start", {}, address="198.51.100.1").location
        ways = [("GET", "/c/acme"), ("POST", "/c/acme/start"), ("GET", token.split("?")[0])]
        self.told.put(None)
        begun, sent = time.monotonic(), 0
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            pending: set[Any] = set()
            while not self.stopping.is_set():
                pending = {one for one in pending if not one.done()}
                owed = int((time.monotonic() - begun) * A_SECOND) - sent
                for _ in range(owed):
                    sent += 1
                    if len(pending) < IN_FLIGHT:
                        method, path = random.choices(ways, (2, 2, 1))[0]
                        pending.add(pool.submit(self._ask, method, path, statuses))
                    else:
                        # So many are on the way: this one does not reach us.
                        statuses["not sent"] += 1
                time.sleep(0.005)
        self.told.put((sent / (time.monotonic() - begun), dict(statuses)))

    def _ask(self, method: str, path: str, statuses: Counter[str]) -> None:
        address = f"198.51.{random.randrange(self.addresses)}.1" if self.addresses > 1 else "198.51.100.1"
        status = "no answer"
        with suppress(OSError, HTTPException):
            status = ask(self.port, method, path, {} if method == "POST" else None, address=address)[0]
        statuses[str(status)] += 1


@contextmanager
def flooded(port: int, addresses: int) -> Iterator[None]:
    """By a process of its own, so that it takes nothing from whoever measures."""
    if not addresses:
        yield
        return
    stopping, told = _PROCESSES.Event(), _PROCESSES.SimpleQueue()
    process = _PROCESSES.Process(target=Flood(port, addresses, stopping, told).run)
    process.start()
    told.get()
    # Until it stands at the door.
    time.sleep(2)
    try:
        yield
    finally:
        stopping.set()
        rate, statuses = told.get()
        process.join()
        click.echo(f"  flood: {rate:.0f} a second; answers by status {statuses}")


@dataclass
class Person:
    """At the other clinic, from a place of their own."""

    port: int
    number: int

    def walk(self) -> list[float]:
        """Seconds for each page. Raises RuntimeError where one was refused."""
        self.waits: list[float] = []
        self._ask("GET", "/c/other", OK)
        at = self._ask("POST", "/c/other/start", SEE_OTHER, {}).location
        in_danger = self.number % 4 == 0
        hidden = hidden_in(self._ask("GET", at, OK).text)
        answers: dict[str, object] = {"danger_now": "sudden" if in_danger else "none"}
        at = self._ask("POST", at, SEE_OTHER, hidden | answers).location
        if in_danger != ("/stop" in at):
            raise RuntimeError(f"danger {in_danger} leads to {at.rsplit('/', 1)[-1]}")
        self._ask("GET", at, OK)
        return self.waits

    def _ask(self, method: str, path: str, wanted: int, form: dict[str, object] | None = None) -> Answer:
        begun = time.perf_counter()
        answer = ask(self.port, method, path, form, address=f"203.0.{self.number // 250}.{self.number % 250}")
        self.waits.append(time.perf_counter() - begun)
        if answer.status != wanted:
            raise RuntimeError(f"{method} of a person at another clinic: {answer.status}")
        return answer


def measure(port: int, people: int, addresses: int, first: int) -> tuple[list[float], int]:
    waits, refused = [], 0
    with flooded(port, addresses):
        for number in range(first, first + people):
            person = Person(port, number)
            try:
                waits += person.walk()
            except (RuntimeError, OSError, HTTPException) as error:
                click.echo(f"  {error}")
                refused += 1
    return waits, refused


def play(kind: str, cycles: int) -> Outcome:
    told, wrong = [], 0
    with databases_for(kind) as databases:
        installation = make_installation(databases.create())
        settings = replace(installation.settings, proxies=1, pace=os.environ.get("PACE") or "on")
        installation.app.extensions["screener.database"].dispose()
        server = Server(settings, workers=1 if kind == "sqlite" else 2)
        server.start()
        try:
            for turn, (name, addresses) in enumerate(FLOODS.items()):
                waits, refused = measure(server.port, cycles, addresses, turn * cycles)
                cuts = quantiles(waits, n=100) if len(waits) > 1 else [SLOWEST * 9] * 99
                p50, p99 = (cuts[at] * 1000 for at in (49, 98))
                told.append(f"{name} {cycles - refused} people through, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
                wrong += refused + (cuts[98] > SLOWEST)
        finally:
            server.kill()
    return Outcome("; ".join(told), f"{wrong} people or floods" if wrong else "")


if __name__ == "__main__":
    sys.exit(run("flood", play, 40))
