"""Three-valued verdicts (Kleene logic) and the reasons that travel with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from screener.domain.question import Value


class Verdict(Enum):
    """An unknown is never a "no"."""

    MET = "met"
    NOT_MET = "not_met"
    CANNOT_TELL = "cannot_tell"

    @classmethod
    def of(cls, truth: bool | None) -> Verdict:
        if truth is None:
            return cls.CANNOT_TELL
        return cls.MET if truth else cls.NOT_MET


def all_of(*verdicts: Verdict) -> Verdict:
    """Kleene's AND: one "no" decides; else one unknown leaves it open."""
    if Verdict.NOT_MET in verdicts:
        return Verdict.NOT_MET
    return Verdict.CANNOT_TELL if Verdict.CANNOT_TELL in verdicts else Verdict.MET


def any_of(*verdicts: Verdict) -> Verdict:
    """Kleene's OR: one "yes" decides; else one unknown leaves it open."""
    if Verdict.MET in verdicts:
        return Verdict.MET
    return Verdict.CANNOT_TELL if Verdict.CANNOT_TELL in verdicts else Verdict.NOT_MET


def not_(verdict: Verdict) -> Verdict:
    """Kleene's NOT: an unknown stays unknown."""
    swapped = {Verdict.MET: Verdict.NOT_MET, Verdict.NOT_MET: Verdict.MET}
    return swapped.get(verdict, verdict)


def at_least(wanted: int, *verdicts: Verdict) -> Verdict:
    """Whether so many are met; open while the unknown ones could still decide it."""
    met = verdicts.count(Verdict.MET)
    if met >= wanted:
        return Verdict.MET
    possible = met + verdicts.count(Verdict.CANNOT_TELL)
    return Verdict.NOT_MET if possible < wanted else Verdict.CANNOT_TELL


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion judged: what it is, where it stands, what was said and what is missing."""

    id: str
    verdict: Verdict
    source: str
    said: Mapping[str, Value | None]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A class judged, with every criterion that was looked at."""

    verdict: Verdict
    criteria: tuple[Criterion, ...]
