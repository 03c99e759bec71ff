"""The app as it is served, with its mail and webhook workers: what the rigs attack and watch from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

import trustme
from conftest import Databases, Installation, SqliteFiles, make_installation
from faults.rig import COMMAND, environment_of
from flask import Flask
from postgres import PostgresServer
from web.client import Browser
from web.post_office import PostOffice, open_post_office
from web.receiver import Receiver, open_receiver, trust
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.http_proxy import ProxyMiddleware
from werkzeug.test import Client

from screener import create_app
from screener.settings import ROOT, Settings
from screener.web.ports import free_port

_PATIENCE_SECONDS: Final = 30
_DELIVERY_SECONDS: Final = 120
_TAKING: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_METRICS_TOKEN: Final = "a-token-for-the-metrics-0123456789abcdef"


class Heard(NamedTuple):
    """A request that went through, and what came of it."""

    method: str
    path: str
    kind: str
    body: bytes
    status: int = 0


class Door(ProxyMiddleware):
    """Stands where the tests' browsers expect an app, and hands each request to the server."""

    def __init__(self, installation: Installation, address: str) -> None:
        super().__init__(installation.app, {}, timeout=60)
        self._to = {
            "target": address,
            "host": None,
            "headers": {},
            "ssl_context": None,
            "remove_prefix": False,
        }
        self.installation = installation
        self.heard: list[Heard] = []

    def __call__(self, environ: Any, start_response: Any) -> Any:
        body = environ["wsgi.input"].read()
        environ["wsgi.input"] = BytesIO(body)
        path = quote(environ["PATH_INFO"].encode("latin-1"), safe="/:@!$&'()*+,;=~")
        path += f"?{environ['QUERY_STRING']}" if environ["QUERY_STRING"] else ""
        method, kind = environ["REQUEST_METHOD"], environ.get("CONTENT_TYPE", "")

        def answer(status: str, *told: Any) -> Any:
            self.heard.append(Heard(method, path, kind, body, int(status.split(maxsplit=1)[0])))
            return start_response(status, *told)

        return self.proxy_to(self._to, environ["PATH_INFO"], "/")(environ, answer)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.installation.app, name)

    def test_client(self) -> Client:
        return Client(self)


def untried(app: Flask, heard: Iterable[Heard]) -> list[str]:
    """Doors that take something and that nothing was sent to, as `POST endpoint`."""
    adapter, tried = app.url_map.bind("localhost"), set()
    for each in heard:
        with suppress(HTTPException):
            path = unquote(each.path.partition("?")[0])
            tried.add((each.method, adapter.match(path, each.method)[0]))
    taking = {
        (m, rule.endpoint) for rule in app.url_map.iter_rules() for m in (rule.methods or set()) & _TAKING
    }
    return sorted(f"{method} {endpoint}" for method, endpoint in taking - tried)


@dataclass
class Site:
    """An installation that is served, and all that its processes wrote."""

    installation: Installation
    address: str
    folder: Path
    office: PostOffice
    receiver: Receiver
    postgres: PostgresServer | None
    environment: dict[str, str]
    doors: list[Door] = field(default_factory=list)

    def browser(self) -> Browser:
        door = Door(self.installation, self.address)
        self.doors.append(door)
        return Browser(door)  # type: ignore[arg-type]

    @property
    def log(self) -> Path:
        """What the server and the workers said."""
        return self.folder / "said.log"

    def deliver(self) -> None:
        """Mail and webhooks that are due leave, as by the worker of an operator."""
        self.run("deliver", "--once")

    def run(self, *command: str) -> None:
        with self.log.open("ab") as log:
            subprocess.run(
                [*COMMAND, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                timeout=_DELIVERY_SECONDS,
                check=True,
            )


@contextmanager
def serving(kind: str) -> Iterator[Site]:
    """Two clinics and their staff on a database of this kind, behind `screener serve`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="site-")))
        (folder / "tmp").mkdir()
        postgres = running.enter_context(PostgresServer()) if kind == "postgres" else None
        databases: Databases = postgres or SqliteFiles(folder)
        made = make_installation(databases.create())
        office = running.enter_context(open_post_office())
        authority = trustme.CA()
        receiver = running.enter_context(open_receiver(authority))
        port = free_port()
        settings = _settings(made.settings, port, office, receiver)
        made.app.extensions["screener.database"].dispose()
        installation = Installation(settings, create_app(settings))
        about = {
            "TMPDIR": str(folder / "tmp"),
            "SSL_CERT_FILE": trust(authority, folder),
            "PYTHONUNBUFFERED": "1",
        }
        environment = environment_of(settings) | about
        site = Site(installation, f"http://127.0.0.1:{port}", folder, office, receiver, postgres, environment)
        with site.log.open("ab") as log:
            running.enter_context(_server(["--port", str(port)], environment, log))
            wait_for(f"{site.address}/healthz")
            yield site
            installation.app.extensions["screener.database"].dispose()


def _settings(settings: Settings, port: int, office: PostOffice, receiver: Receiver) -> Settings:
    about: dict[str, Any] = {
        "base_url": f"http://localhost:{port}",
        "smtp_url": f"smtp+plain://127.0.0.1:{office.port}",
        "mail_from": "Front desk <desk@acme.example>",
        "webhook_hosts": f"localhost:{receiver.port}",
        # Only a demo may tell a system on this very machine.
        "demo": "yes",
        "metrics_token": _METRICS_TOKEN,
    }
    return replace(settings, **about)


@contextmanager
def _server(options: list[str], environment: dict[str, str], log: Any) -> Iterator[None]:
    """Ended with all of its processes, however this one ends."""
    server = subprocess.Popen(
        [*COMMAND, "serve", *options],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def wait_for(url: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        with suppress(OSError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
