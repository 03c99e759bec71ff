"""What documents name as their proof is there."""

from __future__ import annotations

import re

import pytest
from named_tests import ROOT, list_missing, list_named


@pytest.mark.parametrize(
    "page", ["hazards.md", "privacy.md", "promises.md", "security.md", "threat-model.md"]
)
def test_each_test_that_a_document_names_is_there(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert len(list_named(text)) >= 5
    assert list_missing(text) == []


def test_what_is_named_must_be_a_test_that_is_there() -> None:
    here = "tests/test_named_tests.py::test_what_is_named_must_be_a_test_that_is_there"
    gone = [
        "tests/test_named_tests.py::test_nobody",
        "tests/test_named_tests.py::list_missing",
        "tests/test_nobody.py",
    ]
    assert list_missing(f"`tests/named_tests.py`, `{here}`; {', '.join(gone)}, tests/web") == gone


def test_each_promise_names_a_test_or_a_command_that_is_there() -> None:
    page = (ROOT / "docs" / "promises.md").read_text()
    rows = re.findall(r"^\| P(\d+) \|.*\| (.+) \|$", page, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 21))
    made = re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for number, proofs in rows:
        commands = re.findall(r"`make ([a-z0-9-]+)`", proofs)
        assert set(commands) <= set(made), number
        assert commands or list_named(proofs), number
