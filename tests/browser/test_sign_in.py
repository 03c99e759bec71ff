"""The desk's doors in Chromium: codes, passkeys, recovery codes, and silence that keeps what was typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browser.walking import go_on, inspect
from builders import PASSWORD
from conftest import Installation, next_code
from playwright.sync_api import BrowserContext, Page, Route, expect
from web.test_sign_in import age
from web.walking import add_requests, answers_but

from screener.store.staff_sessions import IDLE_LIMIT

pytestmark = pytest.mark.browser

INTAKE, CLINICIAN, ADMIN = "intake@acme.example", "clinician@acme.example", "admin@acme.example"
OTHER = "intake@other.example"


@pytest.fixture
def look(screenshots: Path | None) -> Callable[[Page, str], None]:
    return lambda page, name: inspect(page, f"staff-{name}", screenshots)


@pytest.fixture
def desk_page(desk: BrowserContext) -> Iterator[Page]:
    """Its console stays silent: the pages need no more than their policy lets through."""
    page = desk.new_page()
    said: list[str] = []
    page.on(
        "console", lambda message: said.append(message.text) if "Security Policy" in message.text else None
    )
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []


def give_password(page: Page, email: str, place: str = "/desk/") -> None:
    page.goto(place)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    go_on(page, "Sign in")


def give_code(page: Page, code: str) -> None:
    page.get_by_label(re.compile("Six digits|Recovery code")).fill(code)
    go_on(page, "Continue")


def sign_in(installed: Installation, page: Page, email: str, place: str = "/desk/") -> None:
    give_password(page, email, place)
    give_code(page, next_code(installed.app, email))


def add_authenticator(desk: BrowserContext, page: Page) -> None:
    """A security key that its owner always touches at once."""
    devtools = desk.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_person_signs_in_with_a_code_and_looks_at_every_page_of_the_account(
    installed: Installation, desk_page: Page, look: Callable[[Page, str], None]
) -> None:
    page = desk_page
    page.goto("/desk/")
    look(page, "sign-in")
    give_password(page, ADMIN, "/desk/account")
    look(page, "code")
    give_code(page, "000000")
    look(page, "code-wrong")
    give_code(page, next_code(installed.app, ADMIN))
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    look(page, "account")
    for place, name in (
        ("/staff/change", "password"),
        ("/staff/wan-register", "passkey"),
        ("/staff/tf-setup", "app"),
        ("/staff/mf-recovery-codes", "recovery-codes"),
        ("/staff/verify", "verify"),
        ("/desk/acme/people", "people"),
    ):
        page.goto(place)
        look(page, name)
    go_on(page, "Invite")
    look(page, "people-wrong")
    page.get_by_role("link", name=INTAKE).click()
    page.wait_for_url("**/people/*")
    look(page, "person")
    page.goto("/staff/tf-setup")
    go_on(page, "Set up a new one")
    look(page, "app-picture")


def test_a_passkey_is_made_and_opens_the_desk(
    installed: Installation, desk: BrowserContext, desk_page: Page, look: Callable[[Page, str], None]
) -> None:
    page = desk_page
    add_authenticator(desk, page)
    sign_in(installed, page, CLINICIAN, "/staff/wan-register")
    page.get_by_label("A name for it").fill("Laptop")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Your passkey “Laptop” was added.")).to_be_visible()
    look(page, "account-passkey")
    go_on(page, "Sign out")
    give_password(page, CLINICIAN, "/desk/acme/queue")
    look(page, "choose-a-step")
    go_on(page, "Use my passkey")
    look(page, "use-passkey")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    expect(page.get_by_role("link", name="Settings")).to_be_hidden()
    # It also shows again who is there.
    page.goto("/staff/verify?next=/desk/account")
    page.get_by_role("button", name="Use my passkey").click()
    expect(page.get_by_text("password and passkey")).to_be_visible()
    page.get_by_role("button", name="Remove Laptop").click()
    expect(page.get_by_text("Your passkey “Laptop” was removed.")).to_be_visible()


def test_a_recovery_code_opens_once(
    installed: Installation, desk_page: Page, look: Callable[[Page, str], None]
) -> None:
    page = desk_page
    sign_in(installed, page, OTHER, "/staff/mf-recovery-codes")
    go_on(page, "Make ten new codes")
    look(page, "recovery-codes-made")
    code = page.locator(".codes li").first.inner_text()
    go_on(page, "Sign out")
    give_password(page, OTHER)
    with page.expect_navigation():
        page.get_by_role("link", name="recovery code").click()
    look(page, "recovery")
    give_code(page, code)
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    go_on(page, "Sign out")
    give_password(page, OTHER)
    with page.expect_navigation():
        page.get_by_role("link", name="recovery code").click()
    give_code(page, code)
    expect(page.get_by_text("wrong or was used already").first).to_be_visible()


def open_a_decision(installed: Installation, page: Page, name: str) -> str:
    """A request with a reason half typed."""
    (reference,) = add_requests(installed.app, [(name, answers_but(), datetime.now(UTC))])
    page.clock.install()
    sign_in(installed, page, INTAKE, f"/desk/acme/requests/{reference}")
    page.get_by_label("Reason").fill("Traveling until May")
    return reference


def sit_still(installed: Installation, page: Page, minutes: float) -> None:
    """Nobody touches anything, in the browser and as the server sees it."""
    age(installed.app, last_seen_at=timedelta(minutes=minutes))
    page.clock.fast_forward(int(minutes * 60_000))
    page.clock.run_for(6_000)


def is_look(route: Route) -> bool:
    return route.request.method == "GET"


def test_silence_is_warned_of_and_a_click_goes_on(
    installed: Installation, desk_page: Page, look: Callable[[Page, str], None]
) -> None:
    page = desk_page
    open_a_decision(installed, page, "Ada")
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    sit_still(installed, page, 13.5)
    expect(page.get_by_text("You will be signed out in 2 minutes.")).to_be_visible()
    look(page, "warned")
    # Also where the page is just asking how things stand, and hears of it late.
    slow: list[Route] = []
    page.route("**/desk/here", lambda route: slow.append(route) if is_look(route) else route.continue_())
    with page.expect_request(lambda request: request.url.endswith("/desk/here")):
        page.clock.run_for(6_000)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    for route in slow:
        route.fulfill(json={"person": "somebody else", "seconds": 1, "token": ""})
    page.unroute("**/desk/here")
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    sit_still(installed, page, 10)
    expect(page.get_by_role("alertdialog")).to_be_hidden()


def test_after_silence_the_page_is_covered_and_the_same_person_finds_what_they_typed(
    installed: Installation, desk: BrowserContext, desk_page: Page, screenshots: Path | None
) -> None:
    page = desk_page
    reference = open_a_decision(installed, page, "Pat")
    sit_still(installed, page, IDLE_LIMIT.total_seconds() / 60)
    expect(page.get_by_text("You were signed out. What you typed here is kept")).to_be_visible()
    expect(page.get_by_role("heading", name="Pat")).to_be_hidden()
    # Covered, the page has no heading and no main part, on purpose.
    inspect(page, "staff-signed-out", screenshots, axe=False)
    with desk.expect_page() as opened:
        page.get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_label("E-mail").fill(INTAKE)
    tab.get_by_label("Password").fill(PASSWORD)
    go_on(tab, "Sign in")
    give_code(tab, next_code(installed.app, INTAKE))
    expect(tab.get_by_role("heading", name="Queue")).to_be_visible()
    tab.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_role("heading", name="Pat")).to_be_visible()
    expect(page.get_by_label("Reason")).to_have_value("Traveling until May")
    page.get_by_label("Later").check()
    go_on(page, "Save")
    expect(page.get_by_text(f"{reference} is now “Later”.")).to_be_visible()


def test_after_silence_another_person_does_not_get_what_was_typed(
    installed: Installation, desk: BrowserContext, desk_page: Page
) -> None:
    page = desk_page
    open_a_decision(installed, page, "Eve")
    sit_still(installed, page, IDLE_LIMIT.total_seconds() / 60)
    expect(page.get_by_text("You were signed out.")).to_be_visible()
    sign_in(installed, desk.new_page(), ADMIN)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.get_by_text("Somebody else is signed in now.")).to_be_visible()
    expect(page.get_by_role("heading", name="Eve")).to_be_hidden()
