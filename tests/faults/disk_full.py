"""`make disk-full`: the disk of the database fills up while six people send requests, and is freed (P5).

They get through or are told to try again; nothing is lost or half-saved; nobody starts the app anew.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from conftest import Databases, Installation
from faults.kept import judge, opened
from faults.rig import Outcome, databases_for, faults_of, run, small_disk
from faults.traffic import serving
from postgres import PostgresServer

# PostgreSQL begins with as much as 100 of it.
_MEBIBYTES: Final = {"sqlite": 16, "postgres": 192}


def play(kind: str, cycles: int) -> Outcome:
    with (
        small_disk(_MEBIBYTES[kind]) as disk,
        databases_for(kind, is_durable=True, folder=disk) as databases,
        serving(databases, kind, breath=0.05) as (installation, traffic),
    ):
        with traffic.flowing():
            returns = []
            for _ in range(cycles):
                _empty_log(installation, databases)
                returns.append(traffic.endure(_full(disk)))
        broken = judge(installation.settings, traffic)
    told = (
        f"{cycles} times full, {traffic.put_off} times told to try again; {len(traffic.acked)} acknowledged,"
        f" {broken['lost']} lost; the next one through {median(returns):.1f} s after there was room"
    )
    return Outcome(told, faults_of(broken))


def _empty_log(installation: Installation, databases: Databases) -> None:
    """Else there would be room in SQLite's for a while."""
    if not isinstance(databases, PostgresServer):
        with opened(installation.settings) as app:
            app.extensions["screener.database"].forget_deleted()


@contextmanager
def _full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    try:
        yield
    finally:
        filler.unlink()


def main() -> int:
    return run("disk-full", play, cycles=5)


if __name__ == "__main__":
    sys.exit(main())
