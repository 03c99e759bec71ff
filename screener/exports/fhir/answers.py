"""What was said as a QuestionnaireResponse, from the lines of a transcript and back again.

Skipped is an item without an answer, not asked is no item, and "not sure" is an answer: of a choice the
option "Not sure", else a value that is absent because it was asked and is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from typing import Any, Final

from screener.domain.answers import AnswerError, Answers, Status, read_value, refuse_impossible
from screener.domain.question import Choices, Question, Questionnaire, Value
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.versions import QUESTIONNAIRE_VERSION, version_of
from screener.exports.fhir.questionnaire import DISCLAIMER_LINK, is_required, page_link
from screener.exports.fhir.terms import (
    DATA_ABSENT_REASON,
    KINDS,
    NOT_SURE_CODE,
    Resource,
    absence,
    absent,
    canonical,
    coding,
    instant,
    our_coding,
)

CODING: Final = "valueCoding"
_OWES_ANSWERS: Final = frozenset({"completed", "amended"})
_STATUSES: Final = _OWES_ANSWERS | {"in-progress", "stopped"}

# ---------------------------------------------------------------- there


def questionnaire_response(
    lines: Iterable[Mapping[str, Any]],
    *,
    base_url: str,
    authored: datetime,
    language: str,
    version: str = QUESTIONNAIRE_VERSION,
) -> Resource:
    """The lines of a stored transcript, or `as_document()` of fresh ones, with the words that were shown.

    `version` is the questionnaire's, as stored with the lines. Who it is about and who said it are the
    caller's to add (`subject`, `source`, `identifier`, `id`).
    """
    said = list(lines)
    pages = groupby(said, key=lambda line: line["page"])
    items = [
        {"linkId": page_link(page), "item": [_item(base_url, each) for each in of]} for page, of in pages
    ]
    return {
        "resourceType": "QuestionnaireResponse",
        "language": language,
        "questionnaire": f"{canonical(base_url, 'Questionnaire')}|{version}",
        "status": "stopped" if any(map(_is_owed, said)) else "completed",
        "authored": instant(authored),
        **({"item": items} if items else {}),
    }


def _is_owed(line: Mapping[str, Any]) -> bool:
    question = QUESTIONNAIRE.find(line["id"])
    return question is not None and is_required(question) and line["status"] != Status.ANSWERED.value


def _item(base_url: str, line: Mapping[str, Any]) -> Resource:
    answers = [*_answers(base_url, line)]
    return {"linkId": line["id"], "text": line["wording"], **({"answer": answers} if answers else {})}


def _answers(base_url: str, line: Mapping[str, Any]) -> Iterator[Resource]:
    element, value = KINDS[line["kind"]].value, line["value"]
    if line["status"] == Status.NOT_SURE.value:
        unsure = coding(DATA_ABSENT_REASON, NOT_SURE_CODE, line["said"])
        yield {CODING: unsure} if element == CODING else {f"_{element}": absent(NOT_SURE_CODE)}
    elif line["status"] == Status.ANSWERED.value and element == CODING:
        codes = [value] if isinstance(value, str) else [*value]
        for code, display in zip(codes, _labels(codes, line["said"]), strict=True):
            yield {CODING: our_coding(base_url, line["id"], code, display=display)}
    # FHIR knows no empty text.
    elif line["status"] == Status.ANSWERED.value and value != "":
        yield {element: value}


def _labels(codes: list[str], said: str) -> list[str]:
    """The words of each choice, where they can be told apart."""
    labels = said.split("; ") if len(codes) > 1 else [said]
    return labels if len(labels) == len(codes) else [""] * len(codes)


# ---------------------------------------------------------------- and back


@dataclass(frozen=True, slots=True)
class Issue:
    """What is wrong with a resource: a code of FHIR's IssueType, what to do, and where (FHIRPath)."""

    code: str
    words: str
    path: str


class ResponseError(ValueError):
    """A response that cannot be read; `issues` names each reason, up to `MOST_ISSUES`."""

    def __init__(self, issues: tuple[Issue, ...]) -> None:
        super().__init__("; ".join(f"{issue.path}: {issue.words}" for issue in issues))
        self.issues = issues


MOST_ISSUES: Final = 20
_NAME: Final = "QuestionnaireResponse"
# What FHIR's strings may not hold, and what no encoding can.
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
# Page, question, hint.
_DEEPEST: Final = 3


def read_response(
    resource: object, *, base_url: str, asked: Questionnaire = QUESTIONNAIRE
) -> dict[str, Value | None]:
    """Raw answers of a QuestionnaireResponse made anywhere, ready for `Answers(..., from_outside=True)`.

    Items may lie in their groups or not. Answers to what was not asked are read: the walk drops and names
    them. Raises ResponseError; no issue repeats what was answered.
    """
    reader = _Reader(base_url, asked)
    issues = tuple(islice(reader.issues(resource), MOST_ISSUES))
    if issues:
        raise ResponseError(issues)
    return reader.raw


class _Reader:
    """Collects the answers while the issues are drawn from it."""

    def __init__(self, base_url: str, asked: Questionnaire) -> None:
        self.base_url = base_url
        self.asked = asked
        self.raw: dict[str, Value | None] = {}
        # The path of each question that was met, and which of them came with an answer.
        self._met: dict[str, str] = {}
        self._answered: set[str] = set()
        self._silent = frozenset(_silent_links(asked))

    def issues(self, resource: object) -> Iterator[Issue]:
        if not isinstance(resource, dict) or resource.get("resourceType") != _NAME:
            yield Issue("structure", f"send a {_NAME} as a JSON object", _NAME)
            return
        wrong = [*self._head(resource)]
        if wrong:
            # Of another version, items would only be called unknown one by one.
            yield from wrong
            return
        yield from self._items(resource, _NAME, 1)
        yield from self._as_a_whole(owed=resource["status"] in _OWES_ANSWERS)

    def _head(self, resource: Resource) -> Iterator[Issue]:
        ours = f"{canonical(self.base_url, 'Questionnaire')}|{version_of(self.asked)}"
        if resource.get("questionnaire") != ours:
            words = f"must be {ours}: answers to another version are not read"
            yield Issue("not-supported", words, f"{_NAME}.questionnaire")
        status = resource.get("status")
        if not isinstance(status, str) or status not in _STATUSES:
            yield Issue("value", f"must be one of {', '.join(sorted(_STATUSES))}", f"{_NAME}.status")

    def _items(self, parent: Resource, path: str, depth: int) -> Iterator[Issue]:
        path = f"{path}.item"
        items = parent.get("item", [])
        if not isinstance(items, list):
            yield Issue("structure", "must be a list", path)
        elif items and depth > _DEEPEST:
            yield Issue("structure", "lies deeper than anything in the questionnaire", path)
        else:
            for at, item in _each(items, path):
                yield from self._item(item, at, depth)

    def _item(self, item: object, path: str, depth: int) -> Iterator[Issue]:
        if not isinstance(item, dict):
            yield Issue("structure", "must be an object", path)
            return
        link = item.get("linkId")
        question = self.asked.find(link) if isinstance(link, str) else None
        if question is not None:
            yield from self._question(question, item, path, depth)
        elif not isinstance(link, str) or link not in self._silent:
            yield Issue("not-found", "the questionnaire has no such item", f"{path}.linkId")
        elif "answer" in item:
            yield Issue("structure", "a group or a text that is only shown has no answer", f"{path}.answer")
        yield from self._items(item, path, depth + 1)

    def _question(self, question: Question, item: Resource, path: str, depth: int) -> Iterator[Issue]:
        if question.id in self._met:
            yield Issue("duplicate", f"{question.id} is there twice", f"{path}.linkId")
            return
        self._met[question.id] = path
        if "answer" not in item:
            return
        self._answered.add(question.id)
        answers, path = item["answer"], f"{path}.answer"
        if not isinstance(answers, list) or not answers:
            yield Issue("structure", "must be a list that holds an answer, or be left out", path)
        elif len(answers) > 1 and not isinstance(question, Choices):
            yield Issue("structure", f"{question.id} takes one answer", path)
        else:
            yield from self._answers(question, answers, path)
            for at, answer in _each(answers, path):
                if isinstance(answer, dict):
                    yield from self._items(answer, at, depth + 1)

    def _answers(self, question: Question, answers: list[object], path: str) -> Iterator[Issue]:
        at, given = path, []
        try:
            for at, answer in _each(answers, path):  # noqa: B007 - names the place in the error
                given.append(self._given(question, answer))
            at = path
            unsure = given == [None]
            several = isinstance(question, Choices)
            self.raw[question.id] = None if unsure else read_value(question, given if several else given[0])
        except AnswerError as error:
            yield Issue("value", f"{question.id} {error}", at)

    def _given(self, question: Question, answer: object) -> object:
        """The value as the rules have it, None for "not sure". Raises AnswerError."""
        element = KINDS[type(question).__name__].value
        given = answer if isinstance(answer, dict) else {}
        value = given.get(element)
        if element == CODING and isinstance(value, dict):
            return self._code(question, value)
        if isinstance(value, str) and _UNWRITABLE.search(value):
            raise AnswerError(question.id, "must be text without control characters")
        if element != CODING and value is not None:
            return value
        if value is None and absence(given.get(f"_{element}")) == NOT_SURE_CODE:
            return None
        raise AnswerError(question.id, f"must be given as {element}")

    def _code(self, question: Question, given: Resource) -> str | None:
        system, code, group = given.get("system"), given.get("code"), f"{question.id}."
        if NOT_SURE_CODE in (absence(given), code if system == DATA_ABSENT_REASON else None):
            return None
        ours = canonical(self.base_url, "CodeSystem")
        if system == ours and isinstance(code, str) and code.startswith(group):
            return code.removeprefix(group)
        raise AnswerError(question.id, f"must be a code of {ours} that begins with {group}")

    def _as_a_whole(self, *, owed: bool) -> Iterator[Issue]:
        try:
            refuse_impossible(self.raw)
        except AnswerError as error:
            yield Issue("business-rule", f"{error.id} {error}", self._met[str(error.id)])
        walked = Answers(self.asked, self.raw)
        for question in self.asked:
            if owed and is_required(question) and walked.was_asked(question) and self._lacks(question):
                page = page_link(self.asked.page_of(question).slug)
                path = f"{_NAME}.item.where(linkId='{page}').item.where(linkId='{question.id}')"
                yield Issue("required", f"{question.id} wants an answer, or the status “stopped”", path)

    def _lacks(self, question: Question) -> bool:
        """What was answered wrongly was named already."""
        wrong = question.id in self._answered and question.id not in self.raw
        return not wrong and self.raw.get(question.id) is None


def _silent_links(asked: Questionnaire) -> Iterator[str]:
    """What groups and shown texts are linked by."""
    yield DISCLAIMER_LINK
    for page in asked.pages:
        yield from (page_link(page.slug), f"{page_link(page.slug)}.lead")
    for question in asked:
        yield from (f"{question.id}.{what}" for what in ("hint", "lower", "upper"))


def _each(parts: list[Any], path: str) -> Iterator[tuple[str, Any]]:
    return ((f"{path}[{index}]", part) for index, part in enumerate(parts))
