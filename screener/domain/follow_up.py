"""Following up on a request: how a patient was contacted, the clinic's clock, and what is due when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Final
from zoneinfo import ZoneInfo

from screener.domain.consultation import State


class ContactKind(Enum):
    CALL = "call"
    MESSAGE = "message"
    E_MAIL = "e_mail"
    VISIT = "visit"

    @property
    def label(self) -> str:
        return "E-mail" if self is ContactKind.E_MAIL else self.value.capitalize()


class Outcome(Enum):
    REACHED = "reached"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    OTHER = "other"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


# In these states nobody is to be contacted any more.
OVER: Final = frozenset({State.NOT_A_FIT, State.DUPLICATE, State.WITHDRAWN, State.CLOSED})


CALL_BACK, NEXT_TRY, TASK = "Call back", "Next try", "Task"


@dataclass(frozen=True, slots=True)
class Due:
    """The next thing that is owed about a request, and until when."""

    at: datetime
    what: str

    @property
    def is_by_day(self) -> bool:
        """Owed by the end of a day, not by an hour."""
        return self.what == TASK

    def is_overdue(self, now: datetime) -> bool:
        return self.at < now


def clinic_time(local: datetime, time_zone: str) -> datetime:
    """The moment (UTC) of a time by the clinic's clock; of one that comes twice, the first.

    Raises ValueError, in words for staff, for a time that the clock skips.
    """
    there = local.replace(tzinfo=ZoneInfo(time_zone), fold=0)
    moment = there.astimezone(UTC)
    if moment.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise ValueError("The clocks are put forward that night: this time does not exist.")
    return moment


def end_of_day(day: date, time_zone: str) -> datetime:
    """The last minute (UTC) of the clinic's day: shown, it still bears the day's name."""
    return datetime.combine(day, time(23, 59), ZoneInfo(time_zone)).astimezone(UTC)


def last_day_over(moment: datetime, time_zone: str) -> date:
    """The last day of the clinic's calendar that ended before this moment."""
    day = moment.astimezone(ZoneInfo(time_zone)).date()
    return day if end_of_day(day, time_zone) < moment else day - timedelta(days=1)
