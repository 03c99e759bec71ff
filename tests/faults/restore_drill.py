"""`make restore-drill`: a backup while six people send requests, put back elsewhere, each time anew.

Everything that was acknowledged before the backup began must be there, open, with trails that hold.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click
from conftest import Databases, Installation
from faults.kept import requests_in
from faults.rig import Outcome, databases_for, run, screener
from faults.traffic import Traffic, serving

from screener.store.backup_file import Head

A_CYCLE = 20


def cycle(installation: Installation, databases: Databases, traffic: Traffic, folder: Path) -> str:
    """What is wrong, or nothing."""
    traffic.wait_for(A_CYCLE)
    file = folder / f"{len(list(folder.iterdir()))}.backup"
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
    click.echo(
        f"{len(wanted)} acknowledged before, {len(wanted - found)} lost, {len(found)} restored;"
        f" backup {backup_seconds:.1f} s, restore {restore_seconds:.1f} s"
    )
    databases.drop(elsewhere.database_url)
    return f"{len(wanted - found)} lost" if wanted - found else ""


def names_before(traffic: Traffic, moment: datetime) -> set[str]:
    return {name for name, at in list(traffic.acked.items()) if at < moment}


def play(kind: str, cycles: int) -> Outcome:
    wrong = ""
    with (
        tempfile.TemporaryDirectory() as folder,
        databases_for(kind) as databases,
        serving(databases, kind) as (installation, traffic),
        traffic.flowing(),
    ):
        for _ in range(cycles):
            wrong = wrong or cycle(installation, databases, traffic, Path(folder))
    if traffic.wrong:
        wrong = wrong or f"people were answered {sorted(set(traffic.wrong))}"
    return Outcome(f"{len(traffic.acked)} acknowledged in all", wrong)


def main() -> int:
    return run("restore-drill", play, cycles=3)


if __name__ == "__main__":
    sys.exit(main())
