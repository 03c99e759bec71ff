"""`make failover-drill`: the primary of two PostgreSQL servers is killed while six people send requests.

Its standby is promoted; the app, which names both, goes on by itself; nothing acknowledged is lost. Then the
one that was killed follows the other, and so on in turn. Doctor and backup find the one that leads too.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import quote, urlsplit

from faults.kept import judge
from faults.rig import Outcome, databases_for, faults_of, run, screener
from faults.traffic import CLIENTS, Traffic, serving
from postgres import OWNER, PostgresServer

from screener.settings import Settings

# How long the app may need to be back once a standby leads.
BACK_SECONDS: Final = 5.0


@dataclass
class Pair:
    """A primary and a server that will follow it."""

    primary: PostgresServer
    standby: PostgresServer

    def create(self, like: str = "template1") -> str:
        """Its address names both, as PostgreSQL's own programs take it."""
        name = urlsplit(self.primary.create(like)).path
        folders = (quote(str(server.folder), safe="") for server in (self.primary, self.standby))
        return f"postgresql://{OWNER}@{','.join(folders)}{name}?target_session_attrs=read-write"

    def drop(self, url: str) -> None:
        self.primary.drop(url)

    def pretend_many(self, url: str) -> None:
        self.primary.pretend_many(url)

    def mend(self) -> None:
        """Two that hold the same, before anything more is acknowledged."""
        self.standby.follow(self.primary)
        self.primary.require_standby()

    def fail_over(self) -> float:
        """Seconds until the other leads."""
        begun = time.monotonic()
        self.primary.kill()
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        return time.monotonic() - begun


@contextmanager
def _pair(kind: str) -> Iterator[Pair]:
    with databases_for(kind, is_durable=True) as one, PostgresServer(is_durable=True) as other:
        assert isinstance(one, PostgresServer)
        yield Pair(one, other)


def play(kind: str, cycles: int) -> Outcome:
    promotions: list[float] = []
    returns: list[float] = []
    with (
        _pair(kind) as pair,
        serving(pair, kind, breath=0.05) as (installation, traffic),
    ):
        with traffic.flowing():
            for _ in range(cycles):
                pair.mend()
                traffic.wait_for(CLIENTS)
                promotions.append(pair.fail_over())
                returns.append(_next_one(traffic))
        broken = judge(installation.settings, traffic)
        for command in ("doctor", "backup"):
            broken[f"{command} did not find it"] = int(not _works(installation.settings, command))
    broken[f"returns after {BACK_SECONDS:g} s or more"] = sum(seconds >= BACK_SECONDS for seconds in returns)
    told = (
        f"{cycles} primaries killed, {traffic.put_off} times told to try again; {len(traffic.acked)}"
        f" acknowledged, {broken['lost']} lost; the other led after {median(promotions):.1f} s (median),"
        f" {max(promotions):.1f} s (most), the next request was through {median(returns):.1f} s and"
        f" {max(returns):.1f} s later"
    )
    return Outcome(told, faults_of(broken))


def _next_one(traffic: Traffic) -> float:
    begun = time.monotonic()
    traffic.wait_for(1)
    return time.monotonic() - begun


def _works(settings: Settings, command: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        file = [str(Path(folder) / "backup")] if command == "backup" else []
        return screener(settings, command, *file).returncode == 0


def main() -> int:
    return run("failover-drill", play, cycles=5, only="postgres")


if __name__ == "__main__":
    sys.exit(main())
