"""What is owed about a request and when, as short as staff say it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_time
from flask_babel import get_locale

from screener.domain.follow_up import Due

_MINUTES_OF_HOURS, _HOURS_OF_DAYS = 60, 48


def due_words(due: Due, time_zone: str, now: datetime) -> str:
    """ "Call back overdue by 2 h", "Task today", "Next try Mon, Nov 23, 9:00 AM"."""
    if due.is_overdue(now):
        return f"{due.what} overdue by {how_long(now - due.at)}"
    there, today = due.at.astimezone(ZoneInfo(time_zone)), now.astimezone(ZoneInfo(time_zone))
    day = _day(there, today)
    if due.is_by_day:
        return f"{due.what} {day}"
    clock = format_time(there, "short", locale=get_locale()).replace("\u202f", " ")
    return f"{due.what} {day}, {clock}"


def how_long(passed: timedelta) -> str:
    """In minutes up to an hour, in hours up to two days, then in days."""
    minutes = int(passed.total_seconds() // 60)
    if minutes < _MINUTES_OF_HOURS:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h" if hours < _HOURS_OF_DAYS else f"{hours // 24} days"


def _day(there: datetime, today: datetime) -> str:
    match (there.date() - today.date()).days:
        case 0:
            return "today"
        case 1:
            return "tomorrow"
        case _:
            skeleton = "MMMEd" if there.year == today.year else "yMMMEd"
            return format_skeleton(skeleton, there, locale=get_locale())
