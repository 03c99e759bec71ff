"""What a patient's result tells, on the screen and on the copy to keep."""

from __future__ import annotations

from typing import Any

from screener.domain.classification import ArticleClass
from screener.domain.clinical_words import OVERUSE_FOR_PATIENTS, PLAIN_REMARKS, explain_flags
from screener.domain.explanation import (
    GAP_WORDS,
    SOURCES,
    OpenQuestion,
    class_words,
    explain,
    flag_words,
    open_questions,
)
from screener.domain.questionnaire import DANGER_BEFORE, PREGNANCY, QUESTIONNAIRE
from screener.domain.screening import Screening, clinical_report
from screener.domain.transcript import transcript
from screener.domain.verdict import Verdict
from screener.web.languages import gettext, translated
from screener.web.visit import Visit, now


def what_is_told(visit: Visit) -> dict[str, Any]:
    """By the names that templates/patient/result.html and copy.html know."""
    found = visit.screening.classification
    lines = [line.as_document() for line in transcript(visit.answers, translated)]
    is_child = visit.next_step.offer == "own_pediatrician"
    return {
        "level": visit.urgency.level.value,
        "go_where": _where_today(visit),
        "flags": [flag_words(flag, translated) for flag in visit.urgency.red_flags],
        "headline": class_words(found.article_class, of_child=is_child),
        "gap": GAP_WORDS[found.gap] if found.gap else "",
        "close_to_the_line": found.close_to_the_line,
        "is_child": is_child,
        "classes": explain(visit.report, lines),
        "sources": SOURCES,
        "clinical": explain_flags(clinical_report(visit.screening), lines),
        "overuse": _overuse(visit.screening),
        "remarks": [PLAIN_REMARKS[r] for r in visit.screening.clinical.remarks if r in PLAIN_REMARKS],
        "lines": lines,
        "today": now().date(),
    }


def questions_that_would_settle(visit: Visit) -> tuple[OpenQuestion, ...]:
    """The unanswered questions whose answers would change the result; never answers that were given."""
    found = visit.screening.classification
    settling = visit.answers.missing(*(QUESTIONNAIRE.get(c["id"]) for c in visit.report["would_change"]))
    if found.article_class is ArticleClass.INSUFFICIENT:
        settling = (*settling, *found.open_questions)
    return open_questions(visit.answers, settling)


def _overuse(found: Screening) -> str:
    """Always told beside chronic and intractable: overuse can look like either."""
    classes = (found.classification.chronic, found.classification.intractable)
    matches = any(judged.verdict is Verdict.MET for judged in classes)
    return OVERUSE_FOR_PATIENTS[found.clinical["ichd3_8_2"].verdict] if matches else ""


def _where_today(visit: Visit) -> str:
    """Who should see an urgent patient today."""
    if visit.answers[DANGER_BEFORE]:
        return gettext("Go to an emergency department today, even if you feel better now.")
    if visit.answers[PREGNANCY] in {"pregnant", "postpartum_6w"}:
        return gettext("Call your maternity team today.")
    if visit.next_step.offer == "own_pediatrician":
        return gettext("A parent should call the child's doctor or an urgent care clinic today.")
    return gettext("Call your own doctor or an urgent care clinic today.")
