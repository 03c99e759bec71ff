"""The clinician's pages: one submission as a history, and what would change its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request

from screener.domain.answers import Answers
from screener.domain.clinical_words import FLAG_WORDS
from screener.domain.explanation import VERDICT_WORDS
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import Screening, screen
from screener.domain.transcript import said
from screener.domain.verdict import Verdict
from screener.domain.what_if import CHANGEABLE, Change, class_changes, flag_changes
from screener.web.access import staff_only
from screener.web.forms import copy_form
from screener.web.records import CLASS_LABELS, DESK_WORDS, open_record

history = Blueprint("history", __name__, url_prefix="/desk")

INVALID = 422


@history.get("/<clinic_slug>/requests/<reference>/history")
@staff_only
def show(reference: str) -> str:
    return render_template("history/show.html", record=open_record(reference), **DESK_WORDS)


@history.route("/<clinic_slug>/requests/<reference>/what-if", methods=["GET", "POST"])
@staff_only
def what_if(reference: str) -> Any:
    """Answers changed on a copy, every verdict beside the first; nothing is saved."""
    record = open_record(reference)
    answers = record.answers
    form = copy_form(answers, request.form if request.method == "POST" else None)
    valid = request.method == "POST" and form.validate()
    changed = Answers(QUESTIONNAIRE, form.answers, from_outside=True) if valid else answers
    return render_template(
        "history/what_if.html",
        record=record,
        form=form,
        pages=[(page, [q.id for q in page.questions if q in CHANGEABLE]) for page in QUESTIONNAIRE.pages],
        rows=list(zip(_verdicts(screen(answers)), _verdicts(screen(changed)), strict=True)) if valid else [],
        near=list(_near(answers)),
    ), INVALID if request.method == "POST" and not valid else 200


def _verdicts(found: Screening) -> Iterator[tuple[str, str]]:
    yield "Urgency", found.urgency.level.value.capitalize()
    yield "Articles", CLASS_LABELS[found.classification.article_class.value]
    for flag, judged in found.clinical.flags.items():
        yield _name(flag), VERDICT_WORDS[judged.verdict]


def _name(flag: str) -> str:
    words = FLAG_WORDS[flag]
    return f"{words.name} ({words.source})"


@dataclass(frozen=True)
class NearRow:
    """One answer that, changed alone, moves a verdict."""

    wording: str
    said: str
    to: str
    becomes: str


def _near(answers: Answers) -> Iterator[tuple[str, list[NearRow]]]:
    """For the class and each flag, the single answers that would change it."""
    yield "Articles", [_row(answers, c, CLASS_LABELS[c.becomes]) for c in class_changes(answers)]
    for flag, found in flag_changes(answers).items():
        yield _name(flag), [_row(answers, c, VERDICT_WORDS[Verdict(c.becomes)]) for c in found]


def _row(answers: Answers, change: Change, becomes: str) -> NearRow:
    question = QUESTIONNAIRE.get(change.id)
    now = said(question, answers[question]) if answers.said(question) else "not answered"
    return NearRow(question.stem, now, said(question, change.to), becomes)
