"""What a FHIR search asks for, read from its parameters, or refused in words."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from screener.exports.fhir.consultation import identifier_system, reference_of_answers
from screener.exports.fhir.server import SERVED
from screener.exports.fhir.terms import canonical
from screener.store.queue import Filter
from screener.web.fhir_requests import TOLD_STATES
from screener.web.operations import FieldProblem, RefusedError

Parameters = MultiDict[str, str]

MOST: Final = 50
_AUTHORED: Final = "authored"
_KNOWN: Final = frozenset({*SERVED["QuestionnaireResponse"][1], "_count", "after"})
_UNREADABLE: Final = 400
# Far from the ends of the calendar, whatever a time zone makes of it.
_YEARS: Final = range(2000, 3000)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Asked:
    chosen: Filter
    count: int
    # The reference where the page before ended.
    after: str | None


def read_search(sent: Parameters, *, base_url: str, time_zone: str) -> Asked:
    """Raises RefusedError. A day begins at midnight of `time_zone`."""
    refuse_others(sent, _KNOWN, may_repeat={_AUTHORED})
    bounds = [_bound(each, time_zone) for each in sent.getlist(_AUTHORED)]
    reference = _reference(sent.get("identifier"), base_url)
    url, _, version = sent.get("questionnaire", canonical(base_url, "Questionnaire")).partition("|")
    can_match = reference != "" and url == canonical(base_url, "Questionnaire")
    chosen = Filter(
        states=TOLD_STATES if can_match else (),
        reference=reference,
        questionnaire_version=version or None,
        received_from=max((at for prefix, at in bounds if prefix == "ge"), default=None),
        received_before=min((at for prefix, at in bounds if prefix == "lt"), default=None),
    )
    return Asked(chosen, _count(sent.get("_count")), sent.get("after"))


def refuse_others(
    sent: Parameters, known: Collection[str], *, may_repeat: Collection[str] = frozenset()
) -> None:
    """Raises RefusedError for what is not known, or there twice: it would be answered as if not asked."""
    problems = [
        FieldProblem(field=name, problem=f"is not known here; known are {', '.join(sorted(known))}")
        for name in sent
        if name not in known
    ]
    problems += [
        FieldProblem(field=name, problem="may be there once")
        for name, values in sent.lists()
        if name in known and len(values) > 1 and name not in may_repeat
    ]
    problems += [
        FieldProblem(field=name, problem="holds what is no text")
        for name, value in sent.items(multi=True)
        if not value.isprintable()
    ]
    if problems:
        raise RefusedError(_UNREADABLE, "The search is not as it should be.", problems)


def _refuse(name: str, words: str) -> RefusedError:
    return RefusedError(_UNREADABLE, words, [FieldProblem(field=name, problem=words)])


def _reference(identifier: str | None, base_url: str) -> str | None:
    """Of the request; empty where the identifier is none of ours."""
    if identifier is None:
        return None
    system, bar, value = identifier.rpartition("|")
    return reference_of_answers(value) if not bar or system == identifier_system(base_url) else ""


def _bound(given: str, time_zone: str) -> tuple[str, datetime]:
    prefix, text = given[:2], given[2:]
    try:
        moment = _moment(text, time_zone)
    except ValueError:
        moment = None
    if prefix not in {"ge", "lt"} or moment is None:
        words = "write ge or lt and a day or a moment: ge2026-01-31, lt2026-01-31T12:00:00Z (a + as %2B)"
        raise _refuse(_AUTHORED, words)
    return prefix, moment


def _moment(text: str, time_zone: str) -> datetime | None:
    if _DAY.fullmatch(text):
        found = datetime.combine(date.fromisoformat(text), time(), ZoneInfo(time_zone))
    else:
        found = datetime.fromisoformat(text)
    return found if found.tzinfo and found.year in _YEARS else None


def _count(given: str | None) -> int:
    if given is None:
        return MOST
    if not re.fullmatch("[0-9]{1,2}", given) or not 1 <= int(given) <= MOST:
        raise _refuse("_count", f"must be a whole number from 1 to {MOST}")
    return int(given)
