"""The dashboard: a clinic's figures week by week, beside those of the time before; nobody is told apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton
from flask import Blueprint, g, render_template, request
from flask_babel import get_locale

from screener.domain.consultation import State
from screener.domain.figures import FEWEST, quantile, tell, tell_parts
from screener.domain.progress import MILESTONES
from screener.store.consultations import NO_RANK
from screener.store.database import begin_reading
from screener.store.endings import BEGUN, SENT, endings_by_page
from screener.store.figures import Sort, Span, count_sorts, count_waits, count_weeks
from screener.web.access import db, member_only
from screener.web.due_words import how_long
from screener.web.forms import clean_text
from screener.web.records import CLASS_LABELS, KIND_LABELS, LANGUAGE_NAMES, URGENCY_LABELS
from screener.web.refusals import INVALID
from screener.web.transaction import finish_before_waiting

dashboard = Blueprint("dashboard", __name__, url_prefix="/desk/<clinic_slug>/dashboard")

PRESETS: Final = (4, 12, 26, 52)
MOST_WEEKS: Final = 53
_USUAL_WEEKS: Final = 12
_WEEK: Final = timedelta(weeks=1)
# Long after or before any request, and far from the ends of the calendar.
_FIRST_DAY, _LAST_DAY = date(2000, 1, 1), date(2999, 1, 1)
_WAITS: Final = (
    ("Within 4 hours", timedelta(hours=4)),
    ("4 to 24 hours", timedelta(hours=24)),
    ("1 to 3 days", timedelta(days=3)),
    ("Later", timedelta.max),
)
_NOT_YET: Final = "Not yet"
# What went with a withdrawal.
_WITHDRAWN: Final = {"None": "Withdrawn: answers deleted"}
_ENDINGS: Final = {
    BEGUN: "None",
    **{page.slug: page.heading or page.questions[0].topic for page in MILESTONES},
    SENT: "All, and sent a request",
}
_ENDING_REMARKS: Final = (
    "How far each form got, by the pages that everybody is asked. One that was not sent counts once deleted.",
    "A form that led to the emergency page counts at the page before. Some people need only the result.",
)
_CLASSES: Final = CLASS_LABELS | _WITHDRAWN
_LANGUAGES: Final = LANGUAGE_NAMES | _WITHDRAWN


@dataclass(frozen=True)
class Period:
    """Whole weeks of the clinic's calendar: shifted by a day, two of them would tell of that day alone."""

    first: date
    weeks: int
    time_zone: str

    @property
    def last(self) -> date:
        return self.first + self.weeks * _WEEK - timedelta(days=1)

    @property
    def earlier(self) -> Period:
        """As long, just before."""
        return Period(self.first - self.weeks * _WEEK, self.weeks, self.time_zone)

    @property
    def mondays(self) -> list[date]:
        return [self.first + number * _WEEK for number in range(self.weeks)]

    @property
    def ends(self) -> list[datetime]:
        """The moments at which its weeks begin, and the one at which the last ends."""
        zone = ZoneInfo(self.time_zone)
        days = [*self.mondays, self.first + self.weeks * _WEEK]
        return [datetime.combine(day, time(), zone).astimezone(UTC) for day in days]

    @property
    def span(self) -> Span:
        return Span(self.ends[0], self.ends[-1])


@dataclass(frozen=True)
class Bar:
    """A row of a figure, for its drawing and its table."""

    source: str
    label: str
    value: int | None
    words: str
    out_of: int


@dataclass(frozen=True)
class Figure:
    """Parts of one whole, now and in the time before: the drawing and the table are made of the same."""

    title: str
    # What its rows are.
    of: str
    now: list[Bar]
    before: list[Bar]
    remarks: tuple[str, ...]

    @property
    def tells(self) -> bool:
        return any(bar.value is not None for bar in (*self.now, *self.before))


@dashboard.get("")
@member_only
def index() -> Any:
    # Of very many it takes seconds, in which others may write on SQLite too.
    finish_before_waiting()
    begin_reading(db())
    time_zone = g.staff_clinic.time_zone
    asked = {name: clean_text(request.args.get(name, "")) for name in ("from", "to", "weeks")}
    today = datetime.now(ZoneInfo(time_zone)).date()
    period, problems = _read_period(asked, today, time_zone)
    both = (_count(period), _count(period.earlier))
    page = render_template(
        "dashboard/index.html",
        period=period,
        is_running=period.first <= today <= period.last,
        asked=asked,
        presets=PRESETS,
        problems=problems,
        fewest=FEWEST,
        totals=[tell(counted.total) for counted in both],
        is_empty=not any(counted.total or counted.endings for counted in both),
        figures=_figures(period, both),
    )
    return page, INVALID if problems else 200


def _read_period(
    asked: Mapping[str, str], today: date, time_zone: str
) -> tuple[Period, list[tuple[str, str]]]:
    """Whole weeks that hold the days asked for; the usual ones where they can't be read."""
    weeks = next((number for number in PRESETS if str(number) == asked["weeks"]), _USUAL_WEEKS)
    usual = Period(_monday(today) - (weeks - 1) * _WEEK, weeks, time_zone)
    if not asked["from"] and not asked["to"]:
        return usual, []
    problems: list[tuple[str, str]] = []
    last = _day(asked["to"], today, "to", problems)
    first = _day(asked["from"], last - (weeks - 1) * _WEEK, "from", problems)
    count = (_monday(last) - _monday(first)) // _WEEK + 1
    if not problems and count < 1:
        problems.append(("to", "To: enter a day that is not before the first one."))
    elif not problems and count > MOST_WEEKS:
        problems.append(("from", f"From: choose {MOST_WEEKS} weeks at most."))
    return (usual if problems else Period(_monday(first), count, time_zone)), problems


def _day(text: str, otherwise: date, name: str, problems: list[tuple[str, str]]) -> date:
    if not text:
        return otherwise
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not _FIRST_DAY <= day <= _LAST_DAY:
        problems.append((name, f"{name.capitalize()}: enter a date like 2026-01-31."))
        return otherwise
    return day


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


# ---------------------------------------------------------------- counted


@dataclass(frozen=True)
class Counted:
    """All that is counted of a period, as it was found; nothing of it is shown untold."""

    weeks: list[int]
    sorts: list[Sort]
    # Minutes -> how many were first tried after that.
    waits: Mapping[int, int]
    endings: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.weeks)

    def by(self, name: str) -> Counter[str]:
        """How many have each value of this column."""
        counts: Counter[str] = Counter()
        for sort in self.sorts:
            counts[str(getattr(sort, name))] += sort.number
        return counts

    @property
    def by_wait(self) -> Counter[str]:
        counts = Counter({_NOT_YET: self.total - sum(self.waits.values())})
        for minutes, number in self.waits.items():
            counts[_wait(timedelta(minutes=minutes))] += number
        return counts


def _count(period: Period) -> Counted:
    return Counted(
        count_weeks(db(), period.ends),
        count_sorts(db(), period.span),
        count_waits(db(), period.span),
        endings_by_page(db(), period.first, period.last),
    )


def _wait(waited: timedelta) -> str:
    return next(label for label, most in _WAITS if waited <= most)


# ---------------------------------------------------------------- told


def _figures(period: Period, both: Sequence[Counted]) -> list[Figure]:
    """The rows of each are parts of all requests of the period, the last one's of all forms."""
    weeks = {str(number): _week(day) for number, day in enumerate(period.mondays)}
    urgencies = {str(rank): label for rank, label in enumerate(URGENCY_LABELS)} | {
        str(NO_RANK): _WITHDRAWN["None"]
    }
    waits = {label: label for label in (*(label for label, _ in _WAITS), _NOT_YET)}
    states = {state.value: state.label for state in State}
    return [
        make_figure("Requests a week", "Week from", weeks, [_numbered(one.weeks) for one in both]),
        make_figure("How urgent they were", "Safety", urgencies, [one.by("urgency_rank") for one in both]),
        make_figure(
            "What the answers match", "Answers match", _CLASSES, [one.by("article_class") for one in both]
        ),
        make_figure("What was asked for", "Asked for", KIND_LABELS, [one.by("kind") for one in both]),
        make_figure(
            "Until the first try to reach the patient",
            "Waited",
            waits,
            [one.by_wait for one in both],
            remarks=(_waited("", both[0].waits), _waited("In the period before: ", both[1].waits)),
        ),
        make_figure("What was decided so far", "State", states, [one.by("state") for one in both]),
        make_figure("Languages", "Language", _LANGUAGES, [one.by("language") for one in both]),
        make_figure(
            "Where forms end",
            "Last page answered",
            _ENDINGS,
            [one.endings for one in both],
            remarks=_ENDING_REMARKS,
        ),
    ]


def make_figure(
    title: str,
    of: str,
    labels: Mapping[str, str],
    both: Sequence[Mapping[str, int]],
    *,
    remarks: tuple[str, ...] = (),
) -> Figure:
    # In the same order whatever was found: which of the small ones are none at all is not told either.
    unknown = {code: "Other" for counts in both for code in counts if code not in labels}
    labels = {**labels, **unknown}
    told = [tell_parts([counts.get(code, 0) for code in labels]) for counts in both]
    # Of what is told alone: the length of a bar must not tell what a number does not.
    out_of = max((one.value for parts in told for one in parts if one.value is not None), default=0)
    now, before = (
        [
            Bar(code, label, one.value, one.words, out_of)
            for (code, label), one in zip(labels.items(), parts, strict=True)
        ]
        for parts in told
    )
    return Figure(title, of, now, before, remarks)


def _numbered(counts: Sequence[int]) -> dict[str, int]:
    return {str(number): count for number, count in enumerate(counts)}


def _week(monday: date) -> str:
    return str(format_skeleton("MMMd", monday, locale=get_locale()))


def _waited(when: str, waits: Mapping[int, int]) -> str:
    half, most = (quantile(waits, share) for share in (0.5, 0.9))
    if half is None or most is None:
        return f"{when}Fewer than {FEWEST} were tried."
    within = [how_long(timedelta(minutes=minutes)) for minutes in (half, most)]
    return f"{when}Half of those tried within {within[0]}, nine of ten within {within[1]}."
