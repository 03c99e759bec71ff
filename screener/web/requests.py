"""Sends a request: the finished screening and what is asked for are stored as one whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from flask import request
from sqlalchemy.orm import Session

from screener.domain.answers import Answers, Status
from screener.domain.consultation import call_due
from screener.domain.notices import consent_text
from screener.domain.screening import clinical_report, report, screen
from screener.domain.transcript import transcript
from screener.domain.versions import CONSENT_VERSION, CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.store.consultations import add_consultation
from screener.store.outbox import add_mail
from screener.store.screenings import add_screening
from screener.store.tables import Consultation
from screener.web.access import settings
from screener.web.clinic_card import ClinicCard
from screener.web.languages import language, translated

_KEPT_ELSEWHERE: Final = "The clinic's own system “{}” sent this, and keeps what the patient agreed to there."


@dataclass(frozen=True)
class Sending:
    """What makes a request one and the same however often its form is sent."""

    idempotency_key: bytes
    body_digest: bytes
    receipt_token: str


def send_request(
    session: Session,
    clinic: ClinicCard,
    *,
    answers: Answers,
    events: Sequence[Mapping[str, Any]],
    contact: Mapping[str, Any],
    kind: str,
    sending: Sending,
    now: datetime,
    for_other: bool = False,
    entered_by: Mapping[str, Any] | None = None,
    follows: str | None = None,
    sent_by: str | None = None,
) -> Consultation:
    """Stores the answers as the page worded them, the verdicts with their reasons, and who asked for what.

    `sent_by` is the clinic's own system that the answers were given to, and which keeps the consent to that.
    """
    found = screen(answers)
    # What only some requests have is left out of the others' documents.
    from_elsewhere = {"entered_by": entered_by, "follows": follows, "sent_by": sent_by}
    screening = add_screening(
        session,
        document={
            "answers": answers.as_raw(),
            "transcript": _lines(answers),
            "report": report(found),
            "clinical": clinical_report(found),
            "events": list(events),
            "language": language(),
            "for_other": for_other,
            **{name: value for name, value in from_elsewhere.items() if value},
        },
        urgency=found.urgency.level.value,
        article_class=found.classification.article_class.value,
        questionnaire_version=QUESTIONNAIRE_VERSION,
        criteria_version=CRITERIA_VERSION,
        now=now,
    )
    consent = [_KEPT_ELSEWHERE.format(sent_by)] if sent_by else consent_text(clinic.name, translated)
    sent = add_consultation(
        session,
        screening=screening,
        contact={
            **contact,
            "consent": consent,
            # Who heard it, where it was said and not ticked.
            **({"consent_by_telephone_to": entered_by["name"]} if entered_by else {}),
        },
        consent_version=CONSENT_VERSION,
        kind=kind,
        language=language(),
        urgency_rank=found.urgency.rank,
        due_at=call_due(now, clinic.time_zone) if kind == "call_back" else None,
        idempotency_key=sending.idempotency_key,
        body_digest=sending.body_digest,
        receipt_token=sending.receipt_token,
        now=now,
        staff_id=entered_by["id"] if entered_by else None,
        page=request.endpoint if sent_by else None,
    )
    if contact.get("contact_email"):
        _owe_confirmation(session, clinic, sent, contact["contact_email"], sending.receipt_token)
    return sent


def _lines(answers: Answers) -> list[dict[str, Any]]:
    """What our pages would ask, and what was answered beside: of answers from outside, whatever else may
    have been asked was not skipped."""
    ours = Answers(answers.questionnaire, answers.as_raw())
    asked = {question.id for question in answers.questionnaire if ours.was_asked(question)}
    lines = (line.as_document() for line in transcript(answers, translated))
    return [line for line in lines if line["id"] in asked or line["status"] != Status.SKIPPED.value]


def _owe_confirmation(
    session: Session, clinic: ClinicCard, sent: Consultation, to: str, receipt_token: str
) -> None:
    """A mail that says nothing of why the clinic was asked, and holds the way to withdraw."""
    add_mail(
        session,
        "request_received",
        to=to,
        language=language(),
        values={
            "clinic": clinic.name,
            "phone": clinic.phone,
            "reference": sent.reference,
            "link": settings().link(f"/r/{receipt_token}"),
        },
        due_at=sent.received_at,
        now=sent.received_at,
        consultation_id=sent.id,
    )
