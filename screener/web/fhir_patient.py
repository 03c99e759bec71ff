"""Reads the Patient sent along with FHIR answers, who asks and how to reach them, as our own form does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from screener.domain.question import Choices
from screener.domain.questionnaire import CONTACT
from screener.exports.fhir.answers import Issue
from screener.exports.fhir.terms import Resource
from screener.web.contact_forms import ContactForm
from screener.web.us_states import STATE_CODES, STATE_NAMES

_CONTAINED: Final = "QuestionnaireResponse.contained"
# By a field of the form: the Patient's element, where in it, and what to do if there is nothing to read.
_PLACES: Final = {
    "contact_name": ("name", "", "give a name: its text, or given and family"),
    "contact_birth_date": ("birthDate", "", "give the whole date, like 1985-04-27"),
    "contact_phone": ("telecom", ".where(system='phone')", ""),
    "contact_email": ("telecom", ".where(system='email')", ""),
    "contact_state": (
        "address",
        ".state",
        "give a state of the US, its name or two letters, or Outside the US",
    ),
}
_ANY_TIME: Final = [code for question in CONTACT if isinstance(question, Choices) for code in question.codes]


def read_patient(response: object) -> tuple[dict[str, Any], list[Issue]]:
    """The contact data by id, ready to seal; or what is wrong with it, and no issue repeats it."""
    patients = [
        (f"{_CONTAINED}[{index}]", each)
        for index, each in enumerate(_list(response, "contained"))
        if isinstance(each, dict) and each.get("resourceType") == "Patient"
    ]
    if len(patients) != 1:
        return {}, [Issue("required", "hold one Patient: who asks, and how to reach them", _CONTAINED)]
    path, patient = patients[0]
    form = ContactForm(_as_form(patient), meta={"csrf": False})
    form.validate()
    issues = [*_issues(form, patient, path)]
    return ({}, issues) if issues else (form.contact, [])


def _as_form(patient: Resource) -> MultiDict[str, Any]:
    telecom = {system: _telecom(patient, system) for system in ("phone", "email")}
    return MultiDict(
        {
            "contact_name": next(filter(None, map(_name, _parts(patient, "name"))), ""),
            "contact_birth_date": _whole_date(_text(patient, "birthDate")),
            **{f"contact_{system}": value for system, value in telecom.items()},
            "contact_channel": "phone" if telecom["phone"] or not telecom["email"] else "email",
            "contact_state": next(filter(None, map(_state, _parts(patient, "address"))), ""),
            # Nobody asked for more than to be reached.
            "contact_message_ok": "no",
            "contact_times": _ANY_TIME,
            # The clinic's own system keeps what was agreed to.
            "consent": "yes",
        }
    )


def _issues(form: ContactForm, patient: Resource, path: str) -> Iterator[Issue]:
    if not (form.contact_phone.data or form.contact_email.data):
        yield Issue("required", "give a phone number or an e-mail address", f"{path}.telecom")
    for name, (element, within, needed) in _PLACES.items():
        field, at = form[name], f"{path}.{element}{within}"
        if needed and not field.data:
            yield Issue("value" if element in patient else "required", needed, at)
        elif field.data:
            # What could be read and is refused all the same is no adult's.
            code = "business-rule" if isinstance(field.value, date) else "value"
            yield from (Issue(code, error, at) for error in field.errors)


def _name(part: Resource) -> str:
    given = " ".join(each for each in _list(part, "given") if isinstance(each, str))
    return _text(part, "text").strip() or f"{given} {_text(part, 'family')}".strip()


def _telecom(patient: Resource, system: str) -> str:
    found = (part for part in _parts(patient, "telecom") if part.get("system") == system)
    return next((_text(part, "value") for part in found if part.get("use") != "old"), "")


def _state(part: Resource) -> str:
    given = _text(part, "state").strip()
    state = STATE_CODES.get(given.upper(), given)
    return state if state in STATE_NAMES else ""


def _whole_date(text: str) -> str:
    return text if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else ""


# ---------------------------------------------------------------- of whatever was sent


def _list(part: object, element: str) -> list[Any]:
    found = part.get(element) if isinstance(part, dict) else None
    return found if isinstance(found, list) else []


def _parts(part: Resource, element: str) -> list[Resource]:
    return [each for each in _list(part, element) if isinstance(each, dict)]


def _text(part: Resource, element: str) -> str:
    found = part.get(element)
    return found if isinstance(found, str) else ""
