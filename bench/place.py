"""Where it is measured: a database of each kind on this disk, and the three programs beside it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from conftest import Databases, SqliteFiles, make_installation
from postgres import PostgresServer
from web.test_replay import settings_of

from bench.crowd import Line, Person
from bench.processes import Served, cpu_of, tree_of
from bench.way import Way, usual_way
from screener.settings import Settings


@dataclass(frozen=True)
class Extent:
    """How much of it."""

    rounds: int = 5
    clients: int = 16
    # A closed or open loop's.
    seconds: float = 6
    # Whole ways between the two looks at the memory.
    screenings: int = 300
    # Stored requests.
    sizes: tuple[int, ...] = (1_000, 10_000)


@dataclass
class Place:
    kind: str
    extent: Extent
    databases: Databases
    folder: Path
    way: Way = field(default_factory=usual_way)
    postgres: PostgresServer | None = None
    _sizes: dict[str, int] = field(default_factory=dict)

    def settings(self) -> Settings:
        """Of a new installation: two clinics, their staff, and nobody there yet."""
        installation = make_installation(self.databases.create())
        installation.app.extensions["screener.database"].dispose()
        return installation.settings

    def app(self, settings: Settings | None = None) -> Served:
        settings = settings or self.settings()
        # As behind a proxy: each person comes from an address of their own.
        return Served("wsgi:app", settings_of(settings) | {"SCREENER_PROXIES": "1"})

    def limit(self, url: str = "") -> Served:
        return self._other("bench.limit_served:app", url or self.databases.create())

    def twin(self) -> Served:
        return self._other("bench.twin_served:app", self.databases.create())

    def _other(self, target: str, url: str) -> Served:
        pages = json.dumps([self.way.pages, self._sizes])
        return Served(target, {"BENCH_DATABASE": url, "BENCH_PAGES": pages})

    @contextmanager
    def serving(self, *, twin: bool = False, workers: int = 1) -> Iterator[dict[str, Served]]:
        """The app, the limit with pages of the same bytes and the twin, each gone through once."""
        with ExitStack() as running:

            def serve(served: Served) -> Served:
                served.workers = workers
                return running.enter_context(served)

            servers = {"app": serve(self.app())}
            answers = self.visit(servers["app"]).answers
            self._sizes = {slug: len(answer.body) for slug, answer in answers.items()}
            servers["limit"] = serve(self.limit())
            if twin:
                servers["twin"] = serve(self.twin())
            for each in list(servers.values())[1:]:
                self.visit(each)
            yield servers

    def visit(self, served: Served) -> Person:
        """One person goes the whole way."""
        person = Person(Line(served.port, "203.0.113.9"), self.way)
        person.walk()
        person.line.close()
        return person

    def cpu(self, served: Served) -> float:
        """Of the server's processes and its database's, in seconds so far."""
        database = tree_of(self.postgres.pid) if self.postgres else []
        return cpu_of([*served.pids, *database])


@contextmanager
def place_for(kind: str, extent: Extent) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ExitStack() as running:
        postgres = running.enter_context(PostgresServer(is_durable=True)) if kind == "postgres" else None
        databases: Databases = postgres or SqliteFiles(Path(folder))
        yield Place(kind, extent, databases, Path(folder), postgres=postgres)
