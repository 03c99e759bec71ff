"""Every vignette comes out as the texts say, the set covers what it claims, and the table is fresh."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import score
from domain.contract import CLASSES, FLAGS, VERDICTS
from score import URGENCIES, Result, Share, Vignette

from screener.domain.questionnaire import ACUTE_DAYS, AURA_TYPES, CHANGES, DANGER_NOW, INJURY_SIGNS

VIGNETTES = score.load_vignettes()
BY_ID = {vignette.id: vignette for vignette in VIGNETTES}

# The sets of flags that are an emergency, then what else is urgent, by vignette.
SETS = {
    "age.50_or_over+changes.jaw_or_scalp+changes.double_or_greying_sight": "fifty-jaw-double",
    "changes.new_after_50+changes.jaw_or_scalp+symptoms.vision": "sore-temple-and-dim-sight",
    "changes.new_after_50+changes.jaw_or_scalp+changes.double_or_greying_sight": "age-unsaid-new-after-fifty",
    "changes.injury_3mo+changes.worsening_weeks": "injury-and-worse",
    "changes.injury_3mo+changes.morning_vomiting": "injury-and-morning-vomiting",
    "changes.injury_3mo+symptoms.vomiting": "injury-signs-unanswered",
    "changes.immune+changes.fever": "transplant-and-fever",
    "changes.immune+changes.worsening_weeks": "chemo-and-worsening",
    "changes.immune+changes.double_or_greying_sight": "hiv-and-double-sight",
    "pregnancy.pregnant+changes.double_or_greying_sight": "pregnant-grey-sight",
    "pregnancy.postpartum_6w+changes.first_or_long_aura": "newborn-and-first-aura",
    "pregnancy.pregnant+changes.clot_or_estrogen_new": "pregnant-clotting",
}
SAME_DAY = {
    "pregnancy.pregnant": "pregnant-old-migraine",
    "pregnancy.postpartum_6w": "five-weeks-after-birth",
    "now_length.over_72h": "status",
    "keep_down.no": "keeps-nothing-down",
    "danger_before": "thunderclap-last-week",
    "a first attack at 50": "first-at-fifty",
    "an aura of weakness": "aura-weak-arm",
    "an aura over 60 minutes": "long-aura-no-change-ticked",
    "an aura that did not clear": "aura-not-clearing",
    "danger_now unanswered": "danger-not-answered",
    "changes unanswered": "changes-not-answered",
}

# The gaps between the criteria: what the answers of `outside_the_criteria` have in common.
GAPS: dict[str, Callable[[Mapping[str, object]], bool]] = {
    "under 4 h": lambda a: a["untreated_length"] == a["treated_length"] == "under_4h",
    "under 72 h but nothing works": lambda a: (
        a["treated_length"] == "24_to_72h" and a["usual_relief"] in {"none", "a_little"}
    ),
    "over 72 h but medicine works": lambda a: (
        a["treated_length"] == "over_72h" and a["usual_relief"] in {"goes", "much_better"}
    ),
    "over 72 h but lifestyle settles it": lambda a: (
        a["treated_length"] == "over_72h" and a["lifestyle_relief"] == "helps"
    ),
}

# Two vignettes on either side of a line, and what the line decides.
BOUNDARIES = {
    "14/15 head days": ("fourteen-days", "fifteen-days", "article_class"),
    "under 4 h/4 h": ("three-hour-adult", "exactly-four-hours", "article_class"),
    "72 h/over 72 h, usual attack": ("exactly-three-days", "four-days-but-triptan-helps", "article_class"),
    "72 h/over 72 h, this attack": ("present-attack-seventy-two", "status", "ichd3_1_4_1"),
    "a break of 12 h/over 12 h": ("status-broken-by-sleep", "status-long-break", "ichd3_1_4_1"),
    "a break by medicine/by itself": ("status-broken-by-medicine", "status-spontaneous-break", "ichd3_1_4_1"),
    "9/10 triptan days": ("triptan-nine", "triptan-ten", "ichd3_8_2"),
    "9/10 ergot days": ("ergot-nine", "ergot-ten", "ichd3_8_2"),
    "9/10 opioid days": ("opioid-nine", "opioid-ten", "ichd3_8_2"),
    "9/10 combination days": ("combination-nine", "combination-ten", "ichd3_8_2"),
    "9/10 days of several classes": ("several-classes-nine", "several-classes-ten", "ichd3_8_2"),
    "14/15 NSAID days": ("fourth-month-of-many-days", "nsaid-fifteen", "ichd3_8_2"),
    "14/15 days of plain painkillers": (
        "two-plain-painkillers-fourteen",
        "two-plain-painkillers-fifteen",
        "ichd3_8_2",
    ),
    "14/15 NSAID days in a long attack": (
        "status-fourteen-ibuprofen-days",
        "status-fifteen-ibuprofen-days",
        "ichd3_1_4_1",
    ),
    "overuse up to/over 3 months": ("overuse-new", "nsaid-fifteen", "ichd3_8_2"),
    "3/4 months of many days": ("third-month-of-many-days", "fourth-month-of-many-days", "ichd3_1_3"),
    "7/8 migraine days": ("seven-migraine-days", "eight-migraine-days", "ichd3_1_3"),
    "2/3 debilitating months": ("resistant-two-months", "resistant-three-months", "ehf_resistant"),
    "5/6 debilitating months": (
        "all-seven-classes-five-months",
        "all-seven-classes-six-months",
        "ehf_refractory",
    ),
    "7/8 debilitating days": ("resistant-seven-days", "resistant-eight-days", "ehf_resistant"),
    "two/three classes failed": ("two-failed-one-running", "resistant-four-months", "ehf_resistant"),
    "one/two triptans": ("one-triptan-only", "resistant-four-months", "ehf_resistant"),
    "severity 3/4": ("severity-three", "severity-four", "ichd3_1_1"),
    "0/1 days lost": ("ahs-no-interference", "ahs-one-day-lost", "ahs_refractory"),
    "49/50 years, first attack": ("forty-nine-first", "first-at-fifty", "urgency"),
    "49/50 years, jaw and sight": ("forty-nine-jaw-double", "fifty-jaw-double", "urgency"),
    "17/18 years": ("seventeen-short", "eighteen-short", "ichd3_1_1"),
}


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return score.judge_all()


def codes(vignettes: list[Vignette], question_id: str) -> set[str]:
    return {code for v in vignettes for code in v.answers.get(question_id) or ()}


def expected_of(vignette: Vignette, what: str) -> str:
    return getattr(vignette.expected, what, None) or vignette.expected.clinical[what]


@pytest.mark.parametrize("vignette", VIGNETTES, ids=lambda v: f"{v.theme}/{v.id}")
def test_vignette_comes_out_as_the_texts_say(vignette: Vignette) -> None:
    assert list(score.judge(vignette).disagreements()) == []


def test_gates_hold(results: list[Result]) -> None:
    assert score.broken_gates(results) == []


def test_one_emergency_judged_lower_breaks_the_gate(results: list[Result]) -> None:
    worse = [_with_urgency(r, "urgent") if r.vignette.id == "drooping-face" else r for r in results]
    assert len(score.broken_gates(worse)) == 1


def test_one_routine_judged_an_emergency_breaks_the_gate(results: list[Result]) -> None:
    worse = [_with_urgency(r, "emergency") if r.vignette.id == "weekend-migraine" else r for r in results]
    assert len(score.broken_gates(worse)) == 1


def test_over_triage_gate_lies_at_one_in_five(results: list[Result]) -> None:
    routine = [r for r in results if r.vignette.expected.urgency == "routine"]
    allowed = len(routine) // 5
    at_the_line = [_with_urgency(r, "urgent") for r in routine[:allowed]] + routine[allowed:]
    over_it = [_with_urgency(r, "urgent") for r in routine[: allowed + 1]] + routine[allowed + 1 :]
    assert score.broken_gates(at_the_line) == []
    assert len(score.broken_gates(over_it)) == 1


def test_any_other_expectation_would_be_a_disagreement(results: list[Result]) -> None:
    for result in results:
        for flag in FLAGS:
            for other in set(VERDICTS) - {result.found.clinical[flag]}:
                clinical = {**result.found.clinical, flag: other}
                expected = dataclasses.replace(result.found, clinical=clinical)
                vignette = dataclasses.replace(result.vignette, expected=expected)
                named = [name for name, *_ in dataclasses.replace(result, vignette=vignette).disagreements()]
                assert named == [flag]


def test_set_is_large_and_each_story_its_own() -> None:
    assert len(VIGNETTES) >= 60
    assert sum(v.expected.urgency == "routine" for v in VIGNETTES) >= 20
    for parts in ([v.id for v in VIGNETTES], [v.title for v in VIGNETTES], [v.story for v in VIGNETTES]):
        assert len(set(parts)) == len(parts)
    assert all(2 <= len(re.findall(r"[.?!](?:\s|$)", v.story)) <= 4 and v.why for v in VIGNETTES)


def test_every_expected_value_is_covered() -> None:
    assert {v.expected.urgency for v in VIGNETTES} == set(URGENCIES)
    assert {v.expected.article_class for v in VIGNETTES} == set(CLASSES)
    for flag in FLAGS:
        assert {v.expected.clinical[flag] for v in VIGNETTES} == set(VERDICTS)


def test_every_danger_is_an_emergency_vignette() -> None:
    emergencies = [v for v in VIGNETTES if v.expected.urgency == "emergency"]
    assert codes(emergencies, "danger_now") >= set(DANGER_NOW.codes) - {"none"}
    assert codes(emergencies, "injury_signs") >= set(INJURY_SIGNS.codes) - {"none"}


def test_every_change_is_an_urgent_vignette() -> None:
    urgent = [v for v in VIGNETTES if v.expected.urgency == "urgent"]
    assert codes(urgent, "changes") >= set(CHANGES.codes) - {"none"}


@pytest.mark.parametrize("identity", SETS.values(), ids=SETS)
def test_every_set_is_an_emergency_vignette(identity: str) -> None:
    vignette = BY_ID[identity]
    assert vignette.expected.urgency == "emergency"
    assert vignette.answers.get("danger_now") == ["none"]


@pytest.mark.parametrize("identity", SAME_DAY.values(), ids=SAME_DAY)
def test_every_other_same_day_flag_is_an_urgent_vignette(identity: str) -> None:
    assert BY_ID[identity].expected.urgency == "urgent"


@pytest.mark.parametrize("gap", GAPS.values(), ids=GAPS)
def test_every_gap_of_the_articles_is_covered(gap: Callable[[Mapping[str, object]], bool]) -> None:
    outside = [v for v in VIGNETTES if v.expected.article_class == "outside_the_criteria"]
    assert any(gap({"untreated_length": None, **v.answers}) for v in outside)


@pytest.mark.parametrize(("below", "above", "what"), BOUNDARIES.values(), ids=BOUNDARIES)
def test_every_boundary_is_walked_on_both_sides(below: str, above: str, what: str) -> None:
    assert expected_of(BY_ID[below], what) != expected_of(BY_ID[above], what)


def test_every_kind_of_aura_and_counted_medicine_is_covered() -> None:
    assert codes(VIGNETTES, "aura_types") == set(AURA_TYPES.codes)
    counted = ("triptan", "ergot", "opioid", "combination", "simple_analgesic", "nsaid")
    assert all(any(v.answers.get(ACUTE_DAYS[c].id) for v in VIGNETTES) for c in counted)


def test_wilson_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 1998;17:857, table I, method 3.
    for hits, total, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert Share(hits, total).interval() == pytest.approx((low, high), abs=5e-5)


def test_documented_table_is_the_fresh_one(results: list[Result]) -> None:
    assert score.documented() == score.table(results), "run score.py --write"


def test_write_renews_only_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "accuracy.md"
    page.write_text(f"before\n{score.BEGIN}\nold\n{score.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(score, "ACCURACY", page)
    score.write("new")
    assert page.read_text(encoding="utf-8") == f"before\n{score.BEGIN}\nnew\n{score.END}\nafter\n"


def test_score_ends_with_0_only_when_all_agree(
    results: list[Result], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score.main([]) == 0
    worse = [_with_urgency(results[0], "emergency"), *results[1:]]
    monkeypatch.setattr(score, "judge_all", lambda: worse)
    assert score.main([]) == 1
    assert f"DISAGREES {results[0].vignette.theme}/{results[0].vignette.id}" in capsys.readouterr().out


def _with_urgency(result: Result, urgency: str) -> Result:
    return dataclasses.replace(result, found=dataclasses.replace(result.found, urgency=urgency))
