"""What a patient types is nowhere but sealed in the database and on the pages of who may read it (P11)."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from conftest import Installation
from flask import Flask
from web.client import Browser
from web.walking import (
    SignedIn,
    Walk,
    answers_but,
    begin,
    contact_but,
    fill,
    move,
    reference_on,
    token_of,
)

CANARIES = {
    "own_words": "Canarywordsqxz",
    "acute_other_name": "Canaryacuteqxz",
    "preventive_other_name": "Canaryprevqxz",
    "contact_name": "Canaryname Qxzson",
    "contact_phone": "(704) 519-6918",
    "contact_email": "canary.qxz@example.com",
    "contact_birth_date": "4/27/1984",
    "reason": "Canaryreasonqxz",
}
# As they may be stored, too.
TRACES = [*CANARIES.values(), "7045196918", "+17045196918", "519-6918", "1984-04-27", "5196918"]
ANSWERS = answers_but(
    acute_tried=["other"], **{key: CANARIES[key] for key in ("own_words", "acute_other_name")}
)


class Told:
    """All that the app said outside of its answers."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._caplog, self._capfd = caplog, capfd

    def text(self) -> str:
        out, err = self._capfd.readouterr()
        records = (f"{record.getMessage()} {record.__dict__}" for record in self._caplog.records)
        return "\n".join([out, err, self._caplog.text, *records])


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Told:
    caplog.set_level(logging.DEBUG)
    return Told(caplog, capfd)


def test_no_canary_is_found_in_the_database_the_logs_or_an_address(
    installation: Installation, app: Flask, browser: Browser, signed_in: SignedIn, told: Told
) -> None:
    walk = begin(browser)
    walk.to_check(ANSWERS)
    database = _database_of(installation)
    _history(walk)
    _finds_nothing(_files(database), "a draft")
    # Refused forms are typed text as well.
    walk.send(contact_but(contact_name=CANARIES["contact_name"], contact_phone="nonsense", consent=None))
    contact = contact_but(**{key: CANARIES[key] for key in CANARIES if key.startswith("contact_")})
    receipt = browser.follow(walk.send(contact))
    reference = reference_on(receipt)
    browser.post(walk.url("contact"), contact | {"form_token": "forged"})
    intake = signed_in("intake@acme.example")
    assert intake.get("/desk/acme/queue").links[CANARIES["contact_name"]].endswith(reference)
    moved = move(intake, reference, to_state="later", reason=CANARIES["reason"])
    assert moved.status == 303
    page = intake.get(f"/desk/acme/requests/{reference}")
    for canary in ("own_words", "acute_other_name", "preventive_other_name", "reason", "contact_email"):
        assert CANARIES[canary] in page.text, "the canary flew: the test looks at what was stored"
    _finds_nothing(_files(database), "a request")
    app.extensions["screener.database"].dispose()
    _finds_nothing(_files(database), "a closed database")
    _finds_nothing({"logs": told.text()}, "logs")
    addresses = [*(page.path for page in browser.visited), *(page.location for page in browser.visited)]
    addresses += [*(page.path for page in intake.visited), *(page.location for page in intake.visited)]
    _finds_nothing({"addresses": "\n".join(map(unquote_plus, addresses))}, "addresses")
    for token in (walk.token, receipt.path.rsplit("/", 1)[-1]):
        _finds_nothing_of([token], _files(database) | {"logs": told.text()}, "a token opens what it names")


def test_an_error_tells_the_log_nothing_of_the_form(browser: Browser, told: Told) -> None:
    walk = begin(browser)
    for body in (b"own_words=Canarywordsqxz%00", b"contact_email=canary.qxz@example.com" + b"x" * 300_000):
        browser.post(walk.url("danger-now"), body)
        browser.post(walk.url("contact"), body, site="cross-site")
        browser.post("/c/acme/start", body)
        browser.post("/staff/login", body)
        browser.get("/nowhere")
    _finds_nothing({"logs": told.text()}, "logs")


def test_only_the_desk_shows_who_asked(browser: Browser, app: Flask) -> None:
    walk = begin(browser)
    walk.to_check(ANSWERS)
    contact = contact_but(**{key: CANARIES[key] for key in CANARIES if key.startswith("contact_")})
    walk.send(contact)
    stranger = Browser(app)
    for path in (walk.url("contact"), walk.url("check"), "/c/acme", "/"):
        page = stranger.follow(stranger.get(path))
        _finds_nothing({path: page.source}, "a page for strangers")


def test_the_notice_is_a_step_from_where_a_name_is_asked(browser: Browser) -> None:
    walk = begin(browser)
    walk.to_check(ANSWERS)
    contact = walk.get("contact")
    notice = contact.links["Your privacy (opens in a new tab)"]
    assert browser.get(notice).status == 200
    # What was typed beside the link is kept nowhere.
    assert f'href="{notice}" target="_blank"' in contact.source
    receipt = browser.follow(walk.send(contact_but()))
    assert receipt.links["Your privacy"] == notice


def _history(walk: Walk) -> None:
    """Both other texts, each on its own page."""
    browser = walk.browser
    fill(browser, walk.get("medicine-relief"), ANSWERS)
    fill(browser, walk.get("preventives"), {"preventives_tried": ["other"]})
    outcome = walk.get("preventive-outcomes")
    browser.post(
        outcome.path, token_of(outcome) | {"preventive_other_name": CANARIES["preventive_other_name"]}
    )
    assert fill(browser, walk.get("background"), ANSWERS).status == 303


def _database_of(installation: Installation) -> Path:
    return Path(installation.settings.database_url.removeprefix("sqlite:///"))


def _files(database: Path) -> dict[str, str]:
    """The database file, its write-ahead log and whatever else lies beside them."""
    found = {path.name: path.read_bytes() for path in database.parent.iterdir() if path.is_file()}
    assert database.name in found
    texts = {name: content.decode("latin-1") for name, content in found.items()}
    wide = {f"{name} (UTF-16)": content.decode("utf-16-le", "replace") for name, content in found.items()}
    return texts | wide


def _finds_nothing(where: dict[str, str], what: str) -> None:
    _finds_nothing_of(TRACES, where, what)


def _finds_nothing_of(traces: list[str], where: dict[str, str], what: str) -> None:
    for name, text in where.items():
        lowered = text.lower()
        found = [trace for trace in traces if trace.lower() in lowered]
        assert found == [], f"{what}: {found} in {name}"
