"""Who of the staff is told of a new request, and when: by their own choice, outside their quiet hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum
from typing import Final, assert_never
from zoneinfo import ZoneInfo

DIGEST_AFTER: Final = timedelta(hours=1)
# Everybody is reminded once something owed is this late, or an urgent request has lain untouched this long;
# and again a day later.
OVERDUE_AFTER: Final = timedelta(hours=1)
REMINDED_AGAIN_AFTER: Final = timedelta(days=1)


class Choice(Enum):
    URGENT_THEN_HOURLY = "urgent_then_hourly"
    EACH = "each"
    HOURLY = "hourly"
    URGENT = "urgent"
    NONE = "none"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def tells_urgent_at_once(self) -> bool:
        return self not in {Choice.HOURLY, Choice.NONE}


_LABELS: Final = {
    Choice.URGENT_THEN_HOURLY: "Urgent ones at once, the others once an hour in one mail",
    Choice.EACH: "Each one at once",
    Choice.HOURLY: "All of them once an hour in one mail",
    Choice.URGENT: "Urgent ones only, at once",
    Choice.NONE: "None",
}
# Nobody chose to miss an urgent request, and a mail for each of the others is soon read by nobody.
DEFAULT: Final = Choice.URGENT_THEN_HOURLY


@dataclass(frozen=True, slots=True)
class QuietHours:
    """By the clinic's clock; they run past midnight if they end earlier than they begin."""

    begin: time
    end: time
    time_zone: str

    def end_after(self, moment: datetime) -> datetime | None:
        """When the quiet hours that hold at this moment are over; None where none hold."""
        zone = ZoneInfo(self.time_zone)
        local = moment.astimezone(zone)
        if not self._hold_at(local.time()):
            return None
        day = local.date() + timedelta(days=int(self.end <= local.time()))
        # In autumn an hour comes twice: quiet is over at its first end that is still ahead.
        ends = (datetime.combine(day, self.end.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
        return next(end for end in ends if end > moment)

    def _hold_at(self, clock: time) -> bool:
        if self.begin < self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end


@dataclass(frozen=True, slots=True)
class Telling:
    """When somebody is told, and whether of this request alone or of all that are waiting by then."""

    at: datetime
    is_alone: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person or a shared inbox wants."""

    choice: Choice
    quiet: QuietHours | None = None
    # Whether urgent requests are told of in quiet hours too.
    urgent_breaks_in: bool = False

    def told_of(self, *, is_urgent: bool, now: datetime) -> Telling | None:
        """How this one is told of a request that came just now; None if not at all."""
        match self.choice:
            case Choice.NONE:
                return None
            case Choice.URGENT if not is_urgent:
                return None
            case Choice.HOURLY:
                at_once = False
            case Choice.URGENT_THEN_HOURLY:
                at_once = is_urgent
            case Choice.EACH | Choice.URGENT:
                at_once = True
            case _:
                assert_never(self.choice)
        if at_once:
            end = self.quiet_until(now, is_urgent=is_urgent)
            # What came in the quiet hours is told of together.
            return Telling(end or now, is_alone=end is None)
        due = now + DIGEST_AFTER
        return Telling(self.quiet_until(due, is_urgent=False) or due, is_alone=False)

    def quiet_until(self, moment: datetime, *, is_urgent: bool) -> datetime | None:
        """When a mail that would leave now may leave; None if it may now."""
        if self.quiet is None or (is_urgent and self.urgent_breaks_in):
            return None
        return self.quiet.end_after(moment)
