"""Clinics' own pages around the widget: a web server of them, the clinic they belong to, what they paste."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import Installation

from screener.store.clinics import add_clinic
from screener.web.website import RESERVED

# What the host page hears and says; `ms` counts events, `heard` is every message the frame sent.
_LISTEN = """
const seen = {ms: [], heard: [], shift: 0};
for (const what of ['ms:started', 'ms:submitted'])
  addEventListener(what, e => seen.ms.push([e.type, e.detail]));
addEventListener('message', e => seen.heard.push(JSON.stringify(e.data)));
new PerformanceObserver(list => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) seen.shift += e.value;
}).observe({type: 'layout-shift', buffered: true});
window.seen = seen;
"""


@dataclass
class Host:
    """A web server of clinics' pages, by path; every name under .localhost leads to it."""

    port: int
    pages: dict[str, str] = field(default_factory=dict)

    def show(self, path: str, body: str, *, name: str = "host", head: str = "") -> str:
        """The address of a page with this body."""
        self.pages[path] = (
            f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Clinic</title>{head}"
            f"<script>{_LISTEN}</script></head><body style='margin:0'>{body}</body></html>"
        )
        return f"http://{name}.localhost:{self.port}{path}"


@pytest.fixture(scope="session")
def host() -> Iterator[Host]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = host.pages.get(self.path)
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, *about: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    host = Host(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield host
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def slug(installed: Installation, host: Host) -> str:
    """A clinic whose list names host.localhost alone."""
    with installed.app.app_context():
        session = installed.app.extensions["screener.database"].sessions()
        add_clinic(
            session,
            slug="framed",
            name="Framed Clinic",
            phone="(704) 555-0100",
            hours="",
            time_zone="America/New_York",
            origins=[f"http://host.localhost:{host.port}"],
        )
        session.commit()
    return "framed"


@pytest.fixture
def snippet(served: str, slug: str) -> Callable[..., str]:
    def make(**options: str) -> str:
        more = "".join(f' data-ms-{name.replace("_", "-")}="{value}"' for name, value in options.items())
        return (
            f'<div data-ms-clinic="{slug}"{more} style="{RESERVED[""]}">'
            f'<a href="{served}/c/{slug}">Start the headache questionnaire</a></div>'
            f'<script async src="{served}/e/v1.js"></script>'
        )

    return make
