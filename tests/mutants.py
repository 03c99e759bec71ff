"""mutmut, quick enough for a room of hundreds of mistakes; `mutation.py` starts it in the room's folder.

A mistake is tried with the tests named after its file and one case of each other test, with `AGAIN` with all.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final

from mutmut import __main__ as mutmut
from mutmut.mutation import trampoline
from mutmut.state import state
from mutmut.workers.isolation import ForkRunner, ForkServerRunner

# Before the first test on PostgreSQL its server starts.
_SERVER_STARTS: Final = 5.0


def telling(function: str, tests: set[str], seconds: dict[str, float]) -> set[str]:
    """Those of its tests that most likely notice a mistake in a function of `package.file.name`."""
    file = function.split(".")[-2]
    own = {test for test in tests if f"/test_{file}.py::" in test}
    # Of the cases the quickest comes last, and stays.
    slow_first = sorted(tests - own, key=seconds.__getitem__, reverse=True)
    return own | set({test.partition("[")[0]: test for test in slow_first}.values())


def _collect(*arguments: Any, **options: Any) -> None:
    _collect_all(*arguments, **options)
    seconds = state().duration_by_test
    for test in seconds:
        if "postgresql" in test:
            seconds[test] += _SERVER_STARTS
    every = set(seconds)
    first = {next(iter(seconds))}
    for function, tests in state().tests_by_mangled_function_name.items():
        # What the first test alone came by ran while the app was put together: all tests stand on it.
        reached = every if tests == first else tests
        chosen = reached if os.environ.get("AGAIN") else telling(function, reached, seconds)
        state().tests_by_mangled_function_name[function] = chosen


def _note(function: str, caller: str | None = None) -> None:
    _ = caller
    state()._stats.add(function)  # noqa: SLF001 - as mutmut's own does, which asks its settings first


def _have_passed(_runner: object, tests: object) -> int:
    _ = tests
    return 0


class _Environment(dict[str, str]):
    """As it was, quick to read; what is set is set for programs that tests start too."""

    def __setitem__(self, name: str, value: str) -> None:
        os.environ[name] = value
        super().__setitem__(name, value)


# Not ours, so read once: a room whose functions run at the start reads the rest anew for each mistake.
for _foreign in ("alembic.command", "flask_security.webauthn", "html5lib", "PIL.Image", "qrcode", "zxcvbn"):
    import_module(_foreign)
# The one plugin that a test wants is named in its settings; each process would load them all.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
_collect_all = mutmut.collect_or_load_stats
mutmut.collect_or_load_stats = _collect
# The tests ran just now, to see which functions each of them comes by.
ForkRunner.run_clean_tests = ForkServerRunner.run_clean_tests = _have_passed  # type: ignore[method-assign]
# A test calls thirty thousand functions, and each call looks twice into the environment; and who called
# whom is not asked here.
trampoline.os = SimpleNamespace(environ=_Environment(os.environ))
trampoline.record_trampoline_hit = _note
trampoline.MutmutCallStack = SimpleNamespace(get=lambda: (None, 0), set=id, reset=id)

if __name__ == "__main__":
    mutmut.cli()
