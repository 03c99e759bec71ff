"""The Questionnaire asks what we ask, of whom we ask it, in every language we have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from domain.test_properties import anything, steady
from exports.fhir_samples import BASE, SPANISH, WHEN, walked
from fhir.resources.R4B import questionnaire as r4b
from hypothesis import given

from screener.domain.answers import Answers
from screener.domain.question import (
    AtLeast,
    Choice,
    Choices,
    Is,
    Number,
    Option,
    Page,
    Part,
    Question,
    Questionnaire,
    Text,
    YesNo,
)
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.transcript import transcript
from screener.domain.wordings import question_wordings
from screener.exports.fhir.answers import questionnaire_response, read_response
from screener.exports.fhir.questionnaire import questionnaire_resource
from screener.exports.fhir.terms import KINDS, Resource, code_system

WRITTEN = questionnaire_resource(BASE, SPANISH)

_DAYS = Number(id="p_number", stem="How many?", hint="Guess.", minimum=0, maximum=9, scale=("few", "many"))
_ALONE = YesNo(id="p_yes_no", stem="Is it?", unsure_allowed=False)
PLANTED = Questionnaire(
    version="2030-01-01",
    pages=(
        Page(slug="first", part=Part.SAFETY, questions=(_ALONE, _DAYS), lead="First things first."),
        Page(
            slug="second",
            part=Part.HISTORY,
            questions=(
                Choice(
                    id="p_choice",
                    stem="Which?",
                    options=(Option("a", "A"), Option("b", "B")),
                    when=(Is(_ALONE, value=True), AtLeast(_DAYS, 5)),
                ),
                Choices(
                    id="p_choices", stem="Which ones?", options=(Option("a", "A"), Option("none", "None"))
                ),
                Text(id="p_text", stem="What?", max_length=20),
            ),
        ),
    ),
)


def groups(questionnaire: Resource) -> list[Resource]:
    return [item for item in questionnaire["item"] if item["type"] == "group"]


def asked_items(questionnaire: Resource) -> dict[str, Resource]:
    """Items that want an answer, by linkId."""
    return {
        item["linkId"]: item
        for group in groups(questionnaire)
        for item in group["item"]
        if item["type"] != "display"
    }


def extensions(element: Resource) -> dict[str, Any]:
    """By the last part of the address: the value."""
    return {
        each["url"].rsplit("/", 1)[-1]: next(value for key, value in each.items() if key != "url")
        for each in element.get("extension", ())
    }


def spanish(element: Resource, name: str) -> str:
    (translation,) = element[f"_{name}"]["extension"]
    told = extensions(translation)
    assert told["lang"] == "es"
    return str(told["content"])


def enabled(questionnaire: Resource, raw: dict[str, Any]) -> set[str]:
    """Which questions a form by FHIR's rules would ask, read from the resource alone."""
    kept: dict[str, list[object]] = {}

    def holds(item: Resource) -> bool:
        conditions = item.get("enableWhen", [])
        assert len(conditions) < 2 or item["enableBehavior"] == "any"
        return not conditions or any(map(is_met, conditions))

    def is_met(condition: Resource) -> bool:
        (wanted,) = (value for key, value in condition.items() if key.startswith("answer"))
        wanted = wanted["code"].split(".", 1)[1] if isinstance(wanted, dict) else wanted
        given = [value for value in kept.get(condition["question"], ()) if value is not None]
        if condition["operator"] == ">=":
            return any(value >= wanted for value in given)
        return wanted in given

    found = set()
    for group in filter(holds, groups(questionnaire)):
        for item in group["item"]:
            if item["type"] != "display" and holds(item):
                found.add(item["linkId"])
                value = raw.get(item["linkId"])
                kept[item["linkId"]] = [*value] if isinstance(value, list | tuple) else [value]
    return found


def texts(element: object) -> Iterator[tuple[str, str]]:
    """Every worded text in English and in Spanish."""
    if isinstance(element, dict):
        for name in ("text", "display", "description"):
            if f"_{name}" in element:
                yield element[name], spanish(element, name)
        for value in element.values():
            yield from texts(value)
    elif isinstance(element, list):
        for value in element:
            yield from texts(value)


@steady
@given(anything)
def test_a_form_by_fhirs_rules_asks_what_our_pages_ask(said: dict[str, Any]) -> None:
    walk = walked(said)
    assert enabled(WRITTEN, said) == {question.id for question in QUESTIONNAIRE if walk.was_asked(question)}


def test_every_word_of_the_questionnaire_is_there_in_both_languages() -> None:
    written = dict(texts(WRITTEN))
    wanted = {text for question in QUESTIONNAIRE for text in question_wordings(question)}
    # Topics are codes' names, and a unit is told in its plural.
    one = {question.unit[0] for question in QUESTIONNAIRE if isinstance(question, Number)}
    wanted -= {question.topic for question in QUESTIONNAIRE} | one | {""}
    assert wanted <= set(written)
    assert {"About you", "Not sure"} <= set(written)
    assert written["About you"] == "Sobre usted"
    assert "not a diagnosis" in WRITTEN["description"]
    assert WRITTEN["item"][0]["text"] == WRITTEN["description"], "a form shows it first"


def test_bounds_units_and_exclusive_choices_are_fhirs_own() -> None:
    items = asked_items(WRITTEN)
    assert extensions(items["days_lost"])["minValue"] == 0
    assert extensions(items["days_lost"])["maxValue"] == 92
    assert extensions(items["days_lost"])["questionnaire-unit"]["code"] == "d"
    alone = {
        option["valueCoding"]["code"]
        for option in items["symptoms"]["answerOption"]
        if extensions(option).get("questionnaire-optionExclusive")
    }
    assert alone == {"symptoms.none", "asked-unknown"}
    assert items["symptoms"]["repeats"] is True
    assert not any(extensions(option) for option in items["longest_break"]["answerOption"]), "one is chosen"
    assert items["own_words"]["maxLength"] == 1000
    assert [(end["prefix"], end["text"]) for end in items["severity"]["item"]] == [
        ("0", "no pain"),
        ("10", "worst pain"),
    ]
    owed = {link for link, item in items.items() if item["required"]}
    assert owed == {"danger_now", "age", "changes", "injury_signs"}
    hidden = {group["linkId"] for group in groups(WRITTEN) if "questionnaire-hidden" in extensions(group)}
    assert hidden == {"page.danger-before"}, "another screen asks it"


def test_headings_of_pages_with_follow_ups_only_wait_for_one_of_them() -> None:
    waiting = {group["linkId"] for group in groups(WRITTEN) if "enableWhen" in group}
    assert {"page.long-attack", "page.aura", "page.medicine-days"} <= waiting
    assert not waiting & {"page.impact", "page.how-long-so-often", "page.now"}, "they ask everybody something"


def test_codes_are_unique_and_the_code_system_counts_them() -> None:
    written = code_system(BASE, SPANISH)
    tops = written["concept"]
    codes = [each["code"] for top in tops for each in (top, *top.get("concept", ()))]
    assert len(set(codes)) == len(codes) == written["count"]
    offered = {
        option["valueCoding"]["code"]
        for item in asked_items(WRITTEN).values()
        for option in item.get("answerOption", ())
    }
    assert offered - {"asked-unknown"} <= set(codes)
    links = [item["linkId"] for group in groups(WRITTEN) for item in (group, *group["item"])]
    assert len(set(links)) == len(links)


def test_every_kind_of_question_has_a_type_and_comes_back() -> None:
    assert {kind.__name__ for kind in get_args(Question)} == set(KINDS)
    assert {type(question) for question in PLANTED} == set(get_args(Question)), "plant the new kind, too"
    written = questionnaire_resource(BASE, asked=PLANTED)
    r4b.Questionnaire.model_validate(written)
    assert {link: item["type"] for link, item in asked_items(written).items()} == {
        "p_yes_no": "boolean",
        "p_number": "integer",
        "p_choice": "choice",
        "p_choices": "choice",
        "p_text": "string",
    }
    for raw in (
        {"p_yes_no": True, "p_number": 7, "p_choice": "b", "p_choices": ("a",), "p_text": "Words; words"},
        {"p_yes_no": True, "p_number": None, "p_choice": None, "p_choices": None, "p_text": None},
    ):
        said = [line.as_document() for line in transcript(Answers(PLANTED, raw))]
        response = questionnaire_response(
            said, base_url=BASE, authored=WHEN, language="en", version=written["version"]
        )
        assert read_response(response, base_url=BASE, asked=PLANTED) == raw
