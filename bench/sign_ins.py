"""S11: patients' pages while sixteen of the staff sign in, each with a password that costs what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Final

from builders import PASSWORD
from conftest import add_person
from web.walking import at_clinic

from bench.crowd import Crowd, Told, crowd_of
from bench.place import Place
from bench.processes import Served
from bench.row import Row, alternate, compared, p99
from screener import create_app
from screener.settings import Settings

_STAFF: Final = [f"staff{number}@acme.example" for number in range(16)]
_PATIENTS: Final = 4


def measure(place: Place) -> Iterator[Row]:
    settings = replace(place.settings(), password_memory_kib=Settings().password_memory_kib)
    _add_staff(settings)
    with place.app(settings) as served:
        place.visit(served)
        found = alternate(
            place.extent.rounds,
            {"beside": partial(_beside_sign_ins, place, served), "idle": partial(_walk, place, served)},
        )
    what = f"request p99 of {_PATIENTS} patients while {len(_STAFF)} sign in without a pause"
    yield compared("S11", what, found["beside"], found["idle"], unit="ms", most=3, beside="without them")


def _add_staff(settings: Settings) -> None:
    app = create_app(settings)
    with at_clinic(app, "acme") as (session, clinic):
        for email in _STAFF:
            add_person(app, email, clinic.id, ["intake"])
        session.commit()
    app.extensions["screener.database"].dispose()


def _walk(place: Place, served: Served) -> float:
    with crowd_of(Crowd(served.port, place.way, _PATIENTS), "walk", place.extent.seconds) as go:
        return _slowest(go())


def _beside_sign_ins(place: Place, served: Served) -> float:
    # Longer than the patients walk, who go on to the end of their way.
    seconds = place.extent.seconds * 2
    with ExitStack() as running:
        staff = running.enter_context(
            crowd_of(Crowd(served.port, place.way), "sign_in", _STAFF, PASSWORD, seconds)
        )
        patients = running.enter_context(
            crowd_of(Crowd(served.port, place.way, _PATIENTS), "walk", place.extent.seconds)
        )
        staff.begin()
        found = _slowest(patients())
        staff.end().all_done()
    return found


def _slowest(told: Told) -> float:
    """Milliseconds."""
    return p99(told.all_done().waits) * 1000
