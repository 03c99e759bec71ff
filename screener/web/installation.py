"""Opens this installation's database for a command of the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from screener.settings import Settings
    from screener.store.database import Database


def open_database(settings: Settings | None = None) -> Database:
    """As the settings say; closed when the command ends. Raises SettingsError."""
    from screener.settings import load_settings
    from screener.web.app import open_database as open_for

    database = open_for(settings or load_settings())
    click.get_current_context().call_on_close(database.dispose)
    return database
