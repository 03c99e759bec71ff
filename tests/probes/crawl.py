"""A visitor who opens each page that is linked and sends each form on it, wrong first, then right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

from probes.fields import Field, Form, forms_on, own_links, shape_of
from web.client import Browser, Page

# These end what the others need, so they come last.
LAST: Final = re.compile(
    r"(/contact|/logout|/sign-out-everywhere|/shred|/switch|/revoke|/delete|/remove|/off|/withdraw|/sign)(\?|$)"
)
_THE_END: Final = re.compile(r"logout|sign-out")
_MOST_OF_A_SHAPE: Final = 2
_TAKEN: Final = (200, 302, 303)
_MOST_PAGES: Final = 400
Typing = Callable[[Field], object]


@dataclass
class Crawl:
    """`typed` says what to type; `chosen` what is answered where only certain answers do."""

    browser: Browser
    typed: Typing
    chosen: Mapping[str, object]
    # Told of each page.
    see: Callable[[Page], None]
    inside: re.Pattern[str]
    # Forms that were not taken even as they should be, and why.
    refused: dict[str, list[str]] = field(default_factory=dict)
    # What broke a rule that holds on each page (web/client.py).
    broken: list[str] = field(default_factory=list)
    # What others still need the other side of: tried only with what cannot be taken.
    spared: re.Pattern[str] | None = None
    # Whether forms that only ask are filled in as well, as they stand: what they ask is in the address.
    asks: bool = False
    # Forms that were sent already; several visitors may share the work.
    sent: set[tuple[object, ...]] = field(default_factory=set)
    _waiting: list[str] = field(default_factory=list)
    _shapes: Counter[str] = field(default_factory=Counter)
    _later: list[tuple[Page, Form, int]] = field(default_factory=list)

    def run(self, *starts: str) -> None:
        self._waiting += starts
        while self._waiting or self._later:
            if self._waiting:
                self.take(self._ask("GET", self._waiting.pop(0)))
            else:
                self._later.sort(key=lambda each: bool(_THE_END.search(each[1].action)))
                self._send_right(*self._later.pop(0))

    def take(self, page: Page) -> None:
        """Keeps where it leads to and sends its forms."""
        self.see(page)
        if page.location:
            self._note(page.location)
        if page.response.mimetype != "text/html":
            return
        for link in own_links(page):
            self._note(link)
        for form in forms_on(page):
            self._try(page, form)

    def _note(self, path: str) -> None:
        shape = shape_of(path)
        if (
            self.inside.match(path)
            and self._shapes[shape] < _MOST_OF_A_SHAPE
            and self._shapes.total() < _MOST_PAGES
        ):
            self._shapes[shape] += 1
            self._waiting.append(path)

    def _try(self, page: Page, form: Form) -> None:
        if not self.inside.match(form.action):
            return
        for number, button in enumerate(form.buttons):
            kind = (shape_of(form.action), form.method, *sorted(form.fields), *button.items())
            if kind in self.sent:
                continue
            self.sent.add(kind)
            if form.method == "get":
                asked = form.filled(self.typed, self.chosen, button=number) if self.asks else {}
                self._note(urlsplit(form.action).path + (f"?{urlencode(asked, doseq=True)}" if asked else ""))
                continue
            if self.spared and self.spared.search(form.action):
                if any(each.is_typed for each in form.fields.values()):
                    self._post(form, form.wrong(self.typed))
                continue
            if LAST.search(form.action):
                self._later.append((page, form, number))
                continue
            if number == 0:
                self._post(form, form.wrong(self.typed))
            self._send_right(page, form, number)

    def _send_right(self, page: Page, form: Form, number: int) -> None:
        """As it stands on the page now: what was sent meanwhile may have changed it."""
        fresh = self._again(page, form)
        answer = self._post(fresh, fresh.filled(self.typed, self.chosen, button=number))
        if answer.status not in _TAKEN:
            self.refused[f"{answer.status} {shape_of(form.action)}"] = answer.problems

    def _again(self, page: Page, form: Form) -> Form:
        shown = self._ask("GET", page.path) if page.response.request.method == "GET" else page
        if shown.response.mimetype == "text/html" and not shown.location:
            for each in forms_on(shown):
                if (each.action, set(each.fields), each.buttons) == (
                    form.action,
                    set(form.fields),
                    form.buttons,
                ):
                    return each
        return form

    def _post(self, form: Form, sent: Mapping[str, object]) -> Page:
        answer = self._ask("POST", form.action, {n: v for n, v in sent.items() if v not in ([], None)})
        self.take(answer)
        return answer

    def _ask(self, method: str, path: str, sent: Mapping[str, object] | None = None) -> Page:
        try:
            return self.browser.open(method, path, data=sent or b"")
        except AssertionError as error:
            self.broken.append(f"{method} {shape_of(path)}: {str(error)[:200]}")
            return self.browser.visited[-1]
