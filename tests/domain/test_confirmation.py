"""Said and confirmed: marks, corrections and what they rule out; the patient's own answers never change."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import EVERY_PAGE
from hypothesis import given, settings
from hypothesis import strategies as st

from screener.domain.answers import AnswerError, Answers, read_answers
from screener.domain.confirmation import (
    AS_SAID,
    CONFIRMABLE,
    NOT_ASKED,
    TOPICS,
    UNTOUCHED,
    Check,
    Mark,
    Review,
    ReviewedLine,
    called_for,
    confirm_unchecked,
    corrected,
    count_checked,
    merge,
    read_mark,
    read_review,
    reviewed_answers,
    reviewed_lines,
)
from screener.domain.questionnaire import AGE, HEAD_DAYS, MIG_DAYS, OWN_WORDS, QUESTIONNAIRE, SYMPTOMS
from screener.domain.screening import report, screen
from screener.domain.transcript import transcript

SAID = read_answers(QUESTIONNAIRE, EVERY_PAGE)
ANSWERS = Answers(QUESTIONNAIRE, SAID, from_outside=True)


def review_of(**corrections: Any) -> Review:
    return Review({i: corrected(value) for i, value in corrections.items()})


def lines_of(review: Review, answers: Answers = ANSWERS) -> dict[str, ReviewedLine]:
    return reviewed_lines([line.as_document() for line in transcript(answers)], answers, review)


# ---------------------------------------------------------------- what may be confirmed


def test_all_may_be_confirmed_but_the_patients_own_words() -> None:
    assert OWN_WORDS not in CONFIRMABLE
    assert len(CONFIRMABLE) == len(list(QUESTIONNAIRE)) - 1
    assert not [q.id for q in CONFIRMABLE if q.id.startswith("contact_")]


def test_each_question_stands_in_one_topic() -> None:
    ids = [q.id for topic in TOPICS for q in topic.questions]
    assert sorted(ids) == sorted(q.id for q in CONFIRMABLE)
    assert len({topic.slug for topic in TOPICS}) == len(TOPICS)


# ---------------------------------------------------------------- marking

HEAD = HEAD_DAYS.id
SAID_29 = {HEAD: 29}


def mark(chosen: Check, given_: Any, shown: Mark = UNTOUCHED, said: dict[str, Any] | None = None) -> Mark:
    given_answers = {} if given_ == "blank" else {HEAD: given_}
    said = SAID_29 if said is None else said
    return read_mark(HEAD, shown=shown, chosen=chosen, said=said, given=given_answers)


@pytest.mark.parametrize(
    ("shown", "chosen", "given_", "meant"),
    [
        # The answer was let be: the choice decides.
        (UNTOUCHED, Check.UNCHECKED, 29, UNTOUCHED),
        (UNTOUCHED, Check.AS_SAID, 29, AS_SAID),
        (AS_SAID, Check.UNCHECKED, 29, UNTOUCHED),
        (corrected(12), Check.CORRECTED, 12, corrected(12)),
        (corrected(12), Check.AS_SAID, 12, AS_SAID),
        (corrected(12), Check.UNCHECKED, 12, UNTOUCHED),
        # Another answer than the one said is a correction by itself.
        (UNTOUCHED, Check.UNCHECKED, 12, corrected(12)),
        (UNTOUCHED, Check.CORRECTED, 12, corrected(12)),
        (AS_SAID, Check.AS_SAID, 12, corrected(12)),
        (corrected(12), Check.CORRECTED, 13, corrected(13)),
        (UNTOUCHED, Check.CORRECTED, None, corrected(None)),
        # Set back to what was said.
        (corrected(12), Check.CORRECTED, 29, AS_SAID),
        (corrected(12), Check.UNCHECKED, 29, UNTOUCHED),
        (corrected(12), Check.AS_SAID, 29, AS_SAID),
        # Emptied, and another mark chosen.
        (corrected(12), Check.AS_SAID, "blank", AS_SAID),
        (corrected(12), Check.UNCHECKED, "blank", UNTOUCHED),
    ],
)
def test_a_mark_is_what_was_chosen_and_answered(shown: Mark, chosen: Check, given_: Any, meant: Mark) -> None:
    assert mark(chosen, given_, shown) == meant


@pytest.mark.parametrize(
    ("shown", "chosen", "given_", "told"),
    [
        (UNTOUCHED, Check.CORRECTED, 29, "Give the right answer"),
        (UNTOUCHED, Check.AS_SAID, 12, "You chose “As said” and gave another answer."),
        (corrected(12), Check.UNCHECKED, 13, "You chose “Not checked” and gave another answer."),
        (UNTOUCHED, Check.UNCHECKED, "blank", "The answer is empty. Give one, or set it back."),
        (corrected(12), Check.CORRECTED, "blank", "The answer is empty. Give one, or choose “Not checked”."),
    ],
)
def test_a_choice_and_an_answer_that_do_not_fit_are_refused(
    shown: Mark, chosen: Check, given_: Any, told: str
) -> None:
    with pytest.raises(AnswerError, match=told) as refused:
        mark(chosen, given_, shown)
    assert refused.value.id == HEAD


def test_what_nobody_asked_can_be_answered_but_not_confirmed_as_said() -> None:
    assert mark(Check.UNCHECKED, "blank", said={}) == UNTOUCHED
    assert mark(Check.UNCHECKED, 12, said={}) == corrected(12)
    assert mark(Check.UNCHECKED, "blank", corrected(12), said={}) == UNTOUCHED
    for chosen in (Check.AS_SAID, Check.CORRECTED):
        with pytest.raises(AnswerError):
            mark(chosen, "blank", said={})


def test_not_sure_is_an_answer_that_can_be_confirmed_and_corrected() -> None:
    assert mark(Check.AS_SAID, None, said={HEAD: None}) == AS_SAID
    assert mark(Check.UNCHECKED, 0, said={HEAD: None}) == corrected(0)


def test_several_choices_in_another_order_are_the_same_answer() -> None:
    said = {SYMPTOMS.id: ("light", "nausea")}
    same = {SYMPTOMS.id: ("nausea", "light")}
    found = read_mark(SYMPTOMS.id, shown=UNTOUCHED, chosen=Check.UNCHECKED, said=said, given=same)
    assert found == UNTOUCHED


def test_all_as_said_leaves_corrections_and_what_was_not_answered() -> None:
    review = confirm_unchecked(review_of(age=43), SAID, CONFIRMABLE)
    assert review.mark("age") == corrected(43)
    assert review.mark("head_days") == AS_SAID
    assert review.mark("gepant_relief") == UNTOUCHED
    assert set(review.marks) == set(SAID) - {OWN_WORDS.id}


# ---------------------------------------------------------------- two at once


def test_what_two_people_marked_on_different_questions_is_all_kept() -> None:
    base = review_of(age=43)
    mine, theirs = (
        base.with_marks({"side": AS_SAID}),
        base.with_marks({"age": UNTOUCHED, "constant": AS_SAID}),
    )
    merged, both = merge(base, mine, theirs)
    assert merged == Review({"constant": AS_SAID, "side": AS_SAID})
    assert both == ()


def test_where_two_differ_mine_stands_and_is_named() -> None:
    merged, both = merge(Review(), review_of(age=43, side="both"), review_of(age=44, side="both"))
    assert merged.corrections == {"age": 43, "side": "both"}
    assert both == ("age",)


MARKS = st.dictionaries(
    st.sampled_from(["age", "head_days", "severity"]),
    st.one_of(st.just(AS_SAID), st.integers(0, 2).map(corrected), st.just(corrected(None))),
).map(Review)


@given(base=MARKS, mine=MARKS, theirs=MARKS)
@settings(max_examples=200)
def test_merging_loses_no_mark_of_either(base: Review, mine: Review, theirs: Review) -> None:
    merged, both = merge(base, mine, theirs)
    for i in ("age", "head_days", "severity"):
        if mine.mark(i) != base.mark(i):
            assert merged.mark(i) == mine.mark(i)
        else:
            assert merged.mark(i) == theirs.mark(i)
        differ = len({base.mark(i), mine.mark(i), theirs.mark(i)}) == 3
        assert (i in both) == differ
    assert merge(base, mine, base) == (mine, ())


# ---------------------------------------------------------------- what follows


def test_an_empty_review_changes_no_answer_and_no_verdict() -> None:
    reviewed = reviewed_answers(ANSWERS, Review())
    assert reviewed.as_raw() == ANSWERS.as_raw()
    assert report(screen(reviewed)) == report(screen(ANSWERS))


def test_a_correction_changes_verdicts_and_never_what_was_said() -> None:
    reviewed = reviewed_answers(ANSWERS, review_of(head_days=14, mig_days=7))
    assert reviewed[HEAD_DAYS] == 14
    assert ANSWERS[HEAD_DAYS] == 29
    first, second = report(screen(ANSWERS)), report(screen(reviewed))
    assert first["chronic"]["verdict"] == "met"
    assert second["chronic"]["verdict"] == "not_met"


def test_corrected_to_not_sure_is_unknown() -> None:
    reviewed = reviewed_answers(ANSWERS, review_of(head_days=None))
    assert reviewed[HEAD_DAYS] is None
    assert report(screen(reviewed))["chronic"]["verdict"] == "cannot_tell"


def test_what_a_correction_rules_out_falls_away_and_is_named() -> None:
    review = review_of(acute_tried=("nsaid",), triptan_days=4)
    reviewed = reviewed_answers(ANSWERS, review)
    assert set(reviewed.ignored) == {"triptan_relief", "triptan_days", "acute_other_name"}
    lines = lines_of(review.with_marks({"triptan_relief": AS_SAID}))
    assert (lines["triptan_relief"].status, lines["triptan_relief"].confirmed_words) == ("ruled_out", "")
    assert lines["triptan_relief"].said == "A little, or not for long"
    assert called_for(ANSWERS, reviewed) == ("nsaid_relief", "nsaid_days")


def test_an_answer_that_the_patients_own_rules_out_falls_away_too() -> None:
    review = review_of(gepant_days=3)
    assert lines_of(review)["gepant_days"].status == "ruled_out"
    both = review.with_marks({"acute_tried": corrected(("triptan", "ergot", "gepant", "other"))})
    assert lines_of(both)["gepant_days"].confirmed_words == "3 days"


@pytest.mark.parametrize(("head", "migraine", "to_mend"), [(11, None, "head_days"), (None, 30, "mig_days")])
def test_more_migraine_days_than_headache_days_are_refused_at_the_correction(
    head: int | None, migraine: int | None, to_mend: str
) -> None:
    days = {i: value for i, value in (("head_days", head), ("mig_days", migraine)) if value is not None}
    with pytest.raises(AnswerError) as refused:
        reviewed_answers(ANSWERS, review_of(**days))
    assert refused.value.id == to_mend
    assert reviewed_answers(ANSWERS, review_of(head_days=12))[MIG_DAYS] == 12


def test_what_the_patient_said_may_be_impossible_and_all_else_still_be_confirmed() -> None:
    odd = Answers(QUESTIONNAIRE, {**SAID, "head_days": 5}, from_outside=True)
    assert reviewed_answers(odd, review_of(age=43))[AGE] == 43


# ---------------------------------------------------------------- told


def test_each_line_says_what_was_said_and_what_was_made_of_it() -> None:
    lines = lines_of(review_of(age=43, dhe_tried=None).with_marks({"side": AS_SAID, "injury_signs": AS_SAID}))
    told = {i: (line.said, line.status, line.confirmed_words) for i, line in lines.items()}
    assert told["age"] == ("42 years", "corrected", "43 years")
    assert told["side"] == ("On one side", "as_said", "On one side")
    assert told["pulsating"] == ("Yes", "unchecked", "")
    assert told["dhe_tried"] == ("Skipped", "corrected", "Not sure")
    assert told["nsaid_days"] == (NOT_ASKED, "unchecked", "")
    assert list(lines) == [q.id for q in CONFIRMABLE]


def test_what_the_patient_or_the_clinician_answered_is_counted() -> None:
    lines = lines_of(review_of(age=43, dhe_tried=True)).values()
    answered = [q.id for q in CONFIRMABLE if q.id in SAID]
    assert count_checked(lines) == (2, len(answered) + 1)


# ---------------------------------------------------------------- kept


def test_a_review_is_read_as_it_was_kept() -> None:
    review = review_of(age=43, symptoms=("nausea", "light"), side=None, constant=False).with_marks(
        {"pulsating": AS_SAID}
    )
    assert read_review(json.loads(json.dumps(review.as_document()))) == review


def test_questions_that_are_gone_or_may_not_be_confirmed_are_left_out() -> None:
    gone = {"as_said": ["age", "no_such", "own_words"], "corrected": {"no_such": 1, "contact_name": "X"}}
    assert read_review(gone) == Review({"age": AS_SAID})


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"as_said": "age", "corrected": {}},
        {"as_said": [1], "corrected": {}},
        {"as_said": [["age"]], "corrected": {}},
        {"as_said": [], "corrected": []},
        {"as_said": [], "corrected": {"age": "43"}},
        {"as_said": [], "corrected": {"age": 121}},
        {"as_said": [], "corrected": {"age": None}},
        {"as_said": [], "corrected": {"side": "up"}},
        {"as_said": [], "corrected": {"symptoms": []}},
        {"as_said": [], "corrected": {"acute_other_name": "x" * 81}},
    ],
)
def test_anything_but_a_review_is_refused(document: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - of both kinds
        read_review(document)
