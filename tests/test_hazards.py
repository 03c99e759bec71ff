"""Each hazard of docs/hazards.md is whole, and each file that is said to prevent one is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from named_tests import ROOT, list_named

DOCS = ROOT / "docs"
HAZARDS = DOCS / "hazards.md"
PAGES = [HAZARDS, DOCS / "privacy.md"]
# Named as they lie below the package, or from the top.
FILE = re.compile(r"`((?:domain|store|web|exports|templates|static)/[\w/.-]+\.\w+)`")
REMAINS = re.compile(r"^- Remains: (catastrophic|serious|moderate), (rare|unlikely|possible)\.", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_that_is_said_to_prevent_something_is_there(page: Path) -> None:
    named = FILE.findall(page.read_text(encoding="utf-8"))
    assert named != []
    tops = (ROOT, ROOT / "screener")
    assert [name for name in named if not any((top / name).is_file() for top in tops)] == []


def test_each_hazard_says_what_prevents_it_which_tests_fail_and_what_remains() -> None:
    hazards = re.split(r"^\*\*(?=[A-Z]\d+ )", HAZARDS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(hazards) > 20
    for hazard in hazards:
        own = re.split(r"\n\n(?!- )", hazard)[0]
        name = own.split(" ", 1)[0]
        parts = re.findall(r"^- (Prevents|Tests|Remains): \S", own, flags=re.MULTILINE)
        assert parts == ["Prevents", "Tests", "Remains"], name
        assert re.search(r"\bHarm( and who)?: ", own), name
        assert REMAINS.search(own), name
        assert list_named(own) != [], name
