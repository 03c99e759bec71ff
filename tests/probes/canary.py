"""`make canary`: a word of its own into every field there is, looked for where none may be (P11).

The fields are those of the forms that the pages hold, of the questionnaire and of the API's description, so a
new one takes part by itself; a door that takes a form and was not tried is told, and fails the run.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus

import click
import psycopg
from builders import CONTACT, EVERY_PAGE, OWNER, PASSWORD, as_form
from conftest import past_the_walls
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from probes.crawl import Crawl
from probes.fields import FIXED, Field, forms_on, own_links, shape_of
from probes.marks import Marks
from probes.site import Site, serving, untried
from sqlalchemy import make_url, text
from web.client import Browser, Page
from web.test_fhir import PATIENT
from web.walking import (
    add_requests,
    answers_but,
    at_clinic,
    begin,
    enter_password,
    leave,
    plant,
    sign_in,
)

from screener.domain.question import Number, Text
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.rights import Right
from screener.settings import INSTANCE
from screener.store.api_tokens import add_token
from screener.store.staff import add_membership, find_person

# What may be found where, as (field, place) patterns, and why.
ALLOWED: Final[Mapping[tuple[str, str], str]] = {
    ("", "^address of a mail"): "a mail needs the address it goes to, which leaves the outbox with it",
    (" address$", "^webhook$"): "a message goes to the address that the clinic's administrator gave",
    (
        "",
        "^refusal 409 of /desk/",
    ): "the record as it is now, shown to who may read it, with why nothing was done",
    ("^address /desk/", "^address$"): "the page somebody asked for is opened once they signed in",
    (
        "^[a-z]+ name$",
        "^address$",
    ): "what staff call their passkey, in one step's signed address; not a patient's",
    ("^(admin|owner) (email|name)$", "^(database|dump)"): "staff are found by these at sign-in",
    (
        r"^(admin|owner) (name|slug|phone|hours|sites|origins|(intro|what_next)_\w+)$",
        "^(database|dump|mail|refusal|address)",
    ): "what a clinic says of itself on its own public pages",
    ("^admin sender_name$", "^(database|dump|mail)"): "the clinic's own name, as its mail shows it",
}
# Doors that take something and that this rig does not go through, and why.
_PASSKEY: Final = "takes a passkey's signature, and nothing that is typed"
_A_STEP: Final = "takes a code of staff, as the step of signing in does that is tried"
_NO_FIELD: Final = "takes nothing that is typed"
NOT_TRIED: Final[Mapping[str, str]] = {
    "security.wan_delete": _PASSKEY,
    "security.wan_signin": _PASSKEY,
    "security.wan_signin_response": _PASSKEY,
    "security.wan_verify": _PASSKEY,
    "security.wan_verify_response": _PASSKEY,
    "security.reset_password": "takes a new password by a mailed link, as its change does, which is tried",
    "security.tf_select": _A_STEP,
    "security.mf_recovery": _A_STEP,
    "security.two_factor_rescue": _A_STEP,
    "duplicates.decide": _NO_FIELD,
    "keeping.charted": _NO_FIELD,
    "confirm.sign": _NO_FIELD,
    "confirm.discard": _NO_FIELD,
    "account.here": _NO_FIELD,
    "api.remove_webhook": _NO_FIELD,
    "work.still_open": _NO_FIELD,
}
_STAFF: Final = ("clinician@acme.example", "admin@acme.example", "intake@acme.example", OWNER)
_PATIENT_PAGES: Final = re.compile(r"/[cdr]/|/resume")
_STAFF_PAGES: Final = re.compile(r"/desk|/staff|/d/")
# Shorter codes may be part of other words.
_TELLING: Final = 8
_REFUSED: Final = 400
_SHOWN_AGAIN: Final = 422


@dataclass
class Rig:
    """Types into all that can be typed into, and remembers what it was told."""

    site: Site
    marks: Marks = field(default_factory=Marks)
    # Addresses that the app gave, what it refused with, what it showed.
    addresses: set[str] = field(default_factory=set)
    refusals: defaultdict[str, bytes] = field(default_factory=lambda: defaultdict(bytes))
    shown: list[bytes] = field(default_factory=list)
    # Forms that were refused although they were filled in as they should be.
    refused: dict[str, list[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    sent: set[tuple[object, ...]] = field(default_factory=set)
    answers: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = [question.id for question in QUESTIONNAIRE if isinstance(question, Text)]
        self.answers = EVERY_PAGE | {name: self.marks.word(f"patient {name}") for name in texts}
        for name, answer in EVERY_PAGE.items():
            for code in as_form(answer):
                if "_" in code and len(code) >= _TELLING:
                    self.marks.code(code, f"patient {name}, chosen")

    # ------------------------------------------------------------ what is seen

    def see(self, page: Page) -> None:
        asked, data = page.response.request, page.response.get_data()
        is_read = page.response.mimetype == "text/html" and not page.location
        actions = {form.action for form in forms_on(page)} if is_read else set()
        self.addresses |= {page.location, *actions, *(own_links(page) if is_read else ())}
        if page.status < _REFUSED or page.status == _SHOWN_AGAIN:
            self.shown.append(data)
        else:
            self.refusals[f"refusal {page.status} of {shape_of(asked.path)}"] += data

    def crawl(self, browser: Browser, who: str, inside: re.Pattern[str], *starts: str) -> None:
        chosen = CONTACT | self.answers | {"show": "all"}
        chosen = {n: v for n, v in chosen.items() if n not in _typed_of_contact()}
        crawl = Crawl(browser, lambda found: self.type(found, who), chosen, self.see, inside)
        crawl.sent = self.sent
        crawl.run(*starts)
        self.refused |= crawl.refused
        self.broken += crawl.broken

    def typed(self) -> set[str]:
        """Marks that a patient typed as an answer."""
        return {str(self.answers[question.id]) for question in QUESTIONNAIRE if isinstance(question, Text)}

    def untried(self) -> list[str]:
        """Doors that take something and that nothing was sent to."""
        heard = [each for door in self.site.doors for each in door.heard]
        left = untried(self.site.installation.app, heard)
        return [each for each in left if each.split()[1] not in NOT_TRIED]

    # ------------------------------------------------------------ what is typed

    def type(self, found: Field, who: str) -> object:
        """A mark in the shape the field wants; what takes only certain values stays as it stands."""
        place, standing = f"{who} {found.name}", "".join(found.standing)
        if found.name in FIXED:
            return FIXED[found.name]
        if found.name == "password":
            return PASSWORD
        question = QUESTIONNAIRE.find(found.name)
        if isinstance(question, Number):
            return str(question.minimum)
        match found.kind:
            case "file":
                return self._picture(place), f"{self.marks.word(f'{place} (its name)')}.png"
            case "date" | "datetime-local":
                day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
                return day if found.kind == "date" else f"{day}T10:00"
        is_number = found.kind in {"number", "color", "time"} or re.fullmatch(r"[\d #:.-]+", standing)
        return (standing or "3") if is_number else self._words(found, place)

    def _words(self, found: Field, place: str) -> str:
        name = found.name
        if "email" in name or found.kind == "email":
            return f"{self.marks.word(place)}@example.com"
        if "phone" in name or found.kind == "tel":
            return self.marks.phone(place)
        if "birth_date" in name:
            return self.marks.birth_date(place)
        if name in {"origins", "sites"}:
            return f"https://{self.marks.word(place)}.example.org"
        if name == "address":
            return f"{self.site.receiver.address}-{self.marks.word(place)}"
        if name == "slug":
            return self.marks.word(place)
        return f"{self.marks.word(place)} and words"

    def _picture(self, place: str) -> BytesIO:
        """With a mark within that nobody sees."""
        hidden, picture = PngInfo(), BytesIO()
        hidden.add_text("Comment", self.marks.word(f"{place} (within)"))
        Image.new("RGB", (80, 40), "navy").save(picture, "PNG", pnginfo=hidden)
        picture.seek(0)
        return picture


def _typed_of_contact() -> set[str]:
    return {"contact_name", "contact_birth_date", "contact_phone", "contact_email"}


# ---------------------------------------------------------------- who types


def patients(rig: Rig) -> None:
    """One who sends, one in danger, one who comes back by link, one at the door for links from elsewhere."""
    app, browser = rig.site.installation.app, rig.site.browser()
    rig.see(browser.get("/c/acme?embed=1&po=https://www.acme.example&eid=123456"))
    walk = begin(browser)
    walk.to_check(rig.answers)
    rig.crawl(
        browser, "patient", _PATIENT_PAGES, walk.url("result"), walk.url("danger-now"), "/c/acme/resume"
    )
    other = rig.site.browser()
    danger = begin(other)
    danger.to_check({"danger_now": ["sudden"]})
    rig.crawl(other, "patient in danger", _PATIENT_PAGES, danger.url("stop"))
    saved = plant(rig.site.browser(), app, rig.answers)
    rig.crawl(saved.browser, "patient who returns", _PATIENT_PAGES, f"/resume/{leave(app, saved, 'resume')}")
    door = plant(rig.site.browser(), app, rig.answers)
    shown = door.get("check", site="none")
    Crawl(door.browser, lambda found: rig.type(found, "door"), {}, rig.see, _PATIENT_PAGES).take(shown)


def _sends(rig: Rig) -> None:
    """A request that stays, with a mark in each field of its form."""
    walk = plant(rig.site.browser(), rig.site.installation.app, rig.answers)
    page = walk.get("contact")
    (form,) = (each for each in forms_on(page) if "contact_name" in each.fields and each.action == page.path)
    chosen = {name: value for name, value in CONTACT.items() if name not in _typed_of_contact()}
    sent = form.filled(lambda found: rig.type(found, "patient whom staff read of"), chosen)
    answer = walk.browser.post(page.path, sent)
    if not answer.location.startswith("/r/"):
        raise RuntimeError(f"the request was not sent: {answer.problems}")
    rig.see(walk.browser.follow(answer))


def _signs(rig: Rig) -> str:
    """The page of a signed history, which can be amended: filling in by chance never leads to one."""
    (reference,) = add_requests(rig.site.installation.app, [("Sam", rig.answers, datetime.now(UTC))])
    browser, place = sign_in(rig.site.browser(), _STAFF[0]), f"/desk/acme/requests/{reference}/history"
    browser.submit(browser.get(f"{place}/confirm"), **{"check-age": "as_said"})
    signed = browser.submit(browser.get(f"{place}/sign"), agree="yes")
    if not signed.location.endswith("/signed/1"):
        raise RuntimeError(f"the history was not signed: {signed.problems}")
    return signed.location


def staff(rig: Rig) -> None:
    app = rig.site.installation.app
    # One of the mails is refused for good: staff see it and decide.
    rig.site.office.to_recipient.append("550 no such person")
    for _ in range(3):
        _sends(rig)
    signed = _signs(rig)
    rig.site.deliver()
    with at_clinic(app, "acme") as (session, clinic):
        admin = find_person(session, "admin@acme.example")
        add_membership(session, staff_id=admin.id, clinic_id=clinic.id, role="intake")
        session.commit()
    for email in _STAFF:
        browser = sign_in(rig.site.browser(), email)
        starts = ["/desk/clinics"] if email == OWNER else [signed, "/desk/acme/queue"]
        rig.crawl(browser, email.split("@")[0], _STAFF_PAGES, "/desk/", "/desk/account", *starts)
    rig.crawl(rig.site.browser(), "stranger", _STAFF_PAGES, "/staff/login", "/staff/reset")
    half = rig.site.browser()
    enter_password(half, half.get("/staff/login"), _STAFF[0])
    steps = ("tf-select", "tf-validate", "mf-recovery", "tf-rescue")
    rig.crawl(half, "half signed in", _STAFF_PAGES, *(f"/staff/{step}" for step in steps))
    again = sign_in(rig.site.browser(), _STAFF[0])
    rig.crawl(again, "asked again", re.compile("/staff/verify"), "/staff/verify")


def machines(rig: Rig) -> None:
    """The API as it describes itself, and FHIR: bodies of marks alone, then ones that are taken."""
    app, client = rig.site.installation.app, rig.site.browser().client
    (reference,) = add_requests(app, [("Robin", rig.answers, datetime.now(UTC))])
    with at_clinic(app, "acme") as (session, _):
        token = add_token(session, name="EHR", rights=Right, lasts=None, by=None, now=datetime.now(UTC))
        session.commit()
    shown = {"Authorization": f"Bearer {token}"}

    def call(method: str, path: str, body: Any = None) -> Any:
        page = Page(path, client.open(path, method=method, json=body, headers=shown))
        rig.see(page)
        return page.response.json

    description = call("GET", "/api/v1/openapi.json")
    for path, method, schema in _doors_with_bodies(description):
        place = path.replace("{reference}", reference)
        if "{webhook_id}" in place:
            place = place.replace("{webhook_id}", call("GET", "/api/v1/webhooks")["webhooks"][0]["id"])
        for is_right in (False, True):
            mark = f"API {method} {path}"
            call(
                method,
                place,
                _body(rig, schema, description["components"]["schemas"], mark, is_right=is_right),
            )
    call("GET", f"/api/v1/requests/{reference}")
    theirs = call("GET", f"/fhir/QuestionnaireResponse/{reference}")
    sent = {name: value for name, value in theirs.items() if name not in {"id", "identifier", "source"}}
    sent |= {"contained": [PATIENT], "subject": {"reference": "#who"}}
    call("POST", "/fhir/QuestionnaireResponse", _remarked(rig, sent, "FHIR", _TYPED_IN_FHIR))
    call("POST", "/fhir/QuestionnaireResponse", _remarked(rig, sent, "FHIR, refused", None))


_TYPED_IN_FHIR: Final = frozenset({"valueString", "family", "given", "email", "phone"})


def _doors_with_bodies(description: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, about in methods.items():
            if "requestBody" in about:
                yield path, method.upper(), about["requestBody"]["content"]["application/json"]["schema"]


def _body(
    rig: Rig, schema: Mapping[str, Any], named: Mapping[str, Any], place: str, *, is_right: bool
) -> Any:
    """Something of this schema, or at least of its shape."""
    schema = named[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if is_right and ("enum" in schema or "const" in schema):
        return schema.get("const") or schema["enum"][0]
    match schema.get("type"):
        case "object":
            each = schema.get("properties", {}).items()
            return {n: _body(rig, of, named, f"{place} {n}", is_right=is_right) for n, of in each}
        case "array":
            return [_body(rig, schema["items"], named, place, is_right=is_right)]
        case "integer" | "boolean" if is_right:
            return 1 if schema["type"] == "integer" else True
    is_address = is_right and place.endswith("address")
    return rig.site.receiver.address if is_address else f"{rig.marks.word(place)} and words"


def _remarked(rig: Rig, resource: Any, place: str, typed: frozenset[str] | None) -> Any:
    """With a mark wherever something was typed; without a list, in every text there is."""
    match resource:
        case list():
            return [_remarked(rig, each, place, typed) for each in resource]
        case {"system": ("phone" | "email") as system, "value": str()}:
            mark = (
                rig.marks.phone(f"{place} {system}")
                if system == "phone"
                else rig.marks.word(f"{place} {system}")
            )
            return resource | {"value": mark if system == "phone" else f"{mark}@example.com"}
        case dict():
            return {
                name: [rig.marks.word(f"{place} {name}")]
                if typed and name in typed and isinstance(of, list)
                else rig.marks.word(f"{place} {name}")
                if typed and name in typed and isinstance(of, str)
                else _remarked(rig, of, f"{place} {name}", typed)
                for name, of in resource.items()
            }
        case str() if typed is None:
            return rig.marks.word(place)
    return resource


def strangers(rig: Rig) -> None:
    """Marks in addresses and headers that no page of ours asks for."""
    client = rig.site.browser().client
    for path in ("/{}", "/c/{}", "/c/acme?q={}", "/c/acme?embed=1&po=https://{}.example&eid=1", "/d/{}/check",
                 "/r/{}", "/resume/{}", "/desk/acme/requests/{}", "/desk/acme/queue?after={}", "/fhir/{}",
                 "/api/v1/requests?state={}", "/fhir/Questionnaire?url={}", "/static/{}.css"):  # fmt: skip
        rig.see(Page("", client.get(path.format(rig.marks.word(f"address {path}")))))
        rig.see(Page("", client.post(path.format(rig.marks.word(f"address {path}")))))
    for name in ("User-Agent", "Referer", "Origin", "X-Forwarded-For", "X-Request-ID", "Accept-Language",
                 "Authorization", "Cookie", "Host", "Range", "If-None-Match"):  # fmt: skip
        for path in ("/c/acme", "/staff/login", "/api/v1/requests"):
            rig.see(Page("", client.get(path, headers={name: rig.marks.word(f"header {name}")})))


def troubles(rig: Rig) -> None:
    """What may go wrong with something typed in hand: too long, forged, a table gone, a broken record."""
    app, browser = rig.site.installation.app, rig.site.browser()
    walk = plant(browser, app, answers_but())
    intake = sign_in(rig.site.browser(), "intake@acme.example")
    (reference,) = add_requests(app, [("Lee", answers_but(), datetime.now(UTC))])
    doors = [
        (browser, walk.url("background"), "own_words"),
        (browser, walk.url("contact"), "contact_name"),
        (browser, "/c/acme/resume", "code"),
        (intake, "/desk/acme/queue/search", "q"),
        (intake, f"/desk/acme/requests/{reference}/add/note", "note"),
        (rig.site.browser(), "/staff/login", "email"),
    ]
    forms = [(who, path, name, _tokens(who, path)) for who, path, name in doors]

    def type_all(what: str, **more: str) -> set[int]:
        told = set()
        for who, path, name, token in forms:
            sent = token | {name: rig.marks.word(f"{what} {name}")} | more
            response = who.client.post(path, data=sent, headers={"Sec-Fetch-Site": "same-origin"})
            rig.see(Page(path, response))
            told.add(response.status_code)
        return told

    type_all("forged", form_token="forged", csrf_token="forged")
    if 413 not in type_all("too long", more="x" * 300_000):
        raise RuntimeError("nothing was too long")
    for table in ("drafts", "consultations", "request_notes", "staff"):
        with _away(rig.site, table):
            if table == "drafts" and 503 not in type_all(f"without {table}"):
                raise RuntimeError("the database was there all the time")
            type_all(f"without {table}")
    _execute(rig.site, "UPDATE drafts SET sealed = substr(sealed, 1, 30)")
    _execute(rig.site, "UPDATE screenings SET sealed = substr(sealed, 1, 30)")
    if max(type_all("broken record")) < 500:
        raise RuntimeError("nothing broke")


def _tokens(browser: Browser, path: str) -> dict[str, str]:
    shown = browser.client.get(path, headers={"Sec-Fetch-Site": "same-origin"})
    if shown.location:
        shown = browser.client.get(path.partition("/add/")[0])
    return dict(re.findall(r'name="((?:form|csrf)_token)" value="([^"]+)"', shown.text))


@contextmanager
def _away(site: Site, table: str) -> Iterator[None]:
    _execute(site, f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        _execute(site, f"ALTER TABLE {table}_away RENAME TO {table}")


def _execute(site: Site, statement: str) -> None:
    with past_the_walls(site.installation.app.extensions["screener.database"]) as connection:
        connection.execute(text(statement))


# ---------------------------------------------------------------- where it may not be


def places(rig: Rig) -> Iterator[tuple[str, bytes]]:
    site = rig.site
    yield "log of server and workers", site.log.read_bytes()
    yield "address", "\n".join(map(unquote_plus, rig.addresses)).encode()
    yield from rig.refusals.items()
    for mail in site.office.caught:
        whom = _kind_of(mail["To"])
        yield f"address of a mail to {whom}", mail["To"].encode()
        del mail["To"]
        yield f"mail to {whom}", mail.as_bytes() + str(mail.get_content()).encode()
    for got in site.receiver.got:
        yield "webhook", f"{got.path} {got.headers} ".encode() + got.body
    yield "metrics", _metrics(site)
    yield from _files("temporary file", site.folder / "tmp")
    yield from (each for each in _files("file of the instance", INSTANCE) if each[1])
    if site.postgres:
        yield "dump", _dump(site)
        yield "log of PostgreSQL", (site.postgres.folder / "server.log").read_bytes()
        with psycopg.connect(_superuser(site)) as connection:
            connection.execute("CHECKPOINT")
        yield from _files("database", site.postgres.folder / "data")
    else:
        yield from _files("database", Path(site.installation.settings.database_url[10:]).parent)


def _kind_of(address: str) -> str:
    return "staff" if address.endswith("acme.example") else "patient or whoever was named"


def _files(what: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        if path.suffix != ".log":
            yield f"{what} {path.relative_to(folder)}", path.read_bytes()


def _metrics(site: Site) -> bytes:
    token = site.installation.settings.metrics_token
    return site.browser().client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).data


def _superuser(site: Site) -> str:
    """The database's address for one who passes every wall."""
    url = make_url(site.installation.settings.database_url)
    return url.set(drivername="postgresql", username="postgres").render_as_string()


def _dump(site: Site) -> bytes:
    assert site.postgres
    return subprocess.run(
        [site.postgres.programs / "pg_dump", _superuser(site)], check=True, capture_output=True, timeout=60
    ).stdout


def judge(rig: Rig) -> list[str]:
    """What lies where it may not, each with its field, its place and its writing."""
    wrong, allowed = set(), set()
    for place, data in places(rig):
        for mark, writing in rig.marks.found_in(data).items():
            found = rig.marks.planted[mark]
            reason = next(
                (why for (f, p), why in ALLOWED.items() if re.search(f, found) and re.search(p, place)), ""
            )
            (allowed if reason else wrong).add(f"{found} | {place} | {reason or writing}")
    click.echo(f"{len(rig.marks.planted)} marks, {len(allowed)} where they may be")
    return sorted(wrong)


def drive(site: Site) -> Rig:
    rig = Rig(site)
    for part in (patients, staff, machines, strangers, troubles):
        part(rig)
        site.deliver()
        click.echo(f"{part.__name__}: {len(rig.marks.planted)} marks so far")
    return rig


def main() -> int:
    kind, plants = os.environ.get("DB") or "sqlite", "--plant" in sys.argv
    with serving(kind) as site:
        rig = drive(site)
        if plants:
            with site.log.open("a") as log:
                log.write(f"planted: {base64.b64encode(next(iter(rig.marks.planted)).encode()).decode()}\n")
        wrong = judge(rig) + rig.broken
        shown = rig.marks.found_in(b"\n".join(rig.shown))
        wrong += [
            f"{name} | was never seen again: nothing is proved of it"
            for name in rig.typed()
            if name not in shown
        ]
        wrong += [f"{door} | was not tried: why? (NOT_TRIED)" for door in rig.untried()]
        if os.environ.get("KEEP"):
            shutil.copytree(site.folder, os.environ["KEEP"], dirs_exist_ok=True)
    for what, why in sorted(rig.refused.items()):
        click.echo(f"refused all the same: {what}: {why[:3]}")
    for line in wrong:
        click.echo(line)
    fields = len(set(rig.marks.planted.values()))
    verdict = f"FAILED: {len(wrong)} findings" if wrong else "ok"
    click.echo(f"canary on {kind}: {len(rig.marks.planted)} marks in {fields} fields: {verdict}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
