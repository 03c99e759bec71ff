"""`make database-away`: PostgreSQL is stopped, SQLite locked, while six people send requests (P5).

They are told to try again and then get through; nothing is lost or half-saved; nobody starts the app anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

from conftest import Databases, Installation, past_the_walls
from faults.kept import judge, opened
from faults.rig import Outcome, databases_for, faults_of, run
from faults.traffic import serving
from postgres import PostgresServer


def play(kind: str, cycles: int) -> Outcome:
    with (
        databases_for(kind, is_durable=True) as databases,
        serving(databases, kind, breath=0.05) as (installation, traffic),
    ):
        with traffic.flowing():
            returns = [traffic.endure(_away(databases, installation)) for _ in range(cycles)]
        broken = judge(installation.settings, traffic)
    told = (
        f"{cycles} times away, {traffic.put_off} times told to try again; {len(traffic.acked)} acknowledged,"
        f" {broken['lost']} lost; the next one through {median(returns):.1f} s after it was back"
    )
    return Outcome(told, faults_of(broken))


@contextmanager
def _away(databases: Databases, installation: Installation) -> Iterator[None]:
    if isinstance(databases, PostgresServer):
        databases.stop()
        try:
            yield
        finally:
            databases.start()
        return
    # Whoever looks past the walls has begun to write.
    with opened(installation.settings) as app, past_the_walls(app.extensions["screener.database"]):
        yield


def main() -> int:
    return run("database-away", play, cycles=5)


if __name__ == "__main__":
    sys.exit(main())
