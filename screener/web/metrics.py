"""Figures for the operator's Prometheus: by route and kind, never by clinic, person or address.

The server's processes and the worker each keep theirs in files of one folder; whoever is asked adds them up.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, abort, request
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from screener.settings import INSTANCE, Settings
from screener.store.database import Database, begin_reading
from screener.store.outbox import count_owed
from screener.store.tables import OutboxMessage, WebhookDelivery
from screener.web.access import database, settings

if TYPE_CHECKING:
    from prometheus_client import Metric

_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """What is counted as it happens. Without a token nobody may read it, and nothing is counted."""

    def __init__(self, database: Database, *, on: bool) -> None:
        self._on = on
        if not on:
            return
        _prepare_folder()
        from prometheus_client import Counter, Gauge, Histogram

        # Not registered: they are read from the files, and an app may be made twice in a process.
        self._requests = Counter(
            "screener_requests", "Answers.", ["route", "method", "status"], registry=None
        )
        self._seconds = Histogram(
            "screener_request_seconds",
            "Until an answer began.",
            ["route"],
            buckets=_SECONDS,
            registry=None,
        )
        self._swept = Counter("screener_swept", "Deleted when its time was over.", ["kind"], registry=None)
        self._swept_at = Gauge(
            "screener_sweep_finished_seconds",
            "When the last sweep ended.",
            multiprocess_mode="max",
            registry=None,
        )
        connections = Gauge(
            "screener_database_connections_used",
            "Taken from the pool now.",
            multiprocess_mode="livesum",
            registry=None,
        )
        event.listen(database.engine, "checkout", lambda *_: connections.inc())
        event.listen(database.engine, "checkin", lambda *_: connections.dec())

    def count_answer(self, route: str, method: str, status: int, seconds: float) -> None:
        if self._on:
            self._requests.labels(route, method, f"{status // 100}xx").inc()
            self._seconds.labels(route).observe(seconds)

    def count_swept(self, counts: Mapping[str, int]) -> None:
        """A sweep ended."""
        if self._on:
            for kind, number in counts.items():
                self._swept.labels(kind).inc(number)
            self._swept_at.set(datetime.now(UTC).timestamp())


def install(app: Flask, settings: Settings) -> Meters:
    app.add_url_rule("/metrics", "metrics", _show)
    meters = Meters(app.extensions["screener.database"], on=bool(settings.metrics_token))
    app.extensions["screener.meters"] = meters
    return meters


def _prepare_folder() -> Path:
    """Told by the environment alone, and read when the library is first imported."""
    folder = Path(os.environ.setdefault(_FOLDER, str(INSTANCE / "metrics")))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def begin_anew() -> None:
    """Before a server starts: what processes of earlier ones counted goes, a running worker's stays."""
    for file in _of_ended(_prepare_folder(), "*.db"):
        file.unlink(missing_ok=True)


def _of_ended(folder: Path, files: str) -> Iterator[Path]:
    return (file for file in folder.glob(files) if not _is_running(int(file.stem.rpartition("_")[2])))


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Somebody else's.
        return True
    return True


def _show() -> Response:
    token = settings().metrics_token
    if not token:
        abort(404)
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
        return Response("Send the token: Authorization: Bearer ...\n", 401, {"WWW-Authenticate": "Bearer"})
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
    from prometheus_client.multiprocess import MultiProcessCollector

    # A process that was killed holds no connection any more; what it counted stays.
    for file in _of_ended(Path(os.environ[_FOLDER]), "gauge_live*.db"):
        file.unlink(missing_ok=True)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_Owing(database()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Owing:
    """What is owed to others, asked of the database when somebody looks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        up = GaugeMetricFamily("screener_database_up", "Whether the database answers.")
        waiting = GaugeMetricFamily("screener_owed_waiting", "Not sent yet.", labels=["what"])
        dead = GaugeMetricFamily("screener_owed_dead", "Given up.", labels=["what"])
        late = GaugeMetricFamily("screener_owed_late_seconds", "How late the oldest is.", labels=["what"])
        now = datetime.now(UTC)
        try:
            with self._database.new_session() as session:
                begin_reading(session)
                owed = {
                    "mail": count_owed(session, OutboxMessage),
                    "webhook": count_owed(session, WebhookDelivery),
                }
            for what, owing in owed.items():
                waiting.add_metric([what], owing.waiting)
                dead.add_metric([what], owing.dead)
                since = owing.due_since or now
                late.add_metric([what], max(0.0, (now - since).total_seconds()))
        except SQLAlchemyError:
            up.add_metric([], 0)
            yield up
        else:
            up.add_metric([], 1)
            yield from (up, waiting, dead, late)
