"""Danger comes first: each flag, each set and each near miss of the contract's section 2."""

import pytest
from domain.contract import CALM, CHANGES, DANGERS, INJURY_SIGNS, LENGTHS, Answers, classified, read_as

from screener.domain.urgency import Urgency

PREGNANCIES = ("pregnant", "postpartum_6w")


def cases(rows: list[tuple[dict[str, object], str]]) -> list[object]:
    return [pytest.param(*row, id=read_as(row[0])) for row in rows]


def test_nothing_flagged_is_routine() -> None:
    result = classified(CALM)
    assert result["urgency"] == "routine"
    assert result["red_flags"] == []


@pytest.mark.parametrize("danger", DANGERS)
def test_each_danger_now_is_an_emergency(danger: str) -> None:
    result = classified({**CALM, "danger_now": [danger]})
    assert result["urgency"] == "emergency"
    assert result["red_flags"] == [f"danger_now.{danger}"]


def test_every_danger_ticked_is_named() -> None:
    result = classified({**CALM, "danger_now": list(DANGERS)})
    assert sorted(result["red_flags"]) == sorted(f"danger_now.{danger}" for danger in DANGERS)


def test_a_danger_is_an_emergency_though_the_rest_is_unanswered() -> None:
    result = classified({"danger_now": ["self_harm"]})
    assert result["urgency"] == "emergency"
    assert result["red_flags"] == ["danger_now.self_harm", "changes.unanswered"]


def test_an_emergency_has_its_class_computed_nevertheless() -> None:
    result = classified({**CALM, "danger_now": ["sudden"], "head_days": 20})
    assert result["urgency"] == "emergency"
    assert result["article_class"] == "chronic"


EMERGENCY_SETS: list[tuple[dict[str, object], str]] = [
    (
        {"changes": ["new_after_50", "jaw_or_scalp", "double_or_greying_sight"]},
        "changes.new_after_50+changes.jaw_or_scalp+changes.double_or_greying_sight",
    ),
    (
        {"changes": ["new_after_50", "jaw_or_scalp"], "symptoms": ["vision"]},
        "changes.new_after_50+changes.jaw_or_scalp+symptoms.vision",
    ),
    (
        {"changes": ["new_after_50", "jaw_or_scalp"], "symptoms": ["vision", "nausea"], "age": 49},
        "changes.new_after_50+changes.jaw_or_scalp+symptoms.vision",
    ),
    *(
        (
            {"age": age, "changes": ["jaw_or_scalp", "double_or_greying_sight"]},
            "age.50_or_over+changes.jaw_or_scalp+changes.double_or_greying_sight",
        )
        for age in (50, 51, 120)
    ),
    (
        {"age": 50, "changes": ["jaw_or_scalp"], "symptoms": ["vision"]},
        "age.50_or_over+changes.jaw_or_scalp+symptoms.vision",
    ),
    ({"changes": ["injury_3mo", "worsening_weeks"]}, "changes.injury_3mo+changes.worsening_weeks"),
    ({"changes": ["injury_3mo", "morning_vomiting"]}, "changes.injury_3mo+changes.morning_vomiting"),
    (
        {"changes": ["injury_3mo", "worsening_weeks"], "injury_signs": ["none"]},
        "changes.injury_3mo+changes.worsening_weeks",
    ),
    (
        {"changes": ["injury_3mo", "morning_vomiting"], "injury_signs": ["none"]},
        "changes.injury_3mo+changes.morning_vomiting",
    ),
    *(
        ({"changes": ["injury_3mo"], "injury_signs": [sign]}, f"changes.injury_3mo+injury_signs.{sign}")
        for sign in INJURY_SIGNS
    ),
    ({"changes": ["injury_3mo"], "symptoms": ["vomiting"]}, "changes.injury_3mo+symptoms.vomiting"),
    (
        {"changes": ["injury_3mo"], "injury_signs": None, "symptoms": ["nausea", "vomiting"]},
        "changes.injury_3mo+symptoms.vomiting",
    ),
    ({"changes": ["immune", "fever"]}, "changes.immune+changes.fever"),
    ({"changes": ["immune", "worsening_weeks"]}, "changes.immune+changes.worsening_weeks"),
    ({"changes": ["immune", "double_or_greying_sight"]}, "changes.immune+changes.double_or_greying_sight"),
    *(
        ({"pregnancy": state, "changes": [change]}, f"pregnancy.{state}+changes.{change}")
        for state in PREGNANCIES
        for change in ("double_or_greying_sight", "first_or_long_aura", "clot_or_estrogen_new")
    ),
]


@pytest.mark.parametrize(("answers", "flag"), cases(EMERGENCY_SETS))
def test_each_set_is_an_emergency(answers: dict[str, object], flag: str) -> None:
    result = classified({**CALM, **answers})
    assert result["urgency"] == "emergency"
    assert result["red_flags"][0] == flag, "emergency flags stand first"


@pytest.mark.parametrize(("answers", "flag"), cases(EMERGENCY_SETS))
def test_the_flags_of_a_set_that_hold_singly_are_listed_after_it(
    answers: dict[str, object], flag: str
) -> None:
    flags = classified({**CALM, **answers})["red_flags"]
    singly = {f"changes.{change}" for change in answers["changes"]}
    if "pregnancy" in answers:
        singly.add(f"pregnancy.{answers['pregnancy']}")
    assert set(flags) == {flag} | singly
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(("answers", "flag"), cases(EMERGENCY_SETS))
def test_a_set_is_an_emergency_before_danger_now_is_answered(answers: dict[str, object], flag: str) -> None:
    result = classified(answers)
    assert result["urgency"] == "emergency"
    assert result["red_flags"][0] == flag
    assert "danger_now.unanswered" in result["red_flags"]


@pytest.mark.parametrize(
    "answers",
    [
        # the first set lacks age, jaw or sight
        {"changes": ["new_after_50", "jaw_or_scalp"]},
        {"changes": ["new_after_50", "jaw_or_scalp"], "symptoms": ["light", "dizziness"]},
        {"changes": ["new_after_50", "double_or_greying_sight"]},
        {"changes": ["new_after_50"], "symptoms": ["vision"], "age": 70},
        {"changes": ["jaw_or_scalp", "double_or_greying_sight"]},
        {"changes": ["jaw_or_scalp", "double_or_greying_sight"], "age": 49},
        {"changes": ["jaw_or_scalp"], "symptoms": ["vision"], "age": 49},
        {"changes": ["jaw_or_scalp"], "symptoms": ["vision"], "age": None},
        {"changes": ["jaw_or_scalp"], "age": 50},
        {"changes": ["double_or_greying_sight"], "symptoms": ["vision"], "age": 50},
        # the second set lacks the blow or what followed it
        {"changes": ["injury_3mo"]},
        {"changes": ["injury_3mo"], "injury_signs": ["none"]},
        {"changes": ["injury_3mo"], "injury_signs": None},
        {"changes": ["injury_3mo"], "injury_signs": ["none"], "symptoms": ["vomiting"]},
        {"changes": ["injury_3mo"], "symptoms": ["nausea"]},
        {"changes": ["injury_3mo"], "symptoms": ["none"]},
        {"changes": ["injury_3mo", "fever", "double_or_greying_sight"], "injury_signs": ["none"]},
        {"changes": ["worsening_weeks", "morning_vomiting"], "symptoms": ["vomiting"]},
        # a dropped answer makes no set
        {"changes": ["strain"], "injury_signs": ["worse_since"]},
        # the third set lacks one half
        {"changes": ["immune"]},
        {"changes": ["immune", "morning_vomiting"]},
        {"changes": ["immune", "cancer"]},
        {"changes": ["immune"], "symptoms": ["vision"]},
        {"changes": ["cancer", "fever", "worsening_weeks", "double_or_greying_sight"]},
        # the fourth set lacks one half
        *(
            {"pregnancy": state, "changes": [change]}
            for state in ("no", "rather_not_say", None)
            for change in ("double_or_greying_sight", "first_or_long_aura", "clot_or_estrogen_new")
        ),
        *(
            {"pregnancy": state, "changes": [change]}
            for state in PREGNANCIES
            for change in (
                "fever",
                "worsening_weeks",
                "morning_vomiting",
                "changed_pattern",
                "immune",
                "injury_3mo",
                "new_medicine",
            )
        ),
        {"pregnancy": "pregnant", "symptoms": ["vision"]},
        # what was in danger before is not in danger now
        *({"danger_before": [danger]} for danger in DANGERS),
    ],
    ids=read_as,
)
def test_a_near_miss_of_a_set_is_urgent(answers: Answers) -> None:
    result = classified({**CALM, **answers})
    assert result["urgency"] == "urgent"
    assert not [flag for flag in result["red_flags"] if "+" in flag]


@pytest.mark.parametrize("change", CHANGES)
def test_each_change_alone_is_urgent(change: str) -> None:
    result = classified({**CALM, "changes": [change]})
    assert result["urgency"] == "urgent"
    assert result["red_flags"] == [f"changes.{change}"]


URGENT: list[tuple[dict[str, object], str]] = [
    ({"pregnancy": "pregnant"}, "pregnancy.pregnant"),
    ({"pregnancy": "postpartum_6w"}, "pregnancy.postpartum_6w"),
    ({"now_pain": True, "now_length": "over_72h"}, "now_length.over_72h"),
    ({"now_length": "over_72h"}, "now_length.over_72h"),
    ({"now_pain": None, "now_length": "over_72h"}, "now_length.over_72h"),
    ({"keep_down": False}, "keep_down.no"),
    ({"now_length": None, "keep_down": False}, "keep_down.no"),
    *(({"danger_before": [danger]}, f"danger_before.{danger}") for danger in DANGERS),
    ({"age": 50, "attacks_ever": "one"}, "age.50_or_over+attacks_ever.one"),
    ({"age": 120, "attacks_ever": "one"}, "age.50_or_over+attacks_ever.one"),
    ({"aura_ever": True, "aura_types": ["weakness"]}, "aura_types.weakness"),
    ({"aura_types": ["visual", "weakness"]}, "aura_types.weakness"),
    ({"aura_ever": None, "aura_types": ["weakness"]}, "aura_types.weakness"),
    ({"aura_ever": True, "aura_each": "over_60_min"}, "aura_each.over_60_min"),
    ({"aura_each": "over_60_min"}, "aura_each.over_60_min"),
    ({"aura_ever": True, "aura_clears": False}, "aura_clears.no"),
    ({"aura_clears": False}, "aura_clears.no"),
]


@pytest.mark.parametrize(("answers", "flag"), cases(URGENT))
def test_each_urgent_reason_is_named(answers: dict[str, object], flag: str) -> None:
    result = classified({**CALM, **answers})
    assert result["urgency"] == "urgent"
    assert result["red_flags"] == [flag]


def test_every_urgent_reason_is_named_once() -> None:
    result = classified(
        {
            "danger_now": ["none"],
            "danger_before": ["sudden", "chest_pain"],
            "changes": ["strain", "cancer"],
            "pregnancy": "pregnant",
            "now_pain": True,
            "now_length": "over_72h",
            "keep_down": False,
            "age": 50,
            "attacks_ever": "one",
            "aura_ever": True,
            "aura_types": ["weakness"],
            "aura_each": "over_60_min",
            "aura_clears": False,
        }
    )
    assert result["urgency"] == "urgent"
    assert sorted(result["red_flags"]) == [
        "age.50_or_over+attacks_ever.one",
        "aura_clears.no",
        "aura_each.over_60_min",
        "aura_types.weakness",
        "changes.cancer",
        "changes.strain",
        "danger_before.chest_pain",
        "danger_before.sudden",
        "keep_down.no",
        "now_length.over_72h",
        "pregnancy.pregnant",
    ]


@pytest.mark.parametrize(
    "answers",
    [
        *({"pregnancy": state} for state in ("no", "rather_not_say", None)),
        *({"now_pain": True, "now_length": length} for length in LENGTHS if length != "over_72h"),
        {"now_pain": True, "now_length": None},
        {"now_pain": True, "now_relief": "none"},
        {"now_pain": False, "now_length": "over_72h"},
        {"now_length": "24_to_72h", "keep_down": False},
        {"keep_down": True},
        {"keep_down": None},
        {"untreated_length": "over_72h", "treated_length": "over_72h", "usual_relief": "none"},
        {"comes_back": True, "severity": 10, "stops_me": "cannot", "days_lost": 92},
        {"danger_before": ["none"]},
        {"danger_before": None},
        {"age": 49, "attacks_ever": "one"},
        {"age": None, "attacks_ever": "one"},
        {"attacks_ever": "one"},
        {"age": 50, "attacks_ever": "two_to_four"},
        {"age": 50, "attacks_ever": "five_or_more"},
        {"age": 50},
        {"age": 0},
        {"aura_ever": True},
        {"aura_ever": True, "aura_types": ["visual", "sensory", "speech", "brainstem", "one_eye"]},
        {"aura_ever": True, "aura_types": None, "aura_each": None, "aura_clears": None},
        {"aura_each": "5_to_60_min"},
        {"aura_each": "under_5_min"},
        {"aura_clears": True},
        {"aura_ever": False, "aura_types": ["weakness"], "aura_each": "over_60_min", "aura_clears": False},
        {"injury_signs": ["blood_thinner"]},
        {"symptoms": ["vomiting", "vision"]},
        {"age": 70, "symptoms": ["vision"]},
        {"head_days": 30, "continuous_since_start": True},
        {"ket_heart": "yes", "ket_pregnant": "yes", "ket_head_pressure": "yes"},
        {"own_words": "the worst headache of my life, I am pregnant"},
    ],
    ids=read_as,
)
def test_what_is_no_flag_is_routine(answers: Answers) -> None:
    result = classified({**CALM, **answers})
    assert result["urgency"] == "routine"
    assert result["red_flags"] == []


@pytest.mark.parametrize("danger_now", ["missing", None])
@pytest.mark.parametrize("changes", ["missing", None])
def test_danger_and_changes_left_out_are_urgent(danger_now: str | None, changes: str | None) -> None:
    answers = {
        name: value
        for name, value in {"danger_now": danger_now, "changes": changes}.items()
        if value != "missing"
    }
    result = classified(answers)
    assert result["urgency"] == "urgent"
    assert result["red_flags"] == ["danger_now.unanswered", "changes.unanswered"]


@pytest.mark.parametrize("missing", ["danger_now", "changes"])
def test_one_of_danger_and_changes_left_out_is_urgent(missing: str) -> None:
    result = classified({name: value for name, value in CALM.items() if name != missing})
    assert result["urgency"] == "urgent"
    assert result["red_flags"] == [f"{missing}.unanswered"]


def test_injury_signs_without_knowing_of_an_injury_are_no_emergency() -> None:
    result = classified({"danger_now": ["none"], "injury_signs": ["worse_since"]})
    assert result["urgency"] == "urgent"
    assert result["red_flags"] == ["changes.unanswered"]


SOOTHING: list[dict[str, object]] = [
    {"acute_tried": ["triptan"], "triptan_relief": "goes", "triptan_days": 4},
    {"usual_relief": "goes"},
    {"now_relief": "goes"},
    {"lifestyle_relief": "helps"},
    {"told_migraine": True},
    {"years_with": "over_20", "attacks_ever": "five_or_more"},
    {"severity": 0, "stops_me": "no", "days_lost": 0},
    {"now_as_usual": True},
    {"aura_ever": True, "aura_to_pain": "with_or_within_60_min"},
]


@pytest.mark.parametrize("soothing", SOOTHING, ids=read_as)
@pytest.mark.parametrize(
    "flagged",
    [
        {"danger_now": ["sudden"]},
        {"danger_now": ["stroke_signs"]},
        {"changes": ["immune", "fever"]},
        {"changes": ["changed_pattern"]},
        {"changes": ["first_or_long_aura"], "pregnancy": "pregnant"},
        {"pregnancy": "pregnant"},
        {"now_pain": True, "now_length": "over_72h"},
        {"danger_before": ["sudden"]},
        {"aura_ever": True, "aura_each": "over_60_min"},
    ],
    ids=read_as,
)
def test_relief_or_a_known_migraine_never_cancels_a_flag(flagged: Answers, soothing: Answers) -> None:
    alone = classified({**CALM, **flagged})
    soothed = classified({**CALM, **flagged, **soothing})
    assert alone["urgency"] != "routine"
    assert soothed["urgency"] == alone["urgency"]
    assert soothed["red_flags"] == alone["red_flags"]


@pytest.mark.parametrize("age", [0, 17, 18, 90])
def test_no_age_makes_a_danger_smaller(age: int) -> None:
    assert classified({**CALM, "age": age, "danger_now": ["fever_neck"]})["urgency"] == "emergency"


@pytest.mark.parametrize(
    ("emergencies", "urgent", "rank"),
    [
        (("danger_now.sudden",), ("danger_before.sudden",), 0),
        ((), ("changes.unanswered", "keep_down.no", "pregnancy.pregnant", "danger_before.sudden"), 1),
        ((), ("keep_down.no", "pregnancy.pregnant"), 2),
        ((), ("changes.new", "keep_down.no"), 3),
        ((), ("changes.unanswered",), 4),
        ((), (), 5),
    ],
)
def test_the_gravest_flag_says_where_a_request_stands(
    emergencies: tuple[str, ...], urgent: tuple[str, ...], rank: int
) -> None:
    assert Urgency(emergencies, urgent).rank == rank
