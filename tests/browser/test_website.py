"""An office manager puts the widget on the clinic's page, checks it, and a visitor fills it in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser.clinic_pages import Host
from browser.conftest import serving
from browser.test_sign_in import ADMIN, sign_in
from browser.test_widget import inside, press
from browser.walking import fill, go_on, inspect
from conftest import Installation
from playwright.sync_api import Browser, BrowserContext, Page, expect
from web.walking import answers_but

from screener import create_app
from screener.settings import Settings
from screener.store.clinics import find_clinic
from screener.web.demo_host import PAGES, list_site, make_site
from screener.web.ports import free_port
from screener.web.website import BUILDERS

pytestmark = pytest.mark.browser

WEBSITE = "/desk/acme/website"


@pytest.fixture(scope="module")
def demo(settings: Settings) -> Iterator[str]:
    """The same installation, served as a demo: it looks at pages on this very machine."""
    with serving(replace(settings, demo="yes", base_url=f"http://localhost:{free_port()}")) as address:
        yield address


@pytest.fixture
def front_desk(browser: Browser, demo: str) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=demo, viewport={"width": 1280, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def look(screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, f"website-{name}", screenshots)


def check(page: Page, address: str) -> None:
    page.get_by_label("Address of the page that holds it").fill(address)
    go_on(page, "Check")


def test_from_the_screen_to_a_visitor_who_answers(
    installed: Installation, front_desk: BrowserContext, host: Host, look: Callable[[Page, str], None]
) -> None:
    page = front_desk.new_page()
    sign_in(installed, page, ADMIN, WEBSITE)
    look(page, "first")
    page.get_by_text("Another, or plain HTML").click()
    page.get_by_text("Language, colors and place").click()
    page.get_by_label("Language").select_option("es")
    go_on(page, "Show me how")
    page.locator("[data-copies=snippet]").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    host.show("/headache", copied)
    site = f"http://127.0.0.1:{host.port}"
    check(page, f"{site}/headache")
    expect(page.get_by_role("heading", name="One thing to fix")).to_be_in_viewport()
    look(page, "to-mend")
    go_on(page, f"Add {site} to the list")
    expect(page.get_by_label("Websites that may show")).to_have_value(f"https://www.acme.example\n{site}")
    check(page, f"{site}/headache")
    expect(page.get_by_role("heading", name="All is well")).to_be_in_viewport()
    look(page, "well")
    page.goto(f"{site}/headache")
    frame = inside(page)
    assert frame.evaluate("document.documentElement.lang") == "es"
    press(page, frame, "Empezar")
    fill(frame, answers_but())
    press(page, frame, "Continuar")
    frame.wait_for_url("**/about-you*")


def test_each_builders_steps_and_each_problem_can_be_read_and_used(
    installed: Installation,
    front_desk: BrowserContext,
    look: Callable[[Page, str], None],
    screenshots: Path | None,
) -> None:
    page = front_desk.new_page()
    sign_in(installed, page, ADMIN, WEBSITE)
    for builder in BUILDERS:
        page.goto(f"{WEBSITE}?builder={builder}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        # They are made of the same pieces: axe reads the two that differ most.
        inspect(page, f"website-{builder}", screenshots, axe=builder in {"wordpress", "wix"})
    page.get_by_label("Websites that may show").fill("acme.example\nhttps://acme.example/headache")
    go_on(page, "Save the list")
    look(page, "wrong-sites")
    page.goto(WEBSITE)
    page.get_by_text("Paste its HTML").click()
    page.get_by_label("HTML of the page").fill(
        "<div data-ms-clinic=other></div><div data-ms-clinic=acme></div>"
    )
    go_on(page, "Check")
    look(page, "problems")


def test_the_demos_own_site_shows_it_inside_as_a_card_and_twice(
    installed: Installation, browser: Browser, demo: str, screenshots: Path | None
) -> None:
    port = free_port()
    site = make_site(port, demo, "other")
    threading.Thread(target=site.serve_forever, daemon=True).start()
    app = create_app(installed.settings)
    database = app.extensions["screener.database"]
    for at in (port - 1, port):
        list_site(database, "other", f"http://127.0.0.1:{at}")
    with database.new_session() as session:
        listed = find_clinic(session, "other")
        assert listed is not None
        assert listed.origins == [f"http://127.0.0.1:{port}"], "the site of an earlier start is gone"
    database.dispose()
    for name, viewport, frames in (
        ("desktop", {"width": 1280, "height": 900}, {"/headache": 1, "/two": 2}),
        ("phone", {"width": 390, "height": 844}, {}),
    ):
        page = browser.new_page(viewport=viewport)
        for path in PAGES:
            if path == "/site.css":
                continue
            page.goto(f"http://127.0.0.1:{port}{path}")
            shown = page.locator("[data-ms-clinic] iframe")
            expect(shown).to_have_count(frames.get(path, 0))
            for number in range(frames.get(path, 0)):
                shown.nth(number).scroll_into_view_if_needed()
                inside(page, number)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            if screenshots:
                page.screenshot(path=screenshots / f"host{path.replace('/', '-')}-{name}.png", full_page=True)
        page.close()
    site.shutdown()
    site.server_close()
