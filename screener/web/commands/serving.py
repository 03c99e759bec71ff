"""`screener serve` and `deliver`: the two that keep running."""

from __future__ import annotations

import os
import signal
from threading import Timer
from typing import Final

import click

from screener.web.commands.installation import open_database
from screener.web.ports import is_taken

_STOPPING_SECONDS: Final = 20


@click.command("serve")
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option(
    "--address",
    default="127.0.0.1",
    show_default=True,
    help="Use 0.0.0.0 in a container. Always put a proxy with a certificate in front.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="How many processes. More than one needs PostgreSQL.",
)
@click.option(
    "--drain",
    default=0,
    show_default=True,
    type=click.IntRange(0, 60),
    help="After SIGTERM, serve on for this many seconds while /readyz says no: a load balancer moves on.",
)
@click.option("--demo", is_flag=True, help="Print the demo clinic's links and passwords, and catch its mail.")
def serve_command(*, port: int, address: str, workers: int, drain: int, demo: bool) -> None:
    """Serve the pages to a reverse proxy on this machine."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    from screener.settings import LOOPBACK
    from screener.web.arrival import THREADS
    from screener.web.logs import configuration
    from screener.web.metrics import begin_anew

    if demo and address not in LOOPBACK:
        raise click.UsageError("The demo shows its sign-in codes to whoever asks: keep it on 127.0.0.1.")
    if is_taken(port):
        raise click.ClickException(f"Port {port} is taken. Choose another: PORT={port + 2} make run")
    begin_anew()
    if workers > 1 and open_database().is_sqlite:
        raise click.ClickException("SQLite lets one process write at a time: leave out --workers.")
    os.environ.setdefault("SCREENER_BASE_URL", f"http://localhost:{port}")
    if demo:
        os.environ["SCREENER_DEMO"] = "yes"
        from screener.web.commands.beside_demo import start_beside

        start_beside(port)
    server = Server(
        "screener.web.served:app",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        websockets=False,
        log_access=False,
        log_level=LogLevels.error,
        log_dictconfig=configuration(),
        # One that was killed is begun again; one that waits for a slow sender does not hold up a stop.
        respawn_failed_workers=True,
        workers_kill_timeout=_STOPPING_SECONDS,
    )
    if drain:
        server.on_startup(lambda: _stop_later(drain))
    server.serve()


def _stop_later(seconds: int) -> None:
    """Told to stop, the server first says so where a balancer asks, and goes on that long."""
    from screener.web.readiness import say_leaving

    stop = signal.getsignal(signal.SIGTERM)

    def leave(*_: object) -> None:
        say_leaving()
        Timer(seconds, stop).start()  # type: ignore[arg-type]  # the server's own

    signal.signal(signal.SIGTERM, leave)


@click.command("deliver")
@click.option("--once", is_flag=True, help="Send what is due, then exit. Deletes nothing.")
def deliver_command(*, once: bool) -> None:
    """Send waiting mail and webhooks; delete what is past its time.

    Runs until it is stopped. On SIGTERM it finishes the message in hand.
    """
    from screener import create_app
    from screener.settings import load_settings
    from screener.web.courier import carriers_of
    from screener.web.deliver import run_beside, stop_all
    from screener.web.logs import start_logging
    from screener.web.sweep import Sweeper

    start_logging()
    settings = load_settings()
    if not (settings.can_mail or settings.webhook_targets):
        raise click.ClickException(
            "Set SCREENER_SMTP_URL and SCREENER_MAIL_FROM first."
            " For webhooks alone set SCREENER_WEBHOOK_HOSTS."
        )
    app = create_app(settings)
    carriers = [*carriers_of(app), *([] if once else [Sweeper(app)])]
    for stopping in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stopping, lambda *_: stop_all(carriers))
    run_beside(carriers, once=once)
