"""The doorman: a request is read in whole before anything begins for it, so that a slow sender holds no lock.

The server gives each request a thread and waits for the rest of it without end. Here senders wait apart from
the few requests that are worked on, and only so many of them, of one address and together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Of a patient's page and of any other; of the desk's, where a clinic's logo is sent.
MAX_BODY: Final = 256 * 1024
LARGEST: Final = 4 * 1024 * 1024
# Threads that the server gives us a process: workers, senders, and some for whoever sends nothing.
THREADS: Final = 64
AT_WORK: Final = 4
SENDING: Final = 48
SENDING_OF_ONE: Final = 8


class Doorman:
    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._at_work = BoundedSemaphore(AT_WORK)
        self._lock = Lock()
        self._sending: Counter[str] = Counter()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        most = LARGEST if environ.get("PATH_INFO", "").startswith("/desk/") else MAX_BODY
        if _has_body(environ, most):
            with self._arriving(environ.get("REMOTE_ADDR", "")) as may_send:
                if not may_send:
                    start_response(
                        "503 Service Unavailable", [("Retry-After", "10"), ("Content-Length", "0")]
                    )
                    return []
                # One byte more than may be, so that it is refused as too large and not as broken.
                environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(most + 1))
        with self._at_work:
            return self._app(environ, start_response)

    @contextmanager
    def _arriving(self, address: str) -> Iterator[bool]:
        with self._lock:
            may_send = self._sending.total() < SENDING and self._sending[address] < SENDING_OF_ONE
            self._sending[address] += may_send
        try:
            yield may_send
        finally:
            with self._lock:
                self._sending[address] -= may_send
                self._sending += Counter()  # lets go of addresses that send nothing


def _has_body(environ: WSGIEnvironment, most: int) -> bool:
    """One that says it is too large is not read at all: the app refuses it by its length."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdecimal():
        return 0 < int(length) <= most
    return "HTTP_TRANSFER_ENCODING" in environ
