"""The three engines that patients' browsers are made of, each driven by Selenium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.clinic_pages import host, slug, snippet  # noqa: F401 - fixtures
from browser.conftest import installed, office, served, settings  # noqa: F401 - fixtures
from engines.marionette import Firefox
from engines.person import Person
from selenium import webdriver
from selenium.webdriver.common.options import ArgOptions
from selenium.webdriver.common.service import Service
from selenium.webdriver.firefox.options import Options as FirefoxOptions
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection

# Each blocks third-party cookies: Chromium and Firefox are told to, WebKitGTK always does.
_CHROMIUM_PREFERENCES = {"profile.cookie_controls_mode": 1, "profile.block_third_party_cookies": True}
_FIREFOX_PREFERENCES: dict[str, bool | int | str] = {
    "network.cookie.cookieBehavior": 1,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


def _program(*names: str) -> str:
    """Where the first of these programs is."""
    found = next(filter(None, map(shutil.which, names)), None)
    return found or pytest.fail(f"Needs {names[0]}: make test-browsers says what to install.")


def _chromium() -> Iterator[webdriver.Remote]:
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"):
        options.add_argument(flag)
    options.add_experimental_option("prefs", _CHROMIUM_PREFERENCES)
    yield from _behind(webdriver.ChromeService(_program("chromedriver")), options)


def _webkit() -> Iterator[webdriver.Remote]:
    options = webdriver.WebKitGTKOptions()
    browsers = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not browsers:
        pytest.fail("Needs WebKitGTK's MiniBrowser: make test-browsers says what to install.")
    options.binary_location = str(browsers[-1])
    options.add_argument("--automation")
    yield from _behind(webdriver.WebKitGTKService(_program("WebKitWebDriver")), options)


def _behind(service: Service, options: ArgOptions) -> Iterator[webdriver.Remote]:
    """A browser behind the driver that its makers ship."""
    service.start()
    try:
        connection = RemoteConnection(client_config=ClientConfig(service.service_url, timeout=30))
        with webdriver.Remote(command_executor=connection, options=options) as driver:
            yield driver
    finally:
        service.stop()


def _firefox() -> Iterator[webdriver.Remote]:
    firefox = Firefox(_program("firefox-esr", "firefox"), _FIREFOX_PREFERENCES)
    try:
        # Selenium takes whatever has `execute`; its types know only its own.
        yield webdriver.Remote(command_executor=firefox, options=FirefoxOptions())
    finally:
        firefox.close()


_ENGINES = {"chromium": _chromium, "firefox": _firefox, "webkit": _webkit}


@pytest.fixture(scope="session", params=_ENGINES)
def driver(request: pytest.FixtureRequest) -> Iterator[webdriver.Remote]:
    """One browser an engine for all tests: nothing of ours may stay in it anyway."""
    yield from _ENGINES[request.param]()


@pytest.fixture
def person(driver: webdriver.Remote) -> Iterator[Person]:
    driver.set_window_rect(width=1280, height=900)
    yield Person(driver)
    # Leaves without being asked whether typed words may go.
    driver.switch_to.default_content()
    driver.execute_script("addEventListener('beforeunload', e => e.stopImmediatePropagation(), true)")
    driver.get("about:blank")


def pytest_report_header() -> str:
    return "engines: " + ", ".join(_ENGINES)
