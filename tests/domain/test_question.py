"""Questions and answers in themselves: what a questionnaire refuses, and what its walk tells."""

from __future__ import annotations

import pytest

from screener.domain.answers import Answers, Status
from screener.domain.question import (
    AtLeast,
    Choice,
    Choices,
    Condition,
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

SURE = YesNo(id="sure", stem="Are you sure?")
DAYS = Number(id="days", stem="How many days?", minimum=0, maximum=31)
SIDE = Choice(id="side", stem="Which side?", options=(Option("left", "Left"), Option("right", "Right")))
SIGNS = Choices(id="signs", stem="Which signs?", options=(Option("light", "Light"), Option("sound", "Sound")))
WORDS = Text(id="words", stem="In your words?", max_length=10)
EVERY = (SURE, DAYS, SIDE, SIGNS, WORDS)


def questionnaire(
    *questions: Question, first: tuple[Question, ...] = EVERY, shown: bool = True
) -> Questionnaire:
    """The first page with these questions, then a page with those."""
    return Questionnaire(
        "1",
        (
            Page(slug="first", part=Part.HEADACHES, questions=first),
            Page(slug="second", part=Part.TREATMENTS, questions=questions, shown=shown),
        ),
    )


def after(*conditions: Condition) -> YesNo:
    return YesNo(id="after", stem="And then?", when=conditions)


@pytest.mark.parametrize(
    "condition",
    [Is(SURE, True), Is(SURE, False), Is(SIDE, "left"), Is(SIGNS, "sound"), AtLeast(DAYS, 3)],
    ids=str,
)
def test_a_condition_that_looks_back_at_what_can_be_is_taken(condition: Condition) -> None:
    question = after(condition)
    assert questionnaire(question).get("after") is question


@pytest.mark.parametrize(
    "condition",
    [Is(SURE, "left"), Is(SIDE, "up"), Is(SIDE, True), Is(SIGNS, "smell"), Is(WORDS, "x"), Is(DAYS, "3")],
    ids=str,
)
def test_a_condition_that_never_holds_is_refused(condition: Condition) -> None:
    with pytest.raises(ValueError, match=r"after waits for .*, which it never is"):
        questionnaire(after(condition))


def test_a_condition_on_its_own_page_or_a_later_one_is_refused() -> None:
    with pytest.raises(ValueError, match="after depends on sure, which is not on an earlier page"):
        questionnaire(SURE, after(Is(SURE, True)), first=(SIDE,))
    with pytest.raises(ValueError, match="not on an earlier page"):
        questionnaire(SURE, first=(after(Is(SURE, True)),))


def test_a_question_asked_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="side is asked twice"):
        questionnaire(SIDE)


def test_questions_and_pages_are_found_by_name() -> None:
    last = after()
    asked = questionnaire(last)
    assert list(asked) == [*EVERY, last]
    assert (asked.find("days"), asked.find("nights")) == (DAYS, None)
    assert (asked.page_of(last), asked.page_of(SIDE)) == (asked.pages[1], asked.pages[0])
    assert (asked.find_page("second"), asked.find_page("third")) == (asked.pages[1], None)
    assert questionnaire(last, shown=False).find_page("second") is None
    with pytest.raises(KeyError):
        asked.get("nights")


# ---------------------------------------------------------------- the walk


def test_each_question_has_one_of_four_standings() -> None:
    answers = Answers(questionnaire(after(Is(SURE, True))), {"sure": False, "days": None, "after": True})
    assert [answers.status(question) for question in (SURE, DAYS, SIDE, after())] == [
        Status.ANSWERED,
        Status.NOT_SURE,
        Status.SKIPPED,
        Status.NOT_ASKED,
    ]
    assert answers.ignored == ("after",)
    assert answers.as_raw() == {"sure": False, "days": None}


def test_any_condition_that_holds_asks_the_question() -> None:
    asked = questionnaire(after(Is(SURE, True), AtLeast(DAYS, 3), Is(SIGNS, "sound")))
    for given, expected in (
        ({}, False),
        ({"sure": True}, True),
        ({"sure": False, "days": 2, "signs": ("light",)}, False),
        ({"sure": False, "days": 3}, True),
        ({"signs": ("light", "sound")}, True),
        ({"days": None}, False),
    ):
        assert Answers(asked, given).was_asked(after()) is expected, given


def test_from_outside_an_answer_needs_no_leading_one_but_yields_to_it() -> None:
    asked = questionnaire(after(Is(SURE, True)))
    for given, expected in (({}, True), ({"sure": None}, True), ({"sure": False}, False)):
        answers = Answers(asked, {**given, "after": True}, from_outside=True)
        assert (answers[after()] is True) is expected, given
        assert Answers(asked, {**given, "after": True})[after()] is None


def test_what_hangs_on_a_dropped_answer_is_dropped_from_outside_too() -> None:
    last = YesNo(id="last", stem="At last?", when=(Is(after(), True),))
    asked = Questionnaire(
        "1",
        tuple(
            Page(slug=question.id, part=Part.HEADACHES, questions=(question,))
            for question in (SURE, after(Is(SURE, True)), last)
        ),
    )
    answers = Answers(asked, {"sure": False, "after": True, "last": True}, from_outside=True)
    assert answers.ignored == ("after", "last")
    assert Answers(asked, {"last": True}, from_outside=True)[last] is True


def test_answers_are_told_by_question() -> None:
    answers = Answers(questionnaire(), {"sure": True, "days": None, "signs": ("light",)})
    assert answers.said(SURE, DAYS, SIDE) == {"sure": True, "days": None}
    assert answers.missing(SURE, DAYS, SIDE) == ("days", "side")
    assert (answers.has(SIGNS, "light"), answers.has(SIGNS, "sound")) == (True, False)
    assert not Answers(questionnaire(), {}).has(SIGNS, "light")


def test_the_way_leads_over_pages_with_something_to_ask_to_the_first_unanswered() -> None:
    parts = set(Part)
    asked = questionnaire(after(Is(SURE, True)), first=(SURE,))
    first, second = asked.pages
    assert list(Answers(asked, {}).path(parts)) == [first]
    assert Answers(asked, {}).first_unanswered(parts) == first
    on = Answers(asked, {"sure": True})
    assert list(on.path(parts)) == [first, second]
    assert list(on.path({Part.TREATMENTS})) == [second]
    assert on.asked_on(second) == second.questions
    assert on.first_unanswered(parts) == second
    # "Not sure" is an answer.
    assert Answers(asked, {"sure": True, "after": None}).first_unanswered(parts) is None
    hidden = questionnaire(after(), first=(SURE,), shown=False)
    assert list(Answers(hidden, {}).path(parts)) == [hidden.pages[0]]
