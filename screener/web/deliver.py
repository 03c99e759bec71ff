"""The worker that carries owed mail from the outbox to the mail server, one message at a time."""

from __future__ import annotations

import logging
import smtplib
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final
from urllib.parse import urlsplit

from flask import Flask
from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from screener.settings import MailServer, Settings
from screener.store.database import Database
from screener.store.errors import StoreError
from screener.store.outbox import Lease, Mail, lease_mail, mark_failed, mark_sent, read_mail
from screener.store.tenancy import enter_clinic
from screener.web.languages import speak

FOLDER: Final = "emails/"
PAUSE_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 30
_FOR_GOOD: Final = 500

log = logging.getLogger(__name__)


class Carrier:
    """Takes what is due, of all clinics; several may run side by side."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._database: Database = app.extensions["screener.database"]
        self._settings: Settings = app.extensions["screener.settings"]
        self.is_stopping = False

    def stop(self) -> None:
        """Finishes the message in hand, then `run` returns."""
        self.is_stopping = True

    def run(self, *, once: bool = False) -> None:
        """Until stopped; with `once` until nothing more is due."""
        while not self.is_stopping:
            try:
                found = self.deliver_next()
            except SQLAlchemyError as error:
                # Busy, or being restarted. What was being sent is sent again when its lease has run out.
                log.warning("the database is not available: %s", type(error).__name__)
                found = False
            if once and not found:
                return
            if not found:
                time.sleep(PAUSE_SECONDS)

    def deliver_next(self) -> bool:
        """Whether anything was due."""
        raise NotImplementedError

    def _at_clinic(self, lease: Lease) -> Session:
        """A session of its own: each sees one clinic alone, and none waits for another machine."""
        session = self._database.new_session()
        enter_clinic(session, lease.clinic_id)
        return session


def run_beside(carriers: Sequence[Carrier], *, once: bool = False) -> None:
    """Each in a thread: none waits for another's slow server. One that breaks stops all."""
    with ThreadPoolExecutor(len(carriers)) as pool:
        running = [pool.submit(carrier.run, once=once) for carrier in carriers]
        wait(running, return_when=FIRST_EXCEPTION)
        if any(one.done() and one.exception() for one in running):
            stop_all(carriers)
    for one in running:
        one.result()


def stop_all(carriers: Sequence[Carrier]) -> None:
    for carrier in carriers:
        carrier.stop()


class Worker(Carrier):
    """Carries mail."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        # What has no template, as yet the notice of a new request, stays where it is.
        self._kinds = [
            name.removeprefix(FOLDER).removesuffix(".txt")
            for name in app.jinja_env.list_templates()
            if name.startswith(FOLDER)
        ]

    def deliver_next(self) -> bool:
        with self._database.new_session() as session:
            lease = lease_mail(session, self._kinds, datetime.now(UTC))
            session.commit()
        if lease is not None:
            self._deliver(lease)
        return lease is not None

    def _deliver(self, lease: Lease) -> None:
        try:
            mail = self._read(lease)
            if mail is None:
                return
            message = self._compose(lease, mail)
            _hand_over(self._settings, message)
        except (OSError, StoreError, TemplateError, ValueError) as error:
            self._keep(lease, error)
        else:
            with self._at_clinic(lease) as session:
                mark_sent(session, lease, datetime.now(UTC))
                session.commit()
            log.info("%s %s: sent", lease.id, lease.kind)

    def _read(self, lease: Lease) -> Mail | None:
        with self._at_clinic(lease) as session:
            return read_mail(session, lease)

    def _compose(self, lease: Lease, mail: Mail) -> EmailMessage:
        with self._app.app_context():
            speak(mail.language)
            text = self._app.jinja_env.get_template(f"{FOLDER}{lease.kind}.txt").render(mail.values)
        subject, _, body = text.partition("\n")
        message = EmailMessage(policy=SMTP)
        message["From"] = self._settings.mail_sender
        local, _, domain = mail.to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = subject.removeprefix("Subject: ")
        message["Date"] = datetime.now(UTC)
        # The same each time: a mail that leaves twice is told from two mails.
        message["Message-ID"] = f"<{lease.id}@{_host(self._settings)}>"
        # No answers by machines that are away from their desks.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body.strip() + "\n")
        return message

    def _keep(self, lease: Lease, error: Exception) -> None:
        told = _told(error)
        with self._at_clinic(lease) as session:
            is_dead = mark_failed(session, lease, told, datetime.now(UTC), for_good=_refuses_recipient(error))
            session.commit()
        log.warning("%s %s: %s (%s)", lease.id, lease.kind, "given up" if is_dead else "kept", told)


def _hand_over(settings: Settings, message: EmailMessage) -> None:
    server = settings.mail_server
    smtp = _connect(server, _host(settings), ssl.create_default_context(cafile=settings.smtp_ca or None))
    try:
        if server.user:
            smtp.login(server.user, server.password)
        smtp.send_message(message)
        # Once it was taken, nothing the server says at parting may make us send it again.
        with suppress(OSError):
            smtp.quit()
    finally:
        smtp.close()


def _connect(server: MailServer, own_name: str, context: ssl.SSLContext) -> smtplib.SMTP:
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(
            server.host, server.port, own_name, timeout=_PATIENCE_SECONDS, context=context
        )
    smtp = smtplib.SMTP(server.host, server.port, own_name, timeout=_PATIENCE_SECONDS)
    if server.scheme == "smtp":
        try:
            smtp.starttls(context=context)
        except BaseException:
            smtp.close()
            raise
    return smtp


def _host(settings: Settings) -> str:
    return urlsplit(settings.base_url).hostname or "localhost"


def _refuses_recipient(error: Exception) -> bool:
    """Asking again will not help: the server knows no such address."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and _code(error) >= _FOR_GOOD


def _code(error: Exception) -> int:
    match error:
        case smtplib.SMTPRecipientsRefused(recipients=refused):
            return min((code for code, _ in refused.values()), default=0)
        case smtplib.SMTPResponseException(smtp_code=int(code)):
            return code
        case _:
            return 0


def _told(error: Exception) -> str:
    """The kind of failure and the server's code; what it says may quote an address."""
    return f"{type(error).__name__} {_code(error) or ''}".strip()
