"""A wheel holds all that serves: installed elsewhere, with nothing of the checkout beside it."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from screener.settings import ROOT
from screener.web.ports import free_port

_TRIES = 600


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`screener` of the wheel; what it depends on is borrowed from here."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home, symlinks=True)
    subprocess.run([*pip, "--python", str(home), "install", "--no-deps", str(wheel)], check=True)
    (packages,) = home.glob("lib/*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return home / "bin" / "screener"


@contextmanager
def _served(command: Path, folder: Path) -> Iterator[str]:
    """Set up and served there, where nothing was before; its address."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SCREENER_"))}
    for first in ("setup", "demo"):
        subprocess.run([command, first], cwd=folder, env=bare, check=True, capture_output=True)
    port = free_port()
    serve = [command, "serve", "--port", str(port), "--address", "0.0.0.0"]
    with subprocess.Popen(serve, cwd=folder, env=bare) as server:
        try:
            # Reached as from outside a container: on 127.0.0.1 alone it would not be there.
            yield f"http://127.0.0.2:{port}"
        finally:
            server.terminate()


def _get(url: str) -> bytes:
    for _ in range(_TRIES):
        try:
            with urlopen(Request(url, headers={"Host": "localhost"}), timeout=5) as answer:
                body: bytes = answer.read()
                return body
        except URLError as error:
            if isinstance(error, HTTPError):
                raise
            time.sleep(0.1)
    pytest.fail(f"{url} did not come")


def test_an_installed_wheel_serves_both_languages_and_all_files(command: Path, tmp_path: Path) -> None:
    with _served(command, tmp_path) as home:
        page = _get(f"{home}/c/demo").decode()
        assert "not a diagnosis" in page.lower()
        for path in re.findall(r'(?:href|src)="(/[^"]+[.](?:css|js)[?]v=[^"]+)"', page):
            assert _get(home + html.unescape(path))
        assert "Empezar" in _get(f"{home}/c/demo?lang=es").decode()
    assert (tmp_path / "instance" / "keys.env").exists()
