"""Figures tell nobody apart: small numbers are not told, nor can they be worked out from the rest."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screener.domain.figures import FEW, FEWEST, NOT_SHOWN, quantile, tell, tell_parts


def words(*counts: int) -> list[str]:
    return [told.words for told in tell_parts(counts)]


@pytest.mark.parametrize(("count", "said"), [(0, FEW), (4, FEW), (5, "5"), (1234, "1,234")])
def test_fewer_than_five_are_not_told(count: int, said: str) -> None:
    assert tell(count).words == said
    assert (tell(count).value is None) is (said == FEW)


def test_what_would_give_a_small_number_away_is_not_shown() -> None:
    assert words(3, 9, 20) == [FEW, NOT_SHOWN, "20"], "one alone follows from the whole"
    assert words(4, 4, 9, 20) == [FEW, FEW, NOT_SHOWN, "20"], "as many as can be"
    assert words(1, 3, 9, 20) == [FEW, FEW, "9", "20"]
    assert words(7, 9) == ["7", "9"]
    assert words(0, 0) == [FEW, FEW]


def possible(counts: tuple[int, ...]) -> list[set[int]]:
    """What each part may be, to a reader who knows the whole and these words."""
    told, whole = tell_parts(counts), sum(counts)
    unknown = [at for at, one in enumerate(told) if one.value is None]
    rest = whole - sum(one.value or 0 for one in told)
    ranges = [range(FEWEST) if told[at].words == FEW else range(FEWEST, rest + 1) for at in unknown]
    fits = [guess for guess in product(*ranges) if sum(guess) == rest]
    found = [{count} for count in counts]
    for at, values in zip(unknown, zip(*fits, strict=True), strict=True):
        found[at] = set(values)
    return found


@given(st.lists(st.integers(0, 12), min_size=2, max_size=4).filter(lambda counts: max(counts) >= FEWEST))
def test_nobody_works_out_a_small_number_of_people(counts: list[int]) -> None:
    for count, may_be in zip(counts, possible(tuple(counts)), strict=True):
        assert count in may_be
        # That there is nobody may follow; how few there are does not.
        assert count in {0, *range(FEWEST, 13)} or len(may_be) > 1, counts


def test_half_and_nine_of_ten_are_told_of_enough_people() -> None:
    waits = dict.fromkeys((10, 1, 2, 3, 4, 5, 6, 7, 8, 9), 1)
    assert [quantile(waits, share) for share in (0.5, 0.9)] == [5, 9]
    assert quantile({7: 2, 3: 3}, 0.5) == 3
    assert quantile({7: 2, 3: 3}, 0.9) == 7
    assert quantile({7: 2, 3: 2}, 0.5) is None
