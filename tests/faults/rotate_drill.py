"""`make rotate-drill`: keys change while six people send requests; server and commands are killed inside.

In the end nothing opens by an old master key, each sealed value opens, and what was acknowledged is there.
"""

from __future__ import annotations

import base64
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import click
from conftest import Installation
from faults.kept import opened, requests_in
from faults.rig import COMMAND, Outcome, databases_for, environment_of, faults_of, run, screener
from faults.traffic import Traffic, serving
from sqlalchemy import select
from web.walking import at_clinic

from screener.settings import ROOT, Settings
from screener.store.clinics import clinic_key
from screener.store.errors import UnreadableError
from screener.store.rotation import list_sealed
from screener.store.vault import Place, key_number, new_key, open_sealed

A_CYCLE = 10


@dataclass
class Rig:
    installation: Installation
    traffic: Traffic
    master_keys: str
    killed: int = 0

    @property
    def settings(self) -> Settings:
        return replace(self.installation.settings, master_keys=self.master_keys)

    def cycle(self, number: int) -> None:
        """A new master key, known to the server before it wraps; then a new key of the clinic."""
        self.traffic.wait_for(A_CYCLE)
        key = base64.b64encode(new_key()).decode()
        self.master_keys = f"{number + 1}:{key},{self.master_keys}"
        self._restart()
        self._run_and_kill("keys", "rewrap")
        self.run("keys", "rewrap")
        # The older ones go.
        self.master_keys = f"{number + 1}:{key}"
        self._run_and_kill("keys", "rotate-clinic", "acme")
        self._restart()
        self.traffic.wait_for(1)

    def _restart(self) -> None:
        self.traffic.server.settings = self.settings
        self.traffic.server.restart()
        self.killed += 1

    def _run_and_kill(self, *command: str) -> None:
        """Killed as soon as it tells what it did first, or a moment later."""
        running = subprocess.Popen(
            [*COMMAND, *command],
            cwd=ROOT,
            env=environment_of(self.settings),
            stdout=subprocess.PIPE,
        )
        with running:
            assert running.stdout
            click.echo(f"  {running.stdout.readline().decode().strip()}")
            time.sleep(random.uniform(0, 0.1))
            self.killed += running.poll() is None
            running.kill()

    def run(self, *command: str) -> None:
        done = screener(self.settings, *command)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")

    def judge(self) -> Outcome:
        self.run("keys", "rotate-clinic", "acme")
        self.run("keys", "list")
        self.run("audit", "verify")
        versions, unreadable = self._open_all()
        lost = self.traffic.acked.keys() - requests_in(self.settings).keys()
        told = (
            f"{len(self.traffic.acked)} acknowledged, {len(lost)} lost, {self.killed} kills,"
            f" values by key {dict(versions)}, {unreadable} unreadable"
        )
        broken = {"lost": len(lost), "unreadable": unreadable, "under an older key": len(versions) - 1}
        return Outcome(told, faults_of({**broken, "answers that nobody should get": len(self.traffic.wrong)}))

    def _open_all(self) -> tuple[Counter[int], int]:
        versions: Counter[int] = Counter()
        unreadable = 0
        with opened(self.settings) as app, at_clinic(app, "acme") as (session, clinic):
            ring = clinic_key(session, clinic.id)
            for table, column in list_sealed():
                rows = select(table.c.id, column).where(table.c.clinic_id == clinic.id, column.is_not(None))
                for row_id, value in session.connection().execute(rows):
                    versions[key_number(value)] += 1
                    try:
                        open_sealed(ring, Place(clinic.id, table.name, column.name, row_id), value)
                    except UnreadableError:
                        unreadable += 1
        return versions, unreadable


def play(kind: str, cycles: int) -> Outcome:
    with databases_for(kind) as databases, serving(databases, kind) as (installation, traffic):
        rig = Rig(installation, traffic, installation.settings.master_keys)
        with traffic.flowing():
            for number in range(1, cycles + 1):
                rig.cycle(number)
        return rig.judge()


def main() -> int:
    return run("rotate-drill", play, cycles=5)


if __name__ == "__main__":
    sys.exit(main())
