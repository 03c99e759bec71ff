"""Where a message ends: the server as it runs believes no request that could be two."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from conftest import Installation
from web.conftest import Made
from web.test_settings import KEYS

from screener.settings import ROOT
from screener.web.ports import free_port

HOST = b"Host: localhost\r\n"
# What would be answered too if the first message ended elsewhere than the server in front thinks.
HIDDEN = b"GET /static/screener.js HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
FORM = b"POST /c/acme/start HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def port(made: Made) -> Iterator[int]:
    with made.copy() as installation:
        yield from _serve(installation)


def _serve(installation: Installation) -> Iterator[int]:
    port = free_port()
    environ = os.environ | KEYS | {"SCREENER_DATABASE_URL": installation.settings.database_url}
    command = [
        sys.executable,
        "-c",
        "from screener.web.cli import main; main()",
        "serve",
        "--port",
        str(port),
    ]
    with subprocess.Popen(command, env=environ | {"PYTHONPATH": str(ROOT)}, cwd=ROOT) as server:
        until = time.monotonic() + 90
        while time.monotonic() < until and not _answers(port):
            time.sleep(0.1)
        yield port
        server.terminate()


def _answers(port: int) -> bool:
    try:
        return bool(send(port, b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"))
    except OSError:
        return False


def send(port: int, message: bytes) -> list[str]:
    """The first line of each answer, until the server hangs up or says no more."""
    told = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        line.sendall(message)
        try:
            while piece := line.recv(65536):
                told += piece
        except (TimeoutError, ConnectionResetError):
            pass
    return [line.decode() for line in re.findall(rb"HTTP/1\.1 \d+ [^\r]*", told)]


@pytest.mark.parametrize(
    "message",
    [
        FORM + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        FORM + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
        FORM + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        FORM + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        FORM + b"Transfer-Encoding: chunked\r\n\r\n5;\r\nabc\r\n0\r\n\r\n",
        FORM + b"Content-Length: +0\r\n\r\n",
    ],
    ids=[
        "length and chunks",
        "two lengths",
        "no coding",
        "blank in a name",
        "wrong chunk",
        "sign",
    ],
)
def test_a_message_with_two_ends_is_refused_or_ends_the_line(port: int, message: bytes) -> None:
    answers = send(port, message + HIDDEN)
    assert len(answers) <= 1, answers
    assert all(" 40" in answer for answer in answers), answers


def test_what_is_one_message_is_answered_and_so_is_the_next(port: int) -> None:
    answers = send(port, b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n" + HIDDEN)
    assert answers == ["HTTP/1.1 200 OK"] * 2
