"""However many requests there are: what a patient does reads no table whole."""

from __future__ import annotations

import pytest
from builders import CONTACT
from flask import Flask
from sqlalchemy import select
from web.client import Browser
from web.walking import answers_but, at_clinic, begin, plant
from web.whole_reads import whole_reads

from screener.store.tables import DraftDoor

pytestmark = pytest.mark.both_databases


def test_a_whole_table_that_is_read_is_found(app: Flask) -> None:
    with whole_reads(app) as found, app.app_context():
        session = app.extensions["screener.database"].sessions()
        session.connection().exec_driver_sql("SELECT id FROM drafts WHERE tries = 3")
    assert list(found) == ["drafts"]


@pytest.mark.sqlite_only("reads SQLite's own plan")
def test_all_rows_of_a_clinic_are_found_too(app: Flask) -> None:
    with at_clinic(app, "acme") as (session, _), whole_reads(app) as found:
        session.execute(select(DraftDoor.id).where(DraftDoor.kind == "own"))
    assert list(found) == ["draft_doors"]


def test_the_way_of_a_patient_reads_no_table_whole(app: Flask, browser: Browser) -> None:
    ready = plant(browser, app, answers_but())
    with whole_reads(app) as found:
        walk = begin(browser)
        walk.to_check(answers_but())
        for place in ("check", "result", "health", "contact", "save"):
            assert walk.get(place).status == 200, place
        receipt = browser.follow(ready.send(CONTACT))
        assert receipt.status == 200
        assert browser.get(receipt.path.split("?")[0] + "/withdraw").status == 200
        assert browser.get("/c/acme/resume").status == 200
    assert found == {}
