"""What was said, in words: as the patient saw it, and for those who read it in the source language."""

from __future__ import annotations

import pytest

from screener.domain.answers import Answers
from screener.domain.progress import MILESTONES, is_further
from screener.domain.question import Choices, Number, Option, Page, Part, Questionnaire, Text, YesNo
from screener.domain.questionnaire import HEAD_DAYS, QUESTIONNAIRE
from screener.domain.transcript import in_source_words, said, transcript

SURE = YesNo(id="sure", stem="Are you sure?", topic="Surety")
HOURS = Number(id="hours", stem="How long?", minimum=0, maximum=99, unit=("hour", "hours"))
GRADE = Number(id="grade", stem="How bad?", minimum=0, maximum=10)
SIGNS = Choices(id="signs", stem="Which?", options=(Option("light", "Light"), Option("sound", "Sound")))
WORDS = Text(id="words", stem="In your words?", max_length=99)


@pytest.mark.parametrize(
    ("question", "value", "words"),
    [
        (SURE, True, "YES"),
        (SURE, False, "NO"),
        (SURE, None, "NOT SURE"),
        (HOURS, 1, "1 HOUR"),
        (HOURS, 0, "0 HOURS"),
        (GRADE, 7, "7"),
        (SIGNS, ("sound", "light"), "LIGHT; SOUND"),
        (SIGNS, "sound", "SOUND"),
        (WORDS, "as I say it", "as I say it"),
    ],
)
def test_an_answer_is_told_in_the_words_of_the_page(question: object, value: object, words: str) -> None:
    assert said(question, value, str.upper) == words


def test_each_question_that_was_asked_has_a_line_in_the_words_of_the_page() -> None:
    asked = Questionnaire(
        "1",
        (
            Page(slug="first", part=Part.SAFETY, questions=(SURE, GRADE)),
            Page(slug="hidden", part=Part.SAFETY, questions=(HOURS, SIGNS), shown=False),
        ),
    )
    first, second, third = transcript(Answers(asked, {"sure": None, "hours": 2}), str.upper)
    assert first.as_document() == {
        "id": "sure",
        "kind": "YesNo",
        "page": "first",
        "part": "SAFETY",
        "topic": "SURETY",
        "wording": "ARE YOU SURE?",
        "status": "not_sure",
        "value": None,
        "said": "NOT SURE",
    }
    assert (second.topic, second.status, second.said) == ("HOW BAD?", "skipped", "SKIPPED")
    assert (third.id, third.value, third.said) == ("hours", 2, "2 HOURS")


def test_a_line_in_another_language_is_told_in_the_source_words_beside_what_was_shown() -> None:
    (line,) = [
        line.as_document()
        for line in transcript(Answers(QUESTIONNAIRE, {"head_days": 1}), str.upper)
        if line.id == "head_days"
    ]
    told = in_source_words(line)
    assert told["wording"] == HEAD_DAYS.stem
    assert told["said"].startswith("1 ")
    assert told["said"] != line["said"]
    assert told["part"] == QUESTIONNAIRE.page_of(HEAD_DAYS).part.value
    assert told["shown"] == {"wording": line["wording"], "said": line["said"]}
    assert in_source_words({**line, "status": "skipped", "value": None})["said"] == "Skipped"
    ticked = next(question for question in QUESTIONNAIRE if isinstance(question, Choices))
    several = in_source_words({**line, "id": ticked.id, "value": [ticked.codes[0]]})
    assert several["said"] == ticked.options[0].label
    gone = {**line, "id": "a_question_of_old"}
    assert in_source_words(gone) == gone


def test_a_form_came_further_by_pages_that_everybody_is_asked() -> None:
    first, second, *_ = MILESTONES
    assert is_further(second, first.slug)
    assert not is_further(first, second.slug)
    assert not is_further(second, second.slug)
    assert is_further(first, "no such page")
    # What only some are asked is no distance, from wherever.
    other = next(page for page in QUESTIONNAIRE.pages if page not in MILESTONES)
    assert not is_further(other, first.slug)
    assert not is_further(other, "no such page")
