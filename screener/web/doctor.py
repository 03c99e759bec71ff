"""The doctor: looks at what an installation stands on, and says in words what to mend."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from screener.settings import INSTANCE, KEYS_FILE, LOOPBACK, Settings
from screener.store.clinics import find_shut
from screener.store.database import Database, kind_of
from screener.store.migrations import pending
from screener.store.outbox import Owing, count_mail, count_owed
from screener.store.tables import OutboxMessage
from screener.web.copies import NEEDED, can_make_pdf
from screener.web.deliver import Line, Patience
from screener.web.mail import mail_error

_LEAST_FREE: Final = 512 * 1024 * 1024
_FARTHEST_CLOCK: Final = timedelta(seconds=5)
_LATE: Final = timedelta(hours=1)
_PATIENCE: Final = Patience(answer=10, mail=20)


class Finding(NamedTuple):
    words: str
    # What must be mended; the rest is told, with advice where something could be better.
    must: bool = False


def examine(settings: Settings, database: Database, instance: Path = INSTANCE) -> Iterator[Finding]:
    yield from _look_at_address(settings)
    yield from _look_at_files(settings, database, instance)
    yield Finding("PDF copies: ready." if can_make_pdf() else NEEDED)
    try:
        yield from _look_at_database(settings, database)
    except SQLAlchemyError as error:
        yield Finding(
            f"The database does not answer ({kind_of(error)}). See SCREENER_DATABASE_URL.", must=True
        )


def _look_at_address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.base_url)
    if parts.hostname in LOOPBACK:
        yield Finding(f"Address: {settings.base_url}, for this machine alone.")
        return
    if parts.scheme != "https":
        yield Finding(
            "SCREENER_BASE_URL is not https: answers would travel readable. Serve by a proxy with a"
            " certificate (docs/examples) and write https://.",
            must=True,
        )
        return
    yield Finding(f"Address: {settings.base_url}; proxies in front: {settings.proxies}.")
    if settings.pace == "off":
        yield Finding("SCREENER_PACE is off: bots may send what they like. Remove it.", must=True)
    if not settings.proxies:
        yield Finding(
            "Better: if a proxy stands in front, set SCREENER_PROXIES=1. Without it all visitors seem to come"
            " from the proxy, and the limits for one address hold for all."
        )


def _look_at_files(settings: Settings, database: Database, instance: Path) -> Iterator[Finding]:
    keys = instance / KEYS_FILE
    if _is_open_to(keys, 0o077):
        yield Finding(f"Others on this machine can read the keys. Run: chmod 600 {keys}", must=True)
    folder = instance
    if database.is_sqlite and database.url.database:
        file = Path(database.url.database)
        folder = file.parent
        if _is_open_to(file, 0o004) and _is_open_to(folder, 0o001):
            yield Finding(f"Better: others on this machine can read the database. Run: chmod 600 {file}*")
    free = shutil.disk_usage(folder).free
    yield Finding(f"Disk: {free / 1024**3:.1f} GB left at {folder}.")
    if free < _LEAST_FREE:
        yield Finding("The disk is almost full: soon nothing can be saved. Make room.", must=True)
    yield Finding(f"Metrics: {'with a token at /metrics' if settings.metrics_token else 'off'}.")


def _is_open_to(path: Path, rights: int) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & rights)


def _look_at_database(settings: Settings, database: Database) -> Iterator[Finding]:
    told, problems = database.examine()
    yield from map(Finding, told)
    for problem in problems:
        yield Finding(problem, must=True)
    yield from _look_at_clock(database, lambda: datetime.now(UTC))
    if pending(database):
        yield Finding("The database is not up to date. Run `screener setup`.", must=True)
        return
    with database.new_session() as session:
        shut = find_shut(session)
        session.rollback()
        waiting, dead = count_mail(session)
        owed = count_owed(session, OutboxMessage)
    yield Finding(f"Keys: {'they open every clinic' if not shut else 'some clinics stay shut'}.")
    if shut:
        yield Finding(
            f"SCREENER_MASTER_KEYS does not open: {', '.join(shut)}. Add the key that was there before.",
            must=True,
        )
    yield from _look_at_mail(settings, waiting, dead, owed)


def _look_at_clock(database: Database, now: Callable[[], datetime]) -> Iterator[Finding]:
    """On another machine the database may have another time; sessions, codes and leases go by ours."""
    before, there, after = now(), database.read_clock(), now()
    if there is None:
        return
    if not before - _FARTHEST_CLOCK <= there <= after + _FARTHEST_CLOCK:
        apart = abs((there - after).total_seconds())
        yield Finding(f"This clock and the database's are {apart:.0f} s apart. Set both by NTP.", must=True)
    else:
        yield Finding("Clock: as the database's.")


def _look_at_mail(settings: Settings, waiting: int, dead: int, owed: Owing) -> Iterator[Finding]:
    server = settings.mail_server if settings.can_mail else None
    leaves = f"by {server.scheme}://{server.host}:{server.port}" if server else "not set, so none leaves"
    yield Finding(f"Mail: {leaves}; {waiting} waiting, {dead} given up.")
    if server:
        try:
            Line(settings, _PATIENCE).knock()
        except OSError as error:
            why = mail_error(type(error).__name__)
            yield Finding(f"Mail cannot leave: {why}. See SCREENER_SMTP_URL and SCREENER_SMTP_CA.", must=True)
    if server and owed.due_since and datetime.now(UTC) - owed.due_since > _LATE:
        yield Finding("Some is late by more than an hour. Does `screener deliver` run?", must=True)
