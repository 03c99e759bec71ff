"""Replay: every stored screening judged again by today's rules, beside what was concluded that day.

Only reads. Shows verdicts and references, never an answer or a name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from screener.domain.clinical_flags import FLAGS
from screener.domain.screening import classify
from screener.domain.versions import CRITERIA_VERSION
from screener.store.clinics import list_clinics
from screener.store.consultations import find_reference
from screener.store.database import Database, begin_reading
from screener.store.errors import StoreError
from screener.store.screenings import SealedScreening, list_sealed_screenings, open_screening
from screener.store.tenancy import enter_clinic

# A page is read in a transaction of its own, so that a long replay holds up no writer.
_PAGE: Final = 100
# Stored before a flag was judged at all.
NOT_JUDGED: Final = "not judged"

Verdicts = Mapping[str, str]


class ClinicName(NamedTuple):
    """A clinic to replay."""

    id: UUID
    slug: str


class Change(NamedTuple):
    """What one verdict was that day, and what it is by today's rules."""

    verdict: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.was} -> {self.now}"


@dataclass(frozen=True)
class Changed:
    """A screening whose verdicts changed, by the reference of its request."""

    clinic: str
    reference: str
    changes: tuple[Change, ...]

    def as_line(self) -> str:
        return f"{self.reference} ({self.clinic})  {'; '.join(map(str, self.changes))}"


@dataclass(frozen=True)
class Unreadable:
    """A screening that could not be opened, or whose answers today's questions cannot read."""

    clinic: str
    screening_id: UUID

    def as_line(self) -> str:
        return f"screening {self.screening_id} ({self.clinic})  could not be opened or read"


def list_clinic_ids(database: Database, slug: str | None = None) -> list[ClinicName]:
    """All clinics, the disabled too, or the one of that name; but none whose keys are gone."""
    with database.new_session() as session:
        begin_reading(session)
        named = [
            ClinicName(clinic.id, clinic.slug) for clinic in list_clinics(session) if not clinic.shredded_at
        ]
    return [clinic for clinic in named if slug in {None, clinic.slug}]


class Replay:
    """A run over some clinics; what it counted is there when `run` has come to its end."""

    def __init__(self, database: Database, clinics: Iterable[ClinicName]) -> None:
        self._database = database
        self._clinics = tuple(clinics)
        self._counts: Counter[Change] = Counter()
        self.replayed = 0
        self.changed = 0
        self.unreadable = 0

    def run(self) -> Iterator[Changed | Unreadable]:
        """The screenings to be told of one by one, clinic by clinic, the oldest first."""
        for clinic in self._clinics:
            # A session sees one clinic alone: each gets its own.
            with self._database.new_session() as session:
                enter_clinic(session, clinic.id)
                yield from self._replay_clinic(session, clinic.slug)

    def _replay_clinic(self, session: Session, slug: str) -> Iterator[Changed | Unreadable]:
        last: UUID | None = None
        while True:
            begin_reading(session)
            page = list_sealed_screenings(session, after=last, limit=_PAGE)
            found = [told for row in page if (told := self._replay(session, slug, row))]
            session.rollback()
            yield from found
            if len(page) < _PAGE:
                return
            last = page[-1].id

    def _replay(self, session: Session, slug: str, screening: SealedScreening) -> Changed | Unreadable | None:
        try:
            document = open_screening(session, screening)
            was, now = _verdicts(document["report"]), _verdicts(classify(document["answers"], brief=True))
        except (StoreError, ValueError, LookupError, TypeError, AttributeError):
            # Whatever is wrong with it, the others are still replayed. What it says is not shown.
            self.unreadable += 1
            return Unreadable(slug, screening.id)
        compared = [Change(verdict, was.get(verdict, NOT_JUDGED), now[verdict]) for verdict in now]
        self._counts.update(compared)
        self.replayed += 1
        changes = tuple(change for change in compared if change.was != change.now)
        if not changes:
            return None
        self.changed += 1
        reference = find_reference(session, screening.id) or f"screening {screening.id}"
        return Changed(slug, reference, changes)

    def summary(self) -> Iterator[str]:
        """A line a verdict: how often it stayed as it was; then each was -> now, the most frequent first."""
        yield (
            f"{_count(self.replayed, 'screening')} of {_count(len(self._clinics), 'clinic')}"
            f" by criteria {CRITERIA_VERSION}: {self.changed:,} changed"
        )
        for verdict in ("urgency", "article_class", *FLAGS):
            counts = {change: n for change, n in self._counts.items() if change.verdict == verdict}
            same = sum(n for change, n in counts.items() if change.was == change.now)
            yield f"{verdict}: {same:,} unchanged"
            for change, n in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
                if change.was != change.now:
                    yield f"  {change.was} -> {change.now}: {n:,}"
        if self.unreadable:
            yield f"{_count(self.unreadable, 'screening')} could not be opened or read"


def _verdicts(report: Mapping[str, Any]) -> Verdicts:
    clinical = report.get("clinical", {})
    return {
        "urgency": str(report["urgency"]),
        "article_class": str(report["article_class"]),
        **{flag: str(clinical[flag]) for flag in FLAGS if flag in clinical},
    }


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
