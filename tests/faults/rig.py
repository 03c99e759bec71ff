"""What all rigs share: which databases they run on, how often, and the one line that says how it went."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import click
from conftest import Databases, SqliteFiles, settings_of
from postgres import PostgresServer

from screener.settings import ROOT, Settings

KINDS: Final = {"sqlite": ("sqlite",), "postgres": ("postgres",), "": ("sqlite", "postgres")}
COMMAND: Final = (sys.executable, "-c", "from screener.web.cli import main; main()")


class Outcome(NamedTuple):
    """What is told of a run, and what was wrong about it (nothing, if it held)."""

    told: str
    wrong: str = ""


Play = Callable[[str, int], Outcome]


def run(name: str, play: Play, cycles: int, only: str = "") -> int:
    """Plays on DB (both without it), or on what alone will do, CYCLES times or as often as the rig says.

    An exit status.
    """
    # Told to stop, a rig takes its servers along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cycles = int(os.environ.get("CYCLES") or cycles)
    return max([_run(name, play, kind, cycles) for kind in KINDS[only or os.environ.get("DB", "")]])


def _run(name: str, play: Play, kind: str, cycles: int) -> int:
    begun = time.monotonic()
    try:
        told, wrong = play(kind, cycles)
    except Exception as error:
        told, wrong = "not played to its end", f"{type(error).__name__}: {error}"
        if os.environ.get("DEBUG"):
            raise
    verdict = f"FAILED: {wrong}" if wrong else "ok"
    click.echo(f"{name} on {kind}, {cycles} cycles, {time.monotonic() - begun:.0f} s: {told}: {verdict}")
    return 1 if wrong else 0


def faults_of(counted: dict[str, int]) -> str:
    """Those that are there, in words."""
    return ", ".join(f"{number} {what}" for what, number in counted.items() if number)


@contextmanager
def databases_for(kind: str, *, is_durable: bool = False, folder: Path | None = None) -> Iterator[Databases]:
    """With PostgreSQL's programs at hand, as an operator has them."""
    with ExitStack() as running:
        if kind == "sqlite":
            yield SqliteFiles(folder or Path(running.enter_context(tempfile.TemporaryDirectory())))
            return
        postgres = running.enter_context(PostgresServer(is_durable=is_durable, data=folder))
        os.environ["PATH"] = f"{postgres.programs}:{os.environ['PATH']}"
        yield postgres


def environment_of(settings: Settings) -> dict[str, str]:
    # An operator's Python keeps what it compiled: else each start compiles all of it anew.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | settings_of(settings) | {"PYTHONPATH": str(ROOT)}


def screener(settings: Settings, *command: str) -> subprocess.CompletedProcess[str]:
    """The command as an operator runs it."""
    return subprocess.run(
        [*COMMAND, *command],
        cwd=ROOT,
        env=environment_of(settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )


@contextmanager
def small_disk(mebibytes: int) -> Iterator[Path]:
    """A disk of its own in memory. Mounting needs root."""
    folder = tempfile.mkdtemp(prefix="disk-")
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0777", "tmpfs", folder]
    try:
        done = subprocess.run(mounting, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermissionError(
                f"a full disk needs a tmpfs, and only root may mount one: {done.stderr.strip()}"
            )
        try:
            yield Path(folder)
        finally:
            # Lazily: a server that is on its way out may still hold a file.
            subprocess.run(["umount", "-l", folder], check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
