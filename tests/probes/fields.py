"""The fields of whatever forms a page holds, and what to type into them: found, never listed by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from builders import as_form
from web.client import Page, words
from web.walking import BORN

# Fields that take only certain values, by which nobody could be known.
FIXED: Final[Mapping[str, str]] = {
    "birth_year": str(BORN),
    "age": "42",
    "time_zone": "America/Los_Angeles",
    "accent": "#22577a",
    "quiet_from": "22:00",
    "quiet_until": "07:00",
    "from": "",
    "to": "",
}
_CHOSEN: Final = ("radio", "checkbox", "select")


@dataclass
class Field:
    """All controls of one name in a form."""

    name: str
    kind: str
    # What a choice offers; what stands in it now.
    offered: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)

    @property
    def is_typed(self) -> bool:
        return self.kind not in {*_CHOSEN, "hidden"}


@dataclass(frozen=True)
class Form:
    action: str
    method: str
    fields: dict[str, Field]
    # Each way to send it: what its button adds.
    buttons: list[dict[str, str]]

    def filled(
        self, typed: Callable[[Field], object], chosen: Mapping[str, object], *, button: int = 0
    ) -> dict[str, object]:
        """As a person sends it: typed fields typed, choices as they stand or else the first."""
        sent: dict[str, object] = {}
        for each in self.fields.values():
            if each.name in chosen:
                sent[each.name] = as_form(chosen[each.name])
            elif each.is_typed:
                sent[each.name] = typed(each)
            else:
                sent[each.name] = each.standing or [one for one in each.offered if one][:1]
        return sent | self.buttons[button]

    def wrong(self, typed: Callable[[Field], object]) -> dict[str, object]:
        """Words in each field that a browser would send, also where none of them were offered."""
        sent = {n: typed(each) for n, each in self.fields.items() if each.kind not in {"hidden", "file"}}
        hidden = {n: each.standing for n, each in self.fields.items() if each.kind == "hidden"}
        return sent | hidden | self.buttons[0]


def forms_on(page: Page) -> list[Form]:
    return [found for form in page.all("form") for found in _read_form(page, form)]


def _read_form(page: Page, form: Element) -> list[Form]:
    """One for each address that its buttons send it to."""
    fields: dict[str, Field] = {}
    for control in _controls(page, form):
        kind = control.get("type", "text") if control.tag == "input" else control.tag
        name = control.get("name", "")
        if name and kind not in {"submit", "button"}:
            _add(fields.setdefault(name, Field(name, kind)), control)
    ways: dict[str, list[dict[str, str]]] = {}
    usual = form.get("action") or page.path
    for button in _controls(page, form):
        if button.tag == "button" or button.get("type") == "submit":
            added = {button.get("name", ""): button.get("value", "")} if button.get("name") else {}
            ways.setdefault(button.get("formaction") or usual, []).append(added)
    method = form.get("method", "get").lower()
    return [Form(action, method, fields, buttons) for action, buttons in (ways or {usual: [{}]}).items()]


def _controls(page: Page, form: Element) -> Iterator[Element]:
    tags = {"input", "select", "textarea", "button"}
    yield from (each for each in form.iter() if each.tag in tags)
    name = form.get("id")
    if name:
        yield from (each for each in page.all(*sorted(tags)) if each.get("form") == name)


def _add(found: Field, control: Element) -> None:
    value = control.get("value", "")
    if found.kind == "select":
        for option in control.iter("option"):
            shown = option.get("value", words(option))
            found.offered.append(shown)
            if option.get("selected") is not None or words(option) == "Any":
                found.standing = [shown]
    elif found.kind in _CHOSEN:
        found.offered.append(value)
        found.standing += [value] if control.get("checked") is not None else []
    elif found.kind == "textarea":
        found.standing.append("".join(control.itertext()))
    else:
        found.standing.append(value)


def own_links(page: Page) -> Iterator[str]:
    """Where a page leads on this site."""
    for link in page.all("a"):
        parts = urlsplit(link.get("href", ""))
        if not parts.netloc and not parts.scheme and parts.path.startswith("/"):
            yield parts.path + (f"?{parts.query}" if parts.query else "")


def shape_of(path: str) -> str:
    """An address without what is different in each: references, numbers, ids, secrets."""
    path = re.sub(r"/[0-9A-HJKMNP-TV-Z]{10}(?=/|$|\?)", "/REF", path)
    path = re.sub(r"/[A-Za-z0-9_-]{30,}", "/ID", path)
    path = re.sub(r"/\d+(?=/|$|\?)", "/N", path)
    return re.sub(r"=[^&]*", "", path)
