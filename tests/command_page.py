"""docs/commands.md: each command with its help, as the command itself tells it.

`python tests/command_page.py` writes it; tests/test_documents.py holds it to the code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from screener.settings import ROOT
from screener.web.cli import main

PAGE: Final = ROOT / "docs" / "commands.md"
_WIDTH: Final = 90
_HEAD: Final = """# Commands

Every command of `screener`, as `--help` tells it; `make commands` writes this page. In a checkout the
command is `.venv/bin/screener`. In what order they are needed: [the operator's guide](operator-guide.md).
"""


def written() -> str:
    """The whole page."""
    return "\n".join((_HEAD, *_sections(main, "screener")))


def _sections(command: click.Command, name: str) -> Iterator[str]:
    # A group's own help lists what stands below it anyway; `screener backup FILE` is a group and a command.
    context = click.Context(command, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH)
    yield f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            below = command.get_command(context, each)
            assert below is not None
            yield from _sections(below, f"{name} {each}")


if __name__ == "__main__":
    PAGE.write_text(written())
