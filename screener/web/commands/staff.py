"""`screener staff`: the people who sign in, before anybody can invite them or help them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import click

from screener.web.commands.installation import open_database


@click.group("staff")
def staff_group() -> None:
    """Add people, or reset how they sign in."""


@staff_group.command("add")
@click.argument("email")
@click.option("--clinic", "slug")
@click.option("--role", "roles", multiple=True, help="intake, clinician or clinic_admin. Repeat for several.")
@click.option(
    "--installation-admin", is_flag=True, help="Looks after all clinics, and reads no clinic's requests."
)
@click.option("--name", required=True)
def add_staff_command(
    email: str, *, slug: str | None, roles: tuple[str, ...], installation_admin: bool, name: str
) -> None:
    """Add a person and print their invitation link.

    With the link they choose a password, once, within 72 hours. This is how the first administrator of a
    clinic gets in; they invite the others from the desk. With --installation-admin and no clinic, the person
    looks after all clinics.
    """
    if bool(slug) != bool(roles) or not (slug or installation_admin):
        raise click.UsageError("Give --clinic and --role together, or --installation-admin, or all three.")
    from screener.web.people import add_by_hand

    _print_link(partial(add_by_hand, email, name, slug, roles, installation_admin=installation_admin))


@staff_group.command("new-link")
@click.argument("email")
def new_link_command(email: str) -> None:
    """Print a link that sets a new password.

    For somebody whom no mail reaches. Make sure first that it is really them. The link works once, for an
    hour, or for 72 hours if they have no password yet. Their second step is asked for as before.
    """
    from screener.web.people import link_by_hand

    _print_link(partial(link_by_hand, email))


def _print_link(make: Callable[[], str]) -> None:
    from screener import create_app

    app = create_app()
    click.get_current_context().call_on_close(app.extensions["screener.database"].dispose)
    with app.test_request_context():
        try:
            click.echo(make())
        except ValueError as error:
            raise click.ClickException(str(error)) from error


@staff_group.command("end-installation-admin")
@click.argument("email")
def end_installation_admin_command(email: str) -> None:
    """Stop a person looking after all clinics.

    Their roles at single clinics stay.
    """
    from screener.store.staff import end_installation_admin, find_person

    with open_database().new_session() as session:
        person = find_person(session, email)
        if person is None or not person.is_installation_admin:
            raise click.ClickException(f"{email} does not look after the clinics.")
        end_installation_admin(session, person, datetime.now(UTC))
        session.commit()
    click.echo("Done. They are signed out.")


@staff_group.command("forget-second-step")
@click.argument("email")
def forget_second_step_command(email: str) -> None:
    """Let a person set up a new second step.

    For somebody who lost their app, passkeys and recovery codes. Make sure first that it is really them. They
    are signed out, and until they set up a new second step, their password alone lets them do it: run this
    while they wait.
    """
    from screener.store.staff import find_person, forget_second_steps

    with open_database().new_session() as session:
        person = find_person(session, email)
        if person is None:
            raise click.ClickException(f"Nobody has the address {email}.")
        forget_second_steps(session, person, datetime.now(UTC))
        session.commit()
    click.echo("Done. They set up a new second step when they next sign in.")
