"""What routes for machines share: a token with a right, what is asked and answered, how refusals are told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, Final

from flask import Blueprint, Flask, Response, g, request
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from screener.domain.rights import Right
from screener.store.api_tokens import MOST_CALLS_A_MINUTE, Bearer, count_call, enter_by_token
from screener.store.errors import NotFoundError, UnreadableError
from screener.web.access import db
from screener.web.refusals import INVALID
from screener.web.transaction import (
    RETRY_AFTER_SECONDS,
    finish_before_waiting,
    log_shut,
    log_unavailable,
    refuse,
)

# Where a view keeps what the description says of it.
OPERATION: Final = "screener_operation"
PROBLEM: Final = "application/problem+json"
_BEARER: Final = "Bearer "


class Strict(BaseModel):
    """Takes what it names and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldProblem(Strict):
    """One part of what was sent, and what is wrong with it."""

    field: str
    problem: str


class Problem(Strict):
    """Why something was refused (RFC 9457)."""

    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


class RefusedError(Exception):
    """A refusal in words, by status."""

    def __init__(
        self, status: int, detail: str, errors: list[FieldProblem] | None = None, **headers: str
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(title=_title(status), status=status, detail=detail, errors=errors or [])
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass(frozen=True)
class Operation:
    """What the description of the API says of one."""

    summary: str
    right: Right | None
    answer: type[BaseModel] | None
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    refusals: tuple[int, ...] = ()


def operation(
    right: Right | None,
    answer: type[BaseModel] | None,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    refusals: tuple[int, ...] = (),
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Lets in whoever has the right, reads what was sent into `query` and `body`, sends what comes back."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(**values: Any) -> Any:
            if right is not None:
                let_in(right)
            if query is not None:
                values["query"] = _read(query, request.args.to_dict(), "query")
            if body is not None:
                values["body"] = _read(body, sent_json(), "body")
            found = view(**values)
            return _json(found) if isinstance(found, BaseModel) else found

        about = Operation((view.__doc__ or "").strip(), right, answer, query, body, refusals)
        setattr(guarded, OPERATION, about)
        return guarded

    return decorate


def let_in(right: Right) -> Bearer:
    """Whose token came with the request. What it did is in the trail also where it is then refused."""
    now = datetime.now(UTC)
    said = request.headers.get("Authorization", "")
    bearer = enter_by_token(db(), said.removeprefix(_BEARER), now) if said.startswith(_BEARER) else None
    if bearer is None:
        raise RefusedError(
            401, "Send a token of the clinic as “Authorization: Bearer”.", WWW_Authenticate="Bearer"
        )
    is_in_time = count_call(db(), bearer, request.endpoint or "", now)
    finish_before_waiting()
    if not is_in_time:
        detail = f"A token may be used {MOST_CALLS_A_MINUTE} times a minute."
        raise RefusedError(429, detail, Retry_After=str(60 - now.second))
    if right not in bearer.rights:
        raise RefusedError(403, f"This token lacks the right “{right.value}”.")
    g.bearer = bearer
    return bearer


def sent_json() -> Any:
    """What the body says. Raises RefusedError."""
    try:
        found = json.loads(request.get_data())
    except (ValueError, RecursionError):
        found = None
    if found is None:
        raise RefusedError(INVALID, "Send a JSON body.")
    return found


def _read(model: type[BaseModel], sent: Any, place: str) -> BaseModel:
    try:
        return model.model_validate(sent)
    except ValidationError as error:
        # What was sent is not said again: it may be a patient's.
        problems = [
            FieldProblem(field=".".join(map(str, one["loc"])) or place, problem=one["msg"])
            for one in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise RefusedError(INVALID, f"The {place} is not as it should be.", problems) from None


def wrong_body(field: str, problem: str) -> RefusedError:
    """One field that its model could not judge by itself."""
    said = FieldProblem(field=field, problem=problem)
    return RefusedError(INVALID, "The body is not as it should be.", [said])


def _json(found: BaseModel) -> Response:
    return Response(found.model_dump_json(), 200, mimetype="application/json")


def install_refusals(blueprint: Blueprint, tell: Callable[[RefusedError], Response] | None = None) -> None:
    """Every refusal of these doors is told as machines read it; nothing of what failed is kept."""
    say = tell or tell_problem

    def tell_refusal(error: RefusedError) -> Response:
        db().rollback()
        response = say(error)
        response.headers.update(error.headers)
        return response

    def refuse_http(error: HTTPException) -> Response:
        return tell_refusal(RefusedError(error.code or 500, error.description or "", None, **_allowed(error)))

    def unavailable(error: SQLAlchemyError) -> Response:
        log_unavailable(error)
        detail = "The database is busy or away. Nothing was saved: send it again."
        return tell_refusal(RefusedError(503, detail, None, Retry_After=str(RETRY_AFTER_SECONDS)))

    def shut(_error: UnreadableError) -> Response:
        log_shut()
        return tell_refusal(
            RefusedError(503, "A key is missing here. Nothing was changed. Whoever runs it must act.")
        )

    blueprint.register_error_handler(RefusedError, tell_refusal)
    blueprint.register_error_handler(
        NotFoundError, lambda _error: tell_refusal(RefusedError(404, "There is no such record."))
    )
    blueprint.register_error_handler(HTTPException, refuse_http)
    blueprint.register_error_handler(SQLAlchemyError, unavailable)
    blueprint.register_error_handler(UnreadableError, shut)


def install(app: Flask, paths: Mapping[str, Callable[[RefusedError], Response]]) -> None:
    """What no door is behind is refused in the doors' own way, by how its path begins."""

    def refuse_unknown(error: HTTPException) -> Response | HTTPException:
        for path, tell in paths.items():
            if request.path.startswith(path):
                response = tell(RefusedError(error.code or 500, "There is no such door."))
                response.headers.update(_allowed(error))
                return response
        return refuse(error)

    for status in (404, 405):
        app.register_error_handler(status, refuse_unknown)


def tell_problem(error: RefusedError) -> Response:
    return Response(error.problem.model_dump_json(), error.problem.status, mimetype=PROBLEM)


def _allowed(error: HTTPException) -> Mapping[str, str]:
    methods = getattr(error, "valid_methods", None)
    return {"Allow": ", ".join(methods)} if methods else {}


def _title(status: int) -> str:
    return _TITLES.get(status, "Refused")


_TITLES: Final = {
    400: "Not readable",
    401: "No token",
    403: "Not allowed",
    404: "Not found",
    405: "Not this method",
    409: "Not possible now",
    413: "Too large",
    415: "Not this kind",
    422: "Not as it should be",
    429: "Too often",
    503: "Not now",
}
