"""What all pages share: filters, hashed addresses of static files, the few pages without a clinic."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from flask import Flask, render_template, request
from flask_babel import get_locale
from jinja2 import StrictUndefined

from screener.domain.notices import DISCLAIMER
from screener.domain.question import Choice, Number, Option
from screener.web.due_words import due_words, how_long
from screener.web.languages import gettext, translated
from screener.web.us_states import STATE_NAMES

MOST_BESIDE, LONGEST_BESIDE = 3, 24
_FOR_EVER = 31536000


def install(app: Flask, static_folder: Path) -> None:
    env = app.jinja_env
    env.undefined = StrictUndefined
    env.trim_blocks = env.lstrip_blocks = True
    env.filters |= {
        "by_page": lambda lines: _grouped(lines, "page"),
        "by_part": lambda lines: _grouped(lines, "part"),
        "day": _day,
        "days": _days,
        "dial": _dial,
        "due_words": due_words,
        "errors_of": _errors_of,
        "how_long": how_long,
        "is_short": _is_short,
        "kind": lambda question: type(question).__name__,
        "local": local,
        "pairs": _pairs,
        "scale_pairs": _scale_pairs,
    }
    hashes = {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        for file in static_folder.iterdir()
        if file.is_file()
    }
    env.globals |= {
        "disclaimer": DISCLAIMER,
        "state_names": STATE_NAMES,
        # The hash makes the file cacheable for ever.
        "static_url": lambda name: f"{app.static_url_path}/{name}?v={hashes[name]}",
    }

    def keep_seconds(name: str | None) -> int | None:
        # While an update is on its way, another version's page may ask this one for its file.
        return _FOR_EVER if request.args.get("v") == hashes.get(name or "", "") else None

    app.get_send_file_max_age = keep_seconds  # type: ignore[method-assign, assignment]
    app.add_url_rule("/", "home", lambda: render_template("home.html"))


def _grouped(lines: Iterable[Mapping[str, Any]], by: str) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Lines of a transcript that stand together, under what they share."""
    return [(shared, list(group)) for shared, group in groupby(lines, key=lambda line: str(line[by]))]


def _dial(phone: str) -> str:
    """A displayed number as a tel: link wants it, with its extension apart."""
    number, _, extension = phone.partition(" ext. ")
    digits = re.sub(r"[^0-9]", "", number)
    plus = "+" if number.startswith("+") else ""
    return f"{plus}{digits};ext={extension}" if extension else f"{plus}{digits}"


def _errors_of(form: Iterable[Any], otherwise: str) -> list[tuple[str, str]]:
    """(id of the field, words) of each error of a library's form; hidden fields lead to the one named."""
    fields = [
        (otherwise if field.widget.input_type in {"hidden", "submit"} else field.id, str(words))
        for field in form
        for words in field.errors
    ]
    return list(dict.fromkeys(fields + [(otherwise, str(words)) for words in form.form_errors]))  # type: ignore[attr-defined]


def _is_short(question: Choice) -> bool:
    """Few words a choice: they fit beside each other."""
    return len(question.options) <= MOST_BESIDE and all(
        len(translated(option.label)) <= LONGEST_BESIDE for option in question.options
    )


def local(moment: datetime, time_zone: str) -> str:
    there, locale = moment.astimezone(ZoneInfo(time_zone)), get_locale()
    told = f"{format_skeleton('yMMMEd', there, locale=locale)}, {format_time(there, 'short', locale=locale)}"
    # Not every mail program and font knows the narrow blank before AM and PM.
    return told.replace("\u202f", " ")


def _day(day: date) -> str:
    return format_date(day, "long", locale=get_locale())


def _days(number: int) -> str:
    return gettext("1 day") if number == 1 else gettext("%(days)s days", days=number)


def _pairs(options: Iterable[Option]) -> list[tuple[str, str]]:
    return [(option.code, translated(option.label)) for option in options]


def _scale_pairs(question: Number) -> list[tuple[str, str]]:
    """0 to 10 as radios, with words at the two ends."""
    low, high = map(translated, question.scale or ("", ""))
    words = {question.minimum: f" ({low})", question.maximum: f" ({high})"}
    return [
        (str(value), f"{value}{words.get(value, '')}")
        for value in range(question.minimum, question.maximum + 1)
    ]
