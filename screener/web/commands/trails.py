"""The audit trails of all clinics, one after the other, for the commands that verify them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import click
from sqlalchemy.orm import Session

from screener.store.audit import begin_verifying
from screener.store.clinics import list_clinics
from screener.store.database import Database
from screener.store.tenancy import enter_clinic


def each_trail(database: Database, slug: str | None) -> Iterator[tuple[str, Session]]:
    """Each clinic's name, also a disabled one's, and a session that reads its trail as of one moment."""
    with database.new_session() as session:
        clinics = [clinic for clinic in list_clinics(session) if slug in {None, clinic.slug}]
    if slug is not None and not clinics:
        raise click.ClickException(f"No clinic is called {slug}.")
    for clinic in clinics:
        with database.new_session() as session:
            begin_verifying(session)
            enter_clinic(session, clinic.id)
            yield clinic.slug, session


def read_heads(lines: Iterable[str]) -> dict[str, dict[int, bytes]]:
    """Clinic -> number -> chain, of lines that `screener audit head` printed. Raises ValueError."""
    heads: dict[str, dict[int, bytes]] = {}
    for at, line in enumerate(lines, start=1):
        try:
            slug, number, chain = line.split()
            heads.setdefault(slug, {})[int(number)] = bytes.fromhex(chain.replace("-", ""))
        except ValueError:
            raise ValueError(f"line {at} is no head: it reads CLINIC NUMBER CHAIN") from None
    return heads
