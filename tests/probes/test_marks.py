"""The search of `make canary` finds a mark in each writing: a rig that cannot fail proves nothing."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from probes.marks import Marks

WRITINGS = {
    "as it is": str.encode,
    "capitals": lambda text: text.upper().encode(),
    "UTF-16, little end first": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "percent": lambda text: quote(text, safe="").encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "BASE64": lambda text: base64.b64encode(text.encode()),
    "BASE64 of nothing else": lambda text: base64.b64encode(text.split()[0].encode()),
    "BASE64, one byte later": lambda text: base64.b64encode(b"x" + text.encode()),
    "BASE64, two bytes later": lambda text: base64.urlsafe_b64encode(b"\xff\xff" + text.encode()),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_a_mark_is_found_in_each_writing(writing: str) -> None:
    marks = Marks()
    words = [marks.word(f"field {number}") for number in range(40)]
    for word in words:
        written = b"\x00noise " + WRITINGS[writing](f"{word} and more") + b" noise"
        assert set(marks.found_in(written)) == {word}


@pytest.mark.parametrize("writing", ["as it is", "UTF-16, little end first", "percent", "hex"])
def test_a_number_is_found_as_it_may_be_stored(writing: str) -> None:
    marks = Marks()
    for typed in (marks.phone("phone"), marks.birth_date("born")):
        assert len(marks.found_in(b"noise " + WRITINGS[writing](typed) + b" noise")) == 1, typed


def test_nothing_is_found_where_nothing_is() -> None:
    marks = Marks()
    marks.word("field")
    marks.phone("phone")
    assert marks.found_in(bytes(range(256)) * 100) == {}
