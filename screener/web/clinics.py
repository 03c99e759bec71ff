"""The clinics of the installation, for whoever looks after it: added, changed, shut, never read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from screener.store.clinic_changes import (
    change_clinic,
    count_requests,
    disable_clinic,
    enable_clinic,
    note_clinic,
    shred_keys,
)
from screener.store.clinics import add_clinic, check_about, check_slug, find_any_clinic, list_clinics
from screener.store.origins import read_origins
from screener.store.tables import Clinic
from screener.web.access import database, db, installation_admin_only, settings
from screener.web.clinic_look import in_sentence
from screener.web.forms import clean_text
from screener.web.refusals import INVALID

clinics = Blueprint("clinics", __name__, url_prefix="/desk/clinics")

_FIELDS: Final = ("name", "phone", "hours", "time_zone")
_USUAL: Final = {"time_zone": "America/New_York"}

Problems = list[tuple[str, str]]


@clinics.route("", methods=["GET", "POST"])
@installation_admin_only
def index() -> Any:
    if request.method != "POST":
        return _index(_USUAL, [])
    slug = clean_text(request.form.get("slug", ""))
    about, problems = _read_about()
    try:
        check_slug(db(), slug)
    except ValueError as error:
        problems.insert(0, ("slug", in_sentence(error)))
    if problems:
        return _index(request.form, problems), INVALID
    # What is added to a demo is made up too, and says so.
    added = add_clinic(db(), slug=slug, is_demo=bool(settings().demo), **about)
    note_clinic(db(), added, "clinic_added", by=current_user.id)
    flash(f"Added {added.name}.")
    return _to(added)


def _index(typed: Mapping[str, str], problems: Problems) -> str:
    rows = [(clinic, count_requests(db(), clinic)) for clinic in list_clinics(db())]
    return render_template("clinics/index.html", rows=rows, typed=typed, problems=problems)


def _read_about() -> tuple[dict[str, Any], Problems]:
    about: dict[str, Any] = {name: clean_text(request.form.get(name, "")) for name in _FIELDS}
    about["origins"], unread = read_origins(request.form.get("origins", ""))
    problems: Problems = [("origins", words) for words in unread]
    for name, value in about.items():
        try:
            check_about({name: value})
        except ValueError as error:
            problems.append((name, in_sentence(error)))
    return about, problems


@clinics.route("/<slug>", methods=["GET", "POST"])
@installation_admin_only
def clinic(slug: str) -> Any:
    found = _get(slug)
    if request.method != "POST":
        return _show(found, _typed_of(found), [])
    about, problems = _read_about()
    if problems:
        return _show(found, request.form, problems), INVALID
    changed = change_clinic(db(), found, about, by=current_user.id)
    flash("Saved." if changed else "Nothing was changed.")
    return _to(found)


def _get(slug: str) -> Clinic:
    found = find_any_clinic(db(), slug)
    if found is None:
        abort(404)
    return found


def _typed_of(clinic: Clinic) -> dict[str, str]:
    return {name: getattr(clinic, name) for name in _FIELDS} | {"origins": "\n".join(clinic.origins)}


def _show(clinic: Clinic, typed: Mapping[str, str], problems: Problems) -> str:
    return render_template(
        "clinics/clinic.html",
        shown=clinic,
        requests=count_requests(db(), clinic),
        typed=typed,
        problems=problems,
        base_url=settings().link(""),
    )


def _to(clinic: Clinic) -> Response:
    return redirect(url_for("clinics.clinic", slug=clinic.slug), 303)


@clinics.route("/<slug>/switch", methods=["GET", "POST"])
@installation_admin_only
def switch(slug: str) -> Any:
    """Opens or shuts; pressed twice, it still does what the button said."""
    found, way = _get(slug), request.form.get("to")
    if request.method != "POST":
        return _to(found)
    if way == "open":
        try:
            enable_clinic(db(), found, by=current_user.id)
        except ValueError as error:
            return _show(found, _typed_of(found), [("main", in_sentence(error))]), INVALID
        flash(f"{found.name} is open.")
    elif way == "shut":
        disable_clinic(db(), found, by=current_user.id, now=datetime.now(UTC))
        flash(f"{found.name} is shut, to patients and staff.")
    else:
        abort(400)
    return _to(found)


@clinics.route("/<slug>/shred", methods=["GET", "POST"])
@installation_admin_only
def shred(slug: str) -> Any:
    found = _get(slug)
    if request.method != "POST":
        return _to(found)
    if clean_text(request.form.get("typed_slug", "")) != found.slug:
        wrong = [("typed_slug", f"Type {found.slug} to destroy its records. Nothing was changed.")]
        return _show(found, _typed_of(found), wrong), INVALID
    shred_keys(db(), found, by=current_user.id, now=datetime.now(UTC))
    flash(f"The keys of {found.name} are destroyed.")
    answer, kept = _to(found), database()
    # After the commit, and after the answer has left.
    answer.call_on_close(lambda: kept.forget_deleted("clinic_keys"))
    return answer
