"""Workers side by side: each goes on through a database that is away, and one that breaks stops all."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from screener.web.deliver import Carrier, run_beside, stop_all

AWAY = OperationalError("SELECT 1", {}, Exception("database is locked"))


class Scripted(Carrier):
    """Finds what it is told to find, then nothing."""

    def __init__(self, app: Flask, *script: bool | Exception, then: Callable[[], None] = bool) -> None:
        super().__init__(app)
        self.script, self.then, self.looked = list(script), then, 0

    def deliver_next(self) -> bool:
        self.looked += 1
        if not self.script:
            self.then()
            return False
        found = self.script.pop(0)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screener.web.deliver.PAUSE_SECONDS", 0.01)


def test_once_means_until_nothing_more_is_due(app: Flask) -> None:
    carrier = Scripted(app, True, True)
    carrier.run(once=True)
    assert (carrier.looked, carrier.is_stopping) == (3, False)


def test_a_database_that_is_away_ends_one_look_and_no_worker(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    carrier = Scripted(app, AWAY, True)
    carrier.then = carrier.stop
    with caplog.at_level("WARNING", "screener"):
        carrier.run()
    assert carrier.looked == 3
    assert "database unavailable" in caplog.text
    assert "OperationalError" in caplog.text
    once = Scripted(app, AWAY, True)
    once.run(once=True)
    assert once.looked == 1, "what comes by itself comes again"


def test_a_worker_without_anything_to_do_pauses_between_two_looks(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.web.deliver.PAUSE_SECONDS", 0.1)
    carrier = Scripted(app, False, True, False)
    carrier.then = carrier.stop
    begun = time.monotonic()
    carrier.run()
    assert carrier.looked == 4
    assert time.monotonic() - begun >= 0.2


def test_a_worker_that_was_stopped_takes_nothing_more(app: Flask) -> None:
    carriers = [Scripted(app, True), Scripted(app, True)]
    stop_all(carriers)
    run_beside(carriers)
    assert [carrier.looked for carrier in carriers] == [0, 0]


def test_workers_run_at_the_same_time(app: Flask) -> None:
    here, there = Event(), Event()

    def meet(mine: Event, theirs: Event) -> Callable[[], None]:
        def wait() -> None:
            mine.set()
            assert theirs.wait(10)

        return wait

    run_beside([Scripted(app, then=meet(here, there)), Scripted(app, then=meet(there, here))], once=True)


def test_one_that_breaks_stops_the_others_and_is_told_of(app: Flask) -> None:
    going_on = Scripted(app)
    with pytest.raises(KeyError, match="broken"):
        run_beside([going_on, Scripted(app, KeyError("broken"))])
    assert going_on.is_stopping
