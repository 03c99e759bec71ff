"""The way that every measured person takes: which pages, what is asked there and what is sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from builders import CHRONIC_AND_INTRACTABLE, CONTACT, as_form

from screener.domain.answers import Answers
from screener.domain.question import BEFORE_RESULT, Choice, Choices, Number, Page, Part, Question, YesNo
from screener.domain.questionnaire import CONTACT as CONTACT_QUESTIONS
from screener.domain.questionnaire import QUESTIONNAIRE

CLINIC: Final = "acme"
START: Final = f"/c/{CLINIC}"
# Pages without a form, and where their link leads.
_LINKS: Final = {"check": "result", "result": ""}


@dataclass(frozen=True)
class Way:
    """As plain values, so that processes can hand it on."""

    # In the order they are gone through: slug, and its questions (none where nothing is asked).
    pages: list[dict[str, Any]]
    # What is sent from a page beside its hidden fields, by its slug.
    bodies: dict[str, str]
    # From a page without a form on to the next.
    links: dict[str, str]
    # What a step is measured on: the questions before the result.
    questions: list[str] = field(default_factory=list)


def usual_way() -> Way:
    """A person whose answers match, who is not urgent, and who asks for a consultation."""
    raw: Any = {i: tuple(v) if isinstance(v, list) else v for i, v in CHRONIC_AND_INTRACTABLE.items()}
    answers = Answers(QUESTIONNAIRE, raw)
    before, request = list(answers.path(BEFORE_RESULT)), list(answers.path([Part.REQUEST]))
    pages = [
        *(_described(answers, page) for page in before),
        {"slug": "check", "questions": []},
        {"slug": "result", "questions": []},
        *(_described(answers, page) for page in request),
        {"slug": "contact", "questions": [_asked(q) for q in CONTACT_QUESTIONS] + [_CONSENT]},
    ]
    bodies = {page.slug: _body(answers, page) for page in (*before, *request)}
    bodies["contact"] = urlencode({name: as_form(value) for name, value in CONTACT.items()}, doseq=True)
    links = _LINKS | {"result": request[0].slug if request else "contact"}
    return Way(pages, bodies, links, [page.slug for page in before])


_CONSENT: Final = {"name": "consent", "stem": "I agree", "type": "checkbox", "options": [["yes", "I agree"]]}


def _described(answers: Answers, page: Page) -> dict[str, Any]:
    return {"slug": page.slug, "questions": [_asked(question) for question in answers.asked_on(page)]}


def _asked(question: Question) -> dict[str, Any]:
    about: dict[str, Any] = {"name": question.id, "stem": question.stem, "options": []}
    match question:
        case Choice() | Choices():
            options = [[option.code, option.label] for option in question.options]
            kind = "checkbox" if isinstance(question, Choices) else "radio"
        case YesNo():
            options, kind = [["yes", "Yes"], ["no", "No"]], "radio"
        case Number(scale=(_, _)):
            options = [[str(n), str(n)] for n in range(question.minimum, question.maximum + 1)]
            kind = "radio"
        case Number():
            options, kind = [], "number"
        case _:
            options, kind = [], "text"
    if options and question.unsure_allowed:
        options = [*options, ["unsure", "Not sure"]]
    return about | {"type": kind, "options": options}


def _body(answers: Answers, page: Page) -> str:
    said = answers.as_raw()
    sent: dict[str, Any] = {}
    for question in answers.asked_on(page):
        if question.id in said:
            value = said[question.id]
            sent[question.id] = as_form(list(value) if isinstance(value, tuple) else value)
        elif question.unsure_allowed and not isinstance(question, Number):
            sent[question.id] = "unsure"
    return urlencode(sent, doseq=True)
