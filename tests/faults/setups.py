"""Setups as `screener setup` runs them: processes, forked from one that has imported all already."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Final

from screener.store.database import Database
from screener.store.migrations import migrate
from screener.store.vault import MasterKeys, Vault, new_key

_PROCESSES: Final = get_context("forkserver")
_PROCESSES.set_forkserver_preload(["faults.setups", "store.test_migrations", "postgres"])


def open_database(url: str) -> Database:
    """Nothing in it is opened, so any key will do."""
    return Database(url, Vault(MasterKeys.parse(MasterKeys.new_text()), new_key()))


def start_setup(url: str) -> BaseProcess:
    setup = _PROCESSES.Process(target=_set_up, args=[url])
    setup.start()
    return setup


def _set_up(url: str) -> None:
    database = open_database(url)
    migrate(database)
    database.dispose()
