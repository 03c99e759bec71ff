"""The clinician's pages: one submission as a history, and what would change its verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for

from screener.domain.answers import Answers
from screener.domain.clinical_words import NOT_JUDGED
from screener.domain.confirmation import Check, ReviewedLine
from screener.domain.explanation import VERDICT_WORDS
from screener.domain.headache_history import changes_between
from screener.domain.notices import DISCLAIMER
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import report, screen
from screener.domain.transcript import said
from screener.domain.verdict import Verdict
from screener.domain.what_if import CHANGEABLE, Change, class_changes, flag_changes
from screener.exports.summary import Note, headache_note
from screener.store.duplicates import list_same_person
from screener.web.access import db, staff_only
from screener.web.confirm import ReviewShown, review_of
from screener.web.copies import NEEDED, can_make_pdf, send_pdf
from screener.web.forms import copy_form
from screener.web.languages import LANGUAGES
from screener.web.pages import local
from screener.web.records import CLASS_LABELS, DESK_WORDS, URGENCY_LABELS, Record, open_record
from screener.web.refusals import INVALID
from screener.web.verdict_rows import VerdictRow, beside, flag_name

history = Blueprint("history", __name__, url_prefix="/desk")


@history.get("/<clinic_slug>/requests/<reference>/history")
@staff_only
def show(reference: str) -> str:
    record = open_record(reference)
    return render_template(
        "history/show.html",
        record=record,
        can_make_pdf=can_make_pdf(),
        pdf_needs=NEEDED,
        **_confirmed(record),
        **_over_time(record),
        **DESK_WORDS,
    )


def _confirmed(record: Record) -> dict[str, Any]:
    """What clinicians made of it: words by id, none where the answer stands as said."""
    review = review_of(record)
    return {
        "review": review,
        "confirmed": {
            line.id: "" if line.status == Check.AS_SAID.value else _made_of(line)
            for line in review.lines.values()
            if line.status != Check.UNCHECKED.value
        },
        "signature": _signature(review),
    }


def _made_of(line: ReviewedLine) -> str:
    return "falls away" if line.status == Check.RULED_OUT.value else line.confirmed_words


def _signature(review: ReviewShown) -> str:
    if not review.signed:
        return "Not signed by a clinician."
    number, at, name, _ = review.signed[-1]
    return f"Signed by {name}, {local(at, g.staff_clinic.time_zone)}, version {number}."


def _over_time(record: Record) -> dict[str, Any]:
    """What changed since the person's request before this one; opening it is written down too."""
    here = record.consultation
    linked = list_same_person(db(), here)
    before = [other for other in linked if other.received_at < here.received_at]
    was = open_record(before[-1].reference) if before else None
    return {
        "linked": linked,
        "was": was,
        "changes": changes_between(was.history, record.history) if was else (),
        "moved": list(_moved(was, record)) if was else [],
    }


def _moved(was: Record, now: Record) -> Iterator[tuple[str, str, str]]:
    """Verdicts that are not what they were, as concluded each day."""
    pairs = [
        ("Articles", CLASS_LABELS[was.screening.article_class], CLASS_LABELS[now.screening.article_class]),
        *(
            (flag_name(after.id), before.verdict_words, after.verdict_words)
            for after in now.clinical
            for before in was.clinical
            if before.id == after.id
        ),
    ]
    return (pair for pair in pairs if pair[1] != pair[2])


@history.get("/<clinic_slug>/requests/<reference>/history.pdf")
@staff_only
def pdf(reference: str) -> Any:
    """One Letter page where it fits; `?answers=all` adds every question and answer."""
    if not can_make_pdf():
        return redirect(url_for("history.show", clinic_slug=g.staff_clinic.slug, reference=reference), 303)
    record = open_record(reference)
    page = render_template(
        "history/paper.html",
        record=record,
        with_answers=request.args.get("answers") == "all",
        made_at=datetime.now(UTC),
        **_confirmed(record),
        **DESK_WORDS,
    )
    return send_pdf(page, "history_paper.css", f"headache-history-{record.consultation.reference}.pdf")


@history.get("/<clinic_slug>/requests/<reference>/history/text")
@staff_only
def text(reference: str) -> str:
    """The history as plain text, to be copied into any record."""
    record = open_record(reference)
    return render_template("history/text.html", record=record, note=headache_note(_as_note(record)))


@history.route("/<clinic_slug>/requests/<reference>/what-if", methods=["GET", "POST"])
@staff_only
def what_if(reference: str) -> Any:
    """Answers changed on a copy, every verdict beside the first; nothing is saved."""
    record = open_record(reference)
    answers = record.answers
    form = copy_form(answers, request.form if request.method == "POST" else None)
    valid = request.method == "POST" and form.validate()
    rows: list[VerdictRow] = []
    if valid:
        changed = Answers(QUESTIONNAIRE, form.answers, from_outside=True)
        rows = list(beside(*(report(screen(each), brief=True) for each in (answers, changed))))
    return render_template(
        "history/what_if.html",
        record=record,
        form=form,
        pages=[(page, [q.id for q in page.questions if q in CHANGEABLE]) for page in QUESTIONNAIRE.pages],
        rows=rows,
        near=list(_near(answers)),
    ), INVALID if request.method == "POST" and not valid else 200


def _as_note(record: Record) -> Note:
    """All that the note says of a request."""
    time_zone = g.staff_clinic.time_zone
    made = _confirmed(record)
    return Note(
        confirmed=made["confirmed"],
        notes=made["review"].notes,
        identity=(*_identity(record, time_zone), ("Signature", made["signature"])),
        safety=tuple(_safety(record, time_zone)),
        history=record.history,
        verdicts=(
            *((c.name, f"article {c.source}", c.verdict_words) for c in record.classes),
            *((flag.words.name, flag.words.source, flag.verdict_words) for flag in record.clinical),
        ),
        remarks=tuple(record.remarks),
        shown=tuple(
            (line["shown"]["wording"], line["shown"]["said"]) for line in record.lines if "shown" in line
        ),
        footer=tuple(_footer(record)),
    )


def _identity(record: Record, time_zone: str) -> Iterator[tuple[str, str]]:
    contact, consultation = record.contact, record.consultation
    yield "Name", contact["contact_name"]
    yield "Born", contact["contact_birth_date"]
    yield "Reference", consultation.reference
    yield "Received", local(consultation.received_at, time_zone)
    yield "Answered in", LANGUAGES[record.language]
    if record.for_other:
        yield "Filled in by", "someone else, for the patient"
    if record.entered_by:
        yield "Entered by", f"{record.entered_by}, by telephone"


def _safety(record: Record, time_zone: str) -> Iterator[str]:
    level = URGENCY_LABELS[record.consultation.urgency_rank]
    yield f"{level}{': ' if record.flags else ''}{'; '.join(record.flags)}"
    for at, words, flags in record.safety_events:
        yield f"{local(at, time_zone)}, at the emergency page: {words} ({'; '.join(flags)})"
    for one, other in record.conflicts:
        yield (
            f"These answers do not fit each other: {one.wording} {one.words} / {other.wording} {other.words}"
        )


def _footer(record: Record) -> Iterator[str]:
    yield DISCLAIMER
    yield NOT_JUDGED
    yield (
        f"Questionnaire {record.screening.questionnaire_version},"
        f" criteria {record.screening.criteria_version}, consent {record.consultation.consent_version}."
    )


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
        yield flag_name(flag), [_row(answers, c, VERDICT_WORDS[Verdict(c.becomes)]) for c in found]


def _row(answers: Answers, change: Change, becomes: str) -> NearRow:
    question = QUESTIONNAIRE.get(change.id)
    now = said(question, answers[question]) if answers.said(question) else "not answered"
    return NearRow(question.stem, now, said(question, change.to), becomes)
