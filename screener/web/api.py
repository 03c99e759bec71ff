"""The JSON API: what a clinic's own systems read and decide, by the clinic's tokens (docs/api.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Final, Literal

from flask import Blueprint
from pydantic import AwareDatetime, Field

from screener.domain.classification import ArticleClass
from screener.domain.consultation import (
    REASON_MAX_LENGTH,
    MoveRefusedError,
    ReasonRefusedError,
    State,
    check_move,
)
from screener.domain.rights import Right
from screener.domain.urgency import Level
from screener.store.audit import note, request_subject
from screener.store.consultations import get_consultation, move_consultation, read_contact
from screener.store.errors import ConflictError
from screener.store.queue import Filter, Order, QueueRow, Turn, get_cursor, list_queue
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Consultation
from screener.web.access import db
from screener.web.forms import clean_text
from screener.web.openapi import describe
from screener.web.operations import RefusedError, Strict, install_refusals, operation, wrong_body
from screener.web.refusals import CONFLICT

api = Blueprint("api", __name__, url_prefix="/api/v1")
install_refusals(api)

PAGE_SIZE: Final = 50
MOST: Final = 100


class Kind(Enum):
    CONSULTATION = "consultation"
    CALL_BACK = "call_back"
    QUESTION = "question"


Reference = Annotated[str, Field(pattern="^[0-9A-HJKMNP-TV-Z]{10}$", examples=["7Q2MZ0K4TB"])]


class Listing(Strict):
    """Which requests, oldest first."""

    state: State | None = None
    kind: Kind | None = None
    received_from: AwareDatetime | None = None
    received_before: AwareDatetime | None = None
    after: Reference | None = Field(None, description="The last reference of the page before.")
    limit: int = Field(PAGE_SIZE, ge=1, le=MOST)


class Request(Strict):
    """What is known of a request without opening it. What is null went when the patient withdrew."""

    reference: Reference
    state: State
    kind: Kind
    urgency: Level | None
    article_class: ArticleClass | None
    language: str | None
    received_at: AwareDatetime


class Requests(Strict):
    requests: list[Request]
    next: Reference | None = Field(description="Ask for what comes after it; null at the end.")


class Answer(Strict):
    """One question that was asked, as it was worded, and what was said."""

    id: str
    wording: str
    status: Literal["answered", "unsure", "skipped"]
    value: bool | int | str | list[str] | None
    said: str


class Record(Request):
    """A request as staff see it. It is a screening, not a diagnosis."""

    version: int = Field(description="Send it with a decision, so that none is made on an old state.")
    contact: dict[str, Any]
    red_flags: list[str]
    answers: list[Answer]


class Decision(Strict):
    to: State
    reason: str = Field("", max_length=REASON_MAX_LENGTH)
    version: int


class Decided(Strict):
    reference: Reference
    state: State
    version: int


@api.get("/requests")
@operation(Right.REQUESTS_READ, Requests, query=Listing, refusals=(404,))
def list_requests(query: Listing) -> Requests:
    """List requests."""
    chosen = Filter(
        states=[query.state.value] if query.state else [state.value for state in State],
        kind=query.kind.value if query.kind else None,
        received_from=query.received_from,
        received_before=query.received_before,
    )
    now = datetime.now(UTC)
    # Where the row it names is gone, that is a 404: begin anew.
    turn = Turn(get_cursor(db(), query.after, now)) if query.after else None
    rows = list_queue(
        db(), chosen, now=now, order=Order.LONGEST, limit=query.limit + 1, turn=turn, opened=False
    )
    page = rows[: query.limit]
    following = page[-1].reference if len(rows) > query.limit else None
    return Requests(requests=[_told(row) for row in page], next=following)


def _told(row: QueueRow) -> Request:
    return Request(
        reference=row.reference,
        state=State(row.state),
        kind=Kind(row.kind),
        urgency=Level(row.urgency) if row.urgency else None,
        article_class=ArticleClass(row.article_class) if row.article_class else None,
        language=row.language,
        received_at=row.received_at,
    )


@api.get("/requests/<reference>")
@operation(Right.RECORDS_READ, Record, refusals=(404, 410))
def read_request(reference: str) -> Record:
    """Read one request with contact and answers."""
    consultation = get_consultation(db(), reference)
    if consultation.screening_id is None:
        raise RefusedError(410, "The patient withdrew this request: nothing of it is kept.")
    note(db(), "read", request_subject(consultation), page="api.read_request")
    screening = get_screening(db(), consultation.screening_id)
    document = read_screening(db(), screening)
    return Record(
        reference=consultation.reference,
        state=State(consultation.state),
        kind=Kind(consultation.kind),
        urgency=Level(screening.urgency),
        article_class=ArticleClass(screening.article_class),
        language=consultation.language,
        received_at=consultation.received_at,
        version=consultation.version,
        contact=read_contact(db(), consultation),
        red_flags=document["report"].get("red_flags", []),
        answers=[
            Answer(**{name: line[name] for name in Answer.model_fields}) for line in document["transcript"]
        ],
    )


@api.post("/requests/<reference>/decisions")
@operation(Right.REQUESTS_MOVE, Decided, body=Decision, refusals=(404, 409))
def decide(reference: str, body: Decision) -> Decided:
    """Decide about a request, as staff do: the same moves, reasons and history."""
    consultation = get_consultation(db(), reference)
    db().refresh(consultation, with_for_update=True)
    if consultation.version != body.version:
        raise RefusedError(
            CONFLICT, f"This request was changed meanwhile: it has version {consultation.version}."
        )
    _move(consultation, body)
    return Decided(
        reference=consultation.reference, state=State(consultation.state), version=consultation.version
    )


def _move(consultation: Consultation, body: Decision) -> None:
    reason = clean_text(body.reason)
    try:
        check_move(State(consultation.state), body.to, reason)
        move_consultation(
            db(),
            consultation,
            to_state=body.to.value,
            reason=reason or None,
            staff_id=None,
            now=datetime.now(UTC),
        )
    except ReasonRefusedError as refusal:
        raise wrong_body("reason", str(refusal)) from None
    except (MoveRefusedError, ConflictError) as refusal:
        raise RefusedError(CONFLICT, str(refusal)) from None


@api.get("/openapi.json")
@operation(None, None)
def description() -> dict[str, Any]:
    """This description."""
    return describe(api.name)
