"""A real https server for tests, which takes messages or can be told to fail."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import trustme

Reply = Callable[[BaseHTTPRequestHandler], None]


class Got(NamedTuple):
    """A message as it came; the names of its headers in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """What it got, and what it is to do next (everything else it takes with 204)."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.got: list[Got] = []
        self.replies: list[Reply] = []

    @property
    def address(self) -> str:
        return f"https://localhost:{self.port}/hook"


def answer(status: int, body: bytes = b"", **headers: str) -> Reply:
    def write(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in headers.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)

    return write


def answer_hugely(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    to.end_headers()
    for _ in range(4096):
        to.wfile.write(b"x" * 65536)


def answer_with_endless_headers(to: BaseHTTPRequestHandler) -> None:
    to.send_response(200)
    for number in range(300):
        to.send_header(f"X-{number}", "y" * 1000)
    to.end_headers()


def keep_silent(_to: BaseHTTPRequestHandler) -> None:
    time.sleep(20)


def drip(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(400):
        to.wfile.write(b"X")
        time.sleep(0.05)


def hang_up(to: BaseHTTPRequestHandler) -> None:
    to.connection.shutdown(socket.SHUT_RDWR)


def talk_rubbish(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"\x00\xff" * 2000 + b"\r\n\r\n")


@contextmanager
def open_receiver(authority: trustme.CA, name: str = "localhost") -> Iterator[Receiver]:
    """Its certificate is for that name."""
    receiver = Receiver(0)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(self.path, headers, body))
            try:
                (receiver.replies.pop(0) if receiver.replies else answer(204))(self)
            except OSError:
                """Nobody listens any more."""

        def log_message(self, *about: object) -> None:
            """Says nothing."""

    server = _QuietServer(("127.0.0.1", 0), Door)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *about: Any) -> None:
        """Callers who hang up are what is tested."""


def trust(authority: trustme.CA, folder: Path) -> str:
    """A file with the authority's certificate, for SSL_CERT_FILE."""
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)
