"""What reads strangers' bytes, given bytes that a fuzzer makes: tokens, references, files and FHIR.

Run by `make fuzz` with atheris, which watches what they reach: `python -m probes.parsers csv -runs=10000`.
"""

from __future__ import annotations

import copy
import io
import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import atheris
from werkzeug.datastructures import MultiDict

with atheris.instrument_imports(include=["screener"]):
    from conftest import SqliteFiles, make_installation
    from exports.fhir_samples import BASE, EVERY_PAGE, response, walked
    from web.test_fhir import PATIENT

    from screener.domain.answers import AnswerError, read_answers
    from screener.domain.questionnaire import QUESTIONNAIRE
    from screener.exports.fhir.answers import ResponseError, read_response
    from screener.store.saved_drafts import read_code
    from screener.web.classify_files import read_objects
    from screener.web.fhir_patient import read_patient
    from screener.web.fhir_search import read_search
    from screener.web.operations import RefusedError

_BROKEN: Final = 500
_FOLDER: Final = tempfile.TemporaryDirectory(prefix="parsers-")
_APP: Final = make_installation(SqliteFiles(Path(_FOLDER.name)).create()).app
_RESPONSE: Final = response(walked(EVERY_PAGE)) | {"contained": [PATIENT], "subject": {"reference": "#who"}}
_SEARCH: Final = ("identifier", "questionnaire", "authored", "_count", "after")
_SCALARS: Final = (None, True, 0, -1, 1.5, "", "x", [], {}, [[]], "9" * 400, "\ud800", "1984-04-27", "NaN")


# ---------------------------------------------------------------- what reads


def read_token(data: bytes) -> None:
    """In an address, and as a machine shows it."""
    made = atheris.FuzzedDataProvider(data)
    text = made.ConsumeUnicodeNoSurrogates(120)
    client = _APP.test_client()
    for path in (f"/d/{text}/check", f"/r/{text}", f"/resume/{text}"):
        assert client.get(path).status_code < _BROKEN
    shown = text.encode("ascii", "ignore").decode().translate({10: None, 13: None})
    for door in ("/api/v1/requests", "/fhir/QuestionnaireResponse"):
        assert client.get(door, headers={"Authorization": f"Bearer {shown}"}).status_code < _BROKEN


def read_reference(data: bytes) -> None:
    """A code from paper; what a search of FHIR names."""
    made = atheris.FuzzedDataProvider(data)
    code = read_code(made.ConsumeUnicode(60))
    assert code is None or read_code(code) == code
    asked = [(made.PickValueInList(list(_SEARCH)), made.ConsumeUnicode(40)) for _ in range(2)]
    try:
        read_search(MultiDict(asked), base_url=BASE, time_zone="America/Los_Angeles")
    except RefusedError:
        """Said, not thrown."""


def _read_file(file_format: str) -> Callable[[bytes], None]:
    def read(data: bytes) -> None:
        try:
            for item in read_objects(io.BytesIO(data), file_format):
                if not isinstance(item, AnswerError):
                    read_answers(QUESTIONNAIRE, item)
        except AnswerError:
            """Said, not thrown."""

    return read


def read_fhir(data: bytes) -> None:
    """Our own response, with parts of it lost, doubled, moved or made something else."""
    made = atheris.FuzzedDataProvider(data)
    resource = copy.deepcopy(_RESPONSE)
    for _ in range(made.ConsumeIntInRange(1, 4)):
        _spoil(resource, made)
    try:
        read_answers(QUESTIONNAIRE, read_response(resource, base_url=BASE))
    except (ResponseError, AnswerError):
        """Said, not thrown."""
    with _APP.test_request_context():
        read_patient(resource)


def _spoil(part: Any, made: Any) -> None:
    """Somewhere within."""
    while isinstance(part, dict | list) and part:
        place = made.PickValueInList(list(part) if isinstance(part, dict) else list(range(len(part))))
        if isinstance(part[place], dict | list) and part[place] and made.ConsumeIntInRange(0, 5):
            part = part[place]
            continue
        match made.ConsumeIntInRange(0, 3):
            case 0:
                del part[place]
            case 1:
                part[place] = [part[place], copy.deepcopy(part[place])]
            case 2:
                part[place] = made.ConsumeUnicode(30)
            case _:
                part[place] = copy.deepcopy(made.PickValueInList(list(_SCALARS)))
        return


def read_json_fhir(data: bytes) -> None:
    """Whatever is JSON."""
    try:
        resource = json.loads(data)
    except (ValueError, RecursionError):
        return
    try:
        read_response(resource, base_url=BASE)
    except ResponseError:
        """Said, not thrown."""


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    "token": read_token,
    "reference": read_reference,
    "csv": _read_file("csv"),
    "json": _read_file("json"),
    "fhir": read_fhir,
    "fhir-json": read_json_fhir,
}

if __name__ == "__main__":
    target, options = TARGETS[sys.argv[1]], sys.argv[2:]
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()
