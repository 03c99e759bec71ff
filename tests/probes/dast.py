"""`make dast`: scanners of other makers at every form and parameter of the served app (P13).

wapiti walks by itself, as a patient, as each member of staff and with a token; sqlmap is given each request
that a visitor of ours made. What they find is on the list below, with its reason, or fails the run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qs, urlsplit

import click
from builders import CONTACT, OWNER
from probes.crawl import Crawl
from probes.fields import Field, shape_of
from probes.site import Heard, Site, serving
from web.client import Browser
from web.walking import add_requests, answers_but, at_clinic, leave, plant, sign_in

from screener.domain.rights import Right
from screener.settings import ROOT
from screener.store.api_tokens import add_token
from screener.store.staff import add_membership, find_person

# (what was found, where) as patterns -> why it is none.
ALLOWED: Final[Mapping[tuple[str, str], str]] = {
    ("Lack of anti CSRF token", "POST /([dr]|c|resume)/"): (
        "patients' pages have no cookie that a foreign form could use; their `form_token`, which wapiti does"
        " not know by that name, is held to by tests/web/test_inputs.py and test_safety_first.py"
    ),
    ("'csrf_token' is not properly checked", "POST /staff/(login|reset)"): (
        "wapiti is told to keep no cookie, so its request is refused as the one with a changed token is;"
        " a forged token is refused (tests/web/test_sign_in.py)"
    ),
}
_WAPITI: Final = ROOT / ".foreign" / "wapiti" / "bin" / "wapiti"
# The others ask machines elsewhere, or look for other makers' programs.
_MODULES: Final = (
    "backup,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,ldap,methods,permanentxss,redirect,sql,"
    "timesql,upload,xss"
)
_STAFF: Final = ("intake@acme.example", "clinician@acme.example", "admin@acme.example", OWNER)
# As a browser says that the person came from our own page.
_OWN: Final = "Sec-Fetch-Site: same-origin"
# A request to these, and the scanner has no session and no clinic any more.
_ENDS: Final = re.compile(r"/(logout|sign-out-everywhere|switch|revoke)$")
_SHARE_OF_WAPITI: Final = 0.5
_SHARE_OF_WALK: Final = 0.3
# How much longer than it was told wapiti may take: the module at hand is ended, the report written.
_LATEST: Final = 2
_SQLMAP_SECONDS: Final = 60
# Read by one signature each; sqlmap would try them anew in each of hundreds of forms.
_TOKENS: Final = frozenset({"csrf_token", "form_token"})


@dataclass(frozen=True)
class Visitor:
    """Somebody a scanner goes about as: their headers, and where they begin."""

    name: str
    headers: tuple[str, ...]
    starts: tuple[str, ...]
    heard: tuple[Heard, ...]


# ---------------------------------------------------------------- who goes about


def visitors(site: Site) -> Iterator[Visitor]:
    app = site.installation.app
    people = [(f"Person {number}", answers_but(), datetime.now(UTC)) for number in range(4)]
    references = add_requests(app, people)
    yield _visit("patient", site.browser(), _patient_starts(site))
    with at_clinic(app, "acme") as (session, clinic):
        admin = find_person(session, "admin@acme.example")
        if admin is not None:
            add_membership(session, staff_id=admin.id, clinic_id=clinic.id, role="intake")
        session.commit()
    for email in _STAFF:
        browser = sign_in(site.browser(), email)
        starts = (
            ["/desk/clinics"]
            if email == OWNER
            else ["/desk/acme/queue", f"/desk/acme/requests/{references[0]}"]
        )
        yield _visit(email, browser, ["/desk/", *starts])
    yield _machine(site, references[0])


def _patient_starts(site: Site) -> list[str]:
    app = site.installation.app
    walk = plant(site.browser(), app, answers_but())
    saved = plant(site.browser(), app, answers_but())
    danger = plant(site.browser(), app, answers_but(danger_now=["sudden"]))
    sent = plant(site.browser(), app, answers_but())
    places = [walk.url(each) for each in ("danger-now", "check", "result", "contact", "save", "background")]
    receipt = sent.send(CONTACT).location
    return [
        "/c/acme",
        "/c/acme/resume",
        *places,
        danger.url("stop"),
        receipt,
        f"/resume/{leave(app, saved, 'resume')}",
    ]


def _visit(name: str, browser: Browser, starts: list[str]) -> Visitor:
    """Goes everywhere once, so that each request is known."""
    door = browser.client.application
    # Sessions and drafts must live on: the scanners need them.
    crawl = Crawl(browser, _typed, answers_but() | CONTACT, lambda _: None, re.compile("/"), ends=False)
    crawl.run(*starts)
    cookies = "; ".join(f"{each.key}={each.value}" for each in browser.client._cookies.values())  # noqa: SLF001
    headers = (_OWN, f"Cookie: {cookies}") if cookies else (_OWN,)
    return Visitor(name, headers, tuple(starts), tuple(door.heard))


def _typed(found: Field) -> object:
    return "".join(found.standing) or ("2027-01-11" if found.kind == "date" else "12")


def _machine(site: Site, reference: str) -> Visitor:
    with at_clinic(site.installation.app, "acme") as (session, _):
        token = add_token(session, name="EHR", rights=Right, lasts=None, by=None, now=datetime.now(UTC))
        session.commit()
    authorization = f"Authorization: Bearer {token}"
    browser = site.browser()
    shown = {"Authorization": f"Bearer {token}"}
    starts = ["/api/v1/openapi.json", f"/api/v1/requests/{reference}", f"/fhir/Bundle/{reference}"]
    queries = (
        "/api/v1/requests?state=new&kind=consultation&received_from=2026-01-01T00:00:00Z&after=0000000000&limit=5",
        "/fhir/QuestionnaireResponse?_id=1&identifier=2&status=completed&authored=ge2026&_count=5&_lastUpdated=ge2026",
        "/fhir/Questionnaire?url=x&version=1",
    )
    for path in (*starts, *queries):
        browser.client.get(path, headers=shown)
    for method, path, body in (
        (
            "POST",
            f"/api/v1/requests/{reference}/decisions",
            {"version": 1, "to_state": "accepted", "reason": "x"},
        ),
        ("POST", "/api/v1/webhooks", {"address": site.receiver.address, "events": ["request.received"]}),
        (
            "POST",
            "/fhir/QuestionnaireResponse",
            {"resourceType": "QuestionnaireResponse", "questionnaire": "x"},
        ),
    ):
        browser.client.open(path, method=method, json=body, headers=shown)
    return Visitor("token", (authorization,), (*starts, *queries), tuple(browser.client.application.heard))


# ---------------------------------------------------------------- wapiti


def wapiti(site: Site, visitor: Visitor, seconds: float) -> Iterator[tuple[str, str]]:
    """What it found, and where."""
    report = site.folder / f"wapiti-{visitor.name}.json"
    command = [_WAPITI, "-u", f"{site.address}/", "-m", _MODULES, "-f", "json", "-o", report, "-d", "5"]
    command += ["--no-bugreport", "--flush-session", "--scope", "folder", "-v", "0"]
    command += [
        "--store-session",
        site.folder / "wapiti",
        "--dns-endpoint",
        "localhost",
        "--max-links-per-page",
        "30",
    ]
    command += ["--max-files-per-dir", "30", "--max-scan-time", str(int(seconds * _SHARE_OF_WALK))]
    command += ["--max-attack-time", str(int(seconds * (1 - _SHARE_OF_WALK) / (_MODULES.count(",") + 1)))]
    for start in visitor.starts:
        command += ["-s", f"{site.address}{start}"]
    for header in visitor.headers:
        # It drops a cookie that comes as a header.
        name, _, value = header.partition(": ")
        command += ["-C", value] if name == "Cookie" else ["-H", header]
    slugs = [f"/desk/clinics/{slug}/switch" for slug in ("acme", "other")]
    for end in ("/staff/logout", "/desk/account/sign-out-everywhere", *slugs):
        command += ["-x", f"{site.address}{end}"]
    said = site.folder / f"wapiti-{visitor.name}.log"
    with said.open("wb") as log:
        # It asks whether to go on where it is stopped: nobody is there.
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            timeout=_LATEST * seconds + 60,
            check=False,
        )
    if not report.exists():
        raise RuntimeError(f"wapiti as {visitor.name} told nothing: {said.read_text()[-2000:]}")
    found = json.loads(report.read_text())
    for kind in ("vulnerabilities", "anomalies"):
        for what, cases in found[kind].items():
            for case in cases:
                yield f"wapiti, {what}: {case['info']}", f"{case['method']} {shape_of(case['path'])}"


# ---------------------------------------------------------------- sqlmap


def requests_of(everybody: list[Visitor]) -> Iterator[tuple[Visitor, Heard, str]]:
    """Each request that carries something, once by its shape, and what is to be tried in it.

    Where it carries nothing but what its address names, that is tried.
    """
    seen: set[tuple[str, ...]] = set()
    for visitor, heard in ((each, heard) for each in everybody for heard in each.heard):
        path, _, query = heard.path.partition("?")
        names = _names_in(heard, query)
        kind = (heard.method, shape_of(path), *names)
        if kind in seen or _ENDS.search(path):
            continue
        seen.add(kind)
        if names:
            yield visitor, heard, ",".join(names)
        elif shape_of(path) != path:
            named = re.sub(r"/([0-9A-HJKMNP-TV-Z]{10}|[A-Za-z0-9_-]{30,}|\d+)(?=/|$)", r"/\1*", path)
            yield visitor, Heard(heard.method, named, heard.kind, b""), "its address"


def _names_in(heard: Heard, query: str) -> list[str]:
    body = heard.body.decode(errors="replace")
    sent = parse_qs(query, keep_blank_values=True)
    if heard.kind.startswith("application/x-www-form"):
        sent |= parse_qs(body, keep_blank_values=True)
    elif body:
        # Of JSON, and of a form with a file.
        return sorted({*re.findall(r'"(\w+)":', body), *re.findall(r'name="(\w+)"', body)} - _TOKENS)
    return sorted(set(sent) - _TOKENS)


def sqlmap(site: Site, visitor: Visitor, heard: Heard) -> str:
    """What can be injected into a request, or nothing."""
    headers = [f"Host: {urlsplit(site.address).netloc}", *visitor.headers]
    headers += [f"Content-Type: {heard.kind}"] if heard.kind else []
    request = site.folder / "request.txt"
    head = "\r\n".join([f"{heard.method} {heard.path} HTTP/1.1", *headers, "", ""])
    request.write_bytes(head.encode() + heard.body)
    engine = "PostgreSQL" if site.postgres else "SQLite"
    command = [
        "sqlmap",
        "-r",
        request,
        "--batch",
        "--ignore-stdin",
        "--disable-coloring",
        "--dbms",
        engine,
        "--flush-session",
    ]
    command += [
        "--level",
        os.environ.get("LEVEL") or "1",
        "--risk",
        "2",
        "--technique",
        "BEUT",
        "--time-sec",
        "3",
    ]
    command += ["--ignore-code", "400,401,403,404,405,409,410,413,422,429", "--drop-set-cookie"]
    command += ["--param-exclude", "|".join(sorted(_TOKENS)), "--output-dir", site.folder / "sqlmap"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SQLMAP_SECONDS, check=False)
        told = done.stdout
    except subprocess.TimeoutExpired as late:
        told = (late.stdout or b"").decode(errors="replace")
    with (site.folder / "sqlmap.log").open("a") as log:
        log.write(f"\n== {heard.method} {heard.path}\n{told}")
    if "testing if" not in told and "testing for" not in told:
        raise RuntimeError(f"sqlmap tried nothing: {told[-1500:]}")
    found = re.search(r"identified the following injection point.*?---(.*?)---", told, re.DOTALL)
    return " ".join(found[1].split())[:300] if found else ""


# ---------------------------------------------------------------- the verdict


@dataclass
class Findings:
    """Each once; those that are none, with the reason why."""

    wrong: dict[tuple[str, str], int] = field(default_factory=dict)
    allowed: dict[str, int] = field(default_factory=dict)

    def add(self, what: str, where: str) -> None:
        for (found, place), reason in ALLOWED.items():
            if re.search(found, what) and re.search(place, where):
                self.allowed[reason] = self.allowed.get(reason, 0) + 1
                return
        self.wrong[what, where] = self.wrong.get((what, where), 0) + 1


def scan(site: Site, minutes: float) -> tuple[Findings, int, int]:
    """What was found; how many requests sqlmap was given, and how many there were."""
    findings, ends = Findings(), time.monotonic() + minutes * 60
    everybody = list(visitors(site))
    asked = list(requests_of(everybody))
    click.echo(f"{len(everybody)} visitors, {len(asked)} requests that carry something")
    left = ends - time.monotonic()
    for visitor in everybody:
        for what, where in wapiti(site, visitor, left * _SHARE_OF_WAPITI / len(everybody)):
            findings.add(what, f"{visitor.name}: {where}")
        click.echo(f"wapiti as {visitor.name}: {len(findings.wrong)} to be looked at so far")
    tried = 0
    # Not one visitor after the other: where the time is too short, each has had some of it.
    for visitor, heard, names in sorted(asked, key=lambda each: hash(each[1].path)):
        if time.monotonic() > ends:
            break
        injected = sqlmap(site, visitor, heard)
        tried += 1
        if injected:
            findings.add(
                f"sqlmap: {injected}", f"{visitor.name}: {heard.method} {shape_of(heard.path)} {names}"
            )
    for line in site.log.read_text(errors="replace").splitlines():
        if "failure at" in line or '"failure"' in line:
            findings.add(f"the server failed: {line[:200]}", "log")
    return findings, tried, len(asked)


def main() -> int:
    kind, minutes = os.environ.get("DB") or "sqlite", float(os.environ.get("MINUTES") or 30)
    with serving(kind) as site:
        findings, tried, asked = scan(site, minutes)
        if os.environ.get("KEEP"):
            shutil.copytree(site.folder, os.environ["KEEP"], dirs_exist_ok=True)
    for reason, number in findings.allowed.items():
        click.echo(f"{number} times none: {reason}")
    for (what, where), number in findings.wrong.items():
        click.echo(f"{number} x {what} | {where}")
    verdict = f"FAILED: {len(findings.wrong)} findings" if findings.wrong else "ok"
    click.echo(f"dast on {kind}, {minutes:g} minutes, sqlmap at {tried} of {asked} requests: {verdict}")
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
