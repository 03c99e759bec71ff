"""The clinical flags, boundary by boundary: docs/clinical-flags.md."""

from typing import Any

import pytest
from domain.contract import CANNOT_TELL, FLAGS, LINES, MET, NOT_MET, Answers, known, read_as

from screener.domain.answers import Answers as ReadAnswers
from screener.domain.answers import read_answers
from screener.domain.clinical_words import CRITERION_WORDS, FLAG_WORDS, REMARK_WORDS
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.screening import classify, clinical_report, screen

UNKNOWN = "unknown"
REMARKS = (
    "chronic_not_1_3",
    "new_daily_persistent",
    "both_1_3_and_8_2",
    "status_set_aside_by_8_2",
    "acute_early_warning",
    "all_classes_in_the_us",
)

Person = dict[str, object]
# The line of the text, what the base person says instead, the verdict.
Row = tuple[str, Person, str]


def cases(rows: list[Row]) -> list[Any]:
    return [
        pytest.param(changed, expected, id=f"{line}: {read_as(changed)}: {expected}")
        for line, changed, expected in rows
    ]


def flags(answers: Answers) -> dict[str, str]:
    return classify(answers, brief=True)["clinical"]


def reported(answers: Answers) -> dict[str, Any]:
    read = read_answers(QUESTIONNAIRE, answers)
    return clinical_report(screen(ReadAnswers(QUESTIONNAIRE, read, from_outside=True)))


def reason(answers: Answers, flag: str, criterion: str) -> dict[str, Any]:
    found = [row for row in reported(answers)["flags"][flag]["criteria"] if row["id"] == criterion]
    assert len(found) == 1, f"{criterion} stands {len(found)} times in {flag}"
    return found[0]


def judge(flag: str, base: Person, changed: Person) -> str:
    """The verdict with these answers changed; "not sure" must do what a missing answer does."""
    person = {**base, **changed}
    missing = flags(known(**person))[flag]
    not_sure = flags({name: None if value == UNKNOWN else value for name, value in person.items()})[flag]
    assert missing == not_sure, "not sure is as unknown as not asked"
    return missing


def outcomes(*codes: str, outcome: str = "not_enough") -> Person:
    """These preventives tried, all with this outcome."""
    ids = {code: "preventive_other" if code == "other" else code for code in codes}
    return {
        "preventives_tried": list(codes),
        **{f"{name}_outcome": outcome for name in ids.values()},
    }


WITHOUT_AURA: Person = {
    "age": 40,
    "changes": ["none"],
    "attacks_ever": "five_or_more",
    "untreated_length": "4_to_24h",
    "side": "one",
    "pulsating": True,
    "severity": 7,
    "worse_on_activity": True,
    "symptoms": ["nausea", "light", "sound"],
    "aura_ever": False,
}
AURA: Person = {
    "age": 40,
    "changes": ["none"],
    "attacks_ever": "two_to_four",
    "aura_ever": True,
    "aura_types": ["visual"],
    "aura_spread": "5_min_or_more",
    "aura_in_a_row": True,
    "aura_each": "5_to_60_min",
    "aura_one_side": True,
    "aura_positive": True,
    "aura_clears": True,
    "aura_to_pain": "with_or_within_60_min",
}
# Neither 1.1 (A, C and D unmet) nor 1.2, nor all but one of either.
NO_MIGRAINE: Person = {
    **WITHOUT_AURA,
    "attacks_ever": "one",
    "side": "both",
    "pulsating": False,
    "severity": 3,
    "worse_on_activity": False,
    "symptoms": ["none"],
}

# ICHD-3 1.1

NONE_OF_C: Person = {"side": "both", "pulsating": False, "severity": 3, "worse_on_activity": False}
TREATED: Person = {"untreated_length": UNKNOWN, "treated_length": "24_to_72h"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 1.1 the base", {}, MET),
            ("ICHD-3 1.1 A five attacks", {"attacks_ever": "two_to_four"}, NOT_MET),
            ("ICHD-3 1.1 A five attacks", {"attacks_ever": "one"}, NOT_MET),
            ("ICHD-3 1.1 A five attacks", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.1 B 4 h", {"untreated_length": "under_4h"}, NOT_MET),
            ("ICHD-3 1.1 B 72 h", {"untreated_length": "24_to_72h"}, MET),
            ("ICHD-3 1.1 B over 72 h", {"untreated_length": "over_72h"}, NOT_MET),
            ("ICHD-3 1.1 B", {"untreated_length": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.1 B 18 is adult", {"untreated_length": "under_4h", "age": 18}, NOT_MET),
            ("ICHD-3 1.1 B under 18 2 h", {"untreated_length": "under_4h", "age": 17}, CANNOT_TELL),
            ("ICHD-3 1.1 B age unknown", {"untreated_length": "under_4h", "age": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.1 B under 18 4 h", {"untreated_length": "4_to_24h", "age": 17}, MET),
            ("ICHD-3 1.1 B under 18 72 h", {"untreated_length": "over_72h", "age": 17}, NOT_MET),
            ("ICHD-3 1.1 B treated without success", {**TREATED, "usual_relief": "none"}, MET),
            ("ICHD-3 1.1 B treated without success", {**TREATED, "usual_relief": "a_little"}, MET),
            ("ICHD-3 1.1 B treated with success", {**TREATED, "usual_relief": "much_better"}, CANNOT_TELL),
            ("ICHD-3 1.1 B treated with success", {**TREATED, "usual_relief": "goes"}, CANNOT_TELL),
            ("ICHD-3 1.1 B success unknown", {**TREATED, "usual_relief": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.1 B never tried", {**TREATED, "usual_relief": "never_tried"}, CANNOT_TELL),
            (
                "ICHD-3 1.1 B treated without success",
                {**TREATED, "treated_length": "over_72h", "usual_relief": "none"},
                NOT_MET,
            ),
            (
                "ICHD-3 1.1 B treated without success",
                {**TREATED, "treated_length": "under_4h", "usual_relief": "none"},
                NOT_MET,
            ),
            (
                "ICHD-3 1.1 B treated without success, under 18",
                {**TREATED, "treated_length": "under_4h", "usual_relief": "none", "age": 17},
                CANNOT_TELL,
            ),
            (
                "ICHD-3 1.1 B never treated",
                {**TREATED, "treated_length": "never_treated", "usual_relief": "none"},
                CANNOT_TELL,
            ),
            (
                "ICHD-3 1.1 B a success leaves the untreated length",
                {"treated_length": "under_4h", "usual_relief": "goes"},
                MET,
            ),
            ("ICHD-3 1.1 C none of four", NONE_OF_C, NOT_MET),
            ("ICHD-3 1.1 C one of four", {**NONE_OF_C, "side": "one"}, NOT_MET),
            ("ICHD-3 1.1 C one of four", {**NONE_OF_C, "pulsating": True}, NOT_MET),
            ("ICHD-3 1.1 C one of four", {**NONE_OF_C, "severity": 10}, NOT_MET),
            ("ICHD-3 1.1 C one of four", {**NONE_OF_C, "worse_on_activity": True}, NOT_MET),
            ("ICHD-3 1.1 C two of four", {**NONE_OF_C, "side": "one", "pulsating": True}, MET),
            ("ICHD-3 1.1 C two of four", {**NONE_OF_C, "side": "one", "severity": 4}, MET),
            ("ICHD-3 1.1 C two of four", {**NONE_OF_C, "pulsating": True, "worse_on_activity": True}, MET),
            ("ICHD-3 1.1 C two of four", {**NONE_OF_C, "severity": 4, "worse_on_activity": True}, MET),
            ("ICHD-3 1.1 C severity 3", {**NONE_OF_C, "severity": 3, "worse_on_activity": True}, NOT_MET),
            ("ICHD-3 1.1 C a changing side", {**NONE_OF_C, "side": "changes", "pulsating": True}, MET),
            (
                "ICHD-3 1.1 C one of three, one unknown",
                {**NONE_OF_C, "side": "one", "pulsating": UNKNOWN},
                CANNOT_TELL,
            ),
            (
                "ICHD-3 1.1 C one of three, severity unknown",
                {**NONE_OF_C, "side": "one", "severity": UNKNOWN},
                CANNOT_TELL,
            ),
            ("ICHD-3 1.1 C none of three, one unknown", {**NONE_OF_C, "side": UNKNOWN}, NOT_MET),
            (
                "ICHD-3 1.1 C none of two, two unknown",
                {**NONE_OF_C, "side": UNKNOWN, "severity": UNKNOWN},
                CANNOT_TELL,
            ),
            ("ICHD-3 1.1 C two of two", {"side": UNKNOWN, "pulsating": UNKNOWN}, MET),
            ("ICHD-3 1.1 D light alone", {"symptoms": ["light"]}, NOT_MET),
            ("ICHD-3 1.1 D sound alone", {"symptoms": ["sound"]}, NOT_MET),
            ("ICHD-3 1.1 D light and sound", {"symptoms": ["light", "sound"]}, MET),
            ("ICHD-3 1.1 D nausea", {"symptoms": ["nausea"]}, MET),
            ("ICHD-3 1.1 D vomiting", {"symptoms": ["vomiting"]}, MET),
            (
                "ICHD-3 1.1 D neither smell nor dizziness nor vision",
                {"symptoms": ["light", "smell", "vision", "dizziness", "tearing_one_side"]},
                NOT_MET,
            ),
            ("ICHD-3 1.1 D none", {"symptoms": ["none"]}, NOT_MET),
            ("ICHD-3 1.1 D unknown", {"symptoms": UNKNOWN}, CANNOT_TELL),
            ("an unmet criterion decides", {"symptoms": ["none"], "attacks_ever": UNKNOWN}, NOT_MET),
        ]
    ),
)
def test_migraine_without_aura(changed: Person, expected: str) -> None:
    assert judge("ichd3_1_1", WITHOUT_AURA, changed) == expected


# ICHD-3 1.2

NO_FEATURE: Person = {
    "aura_spread": "under_5_min",
    "aura_in_a_row": False,
    "aura_each": "under_5_min",
    "aura_one_side": False,
    "aura_positive": False,
    "aura_to_pain": "later",
}
FEATURES = {name: AURA[name] for name in NO_FEATURE}
TWO_OF_SIX: Person = {**NO_FEATURE, "aura_spread": "5_min_or_more", "aura_in_a_row": True}
TWO_OTHERS = {
    name: [other for other in NO_FEATURE if other != name][:2] for name in NO_FEATURE
}  # two features beside each one


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 1.2 the base", {}, MET),
            ("ICHD-3 1.2 A one attack", {"attacks_ever": "one"}, NOT_MET),
            ("ICHD-3 1.2 A five attacks", {"attacks_ever": "five_or_more"}, MET),
            ("ICHD-3 1.2 A unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            ("section 7 rf_first_aura", {"changes": ["first_or_long_aura"]}, CANNOT_TELL),
            ("section 7 another change", {"changes": ["strain"]}, MET),
            ("section 7 changes unanswered", {"changes": UNKNOWN}, CANNOT_TELL),
            (
                "section 7 a first aura in one attack",
                {"changes": ["first_or_long_aura"], "attacks_ever": "one"},
                NOT_MET,
            ),
            ("ICHD-3 1.2 B never an aura", {"aura_ever": False}, NOT_MET),
            ("ICHD-3 1.2 B not fully reversible", {"aura_clears": False}, NOT_MET),
            ("ICHD-3 1.2 B reversible unknown", {"aura_clears": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.2 B kind unknown", {"aura_types": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.2 B sensory", {"aura_types": ["sensory"]}, MET),
            ("ICHD-3 1.2 B speech", {"aura_types": ["speech"]}, MET),
            ("ICHD-3 1.2 B brainstem", {"aura_types": ["brainstem"]}, MET),
            ("ICHD-3 1.2 B retinal", {"aura_types": ["one_eye"]}, MET),
            ("section 7 weakness", {"aura_types": ["weakness"]}, CANNOT_TELL),
            ("section 7 weakness beside another", {"aura_types": ["visual", "weakness"]}, CANNOT_TELL),
            ("section 7 over 60 min", {"aura_each": "over_60_min"}, CANNOT_TELL),
            ("ICHD-3 1.2 C none of six", NO_FEATURE, NOT_MET),
            ("ICHD-3 1.2 C two of six", TWO_OF_SIX, NOT_MET),
            ("ICHD-3 1.2 C two of five, one unknown", {**TWO_OF_SIX, "aura_positive": UNKNOWN}, CANNOT_TELL),
            (
                "ICHD-3 1.2 C one of five, one unknown",
                {**TWO_OF_SIX, "aura_in_a_row": False, "aura_positive": UNKNOWN},
                NOT_MET,
            ),
            ("ICHD-3 1.2 C no headache", {**TWO_OF_SIX, "aura_to_pain": "no_headache"}, NOT_MET),
            *(
                (
                    f"ICHD-3 1.2 C three of six with {name}",
                    {**NO_FEATURE, **{one: FEATURES[one] for one in (name, *TWO_OTHERS[name])}},
                    MET,
                )
                for name in NO_FEATURE
            ),
            *(
                (
                    f"ICHD-3 1.2 C two of six, {name} taken away",
                    {**NO_FEATURE, **{one: FEATURES[one] for one in TWO_OTHERS[name]}},
                    NOT_MET,
                )
                for name in NO_FEATURE
            ),
            *((f"ICHD-3 1.2 C five of six less {name}", {name: UNKNOWN}, MET) for name in NO_FEATURE),
            ("ICHD-3 1.2 C aphasia is one-sided", {**TWO_OF_SIX, "aura_types": ["speech"]}, MET),
            ("ICHD-3 1.2 C only aphasia is", {**TWO_OF_SIX, "aura_types": ["sensory"]}, NOT_MET),
        ]
    ),
)
def test_migraine_with_aura(changed: Person, expected: str) -> None:
    assert judge("ichd3_1_2", AURA, changed) == expected


def test_an_unknown_kind_of_aura_might_be_aphasia() -> None:
    """1.2 C: aphasia always counts as one-sided, so two of six without the kind leave C open."""
    assert judge("ichd3_1_2", AURA, {**TWO_OF_SIX, "aura_types": UNKNOWN}) == CANNOT_TELL


# ICHD-3 1.3

CHRONIC: Person = {**WITHOUT_AURA, "head_days": 15, "months_at_rate": "over_3", "mig_days": 8}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 1.3 the base", {}, MET),
            ("ICHD-3 1.3 A 14 days", {"head_days": 14}, NOT_MET),
            ("ICHD-3 1.3 A 16 days", {"head_days": 16}, MET),
            ("ICHD-3 1.3 A days unknown", {"head_days": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.3 A under 1 month", {"months_at_rate": "under_1"}, NOT_MET),
            ("ICHD-3 1.3 A 3 months", {"months_at_rate": "1_to_3"}, NOT_MET),
            ("ICHD-3 1.3 A months unknown", {"months_at_rate": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.3 B 1.2 will do", {**AURA, "symptoms": ["none"]}, MET),
            ("ICHD-3 1.3 B probable migraine will not", {"attacks_ever": "two_to_four"}, NOT_MET),
            ("ICHD-3 1.3 B no migraine", NO_MIGRAINE, NOT_MET),
            ("ICHD-3 1.3 B 1.1 unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            (
                "ICHD-3 1.3 B 1.2 unknown",
                {"attacks_ever": "two_to_four", "aura_ever": UNKNOWN},
                CANNOT_TELL,
            ),
            ("ICHD-3 1.3 C 7 days", {"mig_days": 7}, NOT_MET),
            ("ICHD-3 1.3 C 9 days", {"mig_days": 9}, MET),
            ("ICHD-3 1.3 C days unknown", {"mig_days": UNKNOWN}, CANNOT_TELL),
            ("an unmet criterion decides", {"head_days": 14, "mig_days": UNKNOWN}, NOT_MET),
        ]
    ),
)
def test_chronic_migraine(changed: Person, expected: str) -> None:
    assert judge("ichd3_1_3", CHRONIC, changed) == expected


# ICHD-3 1.4.1

STATUS: Person = {
    **WITHOUT_AURA,
    "now_pain": True,
    "now_length": "over_72h",
    "longest_break": "none",
    "now_as_usual": True,
    "now_stops_me": True,
    "acute_tried": ["triptan"],
    "triptan_days": 4,
}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 1.4.1 the base", {}, MET),
            ("ICHD-3 1.4.1 A 1.2 will do", {**AURA, "symptoms": ["none"]}, MET),
            ("ICHD-3 1.4.1 A probable migraine will not", {"attacks_ever": "two_to_four"}, NOT_MET),
            ("ICHD-3 1.4.1 A unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.4.1 B not typical", {"now_as_usual": False}, NOT_MET),
            ("ICHD-3 1.4.1 B unknown", {"now_as_usual": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.4.1 C 72 h", {"now_length": "24_to_72h"}, NOT_MET),
            ("ICHD-3 1.4.1 C length unknown", {"now_length": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.4.1 C no attack now", {"now_pain": False}, NOT_MET),
            ("ICHD-3 1.4.1 C no break", {"break_cause": "neither"}, MET),
            *(
                (f"ICHD-3 1.4.1 note {gap}", {"longest_break": gap, "break_cause": cause}, expected)
                for gap, cause, expected in (
                    ("up_to_12h", "sleep", MET),
                    ("up_to_12h", "medicine", MET),
                    ("up_to_12h", "neither", NOT_MET),
                    ("up_to_12h", UNKNOWN, CANNOT_TELL),
                    ("over_12h", "sleep", NOT_MET),
                    ("over_12h", "medicine", NOT_MET),
                    ("over_12h", "neither", NOT_MET),
                    ("over_12h", UNKNOWN, NOT_MET),
                    (UNKNOWN, "sleep", CANNOT_TELL),
                    (UNKNOWN, "neither", CANNOT_TELL),
                    (UNKNOWN, UNKNOWN, CANNOT_TELL),
                )
            ),
            ("ICHD-3 1.4.1 C not debilitating", {"now_stops_me": False}, NOT_MET),
            ("ICHD-3 1.4.1 C unknown", {"now_stops_me": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.4.1 no overuse", {"triptan_days": 9}, MET),
            ("ICHD-3 1.4.1 set aside by overuse", {"triptan_days": 10}, NOT_MET),
            (
                "ICHD-3 1.4.1 overuse over 3 months: 8.2",
                {"triptan_days": 10, "acute_over_3_months": True, "head_days": 15},
                NOT_MET,
            ),
            (
                "ICHD-3 1.4.1 overuse under 3 months: migraine only",
                {"triptan_days": 10, "acute_over_3_months": False},
                NOT_MET,
            ),
            ("ICHD-3 1.4.1 overuse unknown", {"triptan_days": UNKNOWN}, CANNOT_TELL),
            (
                "ICHD-3 1.4.1 overuse unknown",
                {"triptan_days": UNKNOWN, "acute_tried": UNKNOWN},
                CANNOT_TELL,
            ),
            ("ICHD-3 1.4.1 no medicine", {"acute_tried": ["none"]}, MET),
            ("ICHD-3 1.4.1 no line", {"acute_tried": ["gepant"], "gepant_days": 30}, MET),
            ("ICHD-3 1.4.1 8.2.3 14 days", {"acute_tried": ["nsaid"], "nsaid_days": 14}, MET),
            ("ICHD-3 1.4.1 8.2.3 15 days", {"acute_tried": ["nsaid"], "nsaid_days": 15}, NOT_MET),
            (
                # What was said of the triptan itself still holds: over its line.
                "ICHD-3 1.4.1 contradictory days",
                {"triptan_days": 12, "acute_days": 11},
                NOT_MET,
            ),
            (
                "ICHD-3 1.4.1 contradictory days below the line",
                {"triptan_days": 9, "acute_days": 8},
                CANNOT_TELL,
            ),
        ]
    ),
)
def test_status_migrainosus(changed: Person, expected: str) -> None:
    assert judge("ichd3_1_4_1", STATUS, changed) == expected


# ICHD-3 1.5

PROBABLE: Person = {**WITHOUT_AURA, "attacks_ever": "two_to_four"}
NOT_1_1: Person = {"untreated_length": "over_72h", "symptoms": ["none"]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 1.5.1 all but A", {}, MET),
            ("ICHD-3 1.5.1 all but A", {"attacks_ever": "one"}, MET),
            ("ICHD-3 1.5.1 all but B", {"attacks_ever": "five_or_more", "untreated_length": "under_4h"}, MET),
            ("ICHD-3 1.5.1 all but B", {"attacks_ever": "five_or_more", "untreated_length": "over_72h"}, MET),
            ("ICHD-3 1.5.1 all but C", {"attacks_ever": "five_or_more", **NONE_OF_C}, MET),
            ("ICHD-3 1.5.1 all but D", {"attacks_ever": "five_or_more", "symptoms": ["light"]}, MET),
            ("ICHD-3 1.5.1 none unmet", {"attacks_ever": "five_or_more"}, NOT_MET),
            ("ICHD-3 1.5.1 two unmet", {"untreated_length": "under_4h"}, NOT_MET),
            ("ICHD-3 1.5.1 two unmet", {"symptoms": ["none"]}, NOT_MET),
            ("ICHD-3 1.5.1 three unmet", NOT_1_1, NOT_MET),
            ("ICHD-3 1.5.1 one unmet, one unknown", {"symptoms": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.5.1 two unmet, one unknown", {**NOT_1_1, "attacks_ever": UNKNOWN}, NOT_MET),
            ("ICHD-3 1.5.1 none unmet, one unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.5.1 aura unknown may be 1.2", {"aura_ever": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 1.5 not beside 1.2", {**AURA}, NOT_MET),
            ("ICHD-3 1.5 not beside 1.1", {**AURA, "attacks_ever": "five_or_more"}, NOT_MET),
            ("ICHD-3 1.5.2 all but A", {**AURA, **NOT_1_1, "attacks_ever": "one"}, MET),
            ("ICHD-3 1.5.2 all but B", {**AURA, **NOT_1_1, "aura_clears": False}, MET),
            ("ICHD-3 1.5.2 all but C", {**AURA, **NOT_1_1, **TWO_OF_SIX}, MET),
            ("ICHD-3 1.5.2 none unmet", {**AURA, **NOT_1_1}, NOT_MET),
            (
                "ICHD-3 1.5.2 two unmet",
                {**AURA, **NOT_1_1, **TWO_OF_SIX, "attacks_ever": "one"},
                NOT_MET,
            ),
            (
                "ICHD-3 1.5.2 one unmet, one unknown",
                {**AURA, **NOT_1_1, "attacks_ever": "one", "aura_clears": UNKNOWN},
                CANNOT_TELL,
            ),
            (
                "ICHD-3 1.5.2 weakness may be unmet",
                {**AURA, **NOT_1_1, "attacks_ever": "one", "aura_types": ["weakness"]},
                CANNOT_TELL,
            ),
        ]
    ),
)
def test_probable_migraine(changed: Person, expected: str) -> None:
    assert judge("ichd3_1_5", PROBABLE, changed) == expected


# ICHD-3 8.2

OFTEN: Person = {"head_days": 20, "acute_over_3_months": True}
NO_LINE = {"gepant": "gepant", "ditan": "ditan", "antiemetic": "antiemetic", "other": "acute_other"}


def taken(**days: object) -> Person:
    """These medicines tried, each on so many days."""
    return {"acute_tried": list(days), **{f"{name}_days": value for name, value in days.items()}}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("ICHD-3 8.2 the base", taken(triptan=10), MET),
            ("ICHD-3 8.2 A 14 days", {**taken(triptan=10), "head_days": 14}, NOT_MET),
            ("ICHD-3 8.2 A 15 days", {**taken(triptan=10), "head_days": 15}, MET),
            ("ICHD-3 8.2 A unknown", {**taken(triptan=10), "head_days": UNKNOWN}, CANNOT_TELL),
            ("ICHD-3 8.2 B 3 months", {**taken(triptan=10), "acute_over_3_months": False}, NOT_MET),
            ("ICHD-3 8.2 B unknown", {**taken(triptan=10), "acute_over_3_months": UNKNOWN}, CANNOT_TELL),
            (
                "ICHD-3 8.2 B unknown, no line reached",
                {**taken(triptan=9), "acute_over_3_months": UNKNOWN},
                NOT_MET,
            ),
            *((f"ICHD-3 8.2.1-5 {name} {line}", taken(**{name: line}), MET) for name, line in LINES.items()),
            *(
                (f"ICHD-3 8.2.1-5 {name} {line - 1}", taken(**{name: line - 1}), NOT_MET)
                for name, line in LINES.items()
            ),
            *((f"ICHD-3 8.2.1-5 {name} unknown", taken(**{name: UNKNOWN}), CANNOT_TELL) for name in LINES),
            *(
                (
                    f"ICHD-3 8.2.1-5 {name} by the days of any",
                    {**taken(**{name: UNKNOWN}), "acute_days": line},
                    MET,
                )
                for name, line in LINES.items()
            ),
            *(
                (
                    f"ICHD-3 8.2.1-5 {name} below by the days of any",
                    {**taken(**{name: UNKNOWN}), "acute_days": line - 1},
                    NOT_MET,
                )
                for name, line in LINES.items()
            ),
            ("ICHD-3 8.2 no medicine", {"acute_tried": ["none"]}, NOT_MET),
            ("ICHD-3 8.2 nothing known", {}, CANNOT_TELL),
            ("ICHD-3 8.2.3 at most 14 together", taken(simple_analgesic=7, nsaid=7), NOT_MET),
            ("ICHD-3 8.2.3 8 to 15 together", taken(simple_analgesic=7, nsaid=8), CANNOT_TELL),
            (
                "ICHD-3 8.2.3 14 together",
                {**taken(simple_analgesic=8, nsaid=8), "acute_days": 14},
                NOT_MET,
            ),
            ("ICHD-3 8.2.3 15 together", {**taken(simple_analgesic=8, nsaid=8), "acute_days": 15}, MET),
            ("ICHD-3 8.2.3 one alone", taken(simple_analgesic=15, nsaid=0), MET),
            ("ICHD-3 8.2.3 one class, not several", taken(simple_analgesic=5, nsaid=6), NOT_MET),
            ("ICHD-3 8.2.3 one unknown", taken(simple_analgesic=1, nsaid=UNKNOWN), CANNOT_TELL),
            ("ICHD-3 8.2.6 10 in all", {**taken(triptan=5, nsaid=5), "acute_days": 10}, MET),
            ("ICHD-3 8.2.6 9 in all", {**taken(triptan=5, nsaid=5), "acute_days": 9}, NOT_MET),
            ("ICHD-3 8.2.6 5 to 10 in all", taken(triptan=5, nsaid=5), CANNOT_TELL),
            ("ICHD-3 8.2.6 at most 9 in all", taken(triptan=4, nsaid=5), NOT_MET),
            ("ICHD-3 8.2.6 painkillers 10, a triptan 1", taken(triptan=1, nsaid=10), MET),
            ("ICHD-3 8.2.6 a second class never taken", taken(triptan=0, nsaid=10), NOT_MET),
            (
                "ICHD-3 8.2.6 three classes",
                {**taken(triptan=4, opioid=4, combination=4), "acute_days": 10},
                MET,
            ),
            *(
                (
                    f"ICHD-3 8.2 {code} has no line",
                    {"acute_tried": [code], f"{name}_days": 30, "acute_days": 30},
                    NOT_MET,
                )
                for code, name in NO_LINE.items()
            ),
            *(
                (
                    f"ICHD-3 8.2.6 {code} is no second class",
                    {
                        "acute_tried": ["triptan", code],
                        "triptan_days": 9,
                        f"{name}_days": 20,
                        "acute_days": 29,
                    },
                    NOT_MET,
                )
                for code, name in NO_LINE.items()
            ),
            (
                "ICHD-3 8.2.6 gepant days do not count",
                {**taken(triptan=4, nsaid=4, gepant=20), "acute_days": 28},
                NOT_MET,
            ),
            # What was said of each medicine still holds; the days of any are set aside.
            ("days below a medicine's own", {**taken(triptan=12), "acute_days": 11}, MET),
            ("days below a medicine's own 9", {**taken(triptan=9), "acute_days": 8}, CANNOT_TELL),
            ("days above all of theirs", {**taken(triptan=5, nsaid=5), "acute_days": 11}, CANNOT_TELL),
            (
                "contradictory days without 3 months",
                {**taken(triptan=12), "acute_days": 11, "acute_over_3_months": False},
                NOT_MET,
            ),
            (
                "contradictory days of what has no line",
                {**taken(gepant=12), "acute_days": 11},
                NOT_MET,
            ),
        ]
    ),
)
def test_medication_overuse(changed: Person, expected: str) -> None:
    assert judge("ichd3_8_2", OFTEN, changed) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            # 17 days of any, at most 2 of them without a plain painkiller: 15 to 17 days of painkillers.
            (
                "ICHD-3 8.2.3 17 in all, 2 of a gepant",
                {**taken(simple_analgesic=10, nsaid=10, gepant=2), "acute_days": 17},
                MET,
            ),
            (
                "ICHD-3 8.2.6 12 in all, 2 of a gepant",
                {**taken(triptan=6, nsaid=6, gepant=2), "acute_days": 12},
                MET,
            ),
            (
                "ICHD-3 8.2.2 12 in all, 2 of a gepant",
                {**taken(triptan=UNKNOWN, gepant=2), "acute_days": 12},
                MET,
            ),
            # However 12 days fall on these two, 8.2.2, 8.2.4 or 8.2.6 is met; and 8.2.7 reads just so.
            (
                "ICHD-3 8.2.7 amounts not verifiable",
                {**taken(triptan=UNKNOWN, opioid=UNKNOWN), "acute_days": 12},
                MET,
            ),
        ]
    ),
)
def test_an_unknown_that_decides_nothing_leaves_overuse_met(changed: Person, expected: str) -> None:
    """docs/clinical-flags.md: `cannot_tell` only if the unknown could decide it."""
    assert judge("ichd3_8_2", OFTEN, changed) == expected


@pytest.mark.parametrize(
    ("answers", "named"),
    [
        ({**taken(triptan=12), "acute_days": 11}, {"acute_days", "triptan_days"}),
        ({**taken(triptan=3, nsaid=12), "acute_days": 11}, {"acute_days", "nsaid_days"}),
        ({**taken(gepant=12), "acute_days": 11}, {"acute_days", "gepant_days"}),
        ({**taken(triptan=5, nsaid=5), "acute_days": 11}, {"acute_days"}),
        ({**taken(triptan=5), "acute_days": 6}, {"acute_days"}),
    ],
    ids=lambda value: read_as(value) if isinstance(value, dict) else "",
)
def test_contradictory_days_are_named(answers: Person, named: set[str]) -> None:
    pairs = classify({**OFTEN, **answers}, brief=True)["conflicts"]
    assert any(named <= set(pair) for pair in pairs), pairs


@pytest.mark.parametrize(
    "answers",
    [
        {**taken(triptan=12), "acute_days": 12},
        {**taken(triptan=5, nsaid=5), "acute_days": 5},
        {**taken(triptan=5, nsaid=5), "acute_days": 10},
        {**taken(triptan=5, nsaid=UNKNOWN), "acute_days": 30},
        taken(triptan=12),
    ],
    ids=read_as,
)
def test_days_that_fit_each_other_are_no_conflict(answers: Person) -> None:
    pairs = classify(known(**OFTEN, **answers), brief=True)["conflicts"]
    assert not any("acute_days" in pair for pair in pairs)


# EHF 2020

EHF_LISTED = ("antidepressant", "antiepileptic", "beta_blocker", "cgrp", "ace_arb", "botulinum")
EHF_CLASSES = (*EHF_LISTED, "calcium_channel", "other")
DEBILITATED: Person = {
    **WITHOUT_AURA,
    "head_days": 20,
    "debil_days": 8,
    "acute_tried": ["triptan"],
    "triptans_count": "two_or_more",
    "triptan_relief": "a_little",
}
RESISTANT: Person = {
    **DEBILITATED,
    "debil_months": 3,
    **outcomes("beta_blocker", "antiepileptic", "antidepressant"),
}
REFRACTORY: Person = {**DEBILITATED, "debil_months": 6, **outcomes(*EHF_LISTED, "calcium_channel")}
OUTCOMES = {
    "not_enough": MET,
    "side_effects": MET,
    "cannot_take": MET,
    "helps": NOT_MET,
    "too_short": NOT_MET,
    "still_trying": NOT_MET,
    UNKNOWN: CANNOT_TELL,
}
EHF_SHARED: list[Row] = [
    ("EHF 2020 the base", {}, MET),
    ("EHF 2020 base 1.2", {**AURA, "symptoms": ["none"]}, MET),
    ("EHF 2020 base probable migraine", {"attacks_ever": "two_to_four"}, NOT_MET),
    ("EHF 2020 base no migraine", NO_MIGRAINE, NOT_MET),
    ("EHF 2020 base unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 8 days", {"debil_days": 7}, NOT_MET),
    ("EHF 2020 8 days", {"debil_days": 9}, MET),
    ("EHF 2020 8 days", {"debil_days": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 8 of 7 days", {"head_days": 7}, NOT_MET),
    ("EHF 2020 8 of 8 days", {"head_days": 8}, MET),
    ("EHF 2020 8 days", {"head_days": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 months unknown", {"debil_months": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 two triptans", {"triptans_count": "one"}, NOT_MET),
    ("EHF 2020 two triptans", {"triptans_count": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 two triptans", {"acute_tried": ["nsaid"]}, NOT_MET),
    ("EHF 2020 two triptans", {"acute_tried": ["none"]}, NOT_MET),
    ("EHF 2020 triptans failed", {"triptan_relief": "none"}, MET),
    ("EHF 2020 triptans failed", {"triptan_relief": "much_better"}, NOT_MET),
    ("EHF 2020 triptans failed", {"triptan_relief": "goes"}, NOT_MET),
    ("EHF 2020 triptans failed", {"triptan_relief": UNKNOWN}, CANNOT_TELL),
    ("EHF 2020 no class tried", {"preventives_tried": ["none"]}, NOT_MET),
    ("EHF 2020 classes unknown", {"preventives_tried": UNKNOWN}, CANNOT_TELL),
]


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            *EHF_SHARED,
            ("EHF 2020 resistant 3 months", {"debil_months": 2}, NOT_MET),
            ("EHF 2020 resistant 3 months", {"debil_months": 4}, MET),
            *(
                (f"EHF 2020 resistant third class {outcome}", {"beta_blocker_outcome": outcome}, expected)
                for outcome, expected in OUTCOMES.items()
            ),
            ("EHF 2020 resistant 2 classes", outcomes("beta_blocker", "antiepileptic"), NOT_MET),
            *(
                (
                    f"EHF 2020 resistant third class is {code}",
                    outcomes(*[other for other in EHF_CLASSES if other != code][:2], code),
                    MET,
                )
                for code in EHF_CLASSES
            ),
            (
                "EHF 2020 resistant 3 of 4",
                {
                    "preventives_tried": ["beta_blocker", "antiepileptic", "antidepressant", "cgrp"],
                    "cgrp_outcome": "helps",
                },
                MET,
            ),
        ]
    ),
)
def test_ehf_resistant(changed: Person, expected: str) -> None:
    assert judge("ehf_resistant", RESISTANT, changed) == expected


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            *EHF_SHARED,
            ("EHF 2020 refractory 6 months", {"debil_months": 5}, NOT_MET),
            ("EHF 2020 refractory 6 months", {"debil_months": 7}, MET),
            ("EHF 2020 refractory without class 4", outcomes(*EHF_LISTED), CANNOT_TELL),
            ("EHF 2020 refractory all eight", outcomes(*EHF_CLASSES), MET),
            *(
                (f"EHF 2020 refractory one class {outcome}", {"botulinum_outcome": outcome}, expected)
                for outcome, expected in OUTCOMES.items()
            ),
            *(
                (
                    f"EHF 2020 refractory without {code}",
                    outcomes(*[other for other in EHF_LISTED if other != code], "calcium_channel"),
                    NOT_MET,
                )
                for code in EHF_LISTED
            ),
            *(
                (
                    f"EHF 2020 refractory without {code} and class 4",
                    outcomes(*[other for other in EHF_LISTED if other != code]),
                    NOT_MET,
                )
                for code in EHF_LISTED
            ),
            (
                "EHF 2020 refractory class 4 not failed in full",
                {"calcium_channel_outcome": "too_short"},
                CANNOT_TELL,
            ),
        ]
    ),
)
def test_ehf_refractory(changed: Person, expected: str) -> None:
    assert judge("ehf_refractory", REFRACTORY, changed) == expected


@pytest.mark.parametrize("code", [*EHF_LISTED, "calcium_channel", "other"])
def test_whoever_is_helped_by_a_class_is_not_refractory(code: str) -> None:
    """Section 3: "failed ALL classes", and class 8 is "other established"."""
    name = "preventive_other" if code == "other" else code
    assert (
        judge("ehf_refractory", {**REFRACTORY, **outcomes(*EHF_CLASSES)}, {f"{name}_outcome": "helps"}) != MET
    )


# AHS 2008

AHS: Person = {
    **WITHOUT_AURA,
    "stops_me": "cannot",
    "days_lost": 5,
    "lifestyle_relief": "none",
    **outcomes("beta_blocker", "antiepileptic"),
    "acute_tried": ["triptan", "ergot", "nsaid"],
    "triptan_relief": "a_little",
    "ergot_relief": "none",
    "dhe_tried": True,
    "nsaid_relief": "none",
}
AHS_CLASSES = ("beta_blocker", "antiepileptic", "antidepressant", "calcium_channel")
NOT_NSAID: Person = {"acute_tried": ["triptan", "ergot", "combination"]}
NEITHER_B: Person = {"acute_tried": ["triptan", "ergot", "nsaid", "combination"], "nsaid_relief": "goes"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    cases(
        [
            ("AHS 2008 the base", {}, MET),
            ("AHS 2008 base 1.2", {**AURA, "symptoms": ["none"]}, MET),
            ("AHS 2008 base probable migraine", {"attacks_ever": "two_to_four"}, NOT_MET),
            ("AHS 2008 base unknown", {"attacks_ever": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 function harder", {"stops_me": "harder", "days_lost": 0}, MET),
            ("AHS 2008 function cannot", {"stops_me": "cannot", "days_lost": UNKNOWN}, MET),
            ("AHS 2008 function 0 days", {"stops_me": "no", "days_lost": 0}, NOT_MET),
            ("AHS 2008 function 1 day", {"stops_me": "no", "days_lost": 1}, MET),
            ("AHS 2008 function", {"stops_me": "no", "days_lost": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 function", {"stops_me": UNKNOWN, "days_lost": 0}, CANNOT_TELL),
            ("AHS 2008 lifestyle", {"lifestyle_relief": "helps"}, NOT_MET),
            ("AHS 2008 lifestyle", {"lifestyle_relief": "a_little"}, MET),
            ("AHS 2008 lifestyle", {"lifestyle_relief": "never_tried"}, NOT_MET),
            ("AHS 2008 lifestyle", {"lifestyle_relief": UNKNOWN}, CANNOT_TELL),
            *((f"AHS 2008 1 of 4: {code}", outcomes(code), NOT_MET) for code in AHS_CLASSES),
            *(
                (f"AHS 2008 2 of 4: {one} {other}", outcomes(one, other), MET)
                for i, one in enumerate(AHS_CLASSES)
                for other in AHS_CLASSES[i + 1 :]
            ),
            *(
                (f"AHS 2008 {code} is none of the 4", outcomes("beta_blocker", code), NOT_MET)
                for code in ("cgrp", "ace_arb", "botulinum", "other")
            ),
            *(
                (f"AHS 2008 second class {outcome}", {"antiepileptic_outcome": outcome}, expected)
                for outcome, expected in OUTCOMES.items()
            ),
            ("AHS 2008 preventives unknown", {"preventives_tried": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute a no triptan", {"acute_tried": ["ergot", "nsaid"]}, NOT_MET),
            ("AHS 2008 acute a no DHE", {"acute_tried": ["triptan", "nsaid"]}, NOT_MET),
            ("AHS 2008 acute a an ergot, not DHE", {"dhe_tried": False}, NOT_MET),
            ("AHS 2008 acute a DHE unknown", {"dhe_tried": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute a the triptan works", {"triptan_relief": "much_better"}, NOT_MET),
            ("AHS 2008 acute a the triptan unknown", {"triptan_relief": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute a the ergot works", {"ergot_relief": "goes"}, NOT_MET),
            ("AHS 2008 acute a the ergot unknown", {"ergot_relief": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute a unknown", {"acute_tried": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute b neither", {"acute_tried": ["triptan", "ergot"]}, NOT_MET),
            ("AHS 2008 acute b the NSAID works", {"nsaid_relief": "much_better"}, NOT_MET),
            ("AHS 2008 acute b the NSAID a little", {"nsaid_relief": "a_little"}, MET),
            ("AHS 2008 acute b the NSAID unknown", {"nsaid_relief": UNKNOWN}, CANNOT_TELL),
            ("AHS 2008 acute b combination", {**NOT_NSAID, "combination_relief": "none"}, MET),
            ("AHS 2008 acute b combination", {**NOT_NSAID, "combination_relief": "goes"}, NOT_MET),
            ("AHS 2008 acute b one of both", {**NEITHER_B, "combination_relief": "a_little"}, MET),
            ("AHS 2008 acute b one unknown", {**NEITHER_B, "combination_relief": UNKNOWN}, CANNOT_TELL),
            (
                "AHS 2008 acute b acetaminophen is neither",
                {"acute_tried": ["triptan", "ergot", "simple_analgesic"], "simple_analgesic_relief": "none"},
                NOT_MET,
            ),
        ]
    ),
)
def test_ahs_refractory(changed: Person, expected: str) -> None:
    assert judge("ahs_refractory", AHS, changed) == expected


# Remarks

OVERUSED: Person = {**OFTEN, **taken(triptan=10)}
OVERUSED_STATUS: Person = {**STATUS, **OVERUSED}
US_CASE: Person = {**REFRACTORY, **outcomes(*EHF_LISTED)}
REMARK_ROWS: list[tuple[str, str, Person, bool]] = [
    ("chronic_not_1_3", "15 days, 1 to 3 months", {**CHRONIC, "months_at_rate": "1_to_3"}, True),
    ("chronic_not_1_3", "15 days, 7 migraine days", {**CHRONIC, "mig_days": 7}, True),
    ("chronic_not_1_3", "15 days, no migraine", {**CHRONIC, **NO_MIGRAINE}, True),
    ("chronic_not_1_3", "1.3 met", CHRONIC, False),
    ("chronic_not_1_3", "14 days: not chronic by the articles", {**CHRONIC, "head_days": 14}, False),
    ("chronic_not_1_3", "days unknown", {"months_at_rate": "1_to_3"}, False),
    ("chronic_not_1_3", "1.3 unknown is no no", {"head_days": 20}, False),
    ("new_daily_persistent", "yes", {"head_days": 28, "continuous_since_start": True}, True),
    ("new_daily_persistent", "no", {"head_days": 28, "continuous_since_start": False}, False),
    ("new_daily_persistent", "unknown", {"head_days": 28, "continuous_since_start": None}, False),
    ("new_daily_persistent", "27 days", {"head_days": 27, "continuous_since_start": True}, False),
    ("both_1_3_and_8_2", "both", {**CHRONIC, **OVERUSED}, True),
    ("both_1_3_and_8_2", "8.2 alone", {**CHRONIC, **OVERUSED, "mig_days": 7}, False),
    ("both_1_3_and_8_2", "1.3 alone", {**CHRONIC, **OVERUSED, "triptan_days": 9}, False),
    ("both_1_3_and_8_2", "8.2 unknown", {**CHRONIC, "head_days": 20}, False),
    ("status_set_aside_by_8_2", "status but for 8.2", OVERUSED_STATUS, True),
    ("status_set_aside_by_8_2", "no attack of 72 h", {**OVERUSED_STATUS, "now_length": "24_to_72h"}, False),
    ("status_set_aside_by_8_2", "no 8.2", STATUS, False),
    (
        "status_set_aside_by_8_2",
        "under 3 months: the migraine type alone",
        {**OVERUSED_STATUS, "acute_over_3_months": False},
        True,
    ),
    ("status_set_aside_by_8_2", "not debilitating", {**OVERUSED_STATUS, "now_stops_me": False}, False),
    ("status_set_aside_by_8_2", "not as usual", {**OVERUSED_STATUS, "now_as_usual": False}, False),
    ("status_set_aside_by_8_2", "a break of 12 h", {**OVERUSED_STATUS, "longest_break": "over_12h"}, False),
    ("status_set_aside_by_8_2", "no migraine", {**OVERUSED_STATUS, **NO_MIGRAINE}, False),
    ("acute_early_warning", "9 days", {**taken(triptan=9), "acute_days": 9}, True),
    ("acute_early_warning", "8 days", {**taken(triptan=8), "acute_days": 8}, False),
    ("acute_early_warning", "9 days of any medicine", {**taken(gepant=9), "acute_days": 9}, True),
    ("acute_early_warning", "9 days, not of each", {"acute_days": 9}, True),
    ("acute_early_warning", "days unknown", {"acute_tried": ["triptan"]}, False),
    ("acute_early_warning", "9 days of one, of any not asked", taken(triptan=9), True),
    ("acute_early_warning", "8 days of one, of any not asked", taken(triptan=8), False),
    ("all_classes_in_the_us", "six failed, no class 4", US_CASE, True),
    ("all_classes_in_the_us", "all failed", REFRACTORY, False),
    ("all_classes_in_the_us", "one of six helps", {**US_CASE, "cgrp_outcome": "helps"}, False),
    ("all_classes_in_the_us", "three failed", RESISTANT, False),
    ("all_classes_in_the_us", "5 months", {**US_CASE, "debil_months": 5}, False),
    ("all_classes_in_the_us", "class 4 failed, cgrp open", {**REFRACTORY, "cgrp_outcome": None}, False),
]


@pytest.mark.parametrize(
    ("remark", "answers", "expected"),
    [pytest.param(r, a, e, id=f"{r}: {why}: {'shown' if e else 'not'}") for r, why, a, e in REMARK_ROWS],
)
def test_a_remark_stands_exactly_when_its_words_are_true(
    remark: str, answers: Person, expected: bool
) -> None:
    assert (remark in reported(answers)["remarks"]) is expected


# Reasons. What each criterion reads, from the table of docs/clinical-flags.md.

OF_1_1 = (
    "attacks_ever",
    "untreated_length",
    "treated_length",
    "usual_relief",
    "age",
    "side",
    "pulsating",
    "severity",
    "worse_on_activity",
    "symptoms",
)
AURA_SIGNS = ("aura_spread", "aura_in_a_row", "aura_each", "aura_one_side", "aura_positive", "aura_to_pain")
OF_1_2 = ("attacks_ever", "changes", "aura_ever", "aura_types", "aura_clears", *AURA_SIGNS)
OF_MIGRAINE = tuple(dict.fromkeys((*OF_1_1, *OF_1_2)))
COUNTED_DAYS = tuple(f"{name}_days" for name in LINES)
OUTCOME_IDS = tuple(f"{'preventive_other' if c == 'other' else c}_outcome" for c in EHF_CLASSES)
BOUNDS = ("acute_days", "acute_tried", "acute_over_3_months")
READS: dict[str, dict[str, tuple[str, ...]]] = {
    "ichd3_1_1": {
        "ICHD-3 1.1 A": ("attacks_ever",),
        "ICHD-3 1.1 B": ("untreated_length", "treated_length", "usual_relief", "age"),
        "ICHD-3 1.1 C": ("side", "pulsating", "severity", "worse_on_activity"),
        "ICHD-3 1.1 D": ("symptoms",),
    },
    "ichd3_1_2": {
        "ICHD-3 1.2 A": ("attacks_ever", "changes"),
        # Section 7: over 60 min goes to the clinician.
        "ICHD-3 1.2 B": ("aura_ever", "aura_types", "aura_clears", "aura_each"),
        "ICHD-3 1.2 C": ("aura_types", *AURA_SIGNS),
    },
    "ichd3_1_3": {
        "ICHD-3 1.3 A": ("head_days", "months_at_rate"),
        "ICHD-3 1.3 B": OF_MIGRAINE,
        "ICHD-3 1.3 C": ("mig_days", "months_at_rate"),
    },
    "ichd3_1_4_1": {
        "ICHD-3 1.4.1 A": OF_MIGRAINE,
        "ICHD-3 1.4.1 B": ("now_as_usual",),
        "ICHD-3 1.4.1 C1": ("now_pain", "now_length", "longest_break", "break_cause"),
        "ICHD-3 1.4.1 C2": ("now_stops_me",),
        "ICHD-3 1.4.1 note": ("acute_tried", *COUNTED_DAYS, "acute_days"),
    },
    "ichd3_1_5": {"ICHD-3 1.5 A": OF_MIGRAINE, "ICHD-3 1.5 B": OF_MIGRAINE},
    "ichd3_8_2": {
        "ICHD-3 8.2 A": ("head_days",),
        # Days of any medicine and what was tried bound the days of each.
        "ICHD-3 8.2.1": ("ergot_days", *BOUNDS),
        "ICHD-3 8.2.2": ("triptan_days", *BOUNDS),
        "ICHD-3 8.2.3": ("simple_analgesic_days", "nsaid_days", *BOUNDS),
        "ICHD-3 8.2.4": ("opioid_days", *BOUNDS),
        "ICHD-3 8.2.5": ("combination_days", *BOUNDS),
        "ICHD-3 8.2.6": (*COUNTED_DAYS, *BOUNDS),
        "ICHD-3 8.2.7": (*COUNTED_DAYS, *BOUNDS),
    },
    "ehf_resistant": {
        "EHF 2020 migraine": (*OF_MIGRAINE, "head_days", "months_at_rate", "mig_days"),
        "EHF 2020 days": ("head_days", "debil_days"),
        "EHF 2020 months": ("debil_months",),
        "EHF 2020 triptans": ("acute_tried", "triptans_count", "triptan_relief"),
        "EHF 2020 classes": ("preventives_tried", *OUTCOME_IDS),
    },
    "ehf_refractory": {
        "EHF 2020 migraine": (*OF_MIGRAINE, "head_days", "months_at_rate", "mig_days"),
        "EHF 2020 days": ("head_days", "debil_days"),
        "EHF 2020 months": ("debil_months",),
        "EHF 2020 triptans": ("acute_tried", "triptans_count", "triptan_relief"),
        "EHF 2020 all classes": ("preventives_tried", *OUTCOME_IDS),
    },
    "ahs_refractory": {
        "AHS 2008 migraine": (*OF_MIGRAINE, "head_days", "months_at_rate", "mig_days"),
        "AHS 2008 function": ("stops_me", "days_lost"),
        "AHS 2008 lifestyle": ("lifestyle_relief",),
        "AHS 2008 preventives": ("preventives_tried", *(f"{code}_outcome" for code in AHS_CLASSES)),
        "AHS 2008 acute a": ("acute_tried", "triptan_relief", "ergot_relief", "dhe_tried"),
        "AHS 2008 acute b": ("acute_tried", "nsaid_relief", "combination_relief"),
    },
}
# Someone who answered everything that the flags read.
ALL_ANSWERED: Person = {
    **WITHOUT_AURA,
    **CHRONIC,
    **STATUS,
    **RESISTANT,
    **AHS,
    **AURA,
    "mig_days": 10,
    "treated_length": "4_to_24h",
    "usual_relief": "a_little",
    "break_cause": "neither",
    **taken(**dict.fromkeys(LINES, 2)),
    "acute_days": 8,
    "acute_over_3_months": True,
    **{f"{name}_relief": "a_little" for name in LINES},
    **outcomes(*EHF_CLASSES),
}
BY_CRITERION = [
    pytest.param(flag, criterion, read, id=f"{flag}: {criterion}")
    for flag, criteria in READS.items()
    for criterion, read in criteria.items()
]


def test_each_flag_carries_the_criteria_of_its_text() -> None:
    found = reported(ALL_ANSWERED)["flags"]
    assert {flag: [row["id"] for row in judged["criteria"]] for flag, judged in found.items()} == {
        flag: list(criteria) for flag, criteria in READS.items()
    }


@pytest.mark.parametrize(("flag", "criterion", "read"), BY_CRITERION)
def test_each_criterion_carries_what_was_said(flag: str, criterion: str, read: tuple[str, ...]) -> None:
    said = reason(ALL_ANSWERED, flag, criterion)["said"]
    assert [name for name in read if name not in said] == [], "left out"
    for name in said:
        assert in_any_order(said[name]) == in_any_order(ALL_ANSWERED[name])


def in_any_order(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value


@pytest.mark.parametrize("criterion", ["ICHD-3 1.2 A", "ICHD-3 1.2 B", "ICHD-3 1.2 C"])
def test_never_having_had_an_aura_is_the_reason_against_each_criterion_of_1_2(criterion: str) -> None:
    row = reason({**AURA, "aura_ever": False}, "ichd3_1_2", criterion)
    assert (row["verdict"], row["said"]["aura_ever"]) == (NOT_MET, False)


@pytest.mark.parametrize(("flag", "criterion", "read"), BY_CRITERION)
def test_each_criterion_names_what_is_missing_and_cites(
    flag: str, criterion: str, read: tuple[str, ...]
) -> None:
    row = reason({}, flag, criterion)
    assert row["verdict"] == CANNOT_TELL
    assert row["said"] == {}
    assert row["missing"]
    # Months at a rate hang on the debilitating days, which are then missing too.
    assert set(row["missing"]) <= {*read, "debil_days", "head_days"}, "names only what the criterion reads"
    assert row["source"].startswith(("ICHD-3", "EHF", "AHS"))


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize(
    "answers",
    [ALL_ANSWERED, WITHOUT_AURA, AURA, CHRONIC, STATUS, OVERUSED, RESISTANT, REFRACTORY, AHS, {}],
    ids=lambda a: f"{len(a)} answers",
)
def test_only_an_open_criterion_has_something_missing(flag: str, answers: Person) -> None:
    for row in reported(answers)["flags"][flag]["criteria"]:
        assert not row["missing"] or row["verdict"] == CANNOT_TELL
        assert not set(row["missing"]) & set(answers), "what was answered is not missing"


@pytest.mark.parametrize(
    ("flag", "criterion"),
    [
        ("ichd3_1_3", "ICHD-3 1.3 B"),
        ("ichd3_1_4_1", "ICHD-3 1.4.1 A"),
        ("ichd3_1_5", "ICHD-3 1.5 A"),
        ("ehf_resistant", "EHF 2020 migraine"),
        ("ehf_refractory", "EHF 2020 migraine"),
        ("ahs_refractory", "AHS 2008 migraine"),
    ],
)
@pytest.mark.parametrize(
    "answers",
    [
        {**WITHOUT_AURA, **AURA, "symptoms": ["none"], "aura_clears": UNKNOWN},
        {**WITHOUT_AURA, "untreated_length": "under_4h", "age": UNKNOWN},
    ],
    ids=["aura_clears", "age"],
)
def test_the_one_answer_that_leaves_migraine_open_is_named(
    flag: str, criterion: str, answers: Person
) -> None:
    """The table says these read "what 1.1 and 1.2 read"; the reason must name the one that is missing."""
    (open_id,) = (name for name, value in answers.items() if value == UNKNOWN)
    row = reason(known(**answers), flag, criterion)
    assert row["verdict"] == CANNOT_TELL
    assert open_id in row["missing"]


def test_words_stand_for_every_criterion_flag_and_remark() -> None:
    ids = {row["id"] for judged in reported({})["flags"].values() for row in judged["criteria"]}
    assert ids == {criterion for criteria in READS.values() for criterion in criteria}
    assert all(CRITERION_WORDS[name].strip() for name in ids)
    assert set(FLAG_WORDS) == set(FLAGS)
    assert all(words.name and words.plain and words.source for words in FLAG_WORDS.values())
    assert set(REMARK_WORDS) == set(REMARKS)
    assert all(words.strip() for words in REMARK_WORDS.values())


@pytest.mark.parametrize("flag", FLAGS)
def test_every_flag_has_an_address(flag: str) -> None:
    assert FLAG_WORDS[flag].address.startswith("https://")
