"""What staff type about a request: a contact, a note, a task, an appointment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField

from screener.domain.follow_up import ContactKind, Outcome, clinic_time
from screener.store.staff import Colleague
from screener.web.forms import clean_text

LONGEST_TASK: Final = 200
LONGEST_NOTE: Final = 2000
# Nothing is planned further ahead: it is a slip of the hand.
MOST_YEARS: Final = 5
MINUTES: Final = ("15", "30", "45", "60", "90")

Problem = tuple[str, str]


def _clean(text: str | None) -> str:
    return clean_text(text or "")


def _line() -> StringField:
    return StringField(filters=[_clean])


class TypedForm(FlaskForm):
    """`read` it before its values are used."""

    # Where the form begins, for an error about all of it.
    first: ClassVar[str]
    # The page's one-time key: a form that is sent twice is written once.
    once = HiddenField()

    def __init__(self, time_zone: str, colleagues: Sequence[Colleague], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.time_zone, self.colleagues = time_zone, colleagues
        self.problems: list[Problem] = []

    def read(self) -> None:
        """Reads what was typed; what is wrong with it is in `problems`."""
        raise NotImplementedError

    def _blame(self, target: str, words: str) -> None:
        self.problems.append((target, words))

    def _check_length(self, field: StringField, most: int) -> None:
        if len(field.data) > most:
            self._blame(field.name, f"Keep this to {most} characters.")

    def _read_time(self, field: StringField) -> datetime | None:
        """A moment that lies ahead; None with a problem if it is none."""
        try:
            local = datetime.strptime(field.data, "%Y-%m-%dT%H:%M")  # noqa: DTZ007 - the clinic's clock
        except ValueError:
            self._blame(field.name, "Give day and time, like 2027-03-15T14:30.")
            return None
        if abs(local.year - datetime.now(UTC).year) > MOST_YEARS:
            self._blame(field.name, "Check the year.")
            return None
        try:
            moment = clinic_time(local, self.time_zone)
        except ValueError as error:
            self._blame(field.name, str(error))
            return None
        if moment < datetime.now(UTC):
            self._blame(field.name, "This time is over. Give one that lies ahead.")
        return moment


class ContactForm(TypedForm):
    """A try to reach the patient."""

    first = "contact_kind-1"
    contact_kind = _line()
    contact_outcome = _line()
    contact_note = _line()
    next_try = _line()

    next_try_at: datetime | None = None

    def read(self) -> None:
        if self.contact_kind.data not in {kind.value for kind in ContactKind}:
            self._blame("contact_kind-1", "Choose how you tried to reach the patient.")
        if self.contact_outcome.data not in {outcome.value for outcome in Outcome}:
            self._blame("contact_outcome-1", "Choose what came of it.")
        self._check_length(self.contact_note, LONGEST_NOTE)
        self.next_try_at = self._read_time(self.next_try) if self.next_try.data else None


class NoteForm(TypedForm):
    first = "note"
    note = _line()

    def read(self) -> None:
        if not self.note.data:
            self._blame("note", "Write the note first.")
        self._check_length(self.note, LONGEST_NOTE)


class TaskForm(TypedForm):
    first = "task"
    task = _line()
    task_due = _line()
    task_for = _line()

    due_on: date = date.max
    for_staff_id: int = 0

    def read(self) -> None:
        if not self.task.data:
            self._blame("task", "Say what is to be done.")
        self._check_length(self.task, LONGEST_TASK)
        self._read_day()
        ids = {str(colleague.staff_id): colleague.staff_id for colleague in self.colleagues}
        if self.task_for.data not in ids:
            self._blame("task_for", "Choose who does it: somebody who works here now.")
        self.for_staff_id = ids.get(self.task_for.data, 0)

    def _read_day(self) -> None:
        try:
            self.due_on = date.fromisoformat(self.task_due.data)
        except ValueError:
            self._blame("task_due", "Give the day, like 2027-03-15.")
            return
        today = datetime.now(ZoneInfo(self.time_zone)).date()
        if self.due_on < today:
            self._blame("task_due", "This day is over. Give one that lies ahead.")
        elif self.due_on.year - today.year > MOST_YEARS:
            self._blame("task_due", "Check the year.")


class AppointmentForm(TypedForm):
    first = "appointment"
    appointment = _line()
    appointment_minutes = _line()
    # What was arranged when the page was opened.
    appointment_seen = HiddenField()
    # The other button: nothing that was typed counts.
    call_off = HiddenField()

    # Both None where it is called off.
    starts_at: datetime | None = None
    minutes: int | None = None

    def read(self) -> None:
        if self.call_off.data:
            return
        self.starts_at = self._read_time(self.appointment)
        if self.appointment_minutes.data not in MINUTES:
            self._blame("appointment_minutes", "Choose how long it takes.")
        else:
            self.minutes = int(self.appointment_minutes.data)


FORMS: Final[dict[str, type[TypedForm]]] = {
    "contact": ContactForm,
    "note": NoteForm,
    "task": TaskForm,
    "appointment": AppointmentForm,
}
