"""The intake desk: the queue, one submission with its reasons, and its moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_security import auth_required
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField

from screener.domain.consultation import (
    OPEN_STATES,
    READS_ANSWERS,
    STAFF_MOVES,
    MoveRefusedError,
    Role,
    State,
    check_move,
)
from screener.domain.evidence import EVIDENCE
from screener.store.consultations import (
    Cursor,
    count_by_state,
    get_consultation,
    list_queue,
    move_consultation,
)
from screener.store.errors import ConflictError, NotFoundError
from screener.store.staff import list_memberships
from screener.web.access import db, staff_only
from screener.web.forms import clean_text
from screener.web.records import DESK_WORDS, open_record

queue = Blueprint("queue", __name__, url_prefix="/desk")

PAGE_SIZE = 50
VIEWS = {
    "open": ("Open", OPEN_STATES),
    "accepted": ("Accepted", (State.ACCEPTED,)),
    "done": ("Done", (State.NOT_A_FIT, State.DUPLICATE, State.WITHDRAWN, State.CLOSED)),
}


class MoveForm(FlaskForm):
    to_state = StringField()
    reason = StringField(filters=[lambda text: clean_text(text or "")])
    version = HiddenField()


@queue.get("/")
@auth_required("session")
def home() -> Any:
    memberships = list_memberships(db(), current_user.id)
    readable = [clinic for clinic, roles in memberships if READS_ANSWERS & set(map(Role, roles))]
    if len(memberships) == len(readable) == 1:
        return redirect(url_for("queue.index", clinic_slug=readable[0].slug))
    return render_template("queue/home.html", memberships=memberships)


@queue.get("/<clinic_slug>/queue")
@staff_only
def index() -> Any:
    asked = request.args.get("show", "")
    view = asked if asked in VIEWS else "open"
    label, states = VIEWS[view]
    rows = list_queue(db(), states=[s.value for s in states], limit=PAGE_SIZE + 1, after=_cursor())
    counts = count_by_state(db())
    return render_template(
        "queue/index.html",
        rows=rows[:PAGE_SIZE],
        following=rows[PAGE_SIZE - 1].reference if len(rows) > PAGE_SIZE else "",
        view=view,
        label=label,
        views={
            key: (name, sum(counts.get(state.value, 0) for state in states))
            for key, (name, states) in VIEWS.items()
        },
        now=datetime.now(UTC),
        **DESK_WORDS,
    )


def _cursor() -> Cursor | None:
    """Where the page before ended, named by its last row. A row that is gone begins anew."""
    reference = request.args.get("after", "")
    try:
        last = get_consultation(db(), reference)
    except NotFoundError:
        return None
    return Cursor(last.urgency_rank, last.received_at, last.id)


@queue.get("/<clinic_slug>/evidence")
@staff_only
def evidence() -> str:
    return render_template("queue/evidence.html", evidence=EVIDENCE)


@queue.get("/<clinic_slug>/requests/<reference>")
@staff_only
def submission(reference: str) -> str:
    return _submission(reference, MoveForm(formdata=None))


def _submission(reference: str, form: MoveForm, problem: str = "") -> str:
    record = open_record(reference)
    form.version.data = str(record.consultation.version)
    return render_template(
        "queue/submission.html",
        record=record,
        form=form,
        problem=problem,
        moves=STAFF_MOVES[record.state],
        **DESK_WORDS,
    )


@queue.route("/<clinic_slug>/requests/<reference>/move", methods=["GET", "POST"])
@staff_only
def move(reference: str) -> Any:
    if request.method != "POST":
        # Where a decision leads that had to sign in first: back to the request, to decide anew.
        return redirect(
            url_for("queue.submission", clinic_slug=g.staff_clinic.slug, reference=reference), 303
        )
    form = MoveForm()
    try:
        to_state = _move(reference, form)
    except (MoveRefusedError, ConflictError) as refusal:
        # A conflict has spoiled the transaction; what was typed stays in the form.
        db().rollback()
        return _submission(reference, form, str(refusal)), 409
    flash(f"{reference.upper()} is now “{to_state.label}”.")
    return redirect(url_for("queue.index", clinic_slug=g.staff_clinic.slug), 303)


def _move(reference: str, form: MoveForm) -> State:
    from_record = get_consultation(db(), reference.upper())
    if form.version.data != str(from_record.version):
        raise ConflictError("Somebody else changed this request meanwhile. See below, then decide again.")
    try:
        to_state = State(form.to_state.data)
    except ValueError:
        raise MoveRefusedError("Choose what this request becomes.") from None
    reason = form.reason.data
    check_move(State(from_record.state), to_state, reason)
    move_consultation(
        db(),
        from_record,
        to_state=to_state.value,
        reason=reason or None,
        staff_id=current_user.id,
        now=datetime.now(UTC),
    )
    return to_state
