"""wapiti, which walks by itself and attacks what it found: as one visitor, signed in to the end."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from probes.fields import shape_of
from probes.site import Site
from probes.visitors import Pass, Visitor

from screener.settings import ROOT

_WAPITI: Final = ROOT / ".foreign" / "wapiti" / "bin" / "wapiti"
# The others ask machines elsewhere, or look for other makers' programs, or LDAP, of which there is none here.
# SQL is sqlmap's part: here a page that changed between two requests was taken for an injection.
_MODULES: Final = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,"
    "upload,xss"
)
# A request to these, and a visitor has no session, no second step or no clinic any more.
_ENDS: Final = (
    "/staff/logout",
    "/staff/tf-setup*",
    "/desk/account/sign-out-everywhere",
    "/desk/clinics/*/switch",
    "/desk/clinics/*/shred",
    "/desk/*/people/*",
)
_SHARE_OF_WALK: Final = 0.3
# About so many modules have more to do than their time; the others are done sooner.
_LONG_ONES: Final = 9
# How much longer than it was told wapiti may take: all modules up to the last second, and the report.
_LATEST: Final = 3


@dataclass
class Walked:
    """What one visitor's wapiti saw of their own pages, and what it told."""

    pages: int = 0
    is_in: bool = False
    cut: int = 0
    findings: list[tuple[str, str]] = field(default_factory=list)


def wapiti(site: Site, visitor: Visitor, seconds: float) -> Walked:
    folder = site.folder / f"wapiti-{visitor.name}"
    folder.mkdir()
    shown, log, report = visitor.enter(), folder / "said.log", folder / "report.json"
    command = [str(_WAPITI), *_options(site, visitor, shown, seconds), "--store-session", str(folder)]
    command += ["-f", "json", "-o", str(report)]
    _run([*command, "-m", ""], log, seconds * _LATEST + 60)
    _let_readers_be(folder)
    report.unlink(missing_ok=True)
    said = _run([*command, "-m", _MODULES, "--skip-crawl"], log, seconds * _LATEST + 60)
    if not report.exists():
        raise RuntimeError(f"wapiti as {visitor.name} told nothing: {said[-2000:]}")
    return Walked(
        _pages_seen(folder, visitor),
        visitor.is_in(site, shown),
        said.count("Max attack time was reached"),
        list(_findings(report)),
    )


def _let_readers_be(folder: Path) -> None:
    """A module that is ended in the middle of reading keeps wapiti's own file locked, and there is no report.

    With a log beside the file whoever reads is in nobody's way.
    """
    (kept,) = folder.glob("*.db")
    store = sqlite3.connect(kept)
    store.execute("PRAGMA journal_mode = WAL")
    store.close()


def _options(site: Site, visitor: Visitor, shown: Pass, seconds: float) -> Iterator[str]:
    yield from ("-u", f"{site.address}{visitor.starts[0]}", "-d", "5", "--scope", "subdomain")
    yield from ("--no-bugreport", "-v", "1", "--dns-endpoint", "localhost", "--max-files-per-dir", "30")
    yield from ("--max-scan-time", str(int(seconds * _SHARE_OF_WALK)))
    yield from ("--max-attack-time", str(int(seconds * (1 - _SHARE_OF_WALK) / _LONG_ONES)))
    for start in visitor.starts:
        yield from ("-s", f"{site.address}{start}")
    for header in shown.headers:
        # It drops a cookie that comes as a header.
        name, _, value = header.partition(": ")
        yield from ("-C", value) if name == "Cookie" else ("-H", header)
    # Patients' pages are walked by the patient.
    theirs = ("/c/*", "/d/*") if not re.match(visitor.inside, "/c/") else ()
    for left in (*_ENDS, *theirs):
        yield from ("-x", f"{site.address}{left}")


def _run(command: list[str], log: Path, longest: float) -> str:
    """Ended with all of its processes, however it ends; what it said."""
    with log.open("ab") as said:
        # It asks whether to go on where it is stopped: nobody is there.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        )
        try:
            process.wait(longest)
        except subprocess.TimeoutExpired:
            said.write(b"\nnot done in its time\n")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return log.read_text(errors="replace")


def _pages_seen(folder: Path, visitor: Visitor) -> int:
    """How many of a visitor's own pages were shown to it."""
    (kept,) = folder.glob("*.db")
    store = sqlite3.connect(kept)
    rows = store.execute("SELECT DISTINCT url FROM responses WHERE status_code = 200").fetchall()
    store.close()
    paths = {urlsplit(url).path for (url,) in rows}
    return sum(bool(re.match(visitor.inside, path)) for path in paths)


def _findings(report: Path) -> Iterator[tuple[str, str]]:
    """What it found, and where."""
    told = json.loads(report.read_text())
    for kind in ("vulnerabilities", "anomalies"):
        for what, cases in told[kind].items():
            for case in cases:
                yield f"wapiti, {what}: {case['info']}", f"{case['method']} {shape_of(case['path'])}"
