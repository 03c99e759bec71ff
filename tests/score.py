"""The public score: every vignette through the one classifier, compared with what was expected of it.

`python tests/score.py` prints it, `--write` also renews the table in docs/accuracy.md. The exit status is 1
for any disagreement, for an emergency judged lower, and for over-triage beyond its gate.
"""

from __future__ import annotations

import argparse
import math
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.contract import CANNOT_TELL, CLASSES, FLAGS, MET

from screener.domain.screening import classify

VIGNETTES = Path(__file__).parent / "vignettes"
ACCURACY = Path(__file__).parent.parent / "docs" / "accuracy.md"
BEGIN, END = "<!-- score: begin -->", "<!-- score: end -->"

URGENCIES = ("emergency", "urgent", "routine")
# Of the routine vignettes no more than this share may come out urgent, and none as an emergency.
OVER_TRIAGE_GATE = 0.2


@dataclass(frozen=True)
class Outcome:
    """How urgent, which class, and every clinical flag: expected or found."""

    urgency: str
    article_class: str
    clinical: Mapping[str, str]


@dataclass(frozen=True)
class Vignette:
    """A person's story, the answers it comes to, and what the texts make of them."""

    theme: str
    id: str
    title: str
    story: str
    why: str
    answers: Mapping[str, object]
    expected: Outcome


@dataclass(frozen=True)
class Result:
    vignette: Vignette
    found: Outcome
    red_flags: tuple[str, ...]

    def disagreements(self) -> Iterator[tuple[str, str, str]]:
        """What differs: its name, what was expected, what was found."""
        expected, found = self.vignette.expected, self.found
        if found.urgency != expected.urgency:
            yield "urgency", expected.urgency, found.urgency
        if found.article_class != expected.article_class:
            yield "article_class", expected.article_class, found.article_class
        for flag in FLAGS:
            if found.clinical[flag] != expected.clinical[flag]:
                yield flag, expected.clinical[flag], found.clinical[flag]


@dataclass(frozen=True)
class Share:
    """`hits` out of `total`, with its 95 % Wilson score interval."""

    hits: int
    total: int

    def interval(self) -> tuple[float, float]:
        if not self.total:
            return 0.0, 1.0
        z = 1.959964
        share, n = self.hits / self.total, self.total
        middle = share + z * z / (2 * n)
        half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        low, high = ((middle + side * half) / (1 + z * z / n) for side in (-1, 1))
        return max(low, 0.0), min(high, 1.0)

    def __str__(self) -> str:
        if not self.total:
            return "none to judge"
        low, high = self.interval()
        return f"{self.hits / self.total:.1%} ({low:.1%} to {high:.1%})".replace("%", " %")


@dataclass(frozen=True)
class Row:
    name: str
    n: int
    sensitivity: Share
    specificity: Share


def load_vignettes(folder: Path = VIGNETTES) -> list[Vignette]:
    """All vignettes, by theme and in the order written. Raises ValueError if one is incomplete."""
    found: list[Vignette] = []
    for path in sorted(folder.glob("*.toml")):
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["vignette"]
        found += [_vignette(path.stem, table) for table in tables]
    return found


def _vignette(theme: str, table: Mapping[str, Any]) -> Vignette:
    expected = Outcome(**table["expected"])
    if set(expected.clinical) != set(FLAGS):
        raise ValueError(f"{table['id']}: expects {sorted(expected.clinical)}, not every flag once")
    # TOML has no null: `unsure` lists the questions answered with "I'm not sure".
    answers = {**table["answers"], **dict.fromkeys(table.get("unsure", ()))}
    return Vignette(theme, table["id"], table["title"], table["story"], table["why"], answers, expected)


def judge(vignette: Vignette) -> Result:
    """The classifier's verdicts for one vignette. Raises AnswerError if an answer cannot be read."""
    report = classify(vignette.answers, brief=True)
    if report["ignored"]:
        raise ValueError(f"{vignette.id}: no person is asked {report['ignored']} after these answers")
    found = Outcome(report["urgency"], report["article_class"], report["clinical"])
    return Result(vignette, found, tuple(report["red_flags"]))


def judge_all() -> list[Result]:
    return [judge(vignette) for vignette in load_vignettes()]


def _row(name: str, results: Sequence[Result], is_it: Callable[[Outcome], bool]) -> Row:
    having = [r for r in results if is_it(r.vignette.expected)]
    lacking = [r for r in results if not is_it(r.vignette.expected)]
    return Row(
        name,
        len(having),
        Share(sum(is_it(r.found) for r in having), len(having)),
        Share(sum(not is_it(r.found) for r in lacking), len(lacking)),
    )


def urgency_rows(results: Sequence[Result]) -> list[Row]:
    return [_row(level, results, lambda o, level=level: o.urgency == level) for level in URGENCIES]


def class_rows(results: Sequence[Result]) -> list[Row]:
    return [_row(name, results, lambda o, name=name: o.article_class == name) for name in CLASSES]


def flag_rows(results: Sequence[Result]) -> list[Row]:
    """`met` against anything else."""
    return [_row(flag, results, lambda o, flag=flag: o.clinical[flag] == MET) for flag in FLAGS]


def cannot_tell_rows(results: Sequence[Result]) -> list[Row]:
    """`cannot_tell` against a verdict: a form must know when it does not know."""
    return [_row(flag, results, lambda o, flag=flag: o.clinical[flag] == CANNOT_TELL) for flag in FLAGS]


def triage(results: Sequence[Result]) -> dict[str, Share]:
    """Emergencies and urgent ones judged too low, routine ones judged too high."""

    def share(expected: str, *found: str) -> Share:
        of_these = [r for r in results if r.vignette.expected.urgency == expected]
        return Share(sum(r.found.urgency in found for r in of_these), len(of_these))

    return {
        "Under-triage: emergency judged urgent or routine": share("emergency", "urgent", "routine"),
        "Under-triage: urgent judged routine": share("urgent", "routine"),
        "Over-triage: routine judged urgent": share("routine", "urgent"),
        "Over-triage: routine judged emergency": share("routine", "emergency"),
        "Over-triage: urgent judged emergency": share("urgent", "emergency"),
    }


def broken_gates(results: Sequence[Result]) -> list[str]:
    """The gates that do not hold, in words."""
    shares = triage(results)
    too_low = shares["Under-triage: emergency judged urgent or routine"].hits
    too_high = shares["Over-triage: routine judged urgent"]
    alarms = shares["Over-triage: routine judged emergency"].hits
    broken = []
    if too_low:
        broken.append(f"{too_low} emergencies were judged lower; none may be")
    if too_high.hits > OVER_TRIAGE_GATE * too_high.total:
        broken.append(f"{too_high.hits} of {too_high.total} routine ones were judged urgent; 1 in 5 may be")
    if alarms:
        broken.append(f"{alarms} routine ones were judged emergencies; none may be")
    return broken


def table(results: Sequence[Result]) -> str:
    """The score as Markdown, the same on the terminal and in docs/accuracy.md."""
    agreeing = Share(sum(not any(r.disagreements()) for r in results), len(results))
    lines = [
        f"{len(results)} vignettes; all of urgency, class and nine flags as expected in {agreeing}.",
        "Percentages stand with their 95 % Wilson interval.",
        "",
        "| Triage | n | cases | share |",
        "|---|---|---|---|",
        *(f"| {name} | {share.total} | {share.hits} | {share} |" for name, share in triage(results).items()),
    ]
    for heading, rows in (
        ("Urgency", urgency_rows(results)),
        ("Article class", class_rows(results)),
        ("Clinical flag: met", flag_rows(results)),
        ("Clinical flag: cannot tell", cannot_tell_rows(results)),
    ):
        lines += ["", f"| {heading} | n | sensitivity | specificity |", "|---|---|---|---|"]
        lines += [f"| `{row.name}` | {row.n} | {row.sensitivity} | {row.specificity} |" for row in rows]
    return "\n".join(lines)


def documented() -> str:
    """The table as docs/accuracy.md has it."""
    text = ACCURACY.read_text(encoding="utf-8")
    return text.split(BEGIN)[1].split(END)[0].strip()


def write(fresh: str) -> None:
    """Puts the fresh table between the markers of docs/accuracy.md."""
    text = ACCURACY.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    ACCURACY.write_text(f"{before}{BEGIN}\n{fresh}\n{END}{after}", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Score the vignettes.")
    parser.add_argument("--write", action="store_true", help="renew the table in docs/accuracy.md")
    chosen = parser.parse_args(arguments)
    results = judge_all()
    fresh = table(results)
    out = sys.stdout.write
    out(f"{fresh}\n")
    if chosen.write:
        write(fresh)
    disagreeing = 0
    for result in results:
        for name, expected, found in result.disagreements():
            disagreeing += 1
            out(f"DISAGREES {result.vignette.theme}/{result.vignette.id}: {name} {expected} != {found}\n")
    broken = broken_gates(results)
    out("".join(f"GATE BROKEN: {gate}\n" for gate in broken))
    return 1 if disagreeing or broken else 0


if __name__ == "__main__":
    sys.exit(main())
