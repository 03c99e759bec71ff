"""How far a patient got, counted by pages that everybody is asked, so that it gives no answer away."""

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
    """Whether the page is one of them and lies beyond the one named `than`; any other counts as none."""
    return _ORDER.get(page.slug, -1) > _ORDER.get(than, -1)
