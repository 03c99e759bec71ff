"""Staff sign-in by Flask-Security: its rules, our pages, one committer."""

from __future__ import annotations

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from flask_security import LoginForm, Security, SQLAlchemySessionUserDatastore
from flask_wtf import CSRFProtect

from screener.settings import Settings
from screener.store.tables import Role, User, WebAuthn
from screener.web.access import is_staff_page
from screener.web.patient import patient

SHORTEST_PASSWORD = 15


class StaffDatastore(SQLAlchemySessionUserDatastore):
    """Flask-Security commits after each of its views; here one place commits, so it only flushes."""

    def commit(self) -> None:
        self.db.session.flush()


class StaffLoginForm(LoginForm):
    """Without "remember me": its cookie would outlive the session and the sign-out."""

    remember = None


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
        "SECURITY_PASSWORD_COMPLEXITY_CHECKER": "zxcvbn",
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_SEND_REGISTER_EMAIL": False,
        "SECURITY_POST_LOGIN_VIEW": "/desk/",
        "SECURITY_POST_LOGOUT_VIEW": "/staff/login",
        "SECURITY_FLASH_MESSAGES": True,
        "SECURITY_MSG_UNAUTHENTICATED": ("Please sign in.", "info"),
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": False,
        "SECURITY_ANONYMOUS_USER_DISABLED": True,
        "WTF_CSRF_TIME_LIMIT": None,
    }
    csrf = CSRFProtect(app)
    # Patients carry no cookie; their forms have a token of their own.
    csrf.exempt(patient)
    datastore = StaffDatastore(app.extensions["screener.database"].sessions, User, Role, WebAuthn)
    Security(app, datastore, login_form=StaffLoginForm)
    app.session_interface = StaffSessions()
