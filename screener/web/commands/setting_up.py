"""`screener setup`, `doctor` and `demo`: an installation begun, looked over and tried out."""

from __future__ import annotations

import sys

import click

from screener.web.commands.installation import open_database


@click.command("setup")
def setup_command() -> None:
    """Make the keys (once) and bring the database up to date."""
    from screener.settings import INSTANCE, KEYS_FILE, make_keys
    from screener.store.migrations import migrate

    try:
        made = make_keys()
    except OSError as error:
        raise click.ClickException(
            f"{INSTANCE}: {error.strerror}. Set SCREENER_INSTANCE to a folder that can be written to."
        ) from error
    if made:
        click.echo(f"Made new keys in {INSTANCE / KEYS_FILE}. Keep a copy safe: nothing opens without them.")
    migrate(open_database())


@click.command("doctor")
def doctor_command() -> None:
    """Check this installation and say what to fix.

    Looks at the settings, files, keys, database, clock and mail. The exit status is 1 if something must be
    fixed; a line that begins with "Better:" is advice.
    """
    from screener.settings import load_settings
    from screener.web.doctor import examine

    settings = load_settings()
    findings = list(examine(settings, open_database(settings)))
    for finding in findings:
        if not finding.must:
            click.echo(finding.words)
    problems = [finding.words for finding in findings if finding.must]
    if problems:
        raise click.ClickException("\n".join(problems))


@click.command("demo")
@click.option(
    "--submissions",
    type=click.IntRange(0, 10_000_000),
    help="How many there should be in all. If left out: 40 when the clinic is new.",
)
def demo_command(*, submissions: int | None) -> None:
    """Add a demo clinic with made-up patients.

    Run again with a higher --submissions, it adds the missing ones.
    """
    from screener import create_app
    from screener.web.demo import add_demo

    with create_app().app_context(), click.progressbar(length=submissions or 0, file=sys.stderr) as bar:
        told = add_demo(submissions, bar.update)
    click.echo(told)
