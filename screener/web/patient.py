"""The patient's doors: start, questions, danger stop, check, result, request, receipt. No cookies here."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from screener.domain.classification import ArticleClass
from screener.domain.evidence import EVIDENCE
from screener.domain.notices import consent_text
from screener.domain.question import BEFORE_RESULT, NONE_CODE, Page, Part, Value
from screener.domain.questionnaire import (
    AGE,
    DANGER_BEFORE,
    DANGER_NOW,
    QUESTIONNAIRE,
)
from screener.domain.retention import AUDIT_YEARS
from screener.domain.transcript import transcript
from screener.domain.versions import CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.store.consultations import find_by_receipt
from screener.store.database import begin_reading
from screener.store.drafts import (
    add_draft,
    count_wrong_try,
    remove_draft,
    remove_expired_drafts,
)
from screener.store.endings import BEGUN
from screener.store.tables import DRAFT_IDLE, MOST_TRIES, Clinic
from screener.web.access import comes_from_our_page, db, enter_open_clinic, remember_kept_clinic
from screener.web.blank_pages import fill_in, is_usual
from screener.web.call import call_url
from screener.web.contact_forms import ContactForm
from screener.web.copies import can_make_pdf, send_pdf
from screener.web.forms import PageForm, form_for, read_age
from screener.web.languages import gettext, translated
from screener.web.look import chooses_look, take_choice
from screener.web.pace import TOO_MANY, hold_up, note_turn, turns, wait_for
from screener.web.refusals import INVALID
from screener.web.requests import Sending, send_request
from screener.web.result import questions_that_would_settle, what_is_told
from screener.web.visit import (
    Visit,
    after_safety,
    body_digest,
    come_back,
    contact_form,
    door_page,
    now,
    receipt_token_of,
    receipt_url,
    require_form_token,
    sent_or_gone,
    with_draft,
)
from screener.web.widget import read_frame, take_frame_of
from screener.web.withdraw import may_withdraw, withdraw_request

patient = Blueprint("patient", __name__)

# The pages of a draft where nothing is typed.
PLACES = frozenset({"stop", "check", "result", "saved"})
_PARTS_SHOWN = (*BEFORE_RESULT, "check")


# ---------------------------------------------------------------- start


@patient.get("/c/<slug>")
def start(slug: str) -> str:
    begin_reading(db())
    enter_open_clinic(slug)
    return render_template("patient/start.html")


@patient.post("/c/<slug>/start")
def begin(slug: str) -> Any:
    clinic = enter_open_clinic(slug)
    # Who types is kept for staff; the questions are about the patient all the same.
    for_other = request.form.get("for") == "someone_else"
    document: dict[str, Any] = {"answers": {}, "events": [], "for_other": for_other}
    document |= take_choice(request.form)
    found = read_frame(request.form)
    if found:
        document["frame"] = found
    counted = turns("begin")
    seconds = wait_for(counted, now())
    if seconds:
        take_frame_of(document)
        page = render_template("patient/wait.html", seconds=seconds, for_other=for_other)
        return page, TOO_MANY, {"Retry-After": str(seconds)}
    remove_expired_drafts(db(), now())
    _, token = add_draft(db(), clinic.id, document, now(), reached=BEGUN)
    note_turn(counted, now())
    return redirect(url_for("patient.page", token=token, slug=QUESTIONNAIRE.pages[0].slug), 303)


@patient.get("/c/<slug>/evidence")
def evidence(slug: str) -> str:
    """What is known about ketamine for migraine, and which of the articles' claims hold."""
    begin_reading(db())
    enter_open_clinic(slug)
    return render_template("patient/evidence.html", evidence=EVIDENCE, back_url=_back_to_result())


@patient.get("/c/<slug>/privacy")
def privacy(slug: str) -> str:
    """What is kept of a patient, how long, and who sees it; the periods are the clinic's own."""
    begin_reading(db())
    enter_open_clinic(slug)
    hours = DRAFT_IDLE // timedelta(hours=1)
    return render_template("patient/privacy.html", idle_hours=hours, audit_years=AUDIT_YEARS)


def _back_to_result() -> str:
    """The path of the patient's own result page, if that is where the link was followed."""
    came_from = urlsplit(request.referrer or "").path if comes_from_our_page() else ""
    return came_from if came_from.startswith("/d/") else ""


@patient.post("/d/<token>/look")
@with_draft
def look(visit: Visit) -> Response:
    """Keeps the brightness or the language, and returns to the page it was chosen on.

    A page with something to type sends the choice to itself, so that what was typed comes back.
    """
    require_form_token(visit.token, "look")
    visit.keep_look()
    visit.save()
    place = request.form.get("place", "")
    return redirect(visit.url("page", slug=place) if place in PLACES else visit.way_forward(), 303)


def keep_typed(visit: Visit, found: Page) -> None:
    """Takes what was typed so far on a page that is left by another button than its own."""
    if _may_visit(visit, found):
        form = form_for(found, visit.answers, request.form, visit.form_token(found.slug))
        form.validate()
        visit.take_page(found, form.answers, seen=_seen(), whole=False)
        if form.holds_unreadable:
            visit.told = "lost"


def _seen() -> str:
    return request.form.get("seen", "")


# ---------------------------------------------------------------- questions


@patient.route("/d/<token>/<slug>", methods=["GET", "POST"])
@with_draft
def page(visit: Visit, slug: str) -> Any:
    found = QUESTIONNAIRE.find_page(slug)
    if found is None:
        abort(404)
    if not _may_visit(visit, found):
        return redirect(visit.url("stop") if visit.is_emergency else visit.way_forward(), 303)
    back_to_check = request.args.get("back") == "check"
    sent = request.form if request.method == "POST" else None
    if sent is not None and chooses_look(sent):
        return _look_again(visit, found, back_to_check=back_to_check)
    form = form_for(found, visit.answers, sent, visit.form_token(slug))
    # A danger on a page that is only half filled in is a danger all the same.
    if sent is not None and (form.validate() or visit.would_be_emergency(form.answers)):
        return _keep(visit, found, form.answers, back_to_check=back_to_check)
    shown = _show(visit, found, form, back_to_check=back_to_check)
    return shown, INVALID if sent is not None else 200


def _show(visit: Visit, found: Page, form: PageForm, *, back_to_check: bool) -> str:
    back = _page_before(visit, found, back_to_check=back_to_check)
    progress = _progress(found.part)
    if is_usual(visit, form):
        return fill_in(visit, found, form, back, progress)
    return render_template(
        "patient/page.html", form=form, page=found, visit=visit, back=back, progress=progress
    )


def _look_again(visit: Visit, found: Page, *, back_to_check: bool) -> Any:
    """The same page in another brightness or language, with all that was typed, and nothing blamed yet."""
    require_form_token(visit.token, found.slug)
    visit.keep_look()
    form = form_for(found, visit.answers, request.form, visit.form_token(found.slug))
    form.validate()
    visit.take_page(found, form.answers, seen=_seen(), whole=False)
    visit.save()
    if form.holds_unreadable:
        as_sent = form_for(found, visit.answers, request.form, visit.form_token(found.slug))
        return _show(visit, found, as_sent, back_to_check=back_to_check)
    return redirect(visit.url("page", slug=found.slug, back=request.args.get("back")), 303)


def _may_visit(visit: Visit, found: Page) -> bool:
    if visit.is_emergency:
        # Only to mend what was ticked by mistake.
        return found in _pages_of_danger(visit)
    if found.part not in BEFORE_RESULT:
        if visit.answers.first_unanswered(BEFORE_RESULT):
            return False
        if found.part is Part.REQUEST and not _asks_health(visit.next_step.kind):
            return False
        return found in visit.answers.path([found.part])
    open_page = visit.answers.first_unanswered(BEFORE_RESULT)
    for on_path in visit.answers.path(BEFORE_RESULT):
        if on_path is found:
            return True
        if on_path is open_page:
            return False
    return False


def _keep(visit: Visit, found: Page, answers: dict[str, Value | None], *, back_to_check: bool) -> Response:
    was_emergency = visit.is_emergency
    visit.take_page(found, answers, seen=_seen(), whole=True)
    if was_emergency and found in _pages_of_danger(visit):
        # Looked at again, and a danger still.
        visit.note("stop", visit.urgency.emergencies)
    visit.save()
    if visit.is_emergency:
        return redirect(visit.url("stop"), 303)
    if back_to_check and found.part in BEFORE_RESULT:
        return redirect(visit.way_forward(), 303)
    return redirect(_page_after(visit, found), 303)


def _page_after(visit: Visit, found: Page) -> str:
    path = _path_of(visit, found)
    following = path[path.index(found) + 1 :]
    if following:
        return visit.page_url(following[0])
    if found.part in BEFORE_RESULT:
        return visit.way_forward()
    return visit.url("contact" if found.part is Part.REQUEST else "result")


def _path_of(visit: Visit, found: Page) -> list[Page]:
    return list(visit.answers.path(BEFORE_RESULT if found.part in BEFORE_RESULT else [found.part]))


def _page_before(visit: Visit, found: Page, *, back_to_check: bool) -> str:
    if back_to_check:
        return visit.url("check")
    path = _path_of(visit, found)
    earlier = path[: path.index(found)]
    if earlier:
        return visit.page_url(earlier[-1])
    if found.part in BEFORE_RESULT:
        return call_url() if visit.entered_by else url_for("patient.start", slug=g.clinic.slug)
    return visit.url("result")


def _progress(part: Part | str) -> str:
    if part not in _PARTS_SHOWN:
        return ""
    number = _PARTS_SHOWN.index(part) + 1
    return gettext("Part %(number)s of %(count)s", number=number, count=len(_PARTS_SHOWN))


# ---------------------------------------------------------------- danger


def _pages_of_danger(visit: Visit) -> list[Page]:
    ids = {part.split(".")[0] for flag in visit.urgency.emergencies for part in flag.split("+")}
    return [p for p in visit.answers.path(BEFORE_RESULT) if any(q.id in ids for q in p.questions)]


@patient.route("/d/<token>/stop", methods=["GET", "POST"])
@with_draft
def stop(visit: Visit) -> Any:
    if not visit.is_emergency:
        return redirect(visit.way_forward(), 303)
    ticked = tuple(code for code in visit.answers[DANGER_NOW] or () if code != NONE_CODE)
    if request.method == "POST":
        require_form_token(visit.token, "stop")
        return _leave_stop(visit, ticked, request.form.get("answer", ""))
    page = "call/stop.html" if visit.entered_by else "patient/stop.html"
    return render_template(page, visit=visit, ticked=ticked)


def _leave_stop(visit: Visit, ticked: tuple[str, ...], answer: str) -> Response:
    if answer == "by_mistake":
        visit.note("by_mistake", visit.urgency.emergencies)
        visit.save()
        return redirect(visit.page_url(_pages_of_danger(visit)[0]), 303)
    if answer == "not_now" and ticked:
        visit.note("not_now", visit.urgency.emergencies)
        before = tuple(code for code in visit.answers[DANGER_BEFORE] or () if code not in ticked)
        visit.take({DANGER_BEFORE.id: (*before, *ticked), DANGER_NOW.id: (NONE_CODE,)})
        visit.save()
        return redirect(visit.url("stop") if visit.is_emergency else visit.way_forward(), 303)
    raise BadRequest


# ---------------------------------------------------------------- check and result


@patient.get("/d/<token>/check")
@with_draft
@after_safety
def check(visit: Visit) -> str:
    parts = {translated(part.value) for part in BEFORE_RESULT}
    lines = [line.as_document() for line in transcript(visit.answers, translated) if line.part in parts]
    path = list(visit.answers.path(BEFORE_RESULT))
    return render_template(
        "patient/check.html",
        visit=visit,
        lines=lines,
        back=visit.page_url(path[-1]),
        progress=_progress("check"),
    )


@patient.get("/d/<token>/result")
@with_draft
@after_safety
def result(visit: Visit) -> str:
    history = list(visit.answers.path([Part.HISTORY]))
    return render_template(
        "patient/result.html",
        visit=visit,
        can_make_pdf=can_make_pdf(),
        needs_answers=visit.screening.classification.article_class is ArticleClass.INSUFFICIENT,
        open_questions=questions_that_would_settle(visit),
        step=visit.next_step,
        history_url=visit.page_url(history[0]) if history else "",
        request_url=_request_url(visit),
        **what_is_told(visit),
    )


@patient.get("/d/<token>/copy.pdf")
@with_draft
@after_safety
def copy(visit: Visit) -> Response:
    """The result and all answers, for the patient to keep or to take to a doctor."""
    if not can_make_pdf():
        return redirect(visit.url("result"), 303)
    versions = (QUESTIONNAIRE_VERSION, CRITERIA_VERSION)
    page = render_template("patient/copy.html", versions=versions, **what_is_told(visit))
    return send_pdf(page, "copy.css", "headache-answers.pdf")


# ---------------------------------------------------------------- the request


def _asks_health(kind: str | None) -> bool:
    """Ketamine cautions matter where an infusion may come of it, not for a question."""
    return kind in {"consultation", "call_back"}


def _request_url(visit: Visit) -> str:
    if _asks_health(visit.next_step.kind):
        return visit.page_url(next(visit.answers.path([Part.REQUEST])))
    return visit.url("contact")


@patient.route("/d/<token>/contact", methods=["GET", "POST"])
@with_draft
@after_safety
def contact(visit: Visit) -> Any:
    step = visit.next_step
    if step.kind is None:
        return redirect(visit.url("result"), 303)
    form = contact_form(visit.token)
    if chooses_look(request.form):
        require_form_token(visit.token, "contact")
        visit.keep_look()
        visit.save()
        return _show_contact(visit, form)
    if request.method == "POST" and form.validate():
        counted = () if visit.entered_by else turns("send")
        # Staff who enter it for a caller are people, and quick ones.
        begun_at = None if visit.entered_by else visit.draft.row.created_at
        held_up = hold_up(form, counted, now(), begun_at=begun_at)
        if held_up:
            return _show_contact(visit, form), *held_up
        try:
            sent_to = _send(visit, step.kind, form)
            note_turn(counted, now())
            return redirect(sent_to, 303)
        except IntegrityError:
            # Another tab sent this very draft a moment ago; any other cause is ours.
            db().rollback()
            if find_by_receipt(db(), receipt_token_of(visit.token)) is None:
                raise
            return sent_or_gone(visit.token)
    return _show_contact(visit, form), INVALID if request.method == "POST" else 200


def _show_contact(visit: Visit, form: ContactForm) -> str:
    consent = consent_text(g.clinic.name, translated)
    return render_template(
        "patient/contact.html", visit=visit, form=form, consent=consent, step=visit.next_step
    )


def _send(visit: Visit, kind: str, form: ContactForm) -> str:
    """Stores the screening and the request in one transaction; the draft is gone with it."""
    receipt_token = receipt_token_of(visit.token)
    # Keyed on the draft, not on its link, which a door may have renewed meanwhile.
    key = hashlib.sha256(f"request|{visit.draft.row.id}".encode()).digest()
    sent = send_request(
        db(),
        g.clinic,
        answers=visit.answers,
        events=visit.draft.document["events"],
        for_other=visit.for_other,
        entered_by=visit.entered_by,
        follows=visit.follows,
        contact=form.contact,
        kind=kind,
        sending=Sending(key, body_digest(form), receipt_token),
        now=now(),
    )
    remove_draft(db(), visit.draft, was_sent=True)
    return call_url(sent.reference) if visit.entered_by else receipt_url(receipt_token)


@patient.get("/r/<token>")
def receipt(token: str) -> Any:
    begin_reading(db())
    sent = find_by_receipt(db(), token)
    if sent is None:
        return render_template("patient/gone.html"), 410
    remember_kept_clinic(db().get_one(Clinic, sent.clinic_id))
    return render_template("patient/receipt.html", sent=sent, token=token, may_withdraw=may_withdraw(sent))


@patient.route("/r/<token>/withdraw", methods=["GET", "POST"])
def withdraw(token: str) -> Any:
    return withdraw_request(token)


# ---------------------------------------------------------------- the door


@patient.post("/d/<token>/go-on")
@with_draft
def go_on(visit: Visit) -> Any:
    require_form_token(visit.token, "go-on")
    chosen = take_choice(request.form)
    if visit.answers[AGE] is None or "age" not in request.form:
        # Another brightness or language for the door itself.
        return door_page(visit)
    try:
        age = read_age(request.form["age"])
    except ValueError as error:
        # What is no age costs no try.
        return door_page(visit, str(error))
    if age != visit.answers[AGE]:
        left = MOST_TRIES - count_wrong_try(db(), visit.draft)
        if left <= 0:
            return render_template("patient/gone.html"), 410
        return door_page(visit, gettext("That is not the age given before. Tries left: %(left)s.", left=left))
    visit.draft.document |= chosen
    return come_back(visit.draft)
