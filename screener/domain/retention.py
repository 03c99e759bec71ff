"""How long a clinic keeps what it was sent: periods it may only shorten, and when a request is deleted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from screener.domain.follow_up import end_of_day

# Required by law: no clinic may shorten it.
AUDIT_YEARS: Final = 6
# The longest hold; whoever needs more sets it again.
MOST_HOLD: Final = timedelta(days=3653)


class Periods(NamedTuple):
    """In days. The defaults are the longest; a clinic may choose less."""

    # A saved form, from when it was last continued; any other, from when it was begun.
    draft_days: int = 7
    # A request that was not accepted, from its last change of state.
    refused_days: int = 90
    # An accepted one, from when it was marked as charted.
    accepted_days: int = 30


LONGEST: Final = Periods()
# Long enough to come back to a form, to read a request, and to notice a mistake.
SHORTEST: Final = Periods(2, 7, 1)


def goes_at(
    periods: Periods,
    *,
    state_since: datetime,
    accepted_at: datetime | None,
    charted_at: datetime | None,
    keep_until: date | None,
    time_zone: str,
) -> datetime | None:
    """When a request is deleted if nothing more happens to it; None for one that waits to be charted."""
    if accepted_at is None:
        goes = state_since + timedelta(days=periods.refused_days)
    elif charted_at is not None:
        goes = charted_at + timedelta(days=periods.accepted_days)
    else:
        return None
    return goes if keep_until is None else max(goes, end_of_day(keep_until, time_zone))
