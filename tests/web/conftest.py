"""One installation, made once; each test gets a copy of its database, an app over it, and visitors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Installation, make_installation
from flask import Flask
from jinja2 import FileSystemBytecodeCache
from web.client import Browser
from web.walking import sign_in

from screener import create_app

DATABASE = "test.db"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The installation to copy; nobody visits it."""
    made = make_installation(tmp_path_factory.mktemp("made"))
    made.app.extensions["screener.database"].dispose()
    return made


def copy_of(made: Installation, folder: Path) -> Installation:
    """The same clinics and staff in a database of its own."""
    path = made.settings.database_url.removeprefix("sqlite:///")
    settings = replace(made.settings, database_url=f"sqlite:///{shutil.copy(path, folder / DATABASE)}")
    app = create_app(settings)
    # Each app would compile the templates anew.
    app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(Path(path).parent))
    return Installation(settings, app)


@pytest.fixture
def installation(made: Installation, tmp_path: Path) -> Iterator[Installation]:
    copied = copy_of(made, tmp_path)
    yield copied
    copied.app.extensions["screener.database"].dispose()


@pytest.fixture
def app(installation: Installation) -> Flask:
    return installation.app


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A patient's, inside our pages."""
    return Browser(app)


@pytest.fixture
def signed_in(app: Flask) -> Callable[[str], Browser]:
    """Signs a person in by e-mail, in a browser of their own."""
    return lambda email: sign_in(Browser(app), email)


@pytest.fixture
def intake(signed_in: Callable[[str], Browser]) -> Browser:
    """Intake staff of acme, signed in."""
    return signed_in("intake@acme.example")
