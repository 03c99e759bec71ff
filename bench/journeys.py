"""S1 to S3: question steps and whole ways through the served app, beside the limit and the twin."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from statistics import median

from bench.crowd import Crowd, Told, crowd_of
from bench.place import Place
from bench.processes import Served
from bench.row import Row, alternate, compared, p99

# Of each person's questions, so often in one round.
_STEPS = 2
# Of what the app does at most in a closed loop: so busy a server is, and no busier.
_SHARE = 0.5


def measure(place: Place) -> Iterator[Row]:
    with place.serving(twin=True) as servers:
        yield from _steps(place, servers)
        closed = alternate(
            place.extent.rounds,
            {name: partial(_walk, place, servers[name]) for name in ("app", "limit")},
        )
        rates = {name: [told.done / told.seconds for told in found] for name, found in closed.items()}
        about = f"{place.extent.clients} clients"
        yield compared("S2", f"whole screenings, {about}", rates["app"], rates["limit"], unit="/s", least=0.4)
        yield _slowest("S3", f"request p99, {about}", closed)
        rate = max(0.5, median(rates["app"]) * _SHARE)
        opened = alternate(
            place.extent.rounds,
            {name: partial(_arrive, place, servers[name], rate) for name in ("app", "limit")},
        )
        yield _slowest("S3", f"request p99, {rate:.1f} people a second whatever happens", opened)


def _steps(place: Place, servers: dict[str, Served]) -> Iterator[Row]:
    found = alternate(
        place.extent.rounds, {name: partial(_step, place, served) for name, served in servers.items()}
    )
    what = "question step (POST, redirect, GET), CPU"
    yield compared("S1", what, found["app"], found["limit"], unit="ms", most=2.5)
    yield compared("S1", what, found["app"], found["twin"], unit="ms", most=1 / 3, beside="twin")


def _step(place: Place, served: Served) -> float:
    """Milliseconds of processor time a step."""
    crowd = Crowd(served.port, place.way, place.extent.clients)
    with crowd_of(crowd, "step", _STEPS) as go:
        begun = place.cpu(served)
        told = go().all_done()
        return (place.cpu(served) - begun) / told.done * 1000


def _walk(place: Place, served: Served) -> Told:
    with crowd_of(Crowd(served.port, place.way, place.extent.clients), "walk", place.extent.seconds) as go:
        return go().all_done()


def _arrive(place: Place, served: Served, rate: float) -> Told:
    with crowd_of(Crowd(served.port, place.way), "arrive", rate, place.extent.seconds) as go:
        return go().all_done()


def _slowest(number: str, what: str, found: dict[str, list[Told]]) -> Row:
    slowest = {name: [p99(told.waits) * 1000 for told in rounds] for name, rounds in found.items()}
    return compared(number, what, slowest["app"], slowest["limit"], unit="ms", most=2.5)
