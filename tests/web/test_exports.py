"""Taking requests out as a file: by whom, what is in it, that it is kept, and that nothing in it runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, EVERY_PAGE
from flask import Flask
from web.client import Browser, Page
from web.test_follow_up import log_contact
from web.walking import add_requests, at_clinic, give_roles, move, plant, send_all, sign_in, token_of

from screener.domain.notices import DISCLAIMER
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store.audit import Wanted, list_entries
from screener.store.staff import find_person
from screener.store.tables import Export, Membership
from screener.web import exports

ADMIN, INTAKE = "admin@acme.example", "intake@acme.example"
EXPORTS = "/desk/acme/exports"
NOW = datetime.now(UTC)
ALL: dict[str, Any] = {
    "reason": "Yearly review",
    "groups": ["answers", "contact"],
    "file_format": "csv",
    "show": "all",
}
CANARY = "Canary-7f3a"
NOT_OFFERED = "Choose from what is offered here: your role takes out nothing else."


@pytest.fixture
def plain_admin(app: Flask) -> Browser:
    """An administrator who reads no answers."""
    return sign_in(Browser(app), ADMIN)


@pytest.fixture
def admin(app: Flask) -> Browser:
    """An administrator who reads answers too."""
    give_roles(app, ADMIN, "clinic_admin", "intake")
    return sign_in(Browser(app), ADMIN)


def ask(admin: Browser, **changed: object) -> Page:
    return admin.post(EXPORTS, token_of(admin.get(EXPORTS)) | ALL | changed)


def take(admin: Browser, **changed: object) -> Page:
    """Through the page that says how many, to the file."""
    confirm = ask(admin, **changed)
    assert confirm.heading.startswith("Export "), confirm.problems
    return admin.post(f"{EXPORTS}/file", confirm.form)


def data_of(file: Page) -> bytes:
    assert file.status == 200, file.problems
    return file.response.get_data()


def csv_rows(file: Page) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data_of(file).decode("utf-8-sig"), newline="")))


def entries(app: Flask) -> list[Any]:
    with at_clinic(app, "acme") as (session, _):
        return [(e.subject_table, e.details) for e in list_entries(session, Wanted(what="exported"), limit=9)]


# ---------------------------------------------------------------- what is in it


@pytest.mark.both_databases
def test_a_file_holds_each_request_with_each_answer(app: Flask, admin: Browser) -> None:
    yesterday = NOW - timedelta(days=1)
    old, new = add_requests(
        app, [("Anna", EVERY_PAGE, yesterday), ("Bo", CHRONIC_AND_INTRACTABLE | {"side": None}, NOW)]
    )
    add_requests(app, [("Olga", CHRONIC_AND_INTRACTABLE, NOW)], "other")
    log_contact(admin, new)
    file = take(admin)
    first, second = csv_rows(file)
    assert [first["Reference"], second["Reference"]] == [old, new], "the oldest first"
    assert (first["Name"], first["Asked for"], first["State"]) == ("Anna", "Call back", "New")
    assert (first["Headache days [head_days]"], first["Safety"]) == ("29", "Urgent")
    assert first["First contact"] == "" != second["First contact"]
    asked = {column.rpartition("[")[2][:-1] for column in first if column.endswith("]")}
    assert asked == {question.id for question in QUESTIONNAIRE}
    sides = [
        value for name, value in second.items() if name.endswith(("[side]", "[days_lost]", "[aura_each]"))
    ]
    assert sides == ["Not asked", "Not sure", "Skipped"]
    assert file.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert file.headers["Content-Disposition"].startswith("attachment; filename=requests-20")


def test_a_workbook_says_what_it_is(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW)])
    book = openpyxl.load_workbook(io.BytesIO(data_of(take(admin, file_format="xlsx", urgency="other"))))
    heads, row = ([cell.value for cell in line] for line in book["Requests"].rows)
    table = dict(zip(heads, row, strict=True))
    assert (table["Name"], table["Headache days [head_days]"]) == ("Anna", 29)
    about = {line[0].value: line[1].value for line in book["About"].rows}
    assert about["Not a diagnosis"] == DISCLAIMER
    assert about["Filter: Safety"] == "Urgent: another reason"
    assert set(heads) <= set(about), "each column is explained"


def test_answers_in_spanish_stand_in_english(app: Flask, admin: Browser, browser: Browser) -> None:
    walk = plant(browser, app, CHRONIC_AND_INTRACTABLE, language="es")
    assert walk.send(CONTACT).status == 303
    (row,) = csv_rows(take(admin))
    assert (row["Language"], row["Comes back [comes_back]"]) == ("Spanish", "Yes")


def test_what_patients_and_staff_type_is_no_formula(app: Flask, admin: Browser, browser: Browser) -> None:
    payload = '=HYPERLINK("https://evil.example")'
    answers = EVERY_PAGE | {"own_words": payload, "acute_other_name": payload[:80]}
    send_all(browser, app, answers=answers, contact=CONTACT | {"contact_name": payload})
    reference = csv_rows(take(admin))[0]["Reference"]
    with at_clinic(app, "acme") as (session, _):
        person = find_person(session, ADMIN)
        assert person is not None
        session.query(Membership).filter_by(staff_id=person.id).update({"name": payload})
        session.commit()
    admin.post("/desk/acme/assign", token_of(admin.get(EXPORTS)) | {"reference": reference, "owner": "me"})
    (row,) = csv_rows(take(admin))
    found = [value for value in row.values() if payload[1:] in value]
    assert found == [f"'{payload}"] * 4, "name, owner, own words, other medicine"
    book = openpyxl.load_workbook(io.BytesIO(data_of(take(admin, file_format="xlsx", reason=payload))))
    cells = [cell for sheet in book for line in sheet.rows for cell in line if cell.value == payload]
    assert [(cell.data_type, cell.quotePrefix) for cell in cells] == [("s", True)] * 4


def test_what_was_withdrawn_is_a_bare_row(app: Flask, admin: Browser, browser: Browser) -> None:
    receipt = browser.follow(plant(browser, app, EVERY_PAGE).send(CONTACT))
    ask_back = browser.get(receipt.path + "/withdraw")
    assert browser.post(ask_back.path, token_of(ask_back)).status == 303
    (row,) = csv_rows(take(admin))
    assert (row["State"], row["Name"], row["Safety"], row["Headache days [head_days]"]) == (
        "Withdrawn",
        "",
        "",
        "",
    )
    assert row["Withdrawn"]


# ---------------------------------------------------------------- who, and how many


def test_without_a_reading_role_a_file_tells_nothing_that_a_patient_said(
    app: Flask, plain_admin: Browser
) -> None:
    add_requests(app, [(CANARY, EVERY_PAGE, NOW), ("Bo", CHRONIC_AND_INTRACTABLE, NOW)])
    page = plain_admin.get(EXPORTS)
    assert "Your role opens no answers" in page.text
    assert {"urgency", "class", "language", "groups"}.isdisjoint(page.asked)
    assert ask(plain_admin).problems == [NOT_OFFERED]
    rows = csv_rows(take(plain_admin, groups=[], urgency="routine", **{"class": "chronic"}))
    assert len(rows) == 2, "nor by what a filter leaves out"
    assert list(rows[0]) == [
        "Reference",
        "Received",
        "Asked for",
        "State",
        "Owner",
        "Call due",
        "First contact",
        "Withdrawn",
    ]
    assert CANARY not in plain_admin.visited[-1].source


def test_a_file_holds_so_many_and_no_more(
    app: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    people = [(f"P{n}", CHRONIC_AND_INTRACTABLE, NOW - timedelta(days=n)) for n in range(4)]
    add_requests(app, people)
    page = ask(admin)
    assert page.status == 422
    assert page.problems == ["A file holds 3 requests at most. Choose fewer, for example by date."]
    assert page.form["reason"] == ["Yearly review"]
    assert admin.post(f"{EXPORTS}/file", page.form).status == 422
    since = (NOW - timedelta(days=2)).astimezone(ZoneInfo("America/Los_Angeles")).date().isoformat()
    fewer = ask(admin, **{"from": since})
    assert (fewer.heading, len(csv_rows(take(admin, **{"from": since})))) == ("Export 3 requests", 3)
    assert "This file is patient data" in fewer.text
    assert len(entries(app)) == 1, "only what was taken out"


DOES_NOT_GO = "choose one that is offered and goes with the other filters."
WRONG: tuple[tuple[dict[str, object], str], ...] = (
    ({"reason": "  "}, "Say in a few words what the file is for."),
    ({"reason": "x" * 501}, "Keep the reason under 500 characters."),
    ({"file_format": "ods"}, "Choose the kind of file."),
    ({"groups": ["answers", "keys"]}, NOT_OFFERED),
    ({"from": "soon"}, "Received from: enter a date like 2026-01-31."),
    ({"owner": "4711"}, f"Owner: {DOES_NOT_GO}"),
    ({"show": "accepted", "state": "new"}, f"State: {DOES_NOT_GO}"),
    ({"kind": "question"}, "No request is left by these filters. Choose others."),
)


def test_what_is_not_right_is_named_and_nothing_typed_is_lost(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW)])
    token = token_of(admin.get(EXPORTS))
    for wrong, said in WRONG:
        page = admin.post(EXPORTS, token | ALL | wrong)
        assert (page.status, page.problems) == (422, [said])
        assert page.form["show"] == [wrong.get("show", "all")]
        assert page.form["reason"] == [str(wrong.get("reason", ALL["reason"])).strip()]
    assert entries(app) == []


def test_what_was_chosen_can_be_changed(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW)])
    confirm = ask(admin, urgency="other")
    back = admin.post(EXPORTS, confirm.form | {"change": "yes"})
    assert back.status == 200
    assert back.form["reason"] == ["Yearly review"]
    assert (back.form["urgency"], back.form["groups"]) == (["other"], ["answers", "contact"])


# ---------------------------------------------------------------- that it is kept


@pytest.mark.both_databases
def test_each_file_is_kept_with_its_reason_and_the_reason_is_sealed(app: Flask, admin: Browser) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW), ("Bo", CHRONIC_AND_INTRACTABLE, NOW)])
    take(admin, reason=f"For {CANARY}", urgency="other", file_format="xlsx")
    ((table, details),) = entries(app)
    assert (table, details["rows"], details["file_format"]) == ("exports", 1, "xlsx")
    assert details["holds"] == ["request", "answers", "contact"]
    assert details["filters"] == ["show all", "urgency other"]
    with at_clinic(app, "acme") as (session, _):
        row = session.query(Export).one()
        assert CANARY.encode() not in row.sealed
    shown = admin.get(EXPORTS).text
    assert f"1 request, answers, contact details (xlsx) For {CANARY}" in shown
    trail = admin.get("/desk/acme/audit").text
    assert "Took out requests as a file" in trail
    assert CANARY not in trail


def test_the_file_asks_for_a_fresh_password(
    app: Flask, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_requests(app, [("Anna", EVERY_PAGE, NOW)])
    confirm = ask(admin)
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS", timedelta(microseconds=1))
    assert admin.post(f"{EXPORTS}/file", confirm.form).location.startswith("/staff/verify")
    assert entries(app) == []


def test_a_decided_request_is_left_out_by_its_state(app: Flask, admin: Browser, intake: Browser) -> None:
    one, other = add_requests(app, [("Anna", EVERY_PAGE, NOW), ("Bo", CHRONIC_AND_INTRACTABLE, NOW)])
    move(intake, one, to_state="accepted")
    assert [row["Reference"] for row in csv_rows(take(admin, show="open"))] == [other]
    assert [row["Reference"] for row in csv_rows(take(admin, show="all", state="accepted"))] == [one]
