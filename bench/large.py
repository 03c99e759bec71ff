"""S8, S10, S14 and S15: the desk at few and at many stored requests, beside a raw query and a plain twin.

Each number of requests has a database and a server of its own; they are asked in turn. What a page costs is
processor time, the database's included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import median
from typing import Final
from urllib.parse import urlencode

from conftest import next_code
from flask import Flask
from sqlalchemy import select
from web.test_replay import settings_of
from web.walking import at_clinic

from bench.crowd import LOGIN, Answer, Line, hidden_in
from bench.place import Place
from bench.processes import ROOT, Served, forget_peak, peak_of
from bench.row import Row, alternate, compared, shown
from screener import create_app
from screener.domain.consultation import State
from screener.settings import Settings
from screener.store.consultations import read_contact
from screener.store.tables import Consultation
from screener.web.demo import DEMO_PASSWORD, DEMO_SLUG
from screener.web.exports import MOST_ROWS

# An administrator who reads answers too.
_EMAIL: Final = "admin@demo.example"
_DESK: Final = f"/desk/{DEMO_SLUG}"
_QUEUE: Final = f"{_DESK}/queue"
_FIRST: Final = "queue, first page"
_DEEPEST: Final = "queue, deepest page"
_PAGES: Final = {
    _FIRST: _QUEUE,
    "queue, longest waiting": f"{_QUEUE}?sort=longest",
    "queue, newest": f"{_QUEUE}?sort=newest",
    "queue, due today": f"{_QUEUE}?show=due",
    "queue, accepted": f"{_QUEUE}?show=accepted",
    "queue, done": f"{_QUEUE}?show=done",
    "queue by urgency": f"{_QUEUE}?urgency=flagged",
    "queue by what is asked for": f"{_QUEUE}?kind=question",
    "queue by class": f"{_QUEUE}?class=intractable",
    "queue by waiting": f"{_QUEUE}?waiting=over-3-days",
    "queue by owner": f"{_QUEUE}?owner=nobody",
    "queue by language": f"{_QUEUE}?language=es",
    "my tasks": f"{_DESK}/tasks",
    "dashboard": f"{_DESK}/dashboard",
    "audit trail": f"{_DESK}/audit",
}
_PAGE_SIZE: Final = 50
# So often a page is opened for one figure: ticks of the clock are 10 ms.
_TIMES: Final = 12
_FILE: Final = {"reason": "bench", "groups": ["answers", "contact"], "file_format": "csv", "show": "all"}
_ROWS_A_SECOND, _MORE_MEMORY = 40_000, 20e6


@dataclass
class Desk:
    """A member of staff, signed in at a server with so many requests."""

    place: Place
    served: Served
    line: Line
    app: Flask
    url: str

    @property
    def deepest(self) -> str:
        """The queue's last page."""
        columns = Consultation.urgency_rank, Consultation.received_at, Consultation.id
        from_last = select(Consultation.reference).order_by(*(column.desc() for column in columns))
        is_open = Consultation.state == State.NEW.value
        with at_clinic(self.app, DEMO_SLUG) as (session, _):
            before = session.scalars(from_last.where(is_open).offset(_PAGE_SIZE).limit(1)).one()
        return f"{_QUEUE}?after={before}"

    @property
    def searches(self) -> dict[str, str]:
        """For somebody who is there."""
        with at_clinic(self.app, DEMO_SLUG) as (session, _):
            given = read_contact(session, session.scalars(select(Consultation).limit(1)).one())
        wanted = {"e-mail": "contact_email", "phone": "contact_phone", "name": "contact_name"}
        return {f"search by {what}": given[name] for what, name in wanted.items()}

    def open(self, path: str, body: str | None = None) -> Answer:
        answer = self.line.ask("POST" if body else "GET", path, body)
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
        return answer

    @cached_property
    def token(self) -> str:
        return hidden_in(self.open(_QUEUE))["csrf_token"]

    def cost(self, path: str, text: str = "") -> float:
        """Milliseconds of processor time; of a search, where there is a text."""
        # A kept line would be shut while others are measured.
        self.line.close()
        body = urlencode({"csrf_token": self.token, "q": text}) if text else None
        begun = self.place.cpu(self.served)
        for _ in range(_TIMES):
            self.open(path, body)
        return (self.place.cpu(self.served) - begun) / _TIMES * 1000

    def export(self) -> tuple[float, float]:
        """Rows a second, and how many bytes more the server held at once."""
        self.line.close()
        body = urlencode(_FILE | {"csrf_token": self.token}, doseq=True)
        before, begun = forget_peak(self.served.pids), time.perf_counter()
        rows = self.open(f"{_DESK}/exports/file", body).body.count(b"\r\n")
        return rows / (time.perf_counter() - begun), peak_of(self.served.pids) - before


def measure(place: Place) -> Iterator[Row]:
    few, many = min(place.extent.sizes), max(place.extent.sizes)
    with ExitStack() as running:
        # The many first: they take long to make, and whoever is signed in and does nothing is signed out.
        desks = {size: running.enter_context(_desk(place, size)) for size in (many, few)}
        limit = running.enter_context(_limit(place, desks[many]))
        yield from _beside_limit(place, desks[many], limit)
        grown = []
        for name, path, text in _each_page(desks[few]):
            costs = alternate(
                place.extent.rounds,
                {size: partial(desks[size].cost, path, text) for size in (many, few)},
            )
            about = {"unit": "ms", "most": 1.2, "beside": f"{few:,}"}
            row = compared("S8", f"{name}, CPU at {many:,}", costs[many], costs[few], **about)
            grown.append((float(row.ratio), name))
            yield row
        worst, name = max(grown)
        yield Row(
            "S15", f"most grown from {few:,} to {many:,}", name, "-", f"{worst:.2f}", "no full scan", None
        )
        yield _export(place, desks[few], few)


def _each_page(desk: Desk) -> Iterator[tuple[str, str, str]]:
    """What it is called, its path, and what is searched for."""
    for name, path in _PAGES.items():
        yield name, path, ""
    for name, text in desk.searches.items():
        yield name, f"{_QUEUE}/search", text


def _beside_limit(place: Place, desk: Desk, limit: Served) -> Iterator[Row]:
    bare = Line(limit.port, "203.0.113.8")

    def listed() -> float:
        bare.close()
        begun = place.cpu(limit)
        for _ in range(_TIMES * 10):
            bare.ask("GET", "/queue")
        return (place.cpu(limit) - begun) / _TIMES / 10 * 1000

    found = alternate(
        place.extent.rounds,
        {
            "first": partial(desk.cost, _QUEUE),
            "limit": listed,
            "deepest": partial(desk.cost, desk.deepest),
        },
    )
    size = max(place.extent.sizes)
    yield compared("S8", f"{_FIRST}, CPU at {size:,}", found["first"], found["limit"], unit="ms", most=4)
    what = f"{_DEEPEST}, CPU at {size:,}"
    yield compared("S8", what, found["deepest"], found["first"], unit="ms", most=1.3, beside="first page")


def _export(place: Place, desk: Desk, size: int) -> Row:
    found = [desk.export() for _ in range(place.extent.rounds)]
    rates, memory = [rate for rate, _ in found], [more / 1e6 for _, more in found]
    what = f"CSV file of {size:,} requests (a file holds {MOST_ROWS:,} at most)"
    told = f"{shown(rates, 'rows/s')}, {shown(memory, 'MB')} more"
    goal = f">= {_ROWS_A_SECOND:,} rows/s, <= {_MORE_MEMORY / 1e6:.0f} MB"
    is_met = median(rates) >= _ROWS_A_SECOND and median(memory) <= _MORE_MEMORY / 1e6
    return Row("S14", what, told, "-", "-", goal, is_met)


def measure_sealed(place: Place) -> Iterator[Row]:
    size = min(place.extent.sizes)
    with ExitStack() as running:
        desks = {
            "sealed": running.enter_context(_desk(place, size)),
            "plain": running.enter_context(_desk(place, size, "bench.plain")),
        }
        found = alternate(
            place.extent.rounds, {name: partial(desk.cost, _QUEUE) for name, desk in desks.items()}
        )
    what = f"{_FIRST}, CPU at {size:,}"
    yield compared("S10", what, found["sealed"], found["plain"], unit="ms", most=1.15, beside="plain text")


# ---------------------------------------------------------------- the desks


@contextmanager
def _desk(place: Place, size: int, program: str = "") -> Iterator[Desk]:
    """A demo of so many requests, served, with somebody signed in."""
    settings = place.settings()
    _run(settings, program, "demo", "--submissions", str(size))
    served = place.app(settings)
    if program:
        served.target = f"{program}:app"
    app = create_app(settings)
    try:
        with served:
            line = Line(served.port, "203.0.113.9")
            _sign_in(line, lambda: next_code(app, _EMAIL))
            yield Desk(place, served, line, app, settings.database_url)
            line.close()
    finally:
        app.extensions["screener.database"].dispose()


def _run(settings: Settings, program: str, *command: str) -> None:
    start = ["-m", program] if program else ["-c", "from screener.web.cli import main; main()"]
    subprocess.run(
        [sys.executable, *start, *command],
        cwd=ROOT,
        env=dict(os.environ) | settings_of(settings) | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _sign_in(line: Line, code: Callable[[], str]) -> None:
    page = line.ask("GET", LOGIN)
    about = {"email": _EMAIL, "password": DEMO_PASSWORD}
    asked = line.ask("POST", LOGIN, urlencode(hidden_in(page) | about))
    page = line.ask("GET", asked.location)
    told = urlencode(hidden_in(page) | {"code": code()})
    if line.ask("POST", asked.location, told).status != 302:
        raise RuntimeError("the demo's administrator could not sign in")


@contextmanager
def _limit(place: Place, desk: Desk) -> Iterator[Served]:
    """Reads the very rows, past the database's own wall."""
    with at_clinic(desk.app, DEMO_SLUG) as (_, clinic):
        clinic_id = str(clinic.id) if place.postgres else clinic.id.hex
    url = desk.url.replace("postgresql://screener@", "postgresql://postgres@")
    about = {"BENCH_DATABASE": url, "BENCH_CLINIC": clinic_id, "BENCH_SIZE": str(len(desk.open(_QUEUE).body))}
    with Served("bench.limit_served:app", about, path="/queue") as served:
        yield served
