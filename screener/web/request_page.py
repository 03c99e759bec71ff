"""One request on one page: what was said, what was done about it, and what may be done next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_urlsafe
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, render_template
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField

from screener.domain.consultation import (
    MEANINGS,
    READS_ANSWERS,
    STAFF_MOVES,
    MoveRefusedError,
    State,
    check_undo,
    why_not,
)
from screener.domain.follow_up import ContactKind, Outcome
from screener.store.appointments import Arranged, list_appointments
from screener.store.consultations import Move, get_consultation, list_moves
from screener.store.contact_log import list_contacts, list_notes
from screener.store.dead_letters import list_undelivered
from screener.store.due import earliest_due
from screener.store.duplicates import list_matches, note_compared
from screener.store.retention import request_goes_at
from screener.store.staff import Colleague, list_colleagues
from screener.store.tables import Consultation
from screener.store.tasks import list_tasks
from screener.store.tenancy import entered_clinic
from screener.web.access import db
from screener.web.follow_up_forms import FORMS, MINUTES, TypedForm
from screener.web.forms import clean_text
from screener.web.happened import list_happened
from screener.web.records import DESK_WORDS, Record, WithdrawnError, open_record
from screener.web.work import work_on

CHANGED = "Somebody else changed this request meanwhile. See below, then decide again."

Problems = Sequence[tuple[str, str]]


class MoveForm(FlaskForm):
    to_state = StringField()
    reason = StringField(filters=[lambda text: clean_text(text or "")])
    version = HiddenField()
    # The last change of state that the page showed.
    seen = HiddenField()


def hold_request(reference: str) -> Consultation:
    """The request as it is now, and so until the commit. Raises NotFoundError or WithdrawnError."""
    held = get_consultation(db(), reference.upper())
    db().refresh(held, with_for_update=True)
    if held.withdrawn_at is not None:
        raise WithdrawnError(held)
    return held


def last_two_moves(consultation: Consultation) -> tuple[Move | None, Move | None]:
    """The move before the last one, and the last."""
    *_, before, last = [None, None, *list_moves(db(), consultation)]
    return before, last


def _last(moves: Sequence[Move]) -> Move | None:
    """The last change of state, unless it took back the one before."""
    return moves[-1] if moves and moves[-1].what == "moved" else None


def arranged(consultation: Consultation) -> Arranged | None:
    """The last word about the appointment."""
    rows = list_appointments(db(), consultation)
    return rows[-1] if rows else None


def make_form(kind: type[TypedForm]) -> TypedForm:
    """As it was sent, or empty where nothing was."""
    return kind(g.staff_clinic.time_zone, _readers())


def _readers() -> list[Colleague]:
    """Who may be given a task."""
    may_read = {role.value for role in READS_ANSWERS}
    return [person for person in list_colleagues(db(), entered_clinic(db())) if person.roles & may_read]


def show_request(
    reference: str,
    *,
    move_form: MoveForm | None = None,
    typed: Mapping[str, TypedForm] | None = None,
    hold: Mapping[str, str] | None = None,
    problems: Problems = (),
) -> str:
    """The page, with what was typed where it was refused."""
    record = open_record(reference)
    moves = list_moves(db(), record.consultation)
    form = move_form or MoveForm(formdata=None)
    changed = _since(moves, form.seen.data) if move_form and _is_stale(form, record.consultation) else []
    form.version.data = str(record.consultation.version)
    form.seen.data = moves[-1].id.hex if moves else ""
    return render_template(
        "queue/submission.html",
        record=record,
        form=form,
        problems=problems,
        changed=changed,
        undoable=_undoable(record.state, _last(moves)),
        typed=dict.fromkeys(FORMS) | dict(typed or {}),
        once=token_urlsafe(32),
        hold=hold,
        goes_at=request_goes_at(record.consultation, g.staff_clinic.periods, g.staff_clinic.time_zone),
        undelivered=list_undelivered(db(), record.consultation),
        **_choices(record.state),
        **_follow_up(record),
        **work_on(record.consultation),
        **DESK_WORDS,
    )


def _follow_up(record: Record) -> dict[str, Any]:
    consultation, time_zone = record.consultation, g.staff_clinic.time_zone
    tasks = list_tasks(db(), consultation)
    appointments = list_appointments(db(), consultation)
    contacts, notes = list_contacts(db(), consultation), list_notes(db(), consultation)
    matches = list_matches(db(), consultation)
    note_compared(db(), consultation, matches, current_user.id)
    now = datetime.now(UTC)
    due = earliest_due(db(), [consultation.id], time_zone).get(consultation.id)
    return {
        "happened": list_happened(time_zone, record.events, contacts, notes, tasks, appointments),
        "open_tasks": [task for task in tasks if task.done_at is None],
        "today": now.astimezone(ZoneInfo(time_zone)).date(),
        "arranged": appointments[-1] if appointments else None,
        "due": due,
        "overdue": due is not None and due.is_overdue(now),
        "contact_kinds": list(ContactKind),
        "outcomes": list(Outcome),
        "minutes": MINUTES,
        "may_be_given": _readers(),
        "matches": matches,
    }


def _is_stale(form: MoveForm, consultation: Consultation) -> bool:
    return bool(form.version.data != str(consultation.version))


def _since(moves: list[Move], seen: str | None) -> list[Move]:
    """What was decided after the page was opened, which showed the move `seen` as the last one."""
    if not seen:
        return moves
    ids = [move.id.hex for move in moves]
    # One that is not among them was never shown by us: the last is told at least.
    return moves[ids.index(seen) + 1 :] if seen in ids else moves[-1:]


def _choices(state: State) -> dict[str, Any]:
    allowed = STAFF_MOVES[state]
    return {
        "moves": allowed,
        "meanings": MEANINGS,
        "refused": [(other, why_not(state, other)) for other in State if other not in allowed],
    }


def _undoable(state: State, last: Move | None) -> Move | None:
    if last is None:
        return None
    try:
        check_undo(state, last.staff_id, last.at, current_user.id, datetime.now(UTC))
    except MoveRefusedError:
        return None
    return last
