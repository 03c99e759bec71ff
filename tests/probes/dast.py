"""`make dast`: scanners of other makers at every form and parameter of the served app (P13).

sqlmap is given each parameter of each door, in a request that a visitor of ours made; wapiti walks by itself,
as a patient, as each member of staff and with a token. What they find is on the list below, with its reason,
or fails the run. So does a parameter that sqlmap did not come to, and a visitor who was not let in any more.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import click
from probes.canary import NOT_TRIED
from probes.site import Site, serving, untried
from probes.sqlmap import Job, Tried, jobs_of, try_all
from probes.visitors import Visitor, nobody_waits, visitors
from probes.wapiti import Walked, wapiti

# (what was found, where) as patterns -> why it is none.
ALLOWED: Final[Mapping[tuple[str, str], str]] = {
    ("Lack of anti CSRF token", "POST /([dr]|c|resume)/"): (
        "patients' pages have no cookie that a foreign form could use; their `form_token`, which wapiti does"
        " not know by that name, is held to by tests/web/test_inputs.py and test_safety_first.py"
    ),
    ("X-Frame-Options is not set", "GET /c/"): (
        "a clinic's own sites frame its public pages: who may stands in their `frame-ancestors`, which that"
        " header cannot say (tests/web/test_staff.py)"
    ),
}
# Doors that no request of a visitor's went to, and why; more of them stand in canary.py.
_NOTHING: Final = "takes nothing but tokens that are read by a signature, and ends what a scanner needs"
_UNTRIED: Final[Mapping[str, str]] = NOT_TRIED | {
    "account.sign_out_everywhere": _NOTHING,
    "confirm.amend": "takes one text, on a signed history, which chance never leads to; the canary tries it",
    "clinics.switch": _NOTHING,
    "security.logout": _NOTHING,
    "patient.go_on": "takes nothing that is typed; its draft is found as at each page of a patient's",
}
_SHARE_OF_SQLMAP: Final = 0.75
# Of each visitor's wapiti.
_LEAST_SECONDS: Final = 20


@dataclass
class Findings:
    """Each once; those that are none, with the reason why."""

    wrong: dict[tuple[str, str], int] = field(default_factory=dict)
    allowed: dict[tuple[str, str], int] = field(default_factory=lambda: dict.fromkeys(ALLOWED, 0))

    def add(self, what: str, where: str) -> None:
        for found, place in ALLOWED:
            if re.search(found, what) and re.search(place, where):
                self.allowed[found, place] += 1
                return
        self.wrong[what, where] = self.wrong.get((what, where), 0) + 1


@dataclass
class Scan:
    jobs: list[Job]
    tried: Tried
    walked: dict[str, Walked]
    findings: Findings
    # Doors that nobody came to.
    untried: list[str]

    @property
    def problems(self) -> list[str]:
        """What was not done as it should be."""
        unseen = [name for name, walk in self.walked.items() if not walk.pages]
        lost = [name for name, walk in self.walked.items() if not walk.is_in]
        return [
            *(f"no request of a visitor's went to {each}" for each in self.untried),
            *(f"sqlmap did not come to {each}" for each in self.tried.left),
            *(f"not signed in any more after sqlmap as {each}" for each in self.tried.lost),
            *(f"wapiti saw no page as {each}" for each in unseen),
            *(f"wapiti was not signed in to its end as {each}" for each in lost),
        ]


def scan(site: Site, minutes: float) -> Scan:
    began = time.monotonic()
    app, everybody = site.installation.app, list(visitors(site))
    jobs, findings = jobs_of(app, everybody), Findings()
    names = sum(len(job.names) for job in jobs)
    click.echo(f"{len(everybody)} visitors, {len(jobs)} requests for sqlmap with {names} parameters")
    with nobody_waits(site):
        tried = try_all(site, jobs, began + minutes * 60 * _SHARE_OF_SQLMAP)
        click.echo(f"{time.monotonic() - began:.0f} s: sqlmap at {tried.jobs} requests")
        walked = dict(_walk(site, everybody, began + minutes * 60))
    for where, what in tried.injected.items():
        findings.add(f"sqlmap: {what}", where)
    for name, walk in walked.items():
        for what, where in walk.findings:
            findings.add(what, f"{name}: {where}")
    for line in site.log.read_text(errors="replace").splitlines():
        # 503 is an answer: a machine with much else to do.
        if "failure at" in line or '"failure"' in line or re.search(r'"status": 5(?!03)', line):
            findings.add(f"the server failed: {line[:200]}", "log")
    left = untried(app, [heard for visitor in everybody for heard in visitor.heard])
    return Scan(jobs, tried, walked, findings, [each for each in left if each.split()[1] not in _UNTRIED])


def _walk(site: Site, everybody: list[Visitor], ends: float) -> Iterator[tuple[str, Walked]]:
    for number, visitor in enumerate(everybody):
        # What one does not need is left to the others.
        seconds = max(_LEAST_SECONDS, (ends - time.monotonic()) / (len(everybody) - number))
        walk = wapiti(site, visitor, seconds)
        click.echo(f"wapiti as {visitor.name}: {walk.pages} pages, {len(walk.findings)} to be looked at")
        yield visitor.name, walk


def main() -> int:
    kind, minutes = os.environ.get("DB") or "sqlite", float(os.environ.get("MINUTES") or 30)
    with serving(kind) as site:
        try:
            done = scan(site, minutes)
        finally:
            if os.environ.get("KEEP"):
                shutil.copytree(site.folder, os.environ["KEEP"], dirs_exist_ok=True)
    for (found, place), number in done.findings.allowed.items():
        used = f"{number} times none" if number else "used by nothing in this run, stale?"
        click.echo(f"{used}: {found} | {place}: {ALLOWED[found, place]}")
    for (what, where), number in done.findings.wrong.items():
        click.echo(f"{number} x {what} | {where}")
    for problem in done.problems:
        click.echo(problem)
    wrong = len(done.findings.wrong) + len(done.problems)
    cut = sum(walk.cut for walk in done.walked.values())
    seen = ", ".join(f"{name} {walk.pages}" for name, walk in done.walked.items())
    click.echo(
        f"dast on {kind}, {minutes:g} minutes: sqlmap at {done.tried.jobs} of {len(done.jobs)} requests;"
        f" pages seen by wapiti: {seen}; {cut} of its modules ended by the clock;"
        f" {f'FAILED: {wrong}' if wrong else 'ok'}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
