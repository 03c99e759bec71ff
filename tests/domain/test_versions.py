"""Versions: the same content has the same hash, any change of meaning another, and each has its line."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from screener.domain import classification, notices, questionnaire
from screener.domain.question import AtLeast, Is, Number, Option, Page, Question, Questionnaire, YesNo
from screener.domain.questionnaire import HEAD_DAYS, MONTHS_AT_RATE, QUESTIONNAIRE, SIDE
from screener.domain.screening import classify
from screener.domain.versions import (
    CONSENT_VERSION,
    CRITERIA_VERSION,
    QUESTIONNAIRE_VERSION,
    RULES,
    consent_hash,
    criteria_hash,
    questionnaire_hash,
    rule_sources,
)

CHANGELOG = Path(__file__).parents[2] / "docs" / "criteria-changelog.md"

VERSIONS = {
    "Questionnaire": (QUESTIONNAIRE_VERSION, questionnaire.QUESTIONNAIRE_DATE, "questionnaire.py"),
    "Criteria": (CRITERIA_VERSION, classification.CRITERIA_DATE, "classification.py"),
    "Consent": (CONSENT_VERSION, notices.CONSENT_DATE, "notices.py"),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_a_version_is_a_date_and_a_hash(name: str) -> None:
    version, label, _ = VERSIONS[name]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}\+[0-9a-f]{8}", version)
    assert version.startswith(f"{label}+")
    assert len(version) <= 40, "the columns that store it are no longer"


@pytest.mark.parametrize("name", VERSIONS)
def test_every_version_in_use_has_its_line_in_the_changelog(name: str) -> None:
    version, _, where = VERSIONS[name]
    section = CHANGELOG.read_text().split(f"\n## {name}\n")[1].split("\n## ")[0]
    lines = re.findall(r"^\| `([^`]+)` \| (\d{4}-\d{2}-\d{2}) \| (.+) \|$", section, re.MULTILINE)
    assert version in [line[0] for line in lines], (
        f"The {name.lower()} changed: its version is {version} now. If people may have been screened with the"
        f" one before, set its date in screener/domain/{where} to today first and run this again. Then add to"
        f' docs/criteria-changelog.md, under "{name}":\n'
        f"| `{version}` | {version[:10]} | <what changed, and why> |\n"
        "and run `screener replay` to see whom it touches."
    )
    dates = dict(line[:2] for line in lines)
    assert len(dates) == len(lines), "a version stands there twice"
    assert all(label.startswith(date) for label, date in dates.items())


def test_a_report_names_the_criteria_it_was_made_by() -> None:
    assert classify({"head_days": 15})["criteria_version"] == CRITERIA_VERSION


# ---------------------------------------------------------------- the questionnaire


def edited(question: Question, edit: Question) -> Questionnaire:
    pages = [
        replace(page, questions=tuple(edit if asked is question else asked for asked in page.questions))
        for page in QUESTIONNAIRE.pages
    ]
    return Questionnaire("x", tuple(pages))


def test_the_questionnaires_hash_is_over_its_content_alone() -> None:
    assert questionnaire_hash(Questionnaire("another label", QUESTIONNAIRE.pages)) == questionnaire_hash(
        QUESTIONNAIRE
    )


@pytest.mark.parametrize(
    ("question", "edit"),
    [
        (HEAD_DAYS, {"stem": f"{HEAD_DAYS.stem} "}),
        (HEAD_DAYS, {"hint": ""}),
        (HEAD_DAYS, {"maximum": 31}),
        (HEAD_DAYS, {"unit": ("day", "Days")}),
        (HEAD_DAYS, {"unsure_allowed": False}),
        (SIDE, {"options": SIDE.options[::-1]}),
        (SIDE, {"options": (*SIDE.options, Option("more", "More"))}),
        (SIDE, {"options": (replace(SIDE.options[0], label="Left or right"), *SIDE.options[1:])}),
        (MONTHS_AT_RATE, {"when": ()}),
        (MONTHS_AT_RATE, {"when": (AtLeast(HEAD_DAYS, 14),)}),
        (MONTHS_AT_RATE, {"when": (AtLeast(questionnaire.AGE, 15),)}),
    ],
)
def test_every_edit_of_a_question_is_a_new_version(question: Question, edit: dict[str, object]) -> None:
    assert question in tuple(QUESTIONNAIRE)
    changed = edited(question, replace(question, **edit))
    assert questionnaire_hash(changed) != questionnaire_hash(QUESTIONNAIRE)


def test_pages_their_words_and_their_order_count() -> None:
    first, second, *rest = QUESTIONNAIRE.pages
    seen = {questionnaire_hash(QUESTIONNAIRE)}
    for pages in (
        (second, first, *rest),
        (replace(first, heading="Danger"), second, *rest),
        (replace(first, slug="danger"), second, *rest),
        (replace(first, shown=False), second, *rest),
        (first, second, *rest[:-1]),
    ):
        seen.add(questionnaire_hash(Questionnaire("x", pages)))
    assert len(seen) == 6


def test_a_kind_counts_and_so_does_the_value_a_condition_waits_for() -> None:
    def one(*questions: Question) -> str:
        pages = tuple(Page(slug=q.id, part=QUESTIONNAIRE.pages[0].part, questions=(q,)) for q in questions)
        return questionnaire_hash(Questionnaire("x", pages))

    first = YesNo(id="a", stem="?")
    number = Number(id="b", stem="?", minimum=0, maximum=1)
    assert one(first) != one(Number(id="a", stem="?", minimum=0, maximum=1))
    assert one(first, replace(number, when=(Is(first, value=True),))) != one(
        first, replace(number, when=(Is(first, value=False),))
    )


# ---------------------------------------------------------------- the criteria

RULE = '''
"""What a rule is for."""

LINE = 15
CRITERIA_DATE = "2026-01-01"

def rule(days):
    """Met from the line."""
    return days >= LINE  # 001
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("What a rule is for.", "Reworded."),
        ("Met from the line.", "Reworded."),
        ("  # 001", "  # the first article"),
        ("\nLINE", "\n\n\n\nLINE"),
        ("days >= LINE", "(\n        days\n        >= LINE\n    )"),
        ("2026-01-01", "2026-02-02"),
    ],
)
def test_what_does_not_change_the_meaning_of_a_rule_is_no_new_version(before: str, after: str) -> None:
    assert before in RULE
    assert criteria_hash([RULE.replace(before, after)]) == criteria_hash([RULE])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("15", "14"),
        (">=", ">"),
        ("days >=", "not days >="),
        ("return days", "return days is None or days"),
        ("LINE = 15", "LINE = 15.0"),
        ("LINE = 15", "LINE = '15'"),
    ],
)
def test_what_changes_the_meaning_of_a_rule_is_a_new_version(before: str, after: str) -> None:
    assert before in RULE
    assert criteria_hash([RULE.replace(before, after)]) != criteria_hash([RULE])


def test_the_real_rules_are_what_is_hashed() -> None:
    sources = rule_sources()
    assert CRITERIA_VERSION.endswith(criteria_hash(sources))
    for place in range(len(RULES)):
        with_more = [*sources]
        with_more[place] += b"\nONE_MORE = 1\n"
        assert criteria_hash(with_more) != criteria_hash(sources)
    chronic = sources[RULES.index("classification")]
    assert b"CHRONIC_DAYS = 15" in chronic
    moved = [source.replace(b"CHRONIC_DAYS = 15", b"CHRONIC_DAYS = 14") for source in sources]
    assert criteria_hash(moved) != criteria_hash(sources)


def test_the_hash_is_the_same_on_every_python() -> None:
    """Worked out once, checked by each Python that runs this suite."""
    assert criteria_hash([RULE]) == "145acee3"


# ---------------------------------------------------------------- the consent


def test_every_sentence_and_the_disclaimer_count_and_the_clinic_does_not() -> None:
    sentences = notices.consent_text("{clinic}")
    assert CONSENT_VERSION.endswith(consent_hash(sentences, notices.DISCLAIMER))
    for place in range(len(sentences)):
        fewer = sentences[:place] + sentences[place + 1 :]
        assert consent_hash(fewer, notices.DISCLAIMER) != consent_hash(sentences, notices.DISCLAIMER)
    assert consent_hash(sentences, f"{notices.DISCLAIMER} ") != consent_hash(sentences, notices.DISCLAIMER)
