"""The headache history: every answer has its place, each value names its answer, what is unknown says why."""

from __future__ import annotations

import pytest
from builders import CHRONIC_AND_INTRACTABLE, EVERY_PAGE

from screener.domain.answers import Answers, Status
from screener.domain.headache_history import (
    ACUTE_CLASSES,
    CAUTIONS,
    PREVENTIVE_CLASSES,
    HeadacheHistory,
    Row,
    changes_between,
    history_of,
)
from screener.domain.question import NONE_CODE, Part
from screener.domain.questionnaire import ACUTE_TRIED, KET_CONDITIONS, PREVENTIVES_TRIED, QUESTIONNAIRE
from screener.domain.screening import restore_answers
from screener.domain.transcript import transcript

# Danger signs are shown above the history, with their times.
SAFETY_ABOVE = {"danger_now", "danger_before", "changes", "injury_signs"}


def history(answers: dict[str, object]) -> HeadacheHistory:
    kept: Answers = restore_answers(answers)
    return history_of([line.as_document() for line in transcript(kept)])


def row(found: HeadacheHistory, title: str, label: str) -> Row:
    (section,) = (section for section in found.sections if section.title == title)
    (one,) = (one for one in section.rows if one.label == label)
    return one


def words(found: HeadacheHistory, title: str, label: str) -> list[str]:
    return [cell.words for cell in row(found, title, label).cells]


def everything() -> dict[str, object]:
    every_option = {"acute_tried": ACUTE_TRIED, "preventives_tried": PREVENTIVES_TRIED}
    return EVERY_PAGE | {
        name: [code for code in question.codes if code != NONE_CODE]
        for name, question in every_option.items()
    }


def test_every_question_behind_the_danger_signs_has_its_place_in_the_history() -> None:
    found = history(everything())
    placed = {cell.source for section in found.sections for one in section.rows for cell in one.cells}
    placed |= {one.source for section in found.sections for one in section.rows}
    placed |= {piece.source for piece in found.situation if not isinstance(piece, str)}
    placed |= {found.own_words.source}
    asked = {line.id for line in transcript(restore_answers(everything()))}
    assert asked - placed - SAFETY_ABOVE - {"pregnancy"} == set()


def test_nothing_in_the_history_lacks_the_question_it_comes_from() -> None:
    for answers in ({}, CHRONIC_AND_INTRACTABLE, everything()):
        found = history(answers)
        cells = [cell for section in found.sections for one in section.rows for cell in one.cells]
        cells += [piece for piece in found.situation if not isinstance(piece, str)]
        ids = {question.id for question in QUESTIONNAIRE}
        assert {cell.source for cell in cells} | {bar.source for bar in found.bars} <= ids


def test_each_class_of_medicine_has_a_clinicians_name() -> None:
    assert set(ACUTE_CLASSES) == set(ACUTE_TRIED.codes) - {NONE_CODE}
    assert set(PREVENTIVE_CLASSES) == set(PREVENTIVES_TRIED.codes) - {NONE_CODE}
    assert set(CAUTIONS) == {question.id for question in KET_CONDITIONS}
    request = {
        question.id
        for page in QUESTIONNAIRE.pages
        if page.part is Part.REQUEST
        for question in page.questions
    }
    assert set(CAUTIONS) | {"ket_medicines", "ket_escort"} == request


def test_not_sure_skipped_and_not_asked_stay_apart() -> None:
    found = history({"age": 40, "head_days": None, "now_pain": False})
    days, attacks, lasted = (
        row(found, "Course", "Headache days in the last 30").cells[0],
        row(found, "Course", "Attacks so far").cells[0],
        row(found, "Attack now", "Has lasted").cells[0],
    )
    assert [days.status, attacks.status, lasted.status] == [
        Status.NOT_SURE,
        Status.SKIPPED,
        Status.NOT_ASKED,
    ]
    assert [days.words, attacks.words, lasted.words] == ["Not sure", "Skipped", "Not asked"]
    (course,) = (section for section in found.sections if section.title == "Course")
    assert [one.label for one in course.told] == ["Headache days in the last 30"]
    assert "Attacks so far" in [one.label for one in course.untold("skipped")]
    assert "Attacks so far" not in [one.label for one in course.untold("not_asked")]
    assert [(gap.words, gap.status) for gap in course.gaps] == [
        ("Skipped", "skipped"),
        ("Not asked", "not_asked"),
    ]
    assert [gap.rows for gap in course.gaps] == [course.untold("skipped"), course.untold("not_asked")]
    assert not [section for section in found.sections for gap in section.gaps if not gap.rows]


def test_each_medicine_stands_with_its_relief_and_its_days() -> None:
    found = history(EVERY_PAGE | {"triptan_relief": "a_little", "triptan_days": 11})
    assert words(found, "Medicines for attacks", "Triptan") == ["A little, or not for long", "11 days"]
    assert words(found, "Medicines for attacks", "Ergot") == ["Skipped", "Skipped"]
    assert words(found, "Medicines for attacks", "Name of the other") == ["Feverfew"]
    assert words(found, "Preventives", "Botulinum toxin") == ["Skipped"]
    assert row(found, "Medicines for attacks", "Ergot").is_told


@pytest.mark.parametrize(("said", "told"), [(["none"], "None"), (None, "Not sure")])
def test_no_medicine_and_not_knowing_are_told(said: object, told: str) -> None:
    found = history(CHRONIC_AND_INTRACTABLE | {"acute_tried": said})
    assert words(found, "Medicines for attacks", "Tried") == [told]


@pytest.mark.parametrize(
    ("asked", "said", "warns"),
    [
        ("ket_heart", "yes", True),
        ("ket_heart", "rather_in_person", True),
        ("ket_heart", "no", False),
        ("ket_heart", None, True),
        ("ket_medicines", ["maoi"], True),
        ("ket_medicines", ["none"], False),
        ("ket_escort", False, True),
        ("ket_escort", True, False),
    ],
)
def test_what_asks_for_care_before_ketamine_is_marked_and_comes_first(
    asked: str, said: object, *, warns: bool
) -> None:
    found = history(CHRONIC_AND_INTRACTABLE | {"ket_bladder": "no", asked: said})
    (cautions,) = (section for section in found.sections if section.title == "Ketamine cautions")
    warned = [one.cells[0].source for one in cautions.rows if one.is_warning]
    assert warned == ([asked] if warns else [])
    assert not warns or cautions.rows[0].is_warning


def test_the_situation_is_one_sentence_of_what_is_known() -> None:
    said = CHRONIC_AND_INTRACTABLE | {"treated_length": None}
    assert history(said).sentence == (
        "Aged 42 years; head pain on 20 days of the last 30, migraine on 12 days, so often for more than"
        " 3 months; attacks last over 3 days without medicine; relief from medicine: a little,"
        " or not for long."
    )


def test_with_nothing_said_the_situation_says_so() -> None:
    assert history({}).sentence == "Nothing was said about the headaches (not sure or skipped)."


def test_a_pregnancy_stands_in_the_situation() -> None:
    assert ", pregnant;" in history(CHRONIC_AND_INTRACTABLE | {"pregnancy": "pregnant"}).sentence


def test_bars_know_the_days_and_what_they_are_out_of() -> None:
    found = {bar.source: (bar.value, bar.out_of) for bar in history(EVERY_PAGE).bars}
    assert found == {
        "head_days": (29, 30),
        "mig_days": (12, 30),
        "acute_days": (12, 30),
        "days_lost": (40, 92),
    }
    assert [bar.value for bar in history({}).bars] == [None] * 4


# ---------------------------------------------------------------- over time


def changed(was: dict[str, object], now: dict[str, object]) -> list[tuple[str, str, str]]:
    return [(row.label, row.was, row.now) for row in changes_between(history(was), history(now))]


def test_rows_that_read_otherwise_are_told_as_was_and_now() -> None:
    now = CHRONIC_AND_INTRACTABLE | {"head_days": 14, "mig_days": 12, "usual_relief": "much_better"}
    assert changed(CHRONIC_AND_INTRACTABLE, now) == [
        ("Headache days in the last 30", "20 days", "14 days"),
        ("At 15 or more days a month for", "More than 3 months", "Not asked"),
        ("Relief in general, to the next day", "A little, or not for long", "Much better"),
    ]


def test_the_same_answers_and_what_nobody_told_are_no_change() -> None:
    assert changed(CHRONIC_AND_INTRACTABLE, CHRONIC_AND_INTRACTABLE) == []
    assert changed({"now_pain": None}, {"now_pain": False})[0] == ("In an attack", "Not sure", "No")
    # "Skipped" beside "not asked" tells nothing of the patient.
    assert changed({"now_pain": True}, {"now_pain": False}) == [("In an attack", "Yes", "No")]


def test_a_medicine_that_was_not_named_before_is_a_change() -> None:
    now = CHRONIC_AND_INTRACTABLE | {"acute_tried": ["triptan", "nsaid", "gepant"], "gepant_relief": "goes"}
    assert ("Gepant", "Not asked", "The pain is gone; Skipped") in changed(CHRONIC_AND_INTRACTABLE, now)
