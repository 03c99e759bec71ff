"""Clinics in Chromium: the pages where they are looked after, and a patient's page in a clinic's own look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from browser.test_gates import FIRST_PAGE, gate
from browser.test_sign_in import sign_in
from browser.walking import go_on, inspect
from builders import OWNER
from conftest import Installation
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect
from web.test_logo import drawing, saved
from web.walking import at_clinic

from screener.store.clinic_changes import change_clinic
from screener.web.logo import draw_logo

pytestmark = pytest.mark.browser

LOGO = {"name": "logo.png", "mimeType": "image/png", "buffer": saved(drawing())}
WINE, WINE_RGB = "#7b2d42", "rgb(123, 45, 66)"


@pytest.fixture
def look(screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, f"clinics-{name}", screenshots)


def test_the_pages_of_all_clinics_can_be_read_and_used(
    installed: Installation, desk: BrowserContext, look: Callable[[Page, str], None]
) -> None:
    page = desk.new_page()
    sign_in(installed, page, OWNER, "/desk/clinics")
    look(page, "all")
    go_on(page, "Add clinic")
    look(page, "all-with-errors")
    page.get_by_label("Slug").fill("east-side")
    page.get_by_label("Name").fill("East Side Headache")
    page.get_by_label("Phone").fill("(212) 555-0123")
    go_on(page, "Add clinic")
    look(page, "one")
    go_on(page, "Shut the clinic")
    look(page, "shut")
    page.get_by_label("Type the slug").fill("else")
    go_on(page, "Destroy the keys")
    look(page, "wrong-slug")
    page.get_by_label("Type the slug").fill("east-side")
    go_on(page, "Destroy the keys")
    look(page, "destroyed")


def test_a_clinics_look_is_previewed_as_it_is_typed(
    installed: Installation,
    desk: BrowserContext,
    look: Callable[[Page, str], None],
) -> None:
    page = desk.new_page()
    sign_in(installed, page, "admin@acme.example", "/desk/acme/look")
    look(page, "look")
    inside = page.frame_locator("#preview")
    page.get_by_label("Color of links").fill(WINE)
    expect(inside.locator(".button").nth(1)).to_have_css("background-color", WINE_RGB)
    page.get_by_label("Logo").set_input_files([LOGO])
    expect(inside.get_by_role("img", include_hidden=True)).to_have_attribute("alt", "Acme Clinic")
    page.get_by_label("Page", exact=True).select_option("question")
    expect(inside.locator("h1")).to_have_text("About you")
    assert page.evaluate("history.length") <= 6, "the preview adds nothing to Back"
    page.get_by_label("Color of links").fill("#ffd400")
    expect(inside.locator("h1")).to_have_text("No preview yet")
    go_on(page, "Save")
    look(page, "look-with-an-error")
    page.get_by_label("Color of links").fill(WINE)
    go_on(page, "Save")
    expect(page.get_by_role("status")).to_contain_text("Saved.")


def test_a_patients_page_in_a_clinics_look_is_light_and_passes_in_every_brightness(
    installed: Installation, browser: Browser, served: str
) -> None:
    with at_clinic(installed.app, "other") as (session, clinic):
        about = {"accent": WINE, "logo": draw_logo(saved(drawing())), "texts": {"intro": {"en": "W" * 300}}}
        change_clinic(session, clinic, about, by=None)
        session.commit()
    context = browser.new_context(base_url=served, viewport={"width": 390, "height": 844})
    context.add_init_script("window.stored = []")
    page = context.new_page()
    fetched: list[Request] = []
    page.on("requestfinished", lambda request: fetched.append(request))  # noqa: PLW0108 - wants to mark it
    page.goto("/c/other", wait_until="networkidle")
    asked = [request for request in fetched if not request.url.startswith("data:")]
    # As they travel: the clinic's stylesheet is packed.
    size = sum(request.sizes()["responseBodySize"] for request in asked)
    assert (size <= FIRST_PAGE[0], len(asked) <= FIRST_PAGE[1]) == (True, True), (size, len(asked))
    expect(page.get_by_role("img", name="Other Clinic")).to_be_visible()
    gate(page, "start of a clinic with a look")
    assert context.cookies() == []
    context.close()


def test_the_preview_works_without_script(installed: Installation, browser: Browser, served: str) -> None:
    context = browser.new_context(base_url=served, java_script_enabled=False)
    page = context.new_page()
    sign_in(installed, page, "admin@acme.example", "/desk/acme/look")
    page.get_by_label("Color of links").fill("#1b4332")
    page.get_by_label("Brightness").select_option("light")
    page.get_by_role("button", name="Preview").click()
    start = page.frame_locator("#preview").locator(".button").nth(1)
    expect(start).to_have_css("background-color", "rgb(27, 67, 50)")
    assert page.url.endswith("/desk/acme/look")
    context.close()
