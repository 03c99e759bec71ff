"""Plain functions that build what tests need."""

from __future__ import annotations

PASSWORD = "correct horse battery staple"

# E-mail -> (clinic, role); nobody@ belongs to no clinic.
STAFF = {
    "intake@acme.example": ("acme", "intake"),
    "clinician@acme.example": ("acme", "clinician"),
    "admin@acme.example": ("acme", "clinic_admin"),
    "intake@other.example": ("other", "intake"),
    "nobody@acme.example": ("", ""),
}

# A person whose answers match chronic and intractable migraine, and who is not urgent.
CHRONIC_AND_INTRACTABLE: dict[str, object] = {
    "danger_now": ["none"],
    "age": 42,
    "pregnancy": "no",
    "changes": ["none"],
    "head_days": 20,
    "mig_days": 12,
    "months_at_rate": "over_3",
    "attacks_ever": "five_or_more",
    "untreated_length": "over_72h",
    "treated_length": "over_72h",
    "comes_back": True,
    "now_pain": False,
    "usual_relief": "a_little",
    "lifestyle_relief": "none",
    "side": "one",
    "constant": True,
    "pulsating": True,
    "worse_on_activity": True,
    "severity": 8,
    "stops_me": "cannot",
    "symptoms": ["nausea", "light", "dizziness"],
    "aura_ever": False,
    "acute_tried": ["triptan", "nsaid"],
}

CONTACT = {
    "contact_name": "Pat Example",
    "contact_birth_date": "4/27/1984",
    "contact_phone": "(704) 519-6918",
    "contact_email": "pat@example.com",
    "contact_channel": "phone",
    "contact_message_ok": "yes",
    "contact_times": ["morning"],
    "contact_state": "California",
    "consent": "yes",
}


def as_form(value: object) -> list[str]:
    """An answer as the browser would send it."""
    if value is None:
        return ["unsure"]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
