"""Who sits at the desk: signing in makes a session row; no staff page opens without it and a second step.

A page that must open sooner is named in OPEN or SETTING_UP, and shows nothing of a clinic.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final

from flask import (
    Flask,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user, user_logged_out
from flask_security import (
    password_reset,
    tf_disabled,
    tf_profile_changed,
    user_authenticated,
    wan_deleted,
    wan_registered,
)
from flask_security.utils import set_request_attr
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from screener.store.staff import find_person, note_person
from screener.store.staff_sessions import (
    add_staff_session,
    end_session,
    end_sessions,
    find_live_session,
    note_seen,
)
from screener.store.tables import StaffSession, User
from screener.store.throttle import Try, forget_failures, note_failure, wait_before
from screener.web.access import address, db, is_staff_page
from screener.web.forms import clean_text
from screener.web.transaction import unavailable

# Where the cookie holds the session row's token.
_TOKEN: Final = "sid"  # noqa: S105 - the name of the place
_HERE: Final = "account.here"
# What scripts ask by themselves must not prolong the session.
_UNASKED: Final = frozenset({(_HERE, "GET"), ("work.count_new", "GET"), ("work.still_open", "POST")})

_LEAVING: Final = frozenset({("security.logout", "POST")})
NOTHING_SAVED: Final = "You were signed out before this was sent, so nothing of it was saved."

# Whoever is not signed in may open these, and nothing else of the desk.
OPEN: Final = frozenset(
    {
        "security.static",
        "security.login",
        "security.tf_select",
        "security.two_factor_token_validation",
        "security.mf_recovery",
        "security.wan_signin",
        "security.wan_signin_response",
        "security.forgot_password",
        "security.reset_password",
        _HERE,
    }
)
# The steps on the way in are over for whoever is in; Flask-Security would sign them out for coming back.
_BEHIND: Final = OPEN & {
    "security.tf_select",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.wan_signin",
    "security.wan_signin_response",
}
# Whoever signed in without a second step may open these, to set one up.
SETTING_UP: Final = frozenset(
    {
        "account.set_up",
        "security.logout",
        "security.verify",
        "security.two_factor_setup",
        "security.two_factor_setup_validate",
        "security.wan_register",
        "security.wan_register_response",
    }
)
_SECOND_STEPS: Final = {
    "security.wan_signin_response": "passkey",
    "security.two_factor_token_validation": "code",
    "security.mf_recovery": "recovery code",
}
# What can be tried, and what is counted together.
_TRIED: Final = {
    "security.login": "sign-in",
    "security.two_factor_token_validation": "sign-in",
    "security.mf_recovery": "sign-in",
    "security.verify": "sign-in",
    "security.change_password": "sign-in",
    "security.forgot_password": "reset",
}
_OK, _TOO_MANY = 200, 429


def install(app: Flask) -> None:
    app.login_manager.user_loader(_load_person)  # type: ignore[attr-defined]
    app.before_request(_refuse_flood)
    app.before_request(_require_second_step)
    app.after_request(_note_failure)
    user_authenticated.connect(_begin, app)
    user_logged_out.connect(_end, app)
    password_reset.connect(_end_all, app)
    for changed in (wan_registered, wan_deleted, tf_profile_changed, tf_disabled):
        changed.connect(_end_others, app)


def staff_session() -> StaffSession | None:
    """Of this request, once somebody looked who is signed in."""
    row: StaffSession | None = g.get("staff_session")
    return row


# ---------------------------------------------------------------- beginning and ending


def _load_person(identity: str) -> User | None:
    now = datetime.now(UTC)
    row = find_live_session(db(), session.get(_TOKEN, ""), now)
    if row is None:
        return None
    person = db().scalar(select(User).where(User.fs_uniquifier == identity, User.active.is_(True)))
    if person is None or person.id != row.staff_id:
        return None
    if (request.endpoint, request.method) not in _UNASKED:
        note_seen(db(), row, now)
    g.staff_session = row
    # What Flask-Security's own loader leaves for its decorators.
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return person


def _begin(_app: Flask, user: User, authn_via: list[str] | None = None, **_: Any) -> None:
    if authn_via == ["change"]:
        # A changed password keeps the person signed in here alone.
        _end_others(_app, user)
        return
    second_step = _SECOND_STEPS.get(request.endpoint or "")
    g.staff_session, session[_TOKEN] = add_staff_session(
        db(),
        staff_id=user.id,
        address=address(),
        browser=request.user_agent.string,
        second_step=second_step,
        now=datetime.now(UTC),
    )
    forget_failures(db(), Try("sign-in", user.email, address()))
    note_person(db(), user, "signed_in", by=user.id, second_step=second_step)


def _end(_app: Flask, **_: Any) -> None:
    end_session(db(), g.staff_session, datetime.now(UTC))
    session.clear()


def _end_all(_app: Flask, user: User, **_: Any) -> None:
    end_sessions(db(), user.id, datetime.now(UTC))
    note_person(db(), user, "sign_in_changed", by=user.id, page=request.endpoint)


def _end_others(_app: Flask, user: User, **_: Any) -> None:
    """After a change of how the person signs in; a step that was just set up was also taken."""
    row = staff_session()
    end_sessions(db(), user.id, datetime.now(UTC), but=row)
    note_person(db(), user, "sign_in_changed", by=user.id, page=request.endpoint)
    if row is not None and row.second_step is None:
        row.second_step = "passkey" if request.endpoint == "security.wan_register_response" else "code"


# ---------------------------------------------------------------- the gate


def _require_second_step() -> Any:
    if request.endpoint in _BEHIND and current_user:
        return redirect(url_for("queue.home"))
    if request.endpoint is None or request.endpoint in OPEN or not is_staff_page(request):
        return None
    if not current_user:
        if request.method == "POST" and (request.endpoint, "POST") not in _UNASKED | _LEAVING:
            flash(NOTHING_SAVED, "problem")
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    row = staff_session()
    if row is not None and row.second_step is None and request.endpoint not in SETTING_UP:
        return redirect(url_for("account.set_up"))
    return None


# ---------------------------------------------------------------- the throttle


def _refuse_flood() -> Response | None:
    purpose = _TRIED.get(request.endpoint or "")
    if purpose is None or request.method != "POST":
        return None
    g.staff_try = Try(purpose, _tried_email(db()), address())
    wait = wait_before(db(), g.staff_try, datetime.now(UTC))
    if not wait:
        return None
    g.staff_try = None
    page = render_template("security/wait.html", seconds=ceil(wait / timedelta(seconds=1)))
    return Response(page, _TOO_MANY, {"Retry-After": str(ceil(wait / timedelta(seconds=1)))})


def _tried_email(store: Session) -> str:
    """As typed, or of the person who took the first step already, whose row is held until the commit."""
    if current_user:
        return str(current_user.email)
    if "tf_user_id" in session and request.endpoint != "security.login":
        # Two requests with one recovery code wait for each other here.
        person = store.scalar(
            select(User)
            .where(User.fs_uniquifier == session["tf_user_id"])
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return person.email if person else ""
    return clean_text(request.form.get("email", ""))


def _note_failure(response: Response) -> Response:
    attempt = g.get("staff_try")
    if attempt and (response.status_code == _OK or attempt.purpose == "reset"):
        try:
            _count(attempt)
        except SQLAlchemyError as error:
            return unavailable(error)
    return response


def _count(failed: Try) -> None:
    note_failure(db(), failed, datetime.now(UTC))
    person = find_person(db(), failed.email) if failed.purpose == "sign-in" else None
    if person is not None:
        note_person(db(), person, "sign_in_failed", by=None, page=request.endpoint)
