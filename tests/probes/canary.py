"""`make canary`: a word of its own into every field there is; then they are looked for where none may be (P11).

The fields are those of the forms that the pages hold, of the questionnaire and of the API's description, so a
new one takes part by itself; a door that takes a form and was not tried is told, and fails the run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

import click
import postgres
from builders import CONTACT, EVERY_PAGE, OWNER, PASSWORD
from exports.fhir_samples import response, walked
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from probes.crawl import Crawl
from probes.fields import Field, Form, own_links
from probes.marks import Marks
from probes.site import Site, serving
from sqlalchemy import text
from web.client import Browser, Page
from web.walking import BORN, add_requests, answers_but, at_clinic, begin, leave, plant, sign_in

from screener.domain.question import Text
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.rights import Right
from screener.settings import INSTANCE
from screener.store.api_tokens import add_token
from screener.store.staff import add_membership, find_person

# What may be found where, as (field, place) patterns, and why.
ALLOWED: Final[Mapping[tuple[str, str], str]] = {}
# Doors that take a form and that this rig does not go through, and why.
NOT_TRIED: Final[Mapping[str, str]] = {}
_STAFF: Final = ("intake@acme.example", "clinician@acme.example", "admin@acme.example", OWNER)
_PATIENT_PAGES: Final = re.compile(r"/[cdr]/|/resume")
_STAFF_PAGES: Final = re.compile(r"/desk|/staff|/d/")
_FIXED: Final = {"birth_year": str(BORN), "age": "42"}
_REFUSED: Final = 400
_SHOWN_AGAIN: Final = 422


@dataclass
class Rig:
    """Types into all that can be typed into, and remembers what it was told."""

    site: Site
    marks: Marks = field(default_factory=Marks)
    # Addresses that the app gave, what it refused with, what it showed.
    addresses: set[str] = field(default_factory=set)
    refusals: list[bytes] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)
    tried: set[str] = field(default_factory=set)
    answers: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        texts = [question.id for question in QUESTIONNAIRE if isinstance(question, Text)]
        self.answers = EVERY_PAGE | {name: self.marks.word(f"patient {name}") for name in texts}

    # ------------------------------------------------------------ what is seen

    def see(self, page: Page) -> None:
        is_read = page.response.mimetype == "text/html" and not page.location
        self.addresses |= {page.location, *(own_links(page) if is_read else ())}
        is_refusal = page.status >= _REFUSED and page.status != _SHOWN_AGAIN
        (self.refusals if is_refusal else self.shown).append(page.response.get_data())

    def note(self, form: Form) -> None:
        """Which door this form goes to."""
        self.addresses.add(form.action)
        adapter = self.site.installation.app.url_map.bind("localhost")
        self.tried.add(str(adapter.match(urlsplit(form.action).path, method="POST")[0]))

    def crawl(self, browser: Browser, who: str, inside: re.Pattern[str], *starts: str) -> None:
        chosen = CONTACT | self.answers
        chosen = {n: v for n, v in chosen.items() if n not in _typed_of_contact()}
        Crawl(browser, lambda found: self.type(found, who), chosen, self.see, self.note, inside).run(*starts)

    # ------------------------------------------------------------ what is typed

    def type(self, found: Field, who: str) -> object:
        """A mark in the shape the field wants; what takes only certain values stays as it stands."""
        place, standing = f"{who} {found.name}", "".join(found.standing)
        if found.name in _FIXED:
            return _FIXED[found.name]
        if found.name == "password":
            return PASSWORD
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
    """One who sends; one who is in danger; one who comes back by link; one who was sent a link from elsewhere."""
    app, browser = rig.site.installation.app, rig.site.browser()
    rig.see(browser.get("/c/acme?embed=1&po=https://www.acme.example&eid=123456"))
    walk = begin(browser)
    walk.to_check(rig.answers)
    rig.crawl(browser, "patient", _PATIENT_PAGES, walk.url("result"), walk.url("danger-now"), "/c/acme/resume")
    other = rig.site.browser()
    danger = begin(other)
    danger.to_check({"danger_now": ["sudden"]})
    rig.crawl(other, "patient in danger", _PATIENT_PAGES, danger.url("stop"))
    saved = plant(rig.site.browser(), app, rig.answers)
    rig.crawl(saved.browser, "patient who returns", _PATIENT_PAGES, f"/resume/{leave(app, saved, 'resume')}")
    door = plant(rig.site.browser(), app, rig.answers)
    shown = door.get("check", site="none")
    Crawl(
        door.browser, lambda found: rig.type(found, "door"), {}, rig.see, rig.note, _PATIENT_PAGES
    )._take(shown)


def staff(rig: Rig) -> None:
    app = rig.site.installation.app
    with at_clinic(app, "acme") as (session, clinic):
        admin = find_person(session, "admin@acme.example")
        add_membership(session, staff_id=admin.id, clinic_id=clinic.id, role="intake")
        session.commit()
    for email in _STAFF:
        browser = sign_in(rig.site.browser(), email)
        starts = ["/desk/clinics"] if email == OWNER else ["/desk/acme/queue"]
        rig.crawl(browser, email.split("@")[0], _STAFF_PAGES, "/desk/", "/desk/account", *starts)
    rig.crawl(rig.site.browser(), "stranger", _STAFF_PAGES, "/staff/login", "/staff/reset")


def main() -> int:
    kind = os.environ.get("DB") or "sqlite"
    with serving(kind) as site:
        rig = Rig(site)
        try:
            patients(rig)
            staff(rig)
        finally:
            print(site.log.read_text()[-3000:])
        print(sorted(rig.tried))
    return 0


if __name__ == "__main__":
    sys.exit(main())
