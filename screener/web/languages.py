"""Languages: what a page may speak, and the catalogues, read from the very files that translators edit."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_app_context
from flask_babel import Babel, Domain, refresh
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

SOURCE_LANGUAGE = "en"
# By code: its own name, and how dates and times are written in it here.
LANGUAGES = {"en": "English", "es": "Español"}
_LOCALES = {"en": "en_US", "es": "es_US"}

CATALOGUES = Path(__file__).resolve().parent.parent / "translations"


@cache
def read_catalogue(language: str) -> NullTranslations:
    """The messages of a language, compiled on first use: no build step, an edited file is simply there."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_po(BytesIO(path.read_bytes()), locale=language))
    compiled.seek(0)
    return Translations(compiled)


def _catalogue() -> NullTranslations:
    return read_catalogue(language()) if has_app_context() else NullTranslations()


class Catalogues(Domain):
    """Our own messages; Flask-Security and WTForms bring theirs."""

    def get_translations(self) -> NullTranslations:
        return _catalogue()


class ScreenerBabel(Babel):
    @property
    def domain_instance(self) -> Catalogues:
        return Catalogues()


def install(app: Flask) -> None:
    ScreenerBabel(app, default_locale=_LOCALES[SOURCE_LANGUAGE], locale_selector=lambda: _LOCALES[language()])
    app.jinja_env.filters["translated"] = translated
    app.jinja_env.globals |= {
        "_": _in_template,
        "language": language,
        "languages": LANGUAGES,
        "offered_languages": offered_languages,
    }


def language() -> str:
    """What this page speaks."""
    spoken: str | None = g.get("spoken")
    if spoken is None:
        wanted, offered = str(g.get("language") or SOURCE_LANGUAGE), offered_languages()
        spoken = g.spoken = wanted if wanted in offered else next(iter(offered))
    return spoken


def offered_languages() -> dict[str, str]:
    """As LANGUAGES, those of this page's clinic; all of them before a clinic is known."""
    only = g.get("languages_offered") or LANGUAGES
    return {code: name for code, name in LANGUAGES.items() if code in only}


def speak_only(codes: Collection[str]) -> None:
    """From here on this page speaks none but these, whatever its address, draft or device asks for."""
    g.languages_offered = codes
    _speak_anew()


def speak(code: str) -> None:
    """From here on, this page speaks that language."""
    g.language = code
    _speak_anew()


def _speak_anew() -> None:
    g.pop("spoken", None)
    refresh()


def N_(text: str) -> str:  # noqa: N802 - the name that translators' tools look for
    """Marks a text of these rooms that is translated where it is shown."""
    return text


def gettext(message: str, **values: object) -> str:
    """A message of these rooms in the page's language."""
    said = _catalogue().gettext(message)
    return said % values if values else said


@pass_eval_context
def _in_template(context: EvalContext, message: str, **values: object) -> str:
    """As Jinja's own, which asks its way through four others: the words are HTML, values are escaped."""
    said = _catalogue().gettext(message)
    if context.autoescape:
        said = Markup(said)  # noqa: S704 - our own words, and translators'
    return said % values if "%" in said else said


def translated(text: str) -> str:
    """A text of the domain in the page's language.

    Not `_()`: in a template that would take the text for safe HTML and its per cent signs for placeholders.
    """
    return gettext(text) if text else ""
