"""A browser for tests: it behaves as one inside our pages, and lints each answer it gets."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from pypdf import PdfReader
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from screener.domain.notices import DISCLAIMER
from screener.web import languages
from screener.web.pace import TRAP

FormData = Mapping[str, object] | bytes
_PATIENT_TOKEN, _STAFF_TOKEN = "form_token", "csrf_token"
_HIDDEN = {_PATIENT_TOKEN, _STAFF_TOKEN, "place", "seen", TRAP}
_STAFF_PATHS = ("/desk", "/staff")
_LEADS_ELSEWHERE = ("href", "src", "action", "formaction", "srcset", "poster", "data")
_SCHEMES_WITHOUT_ORIGIN = ("tel", "mailto", "data")
# FHIR for everybody: kept, and asked again whether it changed.
_PUBLISHED = re.compile(r"/fhir/(metadata|(Questionnaire|CodeSystem)\b)")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LINTED: set[tuple[bool, str]] = set()
_LABELLED = {"input", "select", "textarea"}


def words(element: Element) -> str:
    """The text a reader sees in it, blanks collapsed."""
    return " ".join("".join(element.itertext()).split())


def read_pdf(page: Page) -> tuple[PdfReader, str]:
    """A PDF and its words, one blank between them."""
    assert (page.status, page.response.mimetype) == (200, "application/pdf")
    reader = PdfReader(io.BytesIO(page.response.data))
    # pypdf reads the bold font two bytes a letter.
    text = " ".join(sheet.extract_text() for sheet in reader.pages).replace("\x00", "")
    return reader, " ".join(text.split())


@dataclass(frozen=True)
class Page:
    """An answer of the server as its reader sees it."""

    path: str
    response: TestResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Headers:
        return self.response.headers

    @property
    def source(self) -> str:
        return self.response.get_data().decode(errors="replace")

    @property
    def location(self) -> str:
        """Where it redirects to; empty if it does not."""
        return self.headers.get("Location", "")

    @property
    def is_staff(self) -> bool:
        return self.path.startswith(_STAFF_PATHS)

    @property
    def is_preview(self) -> bool:
        """A patient's page that staff try out in a frame, where nothing can be sent."""
        return self.path.split("?")[0].endswith("/look/preview") and self.status in {200, 422}

    @cached_property
    def tree(self) -> Element:
        """Raises ParseError at the first thing that is not HTML5."""
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        tree: Element = parser.parse(self.source)
        return tree

    @cached_property
    def _by_tag(self) -> dict[str, list[Element]]:
        found: dict[str, list[Element]] = {}
        for element in self.tree.iter():
            found.setdefault(element.tag, []).append(element)
        return found

    def all(self, *tags: str) -> list[Element]:
        return [element for tag in tags for element in self._by_tag.get(tag, [])]

    @property
    def main(self) -> Element:
        return self.all("main")[0]

    @property
    def heading(self) -> str:
        return words(self.all("h1")[0])

    @property
    def title(self) -> str:
        return words(self.all("title")[0])

    @property
    def text(self) -> str:
        return words(self.all("body")[0])

    @property
    def links(self) -> dict[str, str]:
        """Link words -> where they lead."""
        return {words(link): link.get("href", "") for link in self.all("a")}

    @property
    def problems(self) -> list[str]:
        """The lines of the error summary."""
        boxes = [e for e in self.all("div") if "problems" in e.get("class", "").split()]
        return [words(item) for box in boxes for item in box.iter("li")]

    @property
    def said(self) -> dict[str, str]:
        """Question -> answer, of the lists that show answers."""
        rows = [row for row in self.all("div") if {"dt", "dd"} <= {child.tag for child in row}]
        return {words(row.findall("dt")[0]): words(row.findall("dd")[0]) for row in rows}

    @property
    def forms(self) -> list[Element]:
        return self.all("form")

    @property
    def form(self) -> dict[str, list[str]]:
        """What the form in the main part would send as it stands."""
        sent: dict[str, list[str]] = {}
        for control in self._controls():
            sent.setdefault(control.get("name", ""), []).extend(_value_of(control))
        return {name: values for name, values in sent.items() if values}

    @property
    def asked(self) -> list[str]:
        """Names of what the form asks for."""
        names = [control.get("name", "") for control in self._controls()]
        return [name for name in dict.fromkeys(names) if name not in _HIDDEN]

    def offers(self, name: str, value: str) -> bool:
        return any(c.get("name") == name and c.get("value") == value for c in self._controls())

    def _controls(self) -> Iterator[Element]:
        for form in self.main.iter("form"):
            yield from (e for e in form.iter() if e.tag in _LABELLED and e.get("name"))


def _value_of(control: Element) -> list[str]:
    if control.tag == "textarea":
        return ["".join(control.itertext())]
    if control.tag == "select":
        return [o.get("value", words(o)) for o in control.iter("option") if o.get("selected") is not None]
    if control.get("type") in {"radio", "checkbox"}:
        return [control.get("value", "on")] if control.get("checked") is not None else []
    return [control.get("value", "")]


class Browser:
    """A visitor with a cookie jar of their own. `site` is the Sec-Fetch-Site header it sends."""

    def __init__(self, app: Flask, *, site: str | None = "same-origin") -> None:
        self.client = app.test_client()
        self.site = site
        self.visited: list[Page] = []

    def get(self, path: str, **told: Any) -> Page:
        return self.open("GET", path, **told)

    def post(self, path: str, data: FormData = b"", **told: Any) -> Page:
        return self.open("POST", path, data=data, **told)

    def open(
        self,
        method: str,
        path: str,
        *,
        data: FormData = b"",
        site: str | None = "as usual",
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        sent = dict(headers or {})
        site = self.site if site == "as usual" else site
        if site is not None:
            sent["Sec-Fetch-Site"] = site
        response = self.client.open(
            path,
            method=method,
            data=data,
            headers=sent,
            content_type="application/x-www-form-urlencoded" if isinstance(data, bytes) else None,
            buffered=True,
        )
        page = Page(path, response)
        self.visited.append(page)
        lint(page)
        return page

    def follow(self, page: Page) -> Page:
        """Where the redirects lead in the end."""
        for _ in range(5):
            if not page.location:
                return page
            page = self.get(page.location)
        raise AssertionError(f"{page.path} redirects for ever")

    def submit(self, page: Page, **answers: object) -> Page:
        """Sends the page's form as it stands, with these fields set; None empties one."""
        sent = page.form | answers
        return self.post(page.path, {name: value for name, value in sent.items() if value is not None})


# ---------------------------------------------------------------- what holds on each page


def lint(page: Page) -> None:
    """What must hold of anything we answer, whichever test asked for it."""
    assert page.status < 500, f"{page.path} answers {page.status}"
    if page.response.request.path.startswith(("/static/", "/staff/fs-static/", "/e/")):
        return
    _lint_headers(page)
    if page.response.mimetype == "text/html" and page.response.request.method != "HEAD" and not page.location:
        # Pages that differ in their tokens alone are one page.
        looks = (page.is_staff, _TOKEN.sub("", page.source))
        if looks not in _LINTED:
            _lint_html(page)
            _LINTED.add(looks)


def _lint_headers(page: Page) -> None:
    headers = page.headers
    policy = headers.get("Content-Security-Policy", "")
    for part in (
        "default-src 'none'",
        "object-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "base-uri 'none'",
    ):
        assert part in policy, (page.path, policy)
    assert "unsafe" not in policy
    assert "frame-ancestors" in policy
    is_kept = "/look.css?" in page.path or "/logo.png?" in page.path or _PUBLISHED.match(page.path)
    assert is_kept or headers["Cache-Control"] == "no-store", page.path
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert not urlsplit(page.location).netloc, f"{page.path} redirects to {page.location}"
    if page.is_preview:
        assert "frame-ancestors 'self'" in policy
        assert headers["X-Frame-Options"] == "SAMEORIGIN"
    elif page.is_staff:
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Frame-Options"] == "DENY"
    else:
        assert "Set-Cookie" not in headers, page.path
        assert "cookie" not in headers.get("Vary", "").lower(), page.path


def _lint_html(page: Page) -> None:
    tree = page.tree
    assert len(page.all("h1")) == 1, page.path
    assert page.heading, f"{page.path} has an empty h1"
    error = _said_there(page, "Error:") + " "
    assert page.title.removeprefix(error).startswith(page.heading), (page.title, page.heading)
    assert bool(page.problems) == page.title.startswith(error), (page.title, page.problems)
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), f"{page.path} has an id twice"
    _lint_references(page, set(ids))
    disclaimer = _said_there(page, DISCLAIMER)
    assert disclaimer in page.text, f"{page.path} lacks the disclaimer"
    _lint_forms(page)
    _lint_no_strangers(page)


def _said_there(page: Page, message: str) -> str:
    """In the language of the page."""
    return languages.read_catalogue(page.tree.get("lang", "")).gettext(message)


def _lint_references(page: Page, ids: set[str | None]) -> None:
    labels = {label.get("for") for label in page.all("label")}
    assert labels <= ids, f"{page.path}: labels lead nowhere: {labels - ids}"
    for control in page.all(*_LABELLED):
        if control.get("type") not in {"hidden", "submit"}:
            assert control.get("id") in labels, f"{page.path}: {control.get('name')} has no label"
    for element in page.tree.iter():
        for attribute in ("aria-describedby", "aria-labelledby"):
            named = set(element.get(attribute, "").split())
            assert named <= ids, f"{page.path}: {attribute} names {named - ids}"
        href = element.get("href", "")
        if href.startswith("#"):
            assert href[1:] in ids, f"{page.path}: {href} leads nowhere"


def _lint_forms(page: Page) -> None:
    for form in page.forms:
        if page.is_staff and form.get("method") == "get":
            names = {e.get("name") for e in form.iter("input")}
            assert names.isdisjoint({_STAFF_TOKEN, "q"}), f"{page.path}: what may be in no address"
            continue
        assert form.get("method", "").lower() == "post", f"{page.path}: a form without a method"
        if form.get("action", "").endswith("/start"):
            continue
        hidden = {e.get("name"): e.get("value") for e in form.iter("input") if e.get("type") == "hidden"}
        wanted = _STAFF_TOKEN if page.is_staff and not page.is_preview else _PATIENT_TOKEN
        assert hidden.get(wanted), f"{page.path}: no form token"


def _lint_no_strangers(page: Page) -> None:
    for element in page.tree.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on"), f"{page.path}: {name} is inline script"
            assert name != "style", f"{page.path}: inline style"
            if name in _LEADS_ELSEWHERE and not _is_citation(element) and not _is_for_builders(element):
                parts = urlsplit(value.strip())
                assert not parts.netloc, f"{page.path} refers to {value}"
                assert not parts.scheme or parts.scheme in _SCHEMES_WITHOUT_ORIGIN, f"{page.path}: {value}"
    assert page.all("style") == [], f"{page.path}: inline style"
    for script in page.all("script"):
        assert script.get("src"), f"{page.path}: inline script"


def _is_for_builders(element: Element) -> bool:
    """What other servers read and no browser follows: it names this installation in full."""
    return element.tag == "link" and element.get("type") == "application/json+oembed"


def _is_citation(element: Element) -> bool:
    """A link the reader may follow to a source; it tells the source nothing of where they come from."""
    return (
        element.tag == "a"
        and "noreferrer" in element.get("rel", "").split()
        and element.get("href", "").startswith("https://")
    )
