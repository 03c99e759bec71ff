"""The history as plain text, in the order of a headache history note: it pastes into any record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from screener.domain.headache_history import HeadacheHistory, Section


@dataclass(frozen=True, slots=True)
class Note:
    """What the note says beside the history itself."""

    # (label, words) of who it is about and where it came from.
    identity: tuple[tuple[str, str], ...]
    # Danger first: flags and what happened at the emergency page, with times.
    safety: tuple[str, ...]
    history: HeadacheHistory
    # (name, source, verdict) of each thing the answers were compared with.
    verdicts: tuple[tuple[str, str, str], ...]
    remarks: tuple[str, ...]
    # (question, answer) as shown to the patient, where that was not English.
    shown: tuple[tuple[str, str], ...]
    # What a reader must know about the note: versions, disclaimer.
    footer: tuple[str, ...]


def headache_note(note: Note) -> str:
    """Plain lines without tabs or markup, each section under its name in capitals."""
    parts = (
        ("HEADACHE HISTORY, FROM THE PATIENT'S OWN ANSWERS", _pairs(note.identity)),
        ("SAFETY", note.safety or ("No danger sign or change was ticked.",)),
        ("SITUATION", (note.history.sentence,)),
        *((section.title.upper(), _section(section)) for section in note.history.sections),
        ("IN THE PATIENT'S WORDS", note.history.own_words.words.splitlines()),
        ("COMPARED WITH", [f"{name} ({source}): {verdict}" for name, source, verdict in note.verdicts]),
        ("REMARKS", note.remarks),
        ("AS SHOWN TO THE PATIENT", _pairs(note.shown)),
        ("ABOUT THIS NOTE", note.footer),
    )
    return "\n\n".join("\n".join((title, *lines)) for title, lines in _filled(parts)).expandtabs(1) + "\n"


def _filled(parts: Iterable[tuple[str, Iterable[str]]]) -> Iterator[tuple[str, list[str]]]:
    """Parts that say something."""
    for title, lines in parts:
        listed = list(lines)
        if listed:
            yield title, listed


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{label}: {words}" for label, words in pairs)


def _section(section: Section) -> Iterator[str]:
    for row in section.told:
        heads = section.columns if len(row.cells) > 1 else ("",)
        words = "; ".join(
            f"{head.lower()}: {cell.words}" if head else cell.words
            for head, cell in zip(heads, row.cells, strict=True)
        )
        yield f"{'(!) ' if row.is_warning else ''}{row.label}: {words}"
    for status, words in (("skipped", "Skipped"), ("not_asked", "Not asked")):
        labels = [row.label for row in section.untold(status)]
        if labels:
            yield f"{words}: {'; '.join(labels)}"
