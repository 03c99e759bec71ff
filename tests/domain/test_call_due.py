"""When an urgent call-back is owed: by the clinic's own clock and working week, whatever the server's is."""

from __future__ import annotations

from datetime import datetime

import pytest

from screener.domain.consultation import call_due

NEW_YORK, LOS_ANGELES, HONOLULU = "America/New_York", "America/Los_Angeles", "Pacific/Honolulu"


@pytest.mark.parametrize(
    ("received", "zone", "due"),
    [
        # A Friday in summer, to the second; then the weekend.
        ("2026-07-10T20:59:59Z", NEW_YORK, "2026-07-10T21:00:00Z"),
        ("2026-07-10T21:00:00Z", NEW_YORK, "2026-07-13T21:00:00Z"),
        ("2026-07-11T14:00:00Z", NEW_YORK, "2026-07-13T21:00:00Z"),
        ("2026-07-12T23:00:00Z", NEW_YORK, "2026-07-13T21:00:00Z"),
        # One moment, two clinics: five o'clock is over in one of them.
        ("2026-07-08T22:00:00Z", NEW_YORK, "2026-07-09T21:00:00Z"),
        ("2026-07-08T22:00:00Z", LOS_ANGELES, "2026-07-09T00:00:00Z"),
        # Saturday in Greenwich, still Friday at the clinic.
        ("2026-07-11T02:30:00Z", HONOLULU, "2026-07-11T03:00:00Z"),
        # Clocks go back on the Sunday between, and forward.
        ("2026-10-30T21:30:00Z", NEW_YORK, "2026-11-02T22:00:00Z"),
        ("2027-03-12T22:30:00Z", NEW_YORK, "2027-03-15T21:00:00Z"),
    ],
)
def test_a_call_back_is_due_at_five_of_the_clinics_next_working_day(
    received: str, zone: str, due: str
) -> None:
    assert call_due(datetime.fromisoformat(received), zone) == datetime.fromisoformat(due)
