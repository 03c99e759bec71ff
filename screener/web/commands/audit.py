"""`screener audit`: whether each clinic's trail is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING

import click

from screener.web.commands.installation import each_clinic, open_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


@click.group("audit")
def audit_group() -> None:
    """Check that the audit trail is whole."""


@audit_group.command("verify")
@click.option("--clinic", "slug", help="Only this clinic's trail.")
@click.option(
    "--head", "kept", type=click.File("r"), help="A file with what `screener audit head` printed earlier."
)
def verify_command(*, slug: str | None, kept: IO[str] | None) -> None:
    """Check each clinic's trail from its first entry.

    The exit status is 1 if an entry was changed, moved, removed or cut off.
    """
    from screener.store.audit import verify_chain

    try:
        heads = _read_heads(kept or ())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    failed = False
    for name, session in _each_trail(slug):
        found = verify_chain(session, heads.pop(name, None))
        failed = failed or found.broken is not None
        click.echo(
            f"{name}: ok, {found.entries} entries"
            if found.broken is None
            else f"{name}: BROKEN at entry {found.broken}: {found.why}"
        )
    for name in heads if slug is None else ():
        failed = True
        click.echo(f"{name}: BROKEN: the clinic is gone, with its trail")
    sys.exit(1 if failed else 0)


@audit_group.command("head")
@click.option("--clinic", "slug", help="Only this clinic's trail.")
def head_command(*, slug: str | None) -> None:
    """Print where each clinic's trail ends.

    Keep the output on another machine: `screener audit verify --head FILE` checks against it later.
    """
    from screener.store.audit import find_head

    for name, session in _each_trail(slug):
        head = find_head(session)
        if head is None:
            raise click.ClickException(f"{name}: the head is missing. Run `screener audit verify`.")
        click.echo(f"{name} {head.number} {head.chain.hex() or '-'}")


def _each_trail(slug: str | None) -> Iterator[tuple[str, Session]]:
    """Each clinic's name, and a session that reads its trail as of one moment."""
    from screener.store.audit import begin_verifying

    for session, clinic in each_clinic(open_database(), slug):
        begin_verifying(session)
        yield clinic.slug, session


def _read_heads(lines: Iterable[str]) -> dict[str, dict[int, bytes]]:
    """Clinic -> number -> chain, of lines that `screener audit head` printed. Raises ValueError."""
    heads: dict[str, dict[int, bytes]] = {}
    for at, line in enumerate(lines, start=1):
        try:
            slug, number, chain = line.split()
            heads.setdefault(slug, {})[int(number)] = bytes.fromhex(chain.replace("-", ""))
        except ValueError:
            raise ValueError(f"line {at} is no head: it reads CLINIC NUMBER CHAIN") from None
    return heads
