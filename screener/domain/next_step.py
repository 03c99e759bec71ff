"""Where a result leads: one function of urgency, class and age (docs/criteria.md)."""

from __future__ import annotations

from dataclasses import dataclass

from screener.domain.classification import ArticleClass
from screener.domain.urgency import Level

ADULT_AGE = 18

_CONSULTATION = {ArticleClass.CHRONIC, ArticleClass.INTRACTABLE, ArticleClass.CHRONIC_AND_INTRACTABLE}


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the patient is offered, and the kind of request it makes in the queue (None: no request)."""

    offer: str
    kind: str | None


def next_step(urgency: Level | str, article_class: ArticleClass | str, age: int | None) -> NextStep:
    """The row of section 5 that applies. An age nobody gave is not an adult's: no request is offered."""
    urgency, article_class = Level(urgency), ArticleClass(article_class)
    if urgency is Level.EMERGENCY:
        return NextStep("emergency", None)
    if age is None or age < ADULT_AGE:
        return NextStep("own_pediatrician", None)
    if urgency is Level.URGENT:
        return NextStep("call_back", "call_back")
    if article_class in _CONSULTATION:
        return NextStep("consultation", "consultation")
    if article_class is ArticleClass.INSUFFICIENT:
        return NextStep("open_questions", "question")
    return NextStep("own_doctor", "question")
