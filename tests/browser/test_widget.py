"""The widget on a clinic's own page: host, app and stranger are three different sites."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import urlsplit

import pytest
from browser.clinic_pages import Host
from browser.walking import fill
from builders import CONTACT
from playwright.sync_api import Browser, Frame, Page, Request, Route, expect
from web.walking import answers_but

pytestmark = pytest.mark.browser

_PAGES = "seen.heard.filter(m => JSON.parse(m)?.t === 'page').length"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def inside(page: Page, number: int = 0) -> Frame:
    """The questionnaire in the page, once it has shown itself."""
    shown = page.locator("[data-ms-clinic] iframe").nth(number)
    expect(shown).to_have_css("opacity", "1")
    frame = shown.element_handle().content_frame()
    assert frame is not None
    return frame


def press(page: Page, frame: Frame, name: str, role: Literal["button", "link"] = "button") -> None:
    """Presses it in the frame, and waits until the next page there has told that it is here."""
    before = page.evaluate(_PAGES)
    frame.get_by_role(role, name=name, exact=True).click()
    page.wait_for_function(f"n => {_PAGES} > n", arg=before)


def test_the_whole_flow_completes_in_the_frame_without_a_cookie_and_tells_the_host_nothing(
    page: Page, host: Host, snippet: Callable[..., str], served: str
) -> None:
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    page.goto(host.show("/flow", "<h1>Our clinic</h1>" + snippet() + "<p style='height:900px'>After</p>"))
    frame = inside(page)
    assert page.evaluate("seen.shift") <= 0.02
    assert page.evaluate("document.activeElement === document.body")
    press(page, frame, "Start")
    answers = answers_but(head_days=20)
    for _ in range(20):
        if frame.url.split("?")[0].endswith("/check"):
            break
        fill(frame, answers)
        press(page, frame, "Continue")
        expect(frame.get_by_role("heading", level=1)).to_be_focused()
    press(page, frame, "See my result", "link")
    press(page, frame, "Ask for a consultation", "link")
    while not frame.url.split("?")[0].endswith("/contact"):
        press(page, frame, "Continue")
    fill(frame, CONTACT)
    press(page, frame, "Send my request")
    expect(frame.get_by_role("heading", level=1)).to_contain_text("sent")
    page.wait_for_function("seen.ms.length > 1")
    assert page.evaluate("seen.ms") == [["ms:started", None], ["ms:submitted", None]]
    heard = [json.loads(said) for said in page.evaluate("seen.heard")]
    assert {frozenset(message) for message in heard} <= {
        frozenset({"ms", "t", "id"}),
        frozenset({"ms", "t", "id", "h"}),
        frozenset({"ms", "t", "id", "why"}),
    }
    assert {message["why"] for message in heard if "why" in message} == {"start", "next", "done"}
    home = {urlsplit(served).netloc, f"host.localhost:{host.port}"}
    assert {urlsplit(url).netloc for url in asked if url.startswith("http")} <= home
    assert page.context.cookies() == []


def test_an_emergency_looks_to_the_host_like_a_form_that_is_not_finished(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    page.goto(host.show("/stop", snippet()))
    frame = inside(page)
    press(page, frame, "Start")
    fill(frame, {"danger_now": ["chest_pain"]})
    press(page, frame, "Continue")
    call = frame.get_by_role("link", name="Call 911").first
    expect(call).to_be_visible()
    assert call.get_attribute("href") == "tel:911"
    assert page.evaluate("seen.ms") == [["ms:started", None]]
    whys = [json.loads(said).get("why") for said in page.evaluate("seen.heard")]
    assert set(whys) == {None, "start", "next"}


def test_a_page_that_is_not_on_the_list_keeps_the_link(
    page: Page, host: Host, snippet: Callable[..., str], served: str
) -> None:
    page.goto(host.show("/strange", snippet(), name="stranger"))
    expect(page.locator("iframe")).to_have_count(1)
    page.wait_for_timeout(1500)
    expect(page.locator("iframe")).to_have_css("opacity", "0")
    assert page.evaluate("seen.heard") == []
    with page.expect_navigation():
        page.get_by_role("link", name="Start the headache questionnaire").click()
    assert page.url.startswith(f"{served}/c/framed")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()


def test_on_a_slow_network_the_link_works_until_the_frame_is_there(
    page: Page, host: Host, snippet: Callable[..., str], served: str
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/c/framed?embed=1*", hold)
    # It may have loaded before the frame was begun, or not.
    page.goto(host.show("/slow", snippet()), wait_until="domcontentloaded")
    expect(page.locator("iframe")).to_have_count(1)
    link = page.get_by_role("link", name="Start the headache questionnaire")
    expect(link).to_be_visible()
    with page.expect_navigation():
        link.click()
    assert page.url == f"{served}/c/framed"
    assert len(held) == 1


def test_a_page_that_became_wider_leaves_no_gap_below(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    page.goto(host.show("/turned", snippet(mode="inline")))
    page.set_viewport_size({"width": 320, "height": 900})
    frame = inside(page)
    page.wait_for_function("document.querySelector('iframe').offsetHeight > 1000")
    # What the frame said of the narrow page may arrive after the page has become wide.
    page.evaluate(
        """() => addEventListener('resize', () => dispatchEvent(new MessageEvent('message', {
          origin: new URL(document.querySelector('iframe').src).origin,
          source: document.querySelector('iframe').contentWindow,
          data: JSON.parse(seen.heard.findLast(said => JSON.parse(said).t === 'size')),
        })))"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_function("document.querySelector('iframe').offsetHeight < 900")
    told = frame.evaluate("document.documentElement.getBoundingClientRect().height")
    page.wait_for_function("h => Math.abs(document.querySelector('iframe').offsetHeight - h) <= 1", arg=told)


def test_a_listed_page_inside_a_stranger_is_not_framed(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    inner = host.show("/inner", snippet())
    page.goto(host.show("/outer", f"<iframe src='{inner}' width=1200 height=800></iframe>", name="stranger"))
    clinic = page.frame_locator("iframe")
    expect(clinic.locator("[data-ms-clinic] iframe")).to_have_count(1)
    page.wait_for_timeout(1500)
    expect(clinic.locator("[data-ms-clinic] iframe")).to_have_css("opacity", "0")
    expect(clinic.get_by_role("link", name="Start the headache questionnaire")).to_be_visible()


def test_forged_messages_change_nothing(page: Page, host: Host, snippet: Callable[..., str]) -> None:
    page.goto(host.show("/forged", snippet()))
    frame = inside(page)
    before = page.locator("iframe").bounding_box()
    eid = page.evaluate("new URL(document.querySelector('iframe').src).searchParams.get('eid')")
    for message in (
        {"ms": 1, "t": "size", "id": eid, "h": 5000},
        {"ms": 1, "t": "done", "id": eid},
        {"ms": 1, "t": "page", "id": eid, "why": "next"},
    ):
        page.evaluate("m => postMessage(m, '*')", message)
    # From the frame itself, but out of range or under another name.
    for more in ({"h": 10**9}, {"h": -1}, {"h": "5000"}, {"h": 5000, "id": "1"}, {"h": 1.5}):
        forged = {"ms": 1, "t": "size", "id": eid, **more}
        frame.evaluate("m => parent.postMessage(m, '*')", forged)
    # And from the host to the frame, by a name that is not this frame's.
    frame.evaluate("() => { addEventListener('message', () => { window.heard = true }) }")
    page.evaluate(
        "() => document.querySelector('iframe').contentWindow.postMessage"
        "({ms: 1, t: 'theme', id: '1', theme: 'dark'}, '*')"
    )
    frame.wait_for_function("window.heard")
    assert frame.evaluate("document.documentElement.dataset.theme ?? ''") == ""
    assert page.locator("iframe").bounding_box() == before
    assert page.evaluate("seen.ms") == []


def test_on_a_phone_it_is_a_card_that_leads_to_the_full_page(
    browser: Browser, host: Host, snippet: Callable[..., str], served: str
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(host.show("/phone", snippet(lang="es", theme="dark") + "<p style='height:900px'>After</p>"))
    link = page.get_by_role("link", name="Start the headache questionnaire")
    expect(link).to_have_attribute("href", f"{served}/c/framed?lang=es&theme=dark")
    expect(page.locator("iframe")).to_have_count(0)
    assert page.evaluate("seen.shift") <= 0.02
    box = link.bounding_box()
    assert box is not None
    assert box["height"] >= 48
    with page.expect_navigation():
        link.click()
    assert page.evaluate("document.documentElement.lang") == "es"
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    context.close()


@pytest.mark.parametrize("way", ["no script", "sandboxed"])
def test_where_scripts_or_forms_are_barred_the_link_is_the_product(
    browser: Browser, host: Host, snippet: Callable[..., str], served: str, way: str
) -> None:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, java_script_enabled=way != "no script"
    )
    page = context.new_page()
    plain = host.show("/barred", snippet())
    sandbox = "allow-scripts allow-popups allow-top-navigation-by-user-activation"
    framed = host.show(
        "/sandbox", f"<iframe sandbox='{sandbox}' src='{plain}' width=1200 height=800></iframe>"
    )
    page.goto(plain if way == "no script" else framed)
    place = page if way == "no script" else page.frame_locator("iframe")
    expect(place.get_by_role("link", name="Start the headache questionnaire")).to_have_attribute(
        "href", f"{served}/c/framed"
    )
    expect(place.locator("[data-ms-clinic] iframe")).to_have_count(0)
    context.close()


def test_two_on_one_page_do_not_mix_and_the_theme_follows_the_host(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    page.goto(host.show("/two", snippet() + snippet(mode="inline", theme="dim")))
    expect(page.locator("[data-ms-clinic] iframe")).to_have_count(2)
    page.locator("iframe").nth(1).scroll_into_view_if_needed()
    first, second = inside(page, 0), inside(page, 1)
    second.wait_for_function("document.documentElement.dataset.theme === 'dim'")
    page.evaluate("document.querySelectorAll('[data-ms-clinic]')[1].dataset.msTheme = 'dark'")
    second.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert first.evaluate("document.documentElement.dataset.theme ?? ''") == ""
    press(page, second, "Start")
    second.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert urlsplit(first.url).path == "/c/framed"


def test_the_next_page_starts_below_the_hosts_header(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    head = "<style>header{position:sticky;top:0;height:80px;background:#fff}</style>"
    body = (
        "<header>Our clinic</header><p style='height:500px'>Before</p>"
        + snippet()
        + "<p style='height:900px'>"
    )
    page.goto(host.show("/sticky", body, head=head))
    page.locator("iframe").scroll_into_view_if_needed()
    frame = inside(page)
    press(page, frame, "Start")
    fill(frame, answers_but())
    page.evaluate("scrollBy(0, 700)")
    press(page, frame, "Continue")
    page.wait_for_function("Math.round(document.querySelector('iframe').getBoundingClientRect().top) === 80")


def test_an_error_is_brought_into_view_and_back_and_reload_keep_the_place(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    page.goto(host.show("/error", snippet()))
    frame = inside(page)
    press(page, frame, "Start")
    press(page, frame, "Continue")
    expect(frame.locator("#problems")).to_be_focused()
    assert (
        json.loads(page.evaluate("seen.heard.filter(m => JSON.parse(m).t === 'page').at(-1)"))["why"]
        == "error"
    )
    fill(frame, answers_but())
    press(page, frame, "Continue")
    frame.wait_for_url("**/about-you")
    frame.evaluate("history.back()")
    frame.wait_for_url("**/danger-now")
    expect(frame.locator("[value=none]")).to_be_checked()


def test_a_draft_that_somebody_planted_in_a_frame_shows_no_answer(
    page: Page, host: Host, snippet: Callable[..., str]
) -> None:
    page.goto(host.show("/mine", snippet()))
    frame = inside(page)
    press(page, frame, "Start")
    fill(frame, answers_but())
    press(page, frame, "Continue")
    planted = host.show("/planted", f"<iframe src='{frame.url}' width=800 height=700></iframe>")
    page.goto(planted)
    body = page.frame_locator("iframe").locator("main")
    expect(body).to_be_visible()
    expect(body.get_by_role("heading", level=1)).not_to_contain_text("How old")
    expect(body.get_by_role("link", name="Start afresh")).to_be_visible()
