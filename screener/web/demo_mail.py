"""Mail of a demo: caught by a mail server of its own, and shown on a page instead of being sent anywhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, abort, render_template

from screener.web.access import settings

demo_mail = Blueprint("demo_mail", __name__)

_MOST_KEPT: Final = 200
_LOOPBACK: Final = "127.0.0.1"
_LINK: Final = re.compile(r"(https?://\S+)")


@dataclass(frozen=True)
class CaughtMail:
    """A mail as its reader would see it."""

    at: datetime
    to: str
    subject: str
    # Text and, where it is a link to this installation, its path.
    parts: list[tuple[str, str]]


@demo_mail.get("/demo/mail")
def index() -> str:
    folder = settings().demo_mail
    if not folder:
        abort(404)
    mails = [_read(path) for path in _newest_first(Path(folder))]
    return render_template("demo_mail/index.html", mails=mails)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml"), reverse=True)


def _read(path: Path) -> CaughtMail:
    message = message_from_bytes(path.read_bytes(), _class=EmailMessage, policy=default)
    text = message.get_content().strip()
    return CaughtMail(message["Date"].datetime, message["To"], message["Subject"], list(_parts(text)))


def _parts(text: str) -> Iterator[tuple[str, str]]:
    own = settings().link("/")
    for part in _LINK.split(text):
        yield part, part.removeprefix(own[:-1]) if part.startswith(own) else ""


def catch_mail(folder: Path, port: int) -> None:
    """Starts the mail server, in a thread that ends with this process."""
    # Only who runs a demo needs it; it comes with the tools of development.
    from aiosmtpd.controller import Controller  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    Controller(_Catcher(folder), hostname=_LOOPBACK, port=port).start()


class _Catcher:
    """Writes each message into a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - its name there
        path = self._folder / f"{time.time_ns()}.eml"
        half = path.with_suffix(".part")
        half.write_bytes(envelope.content)
        half.rename(path)
        for old in _newest_first(self._folder)[_MOST_KEPT:]:
            old.unlink(missing_ok=True)
        return "250 Caught"
