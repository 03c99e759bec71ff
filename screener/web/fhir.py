"""FHIR R4 over HTTP: the questionnaire for all, a clinic's requests for its own systems (docs/fhir.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy.exc import IntegrityError

from screener.domain.answers import Answers
from screener.domain.next_step import ADULT_AGE, next_step
from screener.domain.questionnaire import AGE, QUESTIONNAIRE
from screener.domain.rights import Right
from screener.domain.screening import screen
from screener.domain.urgency import Level, judge_urgency
from screener.exports.fhir.answers import Issue, ResponseError, read_response
from screener.exports.fhir.consultation import answers_resource, consultation_bundle
from screener.exports.fhir.questionnaire import questionnaire_resource
from screener.exports.fhir.server import SERVED, capability_statement, operation_outcome, search_set
from screener.exports.fhir.terms import SCREENING, Resource, code_system
from screener.store.api_tokens import Bearer
from screener.store.audit import note, request_subject
from screener.store.consultations import find_by_receipt, get_consultation
from screener.store.database import vault_of
from screener.store.errors import NotFoundError
from screener.store.queue import MOST_COUNTED, Turn, count_chosen, get_cursor
from screener.store.tables import Consultation
from screener.store.vault import derive_token
from screener.web.access import db, settings
from screener.web.clinic_card import card_of
from screener.web.fhir_patient import read_patient
from screener.web.fhir_requests import read_page, stored_request
from screener.web.fhir_search import Parameters, read_search, refuse_others
from screener.web.languages import LANGUAGES, SOURCE_LANGUAGE, read_catalogue, speak
from screener.web.operations import RefusedError, install_refusals, let_in, sent_json
from screener.web.refusals import INVALID
from screener.web.requests import Sending, send_request

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")

_QUESTIONNAIRE, _CODE_SYSTEM, _RESPONSE = "Questionnaire", "CodeSystem", "QuestionnaireResponse"
# FHIR's IssueType by HTTP's status.
_ISSUE_TYPES: Final = {
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    410: "deleted",
    413: "too-long",
    429: "throttled",
    500: "exception",
    503: "transient",
}


def tell_outcome(error: RefusedError) -> Response:
    problem = error.problem
    code = _ISSUE_TYPES.get(problem.status, "invalid")
    words = [f"{one.field}: {one.problem}" for one in problem.errors] or [problem.detail]
    return _send(operation_outcome([Issue(code, each, "") for each in words]), problem.status)


install_refusals(fhir, tell_outcome)


@fhir.errorhandler(ResponseError)
def refuse_response(error: ResponseError) -> Response:
    """Each reason with its place; nothing of what was sent is kept."""
    db().rollback()
    return _send(operation_outcome(error.issues), INVALID)


# ---------------------------------------------------------------- for everybody


@fhir.get("/metadata")
def metadata() -> Response:
    changed = datetime.fromisoformat(QUESTIONNAIRE.version).replace(tzinfo=UTC)
    return _public(
        capability_statement(_base_url(), software_version=version("migraine-screener"), date=changed)
    )


@fhir.get("/Questionnaire")
def search_questionnaires() -> Response:
    return _search_published(_QUESTIONNAIRE)


@fhir.get("/Questionnaire/<resource_id>")
def read_questionnaire(resource_id: str) -> Response:
    return _read_published(_QUESTIONNAIRE, resource_id)


@fhir.get("/CodeSystem")
def search_code_systems() -> Response:
    return _search_published(_CODE_SYSTEM)


@fhir.get("/CodeSystem/<resource_id>")
def read_code_system(resource_id: str) -> Response:
    return _read_published(_CODE_SYSTEM, resource_id)


_WRITERS: Final[Mapping[str, Callable[..., Resource]]] = {
    _QUESTIONNAIRE: questionnaire_resource,
    _CODE_SYSTEM: code_system,
}


@cache
def _published(kind: str, base_url: str) -> Resource:
    others = {code: read_catalogue(code).gettext for code in LANGUAGES if code != SOURCE_LANGUAGE}
    return _WRITERS[kind](base_url, others)


def _read_published(kind: str, resource_id: str) -> Response:
    if resource_id != SCREENING:
        raise NotFoundError("no such resource")
    return _public(_published(kind, _base_url()))


def _search_published(kind: str) -> Response:
    refuse_others(request.args, SERVED[kind][1])
    resource = _published(kind, _base_url())
    fits = all(resource[name] == value for name, value in request.args.items())
    found = [resource] if fits else []
    return _public(search_set(found, base_url=_base_url(), url=_url(request.args), total=len(found)))


# ---------------------------------------------------------------- for a clinic's own systems


@fhir.get("/QuestionnaireResponse")
def search_responses() -> Response:
    """Oldest first."""
    bearer = let_in(Right.RECORDS_READ)
    asked = read_search(request.args, base_url=_base_url(), time_zone=bearer.clinic.time_zone)
    # Where the row it names is gone, that is a 404: begin anew.
    turn = Turn(get_cursor(db(), asked.after, datetime.now(UTC))) if asked.after else None
    found, following = read_page(
        db(), asked.chosen, bearer.clinic.name, limit=asked.count, turn=turn, page="fhir.search_responses"
    )
    (total,) = count_chosen(db(), asked.chosen)
    onward = request.args.copy()
    if following:
        onward["after"] = found[-1].reference
    return _send(
        search_set(
            [answers_resource(each, base_url=_base_url()) for each in found],
            base_url=_base_url(),
            url=_url(request.args),
            total=total if total <= MOST_COUNTED else None,
            following=_url(onward) if following else "",
        )
    )


@fhir.get("/QuestionnaireResponse/<reference>")
def read_answers(reference: str) -> Response:
    return _read_request(reference, answers_resource)


@fhir.get("/Bundle/<reference>")
def read_bundle(reference: str) -> Response:
    """The whole request, to be posted to a record system."""
    return _read_request(reference, consultation_bundle)


def _read_request(reference: str, write: Callable[..., Resource]) -> Response:
    bearer = let_in(Right.RECORDS_READ)
    consultation = get_consultation(db(), reference)
    note(db(), "read", request_subject(consultation), page=request.endpoint)
    return _tell(consultation, bearer, write)


def _tell(
    consultation: Consultation,
    bearer: Bearer,
    write: Callable[..., Resource],
    status: int = 200,
    **headers: str,
) -> Response:
    if consultation.screening_id is None:
        raise RefusedError(410, "The patient withdrew this request: nothing of it is kept.")
    told = write(stored_request(db(), consultation, bearer.clinic.name), base_url=_base_url())
    return _send(told, status, ETag=f'W/"{consultation.version}"', **headers)


@fhir.post("/QuestionnaireResponse")
def create_response() -> Response:
    """Queues what was answered elsewhere; the same sent again is the same request."""
    bearer = let_in(Right.RECORDS_WRITE)
    sent = sent_json()
    body = _canonical(sent)
    receipt_token = derive_token(vault_of(db()), "fhir response", f"{bearer.clinic.id}{body}")
    consultation = find_by_receipt(db(), receipt_token)
    status = 200
    if consultation is None:
        try:
            consultation, status = _send_in(bearer, sent, receipt_token), 201
        except IntegrityError:
            # The same was sent a moment ago; any other cause is ours.
            db().rollback()
            consultation = find_by_receipt(db(), receipt_token)
            if consultation is None:
                raise
    where = f"{_base_url()}/fhir/{_RESPONSE}/{consultation.reference}"
    return _tell(consultation, bearer, answers_resource, status, Location=where)


def _canonical(sent: object) -> str:
    """A hash of what was sent, whatever the order of its keys. Raises RefusedError."""
    try:
        text = json.dumps(sent, sort_keys=True, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        raise RefusedError(INVALID, "The body holds what no text may hold, or is nested too deep.") from None
    return hashlib.sha256(text).hexdigest()


def _send_in(bearer: Bearer, sent: Any, receipt_token: str) -> Consultation:
    """Raises ResponseError, or IntegrityError where it is there already."""
    answers, contact = _read_sent(sent)
    language = str(sent.get("language")).split("-", maxsplit=1)[0]
    speak(language if language in LANGUAGES else SOURCE_LANGUAGE)
    found = screen(answers)
    step = next_step(found.urgency.level, found.classification.article_class, answers[AGE])
    digest = hashlib.sha256(f"fhir|{receipt_token}".encode()).digest()
    return send_request(
        db(),
        card_of(bearer.clinic),
        answers=answers,
        events=[],
        contact=contact,
        # Nobody showed them our page that says to call 911.
        kind=step.kind or "call_back",
        sending=Sending(digest, digest, receipt_token),
        now=datetime.now(UTC),
        sent_by=bearer.name,
    )


def _read_sent(sent: object) -> tuple[Answers, dict[str, Any]]:
    contact, issues = read_patient(sent)
    try:
        answers = Answers(QUESTIONNAIRE, read_response(sent, base_url=_base_url()), from_outside=True)
        issues = [*_not_for_us(sent, answers), *issues]
    except ResponseError as error:
        raise ResponseError((*error.issues, *issues)) from None
    if issues and judge_urgency(answers).level is Level.EMERGENCY:
        issues = [_DANGER, *issues]
    if issues:
        raise ResponseError(tuple(issues))
    return answers, contact


# Nothing is kept of what is refused, so only who sent it can still tell the person.
_DANGER: Final = Issue(
    "business-rule",
    "these answers tell of an emergency and are not taken: tell the person to call 911 now",
    _RESPONSE,
)


def _not_for_us(sent: Any, answers: Answers) -> list[Issue]:
    """Whoever is a child, or may be one; and whoever has not come to the end."""
    found = []
    if sent["status"] == "in-progress":
        words = "send it when it is finished: each one that is sent is a request"
        found.append(Issue("business-rule", words, f"{_RESPONSE}.status"))
    if (answers[AGE] or 0) < ADULT_AGE:
        path = f"{_RESPONSE}.descendants().where(linkId='{AGE.id}')"
        found.append(
            Issue("business-rule", f"must tell an age of {ADULT_AGE} or more: this is for adults", path)
        )
    return found


# ---------------------------------------------------------------- answering


def _send(resource: Resource, status: int = 200, **headers: str) -> Response:
    body = json.dumps(resource, ensure_ascii=False)
    return Response(body, status, headers, content_type="application/fhir+json; charset=utf-8")


def _public(resource: Resource) -> Response:
    """To be kept, and asked again whether it is still so."""
    response = _send(resource)
    response.cache_control.public = response.cache_control.no_cache = True
    response.add_etag()
    response.make_conditional(request)
    return response


def _base_url() -> str:
    return settings().link("")


def _url(parameters: Parameters) -> str:
    asked = urlencode([*parameters.items(multi=True)])
    return f"{_base_url()}{request.path}{f'?{asked}' if asked else ''}"
