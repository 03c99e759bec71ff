"""sqlmap at each parameter of each door, once: in a request that a visitor of ours made."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Flask
from probes.site import Heard, Site
from probes.visitors import Pass, Visitor
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from screener.domain.questionnaire import QUESTIONNAIRE

# Read by one signature each, at every door.
_TOKENS: Final = frozenset({"csrf_token", "form_token"})
# A request to these may end what other requests need.
_LAST: Final = re.compile(
    r"/(switch|shred|revoke|delete|change|tf-setup|people/\d+|withdraw|contact|pause|sign)(\*|/|$)"
)
# Staff's administrators are asked again after ten minutes.
_RENEW_SECONDS: Final = 240
_LONGEST_SECONDS: Final = 300
_AT_ONCE: Final = 2
_TAKEN: Final = range(200, 400)
_OPTIONS: Final = (
    *("--batch", "--ignore-stdin", "--disable-coloring", "--flush-session", "--drop-set-cookie"),
    *("--risk", "2", "--technique", "BEUT", "--time-sec", "3"),
    *("--ignore-code", "400,401,403,404,405,409,410,413,422,429"),
    # The queue after each of a hundred forms would take most of the time; tokens differ in each page.
    *("--ignore-redirects", "--text-only"),
)


@dataclass(frozen=True)
class Job:
    """A request, and what is to be tried in it; nothing by name: what its address names."""

    visitor: Visitor
    heard: Heard
    endpoint: str
    names: frozenset[str]

    @property
    def title(self) -> str:
        tried = ", ".join(sorted(self.names)) or "its address"
        return f"{self.visitor.name}: {self.heard.method} {self.endpoint} ({tried})"

    @property
    def is_last(self) -> bool:
        return bool(_LAST.search(self.heard.path.partition("?")[0]))


# ---------------------------------------------------------------- what is to be tried


def jobs_of(app: Flask, everybody: Sequence[Visitor]) -> list[Job]:
    """Few requests that hold each parameter of each door; those last that may end something."""
    known = list(_known(app, everybody))
    made = [*_by_name(known), *_by_address(known)]
    return sorted(made, key=lambda job: job.is_last)


@dataclass(frozen=True)
class _Known:
    visitor: Visitor
    heard: Heard
    endpoint: str
    # What its address names in words, by name; numbers and ids are read by the router alone.
    values: Mapping[str, str]
    names: frozenset[str]

    @property
    def was_refused(self) -> bool:
        return self.heard.status not in _TAKEN

    @property
    def door(self) -> str:
        return f"{self.heard.method} {self.endpoint}"


def _known(app: Flask, everybody: Sequence[Visitor]) -> Iterator[_Known]:
    adapter = app.url_map.bind("localhost")
    for visitor, heard in ((each, heard) for each in everybody for heard in each.heard):
        path, _, query = heard.path.partition("?")
        with suppress(HTTPException, RequestRedirect):
            endpoint, values = adapter.match(unquote(path), heard.method)
            # What Flask-Security's addresses name is read by a signature.
            is_ours = not endpoint.startswith("security.")
            if "static" not in endpoint:
                named = {n: v for n, v in values.items() if isinstance(v, str) and is_ours}
                yield _Known(visitor, heard, str(endpoint), named, _names_in(heard, query))


def _names_in(heard: Heard, query: str) -> frozenset[str]:
    body = heard.body.decode(errors="replace")
    names = set(parse_qs(query, keep_blank_values=True))
    if heard.kind.startswith("application/x-www-form"):
        names |= set(parse_qs(body, keep_blank_values=True))
    elif body:
        # Of JSON, and of a form with a file.
        names |= {*re.findall(r'"(\w+)":', body), *re.findall(r'\bname="(\w+)"', body)}
    return frozenset(names - _TOKENS)


def _by_name(known: list[_Known]) -> Iterator[Job]:
    tried: set[tuple[str, str]] = set()
    # Stable: patients come first, whose pages are small.
    for each in sorted(known, key=lambda one: one.was_refused):
        new = {_kind(each.door, name): name for name in sorted(each.names)}
        new = {kind: name for kind, name in new.items() if kind not in tried}
        tried |= set(new)
        if new:
            yield Job(each.visitor, each.heard, each.endpoint, frozenset(new.values()))


def _kind(door: str, name: str) -> tuple[str, str]:
    """As what it is tried at a door: as itself, or as an answer of its kind: one reader reads them."""
    question = QUESTIONNAIRE.find(name.removeprefix("check-"))
    if question is None:
        return door, name
    return door, "check-" if name.startswith("check-") else type(question).__name__


def _by_address(known: list[_Known]) -> Iterator[Job]:
    """Each name once in each room: its doors find what is named by one function."""
    tried: set[tuple[str, str]] = set()
    for each in sorted(known, key=lambda one: (one.was_refused, one.heard.method != "GET")):
        room = each.endpoint.partition(".")[0]
        new = {value for name, value in each.values.items() if (room, name) not in tried}
        tried |= {(room, name) for name in each.values}
        if new:
            parts = each.heard.path.partition("?")[0].split("/")
            marked = "/".join(f"{part}*" if unquote(part) in new else part for part in parts)
            yield Job(each.visitor, each.heard._replace(path=marked), each.endpoint, frozenset())


# ---------------------------------------------------------------- trying


@dataclass
class Tried:
    """What sqlmap found, what it did not come to, and who was not let in any more."""

    jobs: int = 0
    injected: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def try_all(site: Site, jobs: list[Job], ends: float) -> Tried:
    tried, passes = Tried(), _Passes()

    def take(job: Job) -> None:
        if time.monotonic() > ends:
            tried.left.append(job.title)
            return
        given = passes.of(job.visitor, anew=job.is_last)
        _note(job, _run(site, job, given), tried)
        if not job.is_last and not job.visitor.is_in(site, given):
            tried.lost.append(job.title)
            passes.forget(job.visitor)

    with ThreadPoolExecutor(_AT_ONCE) as several:
        list(several.map(take, [job for job in jobs if not job.is_last]))
    for job in jobs:
        if job.is_last:
            take(job)
    return tried


class _Passes:
    """What each visitor shows, had anew before it is too old."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[float, Pass]] = {}
        self._lock = threading.Lock()

    def of(self, visitor: Visitor, *, anew: bool) -> Pass:
        with self._lock:
            since, held = self._held.get(visitor.name, (float("-inf"), Pass()))
            if anew or time.monotonic() - since > _RENEW_SECONDS:
                held = visitor.enter()
                self._held[visitor.name] = time.monotonic(), held
            return held

    def forget(self, visitor: Visitor) -> None:
        with self._lock:
            self._held.pop(visitor.name, None)


def _note(job: Job, told: str, tried: Tried) -> None:
    tried.jobs += 1
    if injected := re.search(r"identified the following injection point.*?---(.*?)---", told, re.DOTALL):
        tried.injected[job.title] = " ".join(injected[1].split())[:300]
    if missing := missing_of(job, told):
        tried.left.append(f"{job.title}: {', '.join(sorted(missing))}")


def missing_of(job: Job, told: str) -> set[str]:
    """What sqlmap was to try and did not come to the end of."""
    ended = set(re.findall(r"parameter '(?:[A-Z]+ )?([^']+)' does not seem to be injectable", told))
    if not job.names:
        return set() if ended else {"address"}
    # A list's values in JSON have no name there.
    return set() if any(each.startswith("#") for each in ended) else set(job.names - ended)


def _run(site: Site, job: Job, shown: Pass) -> str:
    """What sqlmap said."""
    folder = site.folder / f"sqlmap-{threading.get_ident()}"
    folder.mkdir(exist_ok=True)
    request = folder / "request.txt"
    request.write_bytes(_written(site, job.heard, shown))
    command = ["sqlmap", "-r", str(request), *_OPTIONS, "--output-dir", str(folder)]
    command += ["--dbms", "PostgreSQL" if site.postgres else "SQLite"]
    command += ["--level", os.environ.get("LEVEL") or "1"]
    command += ["-p", ",".join(sorted(job.names))] if job.names else []
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False)
        told = done.stdout
    except subprocess.TimeoutExpired as late:
        told = (late.stdout or b"").decode(errors="replace")
    with (site.folder / "sqlmap.log").open("a") as log:
        log.write(f"\n== {time.monotonic() - began:.1f} s {job.title}\n{told}")
    return told


def _written(site: Site, heard: Heard, shown: Pass) -> bytes:
    """The request as the visitor would send it now."""
    headers = [f"Host: {urlsplit(site.address).netloc}", *shown.headers]
    headers += [f"Content-Type: {heard.kind}"] if heard.kind else []
    head = "\r\n".join([f"{heard.method} {heard.path} HTTP/1.1", *headers, "", ""])
    token = shown.csrf_token.encode()
    body = re.sub(rb"(\bcsrf_token=|name=\"csrf_token\"\r\n\r\n)[^&\r]*", rb"\g<1>" + token, heard.body)
    return head.encode() + body
