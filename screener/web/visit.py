"""One patient's visit: the draft behind the address, what it amounts to, and who may open it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, wraps
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from screener.domain.answers import Answers
from screener.domain.next_screening import has_grown_old
from screener.domain.next_step import NextStep, next_step
from screener.domain.progress import is_further
from screener.domain.question import BEFORE_RESULT, Page, Question, Value
from screener.domain.questionnaire import AGE, DANGER_NOW, HEAD_DAYS, MIG_DAYS, QUESTIONNAIRE
from screener.domain.screening import Screening, report, restore_answers, screen
from screener.domain.urgency import Level, Urgency, judge_urgency
from screener.store.consultations import find_by_receipt
from screener.store.database import begin_reading, vault_of
from screener.store.drafts import (
    OpenDraft,
    draft_life,
    find_clinic_of_closed_door,
    find_open_draft,
    kept_until,
    renew_door,
    save_draft,
)
from screener.store.errors import NotFoundError
from screener.store.tables import Clinic, Consultation
from screener.store.vault import derive_token
from screener.web.access import comes_from_our_page, db, remember_clinic
from screener.web.contact_forms import ContactForm
from screener.web.forms import FORM_TOKEN
from screener.web.look import look_parameters, take_choice, take_look_of
from screener.web.refusals import CONFLICT, INVALID
from screener.web.widget import take_frame_of

_DANGER_PAGE = QUESTIONNAIRE.page_of(DANGER_NOW)
_TAKES_ANSWERS = frozenset({"patient.page", "patient.pause"})


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Visit:
    """One request of a patient: the open draft, and what its answers amount to."""

    token: str
    draft: OpenDraft
    # What the next page has to tell, by its name in templates/patient/told.html.
    told: str | None = None

    @cached_property
    def answers(self) -> Answers:
        return restore_answers(self.draft.document["answers"])

    @cached_property
    def urgency(self) -> Urgency:
        """Looked at on every page; the classes only where they are shown."""
        return judge_urgency(self.answers)

    @cached_property
    def screening(self) -> Screening:
        return screen(self.answers)

    @cached_property
    def report(self) -> dict[str, Any]:
        return report(self.screening)

    @property
    def for_other(self) -> bool:
        """Somebody else fills it in for the patient."""
        return bool(self.draft.document.get("for_other"))

    @property
    def entered_by(self) -> dict[str, Any] | None:
        """The id and name of the member of staff who enters it for a caller."""
        return self.draft.document.get("entered_by")

    @property
    def follows(self) -> str | None:
        """The reference of the earlier request that staff asked to follow up."""
        return self.draft.document.get("follows")

    @property
    def is_emergency(self) -> bool:
        return self.urgency.level is Level.EMERGENCY

    def would_be_emergency(self, answers: Mapping[str, Value | None]) -> bool:
        changed = Answers(QUESTIONNAIRE, {**self.answers.as_raw(), **answers})
        return judge_urgency(changed).level is Level.EMERGENCY

    @property
    def next_step(self) -> NextStep:
        """A kind of request that the clinic does not take is not offered; what is said of care stays."""
        found = self.screening
        step = next_step(found.urgency.level, found.classification.article_class, self.answers[AGE])
        return step if step.kind in g.clinic.kinds else NextStep(step.offer, None)

    def url(self, endpoint: str, **values: Any) -> str:
        return url_for(f"patient.{endpoint}", token=self.token, told=self.told, **values)

    def page_url(self, page: Page) -> str:
        return self.url("page", slug=page.slug)

    def form_token(self, place: str) -> str:
        return form_token(self.token, place)

    def take(self, answers: Mapping[str, Value | None], instead_of: Iterable[Question] = ()) -> None:
        """Takes these answers in place of the ones named; those of questions no longer asked are forgotten.

        Where they make it an emergency, that is noted, whichever form they came by.
        """
        was_emergency = self.is_emergency
        replaced = {question.id for question in instead_of}
        stored = self.draft.document["answers"]
        kept = {i: value for i, value in stored.items() if i not in replaced}
        self.draft.document["answers"] = _with_days_that_fit({**kept, **answers})
        self._judge_anew()
        self.draft.document["answers"] = self.answers.as_raw()
        if self.is_emergency and not was_emergency:
            self.note("stop", self.urgency.emergencies)

    def seen(self, page: Page) -> int:
        """How often this page was saved when it is shown; its form carries it along."""
        saves: dict[str, int] = self.draft.document.get("saves", {})
        return saves.get(page.slug, 0)

    def take_page(self, page: Page, answers: Mapping[str, Value | None], *, seen: str, whole: bool) -> None:
        """Takes what was sent of a page (if whole, in place of all it held before).

        The later window wins, and the next page says so where that changed what another one had sent.
        """
        is_stale = seen not in {"", str(self.seen(page))}
        before = self.answers.said(*page.questions)
        self.take(answers, instead_of=page.questions if whole else ())
        if is_stale and self.answers.said(*page.questions) != before:
            self.told = "later"
        self.draft.document.setdefault("saves", {})[page.slug] = self.seen(page) + 1
        if whole:
            self._note_reached(page)

    def _note_reached(self, page: Page) -> None:
        """For the count of where forms end: of the pages that everybody is asked, the furthest answered."""
        row = self.draft.row
        if row.reached is not None and is_further(page, than=row.reached):
            row.reached = page.slug

    def save(self) -> None:
        save_draft(db(), self.draft, now())

    @property
    def kept_until(self) -> datetime:
        return kept_until(self.draft.row, draft_life(db(), self.draft.row.clinic_id))

    def keep_look(self) -> None:
        """Takes the brightness or language that a button of this form chose."""
        self.draft.document |= take_choice(request.form)

    def note(self, what: str, flags: tuple[str, ...]) -> None:
        """Keeps what happened at the stop page, with its time, for staff to see."""
        event = {"what": what, "at": now().isoformat(), "flags": list(flags)}
        self.draft.document["events"].append(event)

    def way_forward(self) -> str:
        """The first page that still needs an answer, or the check page."""
        page = self.answers.first_unanswered(BEFORE_RESULT)
        if page is _DANGER_PAGE and self.answers[AGE] is not None:
            # It was answered before, and that has grown old.
            self.told = "since"
            return self.url("page", slug=page.slug, back="check")
        return self.page_url(page) if page else self.url("check")

    def forget_calm(self) -> None:
        """No danger is no answer any more: it is asked once more."""
        self.draft.document["answers"].pop(DANGER_NOW.id, None)
        self._judge_anew()

    def _judge_anew(self) -> None:
        for judged in ("answers", "urgency", "screening", "report"):
            self.__dict__.pop(judged, None)


def _with_days_that_fit(answers: dict[str, Any]) -> dict[str, Any]:
    """Fewer headache days than were migraine days before: those are asked again, after the result."""
    head, migraine = answers.get(HEAD_DAYS.id), answers.get(MIG_DAYS.id)
    if isinstance(head, int) and isinstance(migraine, int) and migraine > head:
        del answers[MIG_DAYS.id]
    return answers


def with_draft(view: Callable[..., Any]) -> Callable[..., Any]:
    """Opens the draft of the address; a visitor who does not come from our pages meets the door first."""

    @wraps(view)
    def opened(token: str, **values: Any) -> Any:
        if request.method != "POST":
            begin_reading(db())
        draft = find_open_draft(db(), token, now(), to_change=request.method == "POST")
        if draft is None:
            return sent_or_gone(token)
        enter_draft(draft)
        visit = Visit(token, draft)
        if request.method != "POST" and not comes_from_our_page():
            return door_page(visit)
        try:
            return _view_after_pause(visit, view, **values) if _is_calm_old(draft) else view(visit, **values)
        except NotFoundError:
            # Another tab has sent or closed this draft meanwhile.
            db().rollback()
            return sent_or_gone(token)

    return opened


def _view_after_pause(visit: Visit, view: Callable[..., Any], **values: Any) -> Any:
    """Danger is asked once more first; only answers that were typed already are taken before."""
    if request.method != "POST" or request.endpoint not in _TAKES_ANSWERS:
        visit.forget_calm()
        return view(visit, **values)
    response = view(visit, **values)
    answered = values.get("slug") or request.form.get("place")
    if isinstance(response, Response) and answered != _DANGER_PAGE.slug:
        visit.forget_calm()
        visit.save()
    return response


def enter_draft(draft: OpenDraft) -> None:
    """Its clinic and look are the page's; a disabled clinic is a 404."""
    if draft.clinic.disabled_at:
        abort(404)
    remember_clinic(draft.clinic)
    take_look_of(draft.document)
    take_frame_of(draft.document)


def come_back(draft: OpenDraft) -> Response:
    """To where they stopped, by a new link: whoever held another one before is shut out."""
    # Only the ways back needed these, and they are shut now.
    was_saved = draft.document.pop("saved", None) is not None
    was_invited = draft.document.pop("invited", None) is not None
    draft.document.pop("birth_year", None)
    # Come back to by a link, it stands in no clinic's page any more.
    draft.document.pop("frame", None)
    if _is_calm_old(draft):
        del draft.document["answers"][DANGER_NOW.id]
    token = renew_door(db(), draft, now())
    save_draft(db(), draft, now())
    visit = Visit(token, draft, told="again" if was_invited else "used" if was_saved else None)
    return redirect(visit.url("stop") if visit.is_emergency else visit.way_forward(), 303)


def _is_calm_old(draft: OpenDraft) -> bool:
    return has_grown_old(draft.document["answers"], now() - draft.row.last_active_at)


def after_safety(view: Callable[..., Any]) -> Callable[..., Any]:
    """Danger first, then the questions: nothing behind them opens before."""

    @wraps(view)
    def guarded(visit: Visit, **values: Any) -> Any:
        if visit.is_emergency:
            return redirect(visit.url("stop"), 303)
        if visit.answers.first_unanswered(BEFORE_RESULT):
            return redirect(visit.way_forward(), 303)
        return view(visit, **values)

    return guarded


def form_token(of: str, place: str) -> str:
    """Proves that a form came from our own page, of one draft, receipt or clinic and no other."""
    return derive_token(vault_of(db()), "form", f"{of}|{place}")


def require_form_token(of: str, place: str) -> None:
    if request.form.get(FORM_TOKEN) != form_token(of, place):
        raise BadRequest("stale form")


def contact_form(token: str) -> ContactForm:
    sent = request.form if request.method == "POST" else None
    return ContactForm(sent, meta={"csrf_context": form_token(token, "contact")})


def body_digest(form: ContactForm) -> bytes:
    """Keyed, so that a stolen database cannot confirm a guessed name."""
    body = derive_token(vault_of(db()), "request body", json.dumps(form.contact, sort_keys=True))
    return hashlib.sha256(body.encode()).digest()


def receipt_token_of(draft_token: str) -> str:
    """A sent draft's own address still leads to its receipt, though neither token is stored."""
    return derive_token(vault_of(db()), "receipt", draft_token)


def receipt_url(receipt_token: str) -> str:
    look: dict[str, Any] = look_parameters()
    return url_for("patient.receipt", token=receipt_token, **look)


def sent_or_gone(token: str) -> Any:
    """Where the link of a draft that is closed leads: to its receipt, if it was sent (409 where the form now
    says something else); else 410."""
    receipt_token = receipt_token_of(token)
    sent = find_by_receipt(db(), receipt_token)
    if sent is None:
        clinic_id = find_clinic_of_closed_door(db(), token)
        if clinic_id is None:
            return render_template("patient/gone.html"), 410
        remember_clinic(db().get_one(Clinic, clinic_id))
        return render_template("patient/elsewhere.html"), 410
    if sent.language:
        # The draft that kept the choice is gone.
        take_look_of({"language": sent.language})
    if request.method == "POST" and not _is_same_form(token, sent):
        remember_clinic(db().get_one(Clinic, sent.clinic_id))
        return render_template("patient/already_sent.html", receipt_token=receipt_token), CONFLICT
    return redirect(receipt_url(receipt_token), 303)


def _is_same_form(token: str, sent: Consultation) -> bool:
    form = contact_form(token)
    return form.validate() and body_digest(form) == sent.body_digest


def door_page(visit: Visit, error: str = "") -> Any:
    """A link that did not come from our pages shows no answer: it may be planted, or found by another."""
    may_go_on = visit.answers[AGE] is not None
    return render_template(
        "patient/door.html", door=visit, may_go_on=may_go_on, error=error
    ), INVALID if error else 200
