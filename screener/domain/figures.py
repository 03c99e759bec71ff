"""Counts of people that single nobody out: small ones are hidden, and the others do not give them away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

# Any count below this is hidden.
FEWEST: Final = 5
FEW: Final = f"fewer than {FEWEST}"
NOT_SHOWN: Final = "not shown"


@dataclass(frozen=True, slots=True)
class Told:
    """A count as a reader may see it; `value` is None where only words are shown."""

    value: int | None
    words: str


def tell(count: int) -> Told:
    """A count on its own. Zero reads "fewer than 5" too."""
    return Told(count, f"{count:,}") if count >= FEWEST else Told(None, FEW)


def tell_parts(counts: Sequence[int]) -> list[Told]:
    """Parts of a whole that the reader knows.

    Where the whole would give the small parts away, because there is only one or because each is as large
    as a small one can be, the smallest of the other parts is hidden too.
    """
    told = [tell(count) for count in counts]
    small = [count for count in counts if count < FEWEST]
    follows = len(small) == 1 or (small and min(small) == FEWEST - 1)
    others = [count for count in counts if count >= FEWEST]
    if follows and others:
        told[counts.index(min(others))] = Told(None, NOT_SHOWN)
    return told


def quantile(waits: Sequence[timedelta], share: float) -> timedelta | None:
    """The wait that at least this share of people (0 to 1) did not exceed; None for too few people."""
    if len(waits) < FEWEST:
        return None
    return sorted(waits)[math.ceil(len(waits) * share) - 1]
