"""A line of the table, and how many times a thing is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

Measured = TypeVar("Measured")
Name = TypeVar("Name")


@dataclass(frozen=True)
class Row:
    """What was measured, beside the limit, and whether the goal of that number is met."""

    number: str
    what: str
    value: str
    limit: str
    ratio: str
    goal: str
    # None where there is no goal or it could not be told.
    is_met: bool | None

    @property
    def cells(self) -> tuple[str, ...]:
        met = {True: "yes", False: "**no**", None: "-"}[self.is_met]
        return (self.number, self.what, self.value, self.limit, self.ratio, self.goal, met)


def compared(
    number: str,
    what: str,
    ours: Sequence[float],
    others: Sequence[float],
    *,
    unit: str,
    most: float | None = None,
    least: float | None = None,
    beside: str = "limit",
) -> Row:
    """Two things measured in alternation: the median of each, and the median of the rounds' ratios."""
    ratio = median(one / other for one, other in zip(ours, others, strict=True))
    goal = f"<= {most:.3g} x {beside}" if most is not None else f">= {least:.3g} x {beside}" if least else ""
    is_met = ratio <= most if most is not None else ratio >= least if least is not None else None
    return Row(number, what, shown(ours, unit), shown(others, unit), f"{ratio:.2f}", goal, is_met)


def shown(values: Sequence[float], unit: str) -> str:
    """The median, and from where to where it swung."""
    told = f"{median(values):.3g}"
    return f"{told} {unit}" if len(values) == 1 else f"{told} ({min(values):.3g}-{max(values):.3g}) {unit}"


def alternate(rounds: int, measured: Mapping[Name, Callable[[], Measured]]) -> dict[Name, list[Measured]]:
    """Each in turn, round after round, so that what else the machine does falls on all of them."""
    found: dict[Name, list[Measured]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            found[name].append(measure())
    return found


def p99(values: Iterable[float]) -> float:
    return quantiles(values, n=100)[98]
