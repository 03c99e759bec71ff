"""What holds for the clinical flags whatever is answered."""

import random
from typing import Any

from domain.contract import ACUTE, CANNOT_TELL, LINES, MET, NOT_MET, PREVENTIVE, VALID, Answers
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from screener.domain.screening import classify

steady = settings(max_examples=300)

# Read by the clinical flags alone: neither urgency nor a class of the articles hangs on them
# (`intractable.signs` and `.impact` are support, "never a gate").
CLINICAL_ONLY = (
    "mig_days",
    "months_at_rate",
    "continuous_since_start",
    "break_cause",
    "now_stops_me",
    "now_as_usual",
    "side",
    "pulsating",
    "worse_on_activity",
    "severity",
    "stops_me",
    "days_lost",
    "debil_days",
    "debil_months",
    "aura_spread",
    "aura_in_a_row",
    "aura_one_side",
    "aura_positive",
    "aura_to_pain",
    *(f"{name}_days" for name in ACUTE.values()),
    "acute_days",
    "acute_over_3_months",
    "triptans_count",
    "dhe_tried",
    "preventives_tried",
    *(f"{name}_outcome" for name in PREVENTIVE.values()),
)

# Both sides of each boundary that a flag reads.
DAYS = (0, 4, 5, 9, 10, 14, 15)
VALUES: dict[str, tuple[object, ...]] = {
    **VALID,
    "age": (17, 18, 40),
    "head_days": (7, 8, 14, 15, 30),
    "mig_days": (7, 8, 15),
    "debil_days": (7, 8),
    "debil_months": (2, 3, 5, 6),
    "severity": (3, 4),
    "days_lost": (0, 1),
    "changes": (["none"], ["first_or_long_aura"], ["strain"]),
    "symptoms": (["none"], ["light"], ["light", "sound"], ["nausea"]),
    "aura_types": (["visual"], ["speech"], ["weakness", "sensory"]),
    "acute_tried": (["none"], ["triptan"], ["triptan", "ergot", "nsaid"], ["gepant", "nsaid"], list(ACUTE)),
    "preventives_tried": (["none"], ["beta_blocker", "cgrp"], list(PREVENTIVE)),
    "acute_days": (*DAYS, 30),
    **{f"{name}_days": DAYS for name in ACUTE.values()},
}
READ_TOO = (
    "age",
    "changes",
    "head_days",
    "attacks_ever",
    "untreated_length",
    "treated_length",
    "usual_relief",
    "lifestyle_relief",
    "symptoms",
    "aura_ever",
    "aura_types",
    "aura_each",
    "aura_clears",
    "now_pain",
    "now_length",
    "longest_break",
    "acute_tried",
    "triptan_relief",
    "ergot_relief",
    "nsaid_relief",
    "combination_relief",
)
CLASS_AND_URGENCY = (*READ_TOO, "comes_back", "now_relief", "keep_down", "danger_now")

# Someone with every kind of migraine and of failure, so that a changed answer changes something.
PERSON: dict[str, object] = {
    "age": 40,
    "changes": ["none"],
    "attacks_ever": "five_or_more",
    "untreated_length": "4_to_24h",
    "side": "one",
    "pulsating": True,
    "severity": 7,
    "worse_on_activity": True,
    "symptoms": ["nausea", "light", "sound"],
    "aura_ever": True,
    "aura_types": ["visual"],
    "aura_spread": "5_min_or_more",
    "aura_in_a_row": True,
    "aura_each": "5_to_60_min",
    "aura_one_side": False,
    "aura_positive": False,
    "aura_clears": True,
    "aura_to_pain": "with_or_within_60_min",
    "head_days": 20,
    "months_at_rate": "over_3",
    "mig_days": 10,
    "now_pain": True,
    "now_length": "over_72h",
    "longest_break": "up_to_12h",
    "break_cause": "sleep",
    "now_as_usual": True,
    "now_stops_me": True,
    "stops_me": "cannot",
    "days_lost": 5,
    "debil_days": 8,
    "debil_months": 6,
    "lifestyle_relief": "none",
    "acute_tried": ["triptan", "ergot", "nsaid"],
    "triptan_days": 4,
    "ergot_days": 1,
    "nsaid_days": 3,
    "acute_over_3_months": True,
    "triptans_count": "two_or_more",
    "triptan_relief": "none",
    "ergot_relief": "none",
    "nsaid_relief": "none",
    "dhe_tried": True,
    "preventives_tried": list(PREVENTIVE),
    **{f"{name}_outcome": "not_enough" for name in PREVENTIVE.values()},
}


def some_of(names: tuple[str, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """A few answers to these questions, each also possible as "I'm not sure"."""
    pairs = [(name, value) for name in names for value in (*VALUES[name], None)]
    return st.lists(st.sampled_from(pairs), max_size=8).map(dict)


def possible(answers: Answers) -> dict[str, Any]:
    """Migraine days are headache days: the one pair that is an error."""
    head, migraine = answers.get("head_days"), answers.get("mig_days")
    too_many = isinstance(head, int) and isinstance(migraine, int) and migraine > head
    return {**answers, "mig_days": head} if too_many else dict(answers)


people = st.builds(
    lambda base, changed: possible({**base, **changed}),
    st.sampled_from([PERSON, PERSON, {}]),
    some_of((*CLINICAL_ONLY, *READ_TOO)),
)


def judged(answers: Answers) -> dict[str, Any]:
    return classify(answers, brief=True)


def less_one(answers: Answers, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The results with and without one answer, where no follow-up is dropped in either."""
    full = judged(answers)
    less = judged({other: value for other, value in answers.items() if other != name})
    assume(not full["ignored"])
    assume(not less["ignored"])
    return full, less


@steady
@given(answers=people, name=st.sampled_from(tuple(LINES)), more=st.integers(0, 15))
@example(answers={**PERSON, "triptan_days": 10}, name="nsaid", more=0)
@example(answers={**PERSON, "nsaid_days": 15}, name="simple_analgesic", more=15)
def test_one_more_overused_medicine_never_ends_overuse(answers: dict[str, Any], name: str, more: int) -> None:
    before = {other: value for other, value in answers.items() if other != "acute_days"}
    tried = [code for code in before.get("acute_tried") or [] if code not in ("none", name)]
    days = max(LINES[name] + more, before.get(f"{name}_days") or 0)
    after = {**before, "acute_tried": [*tried, name], f"{name}_days": min(30, days)}
    if judged(before)["clinical"]["ichd3_8_2"] == MET:
        assert judged(after)["clinical"]["ichd3_8_2"] == MET


@steady
@given(answers=people, draw=st.integers(0, 999))
@example(
    answers={**PERSON, "aura_types": ["speech"], "aura_in_a_row": False, "aura_to_pain": "later"},
    draw=list(PERSON).index("aura_types"),
)
def test_an_answer_taken_away_never_turns_a_flag_round(answers: dict[str, Any], draw: int) -> None:
    assume(answers)
    name = list(answers)[draw % len(answers)]
    full, less = less_one(answers, name)
    # Days that contradict each other are set aside: without one of them the others speak again.
    assume(not full["conflicts"])
    for flag, before in full["clinical"].items():
        assert {before, less["clinical"][flag]} != {MET, NOT_MET}, f"{flag} without {name}"


@steady
@given(answers=people, draw=st.integers(0, 999))
def test_an_unknown_never_becomes_a_no(answers: dict[str, Any], draw: int) -> None:
    """A flag left open stays open when less is known, but where an answer itself leaves it open."""
    assume(answers)
    name = list(answers)[draw % len(answers)]
    full, less = less_one(answers, name)
    assume(not full["conflicts"])
    # Section 7: weakness and an aura of over an hour are for the clinician, no verdict.
    assume("weakness" not in (answers.get("aura_types") or ()))
    assume(answers.get("aura_each") != "over_60_min")
    for flag, before in full["clinical"].items():
        if before == CANNOT_TELL:
            assert less["clinical"][flag] == CANNOT_TELL, f"{flag} without {name}"


def test_a_length_taken_away_does_not_turn_1_1_round() -> None:
    """Over 72 h untreated is not met by 1.1 B; not knowing it cannot make it met."""
    answers = {**PERSON, "untreated_length": "over_72h", "treated_length": "4_to_24h", "usual_relief": "none"}
    full = judged(answers)["clinical"]["ichd3_1_1"]
    answers["untreated_length"] = None
    assert {full, judged(answers)["clinical"]["ichd3_1_1"]} != {MET, NOT_MET}


@steady
@given(answers=people, seed=st.integers(0, 999))
def test_the_order_of_the_answers_never_matters(answers: dict[str, Any], seed: int) -> None:
    chance = random.Random(seed)
    shuffled = {
        name: chance.sample(value, len(value)) if isinstance(value, list) else value
        for name, value in chance.sample(list(answers.items()), len(answers))
    }
    assert judged(shuffled) == judged(answers)


@steady
@given(answers=st.one_of(some_of(CLASS_AND_URGENCY), people), clinical=some_of(CLINICAL_ONLY))
def test_clinical_answers_change_neither_class_nor_urgency(
    answers: dict[str, Any], clinical: dict[str, Any]
) -> None:
    before, after = judged(possible(answers)), judged(possible({**answers, **clinical}))
    for name in ("article_class", "urgency", "red_flags", "close_to_the_line"):
        assert after[name] == before[name]
    for name in ("chronic", "intractable", "regular"):
        assert after[name]["verdict"] == before[name]["verdict"]
