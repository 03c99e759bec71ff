"""The made-up clinic's own site: served beside the demo, on the demo clinic's list, and gone with it."""

from __future__ import annotations

import time
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from conftest import Installation
from web.client import Browser
from web.test_mail import start
from web.walking import at_clinic

from screener.store.clinics import add_clinic
from screener.web.demo import DEMO_SLUG
from screener.web.host_page import HostPage, Ours, judge
from screener.web.ports import free_port, is_taken


def two_ports() -> int:
    """The first of two free ones."""
    return next(port for port in iter(free_port, 0) if not is_taken(port + 1))


def fetch(address: str) -> str:
    until = time.monotonic() + 90
    while True:
        try:
            with urlopen(address, timeout=30) as page:
                return str(page.read().decode())
        except URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_a_demo_has_a_clinics_site_beside_it_that_the_check_finds_well(installation: Installation) -> None:
    app, port = installation.app, two_ports()
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        about = {"name": "Demo", "phone": "(626) 555-0142", "hours": "", "time_zone": "America/New_York"}
        add_clinic(session, slug=DEMO_SLUG, origins=["https://kept.example"], is_demo=True, **about)
        session.commit()
    site = f"http://127.0.0.1:{port + 1}"
    server = start(installation, "serve", "--demo", "--port", str(port))
    try:
        page = fetch(f"{site}/headache")
        with at_clinic(app, DEMO_SLUG) as (_, clinic):
            assert clinic.origins == ["https://kept.example", site]
            ours = Ours(f"http://localhost:{port}", DEMO_SLUG, clinic.origins)
        assert {one.kind for one in judge(HostPage(page, f"{site}/headache"), ours)} == {"good"}
        with pytest.raises(URLError, match="404"):
            urlopen(f"{site}/../etc/passwd", timeout=30)
    finally:
        server.terminate()
        _, told = server.communicate(timeout=60)
    assert b"Traceback" not in told
    with pytest.raises(URLError, match="refused"):
        urlopen(site, timeout=30)
    policy = Browser(app).get(f"/c/{DEMO_SLUG}").headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' https://kept.example {site}")
