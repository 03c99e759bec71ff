"""The gate of `make coverage`: all branches of the rooms where nothing may go wrong, and most of the rest.

Reads what the last run under coverage left. The exit status is 1 below either limit.
"""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatch
from tempfile import NamedTemporaryFile
from typing import Any, Final

from coverage import Coverage
from rooms import ROOMS

OF_ROOMS: Final = 100.0
OF_ALL: Final = 95.0
_PATTERNS: Final = tuple(f"screener/{pattern}" for room in ROOMS.values() for pattern in room.code)


def measured() -> dict[str, Any]:
    """Lines and branches as coverage tells them to machines."""
    coverage = Coverage()
    coverage.load()
    with NamedTemporaryFile("r", suffix=".json") as told:
        coverage.json_report(outfile=told.name)
        return dict(json.load(told))


def shortcomings(found: dict[str, Any]) -> list[str]:
    """What falls below its limit: files of the rooms, then the whole."""
    short = [
        f"{name} {file['summary']['percent_covered']:.2f} %, {_where(file)}"
        for name, file in found["files"].items()
        if any(fnmatch(name, pattern) for pattern in _PATTERNS)
        and file["summary"]["percent_covered"] < OF_ROOMS
    ]
    whole = found["totals"]["percent_covered"]
    return [*short, *([f"all together {whole:.2f} %, {OF_ALL:.0f} % are wanted"] if whole < OF_ALL else [])]


def _where(file: dict[str, Any]) -> str:
    lines = [f"line {line}" for line in file["missing_lines"]]
    branches = [
        f"{here} never goes on to {there if there > 0 else 'the end'}"
        for here, there in file["missing_branches"]
        if here not in file["missing_lines"] and there not in file["missing_lines"]
    ]
    return ", ".join(lines + branches)


def main() -> int:
    found = measured()
    short = shortcomings(found)
    out = sys.stdout.write
    for each in short:
        out(f"not covered: {each}\n")
    whole = found["totals"]["percent_covered"]
    if short:
        out(f"Coverage falls short in {len(short)}: {'; '.join(each.split(',')[0] for each in short)}\n")
    else:
        out(f"Coverage: {OF_ROOMS:.0f} % of {', '.join(ROOMS)}; {whole:.2f} % of all branches: pass\n")
    return bool(short)


if __name__ == "__main__":
    sys.exit(main())
