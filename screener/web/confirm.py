"""Said and confirmed: a clinician goes through a history, corrects it, signs it, amends what was signed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.confirmation import (
    TOPICS,
    Check,
    ReviewedLine,
    Topic,
    called_for,
    confirm_unchecked,
    count_checked,
    reviewed_answers,
    reviewed_lines,
)
from screener.domain.consultation import Role
from screener.domain.screening import clinical_report, report, screen
from screener.domain.versions import CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.store.consultations import get_consultation
from screener.store.signed_histories import (
    Histories,
    Signed,
    Working,
    discard_working,
    read_histories,
    save_working,
    sign_history,
)
from screener.store.tables import Consultation
from screener.web.access import clinician_only, db, staff_only
from screener.web.forms import clean_text
from screener.web.pages import local
from screener.web.records import (
    Record,
    WithdrawnError,
    load_record,
    open_record,
)
from screener.web.refusals import CONFLICT, INVALID
from screener.web.request_page import hold_request
from screener.web.review_form import (
    CHOICES,
    LONGEST_REASON,
    Confirmed,
    ReviewForm,
    check_name,
    confirmed_so_far,
    form_of,
    rebased,
)
from screener.web.verdict_rows import VerdictRow, beside

confirm = Blueprint("confirm", __name__, url_prefix="/desk")

LONGEST_NAME: Final = 120
STATEMENT: Final = (
    "I went through this history. What I confirmed and corrected stands as shown here;"
    " what I did not check stays as the patient said it."
)
STATUS_LABELS: Final = {
    Check.UNCHECKED.value: "Not checked",
    Check.AS_SAID.value: "As said",
    Check.CORRECTED.value: "Corrected",
    Check.RULED_OUT.value: "Ruled out by a correction",
}
_ALL_AS_SAID: Final = "all."


# ---------------------------------------------------------------- what the history page shows


@dataclass(frozen=True)
class ReviewShown:
    """What clinicians made of a history: the newest signed version, else what is saved of the first."""

    lines: dict[str, ReviewedLine]
    # Whether somebody is at it: there is a working copy, perhaps of an amendment.
    working: bool
    # Number, when, who, why it amends the one before ("" for the first); oldest first.
    signed: list[tuple[int, datetime, str, str]]
    # What is judged, as the patient answered, as confirmed; empty if nothing was confirmed.
    verdict_rows: list[VerdictRow]
    notes: str = field(repr=False)


def review_of(record: Record) -> ReviewShown:
    kept = read_histories(db(), record.consultation)
    signed = [(v.number, v.signed_at, v.document["name"], v.document["reason"]) for v in kept.signed]
    working = kept.working is not None
    if kept.newest:
        document = kept.newest.document
        return ReviewShown(
            _signed_lines(document), working, signed, _signed_rows(document), document["notes"]
        )
    confirmed = confirmed_so_far(kept)
    lines = reviewed_lines(record.lines, record.answers, confirmed.review)
    return ReviewShown(lines, working, signed, _verdict_rows(record, confirmed), confirmed.notes)


def _verdict_rows(record: Record, confirmed: Confirmed) -> list[VerdictRow]:
    if not confirmed.review:
        return []
    found = report(screen(reviewed_answers(record.answers, confirmed.review)), brief=True)
    return list(beside(record.document["report"], found))


# ---------------------------------------------------------------- confirming


@confirm.route("/<clinic_slug>/requests/<reference>/history/confirm", methods=["GET", "POST"])
@clinician_only
def edit(reference: str) -> Any:
    """One page for the two minutes before a visit: a mark beside each answer, and free words."""
    if request.method == "POST":
        return _save(reference)
    kept = read_histories(db(), _find(reference))
    if kept.working is None and kept.newest:
        return _to("signed", reference, number=kept.newest.number)
    record = open_record(reference)
    return _show_form(record, kept, form_of(record.answers, kept))


def _find(reference: str) -> Consultation:
    """Raises NotFoundError or WithdrawnError."""
    found = get_consultation(db(), reference.upper())
    if found.withdrawn_at is not None:
        raise WithdrawnError(found)
    return found


def _to(place: str, reference: str, **values: Any) -> Any:
    slug = g.staff_clinic.slug
    return redirect(url_for(f"confirm.{place}", clinic_slug=slug, reference=reference.upper(), **values), 303)


def _save(reference: str) -> Any:
    held = hold_request(reference)
    record, kept = _record_of(held), read_histories(db(), held)
    form = form_of(record.answers, kept, request.form)
    form.read()
    if form.problems:
        return _show_form(open_record(reference), kept, form), INVALID
    if form.stamp != kept.stamp:
        return _show_form(open_record(reference), kept, _blame_faster(form, kept)), CONFLICT
    does = request.form.get("do", "")
    confirmed = form.confirmed
    topic = next((topic for topic in TOPICS if does == f"{_ALL_AS_SAID}{topic.slug}"), None)
    if topic:
        review = confirm_unchecked(confirmed.review, record.answers.as_raw(), topic.questions)
        confirmed = Confirmed(review, confirmed.notes, confirmed.reason)
    if not confirmed and kept.working is None:
        flash("Nothing is checked yet, so nothing was saved.")
        return _to("edit", reference)
    _keep(held, kept, confirmed)
    if does == "sign":
        return _to("sign", reference)
    if topic:
        return _to("edit", reference, topic=topic.slug, _anchor=f"topic-{topic.slug}")
    flash("Saved. It is not signed yet.")
    return _to("edit", reference)


@confirm.route("/<clinic_slug>/requests/<reference>/history/discard", methods=["GET", "POST"])
@clinician_only
def discard(reference: str) -> Any:
    """Throws away what is not signed; versions that were signed stay."""
    if request.method != "POST":
        return _to("edit", reference)
    held = hold_request(reference)
    kept = read_histories(db(), held)
    if kept.working is None:
        flash("There is nothing here that is not signed.")
    elif request.form.get("stamp") != kept.stamp:
        flash(f"{_told_faster(kept)} Nothing was thrown away. Look at it first.", "problem")
    else:
        discard_working(db(), held, seen=kept.stamp, staff_id=current_user.id)
        flash("What was not signed is thrown away.")
    return _to("edit", reference)


def _record_of(held: Consultation) -> Record:
    if held.screening_id is None:
        raise WithdrawnError(held)
    return load_record(held, held.screening_id)


def _keep(held: Consultation, kept: Histories, confirmed: Confirmed) -> None:
    """Saves the working copy, unless it is so already."""
    document = confirmed.as_document()
    if kept.working and kept.working.document == document:
        return
    now = datetime.now(UTC)
    save_working(db(), held, document, seen=kept.stamp, staff_id=current_user.id, now=now)


def _blame_faster(form: ReviewForm, kept: Histories) -> ReviewForm:
    """What was sent, on top of what somebody else saved or signed meanwhile."""
    merged, both = rebased(form, kept)
    who = _told_faster(kept)
    merged.blame(
        "save", f"{who} Nothing of yours is saved yet: it stands below with theirs. Look, then save."
    )
    for question_id in both:
        theirs = merged.seen.review.mark(question_id).check.value
        stem = merged.field(question_id).label.text
        label = STATUS_LABELS[theirs].lower()
        merged.blame(f"line-{question_id}", f"{stem} They left it “{label}”; your mark stands below.")
    return merged


def _told_faster(kept: Histories) -> str:
    found: Working | Signed | None = kept.working or kept.newest
    match found:
        case Working():
            did, at = "saved", found.saved_at
        case Signed():
            did, at = "signed", found.signed_at
        case _:
            return "This page was open too long."
    return f"{found.staff_name} {did} this history meanwhile, {local(at, g.staff_clinic.time_zone)}."


class ShownTopic(NamedTuple):
    """A topic on the page: what was asked, answered or is called for now, and in a fold the rest."""

    topic: Topic
    lines: list[ReviewedLine]
    rest: list[ReviewedLine]
    checked: int
    countable: int
    is_open: bool


def _show_form(record: Record, kept: Histories, form: ReviewForm) -> str:
    # A correction that is refused changes nothing yet.
    confirmed = form.seen if form.problems else form.confirmed
    answers, review = record.answers, confirmed.review
    lines = reviewed_lines(record.lines, answers, review)
    reviewed = reviewed_answers(answers, review)
    rows = _verdict_rows(record, confirmed)
    return render_template(
        "history/confirm.html",
        record=record,
        kept=kept,
        form=form,
        topics=list(_topics(record, form, lines, called_for(answers, reviewed))),
        ruled_out=[line for line in lines.values() if line.status == Check.RULED_OUT.value],
        asked={line["id"]: line for line in record.lines},
        verdict_rows=rows,
        moved=sum(was != is_now for _, was, is_now in rows),
        choices=CHOICES,
        labels=STATUS_LABELS,
        check_name=check_name,
    )


def _topics(
    record: Record, form: ReviewForm, lines: Mapping[str, ReviewedLine], wanted: Iterable[str]
) -> Iterator[ShownTopic]:
    """Open is the first that is not done, after the one that was just done; and where something is wrong."""
    shown_ids = {line["id"] for line in record.lines} | set(wanted)
    after = next((i for i, t in enumerate(TOPICS) if t.slug == request.args.get("topic")), -1)
    opened = False
    for index, topic in enumerate(TOPICS):
        found = [lines[q.id] for q in topic.questions]
        lies_open = [one for one in found if _lies_open(one, form, shown_ids)]
        checked, countable = count_checked(lies_open)
        is_wrong = any(form.field(q.id).errors for q in topic.questions)
        is_next = not opened and index >= after and checked < countable
        opened = opened or is_next
        rest = [one for one in found if one not in lies_open]
        yield ShownTopic(topic, lies_open, rest, checked, countable, is_wrong or is_next)


def _lies_open(line: ReviewedLine, form: ReviewForm, shown_ids: set[str]) -> bool:
    is_marked = line.status != Check.UNCHECKED.value
    return line.id in shown_ids or is_marked or form.check(line.id) is Check.CORRECTED


# ---------------------------------------------------------------- signing


@confirm.route("/<clinic_slug>/requests/<reference>/history/sign", methods=["GET", "POST"])
@clinician_only
def sign(reference: str) -> Any:
    """Shows once more what will be signed; and signs it."""
    posted = request.method == "POST"
    held = hold_request(reference) if posted else _find(reference)
    kept = read_histories(db(), held)
    if kept.working is None or not confirmed_so_far(kept):
        flash("There is nothing to sign." if kept.working or not kept.newest else _told_faster(kept))
        return _to("edit", reference)
    name = clean_text(request.form.get("name", "")) if posted else str(current_user.name)
    if not posted:
        return _show_sign(open_record(reference), kept, name)
    problems = _sign_problems(name)
    if request.form.get("stamp") != kept.stamp:
        problems = [("agree", f"{_told_faster(kept)} This is how it stands now: look, then sign.")]
    if problems:
        page = _show_sign(open_record(reference), kept, name, problems)
        return page, CONFLICT if request.form.get("stamp") != kept.stamp else INVALID
    number = _sign(held, kept, name)
    flash(f"Version {number} is signed.")
    return _to("signed", reference, number=number)


def _sign_problems(name: str) -> list[tuple[str, str]]:
    problems = []
    if not 0 < len(name) <= LONGEST_NAME:
        problems.append(("name", f"Give your name, in at most {LONGEST_NAME} characters."))
    if request.form.get("agree") != "yes":
        problems.append(("agree", "Tick that you sign this history."))
    return problems


def _show_sign(record: Record, kept: Histories, name: str, problems: Iterable[tuple[str, str]] = ()) -> str:
    confirmed = confirmed_so_far(kept)
    by_id = reviewed_lines(record.lines, record.answers, confirmed.review)
    lines = by_id.values()
    return render_template(
        "history/sign.html",
        record=record,
        kept=kept,
        confirmed=confirmed,
        corrected=[line for line in lines if line.status == Check.CORRECTED.value],
        ruled_out=[line for line in lines if line.status == Check.RULED_OUT.value],
        unchecked=[line for line in lines if line.was_answered and line.status == Check.UNCHECKED.value],
        as_said=sum(line.status == Check.AS_SAID.value for line in lines),
        verdict_rows=_verdict_rows(record, confirmed),
        amended=_amended(kept.newest, by_id),
        statement=STATEMENT,
        name=name,
        problems=list(problems),
        longest_name=LONGEST_NAME,
    )


def _sign(held: Consultation, kept: Histories, name: str) -> int:
    confirmed = confirmed_so_far(kept)
    return sign_history(
        db(),
        held,
        _document(_record_of(held), confirmed, name),
        seen=kept.stamp,
        reason=confirmed.reason if kept.signed else None,
        questionnaire_version=QUESTIONNAIRE_VERSION,
        criteria_version=CRITERIA_VERSION,
        staff_id=current_user.id,
        now=datetime.now(UTC),
    )


def _document(record: Record, confirmed: Confirmed, name: str) -> dict[str, Any]:
    """All that the page of a signed version shows, as worded on the day: nothing of it is computed again."""
    lines = reviewed_lines(record.lines, record.answers, confirmed.review)
    answers = reviewed_answers(record.answers, confirmed.review)
    found = screen(answers)
    first, second = record.document["report"], report(found)
    return {
        **confirmed.as_document(),
        "name": name,
        "statement": STATEMENT,
        "answers": answers.as_raw(),
        "topics": [
            {"name": topic.name, "lines": [lines[q.id].as_document() for q in topic.questions]}
            for topic in TOPICS
        ],
        "as_answered": {"report": first, "clinical": record.document["clinical"]},
        "as_confirmed": {"report": second, "clinical": clinical_report(found)},
        "verdicts": [list(row) for row in beside(first, second)],
        "questionnaire_asked": record.screening.questionnaire_version,
        "criteria_first": record.screening.criteria_version,
    }


# ---------------------------------------------------------------- signed


@confirm.get("/<clinic_slug>/requests/<reference>/history/signed/<number>")
@staff_only
def signed(reference: str, number: str) -> Any:
    kept = read_histories(db(), _find(reference))
    found = next((version for version in kept.signed if str(version.number) == number), None)
    if found is None:
        abort(404)
    return _show_signed(open_record(reference), kept, found)


def _show_signed(record: Record, kept: Histories, found: Signed, reason: str = "", problem: str = "") -> str:
    document = found.document
    before = next((version for version in kept.signed if version.number == found.number - 1), None)
    return render_template(
        "history/signed.html",
        record=record,
        kept=kept,
        version=found,
        document=document,
        topics=[(topic["name"], _told_lines(topic["lines"])) for topic in document["topics"]],
        verdict_rows=_signed_rows(document),
        amended=_amended(before, _signed_lines(document)),
        labels=STATUS_LABELS,
        may_amend=Role.CLINICIAN in g.staff_roles,
        reason=reason,
        problem=problem,
    )


def _signed_lines(document: Mapping[str, Any]) -> dict[str, ReviewedLine]:
    return {line["id"]: ReviewedLine(**line) for topic in document["topics"] for line in topic["lines"]}


def _amended(before: Signed | None, lines: Mapping[str, ReviewedLine]) -> list[tuple[str, str, str]]:
    """What stands otherwise than in the version before: the question, how it stood, how it stands."""
    was = _signed_lines(before.document) if before else {}
    pairs = [(was[i], line) for i, line in lines.items() if i in was]
    return [(now.wording, _standing(then), _standing(now)) for then, now in pairs if then != now]


def _standing(line: ReviewedLine) -> str:
    label = STATUS_LABELS[line.status]
    return f"{line.confirmed_words} ({label.lower()})" if line.confirmed_words else label


def _told_lines(lines: Iterable[Mapping[str, Any]]) -> list[ReviewedLine]:
    """Without what nobody asked or answered."""
    found = [ReviewedLine(**line) for line in lines]
    return [line for line in found if line.was_answered or line.status != Check.UNCHECKED.value]


def _signed_rows(document: Mapping[str, Any]) -> list[VerdictRow]:
    return [(what, was, is_now) for what, was, is_now in document["verdicts"]]


@confirm.route("/<clinic_slug>/requests/<reference>/history/amend", methods=["GET", "POST"])
@clinician_only
def amend(reference: str) -> Any:
    """Opens a working copy of what was signed last; what was signed stays."""
    held = hold_request(reference) if request.method == "POST" else _find(reference)
    kept = read_histories(db(), held)
    if kept.newest is None:
        return _to("edit", reference)
    if request.method != "POST":
        return _to("signed", reference, number=kept.newest.number)
    reason = clean_text(request.form.get("reason", ""))
    problem, status = _amend_problem(kept, reason)
    if problem:
        return _show_signed(open_record(reference), kept, kept.newest, reason, problem), status
    confirmed = confirmed_so_far(kept)
    _keep(held, kept, Confirmed(confirmed.review, confirmed.notes, reason))
    return _to("edit", reference)


def _amend_problem(kept: Histories, reason: str) -> tuple[str, int]:
    if kept.working:
        return (
            f"{kept.working.staff_name} amends it already. Go on in that one: see the link above.",
            CONFLICT,
        )
    if not 0 < len(reason) <= LONGEST_REASON:
        return f"Say why it is amended, in at most {LONGEST_REASON} characters.", INVALID
    return "", 200
