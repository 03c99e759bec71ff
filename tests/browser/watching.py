"""Notes what no page may do, whatever was stored: run text, ask other places, break, or stop to ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request

_TELL_VIOLATIONS = """document.addEventListener('securitypolicyviolation',
  event => window.tellViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));"""
# What none of our own markup holds.
_FOREIGN_MARKUP = """() => {
  const isOurs = address => new URL(address, location.href).origin === location.origin;
  const isStrange = el => el.getAttributeNames().some(name => name.startsWith('on') || name === 'style')
    || el.matches('img:not(.qr), iframe:not(#preview), object, embed, base')
    || el.matches('style, meta[http-equiv], [data-planted]')
    || el.matches('script:not([src^="/static/"], [src^="/staff/fs-static/"])')
    || el.matches('link:not([href^="/static/"], [rel=icon][href="data:,"], [type="application/json+oembed"])')
    || (!el.matches('link') && [el.getAttribute('href') ?? '', el.getAttribute('formaction') ?? '']
         .some(address => /^[\\s\\0-\\x1f]*(javascript|data|vbscript):/i.test(address)))
    || (el.hasAttribute('action') && !isOurs(el.getAttribute('action')));
  return [...document.querySelectorAll('*')].filter(isStrange).map(el => el.outerHTML.slice(0, 200));
}"""


@dataclass
class Watch:
    """What a browser's pages did that they should not; empty if all is well."""

    home: str
    told: list[str] = field(default_factory=list)

    def look(self, page: Page) -> None:
        """At the page as it stands: nothing that was stored became markup."""
        for markup in page.evaluate(_FOREIGN_MARKUP):
            self._note(page, f"markup that is not ours: {markup}")

    def follow(self, page: Page) -> None:
        page.on("dialog", lambda dialog: self._dismiss(page, dialog))
        page.on("pageerror", lambda error: self._note(page, f"an error in a script: {error}"))
        page.on("console", lambda message: self._hear(page, message))
        page.on("request", lambda request: self._see(page, request))

    def violated(self, source: dict[str, Page], words: str) -> None:
        self._note(source["page"], f"the policy was violated: {words}")

    def _note(self, page: Page, words: str) -> None:
        self.told.append(f"{urlsplit(page.url).path}: {words}")

    def _dismiss(self, page: Page, dialog: Dialog) -> None:
        self._note(page, f"a dialog: {dialog.message}")
        dialog.dismiss()

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        # That an answer was a refusal (409, 422) is told there too.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self._note(page, f"the console: {message.text}")

    def _see(self, page: Page, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme != "data" and place.netloc != urlsplit(self.home).netloc:
            self._note(page, f"asked another place: {request.url}")


@contextmanager
def watching(context: BrowserContext, home: str) -> Iterator[Watch]:
    """All pages of the browser, from here to the end; fails if they did anything they should not."""
    watch = Watch(home)
    context.expose_binding("tellViolation", watch.violated)
    context.add_init_script(_TELL_VIOLATIONS)
    context.on("page", watch.follow)
    yield watch
    assert not watch.told, "\n".join(dict.fromkeys(watch.told))
