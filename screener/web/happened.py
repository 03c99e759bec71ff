"""All that happened about a request, in one list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, assert_never

from screener.domain.consultation import State
from screener.domain.follow_up import ContactKind, Outcome
from screener.store.appointments import Arranged
from screener.store.consultations import Event
from screener.store.contact_log import Contact, Note
from screener.store.tasks import Task
from screener.web.pages import local

_KEEPING: Final = {
    "charted": "marked as charted",
    "not_charted": "charted: taken back",
    "held": "held against deletion",
    "hold_ended": "hold ended",
}


@dataclass(frozen=True)
class Happening:
    """A line of the list. `icon` is for the eye alone: the words say it too."""

    at: datetime
    icon: str
    words: str
    who: str = ""
    said: str | None = field(default=None, repr=False)
    # Of several alike in a row, the time of the last.
    until: datetime | None = None
    times: int = 1

    @property
    def is_reading(self) -> bool:
        return self.words.startswith("read by ")


def list_happened(
    time_zone: str, *parts: Iterable[Event | Contact | Note | Task | Arranged]
) -> list[Happening]:
    """Oldest first; one person's readings in a row are one line, and none after what they did themselves."""
    found = [line for part in parts for what in part for line in _lines(what, time_zone)]
    return list(_gather(sorted(found, key=lambda line: line.at)))


def _lines(what: Event | Contact | Note | Task | Arranged, time_zone: str) -> Iterator[Happening]:
    match what:
        case Event():
            yield _event(what)
        case Contact():
            yield _contact(what, time_zone)
        case Note():
            yield Happening(what.at, "✎", f"note by {what.staff_name}", what.staff_name, what.text)
        case Task():
            yield from _task(what)
        case Arranged():
            yield _arranged(what, time_zone)
        case _:
            assert_never(what)


def _gather(lines: list[Happening]) -> Iterator[Happening]:
    last: Happening | None = None
    for line in lines:
        if last and line.is_reading and last.who == line.who:
            # Each thing done shows the page again.
            if last.is_reading:
                last = replace(last, until=line.at, times=last.times + 1)
            continue
        if last:
            yield last
        last = line
    if last:
        yield last


def _event(event: Event) -> Happening:
    # No person of the staff decides but a system that the clinic gave the right to.
    who = event.staff_name or ("the patient" if event.to_state == State.WITHDRAWN.value else "a system")
    match event.what:
        case "moved":
            words = f"{_change(event)} by {who}"
            return Happening(event.at, "→", words, who, event.reason)
        case "undone":
            return Happening(event.at, "↶", f"{_change(event)}, taken back by {who}", who)
        case "assigned":
            return Happening(event.at, "☺", f"given to {event.owner_name or 'nobody'} by {who}", who)
        case "received":
            return Happening(event.at, "✉", "received")
        case "charted" | "not_charted" | "held" | "hold_ended":
            return Happening(event.at, "⚑", f"{_KEEPING[event.what]} by {who}", who, event.reason)
        case _:
            by = f" by {event.staff_name}" if event.staff_name else ""
            return Happening(event.at, "·", f"{event.what.replace('_', ' ')}{by}", who, event.reason)


def _change(event: Event) -> str:
    return " → ".join(f"“{State(state).label}”" for state in (event.from_state, event.to_state) if state)


def _contact(contact: Contact, time_zone: str) -> Happening:
    kind, outcome = ContactKind(contact.kind).label, Outcome(contact.outcome).label.lower()
    again = f"; next try {local(contact.next_try_at, time_zone)}" if contact.next_try_at else ""
    who = contact.staff_name
    return Happening(contact.at, "☎", f"{kind} by {who}: {outcome}{again}", who, contact.note)


def _task(task: Task) -> Iterator[Happening]:
    yield Happening(
        task.at, "☐", f"task by {task.staff_name} for {task.for_name}", task.staff_name, task.what
    )
    if task.done_at is not None:
        yield Happening(task.done_at, "☑", f"task done by {task.done_by}", task.done_by or "", task.what)


def _arranged(row: Arranged, time_zone: str) -> Happening:
    if row.starts_at is None:
        return Happening(row.at, "◷", f"appointment called off by {row.staff_name}", row.staff_name)
    when = local(row.starts_at, time_zone)
    words = f"appointment set by {row.staff_name}: {when}, {row.minutes} minutes"
    return Happening(row.at, "◷", words, row.staff_name)
