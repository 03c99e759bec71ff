"""The gates of the patient's pages: each in each language, theme and width."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.walking import AXE_TAGS, STRUCTURE, fill, open_inside
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, EVERY_PAGE
from playwright.sync_api import Browser, Page, Request, expect
from web.client import Browser as Visitor
from web.walking import plant

from screener import create_app
from screener.domain.question import BEFORE_RESULT
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.settings import ROOT, Settings

pytestmark = pytest.mark.browser

THEMES = ("light", "dim", "dark")
WIDTHS = (320, 390, 1280)
# Bytes and requests.
FIRST_PAGE, NEXT_PAGE = (20_000, 4), (6_000, 2)
STYLE_SHEET, SCRIPT, LOADER = 6_000, 2_000, 3_000
DARKEST = 0.02
BODY_CONTRAST = (7, 14)

_WATCH_STORAGE = """
window.stored = [];
for (const name of ['setItem', 'getItem']) Storage.prototype[name] = () => { window.stored.push(name) };
IDBFactory.prototype.open = () => { window.stored.push('indexedDB') };
"""
_MOVING = """() => [...document.querySelectorAll('*')].filter(el => {
  const style = getComputedStyle(el);
  return style.animationName !== 'none' || style.transitionDuration.split(',').some(d => parseFloat(d) > 0);
}).map(el => el.outerHTML.slice(0, 100))"""
# Relative luminance of the paper and of the ink (WCAG 2.2).
_LUMINANCE = """() => {
  const style = getComputedStyle(document.documentElement);
  return [style.backgroundColor, style.color].map(colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(Number).map(c => c / 255)
      .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  });
}"""
_EMPTY = """() => document.querySelectorAll('main form :is(input, textarea, select):not([type=hidden])')
  .forEach(el => { el.checked = false; if (el.type !== 'radio' && el.type !== 'checkbox') el.value = '' })"""


@dataclass
class Watched:
    """A patient's browser that notes what it was made to do, and drafts to look at."""

    page: Page
    language: str
    settings: Settings
    requests: list[Request] = field(default_factory=list)

    def plant(self, answers: dict[str, object]) -> str:
        """The path of a draft with these answers."""
        app = create_app(self.settings)
        walk = plant(Visitor(app), app, answers, language=self.language)
        app.extensions["screener.database"].dispose()
        return f"/d/{walk.token}"

    def note(self, request: Request) -> None:
        self.requests.append(request)

    def weight(self, since: int) -> tuple[int, int]:
        """Bytes and requests of all that was fetched after that many requests; what is cached is not."""
        cached = {request.url for request in self.requests[:since] if "v=" in urlsplit(request.url).query}
        asked = [r for r in self.requests[since:] if not r.url.startswith("data:") and r.url not in cached]
        return sum(map(_weigh, asked)), len(asked)

    def went_elsewhere(self) -> list[str]:
        home = urlsplit(self.settings.base_url).netloc
        places = (urlsplit(request.url) for request in self.requests)
        return [place.geturl() for place in places if place.scheme != "data" and place.netloc != home]


def _weigh(request: Request) -> int:
    response = request.response()
    assert response is not None
    return 0 if response.status == 303 else len(response.body())


@pytest.fixture(params=["en", "es"])
def watched(
    browser: Browser, served: str, settings: Settings, request: pytest.FixtureRequest
) -> Iterator[Watched]:
    context = browser.new_context(base_url=served, viewport={"width": 390, "height": 844})
    context.add_init_script(_WATCH_STORAGE)
    watched = Watched(context.new_page(), request.param, settings)
    watched.page.on("request", watched.note)
    watched.page.goto(f"/c/acme?lang={watched.language}")
    yield watched
    # Whatever was opened: nothing was kept in the browser, nothing was asked of anybody else.
    assert context.cookies() == []
    assert watched.went_elsewhere() == []
    context.close()


def gate(page: Page, name: str) -> None:
    """All that must hold on any page of a patient."""
    assert page.evaluate(_MOVING) == [], name
    assert page.evaluate("window.stored") == [], name
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(STRUCTURE) == [], f"{name} at {width}"
        _axe(page, f"{name} at {width}", {"runOnly": AXE_TAGS})
    page.set_viewport_size({"width": 390, "height": 844})
    for theme in THEMES:
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
        _axe(page, f"{name} in {theme}", {"runOnly": {"type": "rule", "values": ["color-contrast"]}})
        paper, ink = page.evaluate(_LUMINANCE)
        low, high = sorted((paper, ink))
        assert BODY_CONTRAST[0] <= (high + 0.05) / (low + 0.05) <= BODY_CONTRAST[1], f"{name} in {theme}"
        assert theme != "dark" or paper < DARKEST, f"{name}: a bright page among dark ones"


def _axe(page: Page, name: str, options: dict[str, object]) -> None:
    response = Axe().run(page, options=options).response
    for kind in ("violations", "incomplete"):
        found = [(each["id"], [node["html"] for node in each["nodes"]]) for each in response[kind]]
        assert found == [], f"{name}: {kind}"


def send_empty(page: Page) -> None:
    page.evaluate(_EMPTY)
    with page.expect_navigation():
        page.locator("#continue").click()
    expect(page.locator("#problems"), page.url).to_be_focused()
    assert page.title().split(":")[0] in {"Error", "Hay un error"}, page.title()


def test_each_page_of_questions_passes_and_so_does_its_error(watched: Watched) -> None:
    page, draft = watched.page, watched.plant(EVERY_PAGE)
    for each in (each for each in QUESTIONNAIRE.pages if each.shown):
        open_inside(page, f"{draft}/{each.slug}")
        assert page.url.endswith(each.slug)
        gate(page, each.slug)
        if each.part in BEFORE_RESULT:
            send_empty(page)
            gate(page, f"{each.slug} with an error")


def test_each_page_around_the_questions_passes(watched: Watched) -> None:
    page = watched.page
    gate(page, "start")
    draft = watched.plant(CHRONIC_AND_INTRACTABLE)
    page.goto(f"{draft}/result")
    gate(page, "door")
    for place in ("check", "result", "save", "contact"):
        open_inside(page, f"{draft}/{place}")
        gate(page, place)
    send_empty(page)
    gate(page, "contact with an error")
    fill(page, CONTACT)
    with page.expect_navigation():
        page.locator("#continue").click()
    gate(page, "receipt")
    open_inside(page, page.url.split("?")[0] + f"/withdraw?lang={watched.language}")
    gate(page, "withdraw")
    open_inside(page, f"/c/acme/evidence?lang={watched.language}")
    gate(page, "evidence")
    open_inside(page, f"/c/acme/privacy?lang={watched.language}")
    gate(page, "privacy")
    open_inside(page, f"/c/acme/resume?lang={watched.language}")
    gate(page, "resume by code")
    open_inside(page, f"/d/gone/check?lang={watched.language}")
    gate(page, "gone")


@pytest.mark.parametrize(
    "answers",
    [
        {"changes": ["fever"]},
        {"age": 12},
        {"usual_relief": None, "head_days": 14},
        {"danger_now": ["self_harm", "carbon_monoxide"]},
        {
            "head_days": 4,
            "mig_days": 4,
            "treated_length": "4_to_24h",
            "comes_back": False,
            "usual_relief": "goes",
        },
    ],
    ids=["urgent", "child", "open questions", "danger", "regular"],
)
def test_each_kind_of_result_passes(watched: Watched, answers: dict[str, object]) -> None:
    draft = watched.plant(CHRONIC_AND_INTRACTABLE | answers)
    open_inside(watched.page, f"{draft}/result")
    gate(watched.page, str(answers))


@pytest.mark.parametrize(
    ("answers", "place", "what"),
    [
        ({"danger_now": ["stroke_signs"]}, "stop", "a[href='tel:911']"),
        ({"danger_now": ["self_harm"]}, "stop", "a[href='tel:988']"),
        ({"danger_now": ["carbon_monoxide", "self_harm"]}, "stop", "a[href='tel:911']"),
        ({"changes": ["fever"]}, "result", ".panel.urgent p"),
        ({}, "", "a[href='tel:911']"),
    ],
    ids=["danger", "self-harm", "both", "urgent result", "start"],
)
def test_on_the_smallest_phone_what_to_do_in_danger_needs_no_scrolling(
    watched: Watched, answers: dict[str, object], place: str, what: str
) -> None:
    page = watched.page
    page.set_viewport_size({"width": 320, "height": 568})
    if place:
        open_inside(page, f"{watched.plant(CHRONIC_AND_INTRACTABLE | answers)}/{place}")
    else:
        page.reload()
    box = page.locator(what).first.bounding_box()
    assert box is not None
    assert page.evaluate("scrollY") == 0
    assert box["y"] + box["height"] <= 568, f"{box} of {place or 'start'}"


def test_a_word_without_end_widens_no_page(watched: Watched) -> None:
    endless = {"own_words": "w" * 1000, "acute_other_name": "w" * 80}
    page, draft = watched.page, watched.plant(EVERY_PAGE | endless)
    for place in ("result", "background", "medicine-relief"):
        open_inside(page, f"{draft}/{place}")
        page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(STRUCTURE) == [], f"{place} at {width}"


def test_pages_are_light(watched: Watched) -> None:
    page = watched.page
    size, requests = watched.weight(since=0)
    assert (size <= FIRST_PAGE[0], requests <= FIRST_PAGE[1]) == (True, True), (size, requests)
    draft = watched.plant(EVERY_PAGE)
    for each in (each for each in QUESTIONNAIRE.pages if each.shown):
        before = len(watched.requests)
        open_inside(page, f"{draft}/{each.slug}")
        size, requests = watched.weight(before)
        if each.part not in BEFORE_RESULT:
            # As many questions as there were medicines; a web server in front sends it packed.
            size = len(gzip.compress(page.content().encode()))
        assert (size <= NEXT_PAGE[0], requests <= NEXT_PAGE[1]) == (True, True), (each.slug, size, requests)


@pytest.mark.parametrize(
    ("name", "budget"),
    [("screener.css", STYLE_SHEET), ("screener.js", SCRIPT), ("framed.js", SCRIPT), ("embed.v1.js", LOADER)],
)
def test_what_every_page_loads_is_small(name: str, budget: int) -> None:
    assert len(gzip.compress((ROOT / "static" / name).read_bytes())) <= budget
