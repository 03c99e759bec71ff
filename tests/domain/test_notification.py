"""When staff are told of a request: choices, quiet hours, and the two days a year when clocks jump."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.domain.notification import DIGEST_AFTER, Choice, QuietHours, Telling, Wish
from screener.domain.sender_name import check_sender_name

ZONE = "America/New_York"
NOON = datetime(2026, 6, 1, 12, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
NIGHT = QuietHours(time(22), time(7), ZONE)


def at(*when: int, fold: int = 0) -> datetime:
    """A moment by the clinic's clock."""
    return datetime(*when, tzinfo=ZoneInfo(ZONE), fold=fold).astimezone(UTC)


AT_ONCE, TOGETHER = Telling(NOON, is_alone=True), Telling(NOON + DIGEST_AFTER, is_alone=False)


@pytest.mark.parametrize(
    ("choice", "urgent", "routine"),
    [
        (Choice.EACH, AT_ONCE, AT_ONCE),
        (Choice.HOURLY, TOGETHER, TOGETHER),
        (Choice.URGENT, AT_ONCE, None),
        (Choice.URGENT_THEN_HOURLY, AT_ONCE, TOGETHER),
        (Choice.NONE, None, None),
    ],
)
def test_each_choice_is_kept(choice: Choice, urgent: Telling | None, routine: Telling | None) -> None:
    wish = Wish(choice, NIGHT)
    assert wish.told_of(is_urgent=True, now=NOON) == urgent
    assert wish.told_of(is_urgent=False, now=NOON) == routine


def test_what_comes_in_quiet_hours_is_told_together_when_they_end_unless_it_may_break_in() -> None:
    midnight, morning = at(2026, 6, 2), at(2026, 6, 2, 7)
    for choice in (Choice.EACH, Choice.URGENT, Choice.URGENT_THEN_HOURLY, Choice.HOURLY):
        assert Wish(choice, NIGHT).told_of(is_urgent=True, now=midnight) == Telling(morning, is_alone=False)
    loud = Wish(Choice.EACH, NIGHT, urgent_breaks_in=True)
    assert loud.told_of(is_urgent=True, now=midnight) == Telling(midnight, is_alone=True)
    assert loud.told_of(is_urgent=False, now=midnight) == Telling(morning, is_alone=False)
    # A digest that would come after ten in the evening waits too.
    evening = at(2026, 6, 1, 21, 30)
    assert Wish(Choice.HOURLY, NIGHT).told_of(is_urgent=False, now=evening) == Telling(
        morning, is_alone=False
    )


@pytest.mark.parametrize(
    ("clock", "is_quiet"),
    [((21, 59), False), ((22, 0), True), ((23, 59), True), ((0, 0), True), ((6, 59), True), ((7, 0), False)],
)
def test_quiet_hours_begin_and_end_on_the_minute_and_go_over_midnight(
    clock: tuple[int, int], *, is_quiet: bool
) -> None:
    assert (NIGHT.end_after(at(2026, 6, 2, *clock)) is not None) == is_quiet


def test_quiet_hours_within_a_day_end_on_that_day() -> None:
    lunch = QuietHours(time(12), time(13), ZONE)
    assert lunch.end_after(NOON) == at(2026, 6, 1, 13)
    assert lunch.end_after(at(2026, 6, 1, 13)) is None


def test_quiet_hours_follow_the_clock_when_it_jumps() -> None:
    # The night of the jump is an hour shorter in March and an hour longer in November.
    assert NIGHT.end_after(at(2026, 3, 7, 23)) == at(2026, 3, 7, 23) + timedelta(hours=7)
    assert NIGHT.end_after(at(2026, 10, 31, 23)) == at(2026, 10, 31, 23) + timedelta(hours=9)
    # Half past one comes twice: at a quarter past, the second time, it ends with the second.
    twice = QuietHours(time(22), time(1, 30), ZONE)
    assert twice.end_after(at(2026, 11, 1, 1, 15, fold=1)) == at(2026, 11, 1, 1, 30, fold=1)
    # Half past two does not come at all.
    never = QuietHours(time(22), time(2, 30), ZONE)
    assert never.end_after(at(2026, 3, 8, 1, 59)) == at(2026, 3, 8, 3, 30)


@given(
    st.times(),
    st.times(),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - the zone is given
    st.sampled_from(["America/New_York", "America/Phoenix", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_quiet_hours_always_end_ahead_and_within_a_day(
    begin: time, end: time, moment: datetime, zone: str
) -> None:
    now = moment.replace(tzinfo=UTC)
    over = QuietHours(begin, end, zone).end_after(now)
    assert over is None or now < over <= now + timedelta(hours=25)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Acme Headache Center", "headache"),
        ("HEAD-ACHE desk", "headache"),
        ("Migräne Klinik", "migrane"),
        ("Centro de Migraña", "migrana"),
        ("Ketamine team", "ketamin"),
        ("Pain clinic", "pain"),
        ("", "1 to 60"),
        ("x" * 61, "1 to 60"),
        ("Desk\r\nBcc: all@example.org", "1 to 60"),
        ("Desk\u2028Bcc", "1 to 60"),
        ("Desk\u202e", "1 to 60"),
        ('Desk" <evil@example.org>', "brackets"),
        ("desk@example.org", "brackets"),
        ("a, b", "brackets"),
    ],
)
def test_a_sender_name_that_tells_or_breaks_is_refused(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_sender_name(name)


@pytest.mark.parametrize(
    "name", ["Front desk", "Acme Clinic", "Recepción Ñandú", "Spain Street Office", "诊所"]
)
def test_a_neutral_sender_name_will_do(name: str) -> None:
    check_sender_name(name)
