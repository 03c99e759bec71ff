"""How pages look to a patient: their brightness and their language, kept in the draft, never in a cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Flask, g, request

from screener.web.accent import THEMES
from screener.web.access import is_staff_page
from screener.web.languages import LANGUAGES, SOURCE_LANGUAGE, language, speak
from screener.web.widget import frame_parameters


def install(app: Flask) -> None:
    app.before_request(take_look)
    app.jinja_env.globals["look_query"] = look_query
    app.jinja_env.globals["look_parameters"] = look_parameters


def take_look() -> None:
    """Where there is no draft to keep it, it is in plain GET parameters; else the device says."""
    if not is_staff_page(request):
        g.theme = read_theme(request.args)
        speak(_asked_language() or _language_of_device())


def take_look_of(document: Mapping[str, Any]) -> None:
    """What the draft keeps holds where this address asks for nothing else."""
    g.theme = g.theme or document.get("theme", "")
    speak(_asked_language() or document.get("language", SOURCE_LANGUAGE))


def chooses_look(form: Mapping[str, str]) -> bool:
    """Whether a button for brightness or language sent this form, not the button that goes on."""
    return "theme" in form or "language" in form


def take_choice(form: Mapping[str, str]) -> dict[str, str]:
    """Shows this page as chosen, and gives the whole look, ready to be kept in a draft."""
    if "theme" in form:
        g.theme = read_theme(form)
    if form.get("language") in LANGUAGES:
        speak(form["language"])
    return {"theme": g.theme, "language": language()}


def read_theme(sent: Mapping[str, str]) -> str:
    """The brightness asked for; empty means "as my device"."""
    asked = sent.get("theme", "")
    return asked if asked in THEMES else ""


def look_parameters(**changed: str) -> dict[str, str]:
    """What an address without a draft needs to look like this page, with some of it changed."""
    chosen = {"theme": g.theme, "lang": language() if language() != _language_of_device() else ""}
    return {name: value for name, value in (chosen | changed).items() if value} | frame_parameters()


def look_query(**changed: str) -> str:
    """The same as a link from this page to itself."""
    return "?" + urlencode(look_parameters(**changed))


def _asked_language() -> str:
    asked = request.args.get("lang", "")
    return asked if asked in LANGUAGES else ""


def _language_of_device() -> str:
    return request.accept_languages.best_match(LANGUAGES, SOURCE_LANGUAGE)
