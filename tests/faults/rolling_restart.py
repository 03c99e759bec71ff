"""`make rolling-restart`: servers behind HAProxy stopped and started in turn while six people send requests.

One of them as if on another machine, behind nginx and TLS. Nobody notices: no refusal, no broken connection,
no "try again", nothing lost. In the end the database is stopped: then people read that in our own words.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from conftest import Installation, make_installation
from faults.fronts import HOST, Balancer, Nginx
from faults.kept import judge
from faults.rig import Outcome, databases_for, faults_of, run
from faults.traffic import Server, Traffic, ask
from postgres import PostgresServer

SERVERS: Final = 4
DRAIN: Final = 5
# Until HAProxy has looked again whether a server is there.
_SEEN_SECONDS: Final = 2.0
_WORKED: Final = b'"route": "patient.page"'


def play(kind: str, cycles: int) -> Outcome:
    with databases_for(kind, is_durable=True) as databases:
        installation = make_installation(databases.create())
        with _balanced(installation) as (balancer, servers):
            traffic = Traffic(balancer, breath=0.05)
            with traffic.flowing():
                for server in servers * cycles:
                    traffic.wait_for(1)
                    server.stop()
                    server.start()
                    time.sleep(_SEEN_SECONDS)
            broken = judge(installation.settings, traffic)
            assert isinstance(databases, PostgresServer)
            broken["not told that the database is away"] = int(not _tells_away(databases, balancer))
            broken["servers without work"] = sum(_WORKED not in server.all_words() for server in servers)
    failed = traffic.unanswered + traffic.put_off + len(traffic.wrong)
    told = (
        f"{SERVERS * cycles} restarts of {SERVERS} servers; {len(traffic.times)} pages came, {failed} did"
        f" not; {len(traffic.acked)} acknowledged, {broken['lost']} lost"
    )
    broken |= {"unanswered": traffic.unanswered, "times told to try again": traffic.put_off}
    return Outcome(told, faults_of(broken))


def _tells_away(database: PostgresServer, balancer: Balancer) -> bool:
    """Though no server is ready."""
    database.stop()
    try:
        time.sleep(2 * _SEEN_SECONDS)
        return ask(balancer.port, "GET", "/c/acme").says_later
    finally:
        database.start()


@contextmanager
def _balanced(installation: Installation) -> Iterator[tuple[Balancer, list[Server]]]:
    installation.app.extensions["screener.database"].dispose()
    settings = replace(installation.settings, proxies=1, base_url=f"https://{HOST}")
    servers = [Server(settings, workers=1, drain=DRAIN) for _ in range(SERVERS)]
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        far = Nginx(settings, 1, behind=servers[-1].port, folder=folder)
        balancer = Balancer(settings, 1, near=servers[:-1], far=far, folder=folder)
        for each in (*servers, far, balancer):
            running.callback(each.kill)
            each.start()
        time.sleep(_SEEN_SECONDS)
        yield balancer, servers


def main() -> int:
    return run("rolling-restart", play, cycles=3, only="postgres")


if __name__ == "__main__":
    sys.exit(main())
