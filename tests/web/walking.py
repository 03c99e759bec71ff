"""How patients and staff go through the pages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Barrier
from typing import Any, Literal

from builders import CHRONIC_AND_INTRACTABLE, CONTACT, PASSWORD, as_form
from conftest import next_code
from flask import Flask
from sqlalchemy import delete
from sqlalchemy.orm import Session
from web.client import Browser, Page

from screener.domain.answers import Answers
from screener.domain.next_step import next_step
from screener.domain.questionnaire import AGE, QUESTIONNAIRE
from screener.domain.screening import screen
from screener.store.clinics import find_clinic
from screener.store.drafts import add_draft, find_open_draft, save_draft
from screener.store.saved_drafts import save_for_later
from screener.store.staff import find_person, set_roles
from screener.store.tables import Clinic, FailedTries
from screener.store.tenancy import enter_clinic
from screener.web.clinic_card import card_of
from screener.web.requests import Sending, send_request

AnswersById = Mapping[str, object]
# A year of birth that fits the age of CHRONIC_AND_INTRACTABLE.
BORN = datetime.now(UTC).year - 42


def answers_but(**changed: object) -> dict[str, object]:
    """CHRONIC_AND_INTRACTABLE with some answers changed."""
    return CHRONIC_AND_INTRACTABLE | changed


def contact_but(**changed: object) -> dict[str, object]:
    """CONTACT with some fields changed; None leaves one out."""
    return {name: value for name, value in (CONTACT | changed).items() if value is not None}


# ---------------------------------------------------------------- patients


@dataclass(frozen=True)
class Walk:
    """A patient with a draft."""

    browser: Browser
    token: str

    def url(self, place: str) -> str:
        return f"/d/{self.token}/{place}"

    def get(self, place: str, **told: Any) -> Page:
        return self.browser.get(self.url(place), **told)

    def answer(self, place: str, answers: AnswersById) -> Page:
        """Opens a page, answers what it asks and sends it."""
        return fill(self.browser, self.get(place), answers)

    def leave_stop(self, answer: str) -> Page:
        stop = self.get("stop")
        return self.browser.post(stop.path, token_of(stop) | {"answer": answer})

    def to_check(self, answers: AnswersById) -> list[str]:
        """Answers page after page from the first; the slugs it went through."""
        at, walked = self.url("danger-now"), []
        while not at.endswith(("/check", "/stop")):
            walked.append(slug_of(at))
            sent = fill(self.browser, self.browser.get(at), answers)
            assert sent.location, (at, sent.problems)
            at = sent.location
            assert len(walked) < 20, walked
        return walked

    def send(self, contact: AnswersById) -> Page:
        return self.browser.post(self.url("contact"), self.contact_form(contact))

    def contact_form(self, contact: AnswersById) -> dict[str, object]:
        """The request's form, filled in as on a page just opened."""
        return token_of(self.get("contact")) | {name: as_form(value) for name, value in contact.items()}


def slug_of(path: str) -> str:
    return path.split("?", maxsplit=1)[0].rsplit("/", 1)[-1]


def token_of(page: Page) -> dict[str, object]:
    """The hidden token of the form on the page."""
    found = re.search(r'name="((?:form|csrf)_token)" value="([^"]+)"', page.source)
    assert found, f"{page.path} has no form token"
    return {found[1]: found[2]}


def begin(browser: Browser, clinic: str = "acme") -> Walk:
    """Starts as a patient does: at the clinic's page."""
    start = browser.get(f"/c/{clinic}")
    first = browser.post(start.forms[0].get("action", ""))
    return walk_of(first, browser)


def walk_of(page: Page, browser: Browser) -> Walk:
    """The draft that a form leads on to."""
    assert page.status == 303, page.problems
    return Walk(browser, page.location.split("/")[2])


def fill(browser: Browser, page: Page, answers: AnswersById) -> Page:
    """Answers what the page asks; "I'm not sure" or nothing where no answer is given."""
    assert page.status == 200, (page.path, page.status, page.location)
    sent: dict[str, object] = dict(token_of(page))
    for name in page.asked:
        if name in answers:
            sent[name] = as_form(answers[name])
        elif page.offers(name, "unsure"):
            sent[name] = "unsure"
    return browser.post(page.path, sent)


def plant(
    browser: Browser,
    app: Flask,
    answers: AnswersById,
    clinic: str = "acme",
    language: str = "en",
    **kept: object,
) -> Walk:
    """A draft with these answers, and what else it keeps, without the walk to them."""
    with at_clinic(app, clinic) as (session, row):
        document = {"answers": dict(answers), "events": [], "language": language, **kept}
        _, token = add_draft(session, row.id, document, datetime.now(UTC))
        session.commit()
    return Walk(browser, token)


def leave(app: Flask, walk: Walk, way: Literal["resume", "code"], year: int = BORN) -> str:
    """Saves the draft for later, without its page; the token or code to come back by."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        draft = find_open_draft(session, walk.token, datetime.now(UTC), to_change=True)
        assert draft is not None
        secret = save_for_later(session, draft, way, datetime.now(UTC))
        draft.document |= {"birth_year": year, "saved": {"code": secret}}
        save_draft(session, draft, datetime.now(UTC))
        session.commit()
    return secret


def stored(app: Flask, walk: Walk) -> dict[str, Any]:
    """The answers a draft holds; KeyError if it is gone."""
    answers: dict[str, Any] = document_of(app, walk)["answers"]
    return answers


def document_of(app: Flask, walk: Walk) -> dict[str, Any]:
    """All that a draft holds; KeyError if it is gone."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        draft = find_open_draft(session, walk.token, datetime.now(UTC))
        if draft is None:
            raise KeyError(walk.token)
        return draft.document


def send_all(browser: Browser, app: Flask, *, answers: AnswersById, contact: AnswersById = CONTACT) -> str:
    """Sends a request through the doors; its reference."""
    walk = plant(browser, app, answers)
    receipt = browser.follow(walk.send(contact))
    return reference_on(receipt)


def reference_on(receipt: Page) -> str:
    found = re.search(r'class="reference">([0-9A-HJKMNP-TV-Z]{10})<', receipt.source)
    assert found, receipt.text
    return found[1]


# ---------------------------------------------------------------- staff


def sign_in(browser: Browser, email: str, password: str = PASSWORD) -> Browser:
    page = browser.get("/staff/login")
    signed = take_second_step(browser, enter_password(browser, page, email, password), email)
    assert signed.status == 302, signed.problems
    assert "/staff/" not in signed.location
    return browser


def enter_password(browser: Browser, page: Page, email: str, password: str = PASSWORD) -> Page:
    return browser.post(page.path, token_of(page) | {"email": email, "password": password})


def take_second_step(browser: Browser, page: Page, email: str) -> Page:
    """From where the right password leads; the code of the person's app."""
    assert "/staff/tf-validate" in page.location, (page.status, page.location, page.problems)
    asked = browser.get(page.location)
    code = next_code(browser.client.application, email)
    return browser.post(asked.path, token_of(asked) | {"code": code})


def id_of(app: Flask, email: str) -> int:
    """The id of a member of staff."""
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), email)
        assert person is not None
        return int(person.id)


def give_roles(app: Flask, email: str, *roles: str) -> None:
    """Gives a person these roles at acme and takes all others; without any they have left."""
    with at_clinic(app, "acme") as (session, clinic):
        about = {"staff_id": id_of(app, email), "clinic_id": clinic.id}
        set_roles(session, **about, roles=roles, now=datetime.now(UTC))
        session.commit()


def forget_failures(app: Flask) -> None:
    """As if a day had passed since anybody failed to sign in."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.execute(delete(FailedTries))
        session.commit()


def path_of(reference: str, clinic: str = "acme") -> str:
    """The request's page at the desk."""
    return f"/desk/{clinic}/requests/{reference}"


def move(browser: Browser, reference: str, clinic: str = "acme", **form: object) -> Page:
    """Opens a request, then sends its decision form with these fields."""
    page = browser.get(path_of(reference, clinic))
    version = re.search(r'name="version" value="(\d+)"', page.source)
    assert version
    return browser.post(f"{page.path}/move", token_of(page) | {"version": version[1]} | form)


# ---------------------------------------------------------------- the memory behind the doors


@contextmanager
def at_clinic(app: Flask, slug: str) -> Iterator[tuple[Session, Clinic]]:
    """A session that has entered the clinic; commit in it what is to stay."""
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        clinic = find_clinic(session, slug)
        assert clinic is not None
        enter_clinic(session, clinic.id)
        yield session, clinic


def add_requests(
    app: Flask,
    people: list[tuple[str, AnswersById, datetime]],
    clinic: str = "acme",
) -> list[str]:
    """Requests of (name, answers, received at), stored as if sent; their references."""
    with at_clinic(app, clinic) as (session, row):
        sent = [add_request(session, row, number, *person) for number, person in enumerate(people)]
        session.commit()
    return sent


def add_request(session: Session, clinic: Clinic, number: int, *person: Any) -> str:
    """A request as if sent, not committed; its reference."""
    name, answers, received_at = person
    read: Any = {i: tuple(v) if isinstance(v, list) else v for i, v in answers.items()}
    said = Answers(QUESTIONNAIRE, read)
    found = screen(said)
    kind = next_step(found.urgency.level, found.classification.article_class, said[AGE]).kind
    assert kind is not None, name
    digest = hashlib.sha256(f"{clinic.slug} {name} {number}".encode()).digest()
    contact = CONTACT | {"contact_name": name, "contact_birth_date": "1984-04-27", "contact_message_ok": True}
    consultation = send_request(
        session,
        card_of(clinic),
        answers=said,
        events=[],
        contact=contact,
        kind=kind,
        sending=Sending(digest, digest, digest.hex()),
        now=received_at,
    )
    return consultation.reference


def count_rows(app: Flask, table: type[Any], clinic: str = "acme") -> int:
    with at_clinic(app, clinic) as (session, _):
        return session.query(table).count()


def at_once(*steps: Callable[[], Any]) -> list[Any]:
    """Takes all steps in the same moment, each in a thread of its own; what each gave, in their order."""
    together = Barrier(len(steps))

    def take(step: Callable[[], Any]) -> Any:
        together.wait(10)
        return step()

    with ThreadPoolExecutor(len(steps)) as pool:
        return list(pool.map(take, steps))


SignedIn = Callable[[str], Browser]
