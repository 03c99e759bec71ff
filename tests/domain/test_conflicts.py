"""Answers that do not fit each other are listed, follow-ups nobody asked for are dropped; none is refused."""

import pytest
from domain.contract import ACUTE, CALM, PREVENTIVE, Answers, classified, read_as


def conflicts(answers: Answers) -> list[list[str]]:
    return classified(answers)["conflicts"]


CONFLICTS: list[tuple[dict[str, object], list[str]]] = [
    *(
        ({"usual_relief": relief, "comes_back": True}, ["usual_relief", "comes_back"])
        for relief in ("goes", "much_better")
    ),
    *(
        ({"usual_relief": relief, "acute_tried": ["none"]}, ["usual_relief", "acute_tried"])
        for relief in ("none", "a_little")
    ),
    *(
        ({"usual_relief": relief, f"{name}_relief": other}, ["usual_relief", f"{name}_relief"])
        for relief in ("none", "a_little")
        for name in ACUTE.values()
        for other in ("goes", "much_better")
    ),
    *(
        (
            {"usual_relief": "none", "acute_tried": [tried], f"{name}_relief": "goes"},
            ["usual_relief", f"{name}_relief"],
        )
        for tried, name in ACUTE.items()
    ),
    ({"comes_back": True, "untreated_length": "under_4h"}, ["comes_back", "untreated_length"]),
    ({"comes_back": True, "treated_length": "under_4h"}, ["comes_back", "treated_length"]),
    ({"now_pain": True, "head_days": 0}, ["now_pain", "head_days"]),
    *(({"now_length": "over_72h", "head_days": days}, ["now_length", "head_days"]) for days in (0, 1, 2)),
    *(
        ({"now_pain": True, "now_length": "over_72h", "head_days": days}, ["now_length", "head_days"])
        for days in (1, 2)
    ),
]


@pytest.mark.parametrize(("answers", "pair"), [pytest.param(*row, id=read_as(row[0])) for row in CONFLICTS])
def test_answers_that_do_not_fit_are_listed(answers: Answers, pair: list[str]) -> None:
    assert conflicts({**CALM, **answers}) == [pair]


@pytest.mark.parametrize(
    "answers",
    [
        {},
        *(
            {"usual_relief": relief, "comes_back": False}
            for relief in ("goes", "much_better", "none", "a_little")
        ),
        *({"usual_relief": relief, "comes_back": None} for relief in ("goes", "much_better")),
        *(
            {"usual_relief": relief, "comes_back": True}
            for relief in ("none", "a_little", "never_tried", None)
        ),
        *(
            {"usual_relief": relief, "acute_tried": ["none"]}
            for relief in ("goes", "much_better", "never_tried", None)
        ),
        *({"usual_relief": relief, "acute_tried": ["triptan"]} for relief in ("none", "a_little")),
        *({"usual_relief": relief, "acute_tried": None} for relief in ("none", "a_little")),
        *({"usual_relief": "none", f"{name}_relief": "a_little"} for name in ACUTE.values()),
        *({"usual_relief": "a_little", f"{name}_relief": "none"} for name in ACUTE.values()),
        *(
            {"usual_relief": relief, "triptan_relief": "goes"}
            for relief in ("goes", "much_better", "never_tried", None)
        ),
        *({"usual_relief": "goes", "triptan_relief": other} for other in ("none", "a_little")),
        {"comes_back": True, "untreated_length": "4_to_24h", "treated_length": "4_to_24h"},
        {"comes_back": True, "treated_length": "never_treated"},
        {"comes_back": True, "treated_length": "over_72h"},
        {"comes_back": False, "untreated_length": "under_4h", "treated_length": "under_4h"},
        {"comes_back": None, "untreated_length": "under_4h", "treated_length": "under_4h"},
        {"now_pain": True, "head_days": 1},
        {"now_pain": True, "head_days": None},
        {"now_pain": False, "head_days": 0},
        {"now_pain": None, "head_days": 0},
        {"now_length": "over_72h", "head_days": 3},
        {"now_length": "over_72h", "head_days": None},
        {"now_length": "24_to_72h", "head_days": 2},
        {"now_pain": True, "now_length": "24_to_72h", "head_days": 1},
    ],
    ids=read_as,
)
def test_answers_that_fit_are_not_listed(answers: Answers) -> None:
    assert conflicts({**CALM, **answers}) == []


def test_both_lengths_may_conflict_with_an_attack_that_comes_back() -> None:
    found = conflicts({"comes_back": True, "untreated_length": "under_4h", "treated_length": "under_4h"})
    assert sorted(found) == [["comes_back", "treated_length"], ["comes_back", "untreated_length"]]


def test_an_attack_of_three_days_now_conflicts_twice_with_no_headache_day() -> None:
    found = conflicts({"now_pain": True, "now_length": "over_72h", "head_days": 0})
    assert sorted(found) == [["now_length", "head_days"], ["now_pain", "head_days"]]


def test_every_medicine_that_helps_conflicts_with_relief_from_none() -> None:
    found = conflicts({"usual_relief": "none", "triptan_relief": "goes", "nsaid_relief": "much_better"})
    assert sorted(found) == [["usual_relief", "nsaid_relief"], ["usual_relief", "triptan_relief"]]


def test_a_dropped_answer_conflicts_with_nothing() -> None:
    result = classified({"usual_relief": "none", "acute_tried": ["none"], "triptan_relief": "goes"})
    assert result["conflicts"] == [["usual_relief", "acute_tried"]]
    assert result["ignored"] == ["triptan_relief"]
    result = classified({"now_pain": False, "now_length": "over_72h", "head_days": 1})
    assert result["conflicts"] == []
    assert result["ignored"] == ["now_length"]


# follow-up, its answer, an answer of the leading question which rules it out, one which asks it
FOLLOW_UPS: list[tuple[str, object, dict[str, object], dict[str, object]]] = [
    ("months_at_rate", "over_3", {"head_days": 14}, {"head_days": 15}),
    ("months_at_rate", "under_1", {"head_days": 0}, {"head_days": 30}),
    ("continuous_since_start", True, {"head_days": 27}, {"head_days": 28}),
    ("debil_days", 8, {"head_days": 7}, {"head_days": 8}),
    ("debil_months", 6, {"debil_days": 7}, {"debil_days": 8}),
    ("now_length", "over_72h", {"now_pain": False}, {"now_pain": True}),
    ("now_relief", "none", {"now_pain": False}, {"now_pain": True}),
    *(
        (name, value, {"now_length": shorter}, {"now_length": "over_72h"})
        for shorter in ("under_4h", "24_to_72h")
        for name, value in (
            ("longest_break", "over_12h"),
            ("break_cause", "sleep"),
            ("keep_down", False),
            ("now_stops_me", True),
            ("now_as_usual", False),
        )
    ),
    *(
        (name, value, {"aura_ever": False}, {"aura_ever": True})
        for name, value in (
            ("aura_types", ["weakness"]),
            ("aura_spread", "under_5_min"),
            ("aura_each", "over_60_min"),
            ("aura_in_a_row", True),
            ("aura_one_side", True),
            ("aura_positive", True),
            ("aura_clears", False),
            ("aura_to_pain", "later"),
        )
    ),
    *(
        (f"{name}_{what}", value, {"acute_tried": ruled_out}, {"acute_tried": [tried]})
        for tried, name in ACUTE.items()
        for what, value in (("relief", "none"), ("days", 3))
        for ruled_out in (["none"], [other for other in ACUTE if other != tried])
    ),
    ("acute_other_name", "feverfew", {"acute_tried": ["none"]}, {"acute_tried": ["other"]}),
    ("acute_other_name", "feverfew", {"acute_tried": ["triptan"]}, {"acute_tried": ["triptan", "other"]}),
    ("triptans_count", "two_or_more", {"acute_tried": ["ergot"]}, {"acute_tried": ["triptan"]}),
    ("dhe_tried", True, {"acute_tried": ["triptan"]}, {"acute_tried": ["ergot"]}),
    *(
        (name, value, {"acute_tried": ["none"]}, {"acute_tried": [tried]})
        for tried in ACUTE
        for name, value in (("acute_days", 12), ("acute_over_3_months", True))
    ),
    *(
        (f"{name}_outcome", "not_enough", {"preventives_tried": ruled_out}, {"preventives_tried": [tried]})
        for tried, name in PREVENTIVE.items()
        for ruled_out in (["none"], [other for other in PREVENTIVE if other != tried])
    ),
    (
        "preventive_other_name",
        "riboflavin",
        {"preventives_tried": ["none"]},
        {"preventives_tried": ["other"]},
    ),
    ("injury_signs", ["worse_since"], {"changes": ["none"]}, {"changes": ["injury_3mo"]}),
    ("injury_signs", ["none"], {"changes": ["fever", "strain"]}, {"changes": ["fever", "injury_3mo"]}),
]
FOLLOW_UP_IDS = [f"{row[0]}-{read_as(row[2])}" for row in FOLLOW_UPS]


@pytest.mark.parametrize(("name", "value", "ruled_out", "asked"), FOLLOW_UPS, ids=FOLLOW_UP_IDS)
def test_a_follow_up_hangs_on_its_leading_question(
    name: str, value: object, ruled_out: dict[str, object], asked: dict[str, object]
) -> None:
    assert classified({name: value, **ruled_out})["ignored"] == [name], "ruled out: dropped and named"
    assert classified({name: value, **asked})["ignored"] == [], "asked: kept"
    assert classified({name: value})["ignored"] == [], "leading question missing: kept"
    assert classified({name: value, **dict.fromkeys(asked)})["ignored"] == [], (
        "leading question not sure: kept"
    )


@pytest.mark.parametrize(
    ("answers", "dropped"),
    [
        (
            {
                "now_pain": False,
                "now_length": "over_72h",
                "now_relief": "none",
                "longest_break": "none",
                "break_cause": "neither",
                "keep_down": False,
                "now_stops_me": True,
                "now_as_usual": True,
            },
            {
                "now_length",
                "now_relief",
                "longest_break",
                "break_cause",
                "keep_down",
                "now_stops_me",
                "now_as_usual",
            },
        ),
        ({"head_days": 7, "debil_days": 8, "debil_months": 6}, {"debil_days", "debil_months"}),
        ({"head_days": 8, "debil_days": 7, "debil_months": 6}, {"debil_months"}),
        ({"head_days": 8, "debil_days": 8, "debil_months": 6}, set()),
    ],
    ids=["not_in_an_attack", "few_headache_days", "few_stopped_days", "enough_of_both"],
)
def test_a_follow_up_of_a_dropped_follow_up_is_dropped_too(answers: Answers, dropped: set[str]) -> None:
    ignored = classified(answers)["ignored"]
    assert set(ignored) == dropped
    assert len(ignored) == len(dropped), "each is named once"


def test_what_happened_before_is_kept_beside_no_danger_now() -> None:
    result = classified({**CALM, "danger_before": ["sudden"]})
    assert result["ignored"] == []
    assert result["red_flags"] == ["danger_before.sudden"]
