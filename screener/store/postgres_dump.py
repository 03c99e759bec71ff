"""PostgreSQL's own programs, which write and read a whole database; no password stands in their arguments."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import IO, Any, Final

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from screener.store.backup_file import parts_of
from screener.store.errors import BackupError
from screener.store.row_security import ALL_CLINICS
from screener.store.tenancy import LOOKUP_SETTING

_ADVICE: Final = (
    "{} is not here. Install PostgreSQL's client programs, of the server's version or newer"
    " (Debian: sudo apt install postgresql-client)."
)
# What a restore has put aside, or replaced.
LEFT_OUT: Final = ("set_aside", "replaced")
_FORMAT: Final = (
    "--format=custom",
    "--compress=0",
    "--no-owner",
    "--no-privileges",
    # Told below that it may see them all; else it would write no clinic's rows, and not say so.
    "--enable-row-security",
    *(f"--exclude-schema={schema}" for schema in LEFT_OUT),
)
_ALL_SEEN: Final = f"-c {LOOKUP_SETTING}={ALL_CLINICS}"
_WHOLE: Final = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")


def dump(url: URL, snapshot: str) -> Generator[bytes, None, None]:
    """The database as the transaction sees it that exported this snapshot."""
    with _running(url, "pg_dump", *_FORMAT, f"--snapshot={snapshot}") as (_, told):
        yield from parts_of(told.read)


def load(url: URL, database: Iterator[bytes]) -> None:
    """All or nothing."""
    with _running(url, "pg_restore", *_WHOLE) as (takes, _):
        _feed(takes, database)


def count_dumped(database: Iterator[bytes]) -> dict[str, int]:
    """How many rows of each table a dump holds, by PostgreSQL's own reading of it."""
    # It tells while it takes: one of the two needs a thread, or both wait for each other.
    with _running(None, "pg_restore", "--file=-") as (takes, told), ThreadPoolExecutor(1) as beside:
        fed = beside.submit(_feed, takes, database)
        counts = _count_rows(told)
        fed.result()
    return counts


def _count_rows(script: IO[bytes]) -> dict[str, int]:
    counts: dict[str, int] = {}
    table = ""
    for line in script:
        if table and line == b"\\.\n":
            table = ""
        elif table:
            counts[table] += 1
        elif line.startswith(b"COPY "):
            table = line.split()[1].decode().split(".")[-1].strip('"')
            counts[table] = 0
    return counts


def _feed(takes: IO[bytes], database: Iterator[bytes]) -> None:
    try:
        for part in database:
            takes.write(part)
        takes.close()
    except BrokenPipeError:
        # It gave up, and says why itself.
        return


@contextmanager
def _running(url: URL | None, name: str, *options: str) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """What the program takes and what it tells; BackupError in its own words if it fails."""
    program = shutil.which(name)
    if program is None:
        raise BackupError(_ADVICE.format(name))
    environment, address = dict(os.environ), []
    if url is not None:
        # As the app itself connects, also where it names several servers.
        _, place = url.get_dialect()().create_connect_args(url.set(password=None))
        address = [f"--dbname={make_conninfo(**place)}"]
        environment |= {"PGPASSWORD": str(url.password)} if url.password else {}
        environment["PGOPTIONS"] = f"{environment.get('PGOPTIONS', '')} {_ALL_SEEN}".strip()
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "env": environment}
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen([program, *options, *address], stderr=complaints, **pipes) as running,
    ):
        try:
            yield running.stdin, running.stdout  # type: ignore[misc]  # both are pipes
            ended = running.wait()
        except BaseException:
            running.kill()
            raise
        if ended:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
            raise BackupError(f"{name} failed: {said}")
