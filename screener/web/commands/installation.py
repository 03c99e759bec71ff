"""This installation's database and clinics, opened for a command of the operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from screener.settings import Settings
    from screener.store.database import Database
    from screener.store.tables import Clinic


def open_database(settings: Settings | None = None) -> Database:
    """As the settings say; closed when the command ends. Raises SettingsError."""
    from screener.settings import load_settings
    from screener.web.app import open_database as open_for

    database = open_for(settings or load_settings())
    click.get_current_context().call_on_close(database.dispose)
    return database


@contextmanager
def open_clinic(slug: str, database: Database | None = None) -> Iterator[tuple[Session, Clinic]]:
    """A clinic, also a disabled one, and a session that entered it; committed if nothing is raised."""
    from screener.store.clinics import find_any_clinic
    from screener.store.tenancy import enter_clinic

    with (database or open_database()).new_session() as session:
        clinic = find_any_clinic(session, slug)
        if clinic is None:
            raise click.ClickException(f"No clinic is called {slug}.")
        enter_clinic(session, clinic.id)
        yield session, clinic
        session.commit()


def each_clinic(database: Database, slug: str | None = None) -> Iterator[tuple[Session, Clinic]]:
    """All clinics, also disabled ones, or the one of that name; each with a session that entered it."""
    from screener.store.clinics import list_clinics
    from screener.store.database import begin_reading
    from screener.store.tenancy import enter_clinic

    with database.new_session() as session:
        begin_reading(session)
        clinics = [clinic for clinic in list_clinics(session) if slug in {None, clinic.slug}]
    if slug is not None and not clinics:
        raise click.ClickException(f"No clinic is called {slug}.")
    for clinic in clinics:
        with database.new_session() as session:
            enter_clinic(session, clinic.id)
            yield session, clinic
