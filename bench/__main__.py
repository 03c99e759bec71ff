"""Measures the goals of speed and prints them; all of them go into docs/performance.md, a chosen few do not.

ROWS=S1,S7 chooses, DB=sqlite or postgres, ROUNDS=5, SECONDS=6 of each loop, SIZES=1000,10000
stored requests, SCREENINGS=300 between two looks at the memory.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from bench import commits, journeys, large, rules, running, sign_ins, weight, writers
from bench.place import Extent, Place, place_for
from bench.processes import ROOT
from bench.row import Row

DOCUMENT: Final = ROOT / "docs" / "performance.md"
_HEAD: Final = ("#", "what", "value", "limit", "ratio", "goal", "met")
_MEASURES: Final[Mapping[tuple[str, ...], Callable[[Place], Iterator[Row]]]] = {
    ("S1", "S2", "S3"): journeys.measure,
    ("S4", "S5"): weight.measure,
    ("S6",): commits.measure,
    ("S7",): writers.measure,
    ("S8", "S14", "S15"): large.measure,
    ("S9",): rules.measure,
    ("S10",): large.measure_sealed,
    ("S11",): sign_ins.measure,
    ("S12",): running.measure_memory,
    ("S13",): running.measure_start,
}
_ALL: Final = tuple(number for numbers in _MEASURES for number in numbers)
_LIBRARIES: Final = ("flask", "sqlalchemy", "jinja2", "wtforms", "granian", "psycopg", "pysqlite3")


def main() -> int:
    wanted = [row for row in (os.environ.get("ROWS") or ",".join(_ALL)).upper().split(",") if row]
    if unknown := set(wanted) - set(_ALL):
        click.echo(f"There is no {', '.join(sorted(unknown))}. The rows are {', '.join(_ALL)}.", err=True)
        return 2
    kind = os.environ.get("DB") or "sqlite"
    begun = time.monotonic()
    with place_for(kind, _extent()) as place:
        rows = list(_measure(place, wanted))
    missed, seconds = sum(row.is_met is False for row in rows), time.monotonic() - begun
    if not os.environ.get("ROWS"):
        _write(kind, _told(kind, rows))
    click.echo(f"bench on {kind}: {len(rows)} rows in {seconds:.0f} s, {missed} goals missed")
    return 0


def _extent() -> Extent:
    usual = Extent()
    sizes = os.environ.get("SIZES")
    return Extent(
        rounds=int(os.environ.get("ROUNDS") or usual.rounds),
        seconds=float(os.environ.get("SECONDS") or usual.seconds),
        screenings=int(os.environ.get("SCREENINGS") or usual.screenings),
        sizes=tuple(map(int, sizes.split(","))) if sizes else usual.sizes,
    )


def _measure(place: Place, wanted: list[str]) -> Iterator[Row]:
    for numbers, measure in _MEASURES.items():
        if set(numbers) & set(wanted):
            for row in measure(place):
                click.echo("  ".join(row.cells))
                yield row


def _told(kind: str, rows: list[Row]) -> str:
    table = [_HEAD, tuple("---" for _ in _HEAD), *(row.cells for row in rows)]
    lines = ["| " + " | ".join(cells) + " |" for cells in table]
    return "\n".join([_about(kind), "", *lines])


def _about(kind: str) -> str:
    """The machine, what runs on it, and when."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in _LIBRARIES)
    load, extent = os.getloadavg()[2], _extent()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({_processor()}), {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, {versions}. Load of the last quarter"
        f" of an hour: {load:.1f}. `make bench DB={kind}`: {extent.rounds} rounds, loops of"
        f" {extent.seconds:.0f} s. A value is the median (and from where to where it swung), a ratio the"
        " median of the rounds' ratios."
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _write(kind: str, told: str) -> None:
    begin, end = (f"<!-- bench {kind}: {which} -->" for which in ("begin", "end"))
    text = DOCUMENT.read_text()
    before, after = text.split(begin)[0], text.split(end)[1]
    DOCUMENT.write_text(f"{before}{begin}\n{told}\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
