"""A real mail server for tests, which can be told to refuse, to stall and to hang up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, Final

from aiosmtpd.controller import Controller

HANG_UP = "hang up"
SILENCE = "silence"


class PostOffice:
    """What it caught, and what it is to answer next (everything else it takes)."""

    def __init__(self) -> None:
        self.port = 0
        self.caught: list[EmailMessage] = []
        self.recipients: list[str] = []
        # The connection of each mail that was begun; those that were ended politely; the names callers gave.
        self.callers: list[Any] = []
        self.parted: list[Any] = []
        self.names: set[str] = set()
        self.to_reset: list[str] = []
        self.to_sender: list[str] = []
        self.to_recipient: list[str] = []
        self.to_data: list[str] = []
        # Called when a message has arrived and before it is acknowledged.
        self.at_data: Callable[[], None] = lambda: None
        self.delay = 0.0

    async def handle_RSET(self, server: Any, _session: Any, _envelope: Any) -> str:
        reply = self.to_reset.pop(0) if self.to_reset else "250 OK"
        if reply == HANG_UP:
            server.transport.abort()
        if reply == SILENCE:
            await asyncio.sleep(60)
        return reply

    async def handle_MAIL(self, _s: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.callers.append(session.peer)
        self.names.add(session.host_name)
        reply = self.to_sender.pop(0) if self.to_sender else ""
        if not reply:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply or "250 OK"

    async def handle_QUIT(self, _server: Any, session: Any, _envelope: Any) -> str:
        self.parted.append(session.peer)
        return "221 Bye"

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _o: Any) -> str:
        reply = self.to_recipient.pop(0) if self.to_recipient else ""
        if not reply:
            envelope.rcpt_tos.append(address)
            self.recipients.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        reply = self.to_data.pop(0) if self.to_data else "250 OK"
        if reply == HANG_UP or reply.startswith("250"):
            self.caught.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=default))
        self.at_data()
        await asyncio.sleep(self.delay)
        if reply == HANG_UP:
            server.transport.abort()
        return reply

    @property
    def ids(self) -> list[str]:
        return [message["Message-ID"] for message in self.caught]

    def text(self) -> str:
        """The words of the one message."""
        (message,) = self.caught
        return str(message.get_content())


@contextmanager
def open_post_office(
    *, tls: ssl.SSLContext | None = None, from_first_byte: bool = False, **settings: Any
) -> Iterator[PostOffice]:
    office = PostOffice()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        office.port = probe.getsockname()[1]
    about = {"ssl_context": tls} if from_first_byte else {"tls_context": tls, "require_starttls": bool(tls)}
    controller = Controller(office, hostname="127.0.0.1", port=office.port, **(about | settings))
    controller.start()
    try:
        yield office
    finally:
        controller.stop()


@contextmanager
def open_line(say: Iterable[bytes], *, pause: float = 0.05) -> Iterator[int]:
    """A port where each caller is told these pieces, one after the other, and then nothing more."""
    closing = threading.Event()

    def answer(line: socket.socket) -> None:
        with line, suppress(OSError):
            for piece in say:
                line.sendall(piece)
                if closing.wait(pause):
                    return
            closing.wait()

    def listen(listener: socket.socket) -> None:
        with suppress(OSError):
            while not closing.is_set():
                line, _ = listener.accept()
                threading.Thread(target=answer, args=[line], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, args=[listener], daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            closing.set()


# A greeting without end: each byte comes in time, the line never.
DRIP: Final = [b"2", b"2", b"0", b"-", *[b"x"] * 2000]
