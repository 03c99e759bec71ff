"""Holds docs/asvs.csv to its list: each id has a state, and a test or a reason (`make asvs`)."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from named_tests import NAME, is_there

SHEET: Final = Path(__file__).parent.parent / "docs" / "asvs.csv"
COLUMNS: Final = ["id", "level", "asks", "state", "proof", "reason"]
# Whatever is not simply met says why.
STATES: Final = ("met", "partly", "not met", "deployment", "not applicable")

# Levels 1 and 2 of OWASP ASVS 5.0.0, without what there is none of here at all: LDAP, XPath, LaTeX, memory of
# our own, XML, bookings of limited seats, GraphQL, WebSockets, SMS, an identity provider of ours, WebRTC.
APPLICABLE: Final = """
    1.1.1-2 1.2.1-5,9 1.3.1-3,5-7,10-11 1.5.2
    2.1.1-3 2.2.1-3 2.3.1-3 2.4.1
    3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
    4.1.1-3 4.2.1
    5.1.1 5.2.1-3 5.3.1-2 5.4.1-3
    6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.2-3 6.8.1-2,4
    7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2
    8.1.1-2 8.2.1-3 8.3.1 8.4.1
    9.1.1-3 9.2.1-3
    10.1.1-2 10.2.1-2 10.5.1-4
    11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1
    12.1.1-2 12.2.1-2 12.3.1-4
    13.1.1 13.2.1-5 13.3.1-2 13.4.1-5
    14.1.1-2 14.2.1-4 14.3.1-3
    15.1.1-3 15.2.1-3 15.3.1-7
    16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
"""
# Of level 3, what is done although nobody asks for it here.
ON_TOP: Final = "1.2.10 3.4.8 3.5.6-8 3.6.1 6.3.6,8 6.4.6 6.5.6 7.5.3 8.3.2 14.2.6-7 16.5.4"


def list_ids(text: str) -> list[str]:
    """`1.2.1-3,9` is 1.2.1, 1.2.2, 1.2.3 and 1.2.9."""
    return [
        f"{section}.{number}"
        for section, numbers in (part.rsplit(".", 1) for part in text.split())
        for span in numbers.split(",")
        for number in range(int(span.split("-")[0]), int(span.split("-")[-1]) + 1)
    ]


def find_problems(rows: list[Mapping[str, str]]) -> Iterator[str]:
    wanted = Counter(list_ids(APPLICABLE) + list_ids(ON_TOP))
    told = Counter(row["id"] for row in rows)
    yield from (f"{one}: is missing" for one in wanted - told)
    yield from (f"{one}: is not on the list, or twice" for one in told - wanted)
    for row in rows:
        yield from (f"{row['id']}: {problem}" for problem in _problems_of(row))


def _problems_of(row: Mapping[str, str]) -> Iterator[str]:
    proofs = [proof for proof in re.split(r"[;\s]+", row["proof"]) if proof]
    if row["level"] not in {"1", "2", "3"}:
        yield "its level is 1, 2 or 3"
    if not row["asks"]:
        yield "what it asks is not said"
    if row["state"] not in STATES:
        yield f"its state is one of {', '.join(STATES)}"
    if not row["reason"] and (row["state"] != "met" or not proofs):
        yield "names neither a test nor a reason" if row["state"] == "met" else "its state wants a reason"
    for proof in proofs:
        if not NAME.fullmatch(proof) or "::" not in proof or not is_there(proof):
            yield f"there is no test {proof}"


def read_sheet(path: Path = SHEET) -> list[Mapping[str, str]]:
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != COLUMNS:
            raise ValueError(f"{path} begins with {','.join(COLUMNS)}")
        return list(rows)


def main() -> int:
    rows = read_sheet()
    problems = list(find_problems(rows))
    counted = Counter(row["state"] for row in rows)
    tested = sum(bool(row["proof"]) for row in rows if row["state"] == "met")
    states = [f"{counted[state]} {state}" for state in STATES]
    states[0] += f" ({tested} by tests)"
    last = f"ASVS 5.0.0: {len(rows)} ids: {', '.join(states)}; {len(problems)} problems"
    sys.stdout.write("".join(f"{line}\n" for line in [*problems, last]))
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
