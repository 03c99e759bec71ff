"""The dashboard: a clinic's figures, drawn and in words, and nobody told apart in them."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from builders import CHRONIC_AND_INTRACTABLE, CONTACT, EVERY_PAGE
from flask import Flask
from sqlalchemy import event
from web.client import Browser, Page, words
from web.walking import SignedIn, add_requests, at_clinic, begin, plant

from screener.domain.progress import MILESTONES, is_further
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.store.consultations import get_consultation, move_consultation
from screener.store.contact_log import add_contact
from screener.store.drafts import remove_expired_drafts
from screener.store.endings import BEGUN, SENT, Ending, count_endings, endings_by_page
from screener.web.dashboard import Period, make_figure

DASHBOARD = "/desk/acme/dashboard"
Sent = tuple[str, dict[str, object], datetime]
ZONE = "America/Los_Angeles"
FEW = "fewer than 5"
SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime.now(UTC)


def monday() -> date:
    """Of this week, at the clinic."""
    today = datetime.now(ZoneInfo(ZONE)).date()
    return today - timedelta(days=today.weekday())


def figures(page: Page) -> dict[str, dict[str, list[str]]]:
    """Title -> row -> before and now, of the tables."""
    assert page.status == 200, page.problems
    found = {}
    for section in (part for part in page.all("section") if part.get("aria-labelledby", "").startswith("f-")):
        rows = [row for row in section.iter("tr") if row.find("td") is not None]
        title = words(next(section.iter("h2")))
        found[title] = {words(row.find("th")): [words(cell) for cell in row.findall("td")] for row in rows}
    return found


def people(count: int, answers: dict[str, object], at: datetime) -> list[Sent]:
    return [(f"P{number}", answers, at) for number in range(count)]


@pytest.mark.both_databases
def test_the_figures_count_this_time_beside_the_time_before(app: Flask, intake: Browser) -> None:
    # At noon of a Monday, so that each is in the week that is meant whenever this runs.
    now, before = (
        datetime.combine(day, time(12), ZoneInfo(ZONE)).astimezone(UTC)
        for day in (monday(), monday() - timedelta(weeks=12))
    )
    references = add_requests(
        app,
        [
            *people(7, EVERY_PAGE, now - timedelta(hours=1)),
            *people(6, CHRONIC_AND_INTRACTABLE, now - timedelta(hours=1)),
            *people(5, CHRONIC_AND_INTRACTABLE, before),
        ],
    )
    add_requests(app, people(9, EVERY_PAGE, NOW), "other")
    with at_clinic(app, "acme") as (session, _):
        for reference in references[:6]:
            request = get_consultation(session, reference)
            contact = {"kind": "call", "outcome": "reached", "note": "", "next_try_at": None, "staff_id": 1}
            add_contact(session, request, **contact, now=now)
            move_consultation(session, request, to_state="accepted", reason=None, staff_id=1, now=now)
        count_endings(session, [Ending(now, "about-you")] * 8)
        session.commit()
    page = intake.get(f"{DASHBOARD}?to={now:%Y-%m-%d}")
    found = figures(page)
    assert "Requests: 13. In the period before: 5." in page.text
    assert found["How urgent they were"]["Urgent"] == [FEW, "7"]
    assert found["How urgent they were"]["Routine"] == ["5", "6"]
    assert found["What the answers match"]["Chronic and intractable"] == ["5", "13"]
    assert found["What was decided so far"]["Accepted"] == [FEW, "6"]
    assert found["Until the first try to reach the patient"]["Within 4 hours"] == [FEW, "6"]
    assert "Half of those tried within 1 h, nine of ten within 1 h." in page.text
    assert found["Languages"]["English"] == ["5", "13"]
    assert found["Where forms end"]["About you"] == [FEW, "8"]
    assert found["Where forms end"]["Danger now"] == [FEW, FEW]
    weeks = list(found["Requests a week"].values())
    assert len(weeks) == 12
    assert weeks[-1] == ["5", "13"]
    assert {told for week in weeks[:-1] for told in week} == {FEW}


def test_each_figure_is_drawn_from_the_rows_of_its_table(app: Flask, intake: Browser) -> None:
    add_requests(app, [*people(8, EVERY_PAGE, NOW), *people(2, CHRONIC_AND_INTRACTABLE, NOW)])
    page = intake.get(f"{DASHBOARD}?weeks=4")
    assert len(list(figures(page)["Requests a week"])) == 4
    for section in (part for part in page.all("section") if part.find("figure") is not None):
        drawn = [words(text) for text in section.iter(f"{SVG}text")]
        table = [row for row in section.iter("tr") if row.find("td") is not None]
        assert [text.rpartition(": ")[0] for text in drawn] == [words(row.find("th")) for row in table]
        assert all(text.endswith(words(row.findall("td")[1])) for text, row in zip(drawn, table, strict=True))
        bars = [rect for rect in section.iter(f"{SVG}rect") if rect.get("class") == "bar"]
        assert len(bars) == len([row for row in table if words(row.findall("td")[1]).isdigit()])
    urgency = figures(page)["How urgent they were"]
    assert urgency["Urgent"] == [FEW, "8"]
    assert urgency["Routine"] == [FEW, FEW]
    assert "2" not in urgency["Routine"]


def test_no_bar_is_as_long_as_a_number_that_is_not_told() -> None:
    drawn = make_figure("Title", "Of", {"a": "A", "b": "B"}, [{"a": 3, "b": 9}, {"a": 5, "b": 6}])
    assert [bar.words for bar in drawn.now] == [FEW, "not shown"]
    assert {bar.out_of for bar in (*drawn.now, *drawn.before)} == {6}


def test_everybody_at_the_clinic_sees_them_and_nobody_sees_a_patient(app: Flask, signed_in: SignedIn) -> None:
    (reference, *_) = add_requests(app, people(6, EVERY_PAGE, NOW))
    for email in ("admin@acme.example", "clinician@acme.example"):
        page = signed_in(email).get(DASHBOARD)
        assert figures(page)["How urgent they were"]["Urgent"] == [FEW, "6"]
        assert reference not in page.source
        assert CONTACT["contact_phone"] not in page.source


def test_others_may_write_while_it_counts(app: Flask, intake: Browser) -> None:
    database = app.extensions["screener.database"]
    written: list[str] = []

    def write(*about: Any) -> None:
        if "GROUP BY consultations" in about[2]:
            # By the app's own library: another one in this process would not see its locks.
            with closing(database.engine.dialect.dbapi.connect(database.url.database, timeout=0)) as other:
                other.execute("BEGIN IMMEDIATE")
                written.append(about[2])

    event.listen(database.engine, "before_cursor_execute", write)
    assert intake.get(DASHBOARD).status == 200
    assert written


def test_a_clinic_without_requests_is_told_where_they_begin(intake: Browser) -> None:
    page = intake.get(DASHBOARD)
    assert "Nothing to count in this period." in page.text
    assert figures(page) == {}


# ---------------------------------------------------------------- the period


def test_a_period_is_whole_weeks(intake: Browser) -> None:
    for asked, first, weeks in (
        ("", monday() - timedelta(weeks=11), 12),
        ("weeks=4", monday() - timedelta(weeks=3), 4),
        ("weeks=5", monday() - timedelta(weeks=11), 12),
        # A Wednesday to a Tuesday.
        ("from=2026-03-04&to=2026-03-17", date(2026, 3, 2), 3),
        ("from=2026-03-02&to=2026-03-08", date(2026, 3, 2), 1),
        ("from=2026-01-01&to=2027-01-03", date(2025, 12, 29), 53),
    ):
        page = intake.get(f"{DASHBOARD}?{asked}")
        last = first + timedelta(weeks=weeks, days=-1)
        assert (page.form["from"], page.form["to"]) == ([first.isoformat()], [last.isoformat()])
        assert f"compared with the {weeks} week" in page.text


def test_a_period_that_is_not_valid_is_pointed_out(intake: Browser) -> None:
    for asked, said in (
        ({"from": "soon"}, "From: enter a date like 2026-01-31."),
        ({"to": "0001-01-01"}, "To: enter a date like 2026-01-31."),
        ({"from": "2026-03-09", "to": "2026-03-08"}, "To: enter a day that is not before the first one."),
        ({"from": "2026-01-01", "to": "2027-01-04"}, "From: choose 53 weeks at most."),
    ):
        page = intake.get(f"{DASHBOARD}?{urlencode(asked)}")
        assert (page.status, page.problems) == (422, [said])
        assert page.form["from"] == [asked.get("from", "")]


def test_weeks_begin_at_the_clinics_own_midnight_also_when_clocks_change() -> None:
    period = Period(date(2026, 10, 26), 2, ZONE)
    assert [f"{end:%m-%d %H}" for end in period.ends] == ["10-26 07", "11-02 08", "11-09 08"]
    assert period.earlier.ends[-1] == period.ends[0]


# ---------------------------------------------------------------- where forms end


def test_where_forms_end_is_counted_when_they_are_over(app: Flask, browser: Browser) -> None:
    left = begin(browser)
    # Back at an earlier page one is no less far.
    for page in ("danger-now", "about-you", "danger-now"):
        left.answer(page, CHRONIC_AND_INTRACTABLE)
    begin(browser)
    # As if staff had begun it for a caller.
    plant(browser, app, EVERY_PAGE)
    sent = begin(browser)
    sent.to_check(CHRONIC_AND_INTRACTABLE)
    assert sent.send(CONTACT).status == 303
    with at_clinic(app, "acme") as (session, _):
        assert endings_by_page(session, monday(), date.max) == {SENT: 1}, "the others are not over"
        remove_expired_drafts(session, datetime.now(UTC) + timedelta(days=2))
        assert endings_by_page(session, monday(), date.max) == {SENT: 1, "about-you": 1, BEGUN: 1}


def test_how_far_a_form_came_tells_no_answer() -> None:
    assert all(any(not question.when for question in page.questions) for page in MILESTONES)
    some, first, last = QUESTIONNAIRE.find_page("injury"), MILESTONES[0], MILESTONES[-1]
    assert some is not None
    assert not is_further(some, than="begun")
    assert is_further(first, than="begun")
    assert is_further(last, than=first.slug)
    assert not is_further(first, than=last.slug)
