"""How far a form came, told by pages that everybody is asked: so that it says nothing of any answer."""

from __future__ import annotations

from typing import Final

from screener.domain.question import BEFORE_RESULT, Page
from screener.domain.questionnaire import QUESTIONNAIRE

MILESTONES: Final[tuple[Page, ...]] = tuple(
    page
    for page in QUESTIONNAIRE.pages
    if page.shown and page.part in BEFORE_RESULT and any(not question.when for question in page.questions)
)
_ORDER: Final = {page.slug: number for number, page in enumerate(MILESTONES)}


def is_further(page: Page, than: str) -> bool:
    """Whether the page is such a one, and lies beyond the page named; what is none of them is no distance."""
    return _ORDER.get(page.slug, -1) > _ORDER.get(than, -1)
