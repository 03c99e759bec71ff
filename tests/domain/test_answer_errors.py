"""What the machine's door refuses, and that it refuses nothing else."""

import copy

import pytest
from domain.contract import (
    CALM,
    CHOICE,
    CHOICES,
    CONTACT,
    NUMBERS,
    OPEN_NUMBERS,
    TEXTS,
    VALID,
    YES_NO,
    classified,
)

from screener.domain.answers import AnswerError
from screener.domain.screening import classify

ALL_NUMBERS = (*NUMBERS, *OPEN_NUMBERS)


def refused(answers: dict[str, object]) -> AnswerError:
    with pytest.raises(AnswerError) as caught:
        classify(answers)
    assert str(caught.value), "an error says what is wrong"
    return caught.value


def rows(ids: object, values: list[object]) -> list[object]:
    return [pytest.param(name, value, id=f"{name}={value!r}") for name in ids for value in values]


@pytest.mark.parametrize("name", VALID)
def test_every_id_of_the_contract_takes_each_of_its_values(name: str) -> None:
    for value in VALID[name]:
        assert classified({name: value})["ignored"] == []


@pytest.mark.parametrize("name", VALID)
def test_every_question_may_be_left_as_not_sure(name: str) -> None:
    assert classified({name: None})["ignored"] == []


def test_nothing_at_all_is_no_error() -> None:
    assert classified({})["article_class"] == "insufficient_information"


@pytest.mark.parametrize("name", CHOICES)
def test_all_choices_but_none_may_stand_together(name: str) -> None:
    classify({name: [code for code in CHOICES[name] if code != "none"]})


@pytest.mark.parametrize(
    "name",
    [
        "headdays",
        "HEAD_DAYS",
        "head_days ",
        "",
        "acute_other",
        "other_relief",
        "other_days",
        "other_name",
        "other_outcome",
        "none_relief",
        "none_days",
        "none_outcome",
        "beta_blocker_relief",
        "triptan_outcome",
        "article_class",
        "urgency",
        "red_flags",
        "line",
        "ket_none",
        *CONTACT,
    ],
)
@pytest.mark.parametrize("value", ["x", None], ids=["said", "not_sure"])
def test_an_id_the_contract_lacks_or_keeps_for_the_request_is_refused(name: str, value: object) -> None:
    assert refused({**CALM, name: value}).id == name


def test_whoever_sends_contact_details_is_told_where_these_belong() -> None:
    assert "only in the request" in str(refused({**CALM, "contact_name": "Pat"}))
    assert "no question has this id" in str(refused({**CALM, "name": "Pat"}))


@pytest.mark.parametrize(("name", "value"), rows(ALL_NUMBERS, [True, False, "15", "", 15.0, 7.5, [7], {}]))
def test_a_number_is_a_json_integer(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize(("name", "value"), rows(YES_NO, [1, 0, 1.0, "yes", "true", "", [True], {}]))
def test_yes_and_no_are_true_and_false(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize(("name", "value"), rows(CHOICE, [True, 0, 1.5, "", "no_such_value", {}, []]))
def test_a_choice_is_one_of_its_values(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize("name", CHOICE)
def test_a_choice_is_no_array(name: str) -> None:
    assert refused({name: [CHOICE[name][0]]}).id == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("untreated_length", "never_treated"),
        ("now_length", "never_treated"),
        ("triptan_relief", "never_tried"),
        ("acute_other_relief", "never_tried"),
        ("lifestyle_relief", "goes"),
        ("lifestyle_relief", "much_better"),
        ("usual_relief", "helps"),
        ("usual_relief", "None"),
        ("usual_relief", "GOES"),
        ("usual_relief", "goes "),
        ("pregnancy", "yes"),
        ("severity", "cannot"),
        ("danger_now", ["immune"]),
        ("changes", ["sudden"]),
        ("aura_types", ["none"]),
    ],
)
def test_a_value_of_another_question_is_refused(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize(
    ("name", "value"),
    rows(CHOICES, [[], True, 1, "", "none", {}, ["no_such_value"], [1], [True], [None], [["none"]], [{}]]),
)
def test_choices_are_an_array_of_their_values_with_one_at_least(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize("name", CHOICES)
def test_a_bare_string_is_no_array_of_choices(name: str) -> None:
    assert refused({name: CHOICES[name][0]}).id == name


@pytest.mark.parametrize("name", CHOICES)
def test_a_choice_stands_once(name: str) -> None:
    first, second, *_ = CHOICES[name]
    assert refused({name: [first, first]}).id == name
    assert refused({name: [first, second, first]}).id == name


@pytest.mark.parametrize("name", [name for name in CHOICES if "none" in CHOICES[name]])
def test_none_stands_alone(name: str) -> None:
    first = CHOICES[name][0]
    assert refused({name: ["none", first]}).id == name
    assert refused({name: [first, "none"]}).id == name
    assert refused({name: ["none", "none"]}).id == name


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_stays_in_its_range(name: str) -> None:
    low, high = NUMBERS[name]
    classify({name: low})
    classify({name: high})
    assert refused({name: low - 1}).id == name
    assert refused({name: high + 1}).id == name
    assert refused({name: 10**30}).id == name


@pytest.mark.parametrize("name", OPEN_NUMBERS)
def test_no_count_is_below_zero(name: str) -> None:
    classify({name: 0})
    assert refused({name: -1}).id == name


@pytest.mark.parametrize(("name", "value"), rows(TEXTS, [True, 5, 1.5, ["words"], {}]))
def test_a_text_is_a_string(name: str, value: object) -> None:
    assert refused({name: value}).id == name


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("letter", ["a", "ß", "😀"])
def test_a_text_stays_in_its_length_counted_in_characters(name: str, letter: str) -> None:
    classify({name: letter * TEXTS[name]})
    assert refused({name: letter * (TEXTS[name] + 1)}).id == name


@pytest.mark.parametrize("name", TEXTS)
def test_a_nul_in_a_text_is_no_error(name: str) -> None:
    classify({name: "a\0b"})


@pytest.mark.parametrize(
    ("head_days", "mig_days"), [(0, 0), (15, 14), (15, 15), (30, 30), (None, 30), (0, None), (None, None)]
)
def test_migraine_days_may_fill_the_headache_days(head_days: int | None, mig_days: int | None) -> None:
    classify({"head_days": head_days, "mig_days": mig_days})


def test_migraine_days_may_stand_without_headache_days() -> None:
    classify({"mig_days": 30})


@pytest.mark.parametrize(("head_days", "mig_days"), [(0, 1), (14, 15), (15, 16), (29, 30)])
def test_migraine_days_never_exceed_headache_days(head_days: int, mig_days: int) -> None:
    assert refused({"head_days": head_days, "mig_days": mig_days}).id == "mig_days"
    assert refused({"mig_days": mig_days, "head_days": head_days}).id == "mig_days"


def test_one_bad_answer_among_many_good_ones_is_named() -> None:
    good = {name: values[0] for name, values in VALID.items()}
    classify(good)
    assert refused({**good, "days_lost": 93}).id == "days_lost"


def test_classifying_leaves_the_answers_as_they_were() -> None:
    answers = {**CALM, "now_pain": False, "now_length": "over_72h", "symptoms": ["vision", "nausea"]}
    before = copy.deepcopy(answers)
    classify(answers)
    assert answers == before
    assert list(answers) == list(before)
