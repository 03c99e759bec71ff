"""Who writes to SQLite when: in the order they came, and nobody keeps a turn they no longer use."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from screener.store.database import Database, Limits
from screener.store.vault import Vault
from screener.store.write_turns import WriteTurns

_SOON = 5.0
_BRIEF = 0.05


def _wait(turns: WriteTurns, name: str, came: list[str]) -> Thread:
    """Somebody who queues now, and says so when it is their turn."""

    def wait() -> None:
        if turns.take(name, _SOON):
            came.append(name)
            turns.give_back(name)

    waiting = len(turns._waiting)  # noqa: SLF001 - nothing else tells
    thread = Thread(target=wait)
    thread.start()
    while len(turns._waiting) == waiting:  # noqa: SLF001 - likewise
        time.sleep(0.001)
    return thread


def test_who_waits_is_called_in_the_order_they_came() -> None:
    turns, came = WriteTurns(), list[str]()
    assert turns.take("first", _SOON)
    threads = [_wait(turns, name, came) for name in "abcdef"]
    assert came == []
    turns.give_back("first")
    for thread in threads:
        thread.join()
    assert came == list("abcdef")


def test_who_waited_too_long_is_passed_over() -> None:
    turns = WriteTurns()
    assert turns.take("slow", _SOON)
    assert not turns.take("late", _BRIEF)
    turns.give_back("late")
    assert not turns.take("other", _BRIEF), "the turn is not theirs to give back"
    turns.give_back("slow")
    assert turns.take("next", _BRIEF)


@pytest.fixture
def quick(tmp_path: Path, vault: Vault) -> Database:
    """Whoever waits is told so within a second."""
    database = Database(f"sqlite:///{tmp_path / 'turns.db'}", vault, Limits(lock=1))
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE said (what TEXT UNIQUE)"))
    return database


def _leave(connection: Connection) -> None:
    connection.close()


def _fail(connection: Connection) -> None:
    with pytest.raises(OperationalError):
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))
    connection.close()


def _break(connection: Connection) -> None:
    connection.invalidate()
    connection.close()


@pytest.mark.parametrize("end", [Connection.commit, Connection.rollback, _leave, _fail, _break])
def test_the_turn_ends_with_the_transaction(quick: Database, end: Callable[[Connection], None]) -> None:
    first = quick.engine.connect()
    first.execute(text("INSERT INTO said VALUES ('first')"))
    end(first)
    with ThreadPoolExecutor(1) as elsewhere, quick.engine.connect() as second:
        elsewhere.submit(second.execute, text("INSERT INTO said VALUES ('second')")).result()
        second.rollback()
    first.close()
    quick.dispose()


def test_one_who_writes_too_long_costs_others_an_error_and_no_turn(quick: Database) -> None:
    with quick.engine.connect() as slow, quick.engine.connect() as late:
        slow.execute(text("INSERT INTO said VALUES ('slow')"))
        with pytest.raises(OperationalError, match="database is locked"):
            late.execute(text("INSERT INTO said VALUES ('late')"))
        slow.commit()
        late.execute(text("INSERT INTO said VALUES ('late')"))
        late.commit()
        assert slow.execute(text("SELECT what FROM said ORDER BY what")).scalars().all() == ["late", "slow"]
    quick.dispose()


def test_a_writer_in_another_process_takes_no_turn_along(quick: Database) -> None:
    # As another process: with turns of its own.
    other = Database(f"sqlite:///{quick.url.database}", quick.vault)
    writing = other.engine.connect()
    writing.execute(text("INSERT INTO said VALUES ('other')"))
    with quick.engine.connect() as connection:
        with pytest.raises(OperationalError, match="database is locked"):
            connection.execute(text("INSERT INTO said VALUES ('late')"))
        writing.commit()
        connection.execute(text("INSERT INTO said VALUES ('late')"))
        connection.commit()
    writing.close()
    other.dispose()
    quick.dispose()
