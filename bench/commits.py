"""S6: how often the disk must flush for what people do; counted, and held by tests/web/test_durable.py."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from builders import CONTACT
from conftest import make_installation
from flask import Flask
from web.client import Browser
from web.durable import durable_commits
from web.walking import add_requests, answers_but, begin, fill, plant, sign_in

from bench.place import Place
from bench.row import Row

_GOAL = {"a page saved": 1, "a request sent": 1, "a patient's page read": 0, "a record opened by staff": 1}


def measure(place: Place) -> Iterator[Row]:
    app = make_installation(place.databases.create()).app
    counted = _count(app)
    app.extensions["screener.database"].dispose()
    yield Row(
        "S6",
        f"durable commits: {', '.join(_GOAL)}",
        ", ".join(map(str, counted.values())),
        "-",
        "-",
        ", ".join(map(str, _GOAL.values())),
        counted == _GOAL,
    )


def _count(app: Flask) -> dict[str, int]:
    patient, staff = Browser(app), sign_in(Browser(app), "intake@acme.example")
    walk, ready = begin(patient), plant(patient, app, answers_but())
    form = ready.contact_form(CONTACT)
    (reference,) = add_requests(app, [("Ada", answers_but(), datetime.now(UTC))])
    page = walk.get("danger-now")
    doing = (
        lambda: fill(patient, page, answers_but()),
        lambda: patient.post(ready.url("contact"), form),
        lambda: walk.get("danger-now"),
        lambda: staff.get(f"/desk/acme/requests/{reference}"),
    )
    counted = {}
    for what, do in zip(_GOAL, doing, strict=True):
        with durable_commits(app) as commits:
            do()
        counted[what] = len(commits)
    return counted
