"""A response holds what was said, and one made elsewhere is read or refused with reasons."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from domain.test_properties import anything, steady
from exports.fhir_samples import BASE, SAID, UNSURE, WHEN, response, walked
from fhir.resources.R4B.operationoutcome import OperationOutcome
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify
from screener.domain.transcript import transcript
from screener.exports.fhir.answers import MOST_ISSUES, ResponseError, questionnaire_response, read_response
from screener.exports.fhir.server import operation_outcome
from screener.exports.fhir.terms import Resource
from screener.web.languages import read_catalogue

OURS = f"{BASE}/fhir/CodeSystem/headache-screening"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


def item(resource: Resource, link: str) -> Resource:
    return next(each for group in resource["item"] for each in group["item"] if each["linkId"] == link)


def refused(resource: object) -> list[tuple[str, str]]:
    """(code, path) of each issue; an outcome can be made of them."""
    with pytest.raises(ResponseError) as caught:
        read_response(resource, base_url=BASE)
    issues = caught.value.issues
    OperationOutcome.model_validate(operation_outcome(issues))
    return [(issue.code, issue.path) for issue in issues]


@settings(steady, max_examples=60)
@given(anything)
def test_what_was_said_comes_back_the_same(said: dict[str, Any]) -> None:
    if said.get("danger_before") is None:
        # Asked by another screen: a transcript has it only where it was answered.
        said = {name: value for name, value in said.items() if name != "danger_before"}
    ours, outside = walked(said), walked(said, from_outside=True)
    for kept in (ours, outside):
        assert read_response(json.loads(json.dumps(response(kept))), base_url=BASE) == kept.as_raw()
    again = walked(read_response(response(ours), base_url=BASE))
    assert [again.status(each) for each in QUESTIONNAIRE] == [ours.status(each) for each in QUESTIONNAIRE]


@pytest.mark.parametrize("name", SAID)
def test_a_response_is_classified_as_its_answers_are(name: str) -> None:
    back = read_response(response(walked(SAID[name])), base_url=BASE)
    assert classify(back) == classify(SAID[name])


def test_skipped_not_sure_and_not_asked_are_told_apart() -> None:
    written = response(walked({**UNSURE, "aura_ever": False, "aura_types": ["visual"]}))
    assert item(written, "days_lost")["answer"] == [{"valueInteger": 40}]
    assert item(written, "other_tried") == {"linkId": "other_tried", "text": "What else have you tried?"}
    unsure = {"system": ABSENT, "code": "asked-unknown", "display": "Not sure"}
    assert item(written, "side")["answer"] == [{"valueCoding": unsure}]
    assert item(written, "symptoms")["answer"] == [{"valueCoding": unsure}]
    (comes_back,) = item(written, "comes_back")["answer"]
    assert comes_back["_valueBoolean"]["extension"][0]["valueCode"] == "asked-unknown"
    links = {each["linkId"] for group in written["item"] for each in group["item"]}
    assert "aura_types" not in links


def test_a_response_keeps_the_words_that_were_shown() -> None:
    spanish = read_catalogue("es").gettext
    said = [line.as_document() for line in transcript(walked(SAID["usual"]), spanish)]
    written = questionnaire_response(
        said, base_url=BASE, authored=WHEN, language="es", version="2025-01-01+0a"
    )
    assert written["questionnaire"].endswith("|2025-01-01+0a")
    assert written["language"] == "es"
    assert item(written, "age")["text"] == spanish("How old are you?")
    labels = [answer["valueCoding"]["display"] for answer in item(written, "symptoms")["answer"]]
    assert labels == [spanish(label) for label in ("Upset stomach (nausea)", "Light bothers me", "Dizziness")]


def test_who_stopped_early_did_not_complete_it() -> None:
    assert response(walked(SAID["emergency"]))["status"] == "stopped"
    assert response(walked(SAID["usual"]))["status"] == "completed"


def test_items_may_lie_outside_of_their_groups() -> None:
    written = response(walked(SAID["usual"]))
    flat = {**written, "item": [each for group in written["item"] for each in group["item"]]}
    assert read_response(flat, base_url=BASE) == walked(SAID["usual"]).as_raw()


def test_answers_to_what_was_not_asked_are_read_for_the_walk_to_name() -> None:
    written = response(walked(SAID["usual"]))
    age = item(written, "age")
    written["item"].append(
        {"linkId": "page.aura", "item": [{**age, "linkId": "aura_clears", "answer": _YES}]}
    )
    assert classify(read_response(written, base_url=BASE))["ignored"] == ["aura_clears"]


_REASON = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "asked-unknown"}
_YES = [{"valueBoolean": True}]
_PLACE = "QuestionnaireResponse.item[{}].item[{}]"
_AGE = _PLACE.format(1, 0)
_SYMPTOMS = _PLACE.format(7, 0)


def _answered(link: str, *answers: object) -> Callable[[Resource], None]:
    def change(resource: Resource) -> None:
        item(resource, link)["answer"] = list(answers)

    return change


def _answered_text(words: str) -> Callable[[Resource], None]:
    own = {"linkId": "own_words", "answer": [{"valueString": words}]}

    def change(resource: Resource) -> None:
        for group in resource["item"]:
            group["item"] = [each for each in group["item"] if each["linkId"] != "own_words"]
        resource["item"].append({"linkId": "page.background", "item": [own]})

    return change


def _put(**elements: object) -> Callable[[Resource], None]:
    return lambda resource: resource.update(elements)


def _without_age(resource: Resource) -> None:
    del item(resource, "age")["answer"]


def _twice(resource: Resource) -> None:
    resource["item"].append({"linkId": "page.about-you", "item": [deepcopy(item(resource, "age"))]})


def _deep(resource: Resource) -> None:
    inner: Resource = {"linkId": "page.now"}
    for _ in range(200):
        inner = {"linkId": "page.now", "item": [inner]}
    resource["item"] = [inner]
    resource["status"] = "stopped"


def _more_migraine_than_headache(resource: Resource) -> None:
    item(resource, "mig_days")["answer"] = [{"valueInteger": 29}]


def _coded(code: object, system: str = OURS) -> dict[str, object]:
    return {"valueCoding": {"system": system, "code": code}}


_UNSURE = _coded("asked-unknown", ABSENT)


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (_put(resourceType="Bundle"), "structure", "QuestionnaireResponse"),
        (
            _put(questionnaire="https://else.example/q|1"),
            "not-supported",
            "QuestionnaireResponse.questionnaire",
        ),
        (
            _put(questionnaire=f"{BASE}/fhir/Questionnaire/headache-screening"),
            "not-supported",
            "QuestionnaireResponse.questionnaire",
        ),
        (_put(status="entered-in-error"), "value", "QuestionnaireResponse.status"),
        (_put(status=["completed"]), "value", "QuestionnaireResponse.status"),
        (_put(item={"linkId": "age"}, status="stopped"), "structure", "QuestionnaireResponse.item"),
        (_put(item=["age"], status="stopped"), "structure", "QuestionnaireResponse.item[0]"),
        (
            _put(item=[{"linkId": "shoe"}], status="stopped"),
            "not-found",
            "QuestionnaireResponse.item[0].linkId",
        ),
        (
            _put(item=[{"linkId": ["x"]}], status="stopped"),
            "not-found",
            "QuestionnaireResponse.item[0].linkId",
        ),
        (
            _put(item=[{"linkId": "page.now", "answer": _YES}], status="stopped"),
            "structure",
            "QuestionnaireResponse.item[0].answer",
        ),
        (
            _without_age,
            "required",
            "QuestionnaireResponse.item.where(linkId='page.about-you').item.where(linkId='age')",
        ),
        (
            _answered("age", {"_valueInteger": {"extension": [_REASON]}}),
            "required",
            "QuestionnaireResponse.item.where(linkId='page.about-you').item.where(linkId='age')",
        ),
        (_answered_text("\ud800"), "value", "QuestionnaireResponse.item[19].item[0].answer[0]"),
        (_answered_text("a\x00b"), "value", "QuestionnaireResponse.item[19].item[0].answer[0]"),
        (_answered_text("a" * 1001), "value", "QuestionnaireResponse.item[19].item[0].answer"),
        (_twice, "duplicate", "QuestionnaireResponse.item[19].item[0].linkId"),
        (_deep, "structure", "QuestionnaireResponse.item[0].item[0].item[0].item"),
        (_answered("age"), "structure", f"{_AGE}.answer"),
        (_answered("age", {"valueInteger": 42}, {"valueInteger": 43}), "structure", f"{_AGE}.answer"),
        (_answered("age", {"valueString": "42"}), "value", f"{_AGE}.answer[0]"),
        (_answered("age", {"valueInteger": True}), "value", f"{_AGE}.answer"),
        (_answered("age", {"valueInteger": 42.5}), "value", f"{_AGE}.answer"),
        (_answered("age", {"valueInteger": None}), "value", f"{_AGE}.answer[0]"),
        (_answered("age", {"valueInteger": 121}), "value", f"{_AGE}.answer"),
        (_answered("age", 42), "value", f"{_AGE}.answer[0]"),
        (
            _answered("symptoms", _coded("symptoms.nausea"), _coded("light")),
            "value",
            f"{_SYMPTOMS}.answer[1]",
        ),
        (_answered("symptoms", _coded("symptoms.shoe")), "value", f"{_SYMPTOMS}.answer"),
        (_answered("symptoms", _coded(["x"])), "value", f"{_SYMPTOMS}.answer[0]"),
        (_answered("symptoms", {"valueCoding": "nausea"}), "value", f"{_SYMPTOMS}.answer[0]"),
        (
            _answered("symptoms", _coded("symptoms.nausea", "https://else.example")),
            "value",
            f"{_SYMPTOMS}.answer[0]",
        ),
        (
            _answered("symptoms", _coded("symptoms.none"), _coded("symptoms.nausea")),
            "value",
            f"{_SYMPTOMS}.answer",
        ),
        (_answered("symptoms", _UNSURE, _coded("symptoms.nausea")), "value", f"{_SYMPTOMS}.answer"),
        (_more_migraine_than_headache, "business-rule", _PLACE.format(9, 0)),
    ],
)
def test_what_cannot_be_read_is_named_with_its_place(
    change: Callable[[Resource], None], code: str, path: str
) -> None:
    written = response(walked(SAID["usual"]))
    change(written)
    assert refused(written) == [(code, path)]


@pytest.mark.parametrize("resource", [None, [], "QuestionnaireResponse", 7, {}])
def test_what_is_no_response_is_refused(resource: object) -> None:
    assert refused(resource) == [("structure", "QuestionnaireResponse")]


_names = st.sampled_from(
    (
        "item",
        "answer",
        "linkId",
        "valueInteger",
        "valueCoding",
        "_valueInteger",
        "extension",
        "system",
        "code",
    )
)
_leaves = st.sampled_from(
    (None, True, 7, 0.5, "age", "side", "page.now", "symptoms.none", OURS, ABSENT, "\ud800")
)
_json = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=4),
    max_leaves=20,
)
_items = st.lists(
    st.fixed_dictionaries(
        {"linkId": st.sampled_from(("age", "side", "symptoms", "own_words")), "answer": _json}
    )
    | _json,
    max_size=4,
)


@settings(steady, max_examples=200)
@given(_items | _json)
def test_whatever_is_sent_is_read_or_refused(items: object) -> None:
    written = response(walked({})) | {"item": items}
    with suppress(ResponseError):
        read_response(written, base_url=BASE)


def test_a_response_that_is_not_complete_owes_nothing() -> None:
    for status in ("in-progress", "stopped"):
        written = response(walked(SAID["usual"])) | {"status": status}
        _without_age(written)
        assert "age" not in read_response(written, base_url=BASE)


def test_not_sure_is_read_however_it_is_said() -> None:
    written = response(walked(SAID["usual"]))
    for link, answer in (
        ("constant", {"_valueBoolean": {"extension": [_REASON]}}),
        ("side", {"valueCoding": {"extension": [_REASON]}}),
        ("stops_me", _UNSURE),
    ):
        item(written, link)["answer"] = [answer]
        assert read_response(written, base_url=BASE)[link] is None
    item(written, "constant")["answer"] = [
        {"_valueBoolean": {"extension": [{**_REASON, "valueCode": "masked"}]}}
    ]
    assert refused(written) == [("value", "QuestionnaireResponse.item[10].item[1].answer[0]")]


def test_issues_are_few_and_repeat_no_answer() -> None:
    written = response(walked(SAID["usual"]))
    written["item"] += [{"linkId": "my secret", "answer": [{"valueString": "my secret"}]}] * 1000
    item(written, "age")["answer"] = [{"valueInteger": 77777}]
    with pytest.raises(ResponseError) as caught:
        read_response(written, base_url=BASE)
    assert len(caught.value.issues) == MOST_ISSUES
    told = json.dumps(operation_outcome(caught.value.issues))
    assert "secret" not in told
    assert "77777" not in told
