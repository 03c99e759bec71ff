"""The `screener` command: what an operator does with an installation, from set-up to backup."""

from __future__ import annotations

from itertools import chain
from typing import Final

import click

from screener.web.commands import (
    audit,
    backup,
    clinics,
    keys,
    rules,
    serving,
    setting_up,
    staff,
    stored,
    tokens,
)

# In the order in which they are needed.
_SECTIONS: Final = {
    "Set up": (
        setting_up.setup_command,
        setting_up.doctor_command,
        clinics.clinic_group,
        staff.staff_group,
        tokens.token_group,
        setting_up.demo_command,
    ),
    "Run": (serving.serve_command, serving.deliver_command, stored.retention_command),
    "Look after": (
        backup.backup_group,
        backup.restore_command,
        keys.keys_group,
        audit.audit_group,
        stored.export_command,
        stored.reindex_command,
        stored.replay_command,
    ),
    "Try the rules": (rules.questions_command, rules.classify_command),
}


class _Commands(click.Group):
    """Says what is wrong with the settings, keys or database in words, not in a traceback."""

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, self.commands))
        limit = formatter.width - widest - 6
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                rows = [
                    (f"{command.name:{widest}}", command.get_short_help_str(limit)) for command in commands
                ]
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except Exception as error:
            # By name: importing the store would slow down the commands that need none of it.
            match type(error).__name__:
                case "SettingsError":
                    raise click.ClickException(str(error)) from error
                case "UnreadableError":
                    told = "`screener keys list` tells if a key is missing."
                    raise click.ClickException(f"Something sealed does not open: {error}. {told}") from error
                case "OperationalError" | "ProgrammingError":
                    # Its first line: no statement, and nothing that was to be stored.
                    said = str(getattr(error, "orig", error)).partition("\n")[0]
                    told = "Check SCREENER_DATABASE_URL, and that `screener setup` was run."
                    raise click.ClickException(f"The database says: {said}\n{told}") from error
            raise


@click.group(cls=_Commands, commands=list(chain.from_iterable(_SECTIONS.values())))
def main() -> None:
    """Run and look after a headache screener.

    To see it: `screener setup`, `screener demo`, then `screener serve --demo`. For a clinic: `screener
    setup`, `screener doctor`, `screener clinic add` and `screener staff add`; then keep `screener serve`
    and `screener deliver` running.

    Settings are SCREENER_* variables in the environment: see .env.example or docs/settings.md.
    """
