"""A request's moves, what may be taken back, and the clinic's clock: when it is called, and when it goes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from screener.domain.consultation import (
    MEANINGS,
    REASON_MAX_LENGTH,
    STAFF_MOVES,
    UNDO_WINDOW,
    MoveRefusedError,
    ReasonRefusedError,
    Role,
    State,
    check_move,
    check_undo,
    why_not,
)
from screener.domain.follow_up import (
    CALL_BACK,
    TASK,
    ContactKind,
    Due,
    Outcome,
    clinic_time,
    end_of_day,
    last_day_over,
)
from screener.domain.retention import Periods, goes_at
from screener.domain.rights import Right

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LOS_ANGELES = "America/Los_Angeles"
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


@pytest.mark.parametrize("to_state", State)
@pytest.mark.parametrize("from_state", State)
def test_a_move_is_taken_or_refused_in_words(from_state: State, to_state: State) -> None:
    if to_state in STAFF_MOVES[from_state]:
        check_move(from_state, to_state, "because")
        assert to_state in MEANINGS
    else:
        with pytest.raises(MoveRefusedError) as refused:
            check_move(from_state, to_state, "because")
        assert not isinstance(refused.value, ReasonRefusedError)
        assert str(refused.value) == why_not(from_state, to_state)


@pytest.mark.parametrize(
    ("from_state", "to_state", "said"),
    [
        (State.WITHDRAWN, State.WITHDRAWN, "The patient withdrew"),
        (State.NEW, State.WITHDRAWN, "Only the patient"),
        (State.LATER, State.LATER, "“Later” already"),
        (State.NEEDS_INFO, State.NEEDS_INFO, "“Needs info” already"),
        (State.NEW, State.CLOSED, "Decide first"),
        (State.ACCEPTED, State.NEW, "goes back through “In review”"),
        (State.ACCEPTED, State.LATER, "This request is “Accepted”. Put it “In review” first"),
    ],
)
def test_a_refused_move_says_why(from_state: State, to_state: State, said: str) -> None:
    assert said in why_not(from_state, to_state)


def test_a_decision_needs_a_reason_that_is_neither_empty_nor_endless() -> None:
    check_move(State.NEW, State.ACCEPTED, "")
    check_move(State.NEW, State.IN_REVIEW, " ")
    for reason in ("", " \n"):
        with pytest.raises(ReasonRefusedError, match="why this becomes “Later”"):
            check_move(State.NEW, State.LATER, reason)
    check_move(State.NEW, State.LATER, "x" * REASON_MAX_LENGTH)
    for to_state in (State.LATER, State.ACCEPTED):
        with pytest.raises(ReasonRefusedError, match="under 500"):
            check_move(State.NEW, to_state, "x" * (REASON_MAX_LENGTH + 1))


@pytest.mark.parametrize(
    ("state", "moved_by", "moved_at", "said"),
    [
        (State.WITHDRAWN, 7, NOW, "The patient withdrew"),
        (State.LATER, 7, None, "no decision"),
        (State.LATER, 8, NOW, "Only the person who decided"),
        (State.LATER, None, NOW, "Only the person who decided"),
        (State.LATER, 7, NOW - UNDO_WINDOW - SECOND, "Ten minutes"),
    ],
)
def test_what_cannot_be_taken_back_says_why(
    state: State, moved_by: int | None, moved_at: datetime | None, said: str
) -> None:
    with pytest.raises(MoveRefusedError, match=said):
        check_undo(state, moved_by, moved_at, 7, NOW)


def test_ones_own_last_decision_is_taken_back_for_ten_minutes() -> None:
    check_undo(State.LATER, 7, NOW - UNDO_WINDOW, 7, NOW)


def test_a_time_by_the_clinics_clock_is_one_moment() -> None:
    summer = datetime.fromisoformat("2026-07-01T09:00")
    assert clinic_time(summer, LOS_ANGELES) == datetime(2026, 7, 1, 16, tzinfo=UTC)
    twice = datetime.fromisoformat("2026-11-01T01:30")
    for fold in (0, 1):
        first = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
        assert clinic_time(twice.replace(fold=fold), LOS_ANGELES) == first
    with pytest.raises(ValueError, match="put forward"):
        clinic_time(datetime.fromisoformat("2026-03-08T02:30"), LOS_ANGELES)


def test_a_day_of_the_clinic_ends_with_its_last_minute() -> None:
    day = date(2026, 11, 20)
    end = end_of_day(day, LOS_ANGELES)
    assert end == datetime(2026, 11, 21, 7, 59, tzinfo=UTC)
    assert last_day_over(end, LOS_ANGELES) == day - DAY
    assert last_day_over(end + SECOND, LOS_ANGELES) == day


def test_what_is_due_is_overdue_a_moment_later() -> None:
    task, call = Due(NOW, TASK), Due(NOW, CALL_BACK)
    assert (task.is_by_day, call.is_by_day) == (True, False)
    assert (call.is_overdue(NOW), call.is_overdue(NOW + SECOND)) == (False, True)


PERIODS = Periods(draft_days=7, refused_days=90, accepted_days=30)


@pytest.mark.parametrize(
    ("accepted_at", "charted_at", "keep_until", "goes"),
    [
        (None, None, None, NOW + 90 * DAY),
        (NOW, None, None, None),
        (NOW, None, date(2030, 1, 1), None),
        (NOW, NOW + DAY, None, NOW + 31 * DAY),
        (None, None, date(2026, 12, 1), NOW + 90 * DAY),
        (None, None, date(2027, 12, 1), datetime(2027, 12, 2, 7, 59, tzinfo=UTC)),
    ],
)
def test_a_request_goes_when_its_period_and_its_hold_are_over(
    accepted_at: datetime | None, charted_at: datetime | None, keep_until: date | None, goes: datetime | None
) -> None:
    found = goes_at(
        PERIODS,
        state_since=NOW,
        accepted_at=accepted_at,
        charted_at=charted_at,
        keep_until=keep_until,
        time_zone=LOS_ANGELES,
    )
    assert found == goes


def test_what_staff_choose_from_has_words() -> None:
    assert [role.label for role in Role] == ["intake", "clinician", "clinic admin"]
    assert [kind.label for kind in ContactKind] == ["Call", "Message", "E-mail", "Visit"]
    assert Outcome.LEFT_MESSAGE.label == "Left message"
    assert State.NOT_A_FIT.label == "Not a fit"
    assert len({right.label for right in Right}) == len(Right)
