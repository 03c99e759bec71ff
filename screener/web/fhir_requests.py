"""Stored requests as the FHIR room takes them, each one noted as read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.orm import Session

from screener.domain.consultation import State
from screener.exports.fhir.consultation import Request
from screener.store.audit import note_each, request_subject
from screener.store.consultations import get_consultations, read_contact
from screener.store.errors import NotFoundError
from screener.store.queue import Filter, Order, Turn, list_places
from screener.store.screenings import get_screening, list_screenings, read_screening
from screener.store.tables import Consultation

# Of a withdrawn request nothing is left to tell.
TOLD_STATES: Final = tuple(state.value for state in State if state is not State.WITHDRAWN)
_A_PAGE: Final = 100


def stored_request(session: Session, consultation: Consultation, clinic: str) -> Request:
    """Raises NotFoundError if the patient withdrew it. `clinic` is the clinic's name."""
    if consultation.screening_id is None:
        raise NotFoundError("this request was withdrawn")
    screening = get_screening(session, consultation.screening_id)
    document = read_screening(session, screening)
    entered_by = document.get("entered_by")
    return Request(
        reference=consultation.reference,
        clinic=clinic,
        kind=consultation.kind,
        state=State(consultation.state),
        received_at=consultation.received_at,
        language=document["language"],
        contact=read_contact(session, consultation),
        lines=document["transcript"],
        report=document["report"],
        questionnaire_version=screening.questionnaire_version,
        criteria_version=screening.criteria_version,
        consent_version=consultation.consent_version,
        for_other=bool(document.get("for_other")),
        entered_by=entered_by["name"] if entered_by else None,
        sent_by=document.get("sent_by"),
    )


def read_page(
    session: Session, chosen: Filter, clinic: str, *, limit: int, turn: Turn | None, page: str
) -> tuple[list[Request], Turn | None]:
    """So many of them, oldest first, noted as read on `page`; and where the others begin, if there are."""
    now = datetime.now(UTC)
    places = list_places(session, chosen, now=now, order=Order.LONGEST, limit=limit + 1, turn=turn)
    found = get_consultations(session, [place.id for place in places[:limit]])
    note_each(session, "read", map(request_subject, found), page=page)
    following = Turn(places[limit - 1]) if len(places) > limit else None
    # Read by one statement: as long as they are held here, the session has each that is asked for below.
    _held = list_screenings(session, [each.screening_id for each in found if each.screening_id])
    return [stored_request(session, each, clinic) for each in found], following


def read_all(session: Session, clinic: str, since: datetime | None) -> Iterator[Request]:
    """Every request of the entered clinic, for the operator's file; in the trail before it is handed out."""
    chosen = Filter(states=TOLD_STATES, received_from=since)
    turn, more = None, True
    while more:
        found, turn = read_page(session, chosen, clinic, limit=_A_PAGE, turn=turn, page="screener export")
        session.commit()
        session.expunge_all()
        yield from found
        more = turn is not None
