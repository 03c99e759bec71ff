"""A real server and a real browser: Debian's Chromium, phones and desktops, light and dark."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.clinic_pages import host, slug, snippet  # noqa: F401 - fixtures
from conftest import Installation, make_installation, settings_of
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from web.post_office import PostOffice, open_post_office

from screener import create_app
from screener.settings import ROOT, Settings
from screener.web.deliver import Worker
from screener.web.ports import free_port

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds to wait for what is expected: on a busy machine Chromium seldom draws.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def office() -> Iterator[PostOffice]:
    """Catches the mail of the installation that is served."""
    with open_post_office() as office:
        yield office


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The installation that is served, for tests that look into it or change it behind its back."""
    return make_installation(f"sqlite:///{tmp_path_factory.mktemp('installed') / 'screener.db'}")


@pytest.fixture(scope="session")
def settings(installed: Installation, office: PostOffice) -> Settings:
    """The settings of the installation that is served, at a free port."""
    return replace(
        installed.settings,
        base_url=f"http://localhost:{free_port()}",
        smtp_url=f"smtp+plain://127.0.0.1:{office.port}",
        mail_from="Front desk <desk@acme.example>",
    )


@pytest.fixture
def next_mail(settings: Settings, office: PostOffice) -> Callable[[str], str]:
    """Delivers the mail that is due; gives the words of the last one to this address."""

    def deliver(to: str) -> str:
        app = create_app(settings)
        Worker(app).run(once=True)
        app.extensions["screener.database"].dispose()
        return str(next(mail for mail in reversed(office.caught) if mail["To"] == to).get_content())

    return deliver


@pytest.fixture(scope="session")
def served(settings: Settings) -> Iterator[str]:
    """The address of an installation that is served as in production."""
    with serving(settings) as address:
        yield address


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    folder = Path(settings.database_url.removeprefix("sqlite:///")).parent
    port = urlsplit(settings.base_url).port
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "granian",
                "--interface",
                "wsgi",
                "--port",
                str(port),
                "--no-ws",
                "wsgi:app",
            ],
            env=os.environ | settings_of(settings),
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://localhost:{port}/healthz", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(60)


def _wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the server did not start; see server.log beside its database")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.fail("Browser tests need Chromium. On Debian: sudo apt install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield started
        started.close()


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def scripted(request: pytest.FixtureRequest) -> bool:
    """Whether the patient's browser runs JavaScript."""
    return bool(request.param)


@pytest.fixture
def patient(browser: Browser, served: str, *, scripted: bool) -> Iterator[Page]:
    """A patient's phone."""
    context = browser.new_context(
        base_url=served,
        viewport={"width": 390, "height": 844},
        java_script_enabled=scripted,
    )
    yield context.new_page()
    context.close()


@pytest.fixture
def desk(browser: Browser, served: str) -> Iterator[BrowserContext]:
    """Staff at a desktop."""
    context = browser.new_context(base_url=served, viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where to put pictures of each screen, if SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    return Path(folder) if folder else None
