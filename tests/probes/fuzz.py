"""`make fuzz`: what people and strangers may send, in numbers no suite has time for.

Forms, journeys, staff of two clinics and the API by Hypothesis, with the very tests of the suite and other
random numbers; readers of tokens, references, files and FHIR by atheris, a tool apart.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
from builders import EVERY_PAGE
from exports.fhir_samples import response, walked

from screener.domain.questionnaire import QUESTIONNAIRE
from screener.settings import ROOT

_ATHERIS: Final = ROOT / ".foreign" / "atheris" / "bin" / "python"
_SITE_PACKAGES: Final = next((ROOT / ".venv" / "lib").glob("python3*/site-packages"))
_LATE_SECONDS: Final = 120
_SUITE: Final = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@dataclass(frozen=True)
class Part:
    """`cycles` forms make so many of its own; it has this share of the time."""

    name: str
    of_a_cycle: float
    share: float
    # Tries so many for at most so many seconds; how many it did, and what went wrong.
    run: Callable[[int, float], tuple[int, str]]


def suite(what: str, variable: str, slice_: int) -> Callable[[int, float], tuple[int, str]]:
    """A test of the suite, again and again with other random numbers: it knows no clock of its own."""

    def run(wanted: int, seconds: float) -> tuple[int, str]:
        done, ends = 0, time.monotonic() + seconds
        while done < wanted and time.monotonic() < ends:
            at_once = min(slice_, wanted - done)
            environment = dict(os.environ) | {variable: str(at_once), "PYTHONPATH": str(ROOT)}
            command = [*_SUITE, *what.split()]
            told = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
            )
            if told.returncode:
                return done, told.stdout[-6000:]
            done += at_once
        return done, ""

    return run


def reader(target: str) -> Callable[[int, float], tuple[int, str]]:
    """Something that reads, with whatever leads the fuzzer to places it has not been to."""

    def run(wanted: int, seconds: float) -> tuple[int, str]:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
            folder = Path(made)
            (folder / "seed").write_bytes(_SEEDS.get(target, b"x"))
            options = [
                f"-runs={wanted}",
                f"-max_total_time={int(seconds)}",
                "-rss_limit_mb=4096",
                "-timeout=20",
            ]
            told = subprocess.run(
                [_ATHERIS, "-m", "probes.parsers", target, *options, f"-artifact_prefix={folder}/", folder],
                cwd=ROOT / "tests",
                env=dict(os.environ) | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{_SITE_PACKAGES}"},
                capture_output=True,
                timeout=seconds + _LATE_SECONDS,
                check=False,
            )
            said = (told.stdout + told.stderr).decode(errors="replace")
            done = re.search(r"Done (\d+) runs", said)
            if told.returncode or not done:
                bytes_ = [path.read_bytes() for path in folder.glob("*-*")]
                return 0, f"{said[-4000:]}\n{bytes_}"
            return int(done[1]), ""

    return run


_LINES: Final = json.dumps(EVERY_PAGE).encode()
_NAMES: Final = [question.id for question in QUESTIONNAIRE]
_SEEDS: Final[Mapping[str, bytes]] = {
    "csv": f"{','.join(_NAMES)}\n{','.join('1' for _ in _NAMES)}\n".encode(),
    "json": b"[" + _LINES + b",\n" + _LINES + b"]",
    "fhir-json": json.dumps(response(walked(EVERY_PAGE))).encode(),
}
PARTS: Final = (
    Part("forms", 1, 0.4, suite("tests/web/test_inputs.py -k random_forms", "EXAMPLES", 500)),
    Part("steps of patients", 0.2, 0.2, suite("tests/web/test_patient_journeys.py", "STEPS", 300)),
    Part("steps of two clinics' staff", 0.1, 0.08, suite("tests/web/test_two_clinics.py", "STEPS", 600)),
    Part("calls of each door of the API", 0.02, 0.08, suite("tests/web/test_openapi.py", "EXAMPLES", 100)),
    *(Part(f"atheris {name}", 10, 0.04, reader(name)) for name in ("csv", "json", "reference", "fhir-json")),
    *(Part(f"atheris {name}", 1, 0.04, reader(name)) for name in ("fhir", "token")),
)


def main() -> int:
    cycles, minutes = int(os.environ.get("CYCLES") or 10_000), float(os.environ.get("MINUTES") or 20)
    only, broken, told = os.environ.get("ONLY") or "", [], []
    for part in (each for each in PARTS if only in each.name):
        wanted = max(1, int(cycles * part.of_a_cycle))
        done, wrong = part.run(wanted, minutes * 60 * part.share)
        told.append(f"{done:,} of {wanted:,} {part.name}")
        click.echo(f"{told[-1]}: {'FAILED' if wrong else 'ok'}")
        if wrong:
            broken.append(part.name)
            click.echo(wrong)
    click.echo(
        f"fuzz, {minutes:g} minutes: {'; '.join(told)}: {'FAILED: ' + ', '.join(broken) if broken else 'ok'}"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
