"""Taking requests out as a file: by whom, what is in it, that it is kept, and that nothing in it runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE
from flask import Flask
from web.client import Browser, Page
from web.walking import SignedIn, add_requests, at_clinic, sign_in, token_of

from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store import extracts
from screener.store.audit import list_entries, Wanted
from screener.store.staff import add_membership, find_person
from screener.store.tables import Export
from screener.web import exports

pytestmark = pytest.mark.both_databases

ADMIN = "admin@acme.example"
EXPORTS = "/desk/acme/exports"
NOW = datetime.now(UTC)
ALL: dict[str, Any] = {
    "reason": "Yearly review",
    "groups": ["answers", "contact"],
    "file_format": "csv",
    "show": "all",
}


def become_reader(app: Flask) -> None:
    with at_clinic(app, "acme") as (session, clinic):
        person = find_person(session, ADMIN)
        assert person is not None
        add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="intake")
        session.commit()


@pytest.fixture
def admin(app: Flask) -> Browser:
    """An administrator who reads answers too."""
    become_reader(app)
    return sign_in(Browser(app), ADMIN)


def ask(admin: Browser, **changed: object) -> Page:
    return admin.post(EXPORTS, token_of(admin.get(EXPORTS)) | ALL | changed)


def take(admin: Browser, **changed: object) -> Page:
    """Through the page that says how many, to the file."""
    confirm = ask(admin, **changed)
    assert confirm.heading.startswith("Export "), confirm.problems
    return admin.post(f"{EXPORTS}/file", confirm.form)


def csv_rows(file: Page) -> list[dict[str, str]]:
    text = file.response.get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_try(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW), ("=cmd", CHRONIC_AND_INTRACTABLE, NOW)])
    file = take(admin)
    rows = csv_rows(file)
    print(rows[0])
    print(rows[1]["Name"])
    x = take(admin, file_format="xlsx")
    book = openpyxl.load_workbook(io.BytesIO(x.response.get_data()))
    print(
        book.sheetnames,
        [[c.value for c in r][:6] for r in book["Requests"].rows],
        [[c.value for c in r] for r in book["About"].rows][:25],
    )
    print(admin.get(EXPORTS).text[:1500])
    print(admin.get("/desk/acme/dashboard").text[:2500])
    assert 0
