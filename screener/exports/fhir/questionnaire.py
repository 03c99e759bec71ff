"""The questionnaire as a FHIR Questionnaire: a group a page, an item a question, `enableWhen` a condition.

Whatever is shown beside a question (lead, hint, the words at the ends of a scale) is a display item.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final, assert_never

from screener.domain.notices import DISCLAIMER
from screener.domain.question import (
    NONE_CODE,
    AtLeast,
    Choice,
    Choices,
    Condition,
    Is,
    Number,
    Page,
    Question,
    Questionnaire,
    Text,
    YesNo,
)
from screener.domain.questionnaire import AGE, QUESTIONNAIRE
from screener.domain.transcript import NOT_SURE
from screener.domain.versions import version_of
from screener.exports.fhir.terms import (
    COPYRIGHT,
    DATA_ABSENT_REASON,
    KINDS,
    LOINC,
    NOT_SURE_CODE,
    SCREENING,
    UCUM,
    Resource,
    Translations,
    canonical,
    coding,
    extension,
    our_coding,
    worded,
)

# UCUM's codes for the units that questions use, as FHIR's own value set "units-of-time" lists them.
UNIT_CODES: Final = {"days": "d", "months": "mo", "years": "a"}

# Questions that mean what a standard code means, looked up in HL7 Terminology. Others have none that fits.
_STANDARD_CODES: Final = {AGE.id: coding(LOINC, "30525-0", "Age")}

# A form elsewhere shows it first, since it shows no description.
DISCLAIMER_LINK: Final = "disclaimer"


def questionnaire_resource(
    base_url: str, translations: Translations | None = None, *, asked: Questionnaire = QUESTIONNAIRE
) -> Resource:
    """The Questionnaire in English, with every text in the other languages beside it."""
    return _Writer(base_url, translations or {}).questionnaire(asked)


def page_link(slug: str) -> str:
    """The linkId of a page's group: some pages are called like a question."""
    return f"page.{slug}"


def is_required(question: Question) -> bool:
    """An answer is owed only where "I'm not sure" is none: a form elsewhere may not be able to say it."""
    return not question.unsure_allowed


class _Writer:
    def __init__(self, base_url: str, translations: Translations) -> None:
        self.base_url = base_url
        self.translations = translations

    def questionnaire(self, asked: Questionnaire) -> Resource:
        return {
            "resourceType": "Questionnaire",
            "id": SCREENING,
            "language": "en",
            "url": canonical(self.base_url, "Questionnaire"),
            "version": version_of(asked),
            "name": "HeadacheScreening",
            "title": "Headache screening",
            "status": "active",
            "experimental": False,
            "subjectType": ["Patient"],
            "date": asked.version,
            **worded("description", DISCLAIMER, self.translations),
            "copyright": COPYRIGHT,
            "item": [self._shown(DISCLAIMER_LINK, DISCLAIMER), *map(self._page, asked.pages)],
        }

    def _page(self, page: Page) -> Resource:
        link = page_link(page.slug)
        lead = [self._shown(f"{link}.lead", page.lead)] if page.lead else []
        return {
            **({} if page.shown else {"extension": [extension("questionnaire-hidden", valueBoolean=True)]}),
            "linkId": link,
            **(worded("text", page.heading, self.translations) if page.heading else {}),
            "type": "group",
            **self._enabling(_ways_in(page)),
            "item": [*lead, *map(self._question, page.questions)],
        }

    def _question(self, question: Question) -> Resource:
        extensions = [*self._extensions(question)]
        beside = [*self._beside(question)]
        return {
            **({"extension": extensions} if extensions else {}),
            "linkId": question.id,
            "code": [*self._codes(question)],
            **worded("text", question.stem, self.translations),
            "type": KINDS[type(question).__name__].type,
            **self._enabling(question.when),
            "required": is_required(question),
            **self._details(question),
            **({"item": beside} if beside else {}),
        }

    def _codes(self, question: Question) -> Iterator[Resource]:
        yield our_coding(self.base_url, question.id, display=question.topic or question.stem)
        if question.id in _STANDARD_CODES:
            yield _STANDARD_CODES[question.id]

    def _extensions(self, question: Question) -> Iterator[Resource]:
        match question:
            case Number():
                yield extension("minValue", valueInteger=question.minimum)
                yield extension("maxValue", valueInteger=question.maximum)
                if any(question.unit):
                    yield extension("questionnaire-unit", valueCoding=self._unit(question.unit[1]))
            case Choice():
                yield _control("radio-button")
            case Choices():
                yield _control("check-box")
            case YesNo() | Text():
                pass
            case _:
                assert_never(question)

    def _unit(self, words: str) -> Resource:
        return {
            "system": UCUM,
            "code": UNIT_CODES[words],
            **worded("display", words, self.translations),
        }

    def _details(self, question: Question) -> Resource:
        match question:
            case Choice():
                return {"answerOption": [*self._options(question)]}
            case Choices():
                return {"repeats": True, "answerOption": [*self._options(question)]}
            case Text():
                return {"maxLength": question.max_length}
            case YesNo() | Number():
                return {}
            case _:
                assert_never(question)

    def _options(self, question: Choice | Choices) -> Iterator[Resource]:
        several = isinstance(question, Choices)
        for option in question.options:
            answer = our_coding(self.base_url, question.id, option.code)
            yield self._option(answer, option.label, alone=several and option.code == NONE_CODE)
        if question.unsure_allowed:
            yield self._option(coding(DATA_ABSENT_REASON, NOT_SURE_CODE), NOT_SURE, alone=several)

    def _option(self, answer: Resource, label: str, *, alone: bool) -> Resource:
        exclusive = [extension("questionnaire-optionExclusive", valueBoolean=True)] if alone else []
        return {
            **({"extension": exclusive} if exclusive else {}),
            "valueCoding": {**answer, **worded("display", label, self.translations)},
        }

    def _enabling(self, when: Collection[Condition]) -> Resource:
        if not when:
            return {}
        several = {"enableBehavior": "any"} if len(when) > 1 else {}
        return {"enableWhen": [self._condition(condition) for condition in when], **several}

    def _condition(self, condition: Condition) -> Resource:
        leading = condition.question.id
        match condition:
            case AtLeast(bound=bound):
                return {"question": leading, "operator": ">=", "answerInteger": bound}
            case Is(value=value):
                wanted = (
                    {"answerBoolean": value}
                    if isinstance(value, bool)
                    else {"answerCoding": our_coding(self.base_url, leading, value)}
                )
                return {"question": leading, "operator": "=", **wanted}
            case _:
                assert_never(condition)

    def _beside(self, question: Question) -> Iterator[Resource]:
        if question.hint:
            yield self._shown(f"{question.id}.hint", question.hint)
        if isinstance(question, Number) and question.scale:
            bounds = (question.minimum, question.maximum)
            for name, bound, words in zip(("lower", "upper"), bounds, question.scale, strict=True):
                shown = self._shown(f"{question.id}.{name}", words, control=name)
                yield {**shown, "prefix": str(bound)}

    def _shown(self, link: str, text: str, *, control: str = "inline") -> Resource:
        return {
            "extension": [_control(control)],
            "linkId": link,
            **worded("text", text, self.translations),
            "type": "display",
        }


def _ways_in(page: Page) -> Collection[Condition]:
    """Where a page has only follow-ups, its heading shows when one of them does."""
    if not all(question.when for question in page.questions):
        return ()
    return dict.fromkeys(condition for question in page.questions for condition in question.when)


def _control(code: str) -> Resource:
    """How a form might show it."""
    system = "http://hl7.org/fhir/questionnaire-item-control"
    return extension("questionnaire-itemControl", valueCodeableConcept={"coding": [coding(system, code)]})
