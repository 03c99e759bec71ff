"""`make proofs`: the rigs at their short settings, one after the other, and what came of each in one table.

Named ones alone with `RIGS="kill9 disk-full"`; other settings with `CYCLES=`, `DB=`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import click
from faults.rig import KINDS

from screener.settings import ROOT

# No rig may take longer.
_MOST_SECONDS: Final = 1800
# Of what went wrong, in letters.
_MOST_TOLD: Final = 4000
_SMTP: Final = ["-m", "pytest", "tests/faults/test_smtp.py", "-q", "-s", "-p", "no:cacheprovider"]


class Rig(NamedTuple):
    """Its short setting, and what runs it (its module of the same name, if nothing is said)."""

    cycles: int
    command: list[str] | None = None
    # The one database it is about.
    only: str = ""


RIGS: Final[Mapping[str, Rig]] = {
    "kill9": Rig(60),
    "outbox-kill9": Rig(40),
    "smtp": Rig(40, _SMTP),
    "disk-full": Rig(5),
    "database-away": Rig(5),
    "restore-drill": Rig(3),
    "rotate-drill": Rig(5),
    "migration-drill": Rig(40),
    "disk-first": Rig(20),
    "flood": Rig(40),
    "brute-force": Rig(1000),
    "double-submit": Rig(500),
    "rolling-restart": Rig(3, only="postgres"),
    "failover-drill": Rig(5, only="postgres"),
}


class Proof(NamedTuple):
    rig: str
    kind: str
    cycles: int
    seconds: float
    held: bool


def prove(name: str, kind: str) -> Proof:
    rig = RIGS[name]
    cycles = int(os.environ.get("CYCLES") or rig.cycles)
    command = rig.command or ["-m", f"faults.{name.replace('-', '_')}"]
    about = {"DB": kind, "CYCLES": str(cycles), "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    begun = time.monotonic()
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=dict(os.environ) | about,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            said, troubled = running.communicate(timeout=_MOST_SECONDS)
        except subprocess.TimeoutExpired:
            running.terminate()
            said, troubled = running.communicate()
            said += f"\nended after {_MOST_SECONDS} s"
        finally:
            # Also where it is this one that is told to stop.
            running.terminate()
    held = running.returncode == 0
    click.echo(said.strip() if held else said + troubled[-_MOST_TOLD:])
    return Proof(name, kind, cycles, time.monotonic() - begun, held)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    names = os.environ.get("RIGS", "").split() or list(RIGS)
    kinds = KINDS[os.environ.get("DB", "")]
    proofs = [prove(name, kind) for name in names for kind in kinds if RIGS[name].only in {"", kind}]
    click.echo(f"\n{'rig':<17}{'database':<10}{'cycles':>6}{'seconds':>9}  result")
    for proof in proofs:
        verdict = "ok" if proof.held else "FAILED"
        click.echo(f"{proof.rig:<17}{proof.kind:<10}{proof.cycles:>6}{proof.seconds:>9.0f}  {verdict}")
    broken = [f"{proof.rig} on {proof.kind}" for proof in proofs if not proof.held]
    click.echo(f"{len(proofs)} proofs: {'FAILED: ' + ', '.join(broken) if broken else 'ok'}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
