"""The history as plain text, in the order of a headache history note: it pastes into any record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

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
    # What a clinician made of answers, by id; empty words where one stands as said.
    confirmed: Mapping[str, str] = field(default_factory=dict)
    # The clinician's free words.
    notes: str = ""


def headache_note(note: Note) -> str:
    """Plain lines without tabs or markup, each section under its name in capitals."""
    parts = (
        ("HEADACHE HISTORY, FROM THE PATIENT'S OWN ANSWERS", _pairs(note.identity)),
        ("SAFETY", note.safety or ("No danger sign or change was ticked.",)),
        ("SITUATION", (note.history.sentence,)),
        *((section.title.upper(), _section(section, note.confirmed)) for section in note.history.sections),
        ("IN THE PATIENT'S WORDS", note.history.own_words.words.splitlines()),
        ("CLINICIAN'S NOTES", note.notes.splitlines()),
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


def _section(section: Section, confirmed: Mapping[str, str]) -> Iterator[str]:
    for row in section.told:
        heads = section.columns if len(row.cells) > 1 else ("",)
        words = "; ".join(
            f"{head.lower() + ': ' if head else ''}{cell.words}{_mark(cell.source, confirmed)}"
            for head, cell in zip(heads, row.cells, strict=True)
        )
        yield f"{'(!) ' if row.is_warning else ''}{row.label}: {words}"
    for gap in section.gaps:
        labels = [row.label + _mark(row.cells[0].source, confirmed) for row in gap.rows]
        yield f"{gap.words}: {'; '.join(labels)}"


def _mark(question_id: str, confirmed: Mapping[str, str]) -> str:
    if question_id not in confirmed:
        return ""
    words = confirmed[question_id]
    return f" [clinician: {words}]" if words else " [confirmed]"
