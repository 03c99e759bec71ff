"""Where forms end: counted once a form, by the day and the page, and never before it is over."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from store.builders import NOW, make_clinic

from screener.store.database import Database
from screener.store.drafts import (
    OpenDraft,
    add_draft,
    count_wrong_try,
    remove_draft,
    remove_expired_drafts,
    save_draft,
)
from screener.store.endings import BEGUN, SENT, Ending, count_endings, endings_by_page
from screener.store.tables import MOST_TRIES, Clinic, DraftEndings
from screener.store.tenancy import enter_clinic

TODAY = NOW.date()
LONG_AGO, FAR = date(2020, 1, 1), date(2030, 1, 1)


@pytest.fixture
def begun(session: Session, clinic: Clinic) -> OpenDraft:
    return add_draft(session, clinic.id, {}, NOW, reached=BEGUN)[0]


def counted(session: Session) -> dict[str, int]:
    return endings_by_page(session, LONG_AGO, FAR)


def test_a_form_that_was_sent_counts_as_sent_alone(session: Session, begun: OpenDraft) -> None:
    begun.row.reached = "now"
    assert counted(session) == {}
    remove_draft(session, begun, was_sent=True)
    assert counted(session) == {SENT: 1}


def test_a_form_that_was_left_counts_at_its_page_on_its_last_day(
    session: Session, clinic: Clinic, begun: OpenDraft
) -> None:
    begun.row.reached = "now"
    save_draft(session, begun, NOW + timedelta(hours=20))
    for _ in range(2):
        add_draft(session, clinic.id, {}, NOW, reached=BEGUN)
    assert remove_expired_drafts(session, NOW + timedelta(days=8)) == 3
    assert counted(session) == {"now": 1, BEGUN: 2}
    # 9:30 UTC and 20 hours later is 0:30 of the next day in New York.
    assert endings_by_page(session, TODAY, TODAY) == {BEGUN: 2}
    assert endings_by_page(session, TODAY + timedelta(days=1), FAR) == {"now": 1}


def test_counts_add_up_and_what_does_not_count_adds_nothing(session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    for _ in range(3):
        count_endings(session, [Ending(NOW, "now"), Ending(NOW, None), Ending(NOW, "now")])
    assert counted(session) == {"now": 6}
    assert session.query(DraftEndings).count() == 1
    staffs, _ = add_draft(session, clinic.id, {}, NOW)
    remove_draft(session, staffs, was_sent=True)
    assert counted(session) == {"now": 6}


def test_a_form_closed_by_wrong_tries_was_left(session: Session, begun: OpenDraft) -> None:
    for _ in range(MOST_TRIES):
        count_wrong_try(session, begun)
    assert counted(session) == {BEGUN: 1}


def test_the_counts_are_one_clinics(database: Database, session: Session, begun: OpenDraft) -> None:
    remove_draft(session, begun)
    session.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, make_clinic(elsewhere, "west").id)
        assert counted(elsewhere) == {}


def test_saving_a_page_counts_nothing_and_writes_no_row_more(
    database: Database, session: Session, begun: OpenDraft
) -> None:
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    begun.row.reached = "now"
    save_draft(session, begun, NOW)
    assert [text.split()[0] for text in statements] == ["UPDATE"]
