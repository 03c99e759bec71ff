"""S7: sixteen who send at once to SQLite on a disk that needs 2 ms for a flush.

The flush is a pause inside the transaction, right before its commit, on both sides. Beside it stands the same
app without turns: each thread has a connection of its own, and waits for SQLite's lock as SQLite does, where
who comes later may be first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from threading import Lock
from typing import Any, Final
from unittest.mock import patch

from builders import CONTACT
from conftest import make_installation
from flask import Flask
from sqlalchemy import event
from web.client import Browser
from web.walking import answers_but, plant

from bench.place import Place
from bench.row import Row, alternate, p99, shown
from screener.store.write_turns import WriteTurns

FLUSH_SECONDS: Final = 0.002
_THREADS: Final = 16
_EACH: Final = 10
_GOAL: Final = 1 / 3


def measure(place: Place) -> Iterator[Row]:
    if place.postgres:
        return
    app = make_installation(place.databases.create()).app
    engine = app.extensions["screener.database"].engine
    event.listen(engine, "commit", _flush)
    try:
        found = alternate(
            place.extent.rounds,
            {"app": partial(_send_all, app), "own": partial(_send_without_turns, app)},
        )
    finally:
        app.extensions["screener.database"].dispose()
    slowest = {name: [p99(waits) * 1000 for waits, _ in rounds] for name, rounds in found.items()}
    ratio = median(a / b for a, b in zip(slowest["app"], slowest["own"], strict=True))
    refused = sum((statuses for _, statuses in found["app"]), Counter[int]())
    del refused[303]
    what = f"submissions from {_THREADS} threads, {FLUSH_SECONDS * 1000:.0f} ms a flush: p99"
    about = f"{shown(slowest['app'], 'ms')}; refused: {dict(refused) or 'none'}"
    goal = "<= 1/3 x each its own connection; none refused"
    is_met = ratio <= _GOAL and not refused
    yield Row("S7", what, about, shown(slowest["own"], "ms"), f"{ratio:.2f}", goal, is_met)


def _flush(connection: Any) -> None:
    if connection.get_execution_options().get("sqlite_begin") != "DEFERRED":
        time.sleep(FLUSH_SECONDS)


def _send_all(app: Flask) -> tuple[list[float], Counter[int]]:
    """Through the whole app, with forms that are filled in already."""
    browser, statuses = Browser(app), Counter[int]()
    walks = [plant(browser, app, answers_but()) for _ in range(_THREADS * _EACH)]
    forms = [(walk.url("contact"), walk.contact_form(CONTACT)) for walk in walks]
    browser.visited.clear()

    def send(client: Any, path: str, form: dict[str, object]) -> None:
        status = client.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code
        with lock:
            statuses[status] += 1

    lock = Lock()
    doing = [partial(send, app.test_client(), path, form) for path, form in forms]
    return _timed(doing), statuses


def _send_without_turns(app: Flask) -> tuple[list[float], Counter[int]]:
    with patch.object(WriteTurns, "take", lambda *_: True):
        return _send_all(app)


def _timed(doing: list[Callable[[], Any]]) -> list[float]:
    """Seconds each of them took, so many at a time."""

    def run(one: Callable[[], Any]) -> float:
        begun = time.perf_counter()
        one()
        return time.perf_counter() - begun

    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(run, doing))
