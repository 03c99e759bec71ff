"""The articles' criteria, boundary by boundary, and the class that follows: the contract's section 3."""

import json

import pytest
from domain.contract import (
    ACUTE,
    CALM,
    CANNOT_TELL,
    CRITERIA,
    FLAGS,
    LENGTHS,
    MET,
    NOT_MET,
    RELIEFS,
    RESULT,
    VERDICTS,
    Answers,
    classified,
    criterion,
    known,
    read_as,
    verdict,
)

LETTERS = {"M": MET, "N": NOT_MET, "?": CANNOT_TELL}
YES_NO_UNKNOWN: dict[str, object] = {"yes": True, "no": False, "unknown": "unknown"}


def cases(rows: list[tuple[dict[str, object], str]]) -> list[object]:
    return [pytest.param(*row, id=f"{read_as(row[0])}:{row[1]}") for row in rows]


def grid(drawn: str) -> list[object]:
    """A drawn table: treated_length, comes_back, then one verdict for each untreated_length."""
    return [
        pytest.param(
            known(treated_length=treated, comes_back=YES_NO_UNKNOWN[back], untreated_length=untreated),
            LETTERS[letter],
            id=f"treated {treated}-comes_back {back}-untreated {untreated}",
        )
        for line in drawn.strip().splitlines()
        for treated, back, *letters in [line.split()]
        for untreated, letter in zip(("unknown", *LENGTHS), letters, strict=True)
    ]


# chronic.days [001]


@pytest.mark.parametrize(("days", "expected"), [(0, NOT_MET), (14, NOT_MET), (15, MET), (16, MET), (30, MET)])
def test_fifteen_days_are_chronic_and_fourteen_are_not(days: int, expected: str) -> None:
    result = classified({"head_days": days})
    assert criterion(result, "chronic.days") == {
        "id": "chronic.days",
        "verdict": expected,
        "source": "001",
        "said": {"head_days": days},
        "missing": [],
    }
    assert result["chronic"]["verdict"] == expected


@pytest.mark.parametrize("answers", [{}, {"head_days": None}], ids=["missing", "not_sure"])
def test_unknown_days_are_neither_chronic_nor_not(answers: Answers) -> None:
    result = classified(answers)
    assert verdict(result, "chronic.days") == CANNOT_TELL
    assert verdict(result, "chronic") == CANNOT_TELL
    assert criterion(result, "chronic.days")["missing"] == ["head_days"]
    assert result["close_to_the_line"] is False


@pytest.mark.parametrize(
    "answers",
    [{"mig_days": 30}, {"months_at_rate": "over_3"}, {"continuous_since_start": True}, {"debil_days": 20}],
    ids=read_as,
)
def test_only_the_headache_days_speak_of_chronic(answers: Answers) -> None:
    assert verdict(classified(answers), "chronic.days") == CANNOT_TELL


@pytest.mark.parametrize(
    ("days", "close"),
    [(0, False), (12, False), (13, True), (14, True), (15, True), (16, True), (17, False), (30, False)],
)
def test_thirteen_to_sixteen_days_are_close_to_the_line(days: int, close: bool) -> None:
    assert classified({"head_days": days})["close_to_the_line"] is close


# intractable.length [004]. Columns: untreated unknown, under_4h, 4_to_24h, 24_to_72h, over_72h

INTRACTABLE_LENGTH = """
over_72h       yes      M  M  M  M  M
over_72h       no       M  M  M  M  M
over_72h       unknown  M  M  M  M  M
24_to_72h      yes      M  ?  M  M  M
24_to_72h      no       N  N  N  N  N
24_to_72h      unknown  ?  ?  ?  ?  ?
4_to_24h       yes      M  ?  M  M  M
4_to_24h       no       N  N  N  N  N
4_to_24h       unknown  ?  ?  ?  ?  ?
under_4h       yes      ?  ?  ?  ?  ?
under_4h       no       N  N  N  N  N
under_4h       unknown  ?  ?  ?  ?  ?
never_treated  yes      M  ?  M  M  M
never_treated  no       ?  N  N  N  ?
never_treated  unknown  ?  ?  ?  ?  ?
unknown        yes      M  ?  M  M  M
unknown        no       ?  ?  ?  ?  ?
unknown        unknown  ?  ?  ?  ?  ?
"""


@pytest.mark.parametrize(("answers", "expected"), grid(INTRACTABLE_LENGTH))
def test_intractable_length(answers: dict[str, object], expected: str) -> None:
    assert verdict(classified(answers), "intractable.length") == expected
    unsure = {**dict.fromkeys(("treated_length", "comes_back", "untreated_length")), **answers}
    assert verdict(classified(unsure), "intractable.length") == expected, (
        "not sure is as unknown as not asked"
    )


# intractable.response [004]

RESPONSE: list[tuple[dict[str, object], str]] = [
    ({"usual_relief": "none"}, MET),
    ({"usual_relief": "a_little"}, MET),
    ({"usual_relief": "much_better"}, NOT_MET),
    ({"usual_relief": "goes"}, NOT_MET),
    ({"usual_relief": "never_tried"}, CANNOT_TELL),
    ({"usual_relief": None}, CANNOT_TELL),
    ({}, CANNOT_TELL),
    # relief beside an attack that comes back
    *(({"usual_relief": relief, "comes_back": True}, CANNOT_TELL) for relief in ("goes", "much_better")),
    *(
        ({"usual_relief": relief, "comes_back": back}, NOT_MET)
        for relief in ("goes", "much_better")
        for back in (False, None)
    ),
    *(
        ({"usual_relief": relief, "comes_back": back}, MET)
        for relief in ("none", "a_little")
        for back in (True, False, None)
    ),
    ({"usual_relief": "never_tried", "comes_back": True}, CANNOT_TELL),
    # no relief beside nothing tried
    *(({"usual_relief": relief, "acute_tried": ["none"]}, CANNOT_TELL) for relief in ("none", "a_little")),
    *(({"usual_relief": relief, "acute_tried": ["none"]}, NOT_MET) for relief in ("goes", "much_better")),
    *(({"usual_relief": relief, "acute_tried": None}, MET) for relief in ("none", "a_little")),
    *(({"usual_relief": "none", "acute_tried": [tried]}, MET) for tried in ACUTE),
    # no relief beside a medicine that relieves
    *(
        ({"usual_relief": relief, f"{name}_relief": other}, CANNOT_TELL)
        for name in ACUTE.values()
        for relief in ("none", "a_little")
        for other in ("goes", "much_better")
    ),
    *(
        ({"usual_relief": "none", f"{name}_relief": other}, MET)
        for name in ACUTE.values()
        for other in ("a_little", "none", None)
    ),
    *(
        ({"usual_relief": "goes", f"{name}_relief": other}, NOT_MET)
        for name in ("triptan", "acute_other")
        for other in ("goes", "none")
    ),
    ({"usual_relief": "never_tried", "triptan_relief": "goes"}, CANNOT_TELL),
    # a dropped answer does not count
    ({"usual_relief": "none", "acute_tried": ["nsaid"], "triptan_relief": "goes"}, MET),
    # the attack going on now says nothing of the usual one
    ({"now_relief": "none"}, CANNOT_TELL),
    ({"usual_relief": "none", "now_relief": "goes"}, MET),
]


@pytest.mark.parametrize(("answers", "expected"), cases(RESPONSE))
def test_intractable_response(answers: Answers, expected: str) -> None:
    assert verdict(classified(answers), "intractable.response") == expected


# intractable.present_attack [004]

LONG_NOW: dict[str, object] = {"now_pain": True, "now_length": "over_72h", "now_relief": "none"}

PRESENT_ATTACK: list[tuple[dict[str, object], str]] = [
    (LONG_NOW, MET),
    ({**LONG_NOW, "now_relief": "a_little"}, MET),
    ({"now_length": "over_72h", "now_relief": "none"}, MET),
    ({**LONG_NOW, "now_pain": None}, MET),
    *(({**LONG_NOW, "longest_break": rest}, MET) for rest in ("none", "up_to_12h", None)),
    *(({**LONG_NOW, "break_cause": cause}, MET) for cause in ("sleep", "medicine", "neither")),
    ({**LONG_NOW, "longest_break": "up_to_12h", "break_cause": "neither"}, MET),
    ({**LONG_NOW, "lifestyle_relief": "helps"}, MET),
    ({**LONG_NOW, "treated_length": "under_4h", "usual_relief": "goes", "comes_back": False}, MET),
    # not in an attack
    ({"now_pain": False}, NOT_MET),
    ({**LONG_NOW, "now_pain": False}, NOT_MET),
    # shorter; 72 h is included in 24_to_72h
    *(({**LONG_NOW, "now_length": length}, NOT_MET) for length in LENGTHS if length != "over_72h"),
    *(({"now_pain": True, "now_length": length}, NOT_MET) for length in LENGTHS if length != "over_72h"),
    ({"now_length": "24_to_72h"}, NOT_MET),
    # relieved
    *(({**LONG_NOW, "now_relief": relief}, NOT_MET) for relief in ("goes", "much_better")),
    *(({"now_pain": True, "now_relief": relief}, NOT_MET) for relief in ("goes", "much_better")),
    # two attacks
    ({**LONG_NOW, "longest_break": "over_12h"}, NOT_MET),
    ({"now_pain": True, "now_length": "over_72h", "longest_break": "over_12h"}, NOT_MET),
    ({**LONG_NOW, "now_relief": "never_tried", "longest_break": "over_12h"}, NOT_MET),
    # unknown
    ({}, CANNOT_TELL),
    ({"now_pain": None}, CANNOT_TELL),
    ({"now_pain": True}, CANNOT_TELL),
    ({"now_pain": True, "now_length": "over_72h"}, CANNOT_TELL),
    ({**LONG_NOW, "now_relief": None}, CANNOT_TELL),
    ({**LONG_NOW, "now_relief": "never_tried"}, CANNOT_TELL),
    ({"now_pain": True, "now_relief": "none"}, CANNOT_TELL),
    ({**LONG_NOW, "now_length": None}, CANNOT_TELL),
    ({"now_pain": True, "usual_relief": "none", "treated_length": "over_72h"}, CANNOT_TELL),
]


@pytest.mark.parametrize(("answers", "expected"), cases(PRESENT_ATTACK))
def test_intractable_present_attack(answers: Answers, expected: str) -> None:
    assert verdict(classified(answers), "intractable.present_attack") == expected


# intractable.lifestyle [004], and the class

LONG_USUAL: dict[str, object] = {"treated_length": "over_72h", "usual_relief": "none"}
LIFESTYLE: list[tuple[dict[str, object], str]] = [
    ({"lifestyle_relief": "helps"}, NOT_MET),
    ({"lifestyle_relief": "a_little"}, MET),
    ({"lifestyle_relief": "none"}, MET),
    ({"lifestyle_relief": "never_tried"}, CANNOT_TELL),
    ({"lifestyle_relief": None}, CANNOT_TELL),
    ({}, CANNOT_TELL),
]


@pytest.mark.parametrize(("answers", "expected"), cases(LIFESTYLE))
def test_intractable_lifestyle(answers: Answers, expected: str) -> None:
    assert verdict(classified(answers), "intractable.lifestyle") == expected


@pytest.mark.parametrize(("answers", "expected"), cases(LIFESTYLE))
def test_only_a_lifestyle_that_helps_blocks_the_usual_attack(
    answers: dict[str, object], expected: str
) -> None:
    result = classified({**LONG_USUAL, **answers, "now_pain": False})
    assert verdict(result, "intractable") == (NOT_MET if expected == NOT_MET else MET)


@pytest.mark.parametrize(("answers", "_expected"), cases(LIFESTYLE))
def test_no_lifestyle_blocks_the_attack_going_on_now(answers: dict[str, object], _expected: str) -> None:
    assert verdict(classified({**LONG_NOW, **answers}), "intractable") == MET
    assert verdict(classified({**LONG_USUAL, **LONG_NOW, **answers}), "intractable") == MET


BY_LENGTH: dict[str, dict[str, object]] = {
    MET: {"treated_length": "over_72h"},
    NOT_MET: {"treated_length": "24_to_72h", "comes_back": False},
    CANNOT_TELL: {},
}
BY_RESPONSE: dict[str, dict[str, object]] = {
    MET: {"usual_relief": "none"},
    NOT_MET: {"usual_relief": "goes"},
    CANNOT_TELL: {"usual_relief": "never_tried"},
}
BY_PRESENT: dict[str, dict[str, object]] = {
    MET: LONG_NOW,
    NOT_MET: {"now_pain": False},
    CANNOT_TELL: {"now_pain": True},
}

# Columns: length, response, present attack; the class while nothing of lifestyle is said, and when it helps.
INTRACTABLE = """
M M M  M M
M M N  M N
M M ?  M ?
M N M  M M
M N N  N N
M N ?  ? ?
M ? M  M M
M ? N  ? N
M ? ?  ? ?
N M M  M M
N M N  N N
N M ?  ? ?
N N M  M M
N N N  N N
N N ?  ? ?
N ? M  M M
N ? N  N N
N ? ?  ? ?
? M M  M M
? M N  ? N
? M ?  ? ?
? N M  M M
? N N  N N
? N ?  ? ?
? ? M  M M
? ? N  ? N
? ? ?  ? ?
"""


@pytest.mark.parametrize("row", INTRACTABLE.strip().splitlines())
def test_intractable_is_length_and_response_not_blocked_or_the_present_attack(row: str) -> None:
    length, response, present, open_lifestyle, helpful_lifestyle = (LETTERS[letter] for letter in row.split())
    answers = {**BY_LENGTH[length], **BY_RESPONSE[response], **BY_PRESENT[present]}
    result = classified(answers)
    assert verdict(result, "intractable.length") == length
    assert verdict(result, "intractable.response") == response
    assert verdict(result, "intractable.present_attack") == present
    assert verdict(result, "intractable") == open_lifestyle
    assert verdict(classified({**answers, "lifestyle_relief": "helps"}), "intractable") == helpful_lifestyle
    for tried in ("a_little", "none", "never_tried"):
        assert verdict(classified({**answers, "lifestyle_relief": tried}), "intractable") == open_lifestyle


SUPPORT: list[dict[str, object]] = [
    {"constant": True, "side": "both", "symptoms": ["light", "vision", "nausea", "vomiting", "dizziness"]},
    {"constant": False, "side": "changes", "symptoms": ["none"]},
    {"constant": None, "side": None, "symptoms": None},
    {"severity": 10, "stops_me": "cannot", "days_lost": 92},
    {"severity": 0, "stops_me": "no", "days_lost": 0},
    {"severity": None, "stops_me": None, "days_lost": None},
]


@pytest.mark.parametrize("support", SUPPORT, ids=read_as)
@pytest.mark.parametrize(
    "answers",
    [
        LONG_USUAL,
        LONG_NOW,
        {**LONG_USUAL, "lifestyle_relief": "helps", "now_pain": False},
        BY_LENGTH[NOT_MET],
        {},
    ],
    ids=read_as,
)
def test_signs_and_impact_are_support_and_never_a_gate(
    answers: dict[str, object], support: dict[str, object]
) -> None:
    alone, supported = classified(answers), classified({**answers, **support})
    assert verdict(supported, "intractable") == verdict(alone, "intractable")
    assert verdict(supported, "regular") == verdict(alone, "regular")
    assert supported["article_class"] == alone["article_class"]


# regular.length and regular.response [004]. Columns as above

REGULAR_LENGTH = """
over_72h       yes      N  N  N  N  N
over_72h       no       N  N  N  N  N
over_72h       unknown  N  N  N  N  N
24_to_72h      yes      N  N  N  N  N
24_to_72h      no       M  M  M  M  M
24_to_72h      unknown  M  M  M  M  M
4_to_24h       yes      N  N  N  N  N
4_to_24h       no       M  M  M  M  M
4_to_24h       unknown  M  M  M  M  M
under_4h       yes      N  N  N  N  N
under_4h       no       N  N  M  M  N
under_4h       unknown  N  N  M  M  N
never_treated  yes      N  N  N  N  N
never_treated  no       ?  N  M  M  N
never_treated  unknown  ?  N  M  M  N
unknown        yes      N  N  N  N  N
unknown        no       ?  N  M  M  N
unknown        unknown  ?  N  M  M  N
"""


@pytest.mark.parametrize(("answers", "expected"), grid(REGULAR_LENGTH))
def test_regular_length(answers: dict[str, object], expected: str) -> None:
    assert verdict(classified(answers), "regular.length") == expected
    unsure = {**dict.fromkeys(("treated_length", "comes_back", "untreated_length")), **answers}
    assert verdict(classified(unsure), "regular.length") == expected, "not sure is as unknown as not asked"


@pytest.mark.parametrize(
    ("answers", "expected"),
    cases(
        [
            ({"usual_relief": "none"}, NOT_MET),
            ({"usual_relief": "a_little"}, NOT_MET),
            ({"usual_relief": "much_better"}, MET),
            ({"usual_relief": "goes"}, MET),
            ({"usual_relief": "never_tried"}, MET),
            ({"usual_relief": None}, MET),
            ({}, MET),
            ({"usual_relief": "none", "acute_tried": ["none"]}, NOT_MET),
            ({"usual_relief": "goes", "comes_back": True}, MET),
            ({"now_relief": "none"}, MET),
        ]
    ),
)
def test_regular_response(answers: Answers, expected: str) -> None:
    assert verdict(classified(answers), "regular.response") == expected


@pytest.mark.parametrize("length", ["under_4h", "24_to_72h", "unknown"])
@pytest.mark.parametrize("relief", [*RELIEFS, "unknown"])
def test_regular_is_both_length_and_response(length: str, relief: str) -> None:
    expected = {
        ("under_4h", False): NOT_MET,
        ("under_4h", True): NOT_MET,
        ("24_to_72h", False): MET,
        ("24_to_72h", True): NOT_MET,
        ("unknown", False): CANNOT_TELL,
        ("unknown", True): NOT_MET,
    }[length, relief in ("none", "a_little")]
    assert verdict(classified(known(untreated_length=length, usual_relief=relief)), "regular") == expected


# article_class

BY_CHRONIC: dict[str, dict[str, object]] = {
    MET: {"head_days": 15},
    NOT_MET: {"head_days": 14},
    CANNOT_TELL: {},
}
REGULAR_USUAL: dict[str, object] = {"treated_length": "4_to_24h", "comes_back": False, "usual_relief": "goes"}
BY_INTRACTABLE_AND_REGULAR: dict[str, dict[str, object]] = {
    "MM": {**REGULAR_USUAL, **LONG_NOW},
    "MN": {**LONG_USUAL, "lifestyle_relief": "none", "now_pain": False},
    "M?": LONG_NOW,
    "NM": {**REGULAR_USUAL, "now_pain": False},
    "NN": {**LONG_USUAL, "lifestyle_relief": "helps", "now_pain": False},
    "N?": {"usual_relief": "goes", "now_pain": False},
    "?M": {"treated_length": "4_to_24h", "usual_relief": "goes"},
    "?N": {"treated_length": "over_72h"},
    "??": {},
}
BOTH, OUTSIDE, INSUFFICIENT = "chronic_and_intractable", "outside_the_criteria", "insufficient_information"
# Columns: intractable and regular; the class with chronic met, not met, cannot tell.
ARTICLE_CLASS: list[tuple[str, str, str, str]] = [
    ("MM", BOTH, "intractable", "intractable"),
    ("MN", BOTH, "intractable", "intractable"),
    ("M?", BOTH, "intractable", "intractable"),
    ("NM", "chronic", "regular", INSUFFICIENT),
    ("NN", "chronic", OUTSIDE, INSUFFICIENT),
    ("N?", "chronic", INSUFFICIENT, INSUFFICIENT),
    ("?M", "chronic", "regular", INSUFFICIENT),
    ("?N", "chronic", INSUFFICIENT, INSUFFICIENT),
    ("??", "chronic", INSUFFICIENT, INSUFFICIENT),
]


@pytest.mark.parametrize(
    ("chronic", "others", "expected"),
    [
        pytest.param(chronic, row[0], expected, id=f"chronic {chronic}-intractable and regular {row[0]}")
        for row in ARTICLE_CLASS
        for chronic, expected in zip(LETTERS.values(), row[1:], strict=True)
    ],
)
def test_article_class(chronic: str, others: str, expected: str) -> None:
    result = classified({**CALM, **BY_CHRONIC[chronic], **BY_INTRACTABLE_AND_REGULAR[others]})
    verdicts = [verdict(result, name) for name in ("chronic", "intractable", "regular")]
    assert verdicts == [chronic, LETTERS[others[0]], LETTERS[others[1]]]
    assert result["article_class"] == expected


NO_ATTACK_NOW: dict[str, object] = {"head_days": 14, "now_pain": False, "comes_back": False}


@pytest.mark.parametrize(
    "gap",
    [
        {"treated_length": "under_4h", "usual_relief": "goes"},
        {"untreated_length": "under_4h", "treated_length": "under_4h", "usual_relief": "goes"},
        {"untreated_length": "under_4h", "treated_length": "never_treated", "usual_relief": "never_tried"},
        {"untreated_length": "over_72h", "treated_length": "under_4h", "usual_relief": "goes"},
        {"treated_length": "24_to_72h", "usual_relief": "none"},
        {"treated_length": "4_to_24h", "usual_relief": "a_little"},
        {"treated_length": "under_4h", "usual_relief": "none"},
        {"treated_length": "over_72h", "usual_relief": "goes"},
        {"treated_length": "over_72h", "usual_relief": "much_better"},
        {"treated_length": "over_72h", "usual_relief": "none", "lifestyle_relief": "helps"},
        {"comes_back": True, "usual_relief": "a_little", "lifestyle_relief": "helps"},
    ],
    ids=read_as,
)
def test_each_gap_of_the_articles_is_outside(gap: dict[str, object]) -> None:
    assert classified({**NO_ATTACK_NOW, **gap})["article_class"] == OUTSIDE
    assert classified({**NO_ATTACK_NOW, **gap, "head_days": 15})["article_class"] == "chronic"
    assert classified({**NO_ATTACK_NOW, **gap, "head_days": None})["article_class"] == INSUFFICIENT


@pytest.mark.parametrize(
    "gap",
    [
        {"untreated_length": "over_72h", "treated_length": "never_treated", "usual_relief": "never_tried"},
        {"untreated_length": "over_72h", "treated_length": "never_treated", "usual_relief": "none"},
        {"treated_length": "over_72h", "usual_relief": "goes", "comes_back": True},
        {"treated_length": "over_72h", "usual_relief": "none", "acute_tried": ["none"]},
        {"treated_length": "over_72h", "usual_relief": "none", "triptan_relief": "goes"},
        {"treated_length": "under_4h", "usual_relief": "none", "comes_back": True},
    ],
    ids=read_as,
)
def test_answers_that_cannot_be_judged_leave_the_class_open(gap: dict[str, object]) -> None:
    result = classified({**NO_ATTACK_NOW, **gap})
    assert verdict(result, "intractable") == CANNOT_TELL
    assert result["article_class"] == INSUFFICIENT


@pytest.mark.parametrize(
    ("answers", "expected"),
    cases(
        [
            (
                {"untreated_length": "24_to_72h", "treated_length": "under_4h", "usual_relief": "goes"},
                "regular",
            ),
            ({"treated_length": "24_to_72h", "usual_relief": "goes"}, "regular"),
            ({"treated_length": "over_72h", "usual_relief": "a_little"}, "intractable"),
            ({"untreated_length": "4_to_24h", "treated_length": "never_treated"}, "regular"),
            ({"untreated_length": "under_4h", "treated_length": "never_treated"}, OUTSIDE),
            ({"comes_back": True, "usual_relief": "none"}, "intractable"),
            ({"comes_back": True, "treated_length": "24_to_72h", "usual_relief": "a_little"}, "intractable"),
        ]
    ),
)
def test_the_lengths_at_both_ends_of_a_regular_attack(answers: dict[str, object], expected: str) -> None:
    assert classified({**NO_ATTACK_NOW, **answers})["article_class"] == expected


# The JSON object of section 4


def test_the_result_has_the_keys_of_the_contract() -> None:
    result = classified({})
    assert set(result) == set(RESULT)
    assert set(result["clinical"]) == set(FLAGS)
    assert set(result["clinical"].values()) <= set(VERDICTS)
    assert isinstance(result["criteria_version"], str)
    assert result["criteria_version"]


@pytest.mark.parametrize("answers", [{}, LONG_NOW, {**LONG_USUAL, "head_days": 20}], ids=read_as)
def test_each_class_carries_its_criteria_with_source_words_and_gaps(answers: dict[str, object]) -> None:
    result = classified(answers)
    for name, criteria in CRITERIA.items():
        rows = result[name]["criteria"]
        assert [row["id"] for row in rows] == list(criteria)
        for row in rows:
            assert set(row) == {"id", "verdict", "source", "said", "missing"}
            assert row["verdict"] in VERDICTS
            assert row["source"] == ("001" if name == "chronic" else "004")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chronic.days", {"head_days"}),
        ("intractable.length", {"treated_length", "comes_back"}),
        ("intractable.response", {"usual_relief"}),
        ("intractable.lifestyle", {"lifestyle_relief"}),
        ("regular.length", {"treated_length"}),
    ],
)
def test_what_is_missing_is_named(name: str, expected: set[str]) -> None:
    assert expected <= set(criterion(classified({}), name)["missing"])


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("intractable.length", {"treated_length": "over_72h"}),
        ("intractable.response", {"usual_relief": "a_little"}),
        ("intractable.present_attack", {"now_length": "over_72h", "now_relief": "none"}),
        ("intractable.lifestyle", {"lifestyle_relief": "helps"}),
        ("regular.length", {"untreated_length": "4_to_24h"}),
        ("regular.response", {"usual_relief": "goes"}),
    ],
)
def test_what_was_said_is_carried(name: str, answers: dict[str, object]) -> None:
    assert answers.items() <= criterion(classified(answers), name)["said"].items()


# What would change it


def would_change(answers: Answers) -> dict[str, dict[str, object]]:
    changes = classified(answers)["would_change"]
    assert len({change["id"] for change in changes}) == len(changes), "one value for each id"
    return {change["id"]: change for change in changes}


@pytest.mark.parametrize(
    ("answers", "change"),
    [
        ({"head_days": 14}, {"id": "head_days", "to": 15, "article_class": "chronic"}),
        ({"head_days": 0}, {"id": "head_days", "to": 15, "article_class": "chronic"}),
        ({"head_days": 15}, {"id": "head_days", "to": 14, "article_class": "regular"}),
        ({"head_days": 30}, {"id": "head_days", "to": 14, "article_class": "regular"}),
        ({"head_days": 14, "usual_relief": "much_better"}, {"id": "usual_relief", "to": "a_little"}),
    ],
    ids=str,
)
def test_the_nearest_other_value_would_change_the_class(
    answers: dict[str, object], change: dict[str, object]
) -> None:
    changes = would_change({**CALM, **REGULAR_USUAL, "now_pain": False, **answers})
    assert change.items() <= changes[str(change["id"])].items()


def test_a_length_goes_to_the_nearest_length_that_changes_the_class() -> None:
    answers = {**CALM, **NO_ATTACK_NOW, "treated_length": "under_4h", "usual_relief": "goes"}
    assert classified(answers)["article_class"] == OUTSIDE
    assert would_change(answers)["treated_length"] == {
        "id": "treated_length",
        "to": "4_to_24h",
        "article_class": "regular",
    }


def test_an_id_that_changes_nothing_is_not_listed() -> None:
    changes = would_change(
        {**CALM, **LONG_USUAL, "head_days": 15, "now_pain": False, "lifestyle_relief": "none"}
    )
    assert "comes_back" not in changes, "over 72 h in spite of medicine is enough"
    assert not changes.keys() & {"severity", "symptoms", "constant", "age", "danger_now", "mig_days"}


def test_fewer_steps_come_first_among_answered_ids() -> None:
    ids = [change["id"] for change in classified({**CALM, **REGULAR_USUAL, "head_days": 5})["would_change"]]
    answered = [name for name in ids if name in {"head_days", "usual_relief", "treated_length", "comes_back"}]
    assert answered[-1] == "head_days", "ten days are more steps than any choice takes"


def test_an_unanswered_question_that_would_settle_it_comes_first() -> None:
    changes = classified({**CALM, **REGULAR_USUAL, "now_pain": False})["would_change"]
    assert changes[0]["id"] == "head_days"
    assert changes[0]["article_class"] in {"regular", "chronic"}


def test_two_orders_of_the_same_answers_give_the_same_line() -> None:
    answers = {**CALM, **LONG_USUAL, **LONG_NOW, "head_days": 1}
    assert json.dumps(classified(answers)) == json.dumps(classified(dict(reversed(answers.items()))))
