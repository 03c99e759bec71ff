"""The description of the API (OpenAPI 3.1), made from its routes themselves, so that it cannot differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from flask import current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from screener.domain.rights import Right
from screener.web.access import settings
from screener.web.operations import OPERATION, PROBLEM, Operation, Problem

_Door = tuple[Rule, str, Operation]
_CONVERTED: Final = re.compile(r"<(?:\w+:)?(\w+)>")
_SCHEMAS: Final = "#/components/schemas/"
_REFUSED: Final = {
    401: "No token, or one that opens nothing (any more)",
    403: "The token lacks the right",
    404: "The clinic has no such record",
    409: "Not possible in the state it is in",
    410: "The patient withdrew it",
    422: "What was sent is not as it should be",
    429: "Too many calls in a minute",
}


def describe(blueprint: str) -> dict[str, Any]:
    """The whole document."""
    doors = list(_doors(blueprint))
    _, schemas = models_json_schema(list(dict.fromkeys(_models(doors))), ref_template=_SCHEMAS + "{model}")
    paths: dict[str, Any] = {}
    for rule, method, about in doors:
        path = _CONVERTED.sub(r"{\1}", rule.rule)
        paths.setdefault(path, {})[method.lower()] = _operation(rule, about, schemas["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headache screener",
            "version": "1",
            "description": "For a clinic's own systems. A screening is not a diagnosis.",
        },
        "servers": [{"url": settings().link("").rstrip("/")}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A clinic's token. Its rights: "
                    + "; ".join(f"{right.value}: {right.label}" for right in Right),
                }
            },
        },
    }


def _models(doors: list[_Door]) -> Iterator[tuple[type[BaseModel], Literal["validation", "serialization"]]]:
    for _, _, about in doors:
        for model in (about.query, about.body):
            if model is not None:
                yield model, "validation"
        if about.answer is not None:
            yield about.answer, "serialization"
    yield Problem, "serialization"


def _doors(blueprint: str) -> Iterator[_Door]:
    rules = [r for r in current_app.url_map.iter_rules() if r.endpoint.startswith(f"{blueprint}.")]
    for rule in sorted(rules, key=lambda each: each.rule):
        about: Operation = getattr(current_app.view_functions[rule.endpoint], OPERATION)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, about


def _operation(rule: Rule, about: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": rule.endpoint.partition(".")[2],
        "summary": about.summary,
        "responses": {
            "200": {"description": "Done"} | _content("application/json", about.answer),
            **{str(status): _refusal(status) for status in _refusals(about)},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in sorted(rule.arguments)
    ]
    if about.query is not None:
        fields = schemas.pop(about.query.__name__)["properties"]
        parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]
    if parameters:
        told["parameters"] = parameters
    if about.body is not None:
        told["requestBody"] = {"required": True} | _content("application/json", about.body)
    if about.right is not None:
        told["security"] = [{"token": []}]
        told["description"] = f"Needs the right `{about.right.value}`."
    return told


def _refusals(about: Operation) -> list[int]:
    guarded = (401, 403, 429) if about.right is not None else ()
    read = (422,) if about.query is not None or about.body is not None else ()
    return sorted({*guarded, *read, *about.refusals})


def _refusal(status: int) -> dict[str, Any]:
    return {"description": _REFUSED[status]} | _content(PROBLEM, Problem)


def _content(kind: str, model: type[BaseModel] | None) -> dict[str, Any]:
    schema = {"$ref": _SCHEMAS + model.__name__} if model is not None else {"type": "object"}
    return {"content": {kind: {"schema": schema}}}
