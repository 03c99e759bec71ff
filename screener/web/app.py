"""Puts the app together: the only place where the rooms meet.

A new blueprint goes into _BLUEPRINTS. The order of what is installed is the order in which hooks run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from flask import Flask, request
from sqlalchemy.exc import ArgumentError
from werkzeug.middleware.proxy_fix import ProxyFix

from screener.settings import ROOT, Settings, SettingsError, load_settings
from screener.store.database import Database, Limits
from screener.store.vault import MasterKeys, Vault
from screener.web import (
    access,
    account,
    api,
    api_webhooks,  # noqa: F401 - its doors stand on the api blueprint
    arrival,
    audit,
    call,
    clinic_look,
    clinic_settings,
    clinics,
    confirm,
    dashboard,
    demo_code,
    demo_mail,
    desk_habits,
    duplicates,
    exports,
    fhir,
    follow_up,
    headers,
    history,
    invite,
    keeping,
    languages,
    logs,
    look,
    mail,
    metrics,
    notices,
    oembed,
    operations,
    pages,
    patient,
    people,
    queue,
    readiness,
    records,
    retention,
    saving,  # noqa: F401 - its doors stand on the patient blueprint
    security_txt,
    sign_in,
    tokens,
    transaction,
    webhooks,
    website,
    widget,
    work,
)

_log = logs.get_log(__name__)
# How machines are refused, by how the path begins.
_MACHINES: Final = {"/api/": operations.tell_problem, "/fhir/": fhir.tell_outcome}
_BLUEPRINTS: Final = (
    patient.patient,
    queue.queue,
    follow_up.follow_up,
    duplicates.duplicates,
    work.work,
    desk_habits.desk_habits,
    history.history,
    invite.invite,
    account.account,
    people.people,
    clinics.clinics,
    audit.audit,
    exports.exports,
    dashboard.dashboard,
    notices.notices,
    mail.mail,
    tokens.tokens,
    api.api,
    fhir.fhir,
    confirm.confirm,
    website.website,
    webhooks.webhooks,
    oembed.oembed,
    call.call,
    clinic_settings.clinic_settings,
    retention.retention,
    keeping.keeping,
    demo_mail.demo_mail,
    demo_code.demo_code,
)


class ScreenerFlask(Flask):
    """Logs a failure by its route, never by its address: that may hold a token."""

    def log_exception(self, exc_info: Any) -> None:
        _log.error("failure", route=request.endpoint, method=request.method, exc_info=exc_info)

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view and no hook here is `async`; Flask would look into each of them at each request."""
        return func


def build_app(settings: Settings | None = None) -> Flask:
    """The whole app. Raises SettingsError on missing or weak keys."""
    settings = settings or load_settings()
    app = ScreenerFlask(
        "screener", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    app.config |= {
        "SECRET_KEY": settings.secret,
        "MAX_CONTENT_LENGTH": arrival.MAX_BODY,
        "TRUSTED_HOSTS": settings.hosts,
    }
    app.extensions["screener.database"] = open_database(settings)
    app.extensions["screener.settings"] = settings
    # Inside the proxies' part, so that it knows who sends.
    busy = operations.RefusedError(503, "Too many ask at once. Nothing was saved: send it again.")
    told = {path: tell(busy) for path, tell in _MACHINES.items()}
    app.wsgi_app = arrival.Doorman(app.wsgi_app, told)  # type: ignore[method-assign]
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
    logs.install(app, settings, metrics.install(app, settings).count_answer)
    readiness.install(app)
    # After-request hooks run last to first: whatever committing answers gets its headers too.
    app.after_request(headers.add_headers)
    transaction.install(app)
    languages.install(app)
    look.install(app)
    widget.install(app)
    clinic_look.install(app)
    app.before_request(access.refuse_foreign_posts)
    pages.install(app, Path(app.static_folder or ""))
    app.register_blueprint(security_txt.security_txt)
    sign_in.install(app, settings)
    records.install(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    operations.install(app, _MACHINES)
    return app


def open_database(settings: Settings) -> Database:
    """Raises SettingsError where the keys or the address of the database will not do."""
    try:
        vault = Vault(MasterKeys.parse(settings.master_keys), settings.secret.encode())
    except ValueError as error:
        raise SettingsError(f"SCREENER_MASTER_KEYS: {error}.") from error
    limits = Limits(settings.statement_seconds, settings.lock_seconds, settings.idle_transaction_seconds)
    try:
        return Database(settings.database_url, vault, limits)
    except (ValueError, ArgumentError) as error:
        # Never the address itself: it may hold a password.
        raise SettingsError(
            "SCREENER_DATABASE_URL must look like sqlite:////var/lib/screener/screener.db"
            " or postgresql://user:password@host/database (several servers: @one,two/)."
        ) from error
