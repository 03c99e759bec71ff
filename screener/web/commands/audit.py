"""`screener audit`: whether each clinic's trail is whole."""

from __future__ import annotations

import sys
from typing import IO

import click

from screener.web.commands.installation import open_database


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
    from screener.web.commands.trails import each_trail, read_heads

    try:
        heads = read_heads(kept or ())
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    failed = False
    for name, session in each_trail(open_database(), slug):
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
    from screener.web.commands.trails import each_trail

    for name, session in each_trail(open_database(), slug):
        head = find_head(session)
        if head is None:
            raise click.ClickException(f"{name}: the head is missing. Run `screener audit verify`.")
        click.echo(f"{name} {head.number} {head.chain.hex() or '-'}")
