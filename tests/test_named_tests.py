"""What documents name as their proof is there."""

from __future__ import annotations

import pytest
from named_tests import ROOT, list_missing, list_named


@pytest.mark.parametrize("page", ["hazards.md", "privacy.md", "security.md", "threat-model.md"])
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
