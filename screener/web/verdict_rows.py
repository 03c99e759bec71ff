"""Two sets of verdicts beside each other: as answered and as changed, or as confirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from screener.domain.clinical_words import FLAG_WORDS
from screener.domain.explanation import VERDICT_WORDS
from screener.domain.verdict import Verdict
from screener.web.records import CLASS_LABELS

# What is judged, and how each of the two came out.
VerdictRow = tuple[str, str, str]


def flag_name(flag: str) -> str:
    words = FLAG_WORDS[flag]
    return f"{words.name} ({words.source})"


def beside(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[VerdictRow]:
    """Two reports (screening.report) row by row."""
    yield "Urgency", first["urgency"].capitalize(), second["urgency"].capitalize()
    yield "Articles", CLASS_LABELS[first["article_class"]], CLASS_LABELS[second["article_class"]]
    for flag, verdict in second["clinical"].items():
        was = first["clinical"].get(flag)
        yield (
            flag_name(flag),
            VERDICT_WORDS[Verdict(was)] if was else "was not judged then",
            VERDICT_WORDS[Verdict(verdict)],
        )
