"""The demo in great number: copies are rows like those that the app wrote, and an interrupted one goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from web.walking import at_clinic

from screener.store.audit import begin_verifying, verify_chain
from screener.store.consultations import list_events, read_contact
from screener.store.made_up import count_requests
from screener.store.reindexing import reindex_page
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import AuditEntry, Consultation, ConsultationEvent, OutboxMessage, Screening
from screener.web import demo

pytestmark = pytest.mark.both_databases


@pytest.fixture
def demo_app(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setattr(demo, "MOST_DISTINCT", 12)
    monkeypatch.setattr(demo, "_A_BATCH", 7)
    with app.app_context():
        yield app


def shapes(session: Session, table: type[Any], ids: set[Any], column: str) -> set[tuple[bool, ...]]:
    """Which columns are empty together, in the rows about these requests."""
    rows = session.scalars(select(table).where(getattr(table, column).in_(ids)))
    return {tuple(getattr(row, c.key) is None for c in table.__table__.columns) for row in rows}


def test_copies_are_rows_as_the_app_writes_them(demo_app: Flask) -> None:
    assert demo.add_demo(40) == "Added the demo clinic with 40 made-up submissions."
    with at_clinic(demo_app, "demo") as (session, _):
        rows = list(session.scalars(select(Consultation).order_by(Consultation.id)))
        made, copied = rows[:13], rows[13:]
        assert len(copied) == 27
        for table, column, key in (
            (Consultation, "id", "id"),
            (Screening, "id", "screening_id"),
            (ConsultationEvent, "consultation_id", "id"),
            (AuditEntry, "subject", "reference"),
        ):
            of_made, of_copied = (
                shapes(session, table, {getattr(r, key) for r in some}, column) for some in (made, copied)
            )
            assert of_copied <= of_made
        for row in copied:
            assert row.screening_id is not None
            assert read_contact(session, row)["contact_email"].endswith("@demo.example")
            said = read_screening(session, get_screening(session, row.screening_id))
            assert {event["at"] for event in said["events"]} <= {row.received_at.isoformat()}
            states = [event.to_state for event in list_events(session, row)]
            assert states == (["new"] if row.state == "new" else ["new", row.state])
        assert len({row.email_index for row in rows}) == len({row.receipt_hash for row in rows}) - 1
        # The indexes are those of what is sealed, and nobody is owed a mail.
        assert reindex_page(session, None) == (None, 0)
        assert session.scalar(select(OutboxMessage.id)) is None
        session.commit()
        begin_verifying(session)
        verified = verify_chain(session)
        assert (verified.broken, verified.why) == (None, "")


def test_an_interrupted_demo_goes_on_where_it_stopped(demo_app: Flask) -> None:
    class PowerCutError(Exception):
        pass

    def cut(added: int) -> None:
        if added == 7:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        demo.add_demo(40, cut)
    told: list[int] = []
    demo_app.extensions["screener.database"].sessions.remove()
    assert "; added " in demo.add_demo(40, told.append)
    assert told[:-1] == [7] * (len(told) - 1)
    with at_clinic(demo_app, "demo") as (session, _):
        assert count_requests(session) == 40
    assert demo.add_demo(40) == "The demo clinic is there already, with 40 submissions."
    assert demo.add_demo(None) == "The demo clinic is there already, with 40 submissions."
