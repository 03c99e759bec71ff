"""What is owed, in the few words of a line of the queue."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask

from screener.domain.follow_up import CALL_BACK, NEXT_TRY, TASK, Due, end_of_day
from screener.web.due_words import due_words

ZONE = "America/Los_Angeles"
# Nine in the evening there: another day than by UTC.
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (Due(NOW - 59 * MINUTE, CALL_BACK), "Call back overdue by 59 min"),
        (Due(NOW - 47 * 60 * MINUTE, NEXT_TRY), "Next try overdue by 47 h"),
        (Due(NOW - 48 * 60 * MINUTE, NEXT_TRY), "Next try overdue by 2 days"),
        (Due(NOW + 30 * MINUTE, CALL_BACK), "Call back today, 9:30 PM"),
        (Due(NOW + 180 * MINUTE, CALL_BACK), "Call back tomorrow, 12:00 AM"),
        (Due(NOW + 50 * 60 * MINUTE, NEXT_TRY), "Next try Tue, Nov 24, 11:00 PM"),
        (Due(end_of_day(date(2026, 11, 22), ZONE), TASK), "Task today"),
        (Due(end_of_day(date(2027, 1, 4), ZONE), TASK), "Task Mon, Jan 4, 2027"),
    ],
)
def test_what_is_owed_is_told_by_the_clinics_clock(app: Flask, due: Due, words: str) -> None:
    with app.test_request_context():
        assert due_words(due, ZONE, NOW) == words
