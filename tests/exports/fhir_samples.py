"""What the FHIR room writes, for each kind of answers: for our tests and for programs of other makers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE

from screener.domain.answers import Answers, read_answers
from screener.domain.consultation import State
from screener.domain.notices import consent_text
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import report, screen
from screener.domain.transcript import transcript
from screener.domain.versions import CONSENT_VERSION, CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.exports.fhir.answers import Issue, questionnaire_response
from screener.exports.fhir.consultation import Request, consultation_bundle
from screener.exports.fhir.questionnaire import questionnaire_resource
from screener.exports.fhir.server import capability_statement, operation_outcome, search_set
from screener.exports.fhir.terms import Resource, Translations, code_system
from screener.web.languages import read_catalogue

BASE = "https://screen.example"
WHEN = datetime(2026, 11, 20, 16, 5, 9, tzinfo=UTC)
SPANISH: Translations = {"es": read_catalogue("es").gettext}

# Every page, with "not sure" in each kind of question that offers it.
UNSURE: dict[str, object] = {
    **EVERY_PAGE,
    "mig_days": None,
    "comes_back": None,
    "side": None,
    "symptoms": None,
    "acute_other_name": None,
    "severity": None,
}
SAID: Mapping[str, Mapping[str, object]] = {
    "nothing": {},
    "sparse": {"danger_now": ["none"], "age": 33, "changes": ["none"], "head_days": None},
    "usual": CHRONIC_AND_INTRACTABLE,
    "every page": EVERY_PAGE,
    "unsure": UNSURE,
    "emergency": {"danger_now": ["sudden", "self_harm"], "danger_before": ["chest_pain"]},
}
CONTACT: dict[str, Any] = {
    "contact_name": "Pat Example",
    "contact_birth_date": "1984-04-27",
    "contact_phone": "+17045196918",
    "contact_email": "pat@example.com",
    "contact_channel": "text",
    "contact_message_ok": True,
    "contact_times": ["morning", "evening"],
    "contact_state": "CA",
    "consent": list(consent_text("Acme Headache Clinic")),
}


def walked(said: Mapping[str, object], *, from_outside: bool = False) -> Answers:
    return Answers(QUESTIONNAIRE, read_answers(QUESTIONNAIRE, said), from_outside=from_outside)


def lines(answers: Answers) -> list[dict[str, Any]]:
    return [line.as_document() for line in transcript(answers)]


def response(answers: Answers) -> Resource:
    return questionnaire_response(lines(answers), base_url=BASE, authored=WHEN, language="en")


def request(said: Mapping[str, object], **told: Any) -> Request:
    answers = walked(said)
    stored = {
        "reference": "7KQ2M9XW4B",
        "clinic": "Acme Headache Clinic",
        "kind": "consultation",
        "state": State.NEW,
        "received_at": WHEN,
        "language": "en",
        "contact": CONTACT,
        "lines": lines(answers),
        "report": report(screen(answers)),
        "questionnaire_version": QUESTIONNAIRE_VERSION,
        "criteria_version": CRITERIA_VERSION,
        "consent_version": CONSENT_VERSION,
    }
    return Request(**(stored | told))


def samples() -> dict[str, Resource]:
    """Every resource there is, by name."""
    issue = Issue("value", "age must be a whole number", "QuestionnaireResponse.item[0].answer[0]")
    questionnaire = questionnaire_resource(BASE, SPANISH)
    found = [{**response(walked(SAID["usual"])), "id": "7KQ2M9XW4B"}]
    search = f"{BASE}/fhir/QuestionnaireResponse?authored=2026-11-20"
    return {
        "questionnaire": questionnaire,
        "questionnaire in English": questionnaire_resource(BASE),
        "code system": code_system(BASE, SPANISH),
        "capability statement": capability_statement(BASE, software_version="0.1.0", date=WHEN),
        "operation outcome": operation_outcome([issue]),
        "search set": search_set(found, base_url=BASE, url=search, total=len(found)),
        "empty search set": search_set([], base_url=BASE, url=search, total=0),
        **{f"response, {name}": response(walked(said)) for name, said in SAID.items()},
        **{
            f"bundle, {name}": consultation_bundle(request(said), base_url=BASE)
            for name, said in SAID.items()
        },
        "bundle of a caller": consultation_bundle(
            request(SAID["usual"], for_other=True, entered_by="Ann Intake", state=State.LATER, language="es"),
            base_url=BASE,
        ),
    }
