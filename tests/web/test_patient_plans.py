"""However many requests there are: what a patient does reads no table whole."""

from __future__ import annotations

import pytest
from builders import CONTACT
from conftest import Databases, Installation
from flask import Flask
from plans import plans_of
from sqlalchemy import select
from web.client import Browser
from web.walking import answers_but, at_clinic, begin, plant

from screener.store.tables import Screening

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _many(installation: Installation, databases: Databases) -> None:
    databases.pretend_many(installation.settings.database_url)


def test_all_rows_of_a_clinic_are_found_when_they_are_read(app: Flask) -> None:
    database = app.extensions["screener.database"]
    with at_clinic(app, "acme") as (session, _), plans_of(database) as plans:
        session.execute(select(Screening.id).where(Screening.urgency == "routine"))
    assert [plan.reads_all for plan in plans] == [True]


def test_the_way_of_a_patient_reads_no_table_whole(app: Flask, browser: Browser) -> None:
    ready = plant(browser, app, answers_but())
    with plans_of(app.extensions["screener.database"]) as plans:
        walk = begin(browser)
        walk.to_check(answers_but())
        for place in ("check", "result", "health", "contact", "save"):
            assert walk.get(place).status == 200, place
        receipt = browser.follow(ready.send(CONTACT))
        assert receipt.status == 200
        assert browser.get(receipt.path.split("?")[0] + "/withdraw").status == 200
        assert browser.get("/c/acme/resume").status == 200
    assert [plan.statement for plan in plans if plan.reads_all] == []
