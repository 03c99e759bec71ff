"""Pages of questions are rendered once and filled in: nobody may see that, and nobody another's answers."""

from __future__ import annotations

from typing import Any

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from flask import Flask
from web.client import Browser
from web.walking import Walk, at_clinic, plant

from screener.domain.question import Choice, Choices, Number, Question, Text, YesNo
from screener.domain.questionnaire import DANGER_NOW, QUESTIONNAIRE
from screener.web import patient
from screener.web.blank_pages import _blank

PAGES = [page for page in QUESTIONNAIRE.pages if page.shown]


def last_of(question: Question) -> object:
    """An answer that CHRONIC_AND_INTRACTABLE does not give, and words that HTML must not take for its own."""
    match question:
        case YesNo():
            return False
        case Choice() | Choices():
            code = question.codes[-1]
            return code if isinstance(question, Choice) else [code]
        case Number():
            return question.maximum
        case Text():
            return "</textarea>\"> unsure & 'x' {{ 7 * 7 }}"


OTHERS = {q.id: last_of(q) for q in QUESTIONNAIRE} | {
    DANGER_NOW.id: ["none"],
    "head_days": 20,
    "mig_days": 20,
}


def sources(walk: Walk) -> dict[str, str]:
    """Each page of questions that opens to this patient."""
    pages = {page.slug: walk.get(page.slug) for page in PAGES}
    return {slug: page.source for slug, page in pages.items() if page.status == 200}


@pytest.mark.parametrize(
    "kept", [{}, {"language": "es", "theme": "dim", "for_other": True}], ids=["en", "es"]
)
@pytest.mark.parametrize("answers", [CHRONIC_AND_INTRACTABLE, OTHERS, {}], ids=["usual", "others", "none"])
def test_a_page_that_is_filled_in_is_the_page_rendered_for_this_patient(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch, answers: Any, kept: Any
) -> None:
    # Whose pages the blanks are made on.
    first = sources(plant(browser, app, CHRONIC_AND_INTRACTABLE, **kept))
    walk = plant(browser, app, answers, **kept)
    filled = sources(walk)
    monkeypatch.setattr(patient, "is_usual", lambda *_: False)
    assert filled == sources(walk)
    assert len(filled) > 15 or not answers
    assert all(walk.token in source for source in filled.values())
    assert all(first[slug] != source for slug, source in filled.items() if slug in first)


def test_what_the_clinic_changed_stands_on_the_next_page(app: Flask, browser: Browser) -> None:
    walk = plant(browser, app, {})
    assert "(626) 555-0100" in walk.get("danger-now").text
    with at_clinic(app, "acme") as (session, clinic):
        clinic.phone = "(212) 555-0199"
        session.commit()
    assert "(626) 555-0100" not in walk.get("danger-now").text
    assert "(212) 555-0199" in walk.get("danger-now").text


def test_there_are_as_many_blanks_as_different_pages_and_not_as_patients(
    app: Flask, browser: Browser
) -> None:
    sources(plant(browser, app, CHRONIC_AND_INTRACTABLE))
    made = _blank.cache_info().misses
    changed = CHRONIC_AND_INTRACTABLE | {"age": 33, "danger_before": ["none"]}
    sources(plant(browser, app, changed))
    assert _blank.cache_info().misses == made
