"""The intake desk: the queue, one submission with its reasons, and its moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_security import auth_required

from screener.domain.consultation import (
    READS_ANSWERS,
    MoveRefusedError,
    ReasonRefusedError,
    Role,
    State,
    check_move,
    check_undo,
)
from screener.domain.evidence import EVIDENCE
from screener.domain.urgency import ROUTINE_RANK
from screener.store.consultations import Move, move_consultation, undo_move
from screener.store.errors import ConflictError, NotFoundError
from screener.store.queue import (
    Filter,
    Order,
    Turn,
    count_chosen,
    get_cursor,
    list_queue,
)
from screener.store.saved_views import list_views
from screener.store.staff import list_memberships
from screener.store.tables import Consultation
from screener.web.access import db, staff_only
from screener.web.forms import clean_text
from screener.web.queue_filters import VIEWS, Look, due_today
from screener.web.queue_search import Found, find_requests
from screener.web.records import DESK_WORDS
from screener.web.refusals import CONFLICT, INVALID
from screener.web.request_page import CHANGED, MoveForm, hold_request, last_two_moves, show_request
from screener.web.work import TURNS, desk_people, look_of_address, queue_address, remember_place

queue = Blueprint("queue", __name__, url_prefix="/desk")

PAGE_SIZE: Final = 50
LONGEST_SEARCH: Final = 320


@queue.get("/")
@auth_required("session")
def home() -> Any:
    memberships = list_memberships(db(), current_user.id)
    readable = [clinic for clinic, roles in memberships if READS_ANSWERS & set(map(Role, roles))]
    if len(memberships) == len(readable) == 1:
        return redirect(url_for("queue.index", clinic_slug=readable[0].slug))
    return render_template("queue/home.html", memberships=memberships, readable=readable)


@queue.get("/<clinic_slug>/queue")
@staff_only
def index() -> str:
    now = datetime.now(UTC)
    look = look_of_address(now)
    turn, notices = _turn(now)
    is_back = turn is not None and turn.is_back
    way = "before" if is_back else "after"
    turned = {} if turn is None else {way: request.args[way]}
    remember_place(look, turned)
    rows = list_queue(db(), look.filter, now=now, order=look.order, limit=PAGE_SIZE + 1, turn=turn)
    there_is_more = len(rows) > PAGE_SIZE
    page = rows[-PAGE_SIZE:] if is_back else rows[:PAGE_SIZE]
    has_previous = there_is_more if is_back else turn is not None
    has_following = is_back or there_is_more
    return render_template(
        "queue/index.html",
        rows=page,
        previous=page[0].reference if page and has_previous else "",
        following=page[-1].reference if page and has_following else "",
        is_beginning=turn is None,
        place=turned,
        look=look,
        notices=(*look.notices, *notices),
        **_counts(look, now),
        views=list_views(db(), current_user.id),
        now=now,
        **desk_people(),
        **DESK_WORDS,
    )


def _counts(look: Look, now: datetime) -> dict[str, Any]:
    """What is in each view, what is overdue, what the filters show, and what of it the order may hide."""
    by_day = due_today(g.staff_clinic.time_zone, now)
    views = [
        by_day if name == "due" else Filter(states=tuple(state.value for state in states))
        for name, (_, states) in VIEWS.items()
    ]
    hidden = replace(look.filter, ranks=range(ROUTINE_RANK))
    *of_views, overdue, shown, flagged = count_chosen(
        db(), *views, replace(by_day, due_before=now), look.filter, hidden
    )
    may_hide = look.order is not Order.SAFETY and not look.only_safety
    return {
        "counts": dict(zip(VIEWS, of_views, strict=True)),
        "overdue": overdue,
        "shown": shown,
        "flagged": flagged if may_hide else 0,
    }


def _turn(now: datetime) -> tuple[Turn | None, list[str]]:
    """Which way the page was turned, from which row. A row that is gone begins anew."""
    for name in TURNS:
        if reference := request.args.get(name):
            try:
                return Turn(get_cursor(db(), reference, now), name == "before"), []
            except NotFoundError:
                return None, ["That place in the queue is gone. This is its beginning."]
    return None, []


@queue.route("/<clinic_slug>/queue/search", methods=["GET", "POST"])
@staff_only
def search() -> Any:
    """Posted, for a name in an address would stay in histories and logs; so the results have no address."""
    if request.method != "POST":
        return _to_queue()
    text = clean_text(request.form.get("q", ""))
    now = datetime.now(UTC)
    problem = "" if 0 < len(text) <= LONGEST_SEARCH else "Enter a name, reference, e-mail or phone number."
    found = Found() if problem else find_requests(db(), text, now)
    if found.reference:
        return redirect(
            url_for("queue.submission", clinic_slug=g.staff_clinic.slug, reference=found.reference), 303
        )
    page = render_template(
        "queue/search.html",
        text=text,
        problem=problem,
        found=found,
        now=now,
        **desk_people(),
        **DESK_WORDS,
    )
    return page, INVALID if problem else 200


def _to_queue() -> Any:
    return redirect(queue_address(), 303)


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
        place = "reason" if isinstance(refusal, ReasonRefusedError) else "to_state-1"
        return show_request(reference, move_form=form, problems=[(place, problem)]), CONFLICT
    # The category names the request, so that the message can lead back to it.
    flash(f"{reference.upper()} is now “{to_state.label}”.", f"moved {reference.upper()}")
    return redirect(queue_address(), 303)


def _move(reference: str, form: MoveForm) -> State:
    from_record = hold_request(reference)
    if form.version.data != str(from_record.version):
        return _moved_before(from_record, form)
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


def _moved_before(held: Consultation, form: MoveForm) -> State:
    """Sent twice, by a double click: its decision came next after what its page showed. Else a conflict."""
    before, last = last_two_moves(held)
    seen = before.id.hex if before else ""
    asked = (current_user.id, "moved", form.to_state.data, form.reason.data or None, form.seen.data)
    if last is None or asked != (last.staff_id, last.what, last.to_state, last.reason, seen):
        raise ConflictError("another version")
    return State(last.to_state)


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
        return show_request(reference, problems=[("main", problem)]), CONFLICT
    return here


def _undo(reference: str, asked: str) -> None:
    """What was asked to be taken back is the last move, as the page showed it."""
    held = hold_request(reference)
    before, last = last_two_moves(held)
    done = (last.what, last.staff_id, before.id.hex) if before and last else None
    # Sent twice, by a double click, it is taken back already.
    if done != ("undone", current_user.id, asked):
        _take_back(held, last if last and last.what == "moved" else None, asked)
    flash(f"Taken back: this request is “{State(held.state).label}” again.")


def _take_back(held: Consultation, last: Move | None, asked: str) -> None:
    now = datetime.now(UTC)
    moved_by, moved_at = (last.staff_id, last.at) if last else (None, None)
    check_undo(State(held.state), moved_by, moved_at, current_user.id, now)
    if last is None or last.id.hex != asked:
        raise ConflictError("another move came between")
    undo_move(db(), held, last, current_user.id, now)
