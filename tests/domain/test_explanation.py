"""What a result is explained with: its articles, and the questions that would settle it."""

from __future__ import annotations

import pytest
from builders import CHRONIC_AND_INTRACTABLE

from screener.domain.answers import Answers, read_answers
from screener.domain.classification import ArticleClass
from screener.domain.clinical_words import explain_flags
from screener.domain.explanation import Told, class_words, explain, flag_words, open_questions
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import clinical_report, report, screen
from screener.domain.transcript import transcript


def answers_with(**changed: object) -> Answers:
    """CHRONIC_AND_INTRACTABLE with some answers changed, as told from outside."""
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


def test_a_reason_stands_with_its_verdict_its_source_and_what_was_said() -> None:
    answers = answers_with(head_days=None)
    lines = [line.as_document() for line in transcript(answers)]
    chronic, intractable, regular = explain(report(screen(answers)), lines)
    assert (chronic.name, chronic.verdict, chronic.verdict_words) == (
        "Chronic migraine",
        "cannot_tell",
        "cannot tell",
    )
    assert chronic.reasons[0].verdict_words == "cannot tell"
    response = next(reason for reason in intractable.reasons if "relief" in reason.words)
    assert (response.words, response.verdict, response.verdict_words, response.source) == (
        "Medicine usually does not bring relief that lasts",
        "met",
        "matches",
        "004",
    )
    asked = "How well does medicine usually work, up to the next day?"
    assert response.said == (Told("usual_relief", asked, "A little, or not for long"),)
    assert [reason.support_only for reason in intractable.reasons] == [False] * 4 + [True] * 2
    assert (regular.verdict, regular.verdict_words) == ("not_met", "does not match")


def test_each_flag_stands_with_its_criteria_and_what_would_settle_them() -> None:
    answers = answers_with(head_days=None)
    lines = [line.as_document() for line in transcript(answers)]
    judged = clinical_report(screen(answers))
    explained = explain_flags(judged, lines)
    assert [flag.id for flag in explained] == list(judged["flags"])
    by_aura, chronic = explained[1], explained[2]
    assert (by_aura.words.name, by_aura.verdict, by_aura.verdict_words) == (
        "Migraine with aura",
        "not_met",
        "does not match",
    )
    days = chronic.criteria[0]
    assert (days.citation, days.words, days.verdict, days.verdict_words) == (
        "ICHD-3 1.3 A",
        "Headache on 15 or more days a month for more than 3 months",
        "cannot_tell",
        "cannot tell",
    )
    assert "On how many of the last 30 days did your head hurt at all?" in days.missing
    (attacks,) = explained[0].criteria[0].said
    assert attacks == Told("attacks_ever", "How many attacks like this have you had?", "5 or more")
    judged["flags"]["ichd3_1_3"]["criteria"][0]["missing"] = ["asked_last_year"]
    assert explain_flags(judged, lines)[2].criteria[0].missing == ("asked_last_year",), "and asked no more"


def test_a_parent_reads_about_the_child() -> None:
    chronic = "answers match what these clinics call chronic migraine."
    assert class_words(ArticleClass.CHRONIC, of_child=False) == f"Your {chronic}"
    assert class_words(ArticleClass.CHRONIC, of_child=True) == f"Your child's {chronic}"


SUDDEN = "Worst headache ever, at its peak within 5 minutes"


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("danger_now.sudden", SUDDEN),
        ("danger_before.sudden", f"{SUDDEN} (before, not now)"),
        ("keep_down.no", "Drinks or medicine do not stay down"),
        ("keep_down.no+danger_now.sudden", f"Drinks or medicine do not stay down, and: {SUDDEN}"),
        ("asked_last_year.yes", "asked_last_year.yes"),
    ],
)
def test_a_red_flag_is_named_in_words(flag: str, words: str) -> None:
    assert flag_words(flag) == words


def test_a_red_flag_is_named_in_the_readers_language() -> None:
    def quoted(words: str) -> str:
        return f"«{words}»"

    assert flag_words("keep_down.no", quoted) == "«Drinks or medicine do not stay down»"
    assert flag_words("danger_before.sudden", quoted) == f"««{SUDDEN}» (before, not now)»"
    both = "keep_down.no+danger_now.sudden"
    assert flag_words(both, quoted) == f"««Drinks or medicine do not stay down», and: «{SUDDEN}»»"
