"""The words a questionnaire is made of: kinds of question, options, conditions, pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import TypeAlias

NONE_CODE = "none"

# From the source language into that of the page. The domain knows no catalogue: it is handed one.
Translate: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Option:
    """One way to answer: a stable code and the words shown for it."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Is:
    """Holds when the earlier answer equals the value, or for choices contains it (FHIR `=`)."""

    question: YesNo | Choice | Choices
    value: str | bool


@dataclass(frozen=True, slots=True)
class AtLeast:
    """Holds when the earlier number is the bound or more (FHIR `>=`)."""

    question: Number
    bound: int


Condition: TypeAlias = Is | AtLeast


@dataclass(frozen=True, kw_only=True, eq=False)
class _Question:
    id: str
    stem: str
    # Stands for the stem where answers are listed; empty where they never are.
    topic: str = ""
    hint: str = ""
    # Asked if there is no condition or any one of them holds.
    when: tuple[Condition, ...] = ()
    # "I'm not sure" is offered, and None may be stored, unless this is False.
    unsure_allowed: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class YesNo(_Question):
    """Answered with a bool."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Number(_Question):
    """Answered with a whole number from minimum to maximum, both included."""

    minimum: int
    maximum: int
    unit: tuple[str, str] = ("", "")
    # Words at the two ends make it a row of radios instead of a typed number.
    scale: tuple[str, str] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice(_Question):
    """Answered with one option's code."""

    options: tuple[Option, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(option.code for option in self.options)


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices(_Question):
    """Answered with one or more codes; `none`, where offered, stands alone."""

    options: tuple[Option, ...]

    @cached_property
    def codes(self) -> tuple[str, ...]:
        return tuple(option.code for option in self.options)


@dataclass(frozen=True, kw_only=True, eq=False)
class Text(_Question):
    """Answered with free words; shown and stored, never judged."""

    max_length: int


Question: TypeAlias = YesNo | Number | Choice | Choices | Text
Value: TypeAlias = bool | int | str | tuple[str, ...]


class Part(Enum):
    """A stretch of the way: SAFETY to TREATMENTS lead to the result, the others follow it."""

    SAFETY = "Safety"
    HEADACHES = "Your headaches"
    TREATMENTS = "What you tried"
    HISTORY = "Your history"
    REQUEST = "Your request"


BEFORE_RESULT = (Part.SAFETY, Part.HEADACHES, Part.TREATMENTS)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Questions shown together. The heading is left out where the one question is the heading."""

    slug: str
    part: Part
    questions: tuple[Question, ...]
    heading: str = ""
    lead: str = ""
    # A page that is not shown holds what another screen writes (the stop page).
    shown: bool = True


@dataclass(frozen=True)
class Questionnaire:
    """All pages in order. Refuses a condition that does not look strictly back."""

    version: str
    pages: tuple[Page, ...]
    _by_id: dict[str, Question] = field(init=False, repr=False, default_factory=dict)
    _page_of: dict[str, Page] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for page in self.pages:
            for question in page.questions:
                for condition in question.when:
                    self._refuse_unless_earlier(question, condition)
                if question.id in self._by_id:
                    raise ValueError(f"{question.id} is asked twice")
                self._by_id[question.id] = question
            # Only now: a question of the same page is not an earlier one.
            self._page_of.update({question.id: page for question in page.questions})

    def _refuse_unless_earlier(self, question: Question, condition: Condition) -> None:
        leading = condition.question
        if leading.id not in self._page_of:
            raise ValueError(f"{question.id} depends on {leading.id}, which is not on an earlier page")
        if isinstance(condition, Is) and not _can_equal(leading, condition.value):
            raise ValueError(f"{question.id} waits for {leading.id} = {condition.value!r}, which it never is")

    def __iter__(self) -> Iterator[Question]:
        return iter(self._by_id.values())

    def find(self, question_id: str) -> Question | None:
        return self._by_id.get(question_id)

    def get(self, question_id: str) -> Question:
        """Raises KeyError."""
        return self._by_id[question_id]

    def page_of(self, question: Question) -> Page:
        return self._page_of[question.id]

    def find_page(self, slug: str) -> Page | None:
        return next((page for page in self.pages if page.shown and page.slug == slug), None)


def _can_equal(question: Question, value: str | bool) -> bool:
    match question:
        case YesNo():
            return isinstance(value, bool)
        case Choice() | Choices():
            return value in question.codes
        case _:
            return False
