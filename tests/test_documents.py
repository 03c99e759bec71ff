"""What an operator can set or call is written down where they look, and what is written down works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from secrets import token_urlsafe

import click
import pytest

from screener.settings import ROOT, Settings, load_settings
from screener.store.vault import MasterKeys
from screener.web.cli import main

# Set by `screener serve --demo` alone.
_INTERNAL = {"SCREENER_DEMO", "SCREENER_DEMO_MAIL"}
_SETTINGS = {f"SCREENER_{each.name.upper()}" for each in fields(Settings)} - _INTERNAL | {"SCREENER_INSTANCE"}
_EXAMPLE = ROOT / ".env.example"
_WORDS = "\n".join(path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))))


@pytest.mark.parametrize("name", sorted(_SETTINGS))
def test_each_setting_stands_in_the_readme(name: str) -> None:
    assert re.search(rf"^\|.*`{name}`", (ROOT / "README.md").read_text(), re.MULTILINE)


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


def _commands(group: click.Group, before: str = "screener") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


@pytest.mark.parametrize("command", sorted(_commands(main)))
def test_each_command_stands_in_a_document(command: str) -> None:
    if command == "screener backup make":
        command = "screener backup FILE"
    *group, name = command.split()
    # "screener clinic list|change|disable" names three.
    assert re.search(rf"{' '.join(group)} (?:[a-z-]+\|)*{name}\b", _WORDS), f"`{command}` is nowhere in docs"
