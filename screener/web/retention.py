"""How long a clinic keeps what it was sent: its periods, and what goes when, for its administrators."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_login import current_user

from screener.domain.consultation import READS_ANSWERS
from screener.domain.follow_up import end_of_day
from screener.domain.retention import AUDIT_YEARS, LONGEST, SHORTEST, Periods
from screener.store.clinic_changes import change_clinic
from screener.store.retention import Counted, count_kept, count_over, list_over, periods_of
from screener.store.tables import Clinic
from screener.web.access import admin_only, db
from screener.web.clinic_settings import NOTHING, held_clinic, read_number
from screener.web.forms import clean_text, whole_number
from screener.web.meanwhile import Merged, merge, seen_by
from screener.web.refusals import CONFLICT, INVALID

retention = Blueprint("retention", __name__, url_prefix="/desk/<clinic_slug>/retention")

PAGE_SIZE: Final = 50
_DAYS_AHEAD, _WEEKS_AHEAD = 7, 4
_A_WEEK, _A_DAY = timedelta(days=7), timedelta(days=1)
_MOST_PAGES: Final = 1000

LABELS: Final = {
    "refused_days": "Days to keep a request that was not accepted",
    "accepted_days": "Days to keep a request after it is marked as charted",
    "draft_days": "Days to keep an unfinished form",
}


class Ahead(NamedTuple):
    """What goes within a day or a week, if nothing happens to it before."""

    label: str
    counted: Counted


@retention.route("", methods=["GET", "POST"])
@admin_only
def edit() -> Any:
    clinic, now = held_clinic(), datetime.now(UTC)
    stored = _said(periods_of(clinic))
    if request.method != "POST":
        return _show(clinic, stored, seen_by(stored), periods_of(clinic), now)
    typed = {name: clean_text(request.form.get(name, "")) for name in LABELS}
    periods, problems = _read(typed)
    seen = request.form.get("seen", "")
    if problems:
        return _show(clinic, typed, seen, periods_of(clinic), now, problems=problems), INVALID
    if "try" in request.form:
        return _show(clinic, typed, seen, periods, now, is_tried=True)
    merged = merge(typed, stored)
    if merged.changed and merged.said != stored:
        return _refuse_stale(clinic, merged, now), CONFLICT
    problem = "" if merged.changed else _unconfirmed(clinic, periods, now)
    if problem:
        wrong = [("confirm", problem)]
        return _show(clinic, typed, seen, periods, now, problems=wrong, is_tried=True), INVALID
    about = {} if merged.changed else periods._asdict()
    flash(
        "Saved. It holds from now on." if change_clinic(db(), clinic, about, by=current_user.id) else NOTHING
    )
    return redirect(url_for("retention.edit", clinic_slug=clinic.slug), 303)


def _refuse_stale(clinic: Clinic, merged: Merged, now: datetime) -> str:
    said = {name: str(merged.said[name]) for name in LABELS}
    words = "Somebody else changed these days meanwhile. Look at them again, then save."
    seen = seen_by(_said(periods_of(clinic)))
    return _show(clinic, said, seen, _read(said)[0], now, problems=[(merged.changed[0], words)])


def _said(periods: Periods) -> dict[str, str]:
    return {name: str(getattr(periods, name)) for name in LABELS}


def _read(typed: dict[str, str]) -> tuple[Periods, list[tuple[str, str]]]:
    read: dict[str, int] = {}
    problems: list[tuple[str, str]] = []
    for name, said in typed.items():
        try:
            read[name] = read_number(said, getattr(SHORTEST, name), getattr(LONGEST, name))
        except ValueError as error:
            problems.append((name, f"{LABELS[name]}: {error}"))
    return Periods(**read), problems


def _gone_at_once(clinic: Clinic, periods: Periods, now: datetime) -> Counted:
    """What these periods would delete in the next sweep that those of today do not."""
    return count_over(db(), periods, clinic.time_zone, now, kept_by=periods_of(clinic))


def _unconfirmed(clinic: Clinic, periods: Periods, now: datetime) -> str:
    """What has to be typed before a shorter period deletes something at once; empty if nothing has."""
    number = _gone_at_once(clinic, periods, now).together
    if not number or request.form.get("confirm", "").strip() == str(number):
        return ""
    return (
        f"Type {number} to confirm that so many are deleted within the hour, for good. Nothing was changed."
    )


def _show(
    clinic: Clinic,
    said: dict[str, str],
    seen: str,
    periods: Periods,
    now: datetime,
    *,
    problems: Sequence[tuple[str, str]] = (),
    is_tried: bool = False,
) -> str:
    """With what goes by these periods, which need not be the stored ones."""
    page = _page()
    going = list_over(
        db(),
        periods,
        clinic.time_zone,
        now + _A_DAY,
        limit=PAGE_SIZE + 1,
        skip=(page - 1) * PAGE_SIZE,
    )
    today = now.astimezone(ZoneInfo(clinic.time_zone)).date()
    waiting, held = count_kept(db(), today)
    return render_template(
        "retention/edit.html",
        said=said,
        seen=seen,
        problems=problems,
        labels=LABELS,
        longest=LONGEST,
        shortest=SHORTEST,
        audit_years=AUDIT_YEARS,
        at_once=_gone_at_once(clinic, periods, now),
        is_tried=is_tried,
        ahead=_ahead(clinic, periods, now, today),
        going=going[:PAGE_SIZE],
        page=page,
        there_is_more=len(going) > PAGE_SIZE,
        waiting=waiting,
        held=held,
        now=now,
        reads_answers=bool(READS_ANSWERS & g.staff_roles),
    )


def _page() -> int:
    """Of the list of what goes next, from 1; the first where no such page is asked for."""
    return min(whole_number(request.args.get("page", "")) or 1, _MOST_PAGES)


def _ahead(clinic: Clinic, periods: Periods, now: datetime, today: date) -> list[Ahead]:
    """A line a day, then a line a week, where anything goes; what is over goes in the next sweep."""
    last = [today + _A_DAY * n for n in range(_DAYS_AHEAD)]
    ends = [(_day(day), day) for day in last]
    for week in range(_WEEKS_AHEAD):
        begins = last[-1] + _A_DAY + _A_WEEK * week
        ends.append((f"Week from {_day(begins)}", begins + 6 * _A_DAY))
    before = count_over(db(), periods, clinic.time_zone, now)
    found = [Ahead("Within the hour", before)]
    for label, day in ends:
        until = count_over(db(), periods, clinic.time_zone, end_of_day(day, clinic.time_zone))
        found.append(Ahead(label, until.but(before)))
        before = until
    return [line for line in found if line.counted.together]


def _day(day: date) -> str:
    return str(format_date(day, "EEE, MMM d", locale=get_locale()))
