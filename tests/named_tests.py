"""Documents name their proofs as `tests/x.py::test_y`: this finds those that do not exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
NAME: Final = re.compile(r"tests/[\w/]+\.\w+(?:::\w+)*")


def list_named(text: str) -> list[str]:
    """Each test or file below `tests/` that the text names, once, in its order."""
    return list(dict.fromkeys(NAME.findall(text)))


def list_missing(text: str) -> list[str]:
    """What the text names below `tests/` that does not exist."""
    return [name for name in list_named(text) if not is_there(name)]


def is_there(name: str) -> bool:
    """Whether the file exists and, if a test in it is named, that test (`test_y` or `TestX::test_y`)."""
    path, *inside = name.split("::")
    if not (ROOT / path).is_file():
        return False
    return not inside or "::".join(inside) in _list_tests(path)


@cache
def _list_tests(path: str) -> frozenset[str]:
    return frozenset(_walk(ast.parse((ROOT / path).read_text()).body))


def _walk(body: list[ast.stmt], within: str = "") -> list[str]:
    names = []
    for each in body:
        if isinstance(each, ast.ClassDef) and each.name.startswith("Test"):
            names += [within + each.name, *_walk(each.body, f"{within}{each.name}::")]
        elif isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
            names.append(within + each.name)
    return names
