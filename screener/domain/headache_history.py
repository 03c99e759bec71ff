"""The headache history: what was said, in the order and the short words in which a clinician reads it.

Made from a transcript, so every cell names the one answer it comes from, and "not asked", "not sure" and
"skipped" stay what they were.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from screener.domain.answers import Status
from screener.domain.question import NONE_CODE, Question
from screener.domain.questionnaire import (
    ACUTE_DAYS,
    ACUTE_OTHER_NAME,
    ACUTE_OVER_3_MONTHS,
    ACUTE_RELIEF,
    ACUTE_TRIED,
    AGE,
    ANY_ACUTE_DAYS,
    ATTACKS_EVER,
    AURA_CLEARS,
    AURA_EACH,
    AURA_EVER,
    AURA_IN_A_ROW,
    AURA_ONE_SIDE,
    AURA_POSITIVE,
    AURA_SPREAD,
    AURA_TO_PAIN,
    AURA_TYPES,
    BREAK_CAUSE,
    COMES_BACK,
    CONSTANT,
    CONTINUOUS_SINCE_START,
    DAYS_LOST,
    DEBIL_DAYS,
    DEBIL_MONTHS,
    DHE_TRIED,
    HEAD_DAYS,
    KEEP_DOWN,
    KET_CONDITIONS,
    KET_ESCORT,
    KET_MEDICINES,
    LIFESTYLE_RELIEF,
    LONGEST_BREAK,
    MIG_DAYS,
    MONTHS_AT_RATE,
    NOW_AS_USUAL,
    NOW_LENGTH,
    NOW_PAIN,
    NOW_RELIEF,
    NOW_STOPS_ME,
    OTHER_TRIED,
    OWN_WORDS,
    PREGNANCY,
    PREVENTIVE_OTHER_NAME,
    PREVENTIVE_OUTCOME,
    PREVENTIVES_TRIED,
    PULSATING,
    SEVERITY,
    SIDE,
    STOPS_ME,
    SYMPTOMS,
    TOLD_MIGRAINE,
    TREATED_LENGTH,
    TRIGGERS,
    TRIPTANS_COUNT,
    UNTREATED_LENGTH,
    USUAL_RELIEF,
    WORSE_ON_ACTIVITY,
    YEARS_WITH,
)
from screener.domain.transcript import NOT_ASKED, NOT_SURE, SKIPPED

_WHY_UNTOLD: Final = ((SKIPPED, Status.SKIPPED.value), (NOT_ASKED, Status.NOT_ASKED.value))

# By the codes of `acute_tried` and `preventives_tried`.
ACUTE_CLASSES: Final = {
    "triptan": "Triptan",
    "simple_analgesic": "Acetaminophen",
    "nsaid": "Aspirin or other NSAID",
    "combination": "Combination analgesic",
    "opioid": "Opioid",
    "ergot": "Ergot",
    "gepant": "Gepant",
    "ditan": "Ditan",
    "antiemetic": "Antiemetic",
    "other": "Other",
}
PREVENTIVE_CLASSES: Final = {
    "beta_blocker": "Beta blocker",
    "antiepileptic": "Antiepileptic",
    "antidepressant": "Antidepressant",
    "cgrp": "CGRP antibody or gepant",
    "ace_arb": "ACE inhibitor or ARB",
    "botulinum": "Botulinum toxin",
    "calcium_channel": "Calcium-channel blocker",
    "other": "Other",
}
CAUTIONS: Final = {
    "ket_heart": "Heart, vessels, blood pressure",
    "ket_pregnant": "Pregnant, may be, or breast-feeding",
    "ket_psychosis": "Psychosis or mania, now or before",
    "ket_substance": "Alcohol, drugs, ketamine misuse",
    "ket_liver": "Liver",
    "ket_head_pressure": "Raised pressure, bleed, tumor, seizures, head injury",
    "ket_eye": "Glaucoma, eye injury or surgery",
    "ket_allergy": "Reaction to ketamine or anesthesia",
    "ket_thyroid": "Overactive thyroid",
    "ket_bladder": "Bladder or urinary trouble",
}

_PLAIN: Final[Mapping[str, Mapping[str, Question]]] = {
    "Course": {
        "Headache days in the last 30": HEAD_DAYS,
        "Migraine days among them": MIG_DAYS,
        "At 15 or more days a month for": MONTHS_AT_RATE,
        "Began on one day, never let up": CONTINUOUS_SINCE_START,
        "Headaches for": YEARS_WITH,
        "Attacks so far": ATTACKS_EVER,
        "Called migraine by a clinician": TOLD_MIGRAINE,
    },
    "Usual attack": {
        "Lasts, without medicine": UNTREATED_LENGTH,
        "Lasts, with medicine": TREATED_LENGTH,
        "Eases, then comes back for over 3 days": COMES_BACK,
        "Worst pain, 0 to 10": SEVERITY,
        "Side": SIDE,
        "Constant": CONSTANT,
        "Pulsating": PULSATING,
        "Worse on activity, or avoids it": WORSE_ON_ACTIVITY,
        "With the pain": SYMPTOMS,
        "Triggers": TRIGGERS,
    },
    "Attack now": {
        "In an attack": NOW_PAIN,
        "Has lasted": NOW_LENGTH,
        "Relief so far": NOW_RELIEF,
        "Keeps drinks and medicine down": KEEP_DOWN,
        "Longest break": LONGEST_BREAK,
        "Break came with": BREAK_CAUSE,
        "Stops usual activities": NOW_STOPS_ME,
        "Like earlier attacks": NOW_AS_USUAL,
    },
    "Aura": {
        "Ever": AURA_EVER,
        "Kind": AURA_TYPES,
        "Each sign lasts": AURA_EACH,
        "Clears fully": AURA_CLEARS,
        "Spreads over": AURA_SPREAD,
        "Signs in succession": AURA_IN_A_ROW,
        "One-sided": AURA_ONE_SIDE,
        "Sparkles, pins and needles": AURA_POSITIVE,
        "Headache follows": AURA_TO_PAIN,
    },
    "Effect on life": {
        "Days lost in the last 3 months": DAYS_LOST,
        "Usual activities in an attack": STOPS_ME,
        "Days a month stopped despite medicine": DEBIL_DAYS,
        "Months in a row with 8 or more": DEBIL_MONTHS,
    },
}
_ACUTE_USE: Final[Mapping[str, Question]] = {
    "Any of these, days of 30": ANY_ACUTE_DAYS,
    "This often for over 3 months": ACUTE_OVER_3_MONTHS,
    "Relief in general, to the next day": USUAL_RELIEF,
    "Different triptans": TRIPTANS_COUNT,
    "DHE, nasal or injected": DHE_TRIED,
}
_OTHER_WAYS: Final[Mapping[str, Question]] = {
    "Tried": OTHER_TRIED,
    "Changes in daily life helped": LIFESTYLE_RELIEF,
}

# A line of a stored transcript (transcript.Line as a document).
StoredLine = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """What one answer says; `source` is the id of its question."""

    words: str
    source: str
    status: Status = Status.ANSWERED

    @property
    def is_told(self) -> bool:
        """Whether the person said something, if only that they are not sure."""
        return self.status in {Status.ANSWERED, Status.NOT_SURE}


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a section; `source` is the answer that called for it, where it is not the cell's own."""

    label: str
    cells: tuple[Cell, ...]
    source: str = ""
    is_warning: bool = False

    @property
    def is_told(self) -> bool:
        return bool(self.source) or any(cell.is_told for cell in self.cells)


class Untold(NamedTuple):
    """Rows that nobody told, and why in words and as a status."""

    words: str
    status: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]
    # Heads of the cells, where a row has several.
    columns: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.is_told)

    @property
    def gaps(self) -> tuple[Untold, ...]:
        """Rows of which nothing is known, by why; only what there is."""
        found = (Untold(words, status, self.untold(status)) for words, status in _WHY_UNTOLD)
        return tuple(gap for gap in found if gap.rows)

    def untold(self, status: str) -> tuple[Row, ...]:
        """Rows of which nothing is known because they were "skipped" or "not_asked"."""
        wanted = Status(status)
        return tuple(row for row in self.rows if not row.is_told and row.cells[0].status is wanted)


@dataclass(frozen=True, slots=True)
class Bar:
    """A count of days, to be drawn beside others; `value` is None where it is not known."""

    label: str
    value: int | None
    out_of: int
    source: str


@dataclass(frozen=True, slots=True)
class HeadacheHistory:
    """The parts of the page, top to bottom. The sentence's plain words are strings between the cells."""

    situation: tuple[str | Cell, ...]
    sections: tuple[Section, ...]
    bars: tuple[Bar, ...]
    own_words: Cell

    @property
    def sentence(self) -> str:
        return "".join(piece if isinstance(piece, str) else piece.words for piece in self.situation)


def history_of(lines: Iterable[StoredLine]) -> HeadacheHistory:
    """The history in a transcript (documents of `transcript.Line`, in English)."""
    said = _Said({line["id"]: line for line in lines})
    return HeadacheHistory(
        situation=tuple(_situation(said)),
        sections=tuple(_sections(said)),
        bars=tuple(_bars(said)),
        own_words=said.cell(OWN_WORDS),
    )


class _Said:
    """Answers by their question."""

    def __init__(self, lines: Mapping[str, StoredLine]) -> None:
        self._lines = lines

    def cell(self, question: Question) -> Cell:
        line = self._lines.get(question.id)
        if line is None:
            return Cell(NOT_ASKED, question.id, Status.NOT_ASKED)
        return Cell(line["said"], question.id, Status(line["status"]))

    def value(self, question: Question) -> Any:
        line = self._lines.get(question.id)
        return line["value"] if line else None

    def codes(self, question: Question) -> tuple[str, ...]:
        return tuple(self.value(question) or ())


def _sections(said: _Said) -> Iterator[Section]:
    for title, rows in _PLAIN.items():
        yield Section(title, _rows(said, rows))
    yield Section(
        "Medicines for attacks",
        (*_medicines(said), *_rows(said, _ACUTE_USE)),
        ("Relief", "Days of 30"),
    )
    yield Section("Preventives", tuple(_preventives(said)))
    yield Section("Other ways", _rows(said, _OTHER_WAYS))
    yield Section("Ketamine cautions", tuple(_cautions(said)))


def _rows(said: _Said, rows: Mapping[str, Question]) -> tuple[Row, ...]:
    return tuple(Row(label, (said.cell(question),)) for label, question in rows.items())


def _medicines(said: _Said) -> Iterator[Row]:
    codes = [code for code in said.codes(ACUTE_TRIED) if code in ACUTE_RELIEF]
    if not codes:
        yield Row("Tried", (said.cell(ACUTE_TRIED),))
    for code in codes:
        cells = (said.cell(ACUTE_RELIEF[code]), said.cell(ACUTE_DAYS[code]))
        yield Row(ACUTE_CLASSES[code], cells, source=ACUTE_TRIED.id)
        if code == "other":
            yield Row("Name of the other", (said.cell(ACUTE_OTHER_NAME),))


def _preventives(said: _Said) -> Iterator[Row]:
    codes = [code for code in said.codes(PREVENTIVES_TRIED) if code in PREVENTIVE_OUTCOME]
    if not codes:
        yield Row("Tried", (said.cell(PREVENTIVES_TRIED),))
    for code in codes:
        cell = said.cell(PREVENTIVE_OUTCOME[code])
        yield Row(PREVENTIVE_CLASSES[code], (cell,), source=PREVENTIVES_TRIED.id)
        if code == "other":
            yield Row("Name of the other", (said.cell(PREVENTIVE_OTHER_NAME),))


def _cautions(said: _Said) -> Iterator[Row]:
    """What asks for care first, then the rest."""
    rows = [
        *(
            _caution(said, CAUTIONS[question.id], question, {"yes", "rather_in_person"})
            for question in KET_CONDITIONS
        ),
        _caution(said, "Other medicines", KET_MEDICINES, set(KET_MEDICINES.codes) - {NONE_CODE}),
        _caution(said, "An adult can take them home", KET_ESCORT, {False}),
    ]
    return iter(sorted(rows, key=lambda row: not row.is_warning))


def _caution(said: _Said, label: str, question: Question, asks_for_care: Collection[object]) -> Row:
    cell, value = said.cell(question), said.value(question)
    found = set(value) if isinstance(value, list | tuple) else {value}
    # "Not sure" is never a "no".
    is_warning = cell.status is Status.NOT_SURE or any(one in asks_for_care for one in found)
    return Row(label, (cell,), is_warning=is_warning)


def _bars(said: _Said) -> Iterator[Bar]:
    for label, question, out_of in (
        ("Headache days", HEAD_DAYS, 30),
        ("Migraine days", MIG_DAYS, 30),
        ("Days with medicine for attacks", ANY_ACUTE_DAYS, 30),
        ("Days lost in 3 months", DAYS_LOST, 92),
    ):
        yield Bar(label, said.value(question), out_of, question.id)


# The words before, the answer, the words after. What is not known is left out: the sections tell why.
_SITUATION: Final = (
    ("Aged ", AGE, ""),
    (", ", PREGNANCY, ""),
    ("; head pain on ", HEAD_DAYS, " of the last 30"),
    (", migraine on ", MIG_DAYS, ""),
    (", so often for ", MONTHS_AT_RATE, ""),
    ("; attacks last ", UNTREATED_LENGTH, " without medicine"),
    (", with medicine ", TREATED_LENGTH, ""),
    ("; relief from medicine: ", USUAL_RELIEF, ""),
    ("; this attack has lasted ", NOW_LENGTH, ""),
)
_SAYS_NOTHING: Final = {PREGNANCY.id: {"no"}, TREATED_LENGTH.id: {"never_treated"}}


def _situation(said: _Said) -> Iterator[str | Cell]:
    began = False
    for before, question, after in _SITUATION:
        cell = said.cell(question)
        if cell.status is not Status.ANSWERED or said.value(question) in _SAYS_NOTHING.get(question.id, ()):
            continue
        yield before if began else before.lstrip(",; ").capitalize()
        yield Cell(cell.words[:1].lower() + cell.words[1:], cell.source, cell.status)
        yield after
        began = True
    yield "." if began else f"Nothing was said about the headaches ({NOT_SURE.lower()} or {SKIPPED.lower()})."


# ---------------------------------------------------------------- over time


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that reads otherwise than in an earlier history."""

    section: str
    label: str
    was: str
    now: str
    # The answer that says so now.
    source: str


def changes_between(was: HeadacheHistory, now: HeadacheHistory) -> tuple[ChangedRow, ...]:
    """Rows of either history that differ, in the order of the page; what nobody told is no change."""
    before, after = _by_place(was), _by_place(now)
    return tuple(
        ChangedRow(*place, _words(before.get(place)), _words(after.get(place)), row.cells[0].source)
        for place, row in {**before, **after}.items()
        if _words(before.get(place)) != _words(after.get(place))
        and any(found.is_told for found in (before.get(place), after.get(place)) if found)
    )


def _by_place(history: HeadacheHistory) -> dict[tuple[str, str], Row]:
    return {(section.title, row.label): row for section in history.sections for row in section.rows}


def _words(row: Row | None) -> str:
    return "; ".join(cell.words for cell in row.cells) if row else NOT_ASKED
