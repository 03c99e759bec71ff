"""`make restore-drill`: a backup while six people send requests, put back elsewhere, each time anew.

Everything that was acknowledged before the backup began must be there, open, with trails that hold. `FILLED=`
puts so many made-up requests of another clinic beside them, which must all be there too.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from conftest import Databases, Installation
from faults.kept import opened, requests_in
from faults.rig import Outcome, databases_for, run, screener
from faults.traffic import Traffic, serving
from web.walking import at_clinic

from screener.settings import Settings
from screener.store.backup_file import Head
from screener.store.made_up import count_requests
from screener.web.demo import DEMO_SLUG

A_CYCLE: Final = 20
FILLED: Final = int(os.environ.get("FILLED") or 0)


def cycle(installation: Installation, databases: Databases, traffic: Traffic, folder: Path) -> str:
    """What is wrong, or nothing."""
    traffic.wait_for(A_CYCLE)
    file = folder / "clinics.backup"
    begun = time.monotonic()
    made = screener(installation.settings, "backup", str(file))
    backup_seconds = time.monotonic() - begun
    if made.returncode:
        return made.stderr
    with file.open("rb") as opened:
        made_at = Head.read(opened).made_at
    traffic.wait_for(1)
    elsewhere = replace(installation.settings, database_url=databases.create())
    begun = time.monotonic()
    restored = screener(elsewhere, "restore", str(file))
    restore_seconds = time.monotonic() - begun
    verified = screener(elsewhere, "audit", "verify")
    if restored.returncode or verified.returncode:
        return restored.stderr + verified.stdout + verified.stderr
    found = requests_in(elsewhere).keys()
    wanted = names_before(traffic, made_at)
    lost = len(wanted - found) + FILLED - count_filled(elsewhere)
    click.echo(
        f"{len(wanted)} acknowledged before, {FILLED} made up, {lost} lost, {len(found)} restored;"
        f" backup {backup_seconds:.1f} s, {file.stat().st_size / 1e6:.0f} MB; restore {restore_seconds:.1f} s"
    )
    databases.drop(elsewhere.database_url)
    file.unlink()
    return f"{lost} lost" if lost else ""


def fill(settings: Settings) -> None:
    if FILLED and screener(settings, "demo", f"--submissions={FILLED}").returncode:
        raise RuntimeError("the made-up requests could not be added")


def count_filled(settings: Settings) -> int:
    if not FILLED:
        return 0
    with opened(settings) as app, at_clinic(app, DEMO_SLUG) as (session, _):
        return count_requests(session)


def names_before(traffic: Traffic, moment: datetime) -> set[str]:
    return {name for name, at in list(traffic.acked.items()) if at < moment}


def play(kind: str, cycles: int) -> Outcome:
    wrong = ""
    with (
        tempfile.TemporaryDirectory() as folder,
        databases_for(kind, is_durable=True) as databases,
        serving(databases, kind) as (installation, traffic),
    ):
        fill(installation.settings)
        with traffic.flowing():
            for _ in range(cycles):
                wrong = wrong or cycle(installation, databases, traffic, Path(folder))
    if traffic.wrong:
        wrong = wrong or f"people were answered {sorted(set(traffic.wrong))}"
    return Outcome(f"{len(traffic.acked)} acknowledged in all", wrong)


def main() -> int:
    return run("restore-drill", play, cycles=3)


if __name__ == "__main__":
    sys.exit(main())
