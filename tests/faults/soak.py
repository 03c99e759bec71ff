"""`make soak MINUTES=`: patients, staff and the worker for a long time; nothing grows that should not.

Memory, open files, threads, connections and waits of the last quarter are held against the first one's.
"""

from __future__ import annotations

import http.client
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from statistics import median, quantiles
from threading import Thread
from typing import Any, Final

import psutil
from conftest import Databases, Installation
from faults.kept import judge, opened
from faults.rig import COMMAND, Outcome, databases_for, environment_of, faults_of, run
from faults.traffic import Answer, Traffic, ask, serving
from postgres import PostgresServer
from sqlalchemy import func, select
from web.client import Browser
from web.post_office import open_post_office
from web.test_mail import SENDER
from web.walking import at_clinic, sign_in

from screener.settings import ROOT, Settings
from screener.store.tables import OutboxMessage

MINUTES: Final = float(os.environ.get("MINUTES") or 60)
SAMPLES: Final = 80
# Memory and waits may be so much more in the last quarter: a ratio, and what is the machine's own noise.
MOST_MORE: Final = {"memory": (1.10, 16.0), "median": (1.25, 10.0), "p95": (1.5, 50.0)}
# Of the others so many more: as a pool fills that is not full yet; an SQLite connection holds three files.
MOST_COUNTED: Final = {"files": 24, "threads": 8, "connections": 8}
# What a server does when it is new (its threads begin, its caches fill) is no growth.
WARM_UP: Final = max(0.1, min(1 / 3, 1 / MINUTES))
_STAFF: Final = ("intake@acme.example", "clinician@acme.example")
_REQUEST: Final = re.compile(r'href="(/desk/acme/requests/[0-9A-Z]{10})')
_FORM: Final = re.compile(r'name="(csrf_token|version)" value="([^"]+)"')


@dataclass
class Staff:
    """Somebody who reads the queue, opens a request and takes it into review."""

    traffic: Traffic
    cookie: str
    read: int = 0

    def work_on(self) -> None:
        while not self.traffic.stopping.wait(1):
            with suppress(OSError, http.client.HTTPException):
                self._work()

    def _work(self) -> None:
        found = sorted(set(_REQUEST.findall(self._ask("GET", "/desk/acme/queue").text)))
        if found:
            at = random.choice(found)
            form = dict(_FORM.findall(self._ask("GET", at).text))
            self._ask("POST", f"{at}/move", {**form, "to_state": "in_review"})
            self._ask("GET", "/desk/acme/dashboard")
            self.read += 1

    def _ask(self, method: str, path: str, form: dict[str, object] | None = None) -> Answer:
        begun = time.monotonic()
        answer = ask(self.traffic.server.port, method, path, form, cookie=self.cookie)
        self.traffic.times.append((begun, time.monotonic() - begun))
        # A colleague may have been quicker.
        if answer.status not in {200, 303, 409, 422}:
            self.traffic.wrong.append(f"{answer.status} for staff at {method} {path.rpartition('/')[2]}")
        return answer


@dataclass
class Watch:
    """Samples of the processes that serve and deliver."""

    processes: list[psutil.Process]
    databases: Databases
    samples: dict[str, list[float]] = field(default_factory=dict)

    def sample(self) -> None:
        found = self.processes
        counted = {
            "memory": sum(each.memory_info().rss for each in found) / 2**20,
            "files": sum(each.num_fds() for each in found),
            "threads": sum(each.num_threads() for each in found),
            "connections": self._count_connections(found),
        }
        for what, number in counted.items():
            self.samples.setdefault(what, []).append(number)

    def _count_connections(self, found: list[psutil.Process]) -> int:
        if isinstance(self.databases, PostgresServer):
            return self.databases.count_connections()
        return sum(file.path.endswith("screener.db") for each in found for file in each.open_files())


def first_and_last(values: list[Any]) -> tuple[list[Any], list[Any]]:
    warm = values[int(len(values) * WARM_UP) :]
    quarter = max(1, len(warm) // 4)
    return warm[:quarter], warm[-quarter:]


def play(kind: str, _cycles: int) -> Outcome:
    with ExitStack() as running:
        databases = running.enter_context(databases_for(kind))
        office = running.enter_context(open_post_office())
        installation, traffic = running.enter_context(serving(databases, kind))
        worker = running.enter_context(_delivering(installation.settings, office.port))
        processes = [*traffic.server.processes(), worker]
        watch = Watch(processes, databases)
        staff = [Staff(traffic, cookie) for cookie in _sign_in_all(installation)]
        with traffic.flowing():
            readers = [Thread(target=each.work_on) for each in staff]
            for reader in readers:
                reader.start()
            until = time.monotonic() + MINUTES * 60
            while time.monotonic() < until:
                time.sleep(MINUTES * 60 / SAMPLES)
                watch.sample()
        for reader in readers:
            reader.join()
        _wait_for_mail(installation)
        broken = judge(installation.settings, traffic)
        broken["processes that ended"] = sum(not each.is_running() for each in processes)
    told, grown = _compare(watch, traffic)
    read = sum(each.read for each in staff)
    told = f"{MINUTES:g} min, {len(traffic.acked)} acknowledged, {broken['lost']} lost, {read} read; {told}"
    return Outcome(told, faults_of({**broken, **grown}))


def _compare(watch: Watch, traffic: Traffic) -> tuple[str, dict[str, int]]:
    found: dict[str, tuple[float, float]] = {}
    for what, values in watch.samples.items():
        first, last = first_and_last(values)
        found[what] = median(first), median(last)
    first, last = first_and_last([seconds * 1000 for _, seconds in sorted(traffic.times)])
    found["median"] = median(first), median(last)
    found["p95"] = quantiles(first, n=20)[-1], quantiles(last, n=20)[-1]
    grown = {f"{what} grew": int(_is_more(what, *pair)) for what, pair in found.items()}
    told = ", ".join(f"{what} {before:.0f} -> {after:.0f}" for what, (before, after) in found.items())
    return f"{told} (MiB, ms)", grown


def _is_more(what: str, before: float, after: float) -> bool:
    if what in MOST_COUNTED:
        return after > before + MOST_COUNTED[what]
    ratio, noise = MOST_MORE[what]
    return after > before * ratio + noise


@contextmanager
def _delivering(settings: Settings, port: int) -> Iterator[psutil.Process]:
    about: Any = {"smtp_url": f"smtp+plain://127.0.0.1:{port}", "mail_from": SENDER}
    environment = environment_of(replace(settings, **about))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*COMMAND, "deliver"], cwd=ROOT, env=environment, **quiet) as worker:
        try:
            yield psutil.Process(worker.pid)
        finally:
            worker.kill()


def _sign_in_all(installation: Installation) -> list[str]:
    """Their cookies, which hold at the server as they do here."""
    cookies = []
    with opened(installation.settings) as app:
        for email in _STAFF:
            cookie = sign_in(Browser(app), email).client.get_cookie("__Host-staff")
            assert cookie
            cookies.append(f"__Host-staff={cookie.value}")
    return cookies


def _wait_for_mail(installation: Installation) -> None:
    """Until the worker has carried all that is due; what tells staff may wait for its hour."""
    unsent = select(func.count()).select_from(OutboxMessage).where(OutboxMessage.sent_at.is_(None))
    waiting = unsent.where(OutboxMessage.due_at <= datetime.now(UTC))
    until = time.monotonic() + 120
    with opened(installation.settings) as app:
        while time.monotonic() < until:
            with at_clinic(app, "acme") as (session, _):
                if not session.scalar(waiting):
                    return
            time.sleep(0.5)
    raise TimeoutError("mail was left behind")


def main() -> int:
    return run("soak", play, cycles=1)


if __name__ == "__main__":
    sys.exit(main())
