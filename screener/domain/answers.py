"""The walk: which questions were asked, and which answers are kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from typing import TypeAlias, assert_never, overload

from screener.domain.question import (
    NONE_CODE,
    AtLeast,
    Choice,
    Choices,
    Condition,
    Is,
    Number,
    Page,
    Part,
    Question,
    Questionnaire,
    Text,
    Value,
    YesNo,
)

# An id that is missing was not answered, None is "I'm not sure".
Raw: TypeAlias = Mapping[str, Value | None]


class AnswerError(ValueError):
    """An answer no rule can read: `id` names the question, the message says what to do."""

    def __init__(self, question_id: str | None, message: str) -> None:
        super().__init__(message)
        self.id = question_id


class Status(Enum):
    """What became of a question."""

    ANSWERED = "answered"
    NOT_SURE = "not_sure"
    SKIPPED = "skipped"
    NOT_ASKED = "not_asked"


class Answers:
    """Answers folded once, in order: only questions that are asked keep theirs.

    On our own pages a follow-up is asked when its leading answer calls for it. Answers `from_outside`
    (command, API, stored record) may lack the leading one: the follow-up is then kept, since an unknown
    is not a "no".
    """

    def __init__(self, questionnaire: Questionnaire, raw: Raw, *, from_outside: bool = False) -> None:
        self.questionnaire = questionnaire
        self._kept: dict[str, Value | None] = {}
        self._asked: set[str] = set()
        self.ignored: tuple[str, ...] = ()
        self._fold(raw, from_outside=from_outside)

    def _fold(self, raw: Raw, *, from_outside: bool) -> None:
        ignored = []
        for question in self.questionnaire:
            holds = self._is_called_for(question, raw)
            if holds or (holds is None and from_outside):
                self._asked.add(question.id)
                if question.id in raw:
                    self._kept[question.id] = raw[question.id]
            elif question.id in raw:
                ignored.append(question.id)
        self.ignored = tuple(ignored)

    def _is_called_for(self, question: Question, raw: Raw) -> bool | None:
        called_for: bool | None = not question.when
        for condition in question.when:
            holds = self._holds(condition, raw)
            if holds:
                return True
            if holds is None:
                called_for = None
        return called_for

    def _holds(self, condition: Condition, raw: Raw) -> bool | None:
        leading = condition.question
        if leading.id not in self._asked:
            # An answer that was dropped rules its follow-ups out; one that was never given tells nothing.
            return None if raw.get(leading.id) is None else False
        value = self._kept.get(leading.id)
        if value is None:
            return None
        match condition:
            case AtLeast(bound=bound):
                return isinstance(value, int) and value >= bound
            case Is(value=wanted):
                return wanted in value if isinstance(value, tuple) else value == wanted
            case _:
                assert_never(condition)

    @overload
    def __getitem__(self, question: YesNo) -> bool | None: ...
    @overload
    def __getitem__(self, question: Number) -> int | None: ...
    @overload
    def __getitem__(self, question: Choice | Text) -> str | None: ...
    @overload
    def __getitem__(self, question: Choices) -> tuple[str, ...] | None: ...
    def __getitem__(self, question: Question) -> Value | None:
        """The kept answer; None if unsure, skipped or not asked."""
        return self._kept.get(question.id)

    def status(self, question: Question) -> Status:
        if question.id not in self._asked:
            return Status.NOT_ASKED
        if question.id not in self._kept:
            return Status.SKIPPED
        return Status.NOT_SURE if self._kept[question.id] is None else Status.ANSWERED

    def was_asked(self, question: Question) -> bool:
        return question.id in self._asked

    def said(self, *questions: Question) -> dict[str, Value | None]:
        """Those of the questions that were answered, "I'm not sure" included, by id."""
        return {q.id: self._kept[q.id] for q in questions if q.id in self._kept}

    def missing(self, *questions: Question) -> tuple[str, ...]:
        """Ids of those of the questions whose answer is unknown."""
        return tuple(q.id for q in questions if self._kept.get(q.id) is None)

    def has(self, question: Choices, code: str) -> bool:
        """Whether the code was ticked."""
        value = self._kept.get(question.id)
        return isinstance(value, tuple) and code in value

    def as_raw(self) -> dict[str, Value | None]:
        """The kept answers, to store and to walk again."""
        return dict(self._kept)

    def asked_on(self, page: Page) -> tuple[Question, ...]:
        return tuple([question for question in page.questions if question.id in self._asked])

    def path(self, parts: Collection[Part]) -> Iterator[Page]:
        """The pages a person walks through, in order."""
        for page in self.questionnaire.pages:
            if page.shown and page.part in parts and self.asked_on(page):
                yield page

    def first_unanswered(self, parts: Collection[Part]) -> Page | None:
        """The first page on the path with a question nobody has answered yet."""
        for page in self.path(parts):
            if any(question.id not in self._kept for question in self.asked_on(page)):
                return page
        return None


def read_answers(questionnaire: Questionnaire, raw: Mapping[str, object]) -> dict[str, Value | None]:
    """Answers from outside in their own kinds. Raises AnswerError for the first that cannot be read."""
    read: dict[str, Value | None] = {}
    for question_id, value in raw.items():
        question = questionnaire.find(question_id)
        if question is None:
            raise AnswerError(question_id, _unknown_id(question_id))
        read[question_id] = None if value is None else read_value(question, value)
    refuse_impossible(read)
    return read


def _unknown_id(question_id: str) -> str:
    if question_id.startswith("contact_"):
        return "contact details are asked only in the request and never classified; leave them out"
    return "no question has this id; `screener questions` lists them all"


def read_value(question: Question, value: object) -> Value:
    """One answer in its own kind. Raises AnswerError that names the question."""
    match question:
        case YesNo():
            if isinstance(value, bool):
                return value
            raise AnswerError(question.id, "must be true, false or null")
        case Number():
            return _read_number(question, value)
        case Choice():
            if isinstance(value, str) and value in question.codes:
                return value
            raise AnswerError(question.id, f"must be one of {', '.join(question.codes)}, or null")
        case Choices():
            return _read_choices(question, value)
        case Text():
            if isinstance(value, str) and len(value) <= question.max_length:
                return value
            raise AnswerError(question.id, f"must be text of at most {question.max_length:,} characters")
        case _:
            assert_never(question)


def _read_number(question: Number, value: object) -> int:
    # bool is an int to Python, but `true` days is no number.
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and question.minimum <= value <= question.maximum
    ):
        return value
    raise AnswerError(
        question.id, f"must be a whole number from {question.minimum} to {question.maximum}, or null"
    )


def _read_choices(question: Choices, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not value:
        raise AnswerError(
            question.id, f"must be a list with one or more of {', '.join(question.codes)}, or null"
        )
    for code in value:
        if not isinstance(code, str) or code not in question.codes:
            raise AnswerError(question.id, f"each entry must be one of {', '.join(question.codes)}")
    if len(set(value)) < len(value):
        raise AnswerError(question.id, "names the same choice twice")
    if NONE_CODE in value and len(value) > 1:
        raise AnswerError(question.id, "`none` cannot stand beside another choice")
    return tuple(code for code in question.codes if code in value)


def refuse_impossible(read: Raw) -> None:
    """Raises AnswerError if migraine days exceed headache days: the one pair that is an error."""
    head, migraine = read.get("head_days"), read.get("mig_days")
    if isinstance(head, int) and isinstance(migraine, int) and migraine > head:
        raise AnswerError("mig_days", "cannot be more than head_days, since migraine days are headache days")
