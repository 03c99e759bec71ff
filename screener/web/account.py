"""A person's own account: second steps, recovery codes, where they are signed in, and how to stay so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import current_user, logout_user
from flask_security import auth_required
from flask_wtf.csrf import generate_csrf

from screener.domain.consultation import READS_ANSWERS
from screener.store.staff import list_memberships, note_person
from screener.store.staff_sessions import end_sessions, ends_at, idle_limit, list_staff_sessions
from screener.web.access import db
from screener.web.staff_session import staff_session

_READERS: Final = frozenset(role.value for role in READS_ANSWERS)

account = Blueprint("account", __name__, url_prefix="/desk")


@account.app_template_global()
def seconds_left() -> int:
    row = staff_session()
    if row is None:
        return 0
    ends = ends_at(row, idle_limit(db(), row.staff_id))
    return int((ends - datetime.now(UTC)).total_seconds())


@account.get("/account")
@auth_required("session")
def show() -> str:
    return render_template(
        "account/show.html",
        person=current_user,
        passkeys=sorted(current_user.webauthn, key=lambda key: str(key.name)),
        has_app=bool(current_user.tf_totp_secret),
        codes_left=len(current_user.mf_recovery_codes or []),
        sessions=list_staff_sessions(db(), current_user.id),
        here=staff_session(),
        now=datetime.now(UTC),
        idle=idle_limit(db(), current_user.id),
        ends_at=ends_at,
        told_of=[clinic for clinic, roles in list_memberships(db(), current_user.id) if roles & _READERS],
    )


@account.get("/account/second-step")
@auth_required("session")
def set_up() -> Any:
    """Where whoever has no second step yet is led from every page."""
    row = staff_session()
    if row is not None and row.second_step is not None:
        return redirect(url_for("account.show"))
    return render_template("account/set_up.html")


@account.route("/account/sign-out-everywhere", methods=["GET", "POST"])
@auth_required("session")
def sign_out_everywhere() -> Any:
    if request.method != "POST":
        return redirect(url_for("account.show"))
    end_sessions(db(), current_user.id, datetime.now(UTC))
    note_person(db(), current_user, "signed_out", by=current_user.id)
    logout_user()
    session.clear()
    flash("You are signed out everywhere.")
    return redirect(url_for("security.login"))


@account.route("/here", methods=["GET", "POST"])
def here() -> Any:
    """For the script of an open page: who is signed in and for how long; a POST prolongs it."""
    if not current_user:
        return {"person": None}
    return {
        "person": str(current_user.id),
        "seconds": seconds_left(),
        "token": generate_csrf(),
    }
