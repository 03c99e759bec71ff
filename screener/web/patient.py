"""The patient's doors: start, questions, danger stop, check, result, request, receipt. No cookies here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from screener.domain.classification import ArticleClass
from screener.domain.clinical_words import OVERUSE_FOR_PATIENTS, PLAIN_REMARKS, explain_flags
from screener.domain.evidence import EVIDENCE
from screener.domain.explanation import (
    CLASS_WORDS,
    GAP_WORDS,
    SOURCES,
    OpenQuestion,
    explain,
    flag_words,
    open_questions,
)
from screener.domain.notices import consent_text
from screener.domain.question import BEFORE_RESULT, NONE_CODE, Page, Part, Value
from screener.domain.questionnaire import (
    AGE,
    DANGER_BEFORE,
    DANGER_NOW,
    PREGNANCY,
    QUESTIONNAIRE,
)
from screener.domain.screening import Screening, clinical_report, report
from screener.domain.transcript import transcript
from screener.domain.verdict import Verdict
from screener.store.consultations import find_by_receipt
from screener.store.database import begin_reading
from screener.store.drafts import (
    add_draft,
    count_wrong_try,
    remove_draft,
    remove_expired_drafts,
    renew_door,
)
from screener.store.tables import MOST_TRIES, Clinic
from screener.web.access import comes_from_our_page, db, enter_open_clinic, remember_clinic
from screener.web.forms import ContactForm, form_for
from screener.web.requests import Sending, send_request
from screener.web.visit import (
    INVALID,
    Visit,
    after_safety,
    body_digest,
    contact_form,
    door_page,
    now,
    receipt_token_of,
    require_form_token,
    sent_or_gone,
    with_draft,
)
from screener.web.withdraw import may_withdraw, withdraw_request

patient = Blueprint("patient", __name__)

THEMES = frozenset({"light", "dim", "dark"})
# The pages of a draft that hold no questions.
PLACES = frozenset({"stop", "check", "result", "contact"})
_PARTS_SHOWN = (*BEFORE_RESULT, "check")


# ---------------------------------------------------------------- start


@patient.get("/c/<slug>")
def start(slug: str) -> str:
    begin_reading(db())
    enter_open_clinic(slug)
    return render_template("patient/start.html")


@patient.post("/c/<slug>/start")
def begin(slug: str) -> Response:
    clinic = enter_open_clinic(slug)
    remove_expired_drafts(db(), now())
    document = {"answers": {}, "events": [], "theme": read_theme(request.form)}
    _, token = add_draft(db(), clinic.id, document, now())
    return redirect(url_for("patient.page", token=token, slug=QUESTIONNAIRE.pages[0].slug), 303)


@patient.get("/c/<slug>/evidence")
def evidence(slug: str) -> str:
    """What is known about ketamine for migraine, and which of the articles' claims hold."""
    begin_reading(db())
    enter_open_clinic(slug)
    return render_template("patient/evidence.html", evidence=EVIDENCE, back_url=_back_to_result())


def _back_to_result() -> str:
    """The path of the patient's own result page, if that is where the link was followed."""
    came_from = urlsplit(request.referrer or "").path if comes_from_our_page() else ""
    return came_from if came_from.startswith("/d/") else ""


def read_theme(sent: Mapping[str, str]) -> str:
    """The brightness asked for; empty means "as my device"."""
    asked = sent.get("theme", "")
    return asked if asked in THEMES else ""


@patient.before_request
def take_theme() -> None:
    """Where there is no draft to keep it, the theme is a plain GET parameter."""
    g.theme = read_theme(request.args)


@patient.post("/d/<token>/theme")
@with_draft
def theme(visit: Visit) -> Response:
    """Keeps the brightness, and what was typed so far, and returns to the page it was chosen on."""
    place = request.form.get("place", "")
    found = QUESTIONNAIRE.find_page(place)
    require_form_token(visit, place if found else "theme")
    visit.draft.document["theme"] = read_theme(request.form)
    if found and _may_visit(visit, found):
        form = form_for(found, visit.answers, request.form, visit.form_token(place))
        form.validate()
        visit.take(form.answers)
    visit.save()
    if not found and place not in PLACES:
        return redirect(visit.way_forward(), 303)
    return redirect(visit.url("page", slug=place, back=request.args.get("back")), 303)


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
    form = form_for(found, visit.answers, sent, visit.form_token(slug))
    valid = sent is not None and form.validate()
    if sent is not None and not valid and visit.would_be_emergency(form.answers):
        # A danger on a page that is only half filled in is a danger all the same.
        return _keep(visit, found, form.answers, back_to_check=back_to_check)
    if not valid:
        return (
            render_template(
                "patient/page.html",
                form=form,
                page=found,
                visit=visit,
                back=_page_before(visit, found, back_to_check=back_to_check),
                progress=_progress(found.part),
            ),
            INVALID if sent is not None else 200,
        )
    return _keep(visit, found, form.answers, back_to_check=back_to_check)


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
    visit.take(answers, instead_of=found.questions)
    if was_emergency and found in _pages_of_danger(visit):
        # Looked at again, and a danger still.
        visit.note("stop", visit.urgency.emergencies)
    visit.save()
    if visit.is_emergency:
        return redirect(visit.url("stop"), 303)
    if found.part not in BEFORE_RESULT:
        return redirect(_after_history(visit, found), 303)
    if back_to_check:
        return redirect(visit.way_forward(), 303)
    return redirect(_page_after(visit, found), 303)


def _page_after(visit: Visit, found: Page) -> str:
    path = list(visit.answers.path(BEFORE_RESULT))
    following = path[path.index(found) + 1 :]
    return visit.page_url(following[0]) if following else visit.way_forward()


def _after_history(visit: Visit, found: Page) -> str:
    path = list(visit.answers.path([found.part]))
    following = path[path.index(found) + 1 :]
    if following:
        return visit.page_url(following[0])
    return visit.url("contact" if found.part is Part.REQUEST else "result")


def _page_before(visit: Visit, found: Page, *, back_to_check: bool) -> str:
    if back_to_check:
        return visit.url("check")
    parts = BEFORE_RESULT if found.part in BEFORE_RESULT else [found.part]
    path = list(visit.answers.path(parts))
    earlier = path[: path.index(found)]
    if earlier:
        return visit.page_url(earlier[-1])
    if found.part in BEFORE_RESULT:
        return url_for("patient.start", slug=g.clinic.slug)
    return visit.url("result")


def _progress(part: Part | str) -> str:
    return f"Part {_PARTS_SHOWN.index(part) + 1} of {len(_PARTS_SHOWN)}" if part in _PARTS_SHOWN else ""


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
        require_form_token(visit, "stop")
        return _leave_stop(visit, ticked, request.form.get("answer", ""))
    return render_template("patient/stop.html", visit=visit, ticked=ticked)


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
    parts = {part.value for part in BEFORE_RESULT}
    lines = [line.as_document() for line in transcript(visit.answers) if line.part in parts]
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
    found = visit.screening.classification
    history = list(visit.answers.path([Part.HISTORY]))
    lines = [line.as_document() for line in transcript(visit.answers)]
    told = report(visit.screening)
    return render_template(
        "patient/result.html",
        visit=visit,
        level=visit.urgency.level.value,
        go_where=_where_today(visit),
        flags=[flag_words(flag) for flag in visit.urgency.red_flags],
        headline=CLASS_WORDS[found.article_class],
        gap=GAP_WORDS[found.gap] if found.gap else "",
        classes=explain(told, lines),
        sources=SOURCES,
        clinical=explain_flags(clinical_report(visit.screening), lines),
        overuse=_overuse(visit.screening),
        remarks=[PLAIN_REMARKS[r] for r in visit.screening.clinical.remarks if r in PLAIN_REMARKS],
        close_to_the_line=found.close_to_the_line,
        open_questions=_open_questions(visit, told),
        is_child=visit.next_step.offer == "own_pediatrician",
        step=visit.next_step,
        history_url=visit.page_url(history[0]) if history else "",
        request_url=_request_url(visit),
        lines=lines,
        today=now().date(),
    )


def _open_questions(visit: Visit, told: Mapping[str, Any]) -> tuple[OpenQuestion, ...]:
    """The unanswered questions whose answers would settle the result; never answers that were given."""
    found = visit.screening.classification
    settling = visit.answers.missing(*(QUESTIONNAIRE.get(change["id"]) for change in told["would_change"]))
    if found.article_class is ArticleClass.INSUFFICIENT:
        settling = (*settling, *found.open_questions)
    return open_questions(visit.answers, settling)


def _overuse(found: Screening) -> str:
    """Always told beside chronic and intractable: overuse can look like either."""
    classes = (found.classification.chronic, found.classification.intractable)
    matches = any(judged.verdict is Verdict.MET for judged in classes)
    return OVERUSE_FOR_PATIENTS[found.clinical["ichd3_8_2"].verdict] if matches else ""


def _where_today(visit: Visit) -> str:
    """Who should see an urgent patient today."""
    if visit.answers[DANGER_BEFORE]:
        return "Go to an emergency department today, even if you feel better now."
    if visit.answers[PREGNANCY] in {"pregnant", "postpartum_6w"}:
        return "Call your maternity team today."
    if visit.next_step.offer == "own_pediatrician":
        return "A parent should call the child's doctor or an urgent care clinic today."
    return "Call your own doctor or an urgent care clinic today."


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
    if request.method == "POST" and form.validate():
        try:
            return redirect(_send(visit, step.kind, form), 303)
        except IntegrityError:
            # Another tab sent this very draft a moment ago; any other cause is ours.
            db().rollback()
            if find_by_receipt(db(), receipt_token_of(visit.token)) is None:
                raise
            return sent_or_gone(visit.token)
    return render_template(
        "patient/contact.html", visit=visit, form=form, consent=consent_text(g.clinic.name), step=step
    ), INVALID if request.method == "POST" else 200


def _send(visit: Visit, kind: str, form: ContactForm) -> str:
    """Stores the screening and the request in one transaction; the draft is gone with it."""
    receipt_token = receipt_token_of(visit.token)
    # Keyed on the draft, not on its link, which a door may have renewed meanwhile.
    key = hashlib.sha256(f"request|{visit.draft.row.id}".encode()).digest()
    send_request(
        db(),
        g.clinic,
        answers=visit.answers,
        events=visit.draft.document["events"],
        contact=form.contact,
        kind=kind,
        sending=Sending(key, body_digest(form), receipt_token),
        now=now(),
    )
    remove_draft(db(), visit.draft)
    return url_for("patient.receipt", token=receipt_token, theme=g.theme or None)


@patient.get("/r/<token>")
def receipt(token: str) -> Any:
    begin_reading(db())
    sent = find_by_receipt(db(), token)
    if sent is None:
        return render_template("patient/gone.html"), 410
    remember_clinic(db().get_one(Clinic, sent.clinic_id))
    return render_template("patient/receipt.html", sent=sent, token=token, may_withdraw=may_withdraw(sent))


@patient.route("/r/<token>/withdraw", methods=["GET", "POST"])
def withdraw(token: str) -> Any:
    return withdraw_request(token)


# ---------------------------------------------------------------- the door


@patient.post("/d/<token>/go-on")
@with_draft
def go_on(visit: Visit) -> Any:
    require_form_token(visit, "go-on")
    if visit.answers[AGE] is None:
        return door_page(visit)
    if request.form.get("age", "").strip() != str(visit.answers[AGE]):
        left = MOST_TRIES - count_wrong_try(db(), visit.draft)
        if left <= 0:
            return render_template("patient/gone.html"), 410
        return door_page(visit, f"That is not the age given before. Tries left: {left}.")
    renewed = Visit(renew_door(db(), visit.draft), visit.draft)
    return redirect(renewed.url("stop") if renewed.is_emergency else renewed.way_forward(), 303)
