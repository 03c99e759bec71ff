"""One classifier for the web, the command and stored screenings: urgency, then class, then the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from screener.domain.answers import Answers, read_answers
from screener.domain.classification import Classification, classify_answers
from screener.domain.clinical_flags import ClinicalFlags, judge_flags
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.urgency import Urgency, judge_urgency
from screener.domain.verdict import Criterion, Judgement
from screener.domain.versions import CRITERIA_VERSION
from screener.domain.what_if import class_changes


@dataclass(frozen=True, slots=True)
class Screening:
    answers: Answers
    urgency: Urgency
    classification: Classification
    clinical: ClinicalFlags


def screen(answers: Answers) -> Screening:
    """All that is judged of one person's answers."""
    return Screening(answers, judge_urgency(answers), classify_answers(answers), judge_flags(answers))


def restore_answers(stored: Mapping[str, Any], *, from_outside: bool = False) -> Answers:
    """Answers as they were stored: JSON knows lists where a choice of several is a tuple."""
    raw = {i: tuple(value) if isinstance(value, list) else value for i, value in stored.items()}
    return Answers(QUESTIONNAIRE, raw, from_outside=from_outside)


def classify(raw: Mapping[str, object], *, brief: bool = False) -> dict[str, Any]:
    """The JSON object of `screener classify` for one object of answers.

    `brief` leaves out the reasons and `would_change`. Raises AnswerError.
    """
    answers = Answers(QUESTIONNAIRE, read_answers(QUESTIONNAIRE, raw), from_outside=True)
    return report(screen(answers), brief=brief)


def report(screening: Screening, *, brief: bool = False) -> dict[str, Any]:
    """The object that `classify` tells of, made of a screening: plain data, ready for JSON."""
    found = screening.classification
    full: dict[str, Any] = {
        "urgency": screening.urgency.level.value,
        "red_flags": list(screening.urgency.red_flags),
        "conflicts": [list(pair) for pair in (*found.conflicts, *screening.clinical.conflicts)],
        "ignored": list(screening.answers.ignored),
        "article_class": found.article_class.value,
        "chronic": _judgement(found.chronic, brief=brief),
        "intractable": _judgement(found.intractable, brief=brief),
        "regular": _judgement(found.regular, brief=brief),
        "clinical": {flag: judged.verdict.value for flag, judged in screening.clinical.flags.items()},
        "close_to_the_line": found.close_to_the_line,
    }
    if not brief:
        full["would_change"] = [change.as_document() for change in class_changes(screening.answers)]
    return {**full, "criteria_version": CRITERIA_VERSION}


def clinical_report(screening: Screening) -> dict[str, Any]:
    """The clinical flags with their reasons, and the remarks that explain them."""
    return {
        "flags": {flag: _judgement(found, brief=False) for flag, found in screening.clinical.flags.items()},
        "remarks": list(screening.clinical.remarks),
    }


def _judgement(judgement: Judgement, *, brief: bool) -> dict[str, Any]:
    verdict = {"verdict": judgement.verdict.value}
    return verdict if brief else {**verdict, "criteria": [_criterion(c) for c in judgement.criteria]}


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        "id": criterion.id,
        "verdict": criterion.verdict.value,
        "source": criterion.source,
        "said": {i: list(v) if isinstance(v, tuple) else v for i, v in criterion.said.items()},
        "missing": list(criterion.missing),
    }
