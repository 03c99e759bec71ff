"""What specialists would ask beside the articles' class: ICHD-3, EHF and AHS criteria, one function each.

Points to raise with the clinician, never mixed into the class. "Not better accounted for by another
diagnosis" (1.1 E, 1.2 D, 1.3 D, 1.4.1 D, 8.2 C) is nothing a form can judge: it is left out of the
verdict and printed for the clinician. Sources: shared criteria sections 2 and 3, docs/clinical-flags.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from screener.domain.answers import Answers
from screener.domain.next_step import ADULT_AGE
from screener.domain.question import Choice, Choices, Number, Question, YesNo
from screener.domain.questionnaire import (
    ACUTE_DAYS,
    ACUTE_OVER_3_MONTHS,
    ACUTE_RELIEF,
    ACUTE_TRIED,
    AGE,
    ANY_ACUTE_DAYS,
    ATTACKS_EVER,
    AURA_CLEARS,
    AURA_EACH,
    AURA_EVER,
    AURA_IN_A_ROW,
    AURA_ONE_SIDE,
    AURA_POSITIVE,
    AURA_SPREAD,
    AURA_TO_PAIN,
    AURA_TYPES,
    BREAK_CAUSE,
    CHANGES,
    CONTINUOUS_SINCE_START,
    DAYS_LOST,
    DEBIL_DAYS,
    DEBIL_MONTHS,
    DHE_TRIED,
    HEAD_DAYS,
    LIFESTYLE_RELIEF,
    LONGEST_BREAK,
    MIG_DAYS,
    MONTHS_AT_RATE,
    NOW_AS_USUAL,
    NOW_LENGTH,
    NOW_PAIN,
    NOW_STOPS_ME,
    PREVENTIVE_OUTCOME,
    PREVENTIVES_TRIED,
    PULSATING,
    SEVERITY,
    SIDE,
    STOPS_ME,
    SYMPTOMS,
    TREATED_LENGTH,
    TRIPTANS_COUNT,
    UNTREATED_LENGTH,
    USUAL_RELIEF,
    WORSE_ON_ACTIVITY,
)
from screener.domain.verdict import Criterion, Judgement, Verdict, all_of, any_of, at_least, not_

MET, NOT_MET, CANNOT_TELL = Verdict.MET, Verdict.NOT_MET, Verdict.CANNOT_TELL

MODERATE_PAIN: Final = 4  # of 10: our convention, ICHD-3 says "moderate or severe"
MANY_HEAD_DAYS: Final = 15
MIGRAINE_DAYS: Final = 8
DEBILITATING_DAYS: Final = 8
EARLY_WARNING_DAYS: Final = 9  # AHS: acute medicine on no more than about 2 days a week

# ICHD-3 8.2.1-8.2.5: days of use a month from which a class is overused; one line covers all its members.
OVERUSE_LINES: Final = {
    "8.2.1": (("ergot",), 10),
    "8.2.2": (("triptan",), 10),
    "8.2.3": (("simple_analgesic", "nsaid"), 15),
    "8.2.4": (("opioid",), 10),
    "8.2.5": (("combination",), 10),
}
SEVERAL_CLASSES_DAYS: Final = 10  # 8.2.6
# 8.2.7, amounts not known: on ten days one of these, or several of them, went over a line.
_TEN_DAY_MEDICINES: Final = tuple(
    code for codes, bound in OVERUSE_LINES.values() if bound == SEVERAL_CLASSES_DAYS for code in codes
)
_COUNTED: Final = tuple(code for codes, _ in OVERUSE_LINES.values() for code in codes)

_LITTLE_RELIEF: Final = {"none", "a_little"}
_FAILED: Final = {"not_enough", "side_effects", "cannot_take"}
# EHF's classes but the calcium-channel blockers it names, which are not sold in the US.
_EHF_IN_THE_US: Final = ("antidepressant", "antiepileptic", "beta_blocker", "cgrp", "ace_arb", "botulinum")
_EHF_CLASSES: Final = (*_EHF_IN_THE_US, "calcium_channel", "other")
_AHS_CLASSES: Final = ("beta_blocker", "antiepileptic", "antidepressant", "calcium_channel")
EHF_RESISTANT_CLASSES: Final = 3
AHS_CLASSES: Final = 2
EHF_RESISTANT_MONTHS, EHF_REFRACTORY_MONTHS = 3, 6

FLAGS: Final = (
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


@dataclass(frozen=True, slots=True)
class ClinicalFlags:
    """Every flag judged, and remarks (codes of `REMARK_WORDS`) where they need explaining."""

    flags: dict[str, Judgement]
    remarks: tuple[str, ...]
    conflicts: tuple[tuple[str, str], ...]

    def __getitem__(self, flag: str) -> Judgement:
        return self.flags[flag]


def judge_flags(answers: Answers) -> ClinicalFlags:
    """Every flag of `FLAGS`, none of which the article class reads."""
    judge = _Judge(answers)
    flags = {flag: getattr(judge, flag) for flag in FLAGS}
    return ClinicalFlags(flags, tuple(_remarks(answers, flags)), judge.conflicts)


def _remarks(answers: Answers, flags: dict[str, Judgement]) -> Iterable[str]:
    head_days = answers[HEAD_DAYS]
    if head_days is not None and head_days >= MANY_HEAD_DAYS and flags["ichd3_1_3"].verdict is NOT_MET:
        yield "chronic_not_1_3"
    if answers[CONTINUOUS_SINCE_START] is True:
        yield "new_daily_persistent"
    if flags["ichd3_8_2"].verdict is MET:
        if flags["ichd3_1_3"].verdict is MET:
            yield "both_1_3_and_8_2"
    elif max(_told_days(answers), default=0) >= EARLY_WARNING_DAYS:
        yield "acute_early_warning"
    *status, no_overuse = flags["ichd3_1_4_1"].criteria
    if no_overuse.verdict is NOT_MET and all(criterion.verdict is MET for criterion in status):
        yield "status_set_aside_by_8_2"
    if flags["ehf_refractory"].verdict is CANNOT_TELL and _only_calcium_is_open(answers):
        yield "all_classes_in_the_us"


def _told_days(answers: Answers) -> list[int]:
    """Days of acute medicine, of each and of any."""
    told = (answers[question] for question in (ANY_ACUTE_DAYS, *ACUTE_DAYS.values()))
    return [days for days in told if days is not None]


def _only_calcium_is_open(answers: Answers) -> bool:
    tried = answers[PREVENTIVES_TRIED]
    failed = all(answers[PREVENTIVE_OUTCOME[code]] in _FAILED for code in _EHF_IN_THE_US)
    return failed and tried is not None and "calcium_channel" not in tried


class _Judge:
    """The flags of one person; those that build on another share it."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    # ------------------------------------------------------------ small truths

    def _is(self, question: YesNo, *, value: bool = True) -> Verdict:
        said = self.answers[question]
        return Verdict.of(None if said is None else said is value)

    def _one_of(self, question: Choice, codes: set[str]) -> Verdict:
        said = self.answers[question]
        return Verdict.of(None if said is None else said in codes)

    def _reaches(self, question: Number, bound: int) -> Verdict:
        said = self.answers[question]
        return Verdict.of(None if said is None else said >= bound)

    def _ticked(self, question: Choices, *codes: str) -> Verdict:
        said = self.answers[question]
        return Verdict.of(None if said is None else any(code in said for code in codes))

    def _criterion(self, where: str, verdict: Verdict, *read: Question) -> Criterion:
        missing = self.answers.missing(*self._asked(read)) if verdict is CANNOT_TELL else ()
        return Criterion(where, verdict, where, self.answers.said(*read), missing)

    def _asked(self, read: Iterable[Question]) -> list[Question]:
        return [question for question in read if self.answers.was_asked(question)]

    # ------------------------------------------------------------ ICHD-3 migraine

    @cached_property
    def ichd3_1_1(self) -> Judgement:
        """1.1 Migraine without aura."""
        pain = at_least(
            2,
            self._one_of(SIDE, {"one", "changes"}),
            self._is(PULSATING),
            self._reaches(SEVERITY, MODERATE_PAIN),
            self._is(WORSE_ON_ACTIVITY),
        )
        with_it = any_of(
            self._ticked(SYMPTOMS, "nausea", "vomiting"),
            all_of(self._ticked(SYMPTOMS, "light"), self._ticked(SYMPTOMS, "sound")),
        )
        attacks = self._one_of(ATTACKS_EVER, {"five_or_more"})
        return _all(
            self._criterion("ICHD-3 1.1 A", attacks, ATTACKS_EVER),
            self._criterion(
                "ICHD-3 1.1 B", self._untreated_4_to_72(), UNTREATED_LENGTH, TREATED_LENGTH, USUAL_RELIEF, AGE
            ),
            self._criterion("ICHD-3 1.1 C", pain, SIDE, PULSATING, SEVERITY, WORSE_ON_ACTIVITY),
            self._criterion("ICHD-3 1.1 D", with_it, SYMPTOMS),
        )

    def _untreated_4_to_72(self) -> Verdict:
        """Untreated, or treated without success; under 18 the floor is 2 h, which the bands can't tell."""
        lengths = {self.answers[UNTREATED_LENGTH]}
        if self.answers[USUAL_RELIEF] in _LITTLE_RELIEF:
            lengths.add(self.answers[TREATED_LENGTH])
        fits = {self._is_4_to_72(length) for length in lengths - {None, "never_treated"}}
        # Where the two lengths do not agree, nobody can tell which of them is the usual one.
        return fits.pop() if len(fits) == 1 else CANNOT_TELL

    def _is_4_to_72(self, length: str | None) -> Verdict:
        age = self.answers[AGE]
        if length == "under_4h":
            return NOT_MET if age is not None and age >= ADULT_AGE else CANNOT_TELL
        return Verdict.of(length != "over_72h")

    @cached_property
    def ichd3_1_2(self) -> Judgement:
        """1.2 Migraine with aura. Weakness, a first or a very long aura is for the clinician: no verdict."""
        if self.answers[AURA_EVER] is False:
            return _all(*(self._criterion(f"ICHD-3 1.2 {letter}", NOT_MET, AURA_EVER) for letter in "ABC"))
        return _all(
            self._criterion("ICHD-3 1.2 A", self._two_auras(), ATTACKS_EVER, CHANGES),
            self._criterion(
                "ICHD-3 1.2 B", self._reversible_aura(), AURA_EVER, AURA_TYPES, AURA_EACH, AURA_CLEARS
            ),
            self._criterion(
                "ICHD-3 1.2 C",
                self._aura_features(),
                AURA_SPREAD,
                AURA_IN_A_ROW,
                AURA_EACH,
                AURA_ONE_SIDE,
                AURA_POSITIVE,
                AURA_TO_PAIN,
                AURA_TYPES,
            ),
        )

    def _two_auras(self) -> Verdict:
        """A first aura is not yet two; the change that was ticked may also mean a long one."""
        first = self._ticked(CHANGES, "first_or_long_aura")
        return all_of(
            self._one_of(ATTACKS_EVER, {"two_to_four", "five_or_more"}),
            MET if first is NOT_MET else CANNOT_TELL,
        )

    def _reversible_aura(self) -> Verdict:
        """Weakness and an aura of over an hour are red flags, not a class."""
        if self.answers.has(AURA_TYPES, "weakness") or self.answers[AURA_EACH] == "over_60_min":
            return CANNOT_TELL
        kinds = self.answers[AURA_TYPES]
        return all_of(Verdict.of(None if kinds is None else True), self._is(AURA_CLEARS))

    def _aura_features(self) -> Verdict:
        # Aphasia always counts as one-sided.
        one_side = any_of(self._ticked(AURA_TYPES, "speech"), self._is(AURA_ONE_SIDE))
        return at_least(
            3,
            self._one_of(AURA_SPREAD, {"5_min_or_more"}),
            self._is(AURA_IN_A_ROW),
            self._one_of(AURA_EACH, {"5_to_60_min"}),
            one_side,
            self._is(AURA_POSITIVE),
            self._one_of(AURA_TO_PAIN, {"with_or_within_60_min"}),
        )

    @cached_property
    def migraine(self) -> Verdict:
        """ICHD-3 migraine of either kind."""
        return any_of(self.ichd3_1_1.verdict, self.ichd3_1_2.verdict)

    @cached_property
    def ichd3_1_3(self) -> Judgement:
        """1.3 Chronic migraine."""
        often = self._reaches(HEAD_DAYS, MANY_HEAD_DAYS)
        for_long = self._one_of(MONTHS_AT_RATE, {"over_3"})
        on_days = all_of(self._reaches(MIG_DAYS, MIGRAINE_DAYS), for_long)
        return _all(
            self._criterion("ICHD-3 1.3 A", all_of(often, for_long), HEAD_DAYS, MONTHS_AT_RATE),
            self._criterion("ICHD-3 1.3 B", self.migraine, *_MIGRAINE_QUESTIONS),
            self._criterion("ICHD-3 1.3 C", on_days, MIG_DAYS, MONTHS_AT_RATE),
        )

    @cached_property
    def ichd3_1_4_1(self) -> Judgement:
        """1.4.1 Status migrainosus; set aside by medication overuse, of whatever length."""
        return _all(
            self._criterion("ICHD-3 1.4.1 A", self.migraine, *_MIGRAINE_QUESTIONS),
            self._criterion("ICHD-3 1.4.1 B", self._is(NOW_AS_USUAL), NOW_AS_USUAL),
            self._criterion(
                "ICHD-3 1.4.1 C1", self._unremitting(), NOW_PAIN, NOW_LENGTH, LONGEST_BREAK, BREAK_CAUSE
            ),
            self._criterion("ICHD-3 1.4.1 C2", self._is(NOW_STOPS_ME), NOW_STOPS_ME),
            self._criterion(
                "ICHD-3 1.4.1 note", not_(self._overuse_by_days), ACUTE_TRIED, ANY_ACUTE_DAYS, *_DAYS_COUNTED
            ),
        )

    def _unremitting(self) -> Verdict:
        """More than 72 h; breaks of up to 12 h by sleep or medicine are accepted."""
        if self.answers[NOW_PAIN] is False:
            return NOT_MET
        break_accepted = any_of(
            self._one_of(LONGEST_BREAK, {"none"}),
            all_of(
                self._one_of(LONGEST_BREAK, {"up_to_12h"}), self._one_of(BREAK_CAUSE, {"sleep", "medicine"})
            ),
        )
        return all_of(self._one_of(NOW_LENGTH, {"over_72h"}), break_accepted)

    @cached_property
    def ichd3_1_5(self) -> Judgement:
        """1.5 Probable migraine: all but one of 1.1 A-D or of 1.2 A-C, and neither of them."""
        missing_one = any_of(_all_but_one(self.ichd3_1_1), _all_but_one(self.ichd3_1_2))
        return _all(
            self._criterion("ICHD-3 1.5 A", missing_one, *_MIGRAINE_QUESTIONS),
            self._criterion("ICHD-3 1.5 B", not_(self.migraine), *_MIGRAINE_QUESTIONS),
        )

    # ------------------------------------------------------------ ICHD-3 medication overuse

    @cached_property
    def ichd3_8_2(self) -> Judgement:
        """8.2 Medication-overuse headache, by class of medicine."""
        lasting = self._is(ACUTE_OVER_3_MONTHS)

        def line(code: str, taken: Verdict, *read: Question) -> Criterion:
            shared = (ACUTE_TRIED, ANY_ACUTE_DAYS, ACUTE_OVER_3_MONTHS)
            return self._criterion(f"ICHD-3 {code}", all_of(taken, lasting), *read, *shared)

        often = self._criterion("ICHD-3 8.2 A", self._reaches(HEAD_DAYS, MANY_HEAD_DAYS), HEAD_DAYS)
        lines = [
            *(
                line(
                    code, self._taken_on(medicines, bound), *(ACUTE_DAYS[medicine] for medicine in medicines)
                )
                for code, (medicines, bound) in OVERUSE_LINES.items()
            ),
            line("8.2.6", self._several_classes(), *_DAYS_COUNTED),
            line("8.2.7", self._taken_on(_TEN_DAY_MEDICINES, SEVERAL_CLASSES_DAYS), *_DAYS_COUNTED),
        ]
        overused = any_of(*(criterion.verdict for criterion in lines))
        return Judgement(all_of(often.verdict, overused), (often, *lines))

    @cached_property
    def _overuse_by_days(self) -> Verdict:
        """Use beyond a line, however long it has gone on."""
        return any_of(
            *(self._taken_on(medicines, bound) for medicines, bound in OVERUSE_LINES.values()),
            self._several_classes(),
            self._taken_on(_TEN_DAY_MEDICINES, SEVERAL_CLASSES_DAYS),
        )

    def _several_classes(self) -> Verdict:
        """8.2.6: ten days in all of medicines of two or more of the counted classes."""
        used = at_least(2, *(self._taken_on(codes, 1) for codes, _ in OVERUSE_LINES.values()))
        return all_of(used, self._taken_on(_COUNTED, SEVERAL_CLASSES_DAYS))

    def _taken_on(self, codes: tuple[str, ...], days: int) -> Verdict:
        """Whether any of these was taken on so many days."""
        fewest, most = self._days_of_any(codes)
        return Verdict.of(True if fewest >= days else None if most >= days else False)

    def _days_of_any(self, codes: tuple[str, ...]) -> tuple[int, int]:
        """Fewest and most days (of 30) on which one of these was taken, as far as the answers bound it."""
        each = [self._days_of(code) for code in codes]
        fewest = max(low for low, _ in each)
        most = min(30, sum(high for _, high in each))
        total = self.answers[ANY_ACUTE_DAYS]
        if self.conflicts:
            # Days that do not fit each other: only what was said of each medicine by itself still holds.
            return fewest, 30 if most else 0
        if total is not None:
            most = min(most, total)
            # Days that no other medicine can account for.
            others = sum(high for _, high in (self._days_of(c) for c in ACUTE_DAYS if c not in codes))
            fewest = max(fewest, total - others)
        return fewest, max(fewest, most)

    @cached_property
    def conflicts(self) -> tuple[tuple[str, str], ...]:
        """Days of any medicine that are fewer than one's own, or more than all of theirs together."""
        total = self.answers[ANY_ACUTE_DAYS]
        if total is None:
            return ()
        own = {question.id: self.answers[question] for question in ACUTE_DAYS.values()}
        beyond = tuple((ANY_ACUTE_DAYS.id, i) for i, days in own.items() if days is not None and days > total)
        together = sum(high for _, high in map(self._days_of, ACUTE_DAYS))
        return beyond or (((ANY_ACUTE_DAYS.id, ACUTE_TRIED.id),) if together < total else ())

    def _days_of(self, code: str) -> tuple[int, int]:
        days = self.answers[ACUTE_DAYS[code]]
        if days is not None:
            return days, days
        tried = self.answers[ACUTE_TRIED]
        return (0, 0) if tried is not None and code not in tried else (0, 30)

    # ------------------------------------------------------------ treatment failure

    @cached_property
    def ehf_resistant(self) -> Judgement:
        """EHF 2020 resistant migraine: three classes of preventives failed, for 3 months."""
        failed = at_least(EHF_RESISTANT_CLASSES, *(self._failed(code) for code in _EHF_CLASSES))
        return _all(
            *self._ehf_base(EHF_RESISTANT_MONTHS),
            self._criterion("EHF 2020 classes", failed, PREVENTIVES_TRIED, *PREVENTIVE_OUTCOME.values()),
        )

    @cached_property
    def ehf_refractory(self) -> Judgement:
        """EHF 2020 refractory migraine: all classes failed, for 6 months.

        Its calcium-channel blockers are not sold in the US: where all others failed and none of them helps,
        nobody can tell. "Other established" preventives count where one was tried.
        """
        in_the_us = all_of(*(self._failed(code) for code in _EHF_IN_THE_US))
        calcium = self._failed("calcium_channel")
        if calcium is NOT_MET and self.answers[PREVENTIVE_OUTCOME["calcium_channel"]] != "helps":
            calcium = CANNOT_TELL
        other = self._failed("other") if self._has_tried("other") else MET
        return _all(
            *self._ehf_base(EHF_REFRACTORY_MONTHS),
            self._criterion(
                "EHF 2020 all classes",
                all_of(in_the_us, calcium, other),
                PREVENTIVES_TRIED,
                *PREVENTIVE_OUTCOME.values(),
            ),
        )

    def _has_tried(self, code: str) -> bool:
        return self.answers.has(PREVENTIVES_TRIED, code)

    def _ehf_base(self, months: int) -> tuple[Criterion, ...]:
        two_triptans = all_of(
            self._one_of_tried("triptan"),
            self._one_of(TRIPTANS_COUNT, {"two_or_more"}),
            self._one_of(ACUTE_RELIEF["triptan"], _LITTLE_RELIEF),
        )
        return (
            self._criterion(
                "EHF 2020 migraine", any_of(self.migraine, self.ichd3_1_3.verdict), *_ANY_MIGRAINE_QUESTIONS
            ),
            self._criterion("EHF 2020 days", self._debilitating_days(), HEAD_DAYS, DEBIL_DAYS),
            self._criterion(
                "EHF 2020 months",
                all_of(self._debilitating_days(), self._reaches(DEBIL_MONTHS, months)),
                DEBIL_DAYS,
                DEBIL_MONTHS,
            ),
            self._criterion(
                "EHF 2020 triptans", two_triptans, ACUTE_TRIED, TRIPTANS_COUNT, ACUTE_RELIEF["triptan"]
            ),
        )

    def _debilitating_days(self) -> Verdict:
        """Days with debilitating headache are days with headache."""
        return all_of(
            self._reaches(HEAD_DAYS, DEBILITATING_DAYS), self._reaches(DEBIL_DAYS, DEBILITATING_DAYS)
        )

    @cached_property
    def ahs_refractory(self) -> Judgement:
        """AHS (Schulman 2008) refractory migraine."""
        interferes = any_of(self._one_of(STOPS_ME, {"harder", "cannot"}), self._reaches(DAYS_LOST, 1))
        preventives = at_least(AHS_CLASSES, *(self._failed(code) for code in _AHS_CLASSES))
        group_a = all_of(self._acute_failed("triptan"), self._acute_failed("ergot"), self._tried_dhe())
        group_b = any_of(self._acute_failed("nsaid"), self._acute_failed("combination"))
        return _all(
            self._criterion(
                "AHS 2008 migraine", any_of(self.migraine, self.ichd3_1_3.verdict), *_ANY_MIGRAINE_QUESTIONS
            ),
            self._criterion("AHS 2008 function", interferes, STOPS_ME, DAYS_LOST),
            self._criterion(
                "AHS 2008 lifestyle", self._one_of(LIFESTYLE_RELIEF, _LITTLE_RELIEF), LIFESTYLE_RELIEF
            ),
            self._criterion("AHS 2008 preventives", preventives, PREVENTIVES_TRIED, *_AHS_OUTCOMES),
            self._criterion(
                "AHS 2008 acute a",
                group_a,
                ACUTE_TRIED,
                ACUTE_RELIEF["triptan"],
                ACUTE_RELIEF["ergot"],
                DHE_TRIED,
            ),
            self._criterion(
                "AHS 2008 acute b", group_b, ACUTE_TRIED, ACUTE_RELIEF["nsaid"], ACUTE_RELIEF["combination"]
            ),
        )

    def _tried_dhe(self) -> Verdict:
        return all_of(self._one_of_tried("ergot"), self._is(DHE_TRIED))

    def _one_of_tried(self, code: str) -> Verdict:
        return self._ticked(ACUTE_TRIED, code)

    def _acute_failed(self, code: str) -> Verdict:
        return all_of(self._one_of_tried(code), self._one_of(ACUTE_RELIEF[code], _LITTLE_RELIEF))

    def _failed(self, code: str) -> Verdict:
        """A class of preventives failed: no benefit in a full trial, not tolerated, or contraindicated."""
        return all_of(self._ticked(PREVENTIVES_TRIED, code), self._one_of(PREVENTIVE_OUTCOME[code], _FAILED))


_MIGRAINE_QUESTIONS: Final[tuple[Question, ...]] = (
    ATTACKS_EVER,
    UNTREATED_LENGTH,
    TREATED_LENGTH,
    USUAL_RELIEF,
    AGE,
    SIDE,
    PULSATING,
    SEVERITY,
    WORSE_ON_ACTIVITY,
    SYMPTOMS,
    CHANGES,
    AURA_EVER,
    AURA_TYPES,
    AURA_EACH,
    AURA_CLEARS,
    AURA_SPREAD,
    AURA_IN_A_ROW,
    AURA_ONE_SIDE,
    AURA_POSITIVE,
    AURA_TO_PAIN,
)
_ANY_MIGRAINE_QUESTIONS: Final = (*_MIGRAINE_QUESTIONS, HEAD_DAYS, MONTHS_AT_RATE, MIG_DAYS)
_DAYS_COUNTED: Final = tuple(ACUTE_DAYS[code] for code in _COUNTED)
_AHS_OUTCOMES: Final = tuple(PREVENTIVE_OUTCOME[code] for code in _AHS_CLASSES)


def _all(*criteria: Criterion) -> Judgement:
    return Judgement(all_of(*(criterion.verdict for criterion in criteria)), criteria)


def _all_but_one(judgement: Judgement) -> Verdict:
    """Exactly one criterion not met."""
    verdicts = [criterion.verdict for criterion in judgement.criteria]
    unmet, unknown = verdicts.count(NOT_MET), verdicts.count(CANNOT_TELL)
    if unmet > 1:
        return NOT_MET
    if unknown:
        return CANNOT_TELL
    return Verdict.of(unmet == 1)
