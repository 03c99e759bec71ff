"""Following up on a request: contacts, notes, tasks and the appointment, with who and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from icalendar import Calendar, Event

from screener.store.appointments import Arranged, add_appointment, list_appointments
from screener.store.consultations import get_consultation
from screener.store.contact_log import add_contact, add_note
from screener.store.errors import NotFoundError
from screener.store.one_time_keys import SentBeforeError, row_of_key
from screener.store.tables import Consultation
from screener.store.tasks import add_task, count_open_tasks, finish_task, list_open_tasks
from screener.web.access import db, staff_only
from screener.web.follow_up_forms import (
    FORMS,
    AppointmentForm,
    ContactForm,
    NoteForm,
    TaskForm,
    TypedForm,
)
from screener.web.forms import read_id
from screener.web.records import WithdrawnError
from screener.web.refusals import CONFLICT, INVALID
from screener.web.request_page import arranged, hold_request, make_form, show_request

follow_up = Blueprint("follow_up", __name__, url_prefix="/desk")

TASKS_A_PAGE = 50

SENT_BEFORE = (
    "This form was sent before, with other words, and those are written down. "
    "If these are meant too, send them now."
)
ARRANGED_MEANWHILE = "Somebody else changed the appointment meanwhile. Look at it below, then decide again."


def _to_request(reference: str, part: str = "") -> Any:
    slug = g.staff_clinic.slug
    return redirect(url_for("queue.submission", clinic_slug=slug, reference=reference, _anchor=part), 303)


@follow_up.route("/<clinic_slug>/requests/<reference>/add/<what>", methods=["GET", "POST"])
@staff_only
def add(reference: str, what: str) -> Any:
    """Adds a contact, a note, a task or an appointment."""
    if what not in FORMS:
        abort(404)
    if request.method != "POST":
        return _to_request(reference)
    held = hold_request(reference)
    form = make_form(FORMS[what])
    form.read()
    if form.problems:
        return show_request(reference, typed={what: form}, problems=form.problems), INVALID
    row_id = row_of_key(held.id, current_user.id, form.once.data or "")
    if isinstance(form, AppointmentForm) and _is_stale(held, form, row_id):
        return _refuse(held, what, form, ARRANGED_MEANWHILE)
    try:
        flash(_write(held, form, row_id))
    except SentBeforeError:
        return _refuse(held, what, form, SENT_BEFORE)
    return _to_request(held.reference, "happened")


def _refuse(held: Consultation, what: str, form: TypedForm, words: str) -> Any:
    """With what was typed, to be sent again."""
    return show_request(held.reference, typed={what: form}, problems=[(form.first, words)]), CONFLICT


def _write(held: Consultation, form: TypedForm, row_id: UUID) -> str:
    """What to tell whoever wrote it: the same however often the form is sent."""
    by: dict[str, Any] = {"staff_id": current_user.id, "now": datetime.now(UTC), "row_id": row_id}
    match form:
        case ContactForm():
            add_contact(
                db(),
                held,
                kind=form.contact_kind.data,
                outcome=form.contact_outcome.data,
                note=form.contact_note.data,
                next_try_at=form.next_try_at,
                **by,
            )
            return "The contact is written down."
        case NoteForm():
            add_note(db(), held, form.note.data, **by)
            return "The note is written down."
        case TaskForm():
            what, owner = form.task.data, form.for_staff_id
            add_task(db(), held, what=what, due_on=form.due_on, for_staff_id=owner, **by)
            return "The task is added."
        case AppointmentForm() if form.starts_at is None and not _may_call_off(held, row_id):
            return "There is no appointment to call off."
        case AppointmentForm():
            add_appointment(db(), held, starts_at=form.starts_at, minutes=form.minutes, **by)
            done = "set" if form.starts_at else "called off"
            return f"The appointment is {done}. Tell the patient: nothing is sent."
    raise TypeError(type(form).__name__)


def _may_call_off(held: Consultation, row_id: UUID) -> bool:
    now = arranged(held)
    return now is not None and (now.starts_at is not None or now.id == row_id)


def _is_stale(held: Consultation, form: AppointmentForm, row_id: UUID) -> bool:
    """Somebody else arranged something since; what this very form arranged does not count."""
    now = arranged(held)
    return now is not None and now.id != row_id and form.appointment_seen.data != now.id.hex


@follow_up.route("/<clinic_slug>/requests/<reference>/tasks/<task_id>/done", methods=["GET", "POST"])
@staff_only
def finish(reference: str, task_id: str) -> Any:
    if request.method != "POST":
        return _to_request(reference)
    held = hold_request(reference)
    finish_task(db(), held, read_id(task_id) or abort(404), current_user.id, datetime.now(UTC))
    flash("The task is done.")
    if "from_list" in request.form:
        values: dict[str, Any] = {"clinic_slug": g.staff_clinic.slug, **_place(request.form)}
        return redirect(url_for("follow_up.tasks", **values), 303)
    return _to_request(held.reference, "tasks")


@follow_up.get("/<clinic_slug>/tasks")
@staff_only
def tasks() -> str:
    """What is to do at the clinic: one's own, or what others do."""
    place = _place(request.args)
    of_others, me = place.get("whose") == "others", current_user.id
    chosen = {"but_of": me} if of_others else {"of": me}
    after, limit = place.get("after"), TASKS_A_PAGE + 1
    try:
        found = list_open_tasks(db(), **chosen, after=UUID(after) if after else None, limit=limit)
    except (ValueError, NotFoundError):
        place.pop("after")
        found = list_open_tasks(db(), **chosen, limit=limit)
    counts = count_open_tasks(db())
    mine = counts.pop(me, 0)
    return render_template(
        "follow_up/tasks.html",
        tasks=found[:TASKS_A_PAGE],
        following=found[TASKS_A_PAGE - 1].id.hex if len(found) > TASKS_A_PAGE else None,
        place=place,
        of_others=of_others,
        mine=mine,
        others=sum(counts.values()),
        today=datetime.now(ZoneInfo(g.staff_clinic.time_zone)).date(),
    )


def _place(sent: Mapping[str, str]) -> dict[str, str]:
    """What leads back to the same page of the list."""
    return {name: sent[name] for name in ("whose", "after") if sent.get(name)}


@follow_up.get("/<clinic_slug>/requests/<reference>/appointment.ics")
@staff_only
def calendar(reference: str) -> Response:
    """The appointment for a calendar that others may see: no name, nothing of health."""
    found = get_consultation(db(), reference.upper())
    if found.withdrawn_at is not None:
        raise WithdrawnError(found)
    rows = list_appointments(db(), found)
    starts_at = rows[-1].starts_at if rows else None
    if starts_at is None:
        abort(404)
    return Response(
        _as_calendar(found, rows[-1], starts_at, sequence=len(rows)),
        mimetype="text/calendar",
        headers={"Content-Disposition": "attachment; filename=appointment.ics"},
    )


def _as_calendar(found: Consultation, last: Arranged, starts_at: datetime, sequence: int) -> bytes:
    entry = Event()
    # The same through all changes, so that a calendar moves its entry instead of adding one.
    entry.add("uid", f"{found.reference.lower()}@appointment.invalid")
    entry.add("sequence", sequence)
    entry.add("summary", "Appointment")
    entry.add("description", f"Reference {found.reference}")
    entry.add("dtstamp", last.at)
    # In UTC: right on both sides of a change of clocks, in whatever zone it is read.
    entry.add("dtstart", starts_at)
    entry.add("duration", timedelta(minutes=last.minutes or 0))
    sheet = Calendar()
    sheet.add("prodid", "-//Appointment//EN")
    sheet.add("version", "2.0")
    sheet.add_component(entry)
    return bytes(sheet.to_ical())
