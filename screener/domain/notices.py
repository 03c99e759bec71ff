"""Texts that are versioned like the questions: the disclaimer and what a patient agrees to."""

from screener.domain.question import Translate

DISCLAIMER = (
    "This is not a diagnosis and not medical advice. It compares your answers with descriptions that some"
    " clinics use. Only a clinician who talks with you and examines you can say what you have."
    " In an emergency call 911."
)

CONSENT_DATE = "2026-11-22"


CONSENT = (
    "I ask {clinic} to read my answers and contact me about them.",
    "My answers and contact details go to this clinic only.",
    "I know that this is not a diagnosis, and that nobody reads it right away.",
)


def consent_text(clinic_name: str, translate: Translate = str) -> tuple[str, ...]:
    """What the patient agrees to by sending, a sentence a line."""
    return tuple(translate(sentence).format(clinic=clinic_name) for sentence in CONSENT)
