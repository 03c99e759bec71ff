"""Asking a person to fill the form in again: a mailed link to a form that holds what they said before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.next_screening import carried_over
from screener.store.drafts import INVITATION_MAIL, draft_life, kept_until
from screener.store.invitations import add_invitation, find_invitation
from screener.store.outbox import add_mail
from screener.web.access import db, settings, staff_only
from screener.web.pages import local
from screener.web.records import Record, open_record
from screener.web.refusals import CONFLICT
from screener.web.request_page import hold_request

invite = Blueprint("invite", __name__, url_prefix="/desk")

_ONE_PRESS: Final = timedelta(seconds=30)


@invite.route("/<clinic_slug>/requests/<reference>/invite", methods=["GET", "POST"])
@staff_only
def ask(reference: str) -> Any:
    """What would be sent and to whom; a POST sends it."""
    if request.method == "POST":
        hold_request(reference)
    record = open_record(reference)
    now = datetime.now(UTC)
    why_not = _why_not(record)
    waiting = find_invitation(db(), record.consultation, now)
    if request.method != "POST" or why_not:
        page = render_template("history/invite.html", record=record, why_not=why_not, waiting=waiting)
        return page, 200 if request.method != "POST" else CONFLICT
    # The second press of a double click is no second invitation.
    if waiting is None or now - waiting.sent_at > _ONE_PRESS:
        _send(record, now)
    flash("The invitation is on its way.")
    slug = g.staff_clinic.slug
    return redirect(url_for("history.show", clinic_slug=slug, reference=record.consultation.reference), 303)


def _why_not(record: Record) -> str:
    """Why no invitation can be sent; empty if it can."""
    if not record.contact["contact_email"]:
        return "The patient gave no e-mail address. Call them, and fill the form in for them by telephone."
    if not settings().can_mail:
        return "This installation sends no mail yet. Ask whoever runs it to set SCREENER_SMTP_URL."
    return ""


def _send(record: Record, now: datetime) -> None:
    consultation, clinic = record.consultation, g.staff_clinic
    document = {
        "answers": carried_over(record.answers.as_raw()),
        "events": [],
        "language": record.language,
        "for_other": record.for_other,
        "birth_year": int(record.contact["contact_birth_date"][:4]),
        "invited": True,
        "follows": consultation.reference,
    }
    draft, token = add_invitation(db(), consultation, document, current_user.id, now)
    add_mail(
        db(),
        INVITATION_MAIL,
        to=record.contact["contact_email"],
        language=record.language,
        values={
            "clinic": clinic.name,
            "phone": clinic.phone,
            "link": settings().link(url_for("patient.resume", token=token)),
            "until": local(kept_until(draft.row, draft_life(db(), draft.row.clinic_id)), clinic.time_zone),
        },
        due_at=now,
        now=now,
        consultation_id=consultation.id,
        draft_id=draft.row.id,
    )
