"""By telephone: staff go through the same questionnaire for a caller, on the same pages, read aloud."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store.audit import Subject, note
from screener.store.consultations import get_consultation
from screener.store.drafts import add_draft, remove_expired_drafts
from screener.store.staff import list_colleagues
from screener.store.tables import Draft
from screener.store.tenancy import entered_clinic
from screener.web.access import db, staff_only
from screener.web.visit import now

call = Blueprint("call", __name__, url_prefix="/desk/<clinic_slug>/call")


@call.route("", methods=["GET", "POST"])
@staff_only
def index() -> Any:
    """Where a call begins, and where it ends: `sent` is the reference of what came of the last one."""
    if request.method == "POST":
        return _begin()
    reference = request.args.get("sent", "")
    sent = get_consultation(db(), reference.upper()) if reference else None
    return render_template("call/index.html", sent=sent)


def _begin() -> Response:
    """The draft opens by its own link from here on: the pages of the questionnaire know no sign-in."""
    clinic_id = entered_clinic(db())
    remove_expired_drafts(db(), now())
    # As this clinic calls the person.
    names = {one.staff_id: one.name for one in list_colleagues(db(), clinic_id)}
    entered_by = {"id": current_user.id, "name": names[current_user.id]}
    document: dict[str, Any] = {"answers": {}, "events": [], "entered_by": entered_by}
    draft, token = add_draft(db(), clinic_id, document, now())
    subject = Subject(Draft.__tablename__, draft.row.id.hex)
    note(db(), "call_begun", subject, staff_id=current_user.id)
    return redirect(url_for("patient.page", token=token, slug=QUESTIONNAIRE.pages[0].slug), 303)


def call_url(reference: str | None = None) -> str:
    """Where the person who takes the call came from, and goes when it is sent."""
    return url_for("call.index", clinic_slug=g.clinic.slug, sent=reference)
