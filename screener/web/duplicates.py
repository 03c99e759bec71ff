"""Whether two requests are one patient's: staff say that they are or are not, and may take it back."""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_login import current_user

from screener.store.consultations import get_consultation
from screener.store.duplicates import decide_pair
from screener.store.errors import ConflictError
from screener.store.tables import Consultation
from screener.web.access import db, staff_only
from screener.web.refusals import CONFLICT, INVALID
from screener.web.request_page import hold_request, show_request

duplicates = Blueprint("duplicates", __name__, url_prefix="/desk")


SAID = {
    "same": "Linked: {} is the same person's. Each stays a request of its own.",
    "different": "Noted: {} is somebody else's.",
    "undone": "Taken back. Nothing is decided about {}.",
}
MEANWHILE = "Somebody else decided about these two requests meanwhile. Look below, then decide again."


@duplicates.route("/<clinic_slug>/requests/<reference>/same-person", methods=["GET", "POST"])
@staff_only
def decide(reference: str) -> Any:
    slug = g.staff_clinic.slug
    back = url_for("queue.submission", clinic_slug=slug, reference=reference, _anchor="alike")
    if request.method != "POST":
        return redirect(back, 303)
    verdict = request.form.get("verdict", "")
    one, other = _hold_both(reference, request.form.get("other", ""))
    if verdict not in SAID or one.id == other.id:
        problems = [("main", "Choose what these two requests are to each other.")]
        return show_request(reference, problems=problems), INVALID
    try:
        decide_pair(
            db(),
            one,
            other,
            verdict=verdict,
            seen=request.form.get("seen") or None,
            staff_id=current_user.id,
            now=datetime.now(UTC),
        )
    except ConflictError:
        db().rollback()
        return show_request(reference, problems=[("alike", MEANWHILE)]), CONFLICT
    flash(SAID[verdict].format(other.reference))
    return redirect(back, 303)


def _hold_both(*references: str) -> list[Consultation]:
    """Always in the same order, so that two people who come from either page do not wait for each other."""
    found = [get_consultation(db(), reference.upper()) for reference in references]
    for consultation in sorted(found, key=attrgetter("id")):
        hold_request(consultation.reference)
    return found
