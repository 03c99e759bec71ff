"""How a person goes through the pages, and what must hold on each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from builders import as_form
from playwright.sync_api import Page

AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_LOOKS = {
    "phone-light": ((390, 844), "light"),
    "phone-dark": ((390, 844), "dark"),
    "desktop-light": ((1280, 900), "light"),
    "desktop-dark": ((1280, 900), "dark"),
}

# What axe does not see: each rule returns what breaks it.
STRUCTURE = """() => {
  const broken = [];
  const say = (what, el) => broken.push(what + ': ' + (el.outerHTML || '').slice(0, 120));
  const small = el => el?.offsetHeight < 48 && el.offsetHeight > 0 && el.checkVisibility();
  if (document.querySelectorAll('h1').length !== 1) broken.push('one h1');
  for (const el of document.querySelectorAll('input[type=radio], input[type=checkbox]')) {
    const lone = el.type === 'checkbox' && el.closest('[role=group]');
    const legend = el.closest('fieldset')?.querySelector(':scope > legend');
    if (!lone && !legend) say('no fieldset and legend', el);
    if (!el.labels.length) say('no label', el);
    if (small(el.closest('.option'))) say('target under 48 px', el);
  }
  for (const el of document.querySelectorAll('.button'))
    if (small(el)) say('target under 48 px', el);
  for (const el of document.querySelectorAll('[aria-describedby]'))
    for (const id of el.getAttribute('aria-describedby').split(' '))
      if (!document.getElementById(id)) say('describedby leads nowhere', el);
  for (const el of document.querySelectorAll('.hint[id], .error[id]'))
    if (!document.querySelector(`[aria-describedby~="${el.id}"]`)) say('nobody is described by', el);
  for (const el of document.querySelectorAll('.problems a'))
    if (!document.querySelector(el.getAttribute('href'))) say('summary leads nowhere', el);
  const ids = [...document.querySelectorAll('[id]')].map(el => el.id);
  if (new Set(ids).size !== ids.length) broken.push('an id twice');
  if (document.documentElement.scrollWidth > innerWidth) broken.push('scrolls sideways at ' + innerWidth);
  const errors = document.querySelector('.problems');
  const isTold = /^(Error|Hay un error): /.test(document.title);
  if (!!errors !== isTold) broken.push('title and error: ' + document.title);
  return broken;
}"""


def inspect(page: Page, name: str, pictures: Path | None = None, *, axe: bool = True) -> None:
    """Axe finds nothing, the structure holds, nothing scrolls sideways at 320 px. Takes pictures if asked."""
    assert "went wrong" not in page.title(), name
    size = page.viewport_size
    assert size is not None
    for width in (320, size["width"]):
        page.set_viewport_size({"width": width, "height": size["height"]})
        broken = page.evaluate(STRUCTURE)
        assert broken == [], f"{name} at {width}: {broken}"
    # Axe itself needs scripts; the markup is the same without.
    violations = Axe().run(page, options={"runOnly": AXE_TAGS}).response["violations"] if axe else []
    assert [(v["id"], [node["html"] for node in v["nodes"]]) for v in violations] == [], name
    if pictures:
        for look, ((width, height), scheme) in _LOOKS.items():
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=pictures / f"{name}-{look}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(size)


def fill(page: Page, answers: Mapping[str, Any]) -> None:
    """Answers each question shown on this page."""
    names = page.locator("main form [name]").evaluate_all("els => [...new Set(els.map(el => el.name))]")
    for name in names:
        if name not in answers:
            continue
        for value in as_form(answers[name]):
            control = page.locator(f'[name="{name}"]')
            kind = control.first.evaluate("el => el.tagName === 'SELECT' ? 'select' : el.type")
            if kind in {"radio", "checkbox"}:
                page.locator(f'[name="{name}"][value="{value}"] + label').click()
            elif kind == "select":
                control.select_option(value)
            else:
                control.first.fill(value)


def go_on(page: Page, button: str = "Continue") -> None:
    """Presses a button and waits for the next page: a click alone returns while it still loads."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def follow(page: Page, link: str) -> None:
    """As `go_on`, for a link."""
    with page.expect_navigation():
        page.get_by_role("link", name=link, exact=True).click()


def open_inside(page: Page, path: str) -> None:
    """Goes there as by a link on our own page: an address typed in would meet the fence."""
    with page.expect_navigation():
        page.evaluate("path => { location.href = path }", path)


def slug_of(page: Page) -> str:
    return page.url.split("?")[0].rsplit("/", 1)[-1]
