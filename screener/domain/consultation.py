"""A consultation request: its states, the moves staff may make, and when a call is due."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo


class State(Enum):
    NEW = "new"
    IN_REVIEW = "in_review"
    NEEDS_INFO = "needs_info"
    ACCEPTED = "accepted"
    LATER = "later"
    NOT_A_FIT = "not_a_fit"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


OPEN_STATES = (State.NEW, State.IN_REVIEW, State.NEEDS_INFO, State.LATER)

# The patient may withdraw until the clinic has taken the request up; a refused one too.
WITHDRAWABLE = frozenset({*OPEN_STATES, State.NOT_A_FIT, State.DUPLICATE})

_DECISIONS = (State.ACCEPTED, State.NEEDS_INFO, State.LATER, State.NOT_A_FIT, State.DUPLICATE)


def _decisions_but(state: State) -> tuple[State, ...]:
    return tuple(decision for decision in _DECISIONS if decision is not state)


# What staff may do. `withdrawn` is the patient's own move.
STAFF_MOVES: Final[dict[State, tuple[State, ...]]] = {
    State.NEW: (State.IN_REVIEW, *_DECISIONS),
    State.IN_REVIEW: (*_DECISIONS, State.NEW),
    State.NEEDS_INFO: (State.IN_REVIEW, *_decisions_but(State.NEEDS_INFO), State.CLOSED),
    State.LATER: (State.IN_REVIEW, *_decisions_but(State.LATER), State.CLOSED),
    State.ACCEPTED: (State.CLOSED, State.IN_REVIEW),
    State.NOT_A_FIT: (State.CLOSED, State.IN_REVIEW),
    State.DUPLICATE: (State.CLOSED, State.IN_REVIEW),
    State.WITHDRAWN: (),
    State.CLOSED: (State.IN_REVIEW,),
}

# What each state means, to whoever decides.
MEANINGS: Final[dict[State, str]] = {
    State.NEW: "Back to the start: nobody works on it.",
    State.IN_REVIEW: "Somebody is looking into it; any decision is still open.",
    State.NEEDS_INFO: "Something has to be asked first. Stays in the open list.",
    State.ACCEPTED: "The clinic takes it on. The patient can no longer withdraw it by the link.",
    State.LATER: "Not now. Stays in the open list.",
    State.NOT_A_FIT: "This clinic is not the right place. The patient hears it from you: nothing is sent.",
    State.DUPLICATE: "The same request is here already; work goes on in that one.",
    State.CLOSED: "All is done here.",
}

# Looking at a request and accepting it explain themselves; every other move needs a reason.
MOVES_WITHOUT_REASON = frozenset({State.IN_REVIEW, State.ACCEPTED})
REASON_MAX_LENGTH = 500
UNDO_WINDOW: Final = timedelta(minutes=10)


class MoveRefusedError(ValueError):
    """A move that is not allowed; the message says why, to staff."""


class ReasonRefusedError(MoveRefusedError):
    """The move would be allowed with another reason."""


def check_move(from_state: State, to_state: State, reason: str) -> None:
    """Raises MoveRefusedError unless staff may make this move with this reason."""
    if to_state not in STAFF_MOVES[from_state]:
        raise MoveRefusedError(why_not(from_state, to_state))
    if to_state not in MOVES_WITHOUT_REASON and not reason.strip():
        raise ReasonRefusedError(f"Say in a few words why this becomes “{to_state.label}”.")
    if len(reason) > REASON_MAX_LENGTH:
        raise ReasonRefusedError(f"Keep the reason under {REASON_MAX_LENGTH} characters.")


def why_not(from_state: State, to_state: State) -> str:
    """Why staff may not make this move, in words for them; only for a move that is not in `STAFF_MOVES`."""
    if from_state is State.WITHDRAWN:
        return "The patient withdrew this request: nothing can be decided any more."
    if to_state is State.WITHDRAWN:
        return "Only the patient can withdraw a request."
    if to_state is from_state:
        return f"This request is “{to_state.label}” already."
    if to_state is State.CLOSED:
        return "Decide first: a request that nobody has decided about cannot be closed."
    if to_state is State.NEW:
        return "This request was decided about: it goes back through “In review”, not to “New”."
    return f"This request is “{from_state.label}”. Put it “In review” first, then decide anew."


def check_undo(
    state: State, moved_by: int | None, moved_at: datetime | None, staff_id: int, now: datetime
) -> None:
    """Raises MoveRefusedError unless this person may take the last move back; no time means there is none."""
    if state is State.WITHDRAWN:
        raise MoveRefusedError(why_not(state, state))
    if moved_at is None:
        raise MoveRefusedError("There is no decision to take back.")
    if moved_by != staff_id:
        raise MoveRefusedError("Only the person who decided last can take it back. You can decide anew.")
    if now - moved_at > UNDO_WINDOW:
        raise MoveRefusedError("Ten minutes have passed: this cannot be taken back. You can decide anew.")


class Role(Enum):
    """What a person is at one clinic (docs/security.md)."""

    INTAKE = "intake"
    CLINICIAN = "clinician"
    CLINIC_ADMIN = "clinic_admin"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ")


# Administrators see settings; they read answers only if they also hold one of these roles.
READS_ANSWERS = frozenset({Role.INTAKE, Role.CLINICIAN})

_CLOSING_TIME = time(17, 0)
_SATURDAY = 5


def call_due(received_at: datetime, time_zone: str) -> datetime:
    """When an urgent call-back is due: 17:00 the same working day, or the next one after hours (UTC)."""
    local = received_at.astimezone(ZoneInfo(time_zone))
    day = local.date()
    if local.time() >= _CLOSING_TIME:
        day += timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return datetime.combine(day, _CLOSING_TIME, ZoneInfo(time_zone)).astimezone(UTC)
