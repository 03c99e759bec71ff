"""The words that FHIR resources share: our addresses and codes, and those of others that we looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final, NamedTuple, TypeAlias

from screener.domain.classification import ArticleClass
from screener.domain.explanation import CLASS_NAMES, FLAG_WORDS, VERDICT_WORDS
from screener.domain.notices import DISCLAIMER
from screener.domain.question import (
    Choice,
    Choices,
    Number,
    Option,
    Question,
    Questionnaire,
    Text,
    Translate,
    YesNo,
)
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.urgency import Level
from screener.domain.versions import version_of

# A resource or a part of one, as JSON has it.
Resource: TypeAlias = dict[str, Any]
# By language code. English is what is translated.
Translations: TypeAlias = Mapping[str, Translate]

FHIR_VERSION: Final = "4.0.1"
# The one Questionnaire and the one CodeSystem are called this.
SCREENING: Final = "headache-screening"
COPYRIGHT: Final = "Copyright (c) 2026 The Migraine Screener authors. MIT License."

LOINC: Final = "http://loinc.org"
SNOMED: Final = "http://snomed.info/sct"
UCUM: Final = "http://unitsofmeasure.org"
DATA_ABSENT_REASON: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
NOT_SURE_CODE: Final = "asked-unknown"
_EXTENSIONS: Final = "http://hl7.org/fhir/StructureDefinition/"


class Kind(NamedTuple):
    """What a kind of question is called: its item's type, and the element that holds an answer."""

    type: str
    value: str


# By the name that transcripts keep.
KINDS: Final = {
    YesNo.__name__: Kind("boolean", "valueBoolean"),
    Number.__name__: Kind("integer", "valueInteger"),
    Choice.__name__: Kind("choice", "valueCoding"),
    Choices.__name__: Kind("choice", "valueCoding"),
    Text.__name__: Kind("string", "valueString"),
}

# Ours, beside the questions and their options: (code, what it is, its concepts).
_OTHER_CONCEPTS: Final = (
    (
        "article_class",
        "Which published descriptions of migraine the answers match",
        {found.value: found.value.replace("_", " ").capitalize() for found in ArticleClass},
    ),
    ("description", "A published description of migraine", CLASS_NAMES),
    ("verdict", "How answers compare", {found.value: words for found, words in VERDICT_WORDS.items()}),
    ("urgency", "How soon the answers want to be read", {level.value: level.name.title() for level in Level}),
    (
        "request",
        "What the clinic is asked for",
        {"consultation": "Consultation", "call_back": "Call back", "question": "Question"},
    ),
)
_RED_FLAG: Final = "red_flag"


def canonical(base_url: str, resource_type: str) -> str:
    """The address of our Questionnaire or CodeSystem.

    `base_url` is the site's everywhere here, such as https://screen.example, without a slash at its end.
    """
    return f"{base_url}/fhir/{resource_type}/{SCREENING}"


def instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def extension(name: str, **value: object) -> Resource:
    """One of FHIR's own extensions."""
    return {"url": _EXTENSIONS + name, **value}


def absent(reason: str) -> Resource:
    """Stands where a value would, and says why there is none."""
    return {"extension": [extension("data-absent-reason", valueCode=reason)]}


def absence(element: object) -> str | None:
    """The reason that `absent` gave, of an element from outside."""
    extensions = element.get("extension") if isinstance(element, dict) else None
    for each in extensions if isinstance(extensions, list) else ():
        if isinstance(each, dict) and each.get("url") == f"{_EXTENSIONS}data-absent-reason":
            return str(each.get("valueCode"))
    return None


def worded(element: str, text: str, translations: Translations) -> Resource:
    """A text of the rules under its element's name, with its translations beside it."""
    told = [
        {
            "url": f"{_EXTENSIONS}translation",
            "extension": [
                {"url": "lang", "valueCode": language},
                {"url": "content", "valueString": translate(text)},
            ],
        }
        for language, translate in translations.items()
    ]
    return {element: text, f"_{element}": {"extension": told}} if told else {element: text}


def coding(system: str, code: str, display: str = "") -> Resource:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(text: str, *codings: Resource) -> Resource:
    return {"coding": [*codings], "text": text}


def our_coding(base_url: str, *code: str, display: str = "") -> Resource:
    """Of our code system: a question's id, or the group and the code of a concept in it."""
    return coding(canonical(base_url, "CodeSystem"), ".".join(code), display)


def other_concept(base_url: str, group: str, code: str) -> Resource:
    """A class, verdict, urgency or kind of request as a CodeableConcept."""
    words = next(concepts for name, _, concepts in _OTHER_CONCEPTS if name == group)
    display = words.get(code, code)
    return concept(display, our_coding(base_url, group, code, display=display))


def code_system(
    base_url: str, translations: Translations | None = None, *, asked: Questionnaire = QUESTIONNAIRE
) -> Resource:
    """Each code of ours: questions with their options, classes, verdicts, urgencies and red flags."""
    concepts = [*_question_concepts(asked, translations or {}), *_other_concepts(), _red_flags(asked)]
    return {
        "resourceType": "CodeSystem",
        "id": SCREENING,
        "language": "en",
        "url": canonical(base_url, "CodeSystem"),
        "version": version_of(asked),
        "name": "HeadacheScreening",
        "title": "Headache screening: questions, answers and what they are compared with",
        "status": "active",
        "experimental": False,
        "date": asked.version,
        "description": DISCLAIMER,
        "copyright": COPYRIGHT,
        "caseSensitive": True,
        "hierarchyMeaning": "grouped-by",
        "content": "complete",
        "count": sum(1 + len(each.get("concept", ())) for each in concepts),
        "concept": concepts,
    }


def _question_concepts(asked: Questionnaire, translations: Translations) -> Iterator[Resource]:
    for question in asked:
        options = [
            _concept(f"{question.id}.{option.code}", option.label, translations)
            for option in _options(question)
        ]
        found = _concept(question.id, question.topic or question.stem, translations)
        yield {**found, "definition": question.stem, **({"concept": options} if options else {})}


def _options(question: Question) -> tuple[Option, ...]:
    return question.options if isinstance(question, Choice | Choices) else ()


def _concept(code: str, display: str, translations: Translations) -> Resource:
    told = [{"language": name, "value": translate(display)} for name, translate in translations.items()]
    return {"code": code, "display": display, **({"designation": told} if told else {})}


def _other_concepts() -> Iterator[Resource]:
    for group, display, words in _OTHER_CONCEPTS:
        concepts = [_concept(f"{group}.{code}", text, {}) for code, text in words.items()]
        yield {"code": group, "display": display, "concept": concepts}


def _red_flags(asked: Questionnaire) -> Resource:
    """Those parts of red flags that are no option: all others are coded as what was ticked."""
    ticked = set(_option_codes(asked))
    concepts = [_concept(code, words, {}) for code, words in FLAG_WORDS.items() if code not in ticked]
    return {"code": _RED_FLAG, "display": "A danger sign in the answers", "concept": concepts}


def _option_codes(asked: Iterable[Question]) -> Iterator[str]:
    return chain.from_iterable((f"{q.id}.{option.code}" for option in _options(q)) for q in asked)
