"""Words and citations for the clinical flags: plain ones for patients, exact ones for clinicians."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from screener.domain.explanation import VERDICT_WORDS, Told, told_answers
from screener.domain.questionnaire import QUESTIONNAIRE
from screener.domain.verdict import Verdict

_ICHD: Final = "https://ichd-3.org/"
_EHF: Final = "https://pmc.ncbi.nlm.nih.gov/articles/PMC7296705/"
_AHS: Final = (
    "https://thejournalofheadacheandpain.biomedcentral.com/articles/10.1186/s10194-019-1040-x/tables/1"
)


@dataclass(frozen=True, slots=True)
class FlagWords:
    """A flag's name for clinicians, for patients, and where its criteria stand."""

    name: str
    plain: str
    source: str
    address: str


FLAG_WORDS: Final = {
    "ichd3_1_1": FlagWords(
        "Migraine without aura",
        "Migraine without aura",
        "ICHD-3 1.1",
        _ICHD + "1-migraine/1-1-migraine-without-aura/",
    ),
    "ichd3_1_2": FlagWords(
        "Migraine with aura", "Migraine with aura", "ICHD-3 1.2", _ICHD + "1-migraine/1-2-migraine-with-aura/"
    ),
    "ichd3_1_3": FlagWords(
        "Chronic migraine",
        "Chronic migraine, by the stricter medical list",
        "ICHD-3 1.3",
        _ICHD + "1-migraine/1-3-chronic-migraine/",
    ),
    "ichd3_1_4_1": FlagWords(
        "Status migrainosus",
        "One attack that goes on for more than 3 days",
        "ICHD-3 1.4.1",
        _ICHD + "1-migraine/1-4-complications-of-migraine/1-4-1-status-migrainosus/",
    ),
    "ichd3_1_5": FlagWords(
        "Probable migraine",
        "Probable migraine: all but one sign fits",
        "ICHD-3 1.5",
        _ICHD + "1-migraine/1-5-probable-migraine/",
    ),
    "ichd3_8_2": FlagWords(
        "Medication-overuse headache",
        "Headache from taking pain medicine on many days",
        "ICHD-3 8.2",
        _ICHD + "8-headache-attributed-to-a-substance-or-its-withdrawal/8-2-medication-overuse-headache-moh/",
    ),
    "ehf_resistant": FlagWords(
        "Resistant migraine",
        "Migraine that 3 kinds of preventive did not help (European list)",
        "EHF 2020, Sacco et al.",
        _EHF,
    ),
    "ehf_refractory": FlagWords(
        "Refractory migraine",
        "Migraine that no kind of preventive helped (European list)",
        "EHF 2020, Sacco et al.",
        _EHF,
    ),
    "ahs_refractory": FlagWords(
        "Refractory migraine",
        "Migraine that medicine did not help (American list)",
        "AHS 2008, Schulman et al.",
        _AHS,
    ),
}

CRITERION_WORDS: Final = {
    "ICHD-3 1.1 A": "At least 5 attacks",
    "ICHD-3 1.1 B": "Attacks of 4 to 72 hours, untreated or treated without success",
    "ICHD-3 1.1 C": "Two of: one-sided, pulsating, moderate or severe, worse on or avoiding activity",
    "ICHD-3 1.1 D": "Nausea or vomiting, or both light and sound sensitivity",
    "ICHD-3 1.2 A": "At least 2 attacks",
    "ICHD-3 1.2 B": "A fully reversible aura (weakness is left to the clinician)",
    "ICHD-3 1.2 C": (
        "Three of: spreads over 5 minutes, in succession, each 5 to 60 minutes, one-sided, positive,"
        " headache within 60 minutes"
    ),
    "ICHD-3 1.3 A": "Headache on 15 or more days a month for more than 3 months",
    "ICHD-3 1.3 B": "Attacks that fit 1.1 or 1.2",
    "ICHD-3 1.3 C": "Migraine on 8 or more days a month for more than 3 months",
    "ICHD-3 1.4.1 A": "In a person with 1.1 or 1.2",
    "ICHD-3 1.4.1 B": "Typical of earlier attacks",
    "ICHD-3 1.4.1 C1": "Unremitting for more than 72 hours (breaks up to 12 hours by sleep or medicine)",
    "ICHD-3 1.4.1 C2": "Debilitating",
    "ICHD-3 1.4.1 note": "No overuse of acute medicine (else code 8.2, or the migraine type alone)",
    "ICHD-3 1.5 A": "All but one criterion of 1.1 or 1.2",
    "ICHD-3 1.5 B": "Neither 1.1 nor 1.2",
    "ICHD-3 8.2 A": "Headache on 15 or more days a month",
    "ICHD-3 8.2.1": "Ergots on 10 or more days a month for more than 3 months",
    "ICHD-3 8.2.2": "Triptans on 10 or more days a month for more than 3 months",
    "ICHD-3 8.2.3": (
        "Acetaminophen, aspirin and other NSAIDs on 15 or more days a month for more than 3 months"
    ),
    "ICHD-3 8.2.4": "Opioids on 10 or more days a month for more than 3 months",
    "ICHD-3 8.2.5": "Combination analgesics on 10 or more days a month for more than 3 months",
    "ICHD-3 8.2.6": "Two or more classes on 10 or more days in all for more than 3 months",
    "ICHD-3 8.2.7": "As 8.2.6 where the days of each are not known (triptans, ergots, opioids, combinations)",
    "EHF 2020 migraine": "Migraine by ICHD-3 (1.1, 1.2 or 1.3)",
    "EHF 2020 days": "Debilitating headache on 8 or more days a month",
    "EHF 2020 months": "That many for 3 (resistant) or 6 (refractory) months in a row",
    "EHF 2020 triptans": "Two or more triptans did not help",
    "EHF 2020 classes": "Three or more classes of preventives failed or cannot be taken",
    "EHF 2020 all classes": "All classes of preventives failed or cannot be taken",
    "AHS 2008 migraine": "Migraine or chronic migraine",
    "AHS 2008 function": "Interferes with function",
    "AHS 2008 lifestyle": "In spite of changes in daily life",
    "AHS 2008 preventives": "Two or more of four classes of preventives failed",
    "AHS 2008 acute a": "A triptan and DHE (nasal or injected) failed",
    "AHS 2008 acute b": "An NSAID or a combination analgesic failed",
}

# What no form can judge, printed for the clinician.
NOT_JUDGED: Final = (
    "“Not better accounted for by another diagnosis” (1.1 E, 1.2 D, 1.3 D, 1.4.1 D, 8.2 C) is for the"
    " clinician: no form can judge it. A definite tension-type headache goes before probable migraine."
)

REMARK_WORDS: Final = {
    "chronic_not_1_3": (
        "Chronic by the articles but not (or not yet) by ICHD-3 1.3, which also asks for more than 3 months,"
        " 8 or more migraine days and a migraine history. Common in the first 3 months, in tension-type"
        " headache and in new daily persistent headache."
    ),
    "new_daily_persistent": (
        "Began on one day and has never let up: consider new daily persistent headache (ICHD-3 4.10)."
    ),
    "both_1_3_and_8_2": (
        "Chronic migraine and medication overuse are both given; about half return to episodic migraine after"
        " withdrawal."
    ),
    "status_set_aside_by_8_2": (
        "Status migrainosus is set aside by overuse of acute medicine: code 8.2, or the migraine type alone"
        " where it has gone on for 3 months or less."
    ),
    "acute_early_warning": (
        "Acute medicine on 9 or more days a month: close to overuse"
        " (AHS advises about 2 days a week at most)."
    ),
    "all_classes_in_the_us": (
        "“All classes” cannot be judged in the US: the calcium-channel blockers that EHF names are not sold"
        " there. Rule used: the six other classes must all have failed; without a failed calcium-channel"
        " blocker the verdict stays open."
    ),
}

# Remarks that a patient is told too, in plain words.
PLAIN_REMARKS: Final = {
    "chronic_not_1_3": (
        "Doctors want more than a count of days to call it chronic: it must go on for over 3 months, with"
        " migraine on 8 or more days a month. So the two lists can differ."
    ),
    "acute_early_warning": "You take medicine for attacks on many days. Ask a doctor how much is safe.",
}

OVERUSE_FOR_PATIENTS: Final = {
    Verdict.MET: (
        "You take pain medicine on so many days that it may itself cause headaches. Do not stop all at once"
        " on your own. Talk to a doctor about it first."
    ),
    Verdict.CANNOT_TELL: (
        "Pain medicine on 10 or more days a month can itself cause headaches. We do not know enough to tell."
        " Add your history, or ask a doctor."
    ),
    Verdict.NOT_MET: "Your answers do not point to headaches from too much pain medicine.",
}


@dataclass(frozen=True, slots=True)
class ExplainedCriterion:
    citation: str
    words: str
    verdict: str
    verdict_words: str
    said: tuple[Told, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedFlag:
    id: str
    words: FlagWords
    verdict: str
    verdict_words: str
    criteria: tuple[ExplainedCriterion, ...]


def explain_flags(
    clinical: Mapping[str, Any], lines: Iterable[Mapping[str, Any]]
) -> tuple[ExplainedFlag, ...]:
    """Each flag of a clinical report (screening.clinical_report, fresh or stored) with its reasons."""
    worded = told_answers(lines)
    return tuple(
        ExplainedFlag(
            flag,
            FLAG_WORDS[flag],
            judged["verdict"],
            VERDICT_WORDS[Verdict(judged["verdict"])],
            tuple(_criterion(criterion, worded) for criterion in judged["criteria"]),
        )
        for flag, judged in clinical["flags"].items()
    )


def _criterion(criterion: Mapping[str, Any], worded: Mapping[str, Told]) -> ExplainedCriterion:
    return ExplainedCriterion(
        citation=criterion["source"],
        words=CRITERION_WORDS[criterion["id"]],
        verdict=criterion["verdict"],
        verdict_words=VERDICT_WORDS[Verdict(criterion["verdict"])],
        said=tuple(worded[question_id] for question_id in criterion["said"]),
        missing=tuple(_stem(question_id) for question_id in criterion["missing"]),
    )


def _stem(question_id: str) -> str:
    question = QUESTIONNAIRE.find(question_id)
    return question.stem if question else question_id
