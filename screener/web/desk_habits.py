"""How a person likes the queue: views saved under a name, and keys instead of the mouse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, flash, g, redirect, request, url_for
from flask_login import current_user

from screener.store.saved_views import add_view, delete_view
from screener.store.staff import list_colleagues
from screener.store.tenancy import entered_clinic
from screener.web.access import db, staff_only
from screener.web.forms import clean_text, read_id
from screener.web.work import look_of_address

desk_habits = Blueprint("desk_habits", __name__, url_prefix="/desk/<clinic_slug>")


@desk_habits.route("/views", methods=["GET", "POST"])
@staff_only
def save_view() -> Any:
    """Saves what the address shows, and shows it again."""
    now = datetime.now(UTC)
    look = look_of_address(now)
    if request.method == "POST":
        name = clean_text(request.form.get("name", ""))
        try:
            add_view(
                db(),
                staff_id=current_user.id,
                name=name,
                query=look.chosen,
                is_shared=request.form.get("for") == "everybody",
                now=now,
            )
            flash(f"Saved as “{name}”.")
        except ValueError as problem:
            flash(str(problem), "problem")
    return _to_queue(**look.chosen)


@desk_habits.route("/views/<view_id>/delete", methods=["GET", "POST"])
@staff_only
def remove_view(view_id: str) -> Any:
    if request.method != "POST":
        return _to_queue()
    found = read_id(view_id) or abort(404)
    here = {person.staff_id for person in list_colleagues(db(), entered_clinic(db()))}
    delete_view(db(), found, current_user.id, here)
    flash("The saved view is deleted. No request was.")
    return _to_queue()


@desk_habits.route("/shortcuts", methods=["GET", "POST"])
@staff_only
def shortcuts() -> Any:
    """On or off, for this person on every device."""
    if request.method == "POST":
        current_user.has_shortcuts = request.form.get("on") == "yes"
        flash(f"Keyboard shortcuts are {'on' if current_user.has_shortcuts else 'off'}.")
    return _to_queue()


def _to_queue(**chosen: str) -> Any:
    values: dict[str, Any] = {"clinic_slug": g.staff_clinic.slug, **chosen}
    return redirect(url_for("queue.index", **values), 303)
