"""What each page of the desk costs on a demo of any size: processor time, statements, and the slowest one.

    screener demo --submissions 100000
    PYTHONPATH=.:tests python -m scale.pages [-v]

The processor time is that of this process, with SQLite's work in it, and of PostgreSQL's own that serve it,
if they run on this machine (Linux tells).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from flask import Flask
from sqlalchemy import event, select
from web.client import Browser, Page
from web.walking import at_clinic, sign_in, token_of

from screener import create_app
from screener.domain.rights import Right
from screener.store.api_tokens import add_token
from screener.store.consultations import get_consultation, read_contact
from screener.store.tables import Consultation
from screener.web.demo import DEMO_PASSWORD, DEMO_SLUG

_DESK: Final = f"/desk/{DEMO_SLUG}"
_TRIES: Final = 3
_QUEUES: Final = {
    "open, safety first": "",
    "open, longest waiting": "?sort=longest",
    "open, newest": "?sort=newest",
    "due today": "?show=due",
    "accepted": "?show=accepted",
    "done": "?show=done",
    "emergencies": "?urgency=emergency",
    "any safety flag": "?urgency=flagged",
    "routine": "?urgency=routine",
    "questions": "?kind=question",
    "a class": "?class=regular",
    "a class, newest": "?class=regular&sort=newest",
    "Spanish (none)": "?language=es",
    "mine (none)": "?owner=me",
    "waiting under 4 hours": "?waiting=under-4h",
    "waiting over 3 days": "?waiting=over-3-days",
    "needs info": "?state=needs_info",
}


@dataclass
class Statements:
    """What the database was asked meanwhile."""

    told: list[tuple[float, str]] = field(default_factory=list)
    begun: float = 0.0

    @contextmanager
    def heard(self, app: Flask) -> Iterator[None]:
        engine = app.extensions["screener.database"].engine
        listeners: tuple[tuple[str, Callable[..., None]], ...] = (
            ("before_cursor_execute", self._begin),
            ("after_cursor_execute", self._end),
        )
        for name, listener in listeners:
            event.listen(engine, name, listener)
        yield
        for name, listener in listeners:
            event.remove(engine, name, listener)

    def _begin(self, *_about: Any) -> None:
        self.begun = time.perf_counter()

    def _end(self, *about: Any) -> None:
        self.told.append((time.perf_counter() - self.begun, about[2]))


@dataclass
class Clock:
    """Processor time of this process and of those of PostgreSQL that it talks to."""

    backends: set[int] = field(default_factory=set)

    def hear(self, app: Flask) -> None:
        event.listen(app.extensions["screener.database"].engine, "checkout", self._note)

    def _note(self, connection: Any, *_about: Any) -> None:
        if hasattr(connection, "info"):
            self.backends.add(connection.info.backend_pid)

    def read(self) -> float:
        told = (Path(f"/proc/{pid}/schedstat") for pid in self.backends)
        there = sum(int(path.read_text().split()[0]) for path in told if path.exists())
        return time.process_time() + there / 1e9


def measure(app: Flask, clock: Clock, name: str, ask: Callable[[], Page], *, is_verbose: bool) -> None:
    best, heard = float("inf"), Statements()
    for _ in range(_TRIES):
        heard = Statements()
        with heard.heard(app):
            begun = clock.read()
            page = ask()
            best = min(best, clock.read() - begun)
        assert page.status in {200, 302, 303}, (name, page.status)
    slowest, statement = max(heard.told, default=(0.0, ""))
    sys.stdout.write(
        f"{name:42} {best * 1000:9.1f} ms {len(heard.told):4} statements  slowest {slowest * 1000:8.1f} ms\n"
    )
    if is_verbose:
        sys.stdout.write(f"     {' '.join(statement.split())[:1500]}\n")


def pages(app: Flask) -> Iterator[tuple[str, Callable[[], Page]]]:
    intake, admin = (
        sign_in(Browser(app), f"{who}@demo.example", DEMO_PASSWORD) for who in ("intake", "admin")
    )
    for name, query in _QUEUES.items():
        yield f"queue: {name}", _get(intake, f"{_DESK}/queue{query}")
    with at_clinic(app, DEMO_SLUG) as (session, _):
        rows = session.execute(
            select(Consultation.reference, Consultation.urgency_rank)
            .where(Consultation.state == "new")
            .order_by(Consultation.urgency_rank.desc(), Consultation.received_at.desc())
            .limit(60)
        ).all()
        deep = rows[-1].reference
        contact = read_contact(session, get_consultation(session, deep))
        token = add_token(
            session, name="scale", rights=list(Right), lasts=None, by=None, now=datetime.now(UTC)
        )
        session.commit()
    yield "queue: the last page but one", _get(intake, f"{_DESK}/queue?after={deep}")
    yield "queue: back from the end", _get(intake, f"{_DESK}/queue?before={rows[0].reference}")
    home = intake.get(f"{_DESK}/queue")
    searches = {
        "reference": deep,
        "mail": contact["contact_email"],
        "phone": contact["contact_phone"],
        "name": "alex riv",
    }
    for what, text in searches.items():
        form = token_of(home) | {"q": text}
        yield f"search by {what}", _post(intake, f"{_DESK}/queue/search", form)
    yield "how many new since", _get(intake, f"{_DESK}/queue/new?since={time.time() - 3600}")
    yield "a request, with what is like it", _get(intake, f"{_DESK}/requests/{deep}")
    for what, path in {
        "my tasks": "tasks",
        "dashboard": "dashboard",
        "audit trail": "audit",
        "audit trail: one person (none)": "audit?person=999999",
        "audit trail: one kind (none)": "audit?what=exported",
        "audit trail: one request": f"audit?reference={deep}",
        "audit trail: long ago": "audit?to=2020-01-31",
        "dead letters": "mail",
        "exports": "exports",
        "retention": "retention",
    }.items():
        who = intake if what == "my tasks" else admin
        yield what, _get(who, f"{_DESK}/{path}")
    client = Browser(app)
    bearer = {"Authorization": f"Bearer {token}"}
    fhir = "/fhir/QuestionnaireResponse"
    for what, path in {
        "API: list": "/api/v1/requests",
        "API: list of one state": "/api/v1/requests?state=accepted",
        "FHIR search": fhir,
        "FHIR search by version (none)": f"{fhir}?questionnaire=|none",
    }.items():
        yield what, _get(client, path, headers=bearer)


def _get(browser: Browser, path: str, **more: Any) -> Callable[[], Page]:
    # Past the browser's own check of each page, which takes longer than the page.
    return lambda: Page(path, browser.client.get(path, **more))


def _post(browser: Browser, path: str, form: dict[str, str]) -> Callable[[], Page]:
    return lambda: browser.post(path, form)


def main() -> None:
    app, clock = create_app(), Clock()
    clock.hear(app)
    for name, ask in pages(app):
        try:
            measure(app, clock, name, ask, is_verbose="-v" in sys.argv)
        except Exception as error:  # noqa: BLE001 - the other pages are measured all the same
            sys.stdout.write(f"{name:42} {type(error).__name__}: {str(error)[:200]}\n")


if __name__ == "__main__":
    main()
