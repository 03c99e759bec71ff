"""What an operator can set or call is written down where they look, and what is written down works."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from secrets import token_urlsafe

import pytest
from command_page import PAGE, written

from screener.settings import ROOT, Settings, load_settings
from screener.store.vault import MasterKeys

# Set by `screener serve --demo` alone.
_INTERNAL = {"SCREENER_DEMO", "SCREENER_DEMO_MAIL"}
_SETTINGS = {f"SCREENER_{each.name.upper()}" for each in fields(Settings)} - _INTERNAL | {"SCREENER_INSTANCE"}
_EXAMPLE = ROOT / ".env.example"
_DOCS = ROOT / "docs"


@pytest.mark.parametrize("name", sorted(_SETTINGS))
def test_each_setting_stands_in_the_table_of_settings(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`.*\|", (_DOCS / "settings.md").read_text(), re.MULTILINE)


def test_the_example_has_each_setting_once_and_none_that_is_unknown() -> None:
    named = re.findall(r"^#?(SCREENER_\w+)=", _EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(named) == sorted(_SETTINGS)


def test_the_example_says_the_defaults_and_what_it_sets_is_taken(tmp_path: Path) -> None:
    keys = {
        "SCREENER_SECRET": token_urlsafe(),
        "SCREENER_PASSWORD_SALT": token_urlsafe(),
        "SCREENER_MASTER_KEYS": MasterKeys.new_text(),
    }
    said = dict(re.findall(r"^#?(SCREENER_\w+)=(.+)$", _EXAMPLE.read_text(), re.MULTILINE))
    settings = load_settings(keys | said, tmp_path)
    assert settings.base_url == said.pop("SCREENER_BASE_URL")
    assert settings.proxies == int(said.pop("SCREENER_PROXIES"))
    assert said == {name: str(getattr(Settings(), name.removeprefix("SCREENER_").lower())) for name in said}


def test_the_page_of_commands_says_what_their_own_help_says() -> None:
    assert PAGE.read_text() == written(), "make commands"


@pytest.mark.parametrize("name", ["README.md", "SECURITY.md"])
def test_what_stands_outside_the_site_leads_to_files_that_are_there(name: str) -> None:
    text = (ROOT / name).read_text()
    paths = re.findall(r"\]\((?!https:)([^)#]+)|src=\"([^\"]+)\"", text)
    assert paths
    assert [path for path in map("".join, paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", sorted(_DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_list_begins_after_an_empty_line(page: Path) -> None:
    """Without one the site shows its lines as running text."""
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^(?![ \n]|- |\d+\. ).+\n(?:- |1\. ).*", prose, re.MULTILINE) == []


def test_the_site_is_whole_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > len(list(_DOCS.glob("*.md"))), "one a page, and the one for a wrong address"
    loads = r"<(?:script|img|iframe|link|source)\b[^>]*?(?:src|href)=\"(?:https?:)?//[^>]*>"
    assert [found for page in pages for found in re.findall(loads, page.read_text())] == []
    styles = "".join(style.read_text() for style in tmp_path.rglob("*.css"))
    assert re.findall(r"url\([\"']?(?:https?:)?//", styles) == []
