"""The screen where administrators have other systems told what happens, and see whether it arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.store.audit import Wanted, list_entries
from screener.store.database import new_id
from screener.store.errors import ConflictError, NotFoundError
from screener.store.outbox import KILLED
from screener.store.webhooks import (
    EVENTS,
    MOST_ENDPOINTS,
    TEST,
    Endpoint,
    add_endpoint,
    count_deliveries,
    get_endpoint,
    list_deliveries,
    list_endpoints,
    remove_endpoint,
    renew_secret,
    replay,
    replay_failed,
    send_test,
    set_events,
    turn_off,
    turn_on,
)
from screener.web.access import admin_only, db, settings
from screener.web.courier import SECONDS
from screener.web.forms import read_id, whole_number
from screener.web.refusals import CONFLICT, INVALID
from screener.web.webhook_hosts import may_be_told, read_address

webhooks = Blueprint("webhooks", __name__, url_prefix="/desk/<clinic_slug>/webhooks")

Problems = list[tuple[str, str]]

PAGE_SIZE: Final = 25

EVENT_WORDS: Final[Mapping[str, str]] = {
    "request.received": "A request was sent",
    "request.state_changed": "A decision was made about a request, or taken back",
    "request.withdrawn": "The patient withdrew a request",
    "appointment.set": "An appointment was set",
    "appointment.called_off": "An appointment was called off",
    "history.signed": "A history was signed",
    "history.amended": "A history was amended and signed",
    TEST: "A test",
}
# By the code of a failure.
_WHY: Final[Mapping[str, str]] = {
    "timeout": f"No answer within {SECONDS:.0f} seconds",
    "certificate": "Its certificate is not trusted",
    "connection": "The connection failed or was cut",
    "unknown_host": "Nobody knows this host",
    "private": "The host is inside a private network",
    "not_allowed": "This installation does not allow the host any more",
    "unreadable": "The clinic's keys do not open its address",
    KILLED: "Sending it stopped the worker each time",
}
_SINCE: Final[Mapping[str, tuple[str, timedelta]]] = {
    "hour": ("the last hour", timedelta(hours=1)),
    "day": ("the last 24 hours", timedelta(days=1)),
    "week": ("the last 7 days", timedelta(days=7)),
    "all": ("the last 30 days", timedelta(days=30)),
}


@webhooks.route("", methods=["GET", "POST"])
@admin_only
def index() -> Any:
    if request.method != "POST":
        return _index(EVENTS, "", [])
    if not settings().webhook_targets:
        return _index(
            [], "", [("main", "This installation allows no hosts yet, so none can be added.")]
        ), INVALID
    typed, events = request.form.get("address", "").strip(), request.form.getlist("events")
    problems: Problems = []
    address = ""
    try:
        address = read_address(typed, settings())
    except ValueError as error:
        problems.append(("address", str(error)))
    problems += _check_events(events)
    if problems:
        return _index(events, typed, problems), INVALID
    try:
        endpoint = add_endpoint(
            db(), address=address, events=events, **_doer(), key=request.form.get("once", "")
        )
    except ConflictError as error:
        return _index(events, typed, [("main", str(error))]), CONFLICT
    return _show_secret(endpoint)


def _check_events(events: list[str]) -> Problems:
    fits = events and set(events) <= set(EVENTS)
    return [] if fits else [("event-1", "Choose at least one event.")]


def _doer() -> dict[str, Any]:
    return {"staff_id": current_user.id, "now": datetime.now(UTC)}


def _index(chosen: list[str] | tuple[str, ...], typed: str, problems: Problems) -> str:
    return render_template(
        "webhooks/index.html",
        endpoints=list_endpoints(db()),
        tallies=count_deliveries(db()),
        hosts=settings().webhook_targets,
        most=MOST_ENDPOINTS,
        events=EVENTS,
        words=EVENT_WORDS,
        chosen=chosen,
        typed=typed,
        problems=problems,
        once=new_id(),
    )


def _show_secret(endpoint: Endpoint) -> str:
    return render_template("webhooks/secret.html", endpoint=endpoint)


@webhooks.route("/<endpoint_id>", methods=["GET", "POST"])
@admin_only
def endpoint(endpoint_id: str) -> Any:
    """What one is told, and the log of what was sent to it."""
    found = _get(endpoint_id)
    if request.method != "POST":
        return _endpoint(found, found.row.events, [])
    events = request.form.getlist("events")
    problems = _check_events(events)
    if problems:
        return _endpoint(found, events, problems), INVALID
    changed = set_events(db(), found, events, current_user.id)
    flash("Saved. It holds from now on." if changed else "Nothing was changed.")
    return _to(found)


def _get(endpoint_id: str) -> Endpoint:
    return get_endpoint(db(), _uuid(endpoint_id), to_change=request.method == "POST")


def _uuid(text: str) -> UUID:
    return read_id(text) or abort(404)


def _to(endpoint: Endpoint) -> Any:
    return redirect(_url("webhooks.endpoint", endpoint_id=endpoint.row.id), 303)


def _url(name: str, **values: Any) -> str:
    return url_for(name, clinic_slug=g.staff_clinic.slug, **values)


def _endpoint(endpoint: Endpoint, chosen: list[str], problems: Problems) -> str:
    before = request.args.get("before", "")
    logged = list_deliveries(
        db(), endpoint.row.id, limit=PAGE_SIZE + 1, before=_uuid(before) if before else None
    )
    return render_template(
        "webhooks/endpoint.html",
        endpoint=endpoint,
        tally=count_deliveries(db()).get(endpoint.row.id),
        is_allowed=may_be_told(endpoint.address, settings()),
        lines=logged[:PAGE_SIZE],
        following=logged[PAGE_SIZE - 1].delivery.id if len(logged) > PAGE_SIZE else None,
        is_beginning=not before,
        events=EVENTS,
        words=EVENT_WORDS,
        why=_WHY,
        spans={name: words for name, (words, _) in _SINCE.items()},
        chosen=chosen,
        problems=problems,
        once=new_id(),
    )


# ---------------------------------------------------------------- what can be done to one


@webhooks.route("/<endpoint_id>/<what>", methods=["GET", "POST"])
@admin_only
def act(endpoint_id: str, what: str) -> Any:
    """Pressed twice, each does what the button said once."""
    if what not in _ACTS:
        abort(404)
    if what == "remove" and request.method == "POST" and _was_removed(endpoint_id):
        flash("That webhook is removed.")
        return redirect(_url("webhooks.index"), 303)
    found = _get(endpoint_id)
    return _ACTS[what](found) if request.method == "POST" else _to(found)


def _was_removed(endpoint_id: str) -> bool:
    """By a double click, or by another administrator meanwhile."""
    try:
        _get(endpoint_id)
    except NotFoundError:
        removals = Wanted(what="webhook_removed", subject=str(_uuid(endpoint_id)))
        return bool(list_entries(db(), removals, limit=1))
    return False


def _test(found: Endpoint) -> Any:
    if found.state != "on":
        return _refuse(found, "Turn it on first: nothing is sent while it is off.")
    send_test(db(), found, **_doer(), key=request.form.get("once", ""))
    flash("A test is on its way. Load this page again in a moment to see whether it arrived.")
    return _to(found)


def _switch(found: Endpoint) -> Any:
    match request.form.get("to"):
        case "on":
            turn_on(db(), found, current_user.id)
            flash("It is on. What waits goes now.")
        case "off":
            turn_off(db(), found, **_doer())
            flash("It is off. Nothing is written for it until you turn it on again.")
        case _:
            abort(400)
    return _to(found)


def _renew(found: Endpoint) -> Any:
    number = whole_number(request.form.get("seen", "")) or 0
    try:
        return _show_secret(renew_secret(db(), found, seen=number, **_doer()))
    except ConflictError as error:
        return _refuse(found, f"{error} To replace that one too, press the button again.")


def _replay(found: Endpoint) -> Any:
    since = request.form.get("since", "")
    if since in _SINCE:
        now = datetime.now(UTC)
        count = replay_failed(db(), found, now - _SINCE[since][1], current_user.id, now)
        flash(f"{count} {'message goes' if count == 1 else 'messages go'} out again.")
    else:
        delivery_id = _uuid(request.form.get("delivery", ""))
        replay(db(), found, delivery_id, **_doer())
        flash("The message goes out again, with the id it had.")
    return _to(found)


def _remove(found: Endpoint) -> Any:
    remove_endpoint(db(), found, current_user.id)
    flash("That webhook is removed.")
    return redirect(_url("webhooks.index"), 303)


def _refuse(found: Endpoint, words: str) -> Any:
    return _endpoint(found, found.row.events, [("main", words)]), CONFLICT


_ACTS: Final[Mapping[str, Callable[[Endpoint], Any]]] = {
    "test": _test,
    "switch": _switch,
    "secret": _renew,
    "replay": _replay,
    "remove": _remove,
}
