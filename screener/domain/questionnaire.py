"""THE questionnaire: every question, page and condition, as data.

Ids and option codes are stored and exported: never rename or reuse one.
Wordings aim at reading grade 5; a change of wording is a new QUESTIONNAIRE_DATE (versions.py).
"""

from __future__ import annotations

from screener.domain.question import (
    AtLeast,
    Choice,
    Choices,
    Condition,
    Is,
    Number,
    Option,
    Page,
    Part,
    Question,
    Questionnaire,
    Text,
    YesNo,
)

QUESTIONNAIRE_DATE = "2026-11-22"

_DAY = ("day", "days")
_MONTH = ("month", "months")
_NONE = Option("none", "None of these")

# ---------------------------------------------------------------- 1 Safety

_DANGERS = (
    Option("sudden", "Worst headache ever, at its peak within 5 minutes"),
    Option("stroke_signs", "Weak, numb or drooping face or limb, or trouble speaking"),
    Option("sight_loss", "Sudden loss of sight or double vision"),
    Option("fever_neck", "Fever with stiff neck, rash or being very drowsy"),
    Option("faint_confused_seizure", "Fainting, confusion, or a seizure"),
    Option("head_injury", "A hard blow to the head"),
    Option("red_eye", "Red, painful eye, blurred sight, or rings around lights"),
    Option("pregnancy_severe", "Severe headache in pregnancy or 6 weeks after birth"),
    Option("chest_pain", "Chest pain"),
    Option("carbon_monoxide", "Others or pets at home feel ill, or a faulty heater"),
    Option("very_high_bp", "Blood pressure 180/120 or more"),
    Option("self_harm", "Thoughts of harming myself or ending my life"),
)

DANGER_NOW = Choices(
    id="danger_now",
    topic="Danger now",
    stem="Is any of this happening now?",
    hint="Tick all that fit.",
    options=(*_DANGERS, _NONE),
    unsure_allowed=False,
)
DANGER_BEFORE = Choices(
    id="danger_before",
    topic="Danger before",
    stem="It happened, but not now",
    options=(*_DANGERS, _NONE),
)
AGE = Number(
    id="age",
    topic="Age",
    stem="How old are you?",
    minimum=0,
    maximum=120,
    unit=("year", "years"),
    unsure_allowed=False,
)
PREGNANCY = Choice(
    id="pregnancy",
    topic="Pregnancy",
    stem="Are you pregnant, or did you just give birth?",
    options=(
        Option("pregnant", "Pregnant"),
        Option("postpartum_6w", "Gave birth in the last 6 weeks"),
        Option("no", "No"),
        Option("rather_not_say", "Rather not say"),
    ),
)
CHANGES = Choices(
    id="changes",
    topic="Warning signs",
    stem="Is any of this true for you?",
    options=(
        Option("new_after_50", "Began or clearly changed at 50 or later"),
        Option("jaw_or_scalp", "Jaw pain on chewing, or sore scalp"),
        Option(
            "changed_pattern",
            "New kind, or changed in how often, how long or how it feels",
        ),
        Option("worsening_weeks", "Getting worse over days or weeks"),
        Option("strain", "Set off by coughing, sneezing, exercise or sex"),
        Option("posture", "Starts or stops on standing or lying down"),
        Option("immune", "Weak immune system (HIV, transplant, chemo, steroids)"),
        Option("cancer", "Cancer, now or before"),
        Option("injury_3mo", "Head injury in the last 3 months"),
        Option("fever", "Fever with the headache"),
        Option("clot_or_estrogen_new", "New, with a clotting problem or estrogen use"),
        Option("morning_vomiting", "Morning headache with throwing up"),
        Option("double_or_greying_sight", "Seeing double, or sight that grays out"),
        Option("first_or_long_aura", "First aura ever (zigzags, tingling), or one over an hour"),
        Option("new_medicine", "Began after a new medicine"),
        _NONE,
    ),
    unsure_allowed=False,
)
INJURY_SIGNS = Choices(
    id="injury_signs",
    topic="Since the head injury",
    stem="Since you hurt your head, is any of this true?",
    hint="Tick all that fit.",
    options=(
        Option("blood_thinner", "I take a blood thinner"),
        Option("vomiting_since", "I have thrown up"),
        Option("sleepy_or_confused", "I am very sleepy or confused"),
        Option("worse_since", "The headache is getting worse"),
        _NONE,
    ),
    when=(Is(CHANGES, "injury_3mo"),),
    unsure_allowed=False,
)

# ---------------------------------------------------------------- 2 Your headaches

HEAD_DAYS = Number(
    id="head_days",
    topic="Headache days",
    stem="On how many of the last 30 days did your head hurt at all?",
    hint="A best guess is fine.",
    minimum=0,
    maximum=30,
    unit=_DAY,
)
MIG_DAYS = Number(
    id="mig_days",
    topic="Migraine days",
    stem="How many of your headache days were migraine days?",
    hint="Also count days when a triptan or ergot helped.",
    minimum=0,
    maximum=30,
    unit=_DAY,
)
MONTHS_AT_RATE = Choice(
    id="months_at_rate",
    stem="For how long has your head hurt on 15 or more days a month?",
    options=(
        Option("under_1", "Less than 1 month"),
        Option("1_to_3", "1 to 3 months"),
        Option("over_3", "More than 3 months"),
    ),
    when=(AtLeast(HEAD_DAYS, 15),),
)
CONTINUOUS_SINCE_START = YesNo(
    id="continuous_since_start",
    stem="Did the pain start on one day and never let up since?",
    when=(AtLeast(HEAD_DAYS, 28),),
)
ATTACKS_EVER = Choice(
    id="attacks_ever",
    topic="Attacks so far",
    stem="How many attacks like this have you had?",
    options=(
        Option("one", "Just this one"),
        Option("two_to_four", "2 to 4"),
        Option("five_or_more", "5 or more"),
    ),
)

_LENGTHS = (
    Option("under_4h", "Under 4 hours"),
    Option("4_to_24h", "4 hours to 1 day"),
    Option("24_to_72h", "1 to 3 days"),
    Option("over_72h", "Over 3 days"),
)
UNTREATED_LENGTH = Choice(
    id="untreated_length",
    topic="Length without medicine",
    stem="How long do attacks last without medicine?",
    hint="A few hours' break doesn't end an attack.",
    options=_LENGTHS,
)
TREATED_LENGTH = Choice(
    id="treated_length",
    topic="Length with medicine",
    stem="How long do they last with medicine?",
    options=(*_LENGTHS, Option("never_treated", "Never took any")),
)
COMES_BACK = YesNo(
    id="comes_back",
    topic="Comes back",
    stem="Do they ease for hours, then keep coming back, for over 3 days?",
)
NOW_PAIN = YesNo(id="now_pain", topic="Attack now", stem="Are you having an attack now?")
NOW_LENGTH = Choice(
    id="now_length",
    topic="Lasted so far",
    stem="How long has this attack lasted so far?",
    hint="A few hours' break doesn't end an attack.",
    options=_LENGTHS,
    when=(Is(NOW_PAIN, value=True),),
)

_RELIEF = (
    Option("goes", "The pain is gone"),
    Option("much_better", "Much better"),
    Option("a_little", "A little, or not for long"),
    Option("none", "Not at all"),
)
_NEVER_TRIED = Option("never_tried", "Never tried")
NOW_RELIEF = Choice(
    id="now_relief",
    topic="Relief so far",
    stem="How well has medicine worked for this attack?",
    options=(*_RELIEF, Option("never_tried", "Took none")),
    when=(Is(NOW_PAIN, value=True),),
)

_IN_LONG_ATTACK: tuple[Condition, ...] = (Is(NOW_LENGTH, "over_72h"),)
KEEP_DOWN = YesNo(
    id="keep_down",
    topic="Keeps drinks down",
    stem="Can you keep drinks and medicine down?",
    when=_IN_LONG_ATTACK,
)
LONGEST_BREAK = Choice(
    id="longest_break",
    topic="Longest break",
    stem="What was the longest time without pain during this attack?",
    options=(
        Option("none", "There was no break"),
        Option("up_to_12h", "Up to 12 hours"),
        Option("over_12h", "More than 12 hours"),
    ),
    when=_IN_LONG_ATTACK,
)
BREAK_CAUSE = Choice(
    id="break_cause",
    topic="Cause of the break",
    stem="What gave you that break?",
    hint="If there was no break, choose “Neither”.",
    options=(Option("sleep", "Sleep"), Option("medicine", "Medicine"), Option("neither", "Neither")),
    when=_IN_LONG_ATTACK,
)
NOW_STOPS_ME = YesNo(
    id="now_stops_me",
    topic="Stops usual things",
    stem="Does this attack stop you from doing your usual things?",
    when=_IN_LONG_ATTACK,
)
NOW_AS_USUAL = YesNo(
    id="now_as_usual",
    topic="Like earlier attacks",
    stem="Apart from its length, is this attack like the ones you had before?",
    when=_IN_LONG_ATTACK,
)

USUAL_RELIEF = Choice(
    id="usual_relief",
    topic="Medicine helps",
    stem="How well does medicine usually work, up to the next day?",
    options=(*_RELIEF, _NEVER_TRIED),
)
LIFESTYLE_RELIEF = Choice(
    id="lifestyle_relief",
    topic="New habits help",
    stem="Did better sleep or food, less stress or fewer triggers help?",
    options=(
        Option("helps", "Yes: attacks no longer affect my life much"),
        Option("a_little", "A little"),
        Option("none", "No"),
        Option("never_tried", "Never tried"),
    ),
)
SIDE = Choice(
    id="side",
    stem="Where is the pain?",
    options=(
        Option("one", "On one side"),
        Option("both", "On both sides"),
        Option("changes", "It changes sides"),
    ),
)
CONSTANT = YesNo(id="constant", stem="Is the pain constant during an attack?")
PULSATING = YesNo(id="pulsating", stem="Does it throb or pound?")
WORSE_ON_ACTIVITY = YesNo(
    id="worse_on_activity", stem="Does walking or climbing stairs make it worse, or do you avoid it?"
)
SEVERITY = Number(
    id="severity",
    stem="How bad is the pain in a usual attack?",
    minimum=0,
    maximum=10,
    scale=("no pain", "worst pain"),
)
STOPS_ME = Choice(
    id="stops_me",
    stem="In a usual attack, can you do what you do each day?",
    options=(
        Option("no", "Yes, as always"),
        Option("harder", "Yes, but it is harder"),
        Option("cannot", "No, I cannot"),
    ),
)
SYMPTOMS = Choices(
    id="symptoms",
    topic="Other signs",
    stem="What comes with the pain?",
    options=(
        Option("nausea", "Upset stomach (nausea)"),
        Option("vomiting", "Throwing up"),
        Option("light", "Light bothers me"),
        Option("sound", "Sound bothers me"),
        Option("smell", "Smells bother me"),
        Option("vision", "Flashes or trouble seeing"),
        Option("dizziness", "Dizziness"),
        Option("tearing_one_side", "One eye tears, droops or reddens"),
        _NONE,
    ),
)
AURA_EVER = YesNo(
    id="aura_ever",
    topic="Aura",
    stem="Have you ever had an aura?",
    hint="Zigzags, blind spots, tingling or lost words that come and go.",
)
_WITH_AURA: tuple[Condition, ...] = (Is(AURA_EVER, value=True),)
AURA_TYPES = Choices(
    id="aura_types",
    topic="Kind of aura",
    stem="What was the aura like?",
    hint="Tick all that fit.",
    options=(
        Option("visual", "Zigzags, blind spots or flashes"),
        Option("sensory", "Tingling or numb skin"),
        Option("speech", "Trouble with words"),
        Option("weakness", "A weak arm, leg or face"),
        Option("brainstem", "Spinning, slurred speech, ringing ears or double sight"),
        Option("one_eye", "Trouble seeing in one eye only"),
    ),
    when=_WITH_AURA,
)
AURA_EACH = Choice(
    id="aura_each",
    topic="Each sign lasts",
    stem="How long does each of these signs last?",
    options=(
        Option("under_5_min", "Under 5 minutes"),
        Option("5_to_60_min", "5 minutes to 1 hour"),
        Option("over_60_min", "Over 1 hour"),
    ),
    when=_WITH_AURA,
)
AURA_CLEARS = YesNo(
    id="aura_clears", topic="Clears fully", stem="Does the aura clear up fully each time?", when=_WITH_AURA
)
AURA_SPREAD = Choice(
    id="aura_spread",
    stem="How long does it take the aura to spread or build up?",
    options=(Option("under_5_min", "Less than 5 minutes"), Option("5_min_or_more", "5 minutes or more")),
    when=_WITH_AURA,
)
AURA_IN_A_ROW = YesNo(
    id="aura_in_a_row", stem="Do two or more of these signs come one after the other?", when=_WITH_AURA
)
AURA_ONE_SIDE = YesNo(id="aura_one_side", stem="Is the aura on one side only?", when=_WITH_AURA)
AURA_POSITIVE = YesNo(
    id="aura_positive", stem="Do you see sparkles or feel pins and needles?", when=_WITH_AURA
)
AURA_TO_PAIN = Choice(
    id="aura_to_pain",
    stem="When does the headache come?",
    options=(
        Option("with_or_within_60_min", "With the aura or within 1 hour"),
        Option("later", "Later than that"),
        Option("no_headache", "No headache follows"),
    ),
    when=_WITH_AURA,
)

# ---------------------------------------------------------------- 3 What you tried

ACUTE_TRIED = Choices(
    id="acute_tried",
    topic="Medicines",
    stem="What have you taken to stop an attack?",
    options=(
        Option("triptan", "Triptan (sumatriptan, Imitrex)"),
        Option("simple_analgesic", "Acetaminophen (Tylenol)"),
        Option("nsaid", "Aspirin, ibuprofen or naproxen (Advil, Aleve)"),
        Option("combination", "Mixed pain pill (Excedrin, Fioricet)"),
        Option("opioid", "Opioid (codeine, tramadol)"),
        Option("ergot", "Ergot (DHE, Migranal)"),
        Option("gepant", "Gepant (Nurtec, Ubrelvy)"),
        Option("ditan", "Ditan (Reyvow)"),
        Option("antiemetic", "Nausea medicine (Reglan, Zofran)"),
        Option("other", "Another medicine"),
        Option("none", "None"),
    ),
)

# ---------------------------------------------------------------- 4 Your history (after the result)

_ACUTE_NAMES = {
    "triptan": "triptans",
    "simple_analgesic": "acetaminophen",
    "nsaid": "aspirin, ibuprofen or naproxen",
    "combination": "mixed pain pills",
    "opioid": "opioids",
    "ergot": "ergots",
    "gepant": "gepants",
    "ditan": "Reyvow",
    "antiemetic": "nausea medicine",
    "other": "your other medicine",
}


def _tried(code: str) -> tuple[Condition, ...]:
    return (Is(ACUTE_TRIED, code),)


def _acute_id(code: str) -> str:
    return "acute_other" if code == "other" else code


# By the code ticked in `acute_tried`.
ACUTE_RELIEF = {
    code: Choice(
        id=f"{_acute_id(code)}_relief",
        stem=f"How well do {name} work, up to the next day?"
        if name.endswith("s")
        else f"How well does {name} work, up to the next day?",
        options=_RELIEF,
        when=_tried(code),
    )
    for code, name in _ACUTE_NAMES.items()
}
ACUTE_DAYS = {
    code: Number(
        id=f"{_acute_id(code)}_days",
        stem=f"On how many of the last 30 days did you take {name}?",
        minimum=0,
        maximum=30,
        unit=_DAY,
        when=_tried(code),
    )
    for code, name in _ACUTE_NAMES.items()
}
ACUTE_OTHER_NAME = Text(
    id="acute_other_name", stem="What is your other medicine called?", max_length=80, when=_tried("other")
)
TRIPTANS_COUNT = Choice(
    id="triptans_count",
    stem="How many different triptans have you tried?",
    options=(Option("one", "One"), Option("two_or_more", "Two or more")),
    when=_tried("triptan"),
)
DHE_TRIED = YesNo(id="dhe_tried", stem="Have you had DHE as a nose spray or by needle?", when=_tried("ergot"))
ANY_ACUTE_DAYS = Number(
    id="acute_days",
    stem="In the last 30 days, on how many days did you take any of these medicines?",
    hint="Count each day once, even if you took more than one.",
    minimum=0,
    maximum=30,
    unit=_DAY,
    when=tuple(Is(ACUTE_TRIED, code) for code in _ACUTE_NAMES),
)
ACUTE_OVER_3_MONTHS = YesNo(
    id="acute_over_3_months",
    stem="Have you taken them this often for more than 3 months?",
    when=tuple(Is(ACUTE_TRIED, code) for code in _ACUTE_NAMES),
)

DAYS_LOST = Number(
    id="days_lost",
    stem="In the last 3 months, on how many days could you not do your usual things?",
    hint="A best guess is fine.",
    minimum=0,
    maximum=92,
    unit=_DAY,
)
DEBIL_DAYS = Number(
    id="debil_days",
    stem="On how many days a month does a headache stop you, though you took the right medicine soon?",
    minimum=0,
    maximum=30,
    unit=_DAY,
    when=(AtLeast(HEAD_DAYS, 8),),
)
DEBIL_MONTHS = Number(
    id="debil_months",
    stem="For how many months in a row have you had 8 or more such days?",
    minimum=0,
    maximum=1200,
    unit=_MONTH,
    when=(AtLeast(DEBIL_DAYS, 8),),
)

PREVENTIVES_TRIED = Choices(
    id="preventives_tried",
    stem="Which medicines have you taken to prevent attacks?",
    hint="These are taken daily, monthly or every few months. Tick all that fit.",
    options=(
        Option("beta_blocker", "Beta blocker, such as propranolol or metoprolol"),
        Option("antiepileptic", "Seizure medicine, such as topiramate (Topamax) or valproate (Depakote)"),
        Option("antidepressant", "Antidepressant, such as amitriptyline or venlafaxine"),
        Option("cgrp", "CGRP medicine, such as Aimovig, Ajovy, Emgality, Vyepti or Qulipta"),
        Option("ace_arb", "Blood pressure medicine, such as lisinopril or candesartan"),
        Option("botulinum", "Botox shots"),
        Option("calcium_channel", "Calcium blocker, such as verapamil or flunarizine"),
        Option("other", "Another medicine"),
        Option("none", "None"),
    ),
)
_PREVENTIVE_NAMES = {
    "beta_blocker": "the beta blocker",
    "antiepileptic": "the seizure medicine",
    "antidepressant": "the antidepressant",
    "cgrp": "the CGRP medicine",
    "ace_arb": "the blood pressure medicine",
    "botulinum": "Botox",
    "calcium_channel": "the calcium blocker",
    "other": "the other medicine",
}


def _outcomes(full_trial: str) -> tuple[Option, ...]:
    return (
        Option("helps", "It helps"),
        Option("not_enough", f"It did not help enough ({full_trial})"),
        Option("side_effects", "I stopped because of side effects"),
        Option("cannot_take", "I cannot take it for health reasons"),
        Option("too_short", "I stopped before that"),
        Option("still_trying", "I am still trying it"),
    )


# By the code ticked in `preventives_tried`.
PREVENTIVE_OUTCOME = {
    code: Choice(
        id=f"{'preventive_other' if code == 'other' else code}_outcome",
        stem=f"How did {name} work out?",
        options=_outcomes("after 2 rounds" if code == "botulinum" else "after 8 weeks at full dose"),
        when=(Is(PREVENTIVES_TRIED, code),),
    )
    for code, name in _PREVENTIVE_NAMES.items()
}
PREVENTIVE_OTHER_NAME = Text(
    id="preventive_other_name",
    stem="What is the other medicine called?",
    max_length=80,
    when=(Is(PREVENTIVES_TRIED, "other"),),
)
OTHER_TRIED = Choices(
    id="other_tried",
    stem="What else have you tried?",
    hint="Tick all that fit.",
    options=(
        Option("trigger_control", "Staying away from triggers"),
        Option("lifestyle", "Changes in sleep, food or exercise"),
        Option("relaxation", "Ways to relax"),
        Option("biofeedback", "Biofeedback"),
        Option("acupuncture", "Acupuncture"),
        Option("physical_therapy", "Physical therapy"),
        Option("nerve_block", "A nerve block"),
        Option("device", "A device, such as Cefaly"),
        Option("ketamine", "Ketamine"),
        _NONE,
    ),
)
TRIGGERS = Choices(
    id="triggers",
    stem="What sets off your attacks?",
    hint="Tick all that fit.",
    options=(
        Option("alcohol", "Alcohol"),
        Option("weather", "Weather or heat"),
        Option("stress", "Stress"),
        Option("hormones", "Hormones or periods"),
        Option("food_additives", "Food additives"),
        Option("other", "Something else"),
        _NONE,
    ),
)
YEARS_WITH = Choice(
    id="years_with",
    stem="For how many years have you had these headaches?",
    options=(
        Option("under_1", "Less than 1 year"),
        Option("1_to_5", "1 to 5 years"),
        Option("6_to_20", "6 to 20 years"),
        Option("over_20", "More than 20 years"),
    ),
)
TOLD_MIGRAINE = YesNo(id="told_migraine", stem="Has a doctor or nurse told you it is migraine?")
OWN_WORDS = Text(
    id="own_words",
    stem="Is there anything you want to add in your own words?",
    hint="Nobody reads this right away. In danger now? Call 911.",
    max_length=1000,
)

# ---------------------------------------------------------------- 5 Your request (after the result)


def _health(question_id: str, stem: str) -> Choice:
    return Choice(
        id=question_id,
        stem=stem,
        options=(
            Option("yes", "Yes"),
            Option("no", "No"),
            Option("rather_in_person", "I'd rather say in person"),
        ),
    )


KET_CONDITIONS = (
    _health("ket_heart", "Heart trouble, a stroke, an aneurysm, or high blood pressure that stays high?"),
    _health("ket_pregnant", "Are you pregnant, might you be, or do you breast-feed?"),
    _health("ket_psychosis", "Psychosis, schizophrenia or mania, now or in the past?"),
    _health("ket_substance", "A problem with alcohol or drugs, or with ketamine in the past?"),
    _health("ket_liver", "Liver disease, or a liver test that was not normal?"),
    _health(
        "ket_head_pressure",
        "High pressure or a bleed in the head? A brain tumor, seizures, or a recent head injury?",
    ),
    _health("ket_eye", "Glaucoma, or an eye that was hurt or had surgery?"),
    _health("ket_allergy", "An allergy to ketamine, or did it or anesthesia ever make you ill?"),
    _health("ket_thyroid", "A thyroid that works too hard?"),
    _health("ket_bladder", "Trouble with your bladder, or when you pee?"),
)
KET_MEDICINES = Choices(
    id="ket_medicines",
    stem="Do you take any of these?",
    hint="Tick all that fit.",
    options=(
        Option("benzodiazepine", "Medicine for anxiety, such as Xanax, Ativan or Valium"),
        Option("opioid", "Opioids"),
        Option("other_sedative", "Sleeping pills or other medicine that makes you drowsy"),
        Option("stimulant", "Stimulants, such as Adderall, or cold medicine that clears the nose"),
        Option("maoi", "An MAO inhibitor"),
        Option("theophylline", "Theophylline"),
        Option("thyroid_hormone", "Thyroid hormone"),
        _NONE,
    ),
)
KET_ESCORT = YesNo(id="ket_escort", stem="Could an adult take you home after a visit?")

# ---------------------------------------------------------------- pages


def _page(
    slug: str, part: Part, *questions: Question, heading: str = "", lead: str = "", shown: bool = True
) -> Page:
    return Page(slug=slug, part=part, questions=questions, heading=heading, lead=lead, shown=shown)


QUESTIONNAIRE = Questionnaire(
    version=QUESTIONNAIRE_DATE,
    pages=(
        _page("danger-now", Part.SAFETY, DANGER_NOW),
        _page("danger-before", Part.SAFETY, DANGER_BEFORE, shown=False),
        _page("about-you", Part.SAFETY, AGE, PREGNANCY, heading="About you"),
        _page("changes", Part.SAFETY, CHANGES),
        _page("injury", Part.SAFETY, INJURY_SIGNS),
        _page("headache-days", Part.HEADACHES, HEAD_DAYS),
        _page(
            "attack-length",
            Part.HEADACHES,
            ATTACKS_EVER,
            UNTREATED_LENGTH,
            TREATED_LENGTH,
            COMES_BACK,
            heading="Your usual attack",
        ),
        _page("now", Part.HEADACHES, NOW_PAIN),
        _page("this-attack", Part.HEADACHES, NOW_LENGTH, NOW_RELIEF, heading="The attack you have now"),
        _page(
            "long-attack",
            Part.HEADACHES,
            KEEP_DOWN,
            LONGEST_BREAK,
            BREAK_CAUSE,
            NOW_STOPS_ME,
            NOW_AS_USUAL,
            heading="More about this long attack",
        ),
        _page("relief", Part.HEADACHES, USUAL_RELIEF, LIFESTYLE_RELIEF, heading="What helps"),
        _page("symptoms", Part.HEADACHES, SYMPTOMS, AURA_EVER, heading="Other signs"),
        # Only what urgency reads is asked before the result; the rest of the aura follows it.
        _page("aura", Part.HEADACHES, AURA_TYPES, AURA_EACH, AURA_CLEARS, heading="Your aura"),
        _page("medicines", Part.TREATMENTS, ACUTE_TRIED),
        _page(
            "how-long-so-often",
            Part.HISTORY,
            MIG_DAYS,
            MONTHS_AT_RATE,
            CONTINUOUS_SINCE_START,
            heading="More about your days",
        ),
        _page(
            "pain",
            Part.HISTORY,
            SIDE,
            CONSTANT,
            PULSATING,
            WORSE_ON_ACTIVITY,
            heading="The pain in a usual attack",
        ),
        _page("how-bad", Part.HISTORY, SEVERITY, STOPS_ME, heading="How bad it gets"),
        _page("impact", Part.HISTORY, DAYS_LOST, DEBIL_DAYS, heading="Days lost"),
        _page("impact-months", Part.HISTORY, DEBIL_MONTHS),
        _page(
            "medicine-relief",
            Part.HISTORY,
            *ACUTE_RELIEF.values(),
            ACUTE_OTHER_NAME,
            TRIPTANS_COUNT,
            DHE_TRIED,
            heading="How well each medicine works",
        ),
        _page(
            "medicine-days",
            Part.HISTORY,
            *ACUTE_DAYS.values(),
            ANY_ACUTE_DAYS,
            ACUTE_OVER_3_MONTHS,
            heading="How often you take them",
        ),
        _page("preventives", Part.HISTORY, PREVENTIVES_TRIED),
        _page(
            "preventive-outcomes",
            Part.HISTORY,
            *PREVENTIVE_OUTCOME.values(),
            PREVENTIVE_OTHER_NAME,
            heading="How each of these worked",
        ),
        _page("other-ways", Part.HISTORY, OTHER_TRIED, TRIGGERS, heading="Other ways and triggers"),
        _page(
            "aura-details",
            Part.HISTORY,
            AURA_SPREAD,
            AURA_IN_A_ROW,
            AURA_ONE_SIDE,
            AURA_POSITIVE,
            AURA_TO_PAIN,
            heading="More about your aura",
        ),
        _page("background", Part.HISTORY, YEARS_WITH, TOLD_MIGRAINE, OWN_WORDS, heading="The last few"),
        _page(
            "health",
            Part.REQUEST,
            *KET_CONDITIONS,
            KET_MEDICINES,
            KET_ESCORT,
            heading="Do any of these fit you?",
            lead=(
                "A clinic needs to know this before ketamine. A “yes” never stops your request."
                " Leave blank what you like."
            ),
        ),
    ),
)

# Asked only in the request, kept apart from the answers, never classified.
CONTACT = (
    Text(id="contact_name", stem="Your name", max_length=120, unsure_allowed=False),
    Text(id="contact_birth_date", stem="Your date of birth", max_length=30, unsure_allowed=False),
    Text(id="contact_phone", stem="Phone", max_length=40),
    Text(id="contact_email", stem="E-mail", max_length=254),
    Choice(
        id="contact_channel",
        stem="How should the clinic reach you?",
        options=(Option("phone", "Call me"), Option("text", "Text me"), Option("email", "E-mail me")),
        unsure_allowed=False,
    ),
    YesNo(id="contact_message_ok", stem="May the clinic leave a message?", unsure_allowed=False),
    Choices(
        id="contact_times",
        stem="When is a good time?",
        hint="Tick all that fit.",
        options=(
            Option("morning", "Morning"),
            Option("midday", "Midday"),
            Option("afternoon", "Afternoon"),
            Option("evening", "Evening"),
        ),
        unsure_allowed=False,
    ),
    Text(id="contact_state", stem="Which state do you live in?", max_length=40, unsure_allowed=False),
)
