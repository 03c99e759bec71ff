"""Our scripts: what they never do, so that nothing typed runs and nothing stays in a browser."""

from __future__ import annotations

import re
from pathlib import Path

from screener.settings import ROOT

SCRIPTS = sorted((ROOT / "static").glob("*.js"))
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.is_file())
WRITES_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc"
    r"|\beval\b|new Function|set(Timeout|Interval)\(\s*[\"'`]|javascript:"
)
KEEPS = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|\bcaches\b|serviceWorker")
NAMES_A_PROPERTY = re.compile(r"\w\[(?![\"'\d])[^\]]*\]\s*=(?!=)|__proto__|JSON\.parse")
# An element of a template that holds script, or asks for none of another place.
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|\son[a-z]+=|\|\s*safe\b|autoescape\s+false", re.IGNORECASE)


def found(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    assert len(paths) > 5, "there is something to look at"
    return [f"{path.name}: {hit[0]}" for path in paths if (hit := pattern.search(path.read_text()))]


def test_no_page_builds_script_and_no_script_builds_markup() -> None:
    assert found(INLINE, TEMPLATES) == []
    assert found(WRITES_MARKUP, SCRIPTS) == []


def test_no_script_keeps_anything_in_the_browser() -> None:
    assert found(KEEPS, SCRIPTS) == []


def test_no_script_sets_a_property_by_a_name_from_outside() -> None:
    assert found(NAMES_A_PROPERTY, SCRIPTS) == []


def test_these_patterns_find_what_they_are_for() -> None:
    told = {
        INLINE: ['<script type="module">', "{{ name | safe }}", '<p onclick="go()">'],
        WRITES_MARKUP: ["box.innerHTML = words", "eval(words)"],
        KEEPS: ["document.cookie"],
        NAMES_A_PROPERTY: ["kept[name] = value"],
    }
    assert all(pattern.search(text) for pattern, texts in told.items() for text in texts)
    assert not INLINE.search('<script src="/x.js">')
    assert not NAMES_A_PROPERTY.search('kept["name"] = value')
