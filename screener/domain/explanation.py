"""Plain words for verdicts, classes, red flags and next steps: "match", never "you have"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

from screener.domain.answers import Answers
from screener.domain.classification import ArticleClass, Gap
from screener.domain.question import BEFORE_RESULT, Choice, Choices, Translate
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.transcript import said
from screener.domain.verdict import Verdict

CLASS_NAMES = {
    "chronic": "Chronic migraine",
    "intractable": "Intractable migraine",
    "regular": "Regular migraine",
}

VERDICT_WORDS = {
    Verdict.MET: "matches",
    Verdict.NOT_MET: "does not match",
    Verdict.CANNOT_TELL: "cannot tell",
}

SOURCES = {
    "001": "“How Ketamine Can Help with Chronic Migraines”, a ketamine clinic in Charlotte, North Carolina",
    "004": "an article on ketamine for migraine by a ketamine clinic in West Covina, California",
}

CLASS_WORDS = {
    ArticleClass.CHRONIC_AND_INTRACTABLE: (
        "Your answers match what these clinics call chronic and intractable migraine."
    ),
    ArticleClass.INTRACTABLE: "Your answers match what these clinics call intractable migraine.",
    ArticleClass.CHRONIC: "Your answers match what these clinics call chronic migraine.",
    ArticleClass.REGULAR: "Your answers match what these clinics call a regular migraine.",
    ArticleClass.OUTSIDE: "Your answers do not match any of the descriptions we compare with.",
    ArticleClass.INSUFFICIENT: "We need a few more answers to compare.",
}


def class_words(found: ArticleClass, *, of_child: bool) -> str:
    """The headline of a result, told to the patient or to a parent."""
    words = CLASS_WORDS[found]
    return words.replace("Your answers", "Your child's answers") if of_child else words


GAP_WORDS = {
    Gap.UNDER_4_HOURS: "Your attacks end within 4 hours. The descriptions start at 4 hours.",
    Gap.UNDER_72_HOURS_NOTHING_WORKS: (
        "Your attacks end within 3 days, but medicine does little. The descriptions leave this out."
    ),
    Gap.OVER_72_HOURS_MEDICINE_WORKS: (
        "Your attacks can last more than 3 days, but medicine works. The descriptions leave this out."
    ),
    Gap.OVER_72_HOURS_LIFESTYLE_SETTLES: (
        "Your attacks can last more than 3 days, but changes in daily life have settled them."
        " The descriptions leave this out."
    ),
}

CRITERION_WORDS = {
    "chronic.days": "Head pain on 15 or more days a month",
    "intractable.length": "Attacks last more than 3 days (72 hours) even with treatment, or keep coming back",
    "intractable.response": "Medicine usually does not bring relief that lasts",
    "intractable.present_attack": "Or: an attack going on now for more than 3 days, and medicine does little",
    "intractable.lifestyle": "Changes in daily life have not settled it",
    "intractable.signs": "Typical signs: constant pain, light or sight trouble, sick stomach, dizziness",
    "intractable.impact": "It gets in the way of daily life",
    "regular.length": "Attacks last from 4 hours to 3 days (72 hours)",
    "regular.response": "Medicine usually helps",
}

# Shown as support; they never decide.
SUPPORT_ONLY = frozenset({"intractable.signs", "intractable.impact"})

FLAG_WORDS = {
    "danger_now.unanswered": "The question about danger signs was not answered",
    "changes.unanswered": "The question about changes was not answered",
    "keep_down.no": "Drinks or medicine do not stay down",
    "now_length.over_72h": "This attack has lasted more than 3 days",
    "aura_types.weakness": "An aura with weakness",
    "aura_each.over_60_min": "An aura of more than 1 hour",
    "aura_clears.no": "An aura that did not clear up fully",
    "age.50_or_over": "Age 50 or over",
    "attacks_ever.one": "The first attack ever",
    "pregnancy.pregnant": "Pregnant",
    "pregnancy.postpartum_6w": "Gave birth in the last 6 weeks",
}
BOTH = "{one}, and: {other}"
NOT_NOW = "{flag} (before, not now)"


def flag_words(flag: str, translate: Translate = str) -> str:
    """A red flag's name in words; a set's members are joined."""
    members = (_one_flag(member, translate) for member in flag.split("+"))
    return reduce(lambda one, other: translate(BOTH).format(one=one, other=other), members)


def _one_flag(flag: str, translate: Translate) -> str:
    if flag in FLAG_WORDS:
        return translate(FLAG_WORDS[flag])
    question_id, code = flag.split(".", 1)
    question = QUESTIONNAIRE.find(question_id)
    label = said(question, code, translate) if isinstance(question, Choice | Choices) else flag
    return translate(NOT_NOW).format(flag=label) if question_id == "danger_before" else label


class Told(NamedTuple):
    """An answer that a verdict rests on, as worded that day; `id` is its question's."""

    id: str
    wording: str
    words: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One criterion as a reader sees it."""

    words: str
    verdict: str
    verdict_words: str
    source: str
    said: tuple[Told, ...]
    support_only: bool


@dataclass(frozen=True, slots=True)
class ExplainedClass:
    name: str
    verdict: str
    verdict_words: str
    reasons: tuple[Reason, ...]

    @property
    def source(self) -> str:
        """The article that describes it."""
        return self.reasons[0].source


def explain(report: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]) -> tuple[ExplainedClass, ...]:
    """Each class of a report with its verdict and reasons; what was said stands as worded that day.

    `report` is screening.report()'s object and `lines` are transcript documents, fresh or stored.
    """
    worded = told_answers(lines)
    return tuple(
        ExplainedClass(
            name,
            report[key]["verdict"],
            VERDICT_WORDS[Verdict(report[key]["verdict"])],
            tuple(_reason(criterion, worded) for criterion in report[key]["criteria"]),
        )
        for key, name in CLASS_NAMES.items()
    )


def told_answers(lines: Iterable[Mapping[str, Any]]) -> dict[str, Told]:
    """What the lines of a transcript say, by question id."""
    return {line["id"]: Told(line["id"], line["wording"], line["said"]) for line in lines}


def _reason(criterion: Mapping[str, Any], worded: Mapping[str, Told]) -> Reason:
    return Reason(
        words=CRITERION_WORDS[criterion["id"]],
        verdict=criterion["verdict"],
        verdict_words=VERDICT_WORDS[Verdict(criterion["verdict"])],
        source=criterion["source"],
        said=tuple(worded[question_id] for question_id in criterion["said"]),
        support_only=criterion["id"] in SUPPORT_ONLY,
    )


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    id: str
    page: str
    stem: str


def open_questions(answers: Answers, question_ids: Iterable[str]) -> tuple[OpenQuestion, ...]:
    """Those of the questions that are asked on this person's way to the result, each once."""
    return tuple(
        OpenQuestion(question.id, page.slug, question.stem)
        for question in map(QUESTIONNAIRE.get, dict.fromkeys(question_ids))
        for page in [QUESTIONNAIRE.page_of(question)]
        if page.part in BEFORE_RESULT and answers.was_asked(question)
    )
