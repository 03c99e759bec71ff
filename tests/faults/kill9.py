"""`make kill9`: the app killed at random moments while six people send requests, then its database (P1).

Who was shown a receipt finds it again, the database is whole, and the app is back without help.
"""

from __future__ import annotations

import random
import sys
import time
from statistics import median
from typing import Final

from faults.kept import judge
from faults.rig import Outcome, databases_for, faults_of, run
from faults.traffic import Traffic, serving
from postgres import PostgresServer

# How long a start may take, and the app to be back after its database.
RESTART_SECONDS: Final = 2.0
BACK_SECONDS: Final = 5.0
# A cycle kills the app; each sixth the database too, where it is a server.
DATABASE_EACH: Final = 6
_LONGEST: Final = 1.5


def play(kind: str, cycles: int) -> Outcome:
    restarts: list[float] = []
    recoveries: list[float] = []
    returns: list[float] = []
    with (
        databases_for(kind, is_durable=True) as databases,
        serving(databases, kind, breath=0.05) as (installation, traffic),
    ):
        with traffic.flowing():
            for number in range(cycles):
                time.sleep(random.uniform(0, _LONGEST))
                restarts += _kill_app(traffic, number)
                if isinstance(databases, PostgresServer) and number % DATABASE_EACH == DATABASE_EACH - 1:
                    recoveries.append(_kill_database(databases, number))
                    returns.append(traffic.server.wait_for("/c/acme"))
            traffic.wait_for(1)
        broken = judge(installation.settings, traffic)
    # A median, for a machine has other things to do at times; alone on it, or it says nothing.
    broken[f"median restart of {RESTART_SECONDS:g} s or more"] = int(median(restarts) >= RESTART_SECONDS)
    broken[f"returns after {BACK_SECONDS:g} s or more"] = sum(seconds >= BACK_SECONDS for seconds in returns)
    told = (
        f"{cycles} kills of the app, {len(returns)} of the database; {len(traffic.acked)} acknowledged,"
        f" {broken['lost']} lost; app {_spread(restarts)}"
    )
    if returns:
        told += f", database {_spread(recoveries)}, app after it {_spread(returns)}"
    return Outcome(told, faults_of(broken))


def _kill_app(traffic: Traffic, number: int) -> list[float]:
    """All of it; a worker, which the server itself begins again; or the server, whom its workers follow."""
    match number % 3:
        case 0:
            return [traffic.server.restart()]
        case 1:
            traffic.server.kill_worker()
            traffic.wait_for(1)
            return []
        case _:
            traffic.server.kill_first()
            return [traffic.server.start()]


def _kill_database(database: PostgresServer, number: int) -> float:
    """All of it, or one process of it, after which it begins anew by itself; seconds until it is there."""
    begun = time.monotonic()
    if number // DATABASE_EACH % 2:
        database.kill_backend()
        database.wait()
    else:
        database.kill()
        database.start()
    return time.monotonic() - begun


def _spread(seconds: list[float]) -> str:
    return (
        f"back in {median(seconds):.1f} s (median), {max(seconds):.1f} s (most)" if seconds else "not killed"
    )


def main() -> int:
    return run("kill9", play, cycles=60)


if __name__ == "__main__":
    sys.exit(main())
