"""What holds for any answers at all, drawn from the contract's table and judged by its text."""

import random
from collections.abc import Iterable
from typing import Any

from domain.contract import (
    CHANGES,
    CHOICE,
    CHOICES,
    CRITERIA,
    DANGERS,
    LEADING,
    VALID,
    classified,
    verdict,
)
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

RANK = ("routine", "urgent", "emergency")
VERDICTS = ("chronic", "intractable", "regular", *(name for names in CRITERIA.values() for name in names))
PREGNANT = ("pregnant", "postpartum_6w")

steady = settings(max_examples=120)

# Values worth drawing often: both sides of each boundary that a rule reads.
BOUNDARIES: dict[str, tuple[object, ...]] = {
    "age": (17, 18, 49, 50, 70),
    "head_days": (0, 1, 2, 3, 7, 8, 13, 14, 15, 16, 27, 28, 30),
    "severity": (0, 4, 10),
    "days_lost": (0, 92),
    "danger_now": (["none"], ["none"], ["none"], ["sudden"], ["self_harm", "sudden"]),
    "danger_before": (["none"], ["none"], ["chest_pain"]),
    "changes": (
        ["none"],
        ["none"],
        ["strain"],
        ["new_after_50", "jaw_or_scalp"],
        ["jaw_or_scalp", "double_or_greying_sight"],
        ["immune"],
        ["immune", "fever"],
        ["injury_3mo"],
        ["injury_3mo", "morning_vomiting"],
        ["first_or_long_aura"],
        ["fever", "worsening_weeks"],
    ),
    "symptoms": (["none"], ["vomiting"], ["vision", "nausea"], ["light", "dizziness"]),
    "aura_types": (["visual"], ["weakness", "speech"]),
    "acute_tried": (["none"], ["triptan"], ["nsaid", "triptan"], ["ergot", "other"]),
}
JUDGED = (
    *BOUNDARIES,
    "pregnancy",
    "attacks_ever",
    "untreated_length",
    "treated_length",
    "comes_back",
    "now_pain",
    "now_length",
    "now_relief",
    "longest_break",
    "usual_relief",
    "lifestyle_relief",
    "constant",
    "stops_me",
    "injury_signs",
    "keep_down",
    "aura_ever",
    "aura_each",
    "aura_clears",
    "triptan_relief",
    "acute_other_relief",
)
# Read by no rule of urgency and no criterion of the articles; `mig_days`, bound to `head_days`, is left out.
UNJUDGED = tuple(
    name
    for name in VALID
    if name not in (*JUDGED, *LEADING, "mig_days", "debil_days") and not name.endswith("_relief")
)


def drawn(names: Iterable[str]) -> st.SearchStrategy[dict[str, Any]]:
    """A few answers to these questions, each also possible as "I'm not sure"."""
    pairs = [(name, value) for name in names for value in (*VALID[name], None)]
    return st.lists(st.sampled_from(pairs), max_size=10).map(dict)


judged = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from((*BOUNDARIES.get(name, VALID[name]), None)) for name in JUDGED}
)
anything = st.builds(lambda others, core: {**others, **core}, drawn(UNJUDGED), judged)


def kept(answers: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    """What the patient said and the rules may read."""
    return {
        name: value for name, value in answers.items() if value is not None and name not in result["ignored"]
    }


def verdicts(result: dict[str, Any]) -> dict[str, str]:
    return {name: verdict(result, name) for name in VERDICTS}


def without_words(result: dict[str, Any]) -> dict[str, Any]:
    """The result less what its reasons repeat of the answers."""
    return {
        **result,
        **{
            name: {
                "verdict": result[name]["verdict"],
                "criteria": [(row["id"], row["verdict"]) for row in result[name]["criteria"]],
            }
            for name in CRITERIA
        },
    }


def contract_urgency(said: dict[str, Any]) -> str:
    """Section 2, read aloud."""
    now, changes = set(said.get("danger_now", ())), set(said.get("changes", ()))
    symptoms, before = set(said.get("symptoms", ())), set(said.get("danger_before", ()))
    fifty = said.get("age", 0) >= 50
    pregnant = said.get("pregnancy") in PREGNANT
    blow = (
        set(said["injury_signs"]) != {"none"} if "injury_signs" in said else "vomiting" in symptoms
    ) or changes & {"worsening_weeks", "morning_vomiting"}
    arteritis = (
        ("new_after_50" in changes or fifty)
        and "jaw_or_scalp" in changes
        and ("double_or_greying_sight" in changes or "vision" in symptoms)
    )
    if (
        now - {"none"}
        or arteritis
        or ("injury_3mo" in changes and blow)
        or ("immune" in changes and changes & {"fever", "worsening_weeks", "double_or_greying_sight"})
        or (pregnant and changes & {"double_or_greying_sight", "first_or_long_aura", "clot_or_estrogen_new"})
    ):
        return "emergency"
    if (
        not now
        or changes != {"none"}
        or pregnant
        or said.get("now_length") == "over_72h"
        or said.get("keep_down") is False
        or before - {"none"}
        or (fifty and said.get("attacks_ever") == "one")
        or "weakness" in said.get("aura_types", ())
        or said.get("aura_each") == "over_60_min"
        or said.get("aura_clears") is False
    ):
        return "urgent"
    return "routine"


def contract_class(chronic: str, intractable: str, regular: str) -> str:
    """The table of section 3, from the top."""
    if chronic == intractable == "met":
        return "chronic_and_intractable"
    if intractable == "met":
        return "intractable"
    if chronic == "met":
        return "chronic"
    if chronic == "not_met" and regular == "met":
        return "regular"
    if chronic == intractable == regular == "not_met":
        return "outside_the_criteria"
    return "insufficient_information"


def both(*values: str) -> str:
    return "not_met" if "not_met" in values else "cannot_tell" if "cannot_tell" in values else "met"


def either(*values: str) -> str:
    return "met" if "met" in values else "cannot_tell" if "cannot_tell" in values else "not_met"


@steady
@given(anything)
@example(
    {"changes": ["injury_3mo"], "injury_signs": ["none"], "symptoms": ["vomiting"], "danger_now": ["none"]}
)
@example({"changes": ["injury_3mo"], "injury_signs": None, "symptoms": ["vomiting"], "danger_now": ["none"]})
def test_urgency_is_what_section_two_says(answers: dict[str, Any]) -> None:
    result = classified(answers)
    assert result["urgency"] == contract_urgency(kept(answers, result))


@steady
@given(anything)
def test_red_flags_and_urgency_agree_and_the_gravest_stand_first(answers: dict[str, Any]) -> None:
    result = classified(answers)
    flags = result["red_flags"]
    grave = [
        (flag.startswith("danger_now.") and flag != "danger_now.unanswered")
        or ("+" in flag and flag != "age.50_or_over+attacks_ever.one")
        for flag in flags
    ]
    assert result["urgency"] == ("emergency" if any(grave) else "urgent" if flags else "routine")
    assert grave == sorted(grave, reverse=True)
    assert len(set(flags)) == len(flags)


@steady
@given(anything)
def test_every_part_of_a_red_flag_was_said(answers: dict[str, Any]) -> None:
    result = classified(answers)
    said = kept(answers, result)
    for part in (part for flag in result["red_flags"] for part in flag.split("+")):
        name, value = part.split(".")
        if value == "unanswered":
            assert name not in said
        elif part == "age.50_or_over":
            assert said["age"] >= 50
        elif value == "no":
            assert said[name] is False
        elif name in CHOICES:
            assert value in said[name]
        else:
            assert said[name] == value


@steady
@given(anything, st.sampled_from(DANGERS))
def test_adding_a_danger_is_always_an_emergency(answers: dict[str, Any], danger: str) -> None:
    ticked = [code for code in answers.get("danger_now") or [] if code not in {"none", danger}]
    result = classified({**answers, "danger_now": [*ticked, danger]})
    assert result["urgency"] == "emergency"
    assert f"danger_now.{danger}" in result["red_flags"]


@steady
@given(anything, st.sampled_from(CHANGES))
def test_adding_a_change_never_lowers_urgency(answers: dict[str, Any], change: str) -> None:
    before = classified(answers)
    ticked = [code for code in answers.get("changes") or [] if code not in {"none", change}]
    after = classified({**answers, "changes": [*ticked, change]})
    assert RANK.index(after["urgency"]) >= max(RANK.index(before["urgency"]), RANK.index("urgent"))
    assert f"changes.{change}" in after["red_flags"]


@steady
@given(
    anything, drawn([name for name in VALID if name.endswith("_relief")] + ["told_migraine", "years_with"])
)
def test_relief_and_a_known_migraine_never_touch_a_flag(
    answers: dict[str, Any], soothing: dict[str, Any]
) -> None:
    before, after = classified(answers), classified({**answers, **soothing})
    assert after["urgency"] == before["urgency"]
    assert after["red_flags"] == before["red_flags"]


@steady
@given(anything, st.randoms(use_true_random=False))
def test_the_order_of_the_answers_never_matters(answers: dict[str, Any], dice: random.Random) -> None:
    shuffled = list(answers.items())
    dice.shuffle(shuffled)
    assert classified(dict(shuffled)) == classified(answers)


@steady
@given(anything)
def test_the_order_of_the_choices_never_matters(answers: dict[str, Any]) -> None:
    turned = {name: value[::-1] if isinstance(value, list) else value for name, value in answers.items()}
    assert without_words(classified(turned)) == without_words(classified(answers))


@steady
@given(anything)
def test_not_sure_and_not_asked_are_the_same_to_every_rule(answers: dict[str, Any]) -> None:
    asked = {name: value for name, value in answers.items() if value is not None}
    before, after = classified(answers), classified(asked)
    # A ruled-out "I'm not sure" may be named as dropped: that reports what came in, it judges nothing.
    assert {**without_words(after), "ignored": []} == {**without_words(before), "ignored": []}
    assert set(before["ignored"]) - set(after["ignored"]) <= set(answers) - set(asked)


@steady
@given(anything)
def test_an_ignored_answer_is_as_good_as_never_given(answers: dict[str, Any]) -> None:
    result = classified(answers)
    assert set(result["ignored"]) <= set(answers)
    again = classified({name: value for name, value in answers.items() if name not in result["ignored"]})
    assert again == {**result, "ignored": []}


@steady
@given(anything, drawn(UNJUDGED))
def test_what_no_criterion_reads_changes_neither_class_nor_urgency(
    answers: dict[str, Any], others: dict[str, Any]
) -> None:
    before, after = classified(answers), classified({**answers, **others})
    assert verdicts(after) == verdicts(before)
    for name in ("article_class", "urgency", "red_flags", "close_to_the_line", "conflicts"):
        assert after[name] == before[name]


@steady
@given(anything, drawn(name for name in VALID if name.startswith("ket_")))
def test_the_clinics_own_checks_change_nothing(answers: dict[str, Any], ket: dict[str, Any]) -> None:
    assert without_words(classified({**answers, **ket})) == without_words(classified(answers))


# Section 3 names the only places where an unknown counts as "nothing speaks against it".
EXCEPTIONS: dict[str, set[str]] = {
    "intractable": {"lifestyle_relief", "longest_break"},
    "intractable.present_attack": {"longest_break"},
    **{
        name: {"untreated_length", "treated_length", "comes_back", "usual_relief"}
        for name in ("regular", *CRITERIA["regular"])
    },
}


@steady
@given(anything, st.data())
def test_taking_an_answer_away_never_turns_met_into_not_met(
    answers: dict[str, Any], data: st.DataObject
) -> None:
    loose = sorted(name for name in answers if name not in LEADING)
    assume(loose)
    taken = data.draw(st.sampled_from(loose))
    before = verdicts(classified(answers))
    after = verdicts(classified({name: value for name, value in answers.items() if name != taken}))
    for name in VERDICTS:
        if taken not in EXCEPTIONS.get(name, ()):
            assert {before[name], after[name]} != {"met", "not_met"}, f"{name} without {taken}"


@steady
@given(anything)
def test_every_class_follows_from_its_criteria(answers: dict[str, Any]) -> None:
    result = classified(answers)
    found = verdicts(result)
    unblocked = "not_met" if found["intractable.lifestyle"] == "not_met" else "met"
    usual = both(found["intractable.length"], found["intractable.response"], unblocked)
    assert found["chronic"] == found["chronic.days"]
    assert found["intractable"] == either(usual, found["intractable.present_attack"])
    assert found["regular"] == both(found["regular.length"], found["regular.response"])
    assert result["article_class"] == contract_class(found["chronic"], found["intractable"], found["regular"])


@steady
@given(anything)
def test_no_class_is_met_by_silence(answers: dict[str, Any]) -> None:
    result = classified(answers)
    said = kept(answers, result)
    if result["chronic"]["verdict"] == "met":
        assert said["head_days"] >= 15
    if result["intractable"]["verdict"] == "met":
        assert (
            (said.get("treated_length") == "over_72h" or said.get("comes_back") is True)
            and said.get("usual_relief") in ("none", "a_little")
        ) or (said.get("now_length") == "over_72h" and said.get("now_relief") in ("none", "a_little"))
    if result["regular"]["verdict"] == "met":
        assert {said.get("untreated_length"), said.get("treated_length")} & {"4_to_24h", "24_to_72h"}


@steady
@given(anything)
def test_reasons_repeat_only_what_was_said_and_miss_only_what_was_not(answers: dict[str, Any]) -> None:
    result = classified(answers)
    said = kept(answers, result)
    for row in (row for name in CRITERIA for row in result[name]["criteria"]):
        for name, value in row["said"].items():
            # Choices are told in their listed order, whatever order they came in.
            assert value is None or (
                set(said[name]) == set(value) if isinstance(value, list) else said[name] == value
            )
        assert not set(row["missing"]) & set(said)


@steady
@given(anything)
def test_conflicts_name_two_answers_that_were_kept(answers: dict[str, Any]) -> None:
    result = classified(answers)
    said = kept(answers, result)
    assert all(first in said and second in said for first, second in result["conflicts"])
    assert len({tuple(pair) for pair in result["conflicts"]}) == len(result["conflicts"])


@settings(steady, max_examples=60)
@given(anything)
@example({"head_days": 14, "treated_length": "24_to_72h", "usual_relief": "goes", "now_pain": False})
def test_each_change_named_would_bring_the_class_it_names(answers: dict[str, Any]) -> None:
    result = classified(answers)
    asked = {name: value for name, value in answers.items() if name not in result["ignored"]}
    changes = result["would_change"]
    for change in changes:
        assert change["article_class"] != result["article_class"]
        after = classified({**asked, change["id"]: change["to"]})
        assert after["article_class"] == change["article_class"]
    open_first = [asked.get(change["id"]) is None for change in changes]
    assert open_first == sorted(open_first, reverse=True), "unanswered ids come first"
    assert len({change["id"] for change in changes}) == len(changes)


@settings(steady, max_examples=60)
@given(judged)
def test_no_number_or_choice_nearer_than_the_named_one_changes_the_class(answers: dict[str, Any]) -> None:
    result = classified(answers)
    for change in result["would_change"]:
        name, to = change["id"], change["to"]
        now = answers.get(name)
        if now is None or name in result["ignored"]:
            continue
        if name == "head_days":
            between = range(min(now, to) + 1, max(now, to))
            nearer = [value for value in between if value != now]
        elif name in CHOICE:
            codes = CHOICE[name]
            steps = abs(codes.index(to) - codes.index(now))
            nearer = [code for code in codes if 0 < abs(codes.index(code) - codes.index(now)) < steps]
        else:
            continue
        for value in nearer:
            assert classified({**answers, name: value})["article_class"] == result["article_class"]
