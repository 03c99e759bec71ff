"""What a patient or a member of staff does costs one flush of the disk, and looking costs none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask
from web.client import Browser
from web.durable import durable_commits
from web.walking import CONTACT, add_requests, answers_but, begin, fill, plant

pytestmark = pytest.mark.both_databases


def test_a_page_that_is_saved_is_one_commit_and_one_that_is_read_is_none(
    app: Flask, browser: Browser
) -> None:
    walk = begin(browser)
    with durable_commits(app) as commits:
        page = walk.get("danger-now")
        assert commits == []
        assert fill(browser, page, answers_but()).status == 303
    assert commits == [{"drafts"}]


def test_a_request_with_its_mail_and_its_trail_is_one_commit(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    form = walk.contact_form(CONTACT)
    with durable_commits(app) as commits:
        assert browser.post(walk.url("contact"), form).status == 303
    (written,) = commits
    assert {
        "screenings",
        "consultations",
        "consultation_events",
        "outbox_messages",
        "audit_entries",
    } <= written
    assert "drafts" in written, "gone with the same commit"


def test_nothing_that_a_patient_reads_is_a_commit(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, answers_but())
    with durable_commits(app) as commits:
        browser.get("/c/acme")
        for place in ("danger-now", "medicines", "check", "result", "health", "contact", "save"):
            assert walk.get(place).status == 200, place
        for place in ("evidence", "privacy", "resume"):
            assert browser.get(f"/c/acme/{place}").status == 200, place
    assert commits == []


def test_the_desk_commits_only_that_a_record_was_read(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Ada", answers_but(), datetime.now(UTC))])
    with durable_commits(app) as commits:
        for path in ("queue", "queue?sort=newest", "queue?urgency=routine", "dashboard"):
            assert intake.get(f"/desk/acme/{path}").status == 200, path
        assert commits == []
        assert intake.get(f"/desk/acme/requests/{reference}").status == 200
    (written,) = commits
    assert {"consultation_events", "audit_entries"} <= written
