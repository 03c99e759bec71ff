"""A request becomes one transaction that tells who asks, what was said and what it was compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from domain.test_properties import anything, steady
from exports.fhir_samples import BASE, CONTACT, SAID, request, samples, walked
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given

from screener.domain.consultation import State
from screener.domain.screening import screen
from screener.exports.fhir.consultation import consultation_bundle
from screener.exports.fhir.server import SERVED
from screener.exports.fhir.terms import Resource, code_system
from screener.web.us_states import STATE_NAMES

SAMPLES = samples()
OURS = f"{BASE}/fhir/CodeSystem/headache-screening"
BUNDLES = [name for name in SAMPLES if name.startswith("bundle")]


def resources(bundle: Resource, kind: str) -> list[Resource]:
    return [each["resource"] for each in bundle["entry"] if each["resource"]["resourceType"] == kind]


def observation(bundle: Resource, code: str) -> Resource:
    return next(
        each for each in resources(bundle, "Observation") if each["code"]["coding"][0]["code"] == code
    )


def values(element: object, name: str) -> Iterator[Any]:
    """Every value under this name, at any depth."""
    if isinstance(element, dict):
        if name in element:
            yield element[name]
        for value in element.values():
            yield from values(value, name)
    elif isinstance(element, list):
        for value in element:
            yield from values(value, name)


CODES = set(values(code_system(BASE)["concept"], "code"))


@pytest.mark.parametrize("name", SAMPLES)
def test_every_resource_is_valid_and_says_nothing_the_standard_does_not_know(name: str) -> None:
    written = SAMPLES[name]
    model = get_fhir_model_class(written["resourceType"]).model_validate_json(json.dumps(written))
    assert json.loads(model.model_dump_json()) == written


@pytest.mark.parametrize("name", BUNDLES)
def test_a_transaction_is_whole_and_delivered_twice_changes_nothing(name: str) -> None:
    bundle = SAMPLES[name]
    here = [each["fullUrl"] for each in bundle["entry"]]
    assert len(set(here)) == len(here)
    assert all(each.startswith("urn:uuid:") for each in here)
    assert set(values(bundle, "reference")) <= set(here)
    twice = [
        each["resource"]["resourceType"] for each in bundle["entry"] if "ifNoneExist" not in each["request"]
    ]
    assert twice == ["Provenance"]
    asked = [each["request"].get("ifNoneExist") for each in bundle["entry"]]
    assert len(set(asked)) == len(asked)
    assert {each["reference"] for each in resources(bundle, "Provenance")[0]["target"]} == set(here[:-1])


@pytest.mark.parametrize("name", BUNDLES)
def test_every_code_of_ours_is_in_our_code_system(name: str) -> None:
    used = {
        each["code"]
        for codings in values(SAMPLES[name], "coding")
        for each in codings
        if each["system"] == OURS
    }
    assert used <= CODES
    assert used


@steady
@given(anything)
def test_every_part_of_a_red_flag_is_a_code_of_ours(said: dict[str, Any]) -> None:
    flags = screen(walked(said, from_outside=True)).urgency.red_flags
    assert {part for flag in flags for part in flag.split("+")} <= CODES


@pytest.mark.parametrize("name", BUNDLES)
def test_nothing_is_called_a_diagnosis(name: str) -> None:
    bundle = SAMPLES[name]
    kinds = {each["resource"]["resourceType"] for each in bundle["entry"]}
    assert not kinds & {"Condition", "ClinicalImpression", "DiagnosticReport"}
    for judged in (observation(bundle, "article_class"), *resources(bundle, "RiskAssessment")):
        assert judged["status"] == "preliminary"
        assert "not a diagnosis" in judged["note"][0]["text"]


def test_the_patient_is_who_left_the_contact_details() -> None:
    (patient,) = resources(SAMPLES["bundle, usual"], "Patient")
    assert patient["name"] == [{"text": "Pat Example"}]
    assert patient["birthDate"] == "1984-04-27"
    assert patient["telecom"] == [
        {"system": "phone", "value": "+17045196918", "rank": 1},
        {"system": "email", "value": "pat@example.com", "rank": 2},
    ]
    assert patient["address"] == [{"state": "CA", "country": "US"}]
    abroad = request(SAID["usual"], contact=CONTACT | {"contact_state": STATE_NAMES[-1]})
    (patient,) = resources(consultation_bundle(abroad, base_url=BASE), "Patient")
    assert patient["address"] == [{"state": "Outside the US"}]
    (asked,) = resources(SAMPLES["bundle, usual"], "ServiceRequest")
    assert asked["note"][0]["text"].splitlines() == [
        "How should the clinic reach you? Text me",
        "May the clinic leave a message? Yes",
        "When is a good time? Morning; Evening",
    ]
    (consent,) = resources(SAMPLES["bundle, usual"], "Consent")
    assert "contact me about them" in consent["policyRule"]["text"]


def test_facts_class_and_urgency_are_what_was_said_and_found() -> None:
    bundle = SAMPLES["bundle, usual"]
    assert observation(bundle, "head_days")["valueQuantity"]["value"] == 20
    assert observation(bundle, "severity")["valueQuantity"]["code"] == "{score}"
    found = observation(bundle, "article_class")
    assert found["valueCodeableConcept"]["coding"][0]["code"] == "article_class.chronic_and_intractable"
    assert [each["valueCodeableConcept"]["text"] for each in found["component"]] == [
        "matches",
        "matches",
        "does not match",
    ]
    assert not resources(bundle, "RiskAssessment"), "no flag, no risk"
    unsure = observation(SAMPLES["bundle, unsure"], "mig_days")
    assert "valueQuantity" not in unsure
    assert unsure["dataAbsentReason"]["coding"][0]["code"] == "asked-unknown"


def test_each_red_flag_is_told_and_an_emergency_comes_first() -> None:
    bundle = SAMPLES["bundle, emergency"]
    (risk,) = resources(bundle, "RiskAssessment")
    flags = request(SAID["emergency"]).report["red_flags"]
    assert len(risk["prediction"]) == len(flags) > 2
    assert risk["prediction"][0]["rationale"] == "Worst headache ever, at its peak within 5 minutes"
    assert {each["coding"][0]["code"] for each in risk["reasonCode"]} == {
        part for flag in flags for part in flag.split("+")
    }
    assert observation(bundle, "urgency")["valueCodeableConcept"]["coding"][0]["code"] == "urgency.emergency"
    assert resources(bundle, "ServiceRequest")[0]["priority"] == "stat"


def test_who_answered_for_whom_and_who_typed_it_is_told() -> None:
    own, entered = SAMPLES["bundle, usual"], SAMPLES["bundle of a caller"]
    assert resources(own, "QuestionnaireResponse")[0]["source"]["reference"] == own["entry"][0]["fullUrl"]
    assert "source" not in resources(entered, "QuestionnaireResponse")[0]
    agents = resources(entered, "Provenance")[0]["agent"]
    assert [each["type"]["coding"][0]["code"] for each in agents] == ["author", "enterer", "assembler"]
    assert agents[1]["who"]["display"] == "Ann Intake, by telephone"


def test_every_state_of_a_request_has_a_status() -> None:
    told = {
        state: resources(
            consultation_bundle(request(SAID["usual"], state=state), base_url=BASE), "ServiceRequest"
        )[0]["status"]
        for state in State
    }
    assert told[State.LATER] == "on-hold"
    assert told[State.NOT_A_FIT] == "revoked"


def test_addresses_hold_no_name_and_no_answer() -> None:
    bundle = SAMPLES["bundle, every page"]
    for address in (*values(bundle, "fullUrl"), *values(bundle, "ifNoneExist"), *values(bundle, "url")):
        assert "Pat" not in address.removeprefix("Patient")
        assert "7045196918" not in address
        assert "Mondays" not in address


def test_the_server_tells_what_it_serves() -> None:
    told = SAMPLES["capability statement"]["rest"][0]["resource"]
    assert {each["type"] for each in told} == set(SERVED)
    assert SAMPLES["capability statement"]["fhirVersion"] == "4.0.1"
    assert SAMPLES["empty search set"]["total"] == 0
    assert "entry" not in SAMPLES["empty search set"], "FHIR knows no empty list"
