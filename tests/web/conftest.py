"""One installation, made once; each test gets a copy of its database, an app over it, and visitors.

Files marked `both_databases` run on PostgreSQL too: those about what is kept, found, locked or parted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from conftest import Databases, Installation, make_installation, run_on
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from web.client import Browser
from web.post_office import PostOffice, open_post_office
from web.walking import SignedIn, add_requests, answers_but, sign_in

from screener import create_app


@dataclass(frozen=True)
class Made:
    """The installation to copy; nobody visits it."""

    installation: Installation
    databases: Databases
    templates: Path

    @contextmanager
    def copy(self) -> Iterator[Installation]:
        """The same clinics and staff in a database of its own."""
        url = self.databases.create(self.installation.settings.database_url)
        settings = replace(self.installation.settings, database_url=url)
        app = create_app(settings)
        # Each app would compile the templates anew.
        app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(self.templates))
        yield Installation(settings, app)
        app.extensions["screener.database"].dispose()
        self.databases.drop(url)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker
    run_on(metafunc, both=bool(marked("both_databases") and not marked("sqlite_only")))


@pytest.fixture(scope="session")
def made_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Databases], Made]:
    templates = tmp_path_factory.mktemp("templates")

    @cache
    def made(databases: Databases) -> Made:
        installation = make_installation(databases.create())
        installation.app.extensions["screener.database"].dispose()
        return Made(installation, databases, templates)

    return made


@pytest.fixture(scope="module")
def made(databases: Databases, made_in: Callable[[Databases], Made]) -> Made:
    return made_in(databases)


@pytest.fixture
def installation(made: Made) -> Iterator[Installation]:
    with made.copy() as installation:
        yield installation


@pytest.fixture
def app(installation: Installation) -> Flask:
    return installation.app


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A patient's, inside our pages."""
    return Browser(app)


@pytest.fixture
def signed_in(app: Flask) -> SignedIn:
    """Signs a person in by e-mail, in a browser of their own."""
    return lambda email: sign_in(Browser(app), email)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A real mail server."""
    with open_post_office() as office:
        yield office


@pytest.fixture
def intake(signed_in: SignedIn) -> Browser:
    """Intake staff of acme, signed in."""
    return signed_in("intake@acme.example")


@pytest.fixture
def admin(signed_in: SignedIn) -> Browser:
    """The administrator of acme, signed in, who reads no answers."""
    return signed_in("admin@acme.example")


@pytest.fixture
def reference(app: Flask) -> str:
    """A request that came in at acme an hour ago."""
    (made,) = add_requests(app, [("Pat", answers_but(), datetime.now(UTC) - timedelta(hours=1))])
    return made
