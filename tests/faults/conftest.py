"""Which databases the faults are tried on: DB=sqlite or DB=postgres, both without it."""

from __future__ import annotations

import os

import pytest

_KINDS = {"sqlite": ["sqlite"], "postgres": ["postgresql"], "": ["sqlite", "postgresql"]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        metafunc.parametrize("database_kind", _KINDS[os.environ.get("DB", "")], scope="module")
