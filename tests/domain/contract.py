"""The ids and values of the contract, written from its text by hand: no test learns them from the code."""

import json
from collections.abc import Mapping
from typing import Any

from screener.domain.screening import classify

Answers = Mapping[str, object]

LENGTHS = ("under_4h", "4_to_24h", "24_to_72h", "over_72h")
RELIEFS = ("goes", "much_better", "a_little", "none", "never_tried")
DANGERS = (
    "sudden",
    "stroke_signs",
    "sight_loss",
    "fever_neck",
    "faint_confused_seizure",
    "head_injury",
    "red_eye",
    "pregnancy_severe",
    "chest_pain",
    "carbon_monoxide",
    "very_high_bp",
    "self_harm",
)
CHANGES = (
    "new_after_50",
    "jaw_or_scalp",
    "changed_pattern",
    "worsening_weeks",
    "strain",
    "posture",
    "immune",
    "cancer",
    "injury_3mo",
    "fever",
    "clot_or_estrogen_new",
    "morning_vomiting",
    "double_or_greying_sight",
    "first_or_long_aura",
    "new_medicine",
)
INJURY_SIGNS = ("blood_thinner", "vomiting_since", "sleepy_or_confused", "worse_since")

# `other` is spelled `acute_other` and `preventive_other` in the ids of its follow-ups.
ACUTE = {
    "triptan": "triptan",
    "simple_analgesic": "simple_analgesic",
    "nsaid": "nsaid",
    "combination": "combination",
    "opioid": "opioid",
    "ergot": "ergot",
    "gepant": "gepant",
    "ditan": "ditan",
    "antiemetic": "antiemetic",
    "other": "acute_other",
}
PREVENTIVE = {
    "beta_blocker": "beta_blocker",
    "antiepileptic": "antiepileptic",
    "antidepressant": "antidepressant",
    "cgrp": "cgrp",
    "ace_arb": "ace_arb",
    "botulinum": "botulinum",
    "calcium_channel": "calcium_channel",
    "other": "preventive_other",
}

CHOICES: dict[str, tuple[str, ...]] = {
    "danger_now": (*DANGERS, "none"),
    "danger_before": (*DANGERS, "none"),
    "changes": (*CHANGES, "none"),
    "injury_signs": (*INJURY_SIGNS, "none"),
    "symptoms": (
        "nausea",
        "vomiting",
        "light",
        "sound",
        "smell",
        "vision",
        "dizziness",
        "tearing_one_side",
        "none",
    ),
    "aura_types": ("visual", "sensory", "speech", "weakness", "brainstem", "one_eye"),
    "acute_tried": (*ACUTE, "none"),
    "preventives_tried": (*PREVENTIVE, "none"),
    "other_tried": (
        "trigger_control",
        "lifestyle",
        "relaxation",
        "biofeedback",
        "acupuncture",
        "physical_therapy",
        "nerve_block",
        "device",
        "ketamine",
        "none",
    ),
    "triggers": ("alcohol", "weather", "stress", "hormones", "food_additives", "other", "none"),
    "ket_medicines": (
        "benzodiazepine",
        "opioid",
        "other_sedative",
        "stimulant",
        "maoi",
        "theophylline",
        "thyroid_hormone",
        "none",
    ),
}

CHOICE: dict[str, tuple[str, ...]] = {
    "pregnancy": ("pregnant", "postpartum_6w", "no", "rather_not_say"),
    "months_at_rate": ("under_1", "1_to_3", "over_3"),
    "attacks_ever": ("one", "two_to_four", "five_or_more"),
    "untreated_length": LENGTHS,
    "treated_length": (*LENGTHS, "never_treated"),
    "now_length": LENGTHS,
    "now_relief": RELIEFS,
    "longest_break": ("none", "up_to_12h", "over_12h"),
    "break_cause": ("sleep", "medicine", "neither"),
    "usual_relief": RELIEFS,
    "lifestyle_relief": ("helps", "a_little", "none", "never_tried"),
    "side": ("one", "both", "changes"),
    "stops_me": ("no", "harder", "cannot"),
    "aura_spread": ("under_5_min", "5_min_or_more"),
    "aura_each": ("under_5_min", "5_to_60_min", "over_60_min"),
    "aura_to_pain": ("with_or_within_60_min", "later", "no_headache"),
    "triptans_count": ("one", "two_or_more"),
    "years_with": ("under_1", "1_to_5", "6_to_20", "over_20"),
    **{f"{name}_relief": ("goes", "much_better", "a_little", "none") for name in ACUTE.values()},
    **{
        f"{name}_outcome": ("helps", "not_enough", "side_effects", "cannot_take", "too_short", "still_trying")
        for name in PREVENTIVE.values()
    },
    **{
        f"ket_{name}": ("yes", "no", "rather_in_person")
        for name in (
            "heart",
            "pregnant",
            "psychosis",
            "substance",
            "liver",
            "head_pressure",
            "eye",
            "allergy",
            "thyroid",
            "bladder",
        )
    },
}

YES_NO = (
    "comes_back",
    "now_pain",
    "constant",
    "pulsating",
    "worse_on_activity",
    "aura_ever",
    "aura_in_a_row",
    "aura_one_side",
    "aura_positive",
    "aura_clears",
    "continuous_since_start",
    "dhe_tried",
    "acute_over_3_months",
    "keep_down",
    "now_stops_me",
    "now_as_usual",
    "told_migraine",
    "ket_escort",
)

# The lowest and the highest number the contract takes.
NUMBERS: dict[str, tuple[int, int]] = {
    "age": (0, 120),
    "head_days": (0, 30),
    "mig_days": (0, 30),
    "severity": (0, 10),
    "days_lost": (0, 92),
    "acute_days": (0, 30),
    **{f"{name}_days": (0, 30) for name in ACUTE.values()},
}
# "Days a month" and "months in a row": the contract writes no upper end.
OPEN_NUMBERS = ("debil_days", "debil_months")

TEXTS = {"acute_other_name": 80, "preventive_other_name": 80, "own_words": 1000}

CONTACT = (
    "contact_name",
    "contact_birth_date",
    "contact_phone",
    "contact_email",
    "contact_channel",
    "contact_message_ok",
    "contact_times",
    "contact_state",
)

VALID: dict[str, tuple[object, ...]] = {
    **{name: tuple([code] for code in codes) for name, codes in CHOICES.items()},
    **CHOICE,
    **dict.fromkeys(YES_NO, (True, False)),
    **NUMBERS,
    **dict.fromkeys(OPEN_NUMBERS, (0, 7, 8)),
    **dict.fromkeys(TEXTS, ("Wörter <b>& mehr</b>",)),
}

# Questions on which another one hangs: their absence keeps follow-ups that their answer would drop.
LEADING = (
    "head_days",
    "now_pain",
    "now_length",
    "debil_days",
    "aura_ever",
    "acute_tried",
    "preventives_tried",
    "changes",
)

CRITERIA = {
    "chronic": ("chronic.days",),
    "intractable": (
        "intractable.length",
        "intractable.response",
        "intractable.present_attack",
        "intractable.lifestyle",
        "intractable.signs",
        "intractable.impact",
    ),
    "regular": ("regular.length", "regular.response"),
}

MET, NOT_MET, CANNOT_TELL = "met", "not_met", "cannot_tell"
VERDICTS = (MET, NOT_MET, CANNOT_TELL)
CLASSES = (
    "chronic_and_intractable",
    "intractable",
    "chronic",
    "regular",
    "outside_the_criteria",
    "insufficient_information",
)
FLAGS = (
    "ichd3_1_1",
    "ichd3_1_2",
    "ichd3_1_3",
    "ichd3_1_4_1",
    "ichd3_1_5",
    "ichd3_8_2",
    "ehf_resistant",
    "ehf_refractory",
    "ahs_refractory",
)
# Section 2, 8.2: days a month from which a class alone is overused.
LINES = {"ergot": 10, "triptan": 10, "opioid": 10, "combination": 10, "simple_analgesic": 15, "nsaid": 15}

# The result, in the order in which it is written.
RESULT = (
    "urgency",
    "red_flags",
    "conflicts",
    "ignored",
    "article_class",
    "chronic",
    "intractable",
    "regular",
    "clinical",
    "close_to_the_line",
    "would_change",
    "criteria_version",
)

# Nothing speaks of danger; a caller who leaves these out is `urgent`.
CALM: dict[str, object] = {"danger_now": ["none"], "changes": ["none"]}


def classified(answers: Answers) -> dict[str, Any]:
    """What the machine's door writes for these answers, as its reader gets it."""
    return json.loads(json.dumps(classify(answers)))


def criterion(result: dict[str, Any], name: str) -> dict[str, Any]:
    rows = [row for row in result[name.split(".", maxsplit=1)[0]]["criteria"] if row["id"] == name]
    assert len(rows) == 1, f"{name} stands {len(rows)} times"
    return rows[0]


def verdict(result: dict[str, Any], name: str) -> str:
    """The verdict on a class (`chronic`) or on a criterion (`chronic.days`)."""
    return criterion(result, name)["verdict"] if "." in name else result[name]["verdict"]


def known(**answers: object) -> dict[str, object]:
    """Answers, those with `unknown` left out."""
    return {name: value for name, value in answers.items() if value != "unknown"}


def read_as(row: Answers) -> str:
    """A readable test id: the answers as they would be spoken."""
    return ",".join(f"{name}={_spoken(value)}" for name, value in row.items()) or "nothing"


def _spoken(value: object) -> str:
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)
