"""The app, put together: the only place where the rooms meet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, request
from sqlalchemy.exc import ArgumentError
from werkzeug.middleware.proxy_fix import ProxyFix

from screener.settings import ROOT, Settings, SettingsError, load_settings
from screener.store.database import Database
from screener.store.vault import MasterKeys, Vault
from screener.web import (
    access,
    account,
    api,
    api_webhooks,  # noqa: F401 - its doors stand on the api blueprint
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
    look,
    mail,
    notices,
    oembed,
    operations,
    pages,
    patient,
    people,
    queue,
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

MAX_BODY = 256 * 1024


class ScreenerFlask(Flask):
    """Logs a failure by its route, never by its address: that may hold a token."""

    def log_exception(self, exc_info: Any) -> None:
        self.logger.error("failure at %s [%s]", request.endpoint, request.method, exc_info=exc_info)


def build_app(settings: Settings | None = None) -> Flask:
    """The whole app. Raises SettingsError on missing or weak keys."""
    settings = settings or load_settings()
    app = ScreenerFlask(
        "screener", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    app.config |= {
        "SECRET_KEY": settings.secret,
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "TRUSTED_HOSTS": settings.hosts,
        "SEND_FILE_MAX_AGE_DEFAULT": 31536000,
    }
    app.extensions["screener.database"] = open_database(settings)
    app.extensions["screener.settings"] = settings
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxies, x_proto=settings.proxies)  # type: ignore[method-assign]
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
    app.register_blueprint(patient.patient)
    app.register_blueprint(queue.queue)
    app.register_blueprint(follow_up.follow_up)
    app.register_blueprint(duplicates.duplicates)
    app.register_blueprint(work.work)
    app.register_blueprint(desk_habits.desk_habits)
    app.register_blueprint(history.history)
    app.register_blueprint(invite.invite)
    app.register_blueprint(account.account)
    app.register_blueprint(people.people)
    app.register_blueprint(clinics.clinics)
    app.register_blueprint(audit.audit)
    app.register_blueprint(exports.exports)
    app.register_blueprint(dashboard.dashboard)
    app.register_blueprint(notices.notices)
    app.register_blueprint(mail.mail)
    app.register_blueprint(tokens.tokens)
    app.register_blueprint(api.api)
    app.register_blueprint(fhir.fhir)
    operations.install(app, {"/api/": operations.tell_problem, "/fhir/": fhir.tell_outcome})
    app.register_blueprint(confirm.confirm)
    app.register_blueprint(website.website)
    app.register_blueprint(webhooks.webhooks)
    app.register_blueprint(oembed.oembed)
    app.register_blueprint(call.call)
    app.register_blueprint(clinic_settings.clinic_settings)
    app.register_blueprint(retention.retention)
    app.register_blueprint(keeping.keeping)
    app.register_blueprint(demo_mail.demo_mail)
    app.register_blueprint(demo_code.demo_code)
    return app


def open_database(settings: Settings) -> Database:
    """Raises SettingsError where the keys or the address of the database will not do."""
    try:
        vault = Vault(MasterKeys.parse(settings.master_keys), settings.secret.encode())
        return Database(settings.database_url, vault)
    except (ValueError, ArgumentError) as error:
        raise SettingsError(f"SCREENER_MASTER_KEYS or SCREENER_DATABASE_URL: {error}") from error
