"""Who may come in: same-origin requests, the planted-draft fence, clinics, drafts and staff rights.

A view for staff wears one of the decorators below; tests/web/test_matrix.py fails on a route that it
does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Final, TypeVar, cast
from urllib.parse import urlsplit

from flask import Request, abort, current_app, g, request
from flask_login import current_user
from flask_security import auth_required
from sqlalchemy.orm import Session

from screener.domain.consultation import READS_ANSWERS, Role
from screener.settings import Settings
from screener.store.clinics import find_clinic
from screener.store.database import Database
from screener.store.staff import find_roles, was_shredded
from screener.store.tables import Clinic
from screener.store.tenancy import enter_clinic
from screener.web.arrival import network_of
from screener.web.clinic_card import card_of
from screener.web.languages import speak_only

View = TypeVar("View", bound=Callable[..., object])

_STAFF_PATHS = ("/desk/", "/staff/")

# Doors that take a clinic's token and no cookie: no form of another site can speak for anybody there.
_MACHINE_PATHS = ("/api/", "/fhir/")

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def database() -> Database:
    found: Database = current_app.extensions["screener.database"]
    return found


def settings() -> Settings:
    found: Settings = current_app.extensions["screener.settings"]
    return found


def db() -> Session:
    """The request's session: committed after the view, rolled back on any error."""
    return database().sessions()


def is_staff_page(request: Request) -> bool:
    return request.path.startswith(_STAFF_PATHS)


def comes_from_our_page() -> bool:
    """Whether our own page caused this request (browsers send one of these headers with it)."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    sender = request.headers.get("Origin") if request.method not in SAFE_METHODS else request.referrer
    if not sender:
        return False
    try:
        parts = urlsplit(sender)
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}/" == request.host_url


def address() -> str:
    """Where a request comes from, as one place: see `network_of`."""
    return network_of(request.remote_addr or "0.0.0.0")  # noqa: S104 - a name for nowhere, not an interface


def refuse_foreign_posts() -> None:
    """Before every request: nothing is changed by a form that another site sent."""
    if request.path.startswith(_MACHINE_PATHS):
        return
    if request.method not in SAFE_METHODS and not comes_from_our_page():
        abort(403, description="foreign form")


def enter_open_clinic(slug: str) -> Clinic:
    """The clinic of a patient's address. Unknown and disabled ones give the same 404."""
    clinic = find_clinic(db(), slug)
    if clinic is None:
        abort(404)
    enter_clinic(db(), clinic.id)
    remember_clinic(clinic)
    return clinic


def remember_kept_clinic(clinic: Clinic) -> None:
    """The clinic of a receipt; where its records were destroyed, the page says so and nothing else."""
    remember_clinic(clinic)
    if clinic.shredded_at:
        abort(410, description="clinic destroyed")


def remember_clinic(clinic: Clinic) -> None:
    """For templates and headers, also of an error page after a rollback."""
    g.clinic = card_of(clinic)
    speak_only(g.clinic.languages)


def _fresh() -> timedelta:
    limit: timedelta = current_app.config["SECURITY_FRESHNESS"]
    return limit


_SIGNED_IN: Final = auth_required("session")
# A short while ago, or asked again.
_SIGNED_IN_LATELY: Final = auth_required("session", within=_fresh)


def staff_only(view: View) -> View:
    """Signed in, and a reader of answers at the clinic in the address; a foreign clinic is a 404."""
    return _at_clinic(view, READS_ANSWERS, "no answers")


def member_only(view: View) -> View:
    """Signed in, and anything at the clinic in the address: for what tells of no patient."""
    return _at_clinic(view, frozenset(Role))


def clinician_only(view: View) -> View:
    """Signed in, and a clinician at the clinic in the address."""
    return _at_clinic(view, frozenset({Role.CLINICIAN}), "no clinician")


def admin_only(view: View) -> View:
    """Signed in lately, and an administrator of the clinic in the address."""
    return _at_clinic(view, frozenset({Role.CLINIC_ADMIN}), "no administrator", _SIGNED_IN_LATELY)


def installation_admin_only(view: View) -> View:
    """The same for whoever looks after the clinics; to all others there is no such page."""

    @wraps(view)
    def guarded(**values: object) -> object:
        if not current_user.is_installation_admin:
            abort(404)
        return view(**values)

    return cast(View, _SIGNED_IN_LATELY(guarded))


def _at_clinic(
    view: View,
    allowed: frozenset[Role],
    refusal: str = "",
    signed_in: Callable[..., Callable[..., object]] = _SIGNED_IN,
) -> View:
    @wraps(view)
    def guarded(clinic_slug: str, **values: object) -> object:
        clinic = find_clinic(db(), clinic_slug)
        roles = find_roles(db(), current_user.id, clinic.id) if clinic else frozenset()
        if clinic is None and was_shredded(db(), current_user.id, clinic_slug):
            abort(410, description="destroyed")
        if clinic is None or not roles:
            abort(404)
        enter_clinic(db(), clinic.id)
        g.staff_clinic = card_of(clinic)
        g.staff_roles = frozenset(map(Role, roles))
        if not allowed & g.staff_roles:
            abort(403, description=refusal)
        return view(**values)

    return cast(View, signed_in(guarded))
