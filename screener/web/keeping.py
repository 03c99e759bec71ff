"""How long one request is kept: marked as charted, or held against deletion, by whoever reads it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from screener.domain.consultation import REASON_MAX_LENGTH
from screener.domain.retention import MOST_HOLD
from screener.store.retention import end_hold, hold, mark_charted
from screener.web.access import db, staff_only
from screener.web.forms import clean_text
from screener.web.refusals import CONFLICT, INVALID
from screener.web.request_page import hold_request, show_request

keeping = Blueprint("keeping", __name__, url_prefix="/desk")


@keeping.route("/<clinic_slug>/requests/<reference>/charted", methods=["GET", "POST"])
@staff_only
def charted(reference: str) -> Any:
    """The mark, and its way back."""
    if request.method != "POST":
        return _to_request(reference)
    held, is_charted = hold_request(reference), "charted" in request.form
    if is_charted and held.accepted_at is None:
        why = "Accept this request first: only what the clinic took on is charted."
        return show_request(reference, problems=[("keeping", why)]), CONFLICT
    mark_charted(db(), held, charted=is_charted, staff_id=current_user.id, now=datetime.now(UTC))
    flash("Marked as charted." if is_charted else "The mark is taken back.")
    return _to_request(held.reference)


@keeping.route("/<clinic_slug>/requests/<reference>/keep", methods=["GET", "POST"])
@staff_only
def keep(reference: str) -> Any:
    """A hold, set anew or ended."""
    if request.method != "POST":
        return _to_request(reference)
    held, now = hold_request(reference), datetime.now(UTC)
    if "end" in request.form:
        end_hold(db(), held, staff_id=current_user.id, now=now)
        flash("The hold is ended.")
        return _to_request(held.reference)
    typed = {name: clean_text(request.form.get(name, "")) for name in ("keep_until", "keep_because")}
    until, problems = _read(typed, now)
    if until is None or problems:
        return show_request(reference, hold=typed, problems=problems), INVALID
    hold(db(), held, until=until, reason=typed["keep_because"], staff_id=current_user.id, now=now)
    flash("The hold is set: nothing deletes this request before its end.")
    return _to_request(held.reference)


def _read(typed: dict[str, str], now: datetime) -> tuple[date | None, list[tuple[str, str]]]:
    problems = []
    today = now.astimezone(ZoneInfo(g.staff_clinic.time_zone)).date()
    try:
        until = date.fromisoformat(typed["keep_until"])
    except ValueError:
        until = None
    if until is None or not today <= until <= today + MOST_HOLD:
        problems.append(("keep_until", "Enter the last day to keep it: today or later, ten years at most."))
    if not 0 < len(typed["keep_because"]) <= REASON_MAX_LENGTH:
        problems.append(("keep_because", f"Say why it is kept, in {REASON_MAX_LENGTH} characters at most."))
    return until, problems


def _to_request(reference: str) -> Response:
    slug = g.staff_clinic.slug
    return redirect(
        url_for("queue.submission", clinic_slug=slug, reference=reference, _anchor="keeping"), 303
    )
