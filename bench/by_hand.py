"""The same verdicts as somebody in a hurry writes them: on a plain dict, with no reasons and no walk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from screener.domain.questionnaire import ACUTE_RELIEF

_NONE = "none"
_LITTLE, _LASTING = ("none", "a_little"), ("goes", "much_better")
RELIEF: Final = tuple(question.id for question in ACUTE_RELIEF.values())


def urgency_of(said: Mapping[str, Any]) -> str:
    if _is_emergency(said):
        return "emergency"
    return "urgent" if _is_urgent(said) else "routine"


def _is_emergency(said: Mapping[str, Any]) -> bool:
    get = said.get
    changes, symptoms = get("changes") or (), get("symptoms") or ()
    if any(code != _NONE for code in get("danger_now") or ()):
        return True
    sight = "double_or_greying_sight" in changes
    is_older = "new_after_50" in changes or (get("age") or 0) >= 50
    if is_older and "jaw_or_scalp" in changes and (sight or "vision" in symptoms):
        return True
    if "injury_3mo" in changes:
        signs = get("injury_signs")
        if "worsening_weeks" in changes or "morning_vomiting" in changes:
            return True
        if any(code != _NONE for code in signs or ()) or (signs is None and "vomiting" in symptoms):
            return True
    if "immune" in changes and ("fever" in changes or "worsening_weeks" in changes or sight):
        return True
    return get("pregnancy") in {"pregnant", "postpartum_6w"} and (
        sight or "first_or_long_aura" in changes or "clot_or_estrogen_new" in changes
    )


def _is_urgent(said: Mapping[str, Any]) -> bool:
    get = said.get
    return (
        any(code != _NONE for code in get("danger_before") or ())
        or get("pregnancy") in {"pregnant", "postpartum_6w"}
        or get("keep_down") is False
        or get("danger_now") is None
        or get("changes") is None
        or any(code != _NONE for code in get("changes") or ())
        or get("now_length") == "over_72h"
        or ((get("age") or 0) >= 50 and get("attacks_ever") == "one")
        or "weakness" in (get("aura_types") or ())
        or get("aura_each") == "over_60_min"
        or get("aura_clears") is False
    )


def class_of(said: Mapping[str, Any]) -> str:
    days = said.get("head_days")
    chronic = None if days is None else days >= 15
    intractable = _intractable(said)
    if intractable:
        return "chronic_and_intractable" if chronic else "intractable"
    if chronic:
        return "chronic"
    regular = _regular(said)
    if chronic is False and regular:
        return "regular"
    if chronic is False and intractable is False and regular is False:
        return "outside_the_criteria"
    return "insufficient_information"


def _intractable(said: Mapping[str, Any]) -> bool | None:
    length, response = _lasts(said), _resists(said)
    helped = said.get("lifestyle_relief") == "helps"
    present = _present(said)
    if present or (length and response and not helped):
        return True
    usual = False if False in (length, response) or helped else None
    return False if usual is False and present is False else None


def _lasts(said: Mapping[str, Any]) -> bool | None:
    treated, untreated, back = (
        said.get("treated_length"),
        said.get("untreated_length"),
        said.get("comes_back"),
    )
    if treated == "over_72h":
        return True
    if back:
        return None if "under_4h" in (treated, untreated) else True
    if back is None:
        return None
    if treated == "never_treated":
        return False if untreated not in {None, "over_72h"} else None
    return None if treated is None else False


def _resists(said: Mapping[str, Any]) -> bool | None:
    relief = said.get("usual_relief")
    if relief in {None, "never_tried"} or (relief in _LASTING and said.get("comes_back")):
        return None
    if relief in _LITTLE:
        if _NONE in (said.get("acute_tried") or ()):
            return None
        return None if any(said.get(name) in _LASTING for name in RELIEF) else True
    return False


def _present(said: Mapping[str, Any]) -> bool | None:
    length, relief = said.get("now_length"), said.get("now_relief")
    if (
        said.get("now_pain") is False
        or (length is not None and length != "over_72h")
        or relief in _LASTING
        or said.get("longest_break") == "over_12h"
    ):
        return False
    return True if length == "over_72h" and relief in _LITTLE else None


def _regular(said: Mapping[str, Any]) -> bool | None:
    treated, untreated = said.get("treated_length"), said.get("untreated_length")
    known = {treated, untreated} - {None, "never_treated"}
    if treated == "over_72h" or said.get("comes_back"):
        length: bool | None = False
    elif known & {"4_to_24h", "24_to_72h"}:
        length = True
    else:
        length = False if known else None
    if said.get("usual_relief") in _LITTLE:
        return False
    return length
