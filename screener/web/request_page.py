"""One request on one page: what was said, what was done about it, and what may be done next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import render_template
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField

from screener.domain.consultation import (
    MEANINGS,
    STAFF_MOVES,
    MoveRefusedError,
    State,
    check_undo,
    why_not,
)
from screener.store.consultations import Move, get_consultation, list_moves
from screener.store.tables import Consultation
from screener.web.access import db
from screener.web.forms import clean_text
from screener.web.records import DESK_WORDS, WithdrawnError, open_record

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


def last_move(consultation: Consultation) -> Move | None:
    """The move that could be taken back."""
    return _last(list_moves(db(), consultation))


def _last(moves: Sequence[Move]) -> Move | None:
    return moves[-1] if moves and moves[-1].what == "moved" else None


def show_request(reference: str, *, move_form: MoveForm | None = None, problems: Problems = ()) -> str:
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
        **_choices(record.state),
        **DESK_WORDS,
    )


def _is_stale(form: MoveForm, consultation: Consultation) -> bool:
    return bool(form.version.data != str(consultation.version))


def _since(moves: list[Move], seen: str | None) -> list[Move]:
    """What was decided after the page was opened; at least the last of it."""
    known = [index for index, move in enumerate(moves) if move.id.hex == seen]
    return moves[known[0] + 1 :] if known else moves[-1:] if seen else moves


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
