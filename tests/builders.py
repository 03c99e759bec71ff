"""Plain functions that build what tests need."""

from __future__ import annotations

PASSWORD = "correct horse battery staple"

# Looks after the clinics and belongs to none.
OWNER = "owner@screen.example"

# E-mail -> (clinic, role); nobody@ belongs to no clinic.
STAFF = {
    "intake@acme.example": ("acme", "intake"),
    "clinician@acme.example": ("acme", "clinician"),
    "admin@acme.example": ("acme", "clinic_admin"),
    "intake@other.example": ("other", "intake"),
    "nobody@acme.example": ("", ""),
    OWNER: ("", ""),
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

# A person who is asked every page there is; urgent, not an emergency.
EVERY_PAGE: dict[str, object] = {
    **CHRONIC_AND_INTRACTABLE,
    "changes": ["injury_3mo"],
    "injury_signs": ["none"],
    "head_days": 29,
    "continuous_since_start": True,
    "now_pain": True,
    "now_length": "over_72h",
    "now_relief": "none",
    "keep_down": True,
    "longest_break": "up_to_12h",
    "break_cause": "sleep",
    "now_stops_me": True,
    "now_as_usual": True,
    "aura_ever": True,
    "aura_types": ["visual", "speech"],
    "aura_each": "5_to_60_min",
    "aura_clears": True,
    "acute_tried": ["triptan", "ergot", "other"],
    "days_lost": 40,
    "debil_days": 12,
    "debil_months": 7,
    "triptan_relief": "a_little",
    "acute_other_name": "Feverfew",
    "triptan_days": 11,
    "acute_days": 12,
    "acute_over_3_months": True,
    "preventives_tried": ["beta_blocker", "botulinum", "other"],
    "beta_blocker_outcome": "not_enough",
    "preventive_other_name": "Riboflavin",
    "triggers": ["stress"],
    "aura_spread": "5_min_or_more",
    "own_words": "It is worst on Mondays. \U0001f327",
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
