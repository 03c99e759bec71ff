"""Save and finish later: leaving a form behind, and the two ways back to it. No cookies here either."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from flask import abort, current_app, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from screener.domain.next_step import ADULT_AGE
from screener.domain.questionnaire import AGE, QUESTIONNAIRE
from screener.store.database import begin_reading
from screener.store.drafts import (
    LINK_MAIL,
    WARNING_MAIL,
    count_wrong_try,
    draft_life,
    find_clinic_of_closed_door,
    find_open_draft,
    kept_until,
)
from screener.store.outbox import add_mail
from screener.store.saved_drafts import find_by_code, save_for_later, show_code
from screener.store.tables import MOST_TRIES, Clinic
from screener.web.access import db, enter_open_clinic, remember_clinic, settings
from screener.web.languages import gettext, language
from screener.web.look import chooses_look
from screener.web.pace import hold_up, mailbox_turns, note_turn, turns, wait_for
from screener.web.patient import keep_typed, patient
from screener.web.refusals import INVALID
from screener.web.saving_forms import CodeForm, SaveForm, YearForm
from screener.web.visit import (
    Visit,
    come_back,
    enter_draft,
    form_token,
    now,
    require_form_token,
    with_draft,
)

_WARNED_BEFORE: Final = timedelta(days=1)
# Enough for slips of the hand; whoever wants to fill a stranger's mailbox soon runs dry.
MOST_LINKS_A_DAY: Final = 5


# ---------------------------------------------------------------- leaving


@patient.post("/d/<token>/pause")
@with_draft
def pause(visit: Visit) -> Response:
    """Keeps what was typed so far on the page, and leads to the ways back."""
    found = QUESTIONNAIRE.find_page(request.form.get("place", ""))
    if found is None:
        abort(400)
    require_form_token(visit.token, found.slug)
    keep_typed(visit, found)
    visit.save()
    if visit.is_emergency:
        return redirect(visit.url("stop"), 303)
    return redirect(visit.url("save", place=found.slug), 303)


@patient.route("/d/<token>/save", methods=["GET", "POST"])
@with_draft
def save(visit: Visit) -> Any:
    if visit.is_emergency:
        return redirect(visit.url("stop"), 303)
    if visit.entered_by:
        # Come back to by the patient alone, it would still say that it was entered by telephone.
        return redirect(visit.way_forward(), 303)
    form = _save_form(visit)
    is_sent = request.method == "POST"
    if is_sent and chooses_look(request.form):
        require_form_token(visit.token, "save")
        visit.keep_look()
        visit.save()
        is_sent = False
    if is_sent and form.validate():
        counted = turns("mail") if form.mail_to else ()
        box = mailbox_turns(form.mail_to) if form.mail_to else ()
        held_up = hold_up(form, counted, now())
        if held_up:
            return _show_save(visit, form), *held_up
        if wait_for(box, now()):
            form.refuse_mail()
            return _show_save(visit, form), INVALID
        _save_for_later(visit, form)
        note_turn((*counted, *box), now())
        return redirect(visit.url("saved", place=request.args.get("place")), 303)
    return _show_save(visit, form), INVALID if is_sent else 200


def _show_save(visit: Visit, form: SaveForm) -> str:
    return render_template("patient/save.html", visit=visit, form=form, on=_way_on(visit))


@patient.get("/d/<token>/saved")
@with_draft
def saved(visit: Visit) -> Any:
    if "saved" not in visit.draft.document:
        return redirect(visit.url("save"), 303)
    return render_template(
        "patient/saved.html",
        visit=visit,
        saved=visit.draft.document["saved"],
        base_url=settings().link(""),
        on=_way_on(visit),
    )


def _save_form(visit: Visit) -> SaveForm:
    sent = request.form if request.method == "POST" else None
    form = SaveForm(sent, meta={"csrf_context": visit.form_token("save")})
    form.age = visit.answers[AGE]
    form.may_mail = len(_mailed_today(visit)) < MOST_LINKS_A_DAY
    if not settings().can_mail or (form.age is not None and form.age < ADULT_AGE):
        # Nothing that names a child leaves the house.
        form.without_mail()
    return form


def _save_for_later(visit: Visit, form: SaveForm) -> None:
    document = visit.draft.document
    document["birth_year"] = form.year
    secret = save_for_later(db(), visit.draft, "resume" if form.mail_to else "code", now())
    document["saved"] = {"to": form.mail_to} if form.mail_to else {"code": show_code(secret)}
    if form.mail_to:
        document["mailed"] = [*_mailed_today(visit), now().isoformat()]
    visit.save()
    if form.mail_to:
        _mail_the_link(visit, form.mail_to, secret)


def _mailed_today(visit: Visit) -> list[str]:
    """When a link was mailed in the last 24 hours."""
    yesterday = (now() - timedelta(days=1)).isoformat()
    return [at for at in visit.draft.document.get("mailed", []) if at > yesterday]


def _mail_the_link(visit: Visit, to: str, token: str) -> None:
    """Now the link, and a warning a day before it ends, which holds no link."""
    local = current_app.jinja_env.filters["local"]
    until = {"until": local(visit.kept_until, g.clinic.time_zone)}
    link = {"link": settings().link(url_for("patient.resume", token=token))}
    for kind, values, due_at in (
        (LINK_MAIL, link | until, now()),
        (WARNING_MAIL, until, visit.kept_until - _WARNED_BEFORE),
    ):
        add_mail(
            db(),
            kind,
            to=to,
            language=language(),
            values=values,
            due_at=due_at,
            now=now(),
            draft_id=visit.draft.row.id,
        )


def _way_on(visit: Visit) -> str:
    """The page that was left."""
    place = request.args.get("place", "")
    found = QUESTIONNAIRE.find_page(place)
    if found:
        return visit.page_url(found)
    return visit.url(place) if place in {"check", "result"} else visit.way_forward()


# ---------------------------------------------------------------- coming back


@patient.route("/resume/<token>", methods=["GET", "POST"])
def resume(token: str) -> Any:
    """A mailed link. Only looking at it uses nothing up: mail scanners do."""
    is_sent = request.method == "POST"
    if not is_sent:
        begin_reading(db())
    draft = find_open_draft(db(), token, now(), kind="resume", to_change=is_sent)
    if draft is None:
        return _used_link(token)
    enter_draft(draft)
    form = YearForm(request.form if is_sent else None, meta={"csrf_context": form_token(token, "resume")})
    if is_sent and form.validate():
        if form.year == draft.document["birth_year"]:
            return come_back(draft)
        left = MOST_TRIES - count_wrong_try(db(), draft)
        if left <= 0:
            return _used_link(token)
        form.birth_year.errors = [
            gettext("That is not the year given before. Tries left: %(left)s.", left=left)
        ]
    until = kept_until(draft.row, draft_life(db(), draft.row.clinic_id))
    invited = "invited" in draft.document
    page = render_template("patient/resume.html", form=form, until=until, invited=invited)
    return page, INVALID if is_sent else 200


def _used_link(token: str) -> tuple[str, int]:
    clinic_id = find_clinic_of_closed_door(db(), token)
    if clinic_id:
        remember_clinic(db().get_one(Clinic, clinic_id))
    return render_template("patient/used_link.html"), 410


@patient.route("/c/<slug>/resume", methods=["GET", "POST"])
def resume_by_code(slug: str) -> Any:
    """A code from paper. Whether it was the code or the year that was wrong is not said."""
    is_sent = request.method == "POST"
    if not is_sent:
        begin_reading(db())
    enter_open_clinic(slug)
    form = CodeForm(request.form if is_sent else None, meta={"csrf_context": form_token(slug, "resume")})
    if is_sent and form.validate():
        counted = turns("code")
        held_up = hold_up(form, counted, now())
        if held_up:
            return render_template("patient/resume_by_code.html", form=form), *held_up
        draft = find_by_code(db(), form.code.code, now())
        if draft and draft.document["birth_year"] == form.birth_year.year:
            return come_back(draft)
        if draft:
            count_wrong_try(db(), draft)
        note_turn(counted, now())
        form.code.errors = [gettext("The code or the year does not fit. Check both.")]
    return render_template("patient/resume_by_code.html", form=form), INVALID if is_sent else 200
