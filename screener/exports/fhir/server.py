"""What a FHIR server says of itself and of requests: what it can do, what was found, what went wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from screener.exports.fhir.answers import Issue
from screener.exports.fhir.terms import FHIR_VERSION, Resource, instant

# Resource type -> (interactions, search parameters with their types).
SERVED: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]]] = {
    "Questionnaire": (("read", "search-type"), {"url": "uri", "version": "token"}),
    "CodeSystem": (("read", "search-type"), {"url": "uri", "version": "token"}),
    "QuestionnaireResponse": (
        ("read", "search-type", "create"),
        {"identifier": "token", "authored": "date", "questionnaire": "reference"},
    ),
    "Bundle": (("read",), {}),
}


def capability_statement(base_url: str, *, software_version: str, date: datetime) -> Resource:
    """For /fhir/metadata. `date` is when what is served last changed."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(date),
        "kind": "instance",
        "software": {"name": "Migraine screener", "version": software_version},
        "implementation": {"description": "Headache screenings of a clinic", "url": f"{base_url}/fhir"},
        "fhirVersion": FHIR_VERSION,
        "format": ["json"],
        "rest": [
            {
                "mode": "server",
                "security": {"description": "A clinic's token in the Authorization header"},
                "resource": [_served(name) for name in SERVED],
            }
        ],
    }


def _served(name: str) -> Resource:
    interactions, parameters = SERVED[name]
    searched = [{"name": each, "type": kind} for each, kind in parameters.items()]
    return {
        "type": name,
        "interaction": [{"code": each} for each in interactions],
        **({"searchParam": searched} if searched else {}),
    }


def operation_outcome(issues: Sequence[Issue]) -> Resource:
    """The body of an error; `issues` holds one or more."""
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": issue.code,
                "diagnostics": issue.words,
                **({"expression": [issue.path]} if issue.path else {}),
            }
            for issue in issues
        ],
    }


def search_set(
    resources: Collection[Resource], *, base_url: str, url: str, total: int | None, following: str = ""
) -> Resource:
    """What a search found: `url` is what was asked, `total` counts what lies on other pages, too, or is None
    where nobody counted, and `following` is where the next page is, if there is one."""
    entries = [
        {
            "fullUrl": f"{base_url}/fhir/{each['resourceType']}/{each['id']}",
            "resource": each,
            "search": {"mode": "match"},
        }
        for each in resources
    ]
    links = {"self": url, **({"next": following} if following else {})}
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        **({} if total is None else {"total": total}),
        "link": [{"relation": relation, "url": where} for relation, where in links.items()],
        **({"entry": entries} if entries else {}),
    }
