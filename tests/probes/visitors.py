"""Who the scanners go about as: each was everywhere once as a person is, so that their requests are known."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from builders import CONTACT, OWNER, PASSWORD
from probes.crawl import Crawl
from probes.fields import FIXED, Field
from probes.site import Heard, Site
from sqlalchemy import update
from sqlalchemy.exc import OperationalError
from web.client import Browser
from web.walking import (
    add_requests,
    answers_but,
    at_clinic,
    enter_password,
    forget_failures,
    leave,
    plant,
    sign_in,
    token_of,
)

from screener.domain.rights import Right
from screener.store.api_tokens import add_token
from screener.store.staff import find_person, set_roles
from screener.store.tables import ApiToken

# As a browser says that the person came from our own page.
_OWN: Final = "Sec-Fetch-Site: same-origin"
_REFUSED: Final = 400
# A few tries at a time are free.
_FORGET_SECONDS: Final = 0.1
# Sessions, drafts and clinics must live on: the scanners need them.
_SPARED: Final = re.compile(r"^/d/.*/contact|/logout|/sign-out-everywhere|/shred|/switch")
_ROLES: Final = {
    "intake@acme.example": ["intake"],
    "clinician@acme.example": ["clinician"],
    "admin@acme.example": ["clinic_admin", "intake"],
}
_KINDS: Final = {
    "date": "2027-01-11",
    "datetime-local": "2027-01-11T10:00",
    "email": "somebody@example.com",
    "tel": "(626) 555-0100",
}
_DAY: Final = "2026-01-01T00:00:00Z"
_SEARCHES: Final = ("_count=5&authored=ge2026-01-01", "identifier=x", "questionnaire=x", "after=x")
_TYPED: Final = FIXED | {
    "password": PASSWORD,
    "slug": "third",
    "origins": "https://www.acme.example",
    "sites": "https://www.acme.example",
}


class Pass(NamedTuple):
    """What somebody shows with each request."""

    headers: tuple[str, ...] = (_OWN,)
    csrf_token: str = ""


@dataclass
class Visitor:
    """Somebody a scanner goes about as."""

    name: str
    starts: tuple[str, ...]
    # Where their pages are; one that opens to nobody who is not signed in as they are, and was lately.
    inside: str
    own: str
    heard: tuple[Heard, ...]
    enter: Callable[[], Pass] = Pass

    def is_in(self, site: Site, shown: Pass) -> bool:
        door = HTTPConnection(urlsplit(site.address).netloc, timeout=60)
        door.request("GET", self.own, headers=dict(each.split(": ", 1) for each in shown.headers))
        answer = door.getresponse()
        door.close()
        return answer.status < _REFUSED and "/staff/" not in (answer.getheader("Location") or "")


def visitors(site: Site) -> Iterator[Visitor]:
    app = site.installation.app
    # One of the mails is refused for good: staff see it and decide.
    site.office.to_recipient.append("550 no such person")
    people = [(f"Person {number}", answers_but(), datetime.now(UTC)) for number in range(4)]
    references = add_requests(app, people)
    yield _patient(site)
    site.deliver()
    request = f"/desk/acme/requests/{references[0]}"
    yield _member(site, "intake@acme.example", "/desk/acme/queue", request)
    yield _member(site, "clinician@acme.example", "/desk/acme/queue", request)
    yield _member(site, "admin@acme.example", "/desk/acme/people", "/desk/acme/queue", request)
    yield _member(site, OWNER, "/desk/clinics")
    yield _machine(site, references[3])
    yield _stranger(site)
    yield _half(site)


@contextmanager
def nobody_waits(site: Site) -> Iterator[None]:
    """Without the limits of tries and calls, which refuse a scanner before what it sends is read."""
    app, over = site.installation.app, threading.Event()

    def forget() -> None:
        while not over.wait(_FORGET_SECONDS):
            with suppress(OperationalError):
                forget_failures(app)
                with at_clinic(app, "acme") as (session, _):
                    session.execute(update(ApiToken).where(ApiToken.calls > 0).values(calls=0))
                    session.commit()

    clock = threading.Thread(target=forget)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join()


# ---------------------------------------------------------------- patients


def _patient(site: Site) -> Visitor:
    app, browser = site.installation.app, site.browser()
    walk, saved, sent = (plant(site.browser(), app, answers_but()) for _ in range(3))
    danger = plant(site.browser(), app, answers_but(danger_now=["sudden"]))
    places = ("danger-now", "check", "result", "contact", "save", "background")
    starts = (
        "/c/acme",
        "/c/acme/resume",
        *(walk.url(each) for each in places),
        danger.url("stop"),
        sent.send(CONTACT).location,
        f"/resume/{leave(app, saved, 'resume')}",
    )
    heard = _walk(site, browser, "/", *starts)
    return Visitor("patient", starts, "/(c|d|r|resume)/", walk.url("check"), heard)


def _walk(site: Site, browser: Browser, inside: str, *starts: str) -> tuple[Heard, ...]:
    door: Any = browser.client.application
    # How they came in is not theirs to do again.
    before = len(door.heard)
    crawl = Crawl(
        browser,
        lambda found: _typed(site, found),
        answers_but() | CONTACT,
        lambda _: None,
        re.compile(inside),
        spared=_SPARED,
        asks=True,
    )
    crawl.run(*starts)
    return tuple(door.heard[before:])


def _typed(site: Site, found: Field) -> object:
    if found.kind == "file":
        return None
    usual = "".join(found.standing) or _KINDS.get(found.kind, "12")
    return ({"address": site.receiver.address} if found.kind != "email" else {}).get(
        found.name, _TYPED.get(found.name, usual)
    )


# ---------------------------------------------------------------- staff


def _member(site: Site, email: str, own: str, *more: str) -> Visitor:
    starts = ("/desk/", "/desk/account", own, *more, "/staff/verify")

    def enter() -> Browser:
        forget_failures(site.installation.app)
        _employ(site, email)
        return sign_in(site.browser(), email)

    heard = _walk(site, enter(), "/(desk|staff)", *starts)
    return Visitor(email, starts, "/desk/", own, heard, lambda: _pass_of(enter(), "/desk/account"))


def _employ(site: Site, email: str) -> None:
    """With their roles again: an administrator who presses every button takes them away."""
    with at_clinic(site.installation.app, "acme") as (session, clinic):
        person = find_person(session, email)
        if person is None:
            raise LookupError(email)
        at = {"staff_id": person.id, "clinic_id": clinic.id}
        set_roles(session, **at, roles=_ROLES.get(email, []), now=datetime.now(UTC))
        session.commit()


def _stranger(site: Site) -> Visitor:
    starts = ("/staff/login", "/staff/reset")
    heard = _walk(site, site.browser(), "/staff", *starts)
    return Visitor(
        "stranger", starts, "/staff/", "/staff/login", heard, lambda: _pass_of(site.browser(), "/staff/login")
    )


def _half(site: Site) -> Visitor:
    """Knows a password, and not the code."""

    def begin() -> Browser:
        forget_failures(site.installation.app)
        browser = site.browser()
        enter_password(browser, browser.get("/staff/login"), "intake@other.example")
        return browser

    step, *others = (f"/staff/{step}" for step in ("tf-validate", "mf-recovery", "tf-rescue", "tf-select"))
    heard = _walk(site, begin(), "/staff/(tf|mf)-", step, *others)
    return Visitor(
        "half signed in", (step, *others), "/staff/(tf|mf)-", step, heard, lambda: _pass_of(begin(), step)
    )


def _pass_of(browser: Browser, place: str) -> Pass:
    token = str(token_of(browser.get(place))["csrf_token"])
    cookies = "; ".join(f"{each.key}={each.value}" for each in browser.client._cookies.values())  # noqa: SLF001
    return Pass((_OWN, f"Cookie: {cookies}"), token)


# ---------------------------------------------------------------- machines


def _token(site: Site) -> str:
    """As a header, and a new one each time: an administrator who presses every button revokes them."""
    with at_clinic(site.installation.app, "acme") as (session, _):
        token = add_token(session, name="EHR", rights=Right, lasts=None, by=None, now=datetime.now(UTC))
        session.commit()
    return f"Bearer {token}"


def _machine(site: Site, reference: str) -> Visitor:
    browser, shown = site.browser(), {"Authorization": _token(site)}
    starts = (
        "/api/v1/openapi.json",
        "/api/v1/webhooks",
        f"/api/v1/requests/{reference}",
        f"/fhir/Bundle/{reference}",
        f"/fhir/QuestionnaireResponse/{reference}",
        "/fhir/Questionnaire",
        "/fhir/CodeSystem",
        f"/api/v1/requests?state=new&kind=consultation&received_from={_DAY}&received_before={_DAY}&limit=5",
        f"/api/v1/requests?after={reference}",
        *(f"/fhir/QuestionnaireResponse?{each}" for each in _SEARCHES),
        "/fhir/Questionnaire?url=x&version=1",
    )
    for path in starts:
        browser.client.get(path, headers=shown)
    for method, path, body in _bodies(site, reference):
        browser.client.open(path, method=method, json=body, headers=shown)
    hooks = browser.client.get("/api/v1/webhooks", headers=shown).json
    for hook in hooks["webhooks"][:1] if hooks else ():
        change = {"events": ["request.received"]}
        browser.client.patch(f"/api/v1/webhooks/{hook['id']}", json=change, headers=shown)
    door: Any = browser.client.application
    return Visitor(
        "token",
        starts,
        "/(api|fhir)/",
        "/api/v1/webhooks",
        tuple(door.heard),
        lambda: Pass((f"Authorization: {_token(site)}",)),
    )


def _bodies(site: Site, reference: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    decision = {"version": 1, "to": "accepted", "reason": "x"}
    yield "POST", f"/api/v1/requests/{reference}/decisions", decision
    hook = {"address": site.receiver.address, "events": ["request.received"]}
    yield "POST", "/api/v1/webhooks", hook
    answers = {"resourceType": "QuestionnaireResponse", "questionnaire": "x"}
    yield "POST", "/fhir/QuestionnaireResponse", answers
