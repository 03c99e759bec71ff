"""What a result is explained with: its articles, and the questions that would settle it."""

from __future__ import annotations

from builders import CHRONIC_AND_INTRACTABLE

from screener.domain.answers import Answers, read_answers
from screener.domain.explanation import explain, open_questions
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import report, screen
from screener.domain.transcript import transcript


def answers_with(**changed: object) -> Answers:
    raw = read_answers(QUESTIONNAIRE, {**CHRONIC_AND_INTRACTABLE, **changed})
    return Answers(QUESTIONNAIRE, raw, from_outside=True)


def test_each_class_names_the_article_that_describes_it() -> None:
    answers = answers_with()
    lines = [line.as_document() for line in transcript(answers)]
    explained = explain(report(screen(answers)), lines)
    assert all(found.source == found.reasons[0].source != "" for found in explained)


def test_what_would_settle_a_class_is_asked_once_with_the_page_it_stands_on() -> None:
    assert screen(answers_with()).classification.open_questions == ()
    answers = answers_with(head_days=None)
    ids = screen(answers).classification.open_questions
    assert "head_days" in ids
    (found,) = open_questions(answers, ["head_days", "head_days"])
    question = QUESTIONNAIRE.get("head_days")
    assert (found.id, found.stem, found.page) == (
        "head_days",
        question.stem,
        QUESTIONNAIRE.page_of(question).slug,
    )
