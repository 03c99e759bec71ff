"""S12 and S13: what the server holds in memory, whether that grows, and how soon it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

from bench.crowd import Crowd, crowd_of
from bench.place import Place
from bench.processes import Served, memory_of
from bench.row import Row, alternate, compared, shown

_SECONDS_TO_START = 1.5
_GROWTH = 0.05
# Before the first look: what is made once is made.
_WARM = 20


def measure_memory(place: Place) -> Iterator[Row]:
    # SQLite takes one process that writes.
    workers = 2 if place.postgres else 1
    with place.serving(workers=workers) as servers:
        for served in servers.values():
            _go_through(place, served, _WARM)
        held = {name: memory_of(served.pids) for name, served in servers.items()}
        _go_through(place, servers["app"], place.extent.screenings)
        after = memory_of(servers["app"].pids)
    megabytes = {name: [size / 1e6] for name, size in held.items()}
    what = f"memory (PSS), {workers} worker{'s' if workers > 1 else ''}"
    yield compared("S12", what, megabytes["app"], megabytes["limit"], unit="MB", most=1.5)
    growth = after / held["app"] - 1
    about = f"growth of that over {place.extent.screenings:,} screenings"
    yield Row("S12", about, f"{growth:+.1%}", "-", "-", f"<= {_GROWTH:.0%}", growth <= _GROWTH)


def _go_through(place: Place, served: Served, screenings: int) -> None:
    left = screenings
    while left > 0:
        with crowd_of(Crowd(served.port, place.way, place.extent.clients), "walk", 2.0) as go:
            left -= go().all_done().done


def measure_start(place: Place) -> Iterator[Row]:
    settings, url = place.settings(), place.databases.create()
    found = alternate(
        place.extent.rounds,
        {
            "app": partial(_start, lambda: place.app(settings)),
            "limit": partial(_start, lambda: place.limit(url)),
        },
    )
    seconds = median(found["app"])
    yield Row(
        "S13",
        "start to first answer",
        shown(found["app"], "s"),
        shown(found["limit"], "s"),
        f"{seconds / median(found['limit']):.2f}",
        f"<= {_SECONDS_TO_START} s",
        seconds <= _SECONDS_TO_START,
    )


def _start(make: Callable[[], Served]) -> float:
    with make() as served:
        return served.seconds_to_start
