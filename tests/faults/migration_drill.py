"""`make migration-drill`: two `screener setup` at once, killed at random moments, on databases of every age.

After each kill the database is as it was or up to date, never between, with all its rows; the next setup ends
the work without help.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from typing import Final

from alembic.migration import MigrationContext
from conftest import Databases
from faults.rig import Outcome, databases_for, run
from faults.setups import open_database, start_setup
from store.test_migrations import REVISIONS, Rows, assert_kept, fill, rows_of, shape_of

from screener.store.database import Database
from screener.store.migrations import migrate

# The rows that fill() makes have no place in what was before.
AGES: Final = REVISIONS[1:-1]


def _revision_of(database: Database) -> str | None:
    with database.engine.connect() as connection:
        if database.is_sqlite:
            found = connection.exec_driver_sql("PRAGMA integrity_check").scalar()
            if found != "ok":
                raise AssertionError(f"integrity_check: {found}")
        return MigrationContext.configure(connection).get_current_revision()


class Drill:
    """Copies of one full database, each made as old as chance will have it."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.full = databases.create()
        database = open_database(self.full)
        migrate(database)
        self.shape = shape_of(database)
        fill(database)
        database.dispose()
        self.found: Counter[str] = Counter()
        self.kills = 0
        # How long two setups take together, at most, as far as was seen.
        self.longest = 0.5

    def cycle(self) -> None:
        url = self.databases.create(self.full)
        database = open_database(url)
        age = random.choice(AGES)
        migrate(database, age, down=True)
        before = rows_of(database)
        # Nobody looks on while it is killed.
        database.dispose()
        self._kill(url)
        self._look(database, age, before)
        begun = time.monotonic()
        ends = _end([start_setup(url) for _ in range(2)])
        self.longest = max(self.longest, time.monotonic() - begun)
        if ends != [0, 0]:
            raise AssertionError(f"two setups at once ended with {ends}")
        assert_kept(before, rows_of(database))
        if shape_of(database) != self.shape:
            raise AssertionError(f"what was made of {age} has another shape")
        database.dispose()
        self.databases.drop(url)

    def _kill(self, url: str) -> None:
        workers = [start_setup(url) for _ in range(2)]
        for worker in workers:
            time.sleep(random.uniform(0, self.longest / 2))
            worker.kill()
        self.kills += _end(workers).count(-signal.SIGKILL)

    def _look(self, database: Database, age: str, before: Rows) -> None:
        revision = _revision_of(database)
        if revision == age and rows_of(database) != before:
            raise AssertionError("rows changed, the revision did not")
        self.found[{age: "as it was", REVISIONS[-1]: "up to date"}[str(revision)]] += 1


def _end(workers: list[BaseProcess]) -> list[int | None]:
    for worker in workers:
        worker.join(60)
    return [worker.exitcode for worker in workers]


def play(kind: str, cycles: int) -> Outcome:
    with databases_for(kind) as databases:
        drill = Drill(databases)
        for _ in range(cycles):
            drill.cycle()
    told = ", ".join(f"{count} {state}" for state, count in sorted(drill.found.items()))
    return Outcome(f"{drill.kills} kills: {told}, 0 between")


def main() -> int:
    return run("migration-drill", play, cycles=40)


if __name__ == "__main__":
    sys.exit(main())
