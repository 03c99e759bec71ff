"""Servers in processes of their own, and what /proc tells of them."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, Self

from screener.web.arrival import THREADS

ROOT: Final = Path(__file__).resolve().parents[1]
_START_SECONDS: Final = 60
_TICK: Final = os.sysconf("SC_CLK_TCK")


@dataclass
class Served:
    """A WSGI app under granian, with the settings that `screener serve` gives it."""

    target: str
    environment: Mapping[str, str]
    workers: int = 1
    # What answers first.
    path: str = "/c/acme"
    port: int = field(init=False)
    seconds_to_start: float = 0
    _process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = ["granian", "--interface", "wsgi", "--no-ws", "--blocking-threads", str(THREADS)]
        about = ["--workers", str(self.workers), "--port", str(self.port), "--log-level", "error"]
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command, *about, self.target],
            cwd=ROOT,
            env=dict(os.environ) | self.environment | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self._wait()
        self.seconds_to_start = time.perf_counter() - begun

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            with suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", self.path)
                if connection.getresponse().status < http.client.BAD_REQUEST:
                    connection.close()
                    return
            time.sleep(0.01)
        raise TimeoutError(f"{self.target} did not start: {self.told()}")

    def told(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()[-2000:]

    @property
    def pids(self) -> list[int]:
        return tree_of(self._process.pid) if self._process else []

    def stop(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()


def tree_of(pid: int) -> list[int]:
    """A process and all that came of it."""
    children: dict[int, list[int]] = {}
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            with suppress(OSError):
                children.setdefault(int(_stat(int(each.name))[1]), []).append(int(each.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu_of(pids: Iterable[int]) -> float:
    """Seconds of processor time so far, user's and system's."""
    ticks = 0
    for pid in pids:
        with suppress(OSError):
            stat = _stat(pid)
            ticks += int(stat[11]) + int(stat[12])
    return ticks / _TICK


def memory_of(pids: Iterable[int]) -> int:
    """Bytes, each shared page divided by those who share it (PSS)."""
    found = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    found += int(line.split()[1]) * 1024
    return found


def peak_of(pids: Iterable[int]) -> int:
    """The most that was held at once since `forget_peak`, in bytes."""
    return sum(_status(pid, "VmHWM") for pid in pids)


def forget_peak(pids: Iterable[int]) -> int:
    """What is held now, in bytes; the peak is counted from here."""
    for pid in pids:
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")
    return sum(_status(pid, "VmRSS") for pid in pids)


def _status(pid: int, name: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _stat(pid: int) -> list[str]:
    """From the third field on: the second is a name, which may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
