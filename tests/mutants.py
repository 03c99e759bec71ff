"""mutmut, quick enough for a room of thousands of mistakes; `mutation.py` starts it in the room's folder.

A mistake is tried with the tests named after its file and the quickest of the others, with `AGAIN` with all.
"""

from __future__ import annotations

import os
from itertools import accumulate
from typing import Any, Final

from mutmut import __main__ as mutmut
from mutmut.mutation import trampoline
from mutmut.state import state

# Of the tests that are not named after the file.
_SECONDS: Final = 5.0
# Before the first test on PostgreSQL its server starts.
_SERVER_STARTS: Final = 5.0


def telling(function: str, tests: set[str], seconds: dict[str, float]) -> set[str]:
    """Those of its tests that most likely notice a mistake in a function of `package.file.name`."""
    file = function.split(".")[-2]
    own = {test for test in tests if f"/test_{file}.py::" in test}
    if not own:
        return tests
    others = sorted(tests - own, key=seconds.__getitem__)
    until_then = accumulate(seconds[test] for test in others)
    return own | {test for test, total in zip(others, until_then, strict=True) if total <= _SECONDS}


def _collect(*arguments: Any, **options: Any) -> None:
    _collect_all(*arguments, **options)
    known = state()
    for test in known.duration_by_test:
        if "postgresql" in test:
            known.duration_by_test[test] += _SERVER_STARTS
    if not os.environ.get("AGAIN"):
        for function, tests in known.tests_by_mangled_function_name.items():
            known.tests_by_mangled_function_name[function] = telling(function, tests, known.duration_by_test)


def _note(function: str, caller: str | None = None) -> None:
    _ = caller
    state()._stats.add(function)  # noqa: SLF001 - as mutmut's own does, which asks its settings first


_collect_all = mutmut.collect_or_load_stats
mutmut.collect_or_load_stats = _collect
# A test calls thirty thousand functions, and each would look into the environment and the settings.
trampoline.record_trampoline_hit = _note
trampoline.get_mutant_under_test = lambda: trampoline._mutant_under_test or ""  # noqa: SLF001

if __name__ == "__main__":
    mutmut.cli()
