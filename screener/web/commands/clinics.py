"""`screener clinic`: clinics added, changed, listed, shut and destroyed."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from screener.web.commands.installation import open_clinic, open_database


@click.group("clinic")
def clinic_group() -> None:
    """Add, change, list, disable or destroy clinics."""


@clinic_group.command("add")
@click.argument("slug")
@click.option("--name", required=True)
@click.option("--phone", required=True, help="As shown to patients.")
@click.option("--hours", default="", help="When the phone is answered, in plain words.")
@click.option("--time-zone", default="America/New_York", show_default=True)
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="A website that may show the pages in a frame. Repeat for several.",
)
def add_clinic_command(
    slug: str, *, name: str, phone: str, hours: str, time_zone: str, origins: tuple[str, ...]
) -> None:
    """Add a clinic; its page is /c/SLUG."""
    from screener.store.clinic_changes import note_clinic
    from screener.store.clinics import add_clinic

    with open_database().new_session() as session:
        try:
            clinic = add_clinic(
                session, slug=slug, name=name, phone=phone, hours=hours, time_zone=time_zone, origins=origins
            )
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        note_clinic(session, clinic, "clinic_added", by=None)
        session.commit()
    click.echo(f"Added. Patients start at /c/{slug}")


@clinic_group.command("list")
def list_clinics_command() -> None:
    """List the clinics.

    Prints slug, name, state, number of requests and websites, separated by tabs.
    """
    from screener.store.clinic_changes import count_requests
    from screener.store.clinics import list_clinics

    with open_database().new_session() as session:
        for clinic in list_clinics(session):
            told = (clinic.slug, clinic.name, clinic.state, count_requests(session, clinic))
            click.echo("\t".join([*map(str, told), " ".join(clinic.origins) or "-"]))


@clinic_group.command("change")
@click.argument("slug")
@click.option("--name")
@click.option("--phone", help="As shown to patients.")
@click.option("--hours", help="When the phone is answered, in plain words.")
@click.option("--time-zone")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    help="A website that may show the pages in a frame. Replaces the whole list; repeat for several.",
)
@click.option("--no-origins", is_flag=True, help="No website may show the pages in a frame.")
def change_clinic_command(
    slug: str, *, origins: tuple[str, ...], no_origins: bool, **about: str | None
) -> None:
    """Change what the options name, and nothing else."""
    from screener.store.clinic_changes import change_clinic

    changes: dict[str, object] = {name: value for name, value in about.items() if value is not None}
    if origins or no_origins:
        changes["origins"] = list(origins)
    with open_clinic(slug) as (session, clinic):
        try:
            changed = change_clinic(session, clinic, changes, by=None)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"Changed: {', '.join(changed).replace('_', ' ') or 'nothing'}.")


@clinic_group.command("disable")
@click.argument("slug")
def disable_clinic_command(slug: str) -> None:
    """Close a clinic's pages to patients and staff.

    Its data stays. `screener clinic enable` opens the pages again.
    """
    from screener.store.clinic_changes import disable_clinic

    with open_clinic(slug) as (session, clinic):
        changed = disable_clinic(session, clinic, by=None, now=datetime.now(UTC))
    click.echo("Disabled." if changed else "It was disabled already.")


@clinic_group.command("enable")
@click.argument("slug")
def enable_clinic_command(slug: str) -> None:
    """Open a disabled clinic's pages again."""
    from screener.store.clinic_changes import enable_clinic

    with open_clinic(slug) as (session, clinic):
        try:
            changed = enable_clinic(session, clinic, by=None)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
    click.echo("Enabled." if changed else "It was enabled already.")


@clinic_group.command("shred-key")
@click.argument("slug")
def shred_key_command(slug: str) -> None:
    """Destroy a clinic's keys, and so its data, for good.

    Nothing its patients said or its staff wrote can be opened again; only the audit trail, times and states
    remain readable. Asks you to type the slug once more.
    """
    from screener.store.clinic_changes import shred_keys

    database = open_database()
    with open_clinic(slug, database) as (session, clinic):
        click.echo(f"This destroys all that was said at {clinic.name}. Nothing brings it back.")
        if click.prompt("Type the slug to go on", default="", show_default=False) != slug:
            raise click.ClickException("That is not the slug. Nothing was changed.")
        changed = shred_keys(session, clinic, by=None, now=datetime.now(UTC))
    if not database.forget_deleted("clinic_keys"):
        raise click.ClickException(
            "Destroyed, but the database's log still holds the keys: somebody is reading. Run this again."
        )
    click.echo("Destroyed." if changed else "It was destroyed before.")
    click.echo("Backups made before still hold these keys: delete them, or they open with the master key.")
