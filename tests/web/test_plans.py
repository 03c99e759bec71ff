"""No page of the desk reads more of the database the more there is: what each statement goes by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from conftest import Databases, Installation
from flask import Flask
from plans import Plan, plans_of
from web.client import Browser
from web.walking import at_clinic, sign_in, token_of

from screener.domain.rights import Right
from screener.store import queue
from screener.store.api_tokens import add_token
from screener.store.consultations import get_consultation
from screener.store.contact_log import add_contact
from screener.store.tasks import add_task
from screener.web import demo

pytestmark = pytest.mark.both_databases

DESK = f"/desk/{demo.DEMO_SLUG}"
QUEUE = f"{DESK}/queue"
VIEWS = ("", "?show=due", "?show=accepted", "?show=done", "?sort=longest", "?sort=newest")
FILTERS = (
    "?urgency=flagged",
    "?kind=question",
    "?class=regular",
    "?owner=me",
    "?owner=nobody",
    "?owner=left",
    "?language=es",
    "?waiting=under-4h",
    "?state=needs_info",
    "?kind=question&class=regular&sort=newest",
)
# Not among them: webhooks, kept for days alone.


@pytest.fixture
def references(app: Flask, installation: Installation, databases: Databases) -> list[str]:
    """Of a demo clinic, one of whose requests was called and has a task."""
    now = datetime.now(UTC)
    with app.app_context():
        demo.add_demo(12)
    with at_clinic(app, demo.DEMO_SLUG) as (session, _):
        anything = queue.Filter(states=("new",))
        rows = queue.list_queue(session, anything, now=now)
        held, person = get_consultation(session, rows[0].reference), 1
        about = {"kind": "call", "outcome": "no_answer", "note": "", "next_try_at": now}
        add_contact(session, held, **about, staff_id=person, now=now)  # type: ignore[arg-type]
        day = now.date()
        add_task(session, held, what="Ring", due_on=day, for_staff_id=person, staff_id=person, now=now)
        session.commit()
    databases.pretend_many(installation.settings.database_url)
    return [row.reference for row in rows]


def addresses(references: list[str]) -> Iterator[tuple[str, str]]:
    """Who opens what."""
    for look in (*VIEWS, *FILTERS):
        yield "intake", f"{QUEUE}{look}"
    yield "intake", f"{QUEUE}?after={references[2]}"
    yield "intake", f"{QUEUE}?sort=newest&before={references[2]}"
    yield "intake", f"{QUEUE}/new?since=0"
    yield "intake", f"{DESK}/requests/{references[0]}"
    yield "intake", f"{DESK}/tasks"
    yield "intake", f"{DESK}/tasks?whose=others"
    for page in ("dashboard", "mail", "exports", "retention"):
        yield "admin", f"{DESK}/{page}"
    for wanted in (
        "",
        "?person=1",
        "?what=exported",
        f"?reference={references[0]}",
        "?from=2026-01-01&to=2026-02-01",
    ):
        yield "admin", f"{DESK}/audit{wanted}"


def assert_flat(plans: list[Plan], what: str) -> None:
    grow = [plan for plan in plans if plan.reads_all]
    assert not grow, "\n".join([what, grow[0].statement, *grow[0].steps])


@pytest.mark.parametrize("most_sorted", [1000, 0])
def test_no_page_reads_all_of_a_clinic(
    app: Flask,
    references: list[str],
    monkeypatch: pytest.MonkeyPatch,
    most_sorted: int,
) -> None:
    monkeypatch.setattr(queue, "MOST_SORTED", most_sorted)
    database = app.extensions["screener.database"]
    people = {who: demo_person(app, who) for who in ("intake", "admin")}
    with plans_of(database) as plans:
        for who, address in addresses(references):
            plans.clear()
            assert people[who].get(address).status == 200, address
            assert_flat(plans, address)
        home = people["intake"].get(QUEUE)
        for text, index in {
            "patient3@demo.example": "email_index",
            "(213) 555-0103": "phone_index",
            "alex": "state",
        }.items():
            plans.clear()
            assert people["intake"].post(f"{QUEUE}/search", token_of(home) | {"q": text}).status == 200
            assert_flat(plans, text)
            assert any(index in plan.bounds for plan in plans), [plan.steps for plan in plans]
        with at_clinic(app, demo.DEMO_SLUG) as (session, _):
            token = add_token(
                session, name="x", rights=list(Right), lasts=None, by=None, now=datetime.now(UTC)
            )
            session.commit()
        for address in ("/api/v1/requests", "/api/v1/requests?state=new", "/fhir/QuestionnaireResponse"):
            plans.clear()
            headers = {"Authorization": f"Bearer {token}"}
            assert app.test_client().get(address, headers=headers).status_code == 200
            assert_flat(plans, address)


def demo_person(app: Flask, who: str) -> Browser:
    return sign_in(Browser(app), f"{who}@demo.example", demo.DEMO_PASSWORD)


@pytest.mark.sqlite_only("what PostgreSQL takes depends on how tidy its table is")
def test_the_dashboard_counts_within_an_index(app: Flask, references: list[str]) -> None:
    assert references
    person = demo_person(app, "admin")
    with plans_of(app.extensions["screener.database"]) as plans:
        assert person.get(f"{DESK}/dashboard").status == 200
    counted = [plan.steps for plan in plans if "GROUP BY consultations" in plan.statement]
    assert len(counted) == 4
    assert all("COVERING INDEX ix_consultations_figures" in steps[0] for steps in counted), counted
