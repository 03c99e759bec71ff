"""The worker that carries owed mail from the outbox to the mail server, one message at a time."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from flask import Flask
from jinja2 import TemplateError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from screener.settings import MailServer, Settings
from screener.store.database import Database, begin_reading
from screener.store.errors import StoreError
from screener.store.notices import NOTICES, tell_staff, weigh_notice
from screener.store.outbox import NEW_REQUEST, Lease, Mail, lease_mail, mark_failed, mark_sent, read_mail
from screener.store.tables import Clinic
from screener.store.tenancy import enter_clinic
from screener.web.languages import speak
from screener.web.logs import get_log

FOLDER: Final = "emails/"
PAUSE_SECONDS: Final = 1.0
_OK: Final = 250
_FOR_GOOD: Final = 500

log = get_log(__name__)


@dataclass(frozen=True)
class Patience:
    """How many seconds a mail server may let us wait: for an answer, and for all of a mail.

    Both together stay far below a lease.
    """

    answer: float = 30
    mail: float = 120


_PATIENCE: Final = Patience()


class Carrier(ABC):
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
                log.warning("database unavailable", error=type(error).__name__)
                found = False
            if once and not found:
                return
            if not found:
                time.sleep(PAUSE_SECONDS)

    @abstractmethod
    def deliver_next(self) -> bool:
        """Whether anything was due."""

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

    def __init__(self, app: Flask, patience: Patience = _PATIENCE) -> None:
        super().__init__(app)
        self._line = Line(self._settings, patience)
        self._kinds = [NEW_REQUEST] + [
            name.removeprefix(FOLDER).removesuffix(".txt")
            for name in app.jinja_env.list_templates()
            if name.startswith(FOLDER)
        ]

    def run(self, *, once: bool = False) -> None:
        with closing(self._line):
            super().run(once=once)

    def deliver_next(self) -> bool:
        with self._database.new_session() as session:
            lease = lease_mail(session, self._kinds, datetime.now(UTC))
            session.commit()
        if lease is None:
            self._line.close()
        else:
            self._deliver(lease)
        return lease is not None

    def _deliver(self, lease: Lease) -> None:
        try:
            if lease.kind == NEW_REQUEST:
                self._tell_staff(lease)
                return
            read = self._read(lease)
            if read is None:
                return
            self._line.hand_over(self._compose(lease, *read))
        except (OSError, StoreError, TemplateError, ValueError) as error:
            self._keep(lease, error)
        else:
            with self._at_clinic(lease) as session:
                mark_sent(session, lease, datetime.now(UTC))
                session.commit()
            log.info("mail", message=str(lease.id), kind=lease.kind, outcome="sent")

    def _tell_staff(self, lease: Lease) -> None:
        with self._at_clinic(lease) as session:
            tell_staff(session, lease, datetime.now(UTC))
            session.commit()

    def _read(self, lease: Lease) -> tuple[Mail, str | None] | None:
        """The mail, and the name of its sender; None if there is nothing to send now."""
        with self._at_clinic(lease) as session:
            counted = self._weigh(session, lease) if lease.kind in NOTICES else {}
            begin_reading(session)
            mail = None if counted is None else read_mail(session, lease)
            if mail is None or counted is None:
                return None
            name = session.get_one(Clinic, lease.clinic_id).sender_name
            return replace(mail, values={**mail.values, **counted}), name

    def _weigh(self, session: Session, lease: Lease) -> Mapping[str, str] | None:
        """What a notice says is what is true when it leaves."""
        waiting = weigh_notice(session, lease, datetime.now(UTC))
        session.commit()
        return {"count": str(waiting), "link": self._settings.link("/desk/")} if waiting else None

    def _compose(self, lease: Lease, mail: Mail, name: str | None) -> EmailMessage:
        with self._app.app_context():
            speak(mail.language)
            text = self._app.jinja_env.get_template(f"{FOLDER}{lease.kind}.txt").render(mail.values)
        subject, _, body = text.partition("\n")
        message = EmailMessage(policy=SMTP)
        sender = self._settings.mail_sender
        message["From"] = Address(name, addr_spec=sender.addr_spec) if name else sender
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
        outcome = "given up" if is_dead else "kept"
        log.warning("mail", message=str(lease.id), kind=lease.kind, outcome=outcome, error=told)


class Line:
    """The connection to the mail server, kept from one mail to the next as long as all goes well."""

    def __init__(self, settings: Settings, patience: Patience) -> None:
        self._settings, self._patience = settings, patience
        self._smtp: smtplib.SMTP | None = None

    def hand_over(self, message: EmailMessage) -> None:
        """A mail that fails ends the connection: the next one gets one of its own."""
        try:
            with self._in_time():
                if not self._goes_on(message):
                    self._connect().send_message(message)
        except Exception:
            self._drop()
            raise

    def knock(self) -> None:
        """Signs in and hangs up, without a mail."""
        with self._in_time():
            self._connect()
        self.close()

    def close(self) -> None:
        """Hangs up; the next mail connects anew."""
        if self._smtp is not None:
            with self._in_time(), suppress(OSError):
                self._smtp.quit()
            self._drop()

    def _goes_on(self, message: EmailMessage) -> bool:
        """Whether it went by the connection that was kept; if not, the server was told nothing of it."""
        smtp = self._smtp
        if smtp is None or not _answers(smtp):
            return False
        try:
            smtp.send_message(message)
        except smtplib.SMTPSenderRefused:
            # Some servers take only so many mails from one connection.
            return False
        return True

    def _connect(self) -> smtplib.SMTP:
        self._drop()
        server = self._settings.mail_server
        # Read each time: certificates are renewed beside a worker that runs.
        context = ssl.create_default_context(cafile=self._settings.smtp_ca or None)
        # Known before it is connected, so that it can be hung up from its first moment.
        smtp = self._smtp = _unconnected(server, _host(self._settings), context, self._patience)
        smtp.connect(server.host, server.port)
        if server.scheme == "smtp":
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
        return smtp

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """A server that answers drop by drop keeps within each wait, and yet would hold us for ever."""
        done = Event()

        def hang_up() -> None:
            wait = self._patience.mail
            while not done.wait(wait):
                with suppress(OSError, AttributeError):
                    # There is no socket before it is connected.
                    self._smtp.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
                wait = self._patience.answer

        Thread(target=hang_up, daemon=True).start()
        try:
            yield
        finally:
            done.set()


def _answers(smtp: smtplib.SMTP) -> bool:
    """Whether the server is still there and willing."""
    try:
        return smtp.rset()[0] == _OK
    except OSError:
        return False


def _unconnected(
    server: MailServer, own_name: str, context: ssl.SSLContext, patience: Patience
) -> smtplib.SMTP:
    smtp = (
        smtplib.SMTP_SSL(local_hostname=own_name, timeout=patience.answer, context=context)
        if server.scheme == "smtps"
        else smtplib.SMTP(local_hostname=own_name, timeout=patience.answer)
    )
    # Whose certificate is demanded: smtplib knows it only where it connects at once.
    smtp._host = server.host  # type: ignore[attr-defined]  # noqa: SLF001
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
