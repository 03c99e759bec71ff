"""The intake desk: the queue, one submission with its reasons, and its moves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_security import auth_required

from screener.domain.consultation import (
    OPEN_STATES,
    READS_ANSWERS,
    MoveRefusedError,
    Role,
    State,
    check_move,
    check_undo,
)
from screener.domain.evidence import EVIDENCE
from screener.store.consultations import (
    Cursor,
    count_by_state,
    get_consultation,
    list_queue,
    move_consultation,
    undo_move,
)
from screener.store.errors import ConflictError, NotFoundError
from screener.store.staff import list_memberships
from screener.web.access import db, staff_only
from screener.web.records import DESK_WORDS
from screener.web.request_page import CHANGED, MoveForm, hold_request, last_move, show_request

queue = Blueprint("queue", __name__, url_prefix="/desk")

PAGE_SIZE = 50
VIEWS = {
    "open": ("Open", OPEN_STATES),
    "accepted": ("Accepted", (State.ACCEPTED,)),
    "done": ("Done", (State.NOT_A_FIT, State.DUPLICATE, State.WITHDRAWN, State.CLOSED)),
}


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
    return show_request(reference)


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
        problem = str(refusal) if isinstance(refusal, MoveRefusedError) else CHANGED
        return show_request(reference, move_form=form, problems=[("to_state-1", problem)]), 409
    # The category names the request, so that the message can lead back to it.
    flash(f"{reference.upper()} is now “{to_state.label}”.", f"moved {reference.upper()}")
    return redirect(url_for("queue.index", clinic_slug=g.staff_clinic.slug), 303)


def _move(reference: str, form: MoveForm) -> State:
    from_record = hold_request(reference)
    if form.version.data != str(from_record.version):
        raise ConflictError("another version")
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


@queue.route("/<clinic_slug>/requests/<reference>/undo", methods=["GET", "POST"])
@staff_only
def undo(reference: str) -> Any:
    here = redirect(url_for("queue.submission", clinic_slug=g.staff_clinic.slug, reference=reference), 303)
    if request.method != "POST":
        return here
    try:
        _undo(reference, request.form.get("move", ""))
    except (MoveRefusedError, ConflictError) as refusal:
        db().rollback()
        problem = str(refusal) if isinstance(refusal, MoveRefusedError) else CHANGED
        return show_request(reference, problems=[("main", problem)]), 409
    return here


def _undo(reference: str, asked: str) -> None:
    """What was asked to be taken back is the last move, as the page showed it."""
    held = hold_request(reference)
    last = last_move(held)
    now = datetime.now(UTC)
    moved_by, moved_at = (last.staff_id, last.at) if last else (None, None)
    check_undo(State(held.state), moved_by, moved_at, current_user.id, now)
    if last is None or last.id.hex != asked:
        raise ConflictError("another move came between")
    undo_move(db(), held, last, current_user.id, now)
    flash(f"Taken back: this request is “{State(held.state).label}” again.")
