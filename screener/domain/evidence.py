"""What is known about ketamine for migraine, and what is not: kept apart from any clinic's own words.

Nothing here promises relief, names a dose or sells. Each statement stands twice: in plain words for patients,
in full for staff. Sources: shared criteria section 8; each study's abstract was read again when reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Final

REVIEWED: Final = date(2026, 11, 22)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a statement can be checked, and how much of it was read for this page."""

    name: str
    url: str
    read: str = "abstract"

    @property
    def address(self) -> str:
        """The link as a reader sees it and can copy from paper."""
        return self.url.removeprefix("https://").removeprefix("www.").removesuffix("/")


@dataclass(frozen=True, slots=True)
class Statement:
    words: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """One heading: what patients read under it, and what staff read."""

    key: str
    heading: str
    plain: tuple[Statement, ...]
    full: tuple[Statement, ...]

    @property
    def plain_sources(self) -> tuple[Source, ...]:
        return _once(source for statement in self.plain for source in statement.sources)


@dataclass(frozen=True, slots=True)
class Check:
    """What a clinic should ask before ketamine, and why; the `ket_*` questions ask the same."""

    plain: str
    full: str
    sources: tuple[Source, ...] = ()


class Design(Enum):
    """How far a study can tell cause from chance."""

    RANDOMIZED = "Randomized, with a comparison group"
    REVIEW = "Review of randomized trials"
    UNCONTROLLED = "No comparison group"


@dataclass(frozen=True, slots=True)
class Study:
    name: str
    design: Design
    who: str
    how_many: int
    compared_with: str
    result: str
    source: Source


class Holds(Enum):
    """How an article's claim stands beside its real source."""

    RIGHT = "right"
    PARTLY = "partly right"
    MISLEADING = "misleading"
    WRONG = "wrong"
    NOT_FOUND = "not found"


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of one or more of the seed articles, in our own words, beside what its source says."""

    articles: tuple[str, ...]
    said: str
    found: str
    holds: Holds
    plain_said: str
    plain_found: str
    # Empty only where no source was found.
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it, as the two evidence pages render it."""

    reviewed: date
    articles: Mapping[str, str]
    topics: tuple[Topic, ...]
    checks: tuple[Check, ...]
    studies: tuple[Study, ...]
    claims: tuple[Claim, ...]

    @property
    def reviewed_words(self) -> str:
        return f"{self.reviewed:%B} {self.reviewed.day}, {self.reviewed.year}"

    @property
    def sources(self) -> tuple[Source, ...]:
        """Each source once, in the order met."""
        statements = (s for topic in self.topics for s in (*topic.plain, *topic.full))
        return _once(
            (
                *(source for statement in statements for source in statement.sources),
                *(source for check in self.checks for source in check.sources),
                *(study.source for study in self.studies),
                *(source for claim in self.claims for source in claim.sources),
            )
        )

    def topic(self, key: str) -> Topic:
        return next(topic for topic in self.topics if topic.key == key)


def _once(sources: Iterable[Source]) -> tuple[Source, ...]:
    return tuple(dict.fromkeys(sources))


# ---------------------------------------------------------------- sources

_LABEL = Source(
    "FDA label of ketamine injection (Hospira)",
    "https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid=390f2db8-0fcd-4648-b584-9effa084be27",
    "indication and warnings",
)
_OLDER_LABEL = Source(
    "FDA label of ketamine injection (Mylan)",
    "https://fda.report/DailyMed/505dc937-694d-4a3a-befa-aae20071b4c7",
    "special note",
)
_SPRAY_NOTICE = Source(
    "FDA notice of February 16, 2022, on compounded ketamine nose spray",
    "https://www.fda.gov/drugs/human-drug-compounding/"
    "fda-alerts-health-care-professionals-potential-risks-associated-compounded-ketamine-nasal-spray",
    "news report",
)
_COMPOUNDED_NOTICE = Source(
    "News report of the FDA notice of October 10, 2023, on compounded ketamine",
    "https://www.drugs.com/news/fda-warns-dangers-compounded-ketamine-psychiatric-115482.html",
    "news report",
)
_CONSENSUS = Source(
    "Consensus guideline of ASRA, AAPM and ASA on ketamine infusions for chronic pain,"
    " Cohen and others, Reg Anesth Pain Med 2018;43:521",
    "https://www.guidelinecentral.com/guideline/8150/",
    "summary",
)
_AHS_2025 = Source(
    "News report of the American Headache Society's guideline for emergency departments, 2025",
    "https://www.healthday.com/healthpro-news/pain-management/"
    "guidelines-updated-on-use-of-parenteral-meds-for-migraine-in-emergency-department",
    "news report",
)
_ETCHISON = Source(
    "Etchison and others, West J Emerg Med 2018",
    "https://pmc.ncbi.nlm.nih.gov/articles/PMC6225951/",
)
_ZITEK = Source(
    "Zitek and others, Ann Emerg Med 2018;71:369",
    "https://doi.org/10.1016/j.annemergmed.2017.08.063",
)
_BENISH = Source(
    "Benish and others (the THINK trial), J Emerg Med 2019;56:248",
    "https://pubmed.ncbi.nlm.nih.gov/30910061/",
)
_AFRIDI = Source(
    "Afridi and others, Neurology 2013;80:642",
    "https://pubmed.ncbi.nlm.nih.gov/23365053/",
)
_CHAH = Source(
    "Chah and others, J Dent Anesth Pain Med 2021;21:413",
    "https://pmc.ncbi.nlm.nih.gov/articles/PMC8520840/",
)
_LAURITSEN = Source(
    "Lauritsen and others, J Headache Pain 2016;17:106",
    "https://thejournalofheadacheandpain.biomedcentral.com/articles/10.1186/s10194-016-0700-3",
)
_POMEROY = Source(
    "Pomeroy and others, Headache 2017",
    "https://pubmed.ncbi.nlm.nih.gov/28025837/",
)
_SCHWENK = Source(
    "Schwenk and others, Reg Anesth Pain Med 2018;43:875",
    "https://pubmed.ncbi.nlm.nih.gov/29923953/",
)
_ASA_RELEASE = Source(
    "Press release on the abstract of Rangavajjula, Schwenk and others, Anesthesiology 2017",
    "https://www.brightsurf.com/news/article/102117441895/"
    "ketamine-may-help-treat-migraine-pain-unresponsive-to-other-therapies.html",
    "press release",
)
_ASA_NEWS = Source(
    "News report of the same abstract, with its side effects",
    "https://www.healio.com/news/primary-care/20171130/ketamine-effective-as-migraine-treatment",
    "news report",
)
_YUAN = Source(
    "Yuan and others, Reg Anesth Pain Med 2023;48:581",
    "https://rapm.bmj.com/content/early/2023/05/03/rapm-2022-104223",
)
_PATIL = Source(
    "Patil and Anitescu, Pain Medicine 2012;13:263",
    "https://pubmed.ncbi.nlm.nih.gov/21939497/",
)
_KRUSZ = Source(
    "Krusz, J Pain 2010 (an abstract only)",
    "https://www.jpain.org/article/S1526-5900(10)00195-1/fulltext",
)
_PREVALENCE = Source(
    "Cohen and others, Headache 2024;64:516",
    "https://pubmed.ncbi.nlm.nih.gov/38700185/",
)

# ---------------------------------------------------------------- what is known, topic by topic

_USE = Topic(
    key="use",
    heading="What ketamine is for",
    plain=(
        Statement(
            "The FDA approved ketamine for one use: to put people to sleep so that they can have surgery.",
            (_LABEL,),
        ),
        Statement(
            "It has not approved ketamine for migraine. Such use is called “off-label”. A doctor may do this,"
            " but the FDA has not checked how well it works for migraine.",
            (_LABEL,),
        ),
        Statement("The law controls ketamine, since some people misuse it.", (_LABEL, _COMPOUNDED_NOTICE)),
    ),
    full=(
        Statement(
            "FDA-approved as a general anesthetic only; a schedule III controlled substance."
            " Any use for migraine is off-label.",
            (_LABEL,),
        ),
        Statement(
            "Compounded ketamine, such as a nose spray, is not FDA-approved: the FDA has reviewed neither its"
            " safety nor its quality, and warned of it twice.",
            (_SPRAY_NOTICE, _COMPOUNDED_NOTICE),
        ),
    ),
)

_FINDINGS = Topic(
    key="findings",
    heading="What studies found",
    plain=(
        Statement(
            "Three small studies in emergency rooms split people by chance into two groups. One group got"
            " ketamine. In the first study, it did no better than salt water. In the second, a standard drug"
            " eased the pain more. In the third, a ketamine nose spray did not beat standard drugs.",
            (_ETCHISON, _ZITEK, _BENISH),
        ),
        Statement(
            "One small study looked at people with a long aura. With a nose spray, the aura was milder"
            " but no shorter. Only 18 of 30 people went through to the end.",
            (_AFRIDI,),
        ),
        Statement(
            "Some hospitals looked back at people who got ketamine through a needle for days. Many had less"
            " pain when they went home. But no one looked at a like group without ketamine. So we"
            " do not know how much of it came from the drug.",
            (_LAURITSEN, _POMEROY, _SCHWENK),
        ),
        Statement("In one of these groups, 4 in 10 still had less pain about 5 weeks later.", (_SCHWENK,)),
        Statement(
            "For short visits at a clinic, we found no study of chronic migraine that split people by chance."
            " Yet this is how many clinics give it."
        ),
        Statement(
            "In 2018, groups of experts found weak proof or none that it eases migraine pain right away. They"
            " found no proof that it works for longer.",
            (_CONSENSUS,),
        ),
    ),
    full=(
        Statement(
            "Small studies without a comparison group report short-term relief in many people;"
            " controlled trials so far have not shown it works better than standard treatment.",
            (_CHAH, _SCHWENK, _POMEROY, _LAURITSEN),
        ),
        Statement(
            "No randomized trial of outpatient infusion for chronic migraine was found. Prolonged infusion is"
            " known from uncontrolled inpatient series only.",
        ),
        Statement(
            "Consensus guideline 2018: for headache, evidence of immediate improvement is weak or absent"
            " (grade D, low certainty); outside complex regional pain syndrome there is none of medium-term"
            " or long-term benefit.",
            (_CONSENSUS,),
        ),
        Statement(
            "American Headache Society 2025, emergency departments: ketamine is rated level U, too little"
            " evidence for a recommendation.",
            (_AHS_2025,),
        ),
    ),
)

_RISKS = Topic(
    key="risks",
    heading="Side effects and risks",
    plain=(
        Statement(
            "People may feel drowsy or sick to the stomach, see a blur, or have odd dreams. Some see or hear"
            " things that are not there, or feel outside of their own body.",
            (_LABEL, _ASA_NEWS, _LAURITSEN),
        ),
        Statement(
            "In one study of a ketamine nose spray, 3 in 4 people had a side effect."
            " The authors warn that people could use it too often.",
            (_YUAN,),
        ),
        Statement("It can make your blood pressure go up and your heart beat fast.", (_LABEL,)),
        Statement("With long or frequent use, it can harm the bladder and the liver.", (_LABEL,)),
        Statement("It may harm an unborn baby.", (_LABEL,)),
        Statement(
            "Some drug stores mix their own ketamine, such as nose sprays. The FDA has not checked those,"
            " and it has warned about them.",
            (_SPRAY_NOTICE, _COMPOUNDED_NOTICE),
        ),
        Statement(
            "Do not drive home. A clinic should keep you until you are fully awake,"
            " and an adult should take you home.",
            (_LABEL, _OLDER_LABEL),
        ),
    ),
    full=(
        Statement(
            "Emergence reactions in about 12% on the label, where it is used as an anesthetic: vivid dreams,"
            " hallucinations, confusion, agitation.",
            (_LABEL, _OLDER_LABEL),
        ),
        Statement(
            "Raised blood pressure and heart rate; contraindicated where a large rise in blood pressure would"
            " be dangerous, and in hypersensitivity to ketamine.",
            (_LABEL,),
        ),
        Statement(
            "Bladder harm with chronic use; liver injury with repeated use; fetal brain risk."
            " Raised pressure in the eye is a caution of label and guideline.",
            (_LABEL, _CONSENSUS),
        ),
        Statement(
            "Intranasal use at home: 74% of 169 patients reported at least one adverse event,"
            " and the authors name the potential for overuse.",
            (_YUAN,),
        ),
        Statement(
            "Misuse, psychiatric events and slowed breathing are named in the FDA's notices.",
            (_SPRAY_NOTICE, _COMPOUNDED_NOTICE),
        ),
        Statement(
            "After a visit: no driving, and release only when recovered, with a responsible adult.",
            (_LABEL, _OLDER_LABEL),
        ),
    ),
)

_COST = Topic(
    key="cost",
    heading="Cost and insurance",
    plain=(
        Statement(
            "We do not know what it costs. None of the five articles we read gives a price."
            " Ask the clinic for the full cost, in writing, before you choose."
        ),
        Statement(
            "One article says that insurance does not cover it and that it can cost a lot. One clinic calls"
            " its own price fair but does not name it. We could not check this."
        ),
        Statement("Call your own health plan and ask what it pays for."),
    ),
    full=(
        Statement(
            "Article 002 says it is not covered by insurance and can be expensive. Article 004 calls its own"
            " infusions affordable and gives no figure. No article gives a price, a number of visits or"
            " a source."
        ),
        Statement(
            "We checked no price list and no payer's policy: coverage of an off-label use is a question"
            " for the patient's own plan, before the first visit."
        ),
    ),
)

# Grades are the consensus guideline's; all of them at low certainty.
_CHECKS = (
    Check(
        "Heart trouble, a stroke, an aneurysm, or high blood pressure",
        "Poorly controlled cardiovascular disease: avoid (grade B). The label forbids it where a large rise"
        " in blood pressure would be dangerous. ECG first where the risk is high.",
        (_CONSENSUS, _LABEL),
    ),
    Check(
        "If you are or may be pregnant, or breast-feed",
        "Pregnancy: avoid (grade B). The label warns of harm to the brain of the fetus.",
        (_CONSENSUS, _LABEL),
    ),
    Check(
        "Psychosis or mania, now or in the past",
        "Active psychosis: avoid (grade B).",
        (_CONSENSUS,),
    ),
    Check(
        "Trouble with alcohol or drugs, or with ketamine in the past",
        "Active substance misuse: avoid (grade C); ask about earlier misuse of ketamine.",
        (_CONSENSUS,),
    ),
    Check(
        "Liver disease",
        "Severe: avoid; moderate: caution (grade C). Liver tests if at risk, or if given often.",
        (_CONSENSUS, _LABEL),
    ),
    Check(
        "High pressure in the head, or a hurt head",
        "Raised pressure in the skull: avoid or great caution (grade C). Also a danger sign of its own.",
        (_CONSENSUS,),
    ),
    Check(
        "High pressure in the eye, or a hurt eye",
        "Raised pressure in the eye: avoid or great caution (grade C).",
        (_CONSENSUS, _LABEL),
    ),
    Check(
        "A bad reaction to ketamine in the past",
        "Hypersensitivity to ketamine: contraindicated.",
        (_LABEL,),
    ),
    Check(
        "Bladder trouble",
        "Bladder harm is known with chronic use.",
        (_LABEL,),
    ),
    Check(
        "An overactive thyroid",
        "Named on the Swiss label; the US label was not read for it.",
    ),
    Check(
        "All the medicine you take",
        "Benzodiazepines, opioids, other sedatives, theophylline, stimulants and decongestants,"
        " MAO inhibitors, thyroid hormone: for the clinician to judge. The label's section on interactions"
        " was not read.",
    ),
    Check(
        "Who can take you home",
        "No driving afterwards; a responsible adult goes home with the patient.",
        (_LABEL, _OLDER_LABEL),
    ),
)

# ---------------------------------------------------------------- studies

_STUDIES = (
    Study(
        "Etchison 2018",
        Design.RANDOMIZED,
        "Adults with acute migraine, one emergency department",
        34,
        "Placebo (saline), double-blind",
        "No better than placebo after 30 minutes: median fall 1.0 point with ketamine, 2.0 with placebo.",
        _ETCHISON,
    ),
    Study(
        "Zitek 2018",
        Design.RANDOMIZED,
        "Adults with benign headache (not only migraine), two emergency departments",
        54,
        "Prochlorperazine with diphenhydramine, double-blind",
        "Worse than prochlorperazine: fall of 43.5 against 63.5 of 100 mm after an hour (p = .026).",
        _ZITEK,
    ),
    Study(
        "THINK, Benish 2019",
        Design.RANDOMIZED,
        "Adults with primary headache, emergency department; nose spray",
        53,
        "Intravenous metoclopramide with diphenhydramine, single-blind",
        "Not superior: fall of 29.0 against 22.2 of 100 mm (difference 6.8, 95% CI -5.8 to 19.4)."
        " Side effects in two thirds of both groups.",
        _BENISH,
    ),
    Study(
        "Afridi 2013",
        Design.RANDOMIZED,
        "Migraine with prolonged aura; nose spray",
        30,
        "Midazolam nose spray, double-blind",
        "18 finished. The aura was less severe (p = .032), not shorter. Class III evidence.",
        _AFRIDI,
    ),
    Study(
        "Chah 2021",
        Design.REVIEW,
        "Five randomized trials of migraine and other primary headaches",
        193,
        "Placebo or another medicine",
        "Inconclusive: small, unlike each other, three of five at high risk of bias.",
        _CHAH,
    ),
    Study(
        "Lauritsen 2016",
        Design.UNCONTROLLED,
        "Inpatients with refractory chronic migraine, one hospital, chart review",
        6,
        "Nothing",
        "Continuous infusion raised until pain was 3 of 10 or less for 8 hours: reached by all six."
        " Short-term only.",
        _LAURITSEN,
    ),
    Study(
        "Pomeroy 2017",
        Design.UNCONTROLLED,
        "Inpatients with chronic migraine or new daily persistent headache, chart review",
        77,
        "Nothing",
        "Pain 7.1 to 3.8; 71% fell by 2 points or more. 15 of these 55 kept it at the next visit:"
        " not statistically significant.",
        _POMEROY,
    ),
    Study(
        "Schwenk 2018",
        Design.UNCONTROLLED,
        "Inpatients with refractory headache, 5 days of infusion, one hospital, chart review",
        61,
        "Nothing",
        "48 fell by 2 points or more (given as 77%; 48 of 61 is 78.7%). Kept by 40% at a mean of 38 days"
        " and 39% at 101 days.",
        _SCHWENK,
    ),
    Study(
        "Yuan 2023",
        Design.UNCONTROLLED,
        "Refractory chronic migraine, nose spray at home, one center, interviews looking back",
        169,
        "Nothing",
        "49.1% called it very effective, 35.5% their quality of life much better; 74% had a side effect.",
        _YUAN,
    ),
)

# ---------------------------------------------------------------- the seed articles and their claims

ARTICLES: Final = {
    "000": "“Ketamine May Relieve Migraines”, a clinic's blog for Midland, Texas",
    "001": "“How Ketamine Can Help with Chronic Migraines”, a ketamine clinic in Charlotte, North Carolina",
    "002": "“What is Ketamine Treatment?”, an article that names no clinic",
    "003": "an article on refractory migraine by a ketamine clinic in Austin, Texas",
    "004": "an article on ketamine for migraine by a ketamine clinic in West Covina, California",
}

_CLAIMS = (
    Claim(
        articles=("004", "000"),
        said="Of 61 patients, about three in four were better after three to seven days of ketamine"
        " in hospital (a meeting in 2017).",
        found="The figure is the study's. Left out: one hospital, records looked at afterwards, no comparison"
        " group, other headaches than migraine too; a fall of 2 of 10 points counted as better; about 40%"
        " still had it at a mean of 38 days. The paper gives 48 of 61 as 77%.",
        holds=Holds.PARTLY,
        plain_said="Of 61 people, 3 in 4 felt better after some days of ketamine in a hospital.",
        plain_found="The study says so. But a small drop in pain was enough to count. There was no group"
        " without ketamine. About 5 weeks later, 4 in 10 still felt the change.",
        sources=(_SCHWENK, _ASA_RELEASE),
    ),
    Claim(
        articles=("003",),
        said="In a study of 2016, every participant improved after a single dose.",
        found="Not a single dose: a continuous infusion in hospital, raised until pain was 3 of 10 or less"
        " for 8 hours. Six inpatients, records looked at afterwards; the article leaves the number out."
        " “Short-term” is right.",
        holds=Holds.WRONG,
        plain_said="All the people in a study got better from one single dose.",
        plain_found="There were only six people. They got ketamine without a break in a hospital, and more"
        " and more of it until the pain eased.",
        sources=(_LAURITSEN,),
    ),
    Claim(
        articles=("004",),
        said="Infusions over five years brought a significant fall in pain, and half of the patients had"
        " relief for up to 3 weeks.",
        found="Five years is the span of the records. 49 patients with many kinds of pain, 8 of them with"
        " headache. How long relief lasted is known for 29; the estimate is lasting relief in 59-85%,"
        " longer than 3 weeks in 23-51%.",
        holds=Holds.MISLEADING,
        plain_said="People had ketamine for five years, and half felt relief for up to 3 weeks.",
        plain_found="The study looked at five years of old records. Most of the 49 people had other kinds of"
        " pain. Just 8 had headaches.",
        sources=(_PATIL,),
    ),
    Claim(
        articles=("001",),
        said="Nearly half of the users of a nose spray called it very effective, and their quality of life"
        " was considerably better.",
        found="49.1% of 169 people interviewed called it very effective, but 35.5% their quality of life"
        " much better. One center, looking back, no comparison group. Left out: 74% had a side effect, and"
        " the authors warn of overuse.",
        holds=Holds.PARTLY,
        plain_said="Half the users of a nose spray said that it worked very well, and that life got better.",
        plain_found="Half did say it worked very well. But just one in three said that life got much better."
        " And 3 in 4 had side effects, which the article leaves out.",
        sources=(_YUAN,),
    ),
    Claim(
        articles=("002",),
        said="A study of the National Institute of Mental Health suggests fewer and milder chronic migraines"
        " and a better quality of life.",
        found="No such study was found. The institute's ketamine work that was seen is on depression.",
        holds=Holds.NOT_FOUND,
        plain_said="A US health group found that people had fewer and milder migraines.",
        plain_found="We found no such study. The ketamine work by that group is about low mood.",
    ),
    Claim(
        articles=("000",),
        said="A nose spray made the aura less severe.",
        found="Right. Small (30 people, 18 finished), and the aura was no shorter.",
        holds=Holds.RIGHT,
        plain_said="A nose spray made the aura milder.",
        plain_found="Yes, in a small study. The aura was no shorter.",
        sources=(_AFRIDI,),
    ),
    Claim(
        articles=("000",),
        said="Outpatient ketamine cut pain by half in five groups of people with migraine.",
        found="The best match, by our inference, is an open-label abstract of 247 patients. Its five groups"
        " include cluster headache, paroxysmal hemicrania and chronic daily headache; pain fell from 7.1 to"
        " 2.2 of 10 right after treatment (about 70%). No comparison group; no full paper was found.",
        holds=Holds.PARTLY,
        plain_said="Ketamine at a clinic cut pain in half in five groups of people with migraine.",
        plain_found="We think this is a short report from 2010. Not all five groups had migraine."
        " It shows the pain right after the visit. There was no group without ketamine.",
        sources=(_KRUSZ,),
    ),
    Claim(
        articles=("001",),
        said="A small study is quoted: infusions could reduce short-term pain and break a cycle of"
        " constant symptoms.",
        found="The quoted sentence was not found in any study; the article names none.",
        holds=Holds.NOT_FOUND,
        plain_said="A small study is quoted: ketamine could “break the cycle” of pain.",
        plain_found="We could not find where these words come from. The article does not name the study.",
    ),
    Claim(
        articles=("004",),
        said="38 million people, roughly a fifth of the US population, have migraine.",
        found="38 million is about 12%, the share that article 003 gives. Surveys find 11.7 to 14.7%.",
        holds=Holds.WRONG,
        plain_said="38 million people in the US, or one in five, have migraine.",
        plain_found="38 million is more like one in eight.",
        sources=(_PREVALENCE,),
    ),
    Claim(
        articles=("001",),
        said="3 to 5% of the US population have chronic migraine.",
        found="A review of US surveys finds 0.91% of adults.",
        holds=Holds.WRONG,
        plain_said="3 to 5 in 100 people in the US have chronic migraine.",
        plain_found="A review of US studies says about 1 in 100.",
        sources=(_PREVALENCE,),
    ),
    Claim(
        articles=("004",),
        said="Infusions can also relieve the symptoms of regular migraines.",
        found="No source is named. In the emergency trials ketamine did no better than placebo, worse than"
        " prochlorperazine, and no better than metoclopramide.",
        holds=Holds.MISLEADING,
        plain_said="Ketamine can ease regular migraines too.",
        plain_found="The article names no source. In three small studies in emergency rooms, ketamine did not"
        " beat salt water or standard drugs.",
        sources=(_ETCHISON, _ZITEK, _BENISH),
    ),
    Claim(
        articles=("003",),
        said="Under “potential contraindications” it lists side effects.",
        found="Those are not contraindications. Label and guideline name, among others, dangerous blood"
        " pressure, poorly controlled heart disease, pregnancy, active psychosis, severe liver disease and"
        " active substance misuse.",
        holds=Holds.MISLEADING,
        plain_said="In the part on who should not have ketamine, it lists side effects.",
        plain_found="It leaves out who should not have it. See “What a clinic should ask you first” above.",
        sources=(_CONSENSUS, _LABEL),
    ),
)

EVIDENCE: Final = Evidence(
    reviewed=REVIEWED,
    articles=ARTICLES,
    topics=(_USE, _FINDINGS, _RISKS, _COST),
    checks=_CHECKS,
    studies=_STUDIES,
    claims=_CLAIMS,
)
