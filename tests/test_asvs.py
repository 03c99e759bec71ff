"""The ASVS sheet is whole: each id has its state, and each test it names is there."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from asvs import APPLICABLE, COLUMNS, ON_TOP, find_problems, list_ids, read_sheet


def test_each_id_has_a_state_and_a_test_or_a_reason() -> None:
    assert list(find_problems(read_sheet())) == []


def test_the_list_is_the_one_that_applies() -> None:
    assert len(set(list_ids(APPLICABLE))) == 204
    assert not set(list_ids(APPLICABLE)) & set(list_ids(ON_TOP))
    assert list_ids("1.2.1-3,9") == ["1.2.1", "1.2.2", "1.2.3", "1.2.9"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": "nearly"}, "3.4.4: its state is one of met"),
        ({"proof": "", "reason": ""}, "3.4.4: names neither a test nor a reason"),
        (
            {"proof": "tests/web/test_headers.py::test_nobody"},
            "3.4.4: there is no test tests/web/test_headers",
        ),
        ({"proof": "trust us"}, "3.4.4: there is no test trust"),
        ({"state": "not met", "reason": ""}, "3.4.4: its state wants a reason"),
        ({"id": "3.4.5"}, "3.4.4: is missing"),
        ({"id": "99.1.1"}, "99.1.1: is not on the list"),
    ],
    ids=str,
)
def test_a_row_that_lacks_something_or_names_no_real_test_is_reported(
    tmp_path: Path, change: dict[str, str], said: str
) -> None:
    rows = [dict(row) for row in read_sheet()]
    next(row for row in rows if row["id"] == "3.4.4").update(change)
    path = tmp_path / "sheet.csv"
    with path.open("w", newline="") as file:
        sheet = csv.DictWriter(file, COLUMNS)
        sheet.writeheader()
        sheet.writerows(rows)
    assert any(problem.startswith(said) for problem in find_problems(read_sheet(path)))
