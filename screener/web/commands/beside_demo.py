"""What `screener serve --demo` starts beside the server: mail that goes nowhere, and a clinic's own site."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from importlib.util import find_spec
from multiprocessing import parent_process
from pathlib import Path
from threading import Thread

import click

from screener import create_app
from screener.settings import INSTANCE, load_settings
from screener.web.commands.installation import open_database
from screener.web.courier import carriers_of
from screener.web.deliver import run_beside, stop_all
from screener.web.demo import DEMO_OWNER, DEMO_PASSWORD, DEMO_SLUG, DEMO_STAFF
from screener.web.demo_host import HOST, list_site, make_site
from screener.web.demo_mail import catch_mail
from screener.web.ports import free_port, is_taken
from screener.web.sweep import Sweeper


def start_beside(port: int) -> None:
    """Also prints where everything is, for the server at this port."""
    _print_demo(port)
    _start_demo_mail(port)
    _start_demo_host(port)


def _print_demo(port: int) -> None:
    click.echo(f"Patients: http://localhost:{port}/c/{DEMO_SLUG}")
    click.echo(f"Staff:    http://localhost:{port}/desk/")
    for email, role in DEMO_STAFF.items():
        click.echo(f"  {email} ({role.replace('_', ' ')}), password: {DEMO_PASSWORD}")
    click.echo(f"  {DEMO_OWNER} (all clinics), password: {DEMO_PASSWORD}")
    click.echo(f"  then the six digits at http://localhost:{port}/demo/code")


def _start_demo_mail(port: int) -> None:
    """Mail goes round in a circle here, whatever the environment says: it never reaches anybody."""
    if find_spec("aiosmtpd") is None:
        click.echo("Mail:     stays in the outbox; install aiosmtpd to see it")
        return
    folder, smtp_port = INSTANCE / "demo-mail", free_port()
    os.environ |= {
        "SCREENER_SMTP_URL": f"smtp+plain://127.0.0.1:{smtp_port}",
        "SCREENER_MAIL_FROM": "Demo <no-reply@demo.example>",
        "SCREENER_DEMO_MAIL": str(folder),
    }
    # A process: the server forks its workers, which threads of ours would not survive.
    spawning = multiprocessing.get_context("spawn")
    spawning.Process(target=_run_demo_mail, args=(folder, smtp_port), daemon=True).start()
    click.echo(f"Mail:     http://localhost:{port}/demo/mail")


def _run_demo_mail(folder: Path, smtp_port: int) -> None:
    """Catches and delivers, until the server's last process ends, however that ends."""
    catch_mail(folder, smtp_port)
    app = create_app()
    carriers = [*carriers_of(app), Sweeper(app)]
    _stop_with_server(lambda: stop_all(carriers))
    # Ctrl-C reaches the server too, which then stops this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stop_all(carriers))
    run_beside(carriers)


def _start_demo_host(port: int) -> None:
    """A clinic's own website beside ours, on the demo clinic's list."""
    site_port = free_port() if is_taken(port + 1) else port + 1
    settings = load_settings()
    database = open_database(settings)
    list_site(database, DEMO_SLUG, f"http://{HOST}:{site_port}")
    # The server forks: it must not take our connections along.
    database.dispose()
    spawning = multiprocessing.get_context("spawn")
    about = (site_port, settings.link(""), DEMO_SLUG)
    spawning.Process(target=_run_demo_host, args=about, daemon=True).start()
    click.echo(f"Widget:   http://{HOST}:{site_port}/ is a clinic's own site that holds it")


def _run_demo_host(port: int, home: str, slug: str) -> None:
    """Until the server's last process ends, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    site = make_site(port, home, slug)
    _stop_with_server(site.shutdown)
    site.serve_forever()


def _stop_with_server(stop: Callable[[], None]) -> None:
    """In a process beside the demo's server: stops its work once the server has ended."""
    server = parent_process()

    def follow() -> None:
        if server is not None:
            server.join()
        stop()

    Thread(target=follow, daemon=True).start()
