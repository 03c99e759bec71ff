"""Warning signs say in both languages what their code means: a swapped or softened text lacks its words.

The words stand for the sign. Who changes the text of a sign on purpose reads both languages, then these.
"""

from __future__ import annotations

import re

import pytest

from screener.domain.question import Choice, Choices
from screener.domain.questionnaire import (
    CHANGES,
    DANGER_BEFORE,
    DANGER_NOW,
    INJURY_SIGNS,
    NOW_LENGTH,
    PREGNANCY,
)
from screener.web.languages import read_catalogue

NONE = ("none of these", "nada de esto")
# Question -> code -> what must stand in the English and in the Spanish text, between blanks.
_DANGERS = {
    "sudden": ("worst peak 5.minutes", "peor máximo 5.minutos"),
    "stroke_signs": ("weak numb droop face speaking", "débil dormida caída cara hablar"),
    "sight_loss": ("sudden loss.of.sight double", "repente pérdida.de.la.vista doble"),
    "fever_neck": ("fever stiff.neck rash drowsy", "fiebre cuello.rígido sarpullido sueño"),
    "faint_confused_seizure": ("faint confus seizure", "desmayo confus convulsi"),
    "head_injury": ("blow head", "golpe cabeza"),
    "red_eye": ("red pain eye blur rings", "ojo.rojo dolor borrosa aros"),
    "pregnancy_severe": ("severe pregnan 6.weeks birth", "fuerte embarazo 6.semanas parto"),
    "chest_pain": ("chest pain", "dolor pecho"),
    "carbon_monoxide": ("others pets home ill heater", "otras mascotas casa mal calentador"),
    "very_high_bp": ("blood.pressure 180/120 more", "presión.arterial 180/120 más"),
    "self_harm": ("harm myself ending.my.life", "daño quitarme.la.vida"),
    "none": NONE,
}
WORDS = {
    DANGER_NOW: _DANGERS,
    DANGER_BEFORE: _DANGERS,
    CHANGES: {
        "new_after_50": ("began changed 50.or.later", "empezó cambió 50.años.o.después"),
        "jaw_or_scalp": ("jaw chew scalp", "mandíbula mastica cuero.cabelludo"),
        "changed_pattern": ("new.kind how.often how.long", "tipo.de.dolor.nuevo cada.cuánto cuánto.dura"),
        "worsening_weeks": ("worse days weeks", "empeora días semanas"),
        "strain": ("cough sneez exercise sex", "toser estornuda ejercicio sexo"),
        "posture": ("standing lying", "de.pie acostarme"),
        "immune": ("immune hiv transplant chemo steroid", "defensas vih trasplante quimio esteroides"),
        "cancer": ("cancer before", "cáncer antes"),
        "injury_3mo": ("head.injury last.3.months", "cabeza últimos.3.meses"),
        "fever": ("fever headache", "fiebre dolor.de.cabeza"),
        "clot_or_estrogen_new": ("new clotting estrogen", "nuevo coagulación estrógeno"),
        "morning_vomiting": ("morning throwing.up", "mañana vómito"),
        "double_or_greying_sight": ("double gray", "doble gris"),
        "first_or_long_aura": ("first.aura over.an.hour", "primera.aura más.de.una.hora"),
        "new_medicine": ("after.a.new.medicine", "después.de.una.medicina.nueva"),
        "none": NONE,
    },
    INJURY_SIGNS: {
        "blood_thinner": ("blood.thinner", "anticoagulante"),
        "vomiting_since": ("thrown.up", "vomitado"),
        "sleepy_or_confused": ("sleepy confus", "sueño confus"),
        "worse_since": ("getting.worse", "empeorando"),
        "none": NONE,
    },
    PREGNANCY: {
        "pregnant": ("pregnant", "embarazada"),
        "postpartum_6w": ("birth 6.weeks", "parto 6.semanas"),
        "no": ("^no$", "^no$"),
        "rather_not_say": ("rather.not", "prefiero.no"),
    },
    NOW_LENGTH: {
        "under_4h": ("under.4.hours", "menos.de.4.horas"),
        "4_to_24h": ("4.hours.to.1.day", "4.horas.a.1.día"),
        "24_to_72h": ("1.to.3.days", "1.a.3.días"),
        "over_72h": ("over.3.days", "más.de.3.días"),
    },
}
# What sends somebody away to be helped, as English has it -> what the Spanish must say.
ADVICE = {
    "Call 911 now": "llame 911 ahora",
    "Get everyone out now. Then call 911.": "saque todos ahora 911",
    "You are not alone. Call or text 988 now.": "llame texto 988 ahora",
    "I ticked that by mistake": "error",
    "It happened, but not now": "antes no.ahora",
    "Please talk to a doctor today": "hoy médico",
    "Go to an emergency department today, even if you feel better now.": "hoy sala.de.emergencias aunque",
    "Call your maternity team today.": "hoy maternidad",
    "Call your own doctor or an urgent care clinic today.": "hoy médico atención.urgente",
    "A parent should call the child's doctor or an urgent care clinic today.": "hoy médico menor",
    "Do not wait for this call to get care today.": "no.espere hoy",
    "If it gets worse, or anything scares you, call 911.": "empeora 911",
    "If it gets worse, or you are in doubt, go to the emergency department or call 911.": "empeora dudas 911",
}
QUESTIONS = pytest.mark.parametrize("question", WORDS, ids=lambda question: question.id)


def holds(text: str, words: str) -> bool:
    return all(re.search(word, text.lower()) for word in words.split())


def spanish(text: str) -> str:
    return read_catalogue("es").gettext(text)


@QUESTIONS
def test_each_sign_says_what_it_means_and_no_other_in_both_languages(question: Choice | Choices) -> None:
    expected = WORDS[question]
    assert set(question.codes) == set(expected)
    for option in question.options:
        for text, of in ((option.label, 0), (spanish(option.label), 1)):
            meant = [code for code, words in expected.items() if holds(text, words[of])]
            assert meant == [option.code], text


@pytest.mark.parametrize(("advice", "words"), ADVICE.items(), ids=ADVICE)
def test_what_to_do_is_said_in_spanish_as_strongly(advice: str, words: str) -> None:
    assert spanish(advice) != advice, "no page says this any more"
    assert holds(spanish(advice), words), spanish(advice)


def test_now_is_asked_as_now() -> None:
    assert holds(DANGER_NOW.stem, "now")
    assert holds(spanish(DANGER_NOW.stem), "ahora")
