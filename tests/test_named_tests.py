"""What documents name as their proof is there."""

from __future__ import annotations

from named_tests import list_missing


def test_what_is_named_must_be_a_test_that_is_there() -> None:
    here = "tests/test_named_tests.py::test_what_is_named_must_be_a_test_that_is_there"
    gone = [
        "tests/test_named_tests.py::test_nobody",
        "tests/test_named_tests.py::list_missing",
        "tests/test_nobody.py",
    ]
    assert list_missing(f"`tests/named_tests.py`, `{here}`; {', '.join(gone)}, tests/web") == gone
