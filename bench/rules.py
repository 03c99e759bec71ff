"""S9: verdicts beside the same predicates written by hand, and the command beside reading and printing JSON.

By hand and by the rules every vignette comes out the same, or nothing is measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from score import load_vignettes

from bench.by_hand import class_of, urgency_of
from bench.place import Place
from bench.processes import ROOT
from bench.row import Row, alternate, compared
from screener.domain.answers import Answers, read_answers
from screener.domain.classification import article_class_of, classify_answers
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.urgency import judge_urgency

_LINES: Final = 20_000
_BARE: Final = "import json, sys\nfor line in sys.stdin.buffer: print(json.dumps(json.loads(line)))"
_CLASSIFY: Final = "from screener.web.cli import main; main()"
Said = Mapping[str, Any]


def measure(place: Place) -> Iterator[Row]:
    raws = [vignette.answers for vignette in load_vignettes()]
    walked = [Answers(QUESTIONNAIRE, read_answers(QUESTIONNAIRE, raw), from_outside=True) for raw in raws]
    said = [answers.as_raw() for answers in walked]
    _refuse_unless_same(walked, said)
    found = alternate(
        place.extent.rounds,
        {
            "by hand": partial(_microseconds, _by_hand, said),
            "verdicts": partial(_microseconds, _verdicts, walked),
            "reasons": partial(_microseconds, _reasons, walked),
            "walk": partial(_microseconds, _walk_too, said),
        },
    )
    verdicts, hand = found["verdicts"], found["by hand"]
    yield compared("S9", "verdicts of one screening", verdicts, hand, unit="us", most=10, beside="by hand")
    yield compared("S9", "with reasons", found["reasons"], verdicts, unit="us", most=3, beside="verdicts")
    yield compared("S9", "verdicts, what was asked worked out too", found["walk"], hand, unit="us")
    yield from _command(place, raws)


def _refuse_unless_same(walked: list[Answers], said: list[Said]) -> None:
    for answers, plain in zip(walked, said, strict=True):
        ours = judge_urgency(answers).level.value, article_class_of(answers).value
        if ours != (urgency_of(plain), class_of(plain)):
            raise RuntimeError(f"by hand it comes out otherwise: {ours}, {plain}")


def _by_hand(said: Said) -> None:
    urgency_of(said)
    class_of(said)


def _verdicts(answers: Answers) -> None:
    _ = judge_urgency(answers).level
    article_class_of(answers)


def _reasons(answers: Answers) -> None:
    _ = judge_urgency(answers).red_flags
    classify_answers(answers)


def _walk_too(said: Any) -> None:
    _verdicts(Answers(QUESTIONNAIRE, said))


def _microseconds(judge: Callable[[Any], None], people: list[Any]) -> float:
    """Of processor time, a person."""
    begun, times = time.process_time(), 20
    for _ in range(times):
        for person in people:
            judge(person)
    return (time.process_time() - begun) / (times * len(people)) * 1e6


def _command(place: Place, raws: list[Mapping[str, object]]) -> Iterator[Row]:
    file = place.folder / "people.jsonl"
    lines = [json.dumps(raws[number % len(raws)]) for number in range(_LINES)]
    file.write_text("\n".join(lines) + "\n")
    found = alternate(
        place.extent.rounds,
        {
            "classify": partial(_run, file, _CLASSIFY, "classify", "--brief", "--format", "json"),
            "bare": partial(_run, file, _BARE),
        },
    )
    what = f"`screener classify --brief`, {_LINES:,} lines, CPU"
    yield compared("S9", what, found["classify"], found["bare"], unit="s", beside="bare JSON")


def _run(file: Path, program: str, *arguments: str) -> float:
    """Seconds of processor time."""
    before = os.times()
    with file.open("rb") as lines:
        subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=ROOT,
            stdin=lines,
            stdout=subprocess.DEVNULL,
            env=dict(os.environ) | {"PYTHONPATH": str(ROOT)},
            check=True,
        )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
