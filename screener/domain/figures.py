"""Numbers of people that tell nobody apart: small ones are not told, nor can the rest be added up to them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

# Any count below this is hidden.
FEWEST: Final = 5
FEW: Final = f"fewer than {FEWEST}"
NOT_SHOWN: Final = "not shown"


@dataclass(frozen=True, slots=True)
class Told:
    """A number as it may be read; None where there are only words."""

    value: int | None
    words: str


def tell(count: int) -> Told:
    """A number that stands alone. None at all is "fewer than 5" too."""
    return Told(count, f"{count:,}") if count >= FEWEST else Told(None, FEW)


def tell_parts(counts: Sequence[int]) -> list[Told]:
    """Parts of a whole that is known.

    Where the small ones would follow from the whole, because there is one alone or all are as large as small
    ones can be, the smallest of the others is not shown either.
    """
    told = [tell(count) for count in counts]
    small = [count for count in counts if count < FEWEST]
    follows = len(small) == 1 or (small and min(small) == FEWEST - 1)
    others = [count for count in counts if count >= FEWEST]
    if follows and others:
        told[counts.index(min(others))] = Told(None, NOT_SHOWN)
    return told


def quantile(waits: Mapping[int, int], share: float) -> int | None:
    """The wait that at least this share of people (0 to 1) did not exceed; None for too few people.

    `waits` counts the people of each wait.
    """
    people = sum(waits.values())
    if people < FEWEST:
        return None
    lengths = sorted(waits)
    reached = accumulate(waits[length] for length in lengths)
    return lengths[bisect_left(list(reached), math.ceil(people * share))]
