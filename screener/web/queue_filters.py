"""What the queue shows, read from its address: so a view can be bookmarked, sent to a colleague and saved.

Nothing that names a patient is ever among it: a search is a form that is posted, and keeps no address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from screener.domain.consultation import OPEN_STATES, READS_ANSWERS, Role, State
from screener.domain.urgency import ROUTINE_RANK
from screener.store.queue import Filter, Order
from screener.store.staff import Colleague
from screener.web.records import CLASS_LABELS, KIND_LABELS, LANGUAGE_NAMES, URGENCY_LABELS

# What it is called, and the states in it.
View: TypeAlias = tuple[str, tuple[State, ...]]

VIEWS: Final[Mapping[str, View]] = {
    "open": ("Open", OPEN_STATES),
    "due": ("Due today", tuple(state for state in State if state is not State.WITHDRAWN)),
    "accepted": ("Accepted", (State.ACCEPTED,)),
    "done": ("Done", (State.NOT_A_FIT, State.DUPLICATE, State.WITHDRAWN, State.CLOSED)),
}
ORDERS: Final = {
    Order.SAFETY.value: "Safety first, then longest waiting",
    Order.LONGEST.value: "Longest waiting",
    Order.NEWEST.value: "Newest",
}
_URGENCIES: Final = {
    "flagged": ("Any safety flag", range(ROUTINE_RANK)),
    "emergency": (URGENCY_LABELS[0], (0,)),
    "earlier": (URGENCY_LABELS[1], (1,)),
    "pregnancy": (URGENCY_LABELS[2], (2,)),
    "vomiting": (URGENCY_LABELS[3], (3,)),
    "other": ("Urgent: another reason", (4,)),
    "routine": (URGENCY_LABELS[ROUTINE_RANK], (ROUTINE_RANK,)),
}
# At least and less than so many hours.
_WAITING: Final = {
    "under-4h": ("Under 4 hours", 0, 4),
    "4-to-24h": ("4 to 24 hours", 4, 24),
    "1-to-3-days": ("1 to 3 days", 24, 72),
    "over-3-days": ("Over 3 days", 72, None),
}
_LABELS: Final = {
    "show": "tab",
    "sort": "order",
    "state": "state",
    "urgency": "safety",
    "kind": "asked for",
    "class": "class",
    "waiting": "waiting",
    "owner": "owner",
    "language": "language",
    "from": "date",
    "to": "date",
}


@dataclass(frozen=True)
class Look:
    """The queue as one address shows it."""

    view: str
    order: Order
    filter: Filter
    # What was understood, by parameter: it makes the same address again.
    chosen: dict[str, str]
    notices: tuple[str, ...]
    # By parameter, the values it may have and what they are called.
    options: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def filters(self) -> dict[str, str]:
        return {name: value for name, value in self.chosen.items() if name not in {"show", "sort"}}

    @property
    def only_safety(self) -> bool:
        """Nothing is asked but what has a safety flag."""
        return set(self.filters) == {"urgency"} and self.filters["urgency"] != "routine"


def read_look(
    sent: Mapping[str, str],
    *,
    me: int,
    colleagues: list[Colleague],
    time_zone: str,
    now: datetime,
    views: Mapping[str, View] = VIEWS,
) -> Look:
    """What is not known is left out, and said. Of the views, the first is the usual one."""
    view = sent.get("show", "") if sent.get("show") in views else next(iter(views))
    options = _options(views, view, colleagues)
    chosen, notices = {}, []
    for name in _LABELS:
        value = sent.get(name, "")
        if not value:
            continue
        if _is_known(name, value, options):
            chosen[name] = value
        else:
            notices.append(f"The {_LABELS[name]} in this address is not known here. It was left out.")
    return Look(
        view=view,
        order=Order(chosen.get("sort", Order.SAFETY.value)),
        filter=replace(
            _filter(view, views[view][1], chosen, time_zone, now),
            **_owner(chosen.get("owner"), me, colleagues),
        ),
        chosen=chosen,
        notices=tuple(dict.fromkeys(notices)),
        options=options,
    )


def _options(views: Mapping[str, View], view: str, colleagues: list[Colleague]) -> dict[str, dict[str, str]]:
    return {
        "show": {key: name for key, (name, _) in views.items()},
        "sort": ORDERS,
        "urgency": {key: name for key, (name, _) in _URGENCIES.items()},
        "waiting": {key: name for key, (name, *_) in _WAITING.items()},
        "state": {state.value: state.label for state in views[view][1]},
        "owner": {
            "me": "Me",
            "nobody": "Nobody",
            **{str(p.staff_id): p.name for p in readers(colleagues)},
            "left": "Somebody who left",
        },
        "kind": KIND_LABELS,
        "class": CLASS_LABELS,
        "language": LANGUAGE_NAMES,
    }


def readers(colleagues: list[Colleague]) -> list[Colleague]:
    """Whose work a request can be."""
    return [person for person in colleagues if READS_ANSWERS & set(map(Role, person.roles))]


def _is_known(name: str, value: str, options: Mapping[str, Mapping[str, str]]) -> bool:
    if name in {"from", "to"}:
        return _day(value) is not None
    return value in options[name]


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Days beyond have no neighbor in every time zone.
    return day if date(1900, 1, 1) <= day <= date(9000, 1, 1) else None


def _owner(owner: str | None, me: int, colleagues: list[Colleague]) -> dict[str, Any]:
    match owner:
        case None:
            return {}
        case "me":
            return {"owner_id": me}
        case "nobody":
            return {"is_unowned": True}
        case "left":
            return {"owner_not_in": [person.staff_id for person in readers(colleagues)]}
        case _:
            return {"owner_id": int(owner)}


def _filter(
    view: str, states: Iterable[State], chosen: Mapping[str, str], time_zone: str, now: datetime
) -> Filter:
    state = chosen.get("state")
    received_from, received_before = _received(chosen, time_zone, now)
    return replace(
        due_today(time_zone, now) if view == "due" else Filter(states=()),
        states=(state,) if state else tuple(state.value for state in states),
        kind=chosen.get("kind"),
        ranks=_URGENCIES[chosen["urgency"]][1] if "urgency" in chosen else (),
        article_class=chosen.get("class"),
        language=chosen.get("language"),
        received_from=received_from,
        received_before=received_before,
    )


def due_today(time_zone: str, now: datetime) -> Filter:
    """Whatever is owed by the end of the clinic's day, the overdue among it."""
    tomorrow = now.astimezone(ZoneInfo(time_zone)).date() + timedelta(days=1)
    midnight = datetime.combine(tomorrow, time(), ZoneInfo(time_zone)).astimezone(UTC)
    states = tuple(state.value for state in VIEWS["due"][1])
    return Filter(states, due_before=midnight)


def _received(
    chosen: Mapping[str, str], time_zone: str, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """From the later of two beginnings to the earlier of two ends."""
    begins, ends = [], []
    zone = ZoneInfo(time_zone)
    if first := _day(chosen.get("from", "")):
        begins.append(datetime.combine(first, time(), zone))
    if last := _day(chosen.get("to", "")):
        ends.append(datetime.combine(last + timedelta(days=1), time(), zone))
    if "waiting" in chosen:
        _, least, most = _WAITING[chosen["waiting"]]
        if least:
            ends.append(now - timedelta(hours=least))
        if most:
            begins.append(now - timedelta(hours=most))
    return max(begins, default=None), min(ends, default=None)
