"""Every text of the rules that a patient may be shown: what a translator has to put into another language."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from screener.domain.clinical_words import FLAG_WORDS as CLINICAL_FLAG_WORDS
from screener.domain.clinical_words import OVERUSE_FOR_PATIENTS, PLAIN_REMARKS
from screener.domain.evidence import EVIDENCE, Holds
from screener.domain.explanation import (
    BOTH,
    CLASS_NAMES,
    CLASS_WORDS,
    CRITERION_WORDS,
    FLAG_WORDS,
    GAP_WORDS,
    NOT_NOW,
    SOURCES,
    VERDICT_WORDS,
    class_words,
)
from screener.domain.notices import CONSENT, DISCLAIMER
from screener.domain.question import Choice, Choices, Number, Part, Question
from screener.domain.questionnaire import CONTACT, QUESTIONNAIRE
from screener.domain.transcript import NO, NOT_SURE, SKIPPED, YES


def patient_wordings() -> Iterator[str]:
    """Each text once, in the order it is met. Words in braces are filled in later."""
    every = chain(_questions(), _answers(), _results(), _notices(), _evidence())
    return (text for text in dict.fromkeys(every) if text)


def _questions() -> Iterator[str]:
    for page in QUESTIONNAIRE.pages:
        yield from (page.part.value, page.heading, page.lead)
        for question in page.questions:
            yield from question_wordings(question)
    for question in CONTACT:
        yield from question_wordings(question)
    yield from (part.value for part in Part)


def question_wordings(question: Question) -> Iterator[str]:
    """A question's stem, topic, hint, and every word of its answers."""
    yield from (question.stem, question.topic, question.hint)
    match question:
        case Number():
            yield from (*question.unit, *(question.scale or ()))
        case Choice() | Choices():
            yield from (option.label for option in question.options)
        case _:
            pass


def _answers() -> Iterator[str]:
    yield from (YES, NO, NOT_SURE, SKIPPED)


def _results() -> Iterator[str]:
    yield from CLASS_NAMES.values()
    yield from VERDICT_WORDS.values()
    yield from (class_words(found, of_child=child) for found in CLASS_WORDS for child in (False, True))
    yield from chain(GAP_WORDS.values(), CRITERION_WORDS.values(), FLAG_WORDS.values(), (BOTH, NOT_NOW))
    yield from (words.plain for words in CLINICAL_FLAG_WORDS.values())
    yield from chain(PLAIN_REMARKS.values(), OVERUSE_FOR_PATIENTS.values(), SOURCES.values())


def _notices() -> Iterator[str]:
    yield from (DISCLAIMER, *CONSENT)


def _evidence() -> Iterator[str]:
    for topic in EVIDENCE.topics:
        yield topic.heading
        yield from (statement.words for statement in topic.plain)
    yield from (check.plain for check in EVIDENCE.checks)
    for claim in EVIDENCE.claims:
        yield from (claim.plain_said, claim.plain_found)
    yield from (holds.value for holds in Holds)
    yield from EVIDENCE.articles.values()
