"""Gathers every text that is translated and brings the catalogues up to it: `make messages`.

Texts of the pages and forms are marked where they stand; those of the rules come as data from
screener/domain/wordings.py. Translations of texts that are gone are dropped and told.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from screener.domain.wordings import patient_wordings
from screener.settings import ROOT
from screener.web.languages import CATALOGUES, LANGUAGES, SOURCE_LANGUAGE

_MARKED = [("screener/web/**.py", "python"), ("templates/**.html", "jinja2"), ("templates/**.txt", "jinja2")]
_SOURCES = ("screener", "templates")


def extracted() -> Catalog:
    """Every message, in the order of the files."""
    found = Catalog(project="screener")
    for text in patient_wordings():
        found.add(text, locations=[("screener/domain/wordings.py", 0)])
    for folder in _SOURCES:
        marked = extract_from_dir(
            ROOT / folder,
            method_map=[(pattern.removeprefix(f"{folder}/"), method) for pattern, method in _MARKED],
            keywords={**DEFAULT_KEYWORDS, "lazy_gettext": None},
        )
        for name, _line, message, _comments, context in marked:
            found.add(message, locations=[(f"{folder}/{name}", 0)], context=context)
    return found


def catalogue_path(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    path = catalogue_path(language)
    stored = path.read_bytes() if path.exists() else b""
    return read_po(BytesIO(stored), locale=language)


def updated(language: str) -> bytes:
    """The catalogue as its file should be: nothing in it changes unless a text does."""
    catalogue = read(language)
    catalogue.update(
        extracted(), no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False
    )
    for gone, message in catalogue.obsolete.items():
        if message.string:
            sys.stdout.write(f"{language}: dropped {gone!r} = {message.string!r}\n")
    written = BytesIO()
    write_po(written, catalogue, width=0, omit_header=True, include_lineno=False, ignore_obsolete=True)
    return _HEADER.format(language=language).encode() + written.getvalue()


# Babel's own would hold the day and hour of each run.
_HEADER = """\
# What patients see, in another language. `make messages` keeps the list; by hand only msgstr is written.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def main() -> None:
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            path = catalogue_path(language)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(updated(language))
            left = [message for message in read(language) if message.id and not message.string]
            words = sum(len(str(message.id).split()) for message in left)
            sys.stdout.write(
                f"{language}: {len(read(language))} messages, {len(left)} ({words} words) to do\n"
            )


if __name__ == "__main__":
    main()
