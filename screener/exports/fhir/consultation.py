"""A consultation request as one transaction: who asks for what, what was said and what it was compared with.

A screening diagnoses nothing: there is no Condition. What the answers match is an Observation that stays
preliminary; danger signs are a RiskAssessment, since a DetectedIssue is about orders that clash.
Each resource is created only where its identifier is not known yet, so a second delivery changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from screener.domain.answers import Status
from screener.domain.consultation import State
from screener.domain.explanation import CLASS_NAMES, flag_words
from screener.domain.notices import DISCLAIMER
from screener.domain.question import Number
from screener.domain.questionnaire import (
    ANY_ACUTE_DAYS,
    CONTACT,
    DAYS_LOST,
    DEBIL_DAYS,
    DEBIL_MONTHS,
    HEAD_DAYS,
    MIG_DAYS,
    SEVERITY,
)
from screener.domain.transcript import said
from screener.domain.urgency import Level
from screener.exports.fhir.answers import questionnaire_response
from screener.exports.fhir.questionnaire import UNIT_CODES
from screener.exports.fhir.terms import (
    DATA_ABSENT_REASON,
    LOINC,
    NOT_SURE_CODE,
    SNOMED,
    UCUM,
    Resource,
    coding,
    concept,
    instant,
    other_concept,
    our_coding,
)

# What counts can be charted from.
MEASURED: Final[tuple[Number, ...]] = (
    HEAD_DAYS,
    MIG_DAYS,
    ANY_ACUTE_DAYS,
    DAYS_LOST,
    DEBIL_DAYS,
    DEBIL_MONTHS,
    SEVERITY,
)

# What a request's state is to who receives it: accepted ones are worked on, too.
_STATUSES: Final = {
    State.NEW: "active",
    State.IN_REVIEW: "active",
    State.NEEDS_INFO: "active",
    State.ACCEPTED: "active",
    State.LATER: "on-hold",
    State.NOT_A_FIT: "revoked",
    State.DUPLICATE: "revoked",
    State.WITHDRAWN: "revoked",
    State.CLOSED: "completed",
}
_PRIORITIES: Final = {Level.EMERGENCY: "stat", Level.URGENT: "urgent", Level.ROUTINE: "routine"}
_AT_RISK: Final = {
    Level.EMERGENCY: "A cause that is an emergency is not ruled out",
    Level.URGENT: "A cause that needs care soon is not ruled out",
}
_HEADACHE: Final = coding(SNOMED, "25064002", "Headache")
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_SURVEY: Final = coding(f"{_TERMINOLOGY}/observation-category", "survey", "Survey")
_PRIVACY_CONSENT: Final = coding(f"{_TERMINOLOGY}/consentscope", "patient-privacy", "Privacy Consent")
_CONSENT_DOCUMENT: Final = coding(LOINC, "59284-0", "Patient Consent")
_ANSWERS: Final = "answers"
# What our form offers to whoever lives in no state.
_OUTSIDE_US: Final = "Outside the US"
_NO_DIAGNOSIS: Final = {"note": [{"text": DISCLAIMER}]}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as it was stored; a withdrawn one has nothing left to tell."""

    reference: str
    # The clinic's name.
    clinic: str
    # "consultation", "call_back" or "question".
    kind: str
    state: State
    received_at: datetime
    language: str
    # By id of CONTACT, and `consent`: the sentences that were agreed to.
    contact: Mapping[str, Any]
    # Of the stored transcript, and the stored report beside it.
    lines: Sequence[Mapping[str, Any]]
    report: Mapping[str, Any]
    questionnaire_version: str
    criteria_version: str
    consent_version: str
    for_other: bool = False
    # Who of the staff entered it for a caller.
    entered_by: str | None = None
    # The clinic's own system that sent it.
    sent_by: str | None = None


def identifier_system(base_url: str) -> str:
    """Of every identifier that a request's resources have."""
    return f"{base_url}/fhir/sid/request"


def reference_of_answers(identifier: str) -> str:
    """The reference of the request whose answers are known by this value; empty if none can be."""
    reference, _, what = identifier.partition("-")
    return reference if what == _ANSWERS else ""


def answers_resource(request: Request, *, base_url: str) -> Resource:
    """What was said, by itself: the patient is named by the identifier that the transaction gives them."""
    return _Writer(request, base_url).answers()


def consultation_bundle(request: Request, *, base_url: str) -> Resource:
    """A transaction Bundle, to be posted to the FHIR address of a record system."""
    return _Writer(request, base_url).bundle()


@dataclass(frozen=True)
class _Writer:
    request: Request
    base_url: str

    def bundle(self) -> Resource:
        resources = [
            self._patient(),
            self._response(self._subject),
            *self._facts(),
            self._class(),
            self._urgency(),
            *self._risk(),
            self._consent(),
            self._service_request(),
        ]
        entries = [self._entry(each) for each in resources]
        return {
            "resourceType": "Bundle",
            "id": self.request.reference,
            "identifier": self._identifier(),
            "type": "transaction",
            "timestamp": self._received,
            "entry": [*entries, self._provenance([each["fullUrl"] for each in entries])],
        }

    def answers(self) -> Resource:
        patient = {"type": "Patient", "identifier": self._identifier("patient")}
        return {**self._response(patient), "id": self.request.reference}

    # ------------------------------------------------------------ names

    def _identifier(self, *what: str) -> Resource:
        return {
            "system": identifier_system(self.base_url),
            "value": "-".join((self.request.reference, *what)),
        }

    def _urn(self, identifier: Resource) -> str:
        """The same for the same thing, however often it is written."""
        return uuid5(NAMESPACE_URL, "|".join(identifier.values())).urn

    def _refer(self, *what: str) -> Resource:
        return {"reference": self._urn(self._identifier(*what))}

    def _entry(self, resource: Resource) -> Resource:
        # R4 gives a QuestionnaireResponse one identifier, all others a list.
        found = resource["identifier"]
        identifier = found[0] if isinstance(found, list) else found
        return {
            "fullUrl": self._urn(identifier),
            "resource": resource,
            "request": {
                "method": "POST",
                "url": resource["resourceType"],
                "ifNoneExist": f"identifier={identifier['system']}|{identifier['value']}",
            },
        }

    # ------------------------------------------------------------ who and when

    @property
    def _received(self) -> str:
        return instant(self.request.received_at)

    @property
    def _subject(self) -> Resource:
        return self._refer("patient")

    @property
    def _level(self) -> Level:
        return Level(self.request.report["urgency"])

    def _patient(self) -> Resource:
        contact = self.request.contact
        state = contact["contact_state"]
        language = {
            "language": {"coding": [coding("urn:ietf:bcp:47", self.request.language)]},
            "preferred": True,
        }
        return {
            "resourceType": "Patient",
            "identifier": [self._identifier("patient")],
            "name": [{"text": contact["contact_name"]}],
            "telecom": [*self._telecom()],
            "birthDate": contact["contact_birth_date"],
            "address": [{"state": state, **({} if state == _OUTSIDE_US else {"country": "US"})}],
            "communication": [language],
        }

    def _telecom(self) -> Iterator[Resource]:
        contact = self.request.contact
        by_mail = contact["contact_channel"] == "email"
        for name, preferred in (("phone", not by_mail), ("email", by_mail)):
            if value := contact.get(f"contact_{name}"):
                yield {"system": name, "value": value, "rank": 1 if preferred else 2}

    # ------------------------------------------------------------ what was said

    def _response(self, patient: Resource) -> Resource:
        request = self.request
        written = questionnaire_response(
            request.lines,
            base_url=self.base_url,
            authored=request.received_at,
            language=request.language,
            version=request.questionnaire_version,
        )
        source = {} if request.for_other else {"source": patient}
        return {**written, "identifier": self._identifier(_ANSWERS), "subject": patient, **source}

    def _facts(self) -> Iterator[Resource]:
        lines = {line["id"]: line for line in self.request.lines}
        for question in MEASURED:
            line = lines.get(question.id)
            if line is not None and line["status"] != Status.SKIPPED.value:
                code = concept(question.stem, our_coding(self.base_url, question.id, display=question.topic))
                yield self._observation(question.id, "final", code, **_quantity(question, line["value"]))

    def _observation(self, what: str, status: str, code: Resource, **told: object) -> Resource:
        return {
            "resourceType": "Observation",
            "identifier": [self._identifier(what)],
            "status": status,
            "category": [{"coding": [_SURVEY]}],
            "code": code,
            "subject": self._subject,
            "effectiveDateTime": self._received,
            **told,
            "derivedFrom": [self._refer(_ANSWERS)],
        }

    # ------------------------------------------------------------ what it was compared with

    def _class(self) -> Resource:
        report = self.request.report
        return self._observation(
            "article_class",
            "preliminary",
            self._code("article_class", "Published descriptions of migraine that the answers match"),
            valueCodeableConcept=self._concept("article_class", report["article_class"]),
            component=[
                {
                    "code": self._concept("description", name),
                    "valueCodeableConcept": self._concept("verdict", report[name]["verdict"]),
                }
                for name in CLASS_NAMES
            ],
            **self._method(),
            **_NO_DIAGNOSIS,
        )

    def _urgency(self) -> Resource:
        return self._observation(
            "urgency",
            "preliminary",
            self._code("urgency", "How soon the answers want to be read"),
            valueCodeableConcept=self._concept("urgency", self._level.value),
            **self._method(),
            **_NO_DIAGNOSIS,
        )

    def _risk(self) -> Iterator[Resource]:
        """Each danger sign with its words; none where there was none."""
        flags = self.request.report["red_flags"]
        if not flags:
            return
        parts = dict.fromkeys(part for flag in flags for part in flag.split("+"))
        yield {
            "resourceType": "RiskAssessment",
            "identifier": [self._identifier("red_flags")],
            "status": "preliminary",
            **self._method(),
            "code": self._code("red_flag", "Danger signs in the answers"),
            "subject": self._subject,
            "occurrenceDateTime": self._received,
            "reasonCode": [concept(flag_words(each), our_coding(self.base_url, each)) for each in parts],
            "basis": [self._refer(_ANSWERS)],
            "prediction": [
                {
                    "outcome": {"text": _AT_RISK[self._level]},
                    "qualitativeRisk": self._concept("urgency", self._level.value),
                    "rationale": flag_words(flag),
                }
                for flag in flags
            ],
            **_NO_DIAGNOSIS,
        }

    def _code(self, code: str, text: str) -> Resource:
        return concept(text, our_coding(self.base_url, code))

    def _concept(self, group: str, code: str) -> Resource:
        return other_concept(self.base_url, group, code)

    def _method(self) -> Resource:
        return {"method": {"text": f"Compared by program, rules of {self.request.criteria_version}"}}

    # ------------------------------------------------------------ what for

    def _consent(self) -> Resource:
        request = self.request
        agreed = " ".join(request.contact["consent"])
        return {
            "resourceType": "Consent",
            "identifier": [self._identifier("consent")],
            "status": "active",
            "scope": {"coding": [_PRIVACY_CONSENT]},
            "category": [{"coding": [_CONSENT_DOCUMENT]}],
            "patient": self._subject,
            "dateTime": self._received,
            "performer": [self._subject],
            "organization": [{"display": request.clinic}],
            "policyRule": {"text": f"{agreed} (Version {request.consent_version})"},
            "provision": {"type": "permit"},
        }

    def _service_request(self) -> Resource:
        request = self.request
        return {
            "resourceType": "ServiceRequest",
            "identifier": [self._identifier()],
            "status": _STATUSES[request.state],
            # Somebody asks; nobody has ordered anything.
            "intent": "proposal",
            "priority": _PRIORITIES[self._level],
            "code": self._concept("request", request.kind),
            "subject": self._subject,
            "authoredOn": self._received,
            "requester": self._subject,
            "performer": [{"display": request.clinic}],
            "reasonCode": [concept("Headache", _HEADACHE)],
            "reasonReference": [self._refer("article_class"), self._refer("urgency")],
            "supportingInfo": [self._refer(_ANSWERS)],
            "note": [{"text": "\n".join(_how_to_reach(request.contact))}],
        }

    def _provenance(self, targets: list[str]) -> Resource:
        """It has no identifier: a second delivery is told a second time."""
        return {
            "fullUrl": self._urn(self._identifier("provenance")),
            "resource": {
                "resourceType": "Provenance",
                "target": [{"reference": target} for target in targets],
                "recorded": self._received,
                "agent": [*self._agents()],
            },
            "request": {"method": "POST", "url": "Provenance"},
        }

    def _agents(self) -> Iterator[Resource]:
        request = self.request
        if request.for_other:
            yield _agent("author", {"display": "Somebody else, for the patient"}, onBehalfOf=self._subject)
        else:
            yield _agent("author", self._subject)
        if request.entered_by:
            yield _agent("enterer", {"display": f"{request.entered_by}, by telephone"})
        if request.sent_by:
            yield _agent("enterer", {"display": f"{request.sent_by}, a system of the clinic"})
        yield _agent("assembler", {"display": f"Headache screener, rules of {request.criteria_version}"})


def _agent(role: str, who: Resource, **more: Resource) -> Resource:
    kind = coding(f"{_TERMINOLOGY}/provenance-participant-type", role, role.title())
    return {"type": {"coding": [kind]}, "who": who, **more}


def _quantity(question: Number, value: int | None) -> Resource:
    if value is None:
        absent = coding(DATA_ABSENT_REASON, NOT_SURE_CODE, "Asked But Unknown")
        return {"dataAbsentReason": {"coding": [absent]}}
    one, many = question.unit
    # A scale has no unit but its own.
    unit, code = (one if value == 1 else many, UNIT_CODES[many]) if many else ("of 10", "{score}")
    return {"valueQuantity": {"value": value, "unit": unit, "system": UCUM, "code": code}}


def _how_to_reach(contact: Mapping[str, Any]) -> Iterator[str]:
    for question in CONTACT:
        if question.id in ("contact_channel", "contact_message_ok", "contact_times"):
            value = contact[question.id]
            told = tuple(value) if isinstance(value, list) else value
            yield f"{question.stem} {said(question, told)}"
