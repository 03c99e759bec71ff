"""`screener token`: a clinic's own systems let in and shut out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from screener.web.commands.installation import open_clinic

if TYPE_CHECKING:
    from uuid import UUID


@click.group("token")
def token_group() -> None:
    """Let a clinic's own systems in, or shut them out."""


@token_group.command("add")
@click.argument("slug")
@click.option("--name", required=True, help="The system that will hold it.")
@click.option(
    "--right",
    "rights",
    multiple=True,
    required=True,
    help="What it may do, like requests.read (docs/api.md). Repeat for several.",
)
@click.option(
    "--days", type=click.IntRange(1, 366), help="How long it works. If left out: until it is revoked."
)
def add_token_command(slug: str, *, name: str, rights: tuple[str, ...], days: int | None) -> None:
    """Make a token and print it. It is shown only once."""
    from screener.domain.rights import Right
    from screener.store.api_tokens import add_token

    known = {right.value: right for right in Right}
    if not set(rights) <= set(known):
        raise click.ClickException(f"The rights are: {', '.join(known)}.")
    with open_clinic(slug) as (session, _):
        try:
            made = add_token(
                session,
                name=name,
                rights=[known[right] for right in dict.fromkeys(rights)],
                lasts=timedelta(days=days) if days else None,
                by=None,
                now=datetime.now(UTC),
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo(made)


@token_group.command("list")
@click.argument("slug")
def list_tokens_command(slug: str) -> None:
    """List a clinic's tokens.

    Prints id, name, last characters, rights and state, separated by tabs.
    """
    from screener.store.api_tokens import list_tokens, state_of

    now = datetime.now(UTC)
    with open_clinic(slug) as (session, _):
        for one in list_tokens(session):
            told = (str(one.id), one.name, one.ending, ",".join(one.rights), state_of(one, now))
            click.echo("\t".join(told))


@token_group.command("revoke")
@click.argument("slug")
@click.argument("token_id", type=click.UUID)
def revoke_token_command(slug: str, token_id: UUID) -> None:
    """Revoke a token, so that it opens nothing."""
    from screener.store.api_tokens import revoke_token
    from screener.store.errors import NotFoundError

    with open_clinic(slug) as (session, _):
        try:
            token = revoke_token(session, token_id, by=None, now=datetime.now(UTC))
        except NotFoundError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Revoked {token.name}.")
