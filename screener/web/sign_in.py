"""Sets Flask-Security up for staff: its rules with our pages, words and forms, and one place that commits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Flask, Request, Response, flash, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_security import (
    LoginForm,
    Security,
    SQLAlchemySessionUserDatastore,
    hash_password,
    reset_password_instructions_sent,
)
from flask_security.recoverable import generate_reset_password_token
from flask_security.utils import check_and_get_token_status
from flask_wtf import CSRFProtect
from sqlalchemy import select

from screener.settings import Settings
from screener.store.database import vault_of
from screener.store.outbox import add_mail
from screener.store.staff import list_memberships
from screener.store.tables import Role, User, WebAuthn
from screener.store.tenancy import enter_clinic, find_entered_clinic
from screener.store.vault import derive_token
from screener.web import staff_session
from screener.web.access import db, is_staff_page
from screener.web.access import settings as our_settings
from screener.web.api import api
from screener.web.fhir import fhir
from screener.web.patient import patient
from screener.web.second_step import (
    AppForm,
    LongPasswords,
    NoRescueForm,
    OnceOnlyTotp,
    PasskeyForm,
    PasskeyRemovalForm,
    StepChoiceForm,
)

AFTER_SIGN_IN: Final = "/desk/"
# Two slashes, also the other way round, begin another site's address.
_OWN_PATH: Final = re.compile(r"/(?![/\\])[^\s]*")
SHORTEST_PASSWORD = 15
# How long a person who changes something that matters has been known to sit there.
FRESH: Final = timedelta(minutes=10)
# A code of the step before or after is taken too: clocks and fingers are late.
_CODE_WINDOW_SECONDS: Final = 30
INVITATION_LIFE: Final = timedelta(hours=72)
RESET_LIFE: Final = timedelta(hours=1)
_WORDS: Final = {
    "SECURITY_MSG_UNAUTHENTICATED": ("Please sign in.", "info"),
    "SECURITY_MSG_PASSWORD_RESET_REQUEST": (
        "If this address belongs to an account, a link is on its way there.",
        "info",
    ),
    "SECURITY_MSG_INVALID_RESET_PASSWORD_TOKEN": (
        "This link was used already.",
        "error",
    ),
    "SECURITY_MSG_PASSWORD_RESET_EXPIRED": ("This link is too old. Ask for a new one.", "error"),
    "SECURITY_MSG_PASSWORD_RESET_NO_LOGIN": ("Your password is set. Now sign in with it.", "success"),
    "SECURITY_MSG_GENERIC_AUTHN_FAILED": ("The e-mail or the password is not right.", "error"),
    "SECURITY_MSG_EMAIL_NOT_PROVIDED": ("Enter your e-mail.", "error"),
    "SECURITY_MSG_PASSWORD_NOT_PROVIDED": ("Enter a password.", "error"),
    "SECURITY_MSG_INVALID_PASSWORD": ("This password is not right.", "error"),
    "SECURITY_MSG_WEBAUTHN_NAME_REQUIRED": ("Give it a name.", "error"),
    "SECURITY_MSG_WEBAUTHN_REGISTER_SUCCESSFUL": ("Your passkey “%(name)s” was added.", "info"),
    "SECURITY_MSG_WEBAUTHN_CREDENTIAL_DELETED": ("Your passkey “%(name)s” was removed.", "info"),
    "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
        "The codes of your app are switched on.",
        "info",
    ),
    "SECURITY_MSG_TWO_FACTOR_DISABLED": ("Codes from an app are switched off.", "info"),
    "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("You are signed in.", "info"),
    "SECURITY_MSG_TWO_FACTOR_PERMISSION_DENIED": ("Please begin with your password.", "info"),
    "SECURITY_MSG_REAUTHENTICATION_SUCCESSFUL": ("Thank you. Go on.", "info"),
    "SECURITY_MSG_RETYPE_PASSWORD_MISMATCH": ("The two passwords are not the same.", "error"),
    "SECURITY_MSG_PASSWORD_INVALID_LENGTH": ("Use 15 to 128 characters.", "error"),
    "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": (
        "This code is wrong, too old, or was used already. Wait for the next one.",
        "error",
    ),
    "SECURITY_MSG_INVALID_RECOVERY_CODE": ("This recovery code is wrong or was used already.", "error"),
    "SECURITY_MSG_REAUTHENTICATION_REQUIRED": ("Please show once more that it is you.", "info"),
}


class StaffDatastore(SQLAlchemySessionUserDatastore):
    """Flask-Security commits after each of its views; here one place commits, so it only flushes."""

    def commit(self) -> None:
        self.db.session.flush()


class StaffLoginForm(LoginForm):
    """Without "remember me": its cookie would outlive the session and the sign-out."""

    remember = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Left alone, the second step would lead back to this page when nothing else was asked for.
        if not _OWN_PATH.fullmatch(self.next.data or ""):
            self.next.data = AFTER_SIGN_IN


class StaffSessions(SecureCookieSessionInterface):
    """Sessions on staff pages alone: elsewhere the cookie is neither read nor written."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if is_staff_page(request) else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if is_staff_page(request):
            super().save_session(app, session, response)


def install(app: Flask, settings: Settings) -> None:
    app.config |= {
        "SESSION_COOKIE_NAME": "__Host-staff",
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SECURITY_URL_PREFIX": "/staff",
        "SECURITY_PASSWORD_SALT": settings.password_salt,
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {
            "argon2__memory_cost": settings.password_memory_kib,
            "argon2__time_cost": 2,
            "argon2__parallelism": 1,
            "argon2__type": "ID",
        },
        "SECURITY_PASSWORD_LENGTH_MIN": SHORTEST_PASSWORD,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_POST_LOGIN_VIEW": AFTER_SIGN_IN,
        "SECURITY_POST_LOGOUT_VIEW": "/staff/login",
        "SECURITY_ANONYMOUS_USER_DISABLED": True,
        "WTF_CSRF_TIME_LIMIT": None,
        # No tokens beside the session: they would outlive it.
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_FRESHNESS": FRESH,
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(0),
        **_second_step_settings(app),
        **_password_settings(),
        **_WORDS,
    }
    csrf = CSRFProtect(app)
    # Patients carry no cookie; their forms have a token of their own.
    csrf.exempt(patient)
    # Machines show a token with each call, and no cookie counts there.
    csrf.exempt(api)
    csrf.exempt(fhir)
    # Before Flask-Security's own hook, which asks who is signed in.
    app.before_request(_know_nobody_elsewhere)
    datastore = StaffDatastore(app.extensions["screener.database"].sessions, User, Role, WebAuthn)
    security = Security(
        app,
        datastore,
        login_form=StaffLoginForm,
        two_factor_setup_form=AppForm,
        two_factor_select_form=StepChoiceForm,
        two_factor_rescue_form=NoRescueForm,
        wan_register_form=PasskeyForm,
        wan_delete_form=PasskeyRemovalForm,
        totp_cls=OnceOnlyTotp,
        password_util_cls=LongPasswords,
    )
    security.wan_signin_context_processor(_other_steps)
    # Its pages are pages, whatever a client says it would rather have.
    security.want_json(lambda _request: False)
    app.session_interface = StaffSessions()
    staff_session.install(app)
    app.before_request(_refuse_old_link)
    reset_password_instructions_sent.connect(_mail_reset, app)


def _know_nobody_elsewhere() -> None:
    """Off the staff's pages no session is read, so nobody can be signed in and nobody is looked for."""
    if not is_staff_page(request):
        g._login_user = None  # noqa: SLF001 - as Flask-Login says it of its own


def _second_step_settings(app: Flask) -> dict[str, Any]:
    with app.extensions["screener.database"].new_session() as keys:
        vault = vault_of(keys)
    return {
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": _CODE_WINDOW_SECONDS,
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "/desk/account",
        "SECURITY_TOTP_SECRETS": {1: derive_token(vault, "authenticator apps", "1")},
        "SECURITY_TOTP_ISSUER": "Headache screener",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": 10,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [derive_token(vault, "recovery codes", "1") + "="],
        "SECURITY_WEBAUTHN": True,
        "SECURITY_WAN_RP_NAME": "Headache screener",
        "SECURITY_WAN_ALLOW_AS_FIRST_FACTOR": False,
        "SECURITY_WAN_ALLOW_AS_VERIFY": ["secondary"],
        "SECURITY_WAN_POST_REGISTER_VIEW": "/desk/account",
    }


def _other_steps() -> dict[str, bool]:
    """What whoever is asked for a passkey may use instead."""
    person = db().scalar(select(User).where(User.fs_uniquifier == session.get("tf_user_id", "")))
    return {"has_app": bool(person and person.tf_totp_secret)}


def _password_settings() -> dict[str, Any]:
    return {
        "SECURITY_CHANGEABLE": True,
        "SECURITY_RECOVERABLE": True,
        "SECURITY_RESET_PASSWORD_WITHIN": INVITATION_LIFE,
        "SECURITY_SEND_PASSWORD_RESET_EMAIL": False,
        "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": False,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
        "SECURITY_POST_CHANGE_VIEW": "/desk/account",
    }


# ---------------------------------------------------------------- links by mail


def link_for(person: User) -> str:
    """Sets a password, once. It lives longer for a person who has none yet: that one was invited."""
    path = url_for("security.reset_password", token=generate_reset_password_token(person))  # type: ignore[no-untyped-call]
    return our_settings().link(path)


def _refuse_old_link() -> Any:
    """What resets a password is dead after an hour; only an invitation lives on."""
    if request.endpoint != "security.reset_password" or not request.view_args:
        return None
    expired, _, data = check_and_get_token_status(request.view_args["token"], "reset", RESET_LIFE)
    if not (expired and data and data[1]):
        return None
    flash("This link is too old. Ask for a new one.")
    return redirect(url_for("security.forgot_password"))


def _mail_reset(_app: Flask, user: User, **_: Any) -> None:
    # As long as an unknown address takes Flask-Security.
    hash_password("not-a-password")
    mail_link(user, "staff_reset")


def mail_link(person: User, kind: str, link: str = "") -> None:
    """Through the outbox of the first clinic the person belongs to, or of the one that was entered."""
    memberships = list_memberships(db(), person.id)
    if not memberships:
        return
    if find_entered_clinic(db()) is None:
        enter_clinic(db(), memberships[0][0].id)
    now = datetime.now(UTC)
    values = {"link": link or link_for(person)}
    add_mail(db(), kind, to=person.email, language="en", values=values, due_at=now, now=now)
