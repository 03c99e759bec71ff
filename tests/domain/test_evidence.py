"""What the evidence pages say is sourced, promises nothing, names no dose and leaves no article out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlsplit

import pytest

from screener.domain.evidence import EVIDENCE, REVIEWED, Claim, Design, Holds, Source, Study, Topic

SEED_ARTICLES = {"000", "001", "002", "003", "004"}

# Milligrams by weight, hour or alone, in figures or in words; also tablets, sprays and infusion rates.
A_DOSE = re.compile(
    r"\b(?:mg|mcg|µg|ug|ml|iu)\b|\bmilli-?grams?\b|\bmicro-?grams?\b"
    r"|/\s*kg\b|\bper (?:kilo|kg|hour)|\b\d+ (?:sprays?|tablets?|pills?|doses)\b",
    re.IGNORECASE,
)
PROMISES = (
    r"\bcur(?:e|es|ed|ing)\b",
    r"\bguarantee",
    r"\bmiracle",
    r"\bbreakthrough",
    r"\bwonder",
    r"\bproven\b",
    r"\bpain[- ]free\b",
    r"\blife[- ]chang",
    r"\bhope(?:ful)?\b",
    r"\bpromising\b",
    r"\bsafe and\b",
    r"\beffective for you\b",
    r"\b(?:will|can|may) (?:help|relieve|heal|work for|benefit) you\b",
    r"\bright for you\b",
    r"\byou will\b",
    r"\bgood candidate",
    r"\bfree consultation\b",
    r"\bschedule\b(?! III)",
    r"\bbook (?:a|your)\b",
    r"\bdiscount",
    r"\$\s?\d",
)


def said(topic: Topic) -> Iterator[str]:
    yield topic.heading
    yield from (statement.words for statement in (*topic.plain, *topic.full))


def everything() -> list[str]:
    """Each sentence a reader of either page meets, addresses aside."""
    words = [text for topic in EVIDENCE.topics for text in said(topic)]
    words += [text for check in EVIDENCE.checks for text in (check.plain, check.full)]
    words += [
        text
        for study in EVIDENCE.studies
        for text in (study.name, study.who, study.compared_with, study.result)
    ]
    for claim in EVIDENCE.claims:
        words += [claim.said, claim.found, claim.plain_said, claim.plain_found]
    words += EVIDENCE.articles.values()
    words += [source.name for source in EVIDENCE.sources]
    return words


def by_name(source: Source) -> str:
    return source.name


def by_claim(claim: Claim) -> str:
    return claim.said[:40]


def test_the_page_says_when_it_was_reviewed() -> None:
    assert date(2026, 11, 22) == REVIEWED == EVIDENCE.reviewed
    assert EVIDENCE.reviewed_words == "November 22, 2026"


def test_it_tells_use_findings_risks_and_cost() -> None:
    assert [topic.key for topic in EVIDENCE.topics] == ["use", "findings", "risks", "cost"]
    assert all(topic.plain and topic.full for topic in EVIDENCE.topics)


@pytest.mark.parametrize("source", EVIDENCE.sources, ids=by_name)
def test_each_link_is_https_and_shown_as_it_is(source: Source) -> None:
    parts = urlsplit(source.url)
    assert parts.scheme == "https"
    assert "." in parts.netloc
    assert not re.search(r"\s", source.url)
    assert source.url.rstrip("/").endswith(source.address)
    assert source.name
    assert source.read


def test_no_source_stands_under_two_names() -> None:
    urls = [source.url for source in EVIDENCE.sources]
    assert len(urls) == len(set(urls))


@pytest.mark.parametrize("claim", EVIDENCE.claims, ids=by_claim)
def test_each_claim_has_a_source_or_says_that_none_was_found(claim: Claim) -> None:
    """Section 8, "Claims in the seed articles, checked"."""
    assert bool(claim.sources) == (claim.holds is not Holds.NOT_FOUND)
    if not claim.sources:
        assert "not found" in claim.found or "No such study was found" in claim.found
        assert re.search(r"found no|not find", claim.plain_found)
    assert set(claim.articles) <= SEED_ARTICLES


def test_each_seed_article_is_named_and_has_a_claim_checked() -> None:
    assert set(EVIDENCE.articles) == SEED_ARTICLES
    assert {article for claim in EVIDENCE.claims for article in claim.articles} == SEED_ARTICLES


@pytest.mark.parametrize(
    ("article", "marker", "holds"),
    [
        ("004", "61 patients", Holds.PARTLY),
        ("000", "61 patients", Holds.PARTLY),
        ("003", "single dose", Holds.WRONG),
        ("004", "five years", Holds.MISLEADING),
        ("001", "very effective", Holds.PARTLY),
        ("002", "National Institute of Mental Health", Holds.NOT_FOUND),
        ("000", "aura", Holds.RIGHT),
        ("000", "five groups", Holds.PARTLY),
        ("001", "is quoted", Holds.NOT_FOUND),
        ("004", "38 million", Holds.WRONG),
    ],
)
def test_each_row_of_the_claims_table_is_there(article: str, marker: str, holds: Holds) -> None:
    """Section 8's nine rows (the first names two articles), with their verdicts."""
    rows = [claim for claim in EVIDENCE.claims if article in claim.articles and marker in claim.said]
    assert [claim.holds for claim in rows] == [holds]


@pytest.mark.parametrize(
    ("name", "how_many"),
    [
        ("Etchison", 34),
        ("Zitek", 54),
        ("THINK", 53),
        ("Chah", 193),
        ("Afridi", 30),
        ("Lauritsen", 6),
        ("Pomeroy", 77),
        ("Schwenk", 61),
    ],
)
def test_each_study_of_section_8_is_there_with_its_size(name: str, how_many: int) -> None:
    assert [study.how_many for study in EVIDENCE.studies if name in study.name] == [how_many]


@pytest.mark.parametrize("study", EVIDENCE.studies, ids=lambda study: study.name)
def test_a_study_without_a_comparison_group_says_so(study: Study) -> None:
    assert (study.compared_with == "Nothing") == (study.design is Design.UNCONTROLLED)


def test_patients_read_that_it_is_off_label_and_not_shown_to_work_better() -> None:
    use, findings, risks, cost = (
        " ".join(statement.words for statement in topic.plain) for topic in EVIDENCE.topics
    )
    assert "off-label" in use
    assert "not approved ketamine for migraine" in use
    assert "no better than salt water" in findings
    assert "Do not drive" in risks
    assert "an adult should take you home" in risks
    assert "do not know what it costs" in cost


@pytest.mark.parametrize("text", everything())
def test_no_dose_is_named(text: str) -> None:
    assert not A_DOSE.search(text)


@pytest.mark.parametrize("text", everything())
def test_nothing_is_promised_or_sold(text: str) -> None:
    assert [promise for promise in PROMISES if re.search(promise, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    "text", ["0.2 mg/kg", "25 mg", "50 mcg", "80 milligrams", "6 sprays a day", "a rate per hour"]
)
def test_the_dose_test_knows_a_dose(text: str) -> None:
    assert A_DOSE.search(text)


def test_a_source_is_told_as_it_can_be_copied_from_paper() -> None:
    for url, address in (
        ("https://www.example.org/a/", "example.org/a"),
        ("https://example.org/www.a", "example.org/www.a"),
    ):
        assert Source("A", url).address == address


def test_each_topic_is_found_by_its_key_with_what_stands_behind_its_plain_words() -> None:
    for topic in EVIDENCE.topics:
        assert EVIDENCE.topic(topic.key) is topic
        named = [source for statement in topic.plain for source in statement.sources]
        assert list(topic.plain_sources) == list(dict.fromkeys(named))
