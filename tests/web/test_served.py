"""The server as it runs: lines and figures tell no patient, slow senders stop nobody, a stop ends nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest
from conftest import make_installation
from web.test_settings import KEYS

from screener.settings import ROOT
from screener.web.arrival import AT_WORK, SENDING_OF_ONE
from screener.web.logs import KEYS as LISTED
from screener.web.ports import free_port

TOKEN = "0123456789-a-token-for-tests-abcdefghij"
CANARY = "Zanzibarcanary"
BODY = b"for=me"
COMMAND = (sys.executable, "-c", "from screener.web.cli import main; main()")


@dataclass(frozen=True)
class Served:
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    worker: subprocess.Popen[bytes]
    environment: dict[str, str]

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return (
                    answer.status,
                    {k.lower(): v for k, v in answer.headers.items()},
                    answer.read().decode(),
                )
        except HTTPError as refused:
            return refused.code, {k.lower(): v for k, v in refused.headers.items()}, refused.read().decode()

    def send(self, lines: ExitStack, body: bytes) -> socket.socket:
        """A patient's first form, of which only this much comes."""
        line = lines.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=60))
        line.sendall(
            b"POST /c/acme/start HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
            % len(BODY)
            + body
        )
        return line


def answer_on(line: socket.socket) -> int:
    answer = HTTPResponse(line)
    answer.begin()
    return answer.status


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    installation = make_installation(f"sqlite:///{folder / 'screener.db'}")
    installation.app.extensions["screener.database"].dispose()
    settings, port, log = installation.settings, free_port(), folder / "log"
    environment = os.environ | {
        **KEYS,
        "SCREENER_DATABASE_URL": settings.database_url,
        "SCREENER_MASTER_KEYS": settings.master_keys,
        "SCREENER_SECRET": settings.secret,
        "SCREENER_METRICS_TOKEN": TOKEN,
        "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
    }
    mailing = {"SCREENER_SMTP_URL": "smtp+plain://127.0.0.1:9", "SCREENER_MAIL_FROM": "desk@acme.example"}
    serve, deliver = [*COMMAND, "serve", "--port", str(port)], [*COMMAND, "deliver"]
    with log.open("wb") as told:
        process = subprocess.Popen(serve, cwd=ROOT, env=environment, stderr=told)
        worker = subprocess.Popen(deliver, cwd=ROOT, env=environment | mailing, stderr=told)
    running = Served(port, process, log, worker, environment)
    try:
        _wait_until_ready(running)
        yield running
    finally:
        for each in (process, worker):
            each.kill()
            each.wait(60)


def _wait_until_ready(served: Served) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and served.process.poll() is None:
        try:
            assert served.get("/readyz")[0] == 200
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(served.log.read_text())


def test_each_request_logs_its_route_and_nothing_of_the_visitor(served: Served) -> None:
    _, headers, _ = served.get(
        f"/d/{CANARY}/age?q={CANARY}", **{"User-Agent": CANARY, "X-Request-ID": CANARY}
    )
    line = next(line for line in served.lines() if line.get("request") == headers["x-request-id"])
    told = tuple(line[key] for key in ("event", "route", "method", "status"))
    assert told == ("request", "patient.page", "GET", 410)
    assert CANARY not in served.log.read_text()
    assert {key for line in served.lines() for key in line} <= set(LISTED)


def test_figures_need_the_token_and_name_routes_alone(served: Served) -> None:
    served.get("/c/acme")
    served.get(f"/{CANARY}")
    assert served.get("/metrics")[0] == 401
    assert served.get("/metrics", Authorization=f"Bearer {TOKEN}x")[0] == 401
    status, _, told = served.get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert 'screener_requests_total{method="GET",route="patient.start",status="2xx"} 1.0' in told
    assert 'screener_owed_waiting{what="mail"} 0.0' in told
    assert "screener_database_up 1.0" in told
    assert {CANARY, "acme", "/c/"} & set(re.findall(r"Zanzibarcanary|acme|/c/", told)) == set()
    assert set(re.findall(r'(\w+)="', told)) == {"method", "route", "status", "le", "what"}


def test_the_workers_figures_are_read_at_the_server_also_when_it_is_gone(served: Served) -> None:
    end = time.monotonic() + 30
    while not _swept_at(served) and time.monotonic() < end:
        time.sleep(0.1)
    served.worker.terminate()
    assert served.worker.wait(60) == 0
    assert abs(time.time() - _swept_at(served)) < 600


def _swept_at(served: Served) -> float:
    _, _, told = served.get("/metrics", Authorization=f"Bearer {TOKEN}")
    found = re.search(r"^screener_sweep_finished_seconds (.+)$", told, re.MULTILINE)
    assert found
    return float(found[1])


def test_slow_senders_stop_nobody_and_one_address_sends_only_so_much_at_once(served: Served) -> None:
    with ExitStack() as lines:
        for _ in range(AT_WORK + 1):
            served.send(lines, BODY[:-1])
        assert served.get("/c/acme")[0] == 200
        assert answer_on(served.send(lines, BODY)) == 303
        slow = [served.send(lines, BODY[:-1]) for _ in range(SENDING_OF_ONE - AT_WORK - 1)]
        # The last of them has arrived when the one behind it is answered.
        assert served.get("/c/acme")[0] == 200
        assert answer_on(served.send(lines, BODY)) == 503
        slow[0].sendall(BODY[-1:])
        assert answer_on(slow[0]) == 303


def test_a_stop_lets_what_was_begun_end(served: Served) -> None:
    with ExitStack() as lines:
        line = served.send(lines, BODY[:-1])
        assert served.get("/healthz")[0] == 200
        served.process.send_signal(signal.SIGTERM)
        _wait_until_shut(served.port)
        line.sendall(BODY[-1:])
        assert answer_on(line) == 303
    assert served.process.wait(60) == 0
    assert "Traceback" not in served.log.read_text()


def test_no_process_of_a_killed_server_still_takes_requests(served: Served, tmp_path: Path) -> None:
    with another(served, tmp_path) as one:
        one.process.kill()
        one.process.wait(60)
        _wait_until_shut(one.port)


def test_a_worker_of_a_killed_server_ends_also_if_it_waits_for_somebody(
    served: Served, tmp_path: Path
) -> None:
    with another(served, tmp_path) as one, ExitStack() as lines:
        one.send(lines, b"f")
        workers = psutil.Process(one.process.pid).children()
        one.process.kill()
        one.process.wait(60)
        assert psutil.wait_procs(workers, timeout=20)[1] == []


def test_before_it_stops_it_is_not_ready_so_that_a_balancer_turns_elsewhere(
    served: Served, tmp_path: Path
) -> None:
    with another(served, tmp_path, "--drain=3") as one:
        one.process.send_signal(signal.SIGTERM)
        told = one.get("/readyz")
        while told[0] == 200:
            told = one.get("/readyz")
        assert (told[0], told[2]) == (503, "not ready: leaving\n")
        assert one.get("/c/acme")[0] == 200
        _wait_until_shut(one.port)
        assert one.process.wait(60) == 0


@contextmanager
def another(served: Served, folder: Path, *options: str) -> Iterator[Served]:
    """A server of its own."""
    left: list[psutil.Process] = []
    port, about = free_port(), {"PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")}
    with (folder / "log").open("wb") as told:
        serve = [*COMMAND, "serve", "--port", str(port), *options]
        process = subprocess.Popen(serve, cwd=ROOT, env=served.environment | about, stderr=told)
    running = replace(served, port=port, process=process)
    try:
        _wait_until_ready(running)
        left = psutil.Process(process.pid).children(recursive=True)
        assert left
        yield running
    finally:
        for each in (process, *left):
            with suppress(psutil.NoSuchProcess):
                each.kill()


def _wait_until_shut(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    pytest.fail("it still takes requests")
