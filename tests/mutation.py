"""How many small mistakes, put into the code on purpose, the tests of a room notice.

`make mutation ROOM=vault` makes them with mutmut, one at a time, and runs the tests. The exit status is 1
below the gate. `MUTANT=name` shows one of them. `SAMPLE=7` tries a tenth, those whose number ends in 7, and
`SAMPLE=3,5,7` three: the domain alone has thousands. `AGAIN=1` tries once more those nobody noticed, with
every test of the room: for better tests, not for other code.

Mistakes are made in functions alone, and not in the words of refusals: wordings and tables of constants
say nothing about tests.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rooms import ROOMS, Room

ROOT: Final = Path(__file__).resolve().parent.parent
# One folder a room: mutmut takes its settings from the folder it runs in, and keeps there what it has done.
WORKSHOP: Final = ROOT / ".mutation"
BESIDE: Final = ("docs", "static", "templates", "tests")
GATE: Final = 85.0
# Plugins are not found by themselves (mutants.py): Hypothesis's knows a setting of ours. A mistake may leave
# a connection open; that alone shall fail no run of mutmut's own. And the rules, as written for mutmut, are
# other criteria than those of the changelog.
_ARGUMENTS: Final = (
    *("-p", "no:cacheprovider"),
    *("-p", "_hypothesis_pytestplugin"),
    *("-W", "ignore::pytest.PytestUnraisableExceptionWarning"),
    *("-k", "not has_its_line_in_the_changelog"),
)
# How mutmut writes down that a test failed, or ran without end.
NOTICED: Final = {1, 3, 24, 36, 152, 255, -24}


def settings_of(room: Room) -> str:
    """The project's settings, and mutmut's for this room."""
    mutmut: dict[str, object] = {
        "source_paths": ["screener"],
        "only_mutate": [f"screener/{path}" for path in room.code],
        "do_not_mutate_patterns": [r"^\s*raise "],
        "also_copy": list(BESIDE),
        # Of what its tests took: a mistake that waits without end is ended, and noticed.
        "timeout_multiplier": 6,
        "timeout_constant": 5,
        "pytest_add_cli_args": ["-m", room.marked, *_ARGUMENTS],
        "pytest_add_cli_args_test_selection": [f"tests/{path}" for path in room.tests],
    }
    if room.at_start:
        mutmut |= {"process_isolation": "forkserver", "forkserver_warmup": "none"}
    lines = (f"{name} = {json.dumps(value)}" for name, value in mutmut.items())
    return "\n".join(((ROOT / "pyproject.toml").read_text(), "[tool.mutmut]", *lines, ""))


def furnish(folder: Path, room: Room) -> None:
    """The project, in the folder of a room."""
    shutil.copytree(ROOT / "screener", folder / "screener", dirs_exist_ok=True)
    for name in BESIDE:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for pattern in room.code:
        for path in (ROOT / "screener").glob(pattern):
            copy = folder / path.relative_to(ROOT)
            copy.write_text(undecorated(path.read_text()))
            shutil.copystat(path, copy)
    (folder / "pyproject.toml").write_text(settings_of(room))


def undecorated(code: str) -> str:
    """The same, each `@one def two` said as `two = one(two)`: mutmut leaves decorated functions alone."""
    lines = code.split("\n")
    for function in _decorated(ast.parse(code)):
        called = function.name
        for decorator in reversed(function.decorator_list):
            called = f"{ast.unparse(decorator)}({called})"
        first = function.decorator_list[0].lineno
        lines[first - 1 : function.lineno - 1] = [""] * (function.lineno - first)
        indent = " " * function.col_offset
        lines[function.end_lineno - 1] += f"\n{indent}{function.name} = {called}"
    return "\n".join(lines)


def _decorated(parent: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[ast.FunctionDef]:
    for each in parent.body:
        if isinstance(each, ast.ClassDef | ast.FunctionDef):
            yield from _decorated(each)
        if isinstance(each, ast.FunctionDef) and each.decorator_list and not each.name.startswith("__"):
            names = {ast.unparse(decorator) for decorator in each.decorator_list}
            if not names & {"classmethod", "staticmethod"}:
                yield each


def mutmut(folder: Path, *arguments: str) -> int:
    program = ROOT / "tests" / "mutants.py"
    return subprocess.run([sys.executable, program, *arguments], cwd=folder, check=False).returncode


def fates(folder: Path) -> dict[str, int]:
    """How each mutant fared that was tried."""
    found: dict[str, int | None] = {}
    for path in sorted((folder / "mutants").rglob("*.py.meta")):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return {mutant: fate for mutant, fate in found.items() if fate is not None}


def say(words: str) -> None:
    sys.stdout.write(words + "\n")


def unnoticed(found: dict[str, int]) -> list[str]:
    return sorted(mutant for mutant, fate in found.items() if fate not in NOTICED)


def main() -> int:
    name = os.environ.get("ROOM", "")
    if name not in ROOMS:
        say(f"Which room? make mutation ROOM={'|'.join(ROOMS)}")
        return 2
    folder = WORKSHOP / name
    if mutant := os.environ.get("MUTANT"):
        return mutmut(folder, "show", mutant)
    wanted = [f"*__mutmut_*{digit}" for digit in os.environ.get("SAMPLE", "").split(",") if digit]
    if os.environ.get("AGAIN"):
        wanted = unnoticed(fates(folder))
        if not wanted:
            say(f"{name}: nothing is left over, or nothing was tried yet")
            return 0
        (folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
    elif folder.exists():
        shutil.rmtree(folder)
    furnish(folder, ROOMS[name])
    children = os.environ.get("CHILDREN") or str(os.cpu_count())
    if failed := mutmut(folder, "run", "--max-children", children, *wanted):
        say(f"{name}: the tests do not pass as they are, or mutmut could not run them")
        return failed
    found = fates(folder)
    left = unnoticed(found)
    for mutant in left:
        say(f"not noticed: {mutant}")
    score = 100 * (1 - len(left) / len(found))
    verdict = "pass" if score >= GATE else f"below the gate of {GATE:.0f} %"
    say(f"{name}: {len(found) - len(left)} of {len(found)} mistakes noticed, {score:.1f} %: {verdict}")
    return score < GATE


if __name__ == "__main__":
    sys.exit(main())
