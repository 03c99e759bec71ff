"""Who works on what: requests given to somebody, who has one open, and what came in meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from flask import Blueprint, abort, flash, g, redirect, request, session, url_for
from flask_login import current_user

from screener.store.consultations import assign_consultation, get_consultation
from screener.store.openings import list_others, note_opening
from screener.store.queue import MOST_COUNTED, count_since
from screener.store.staff import list_colleagues
from screener.store.tables import Consultation
from screener.store.tenancy import entered_clinic
from screener.web.access import db, staff_only
from screener.web.queue_filters import Look, read_look, readers

work = Blueprint("work", __name__, url_prefix="/desk/<clinic_slug>")

MOST_AT_ONCE: Final = 100
_PROBLEM: Final = "problem"
_PLACE: Final = "place"
# What leads back to the same page of the queue.
TURNS: Final = ("after", "before")


# ---------------------------------------------------------------- for the pages


def look_of_address(now: datetime) -> Look:
    return read_look(
        request.args,
        me=current_user.id,
        colleagues=list_colleagues(db(), entered_clinic(db())),
        time_zone=g.staff_clinic.time_zone,
        now=now,
    )


def remember_place(look: Look, turned: dict[str, str]) -> None:
    """Where in the queue the person is: a decision leads back there. It names no patient."""
    session[_PLACE] = {"clinic": g.staff_clinic.slug, "values": look.chosen | turned}


@work.app_template_global()
def queue_address() -> str:
    """The queue as the person last saw it."""
    place = session.get(_PLACE, {})
    slug = g.staff_clinic.slug
    values: dict[str, Any] = place["values"] if place.get("clinic") == slug else {}
    return url_for("queue.index", clinic_slug=slug, **values)


@work.app_template_filter()
def counted(number: int) -> str:
    """As far as it was counted."""
    return f"{MOST_COUNTED:,}+" if number > MOST_COUNTED else f"{number:,}"


def desk_people() -> dict[str, Any]:
    """Who works here: what a page needs to say whose a request is, and to give it to somebody."""
    colleagues = list_colleagues(db(), entered_clinic(db()))
    return {
        "staff_names": {person.staff_id: person.name for person in colleagues},
        "readers": [person for person in readers(colleagues) if person.staff_id != current_user.id],
    }


def work_on(consultation: Consultation) -> dict[str, Any]:
    """For the page of a request: whose it is, and who else has it open. It is open here from now on."""
    now = datetime.now(UTC)
    others = list_others(db(), consultation, current_user.id, now)
    note_opening(db(), consultation, current_user.id, now)
    return {"others_here": others, "now": now, **desk_people()}


# ---------------------------------------------------------------- owners


@work.route("/assign", methods=["GET", "POST"])
@staff_only
def assign() -> Any:
    """Gives the requests that were ticked, or the one that is open, to somebody."""
    if request.method == "POST":
        _assign(list(dict.fromkeys(request.form.getlist("reference"))), request.form.get("owner", ""))
    opened = request.form.get("opened", "")
    if opened:
        return redirect(url_for("queue.submission", clinic_slug=g.staff_clinic.slug, reference=opened), 303)
    place = {name: request.args[name] for name in TURNS if name in request.args}
    chosen = look_of_address(datetime.now(UTC)).chosen
    values: dict[str, Any] = {"clinic_slug": g.staff_clinic.slug, **chosen, **place}
    return redirect(url_for("queue.index", **values), 303)


def _assign(references: list[str], owner: str) -> None:
    people = {str(p.staff_id): p for p in readers(list_colleagues(db(), entered_clinic(db())))}
    owner = str(current_user.id) if owner == "me" else owner
    if not references:
        flash("Nothing was assigned. Choose at least one request first.", _PROBLEM)
    elif len(references) > MOST_AT_ONCE:
        flash(f"Nothing was assigned. Choose {MOST_AT_ONCE} requests at most.", _PROBLEM)
    elif owner != "nobody" and owner not in people:
        flash("Nothing was assigned. Choose who gets it: that person is not here any more.", _PROBLEM)
    else:
        _give(references, people[owner].staff_id if owner in people else None)


def _give(references: list[str], owner_id: int | None) -> None:
    names: dict[int, str] = desk_people()["staff_names"]
    given, taken_from = 0, set()
    for row in _hold_all(references):
        if row.withdrawn_at is not None or row.owner_id == owner_id:
            continue
        if row.owner_id not in {None, current_user.id}:
            taken_from.add(names.get(row.owner_id or 0, "somebody who left"))
        assign_consultation(db(), row, owner_id=owner_id, staff_id=current_user.id, now=datetime.now(UTC))
        given += 1
    if not given:
        flash("Nothing was to change: that is so already.")
        return
    whose = "nobody's" if owner_id is None else _whose(owner_id, names)
    told = f"{given} request{' is' if given == 1 else 's are'} {whose} now."
    flash(f"{told} Before: {', '.join(sorted(taken_from))}." if taken_from else told)


def _hold_all(references: list[str]) -> list[Consultation]:
    """As they are now, and so until the commit; in the order of their ids.

    All are held before the first entry is written: whoever decides about one of them holds it first, too, and
    writes in the audit trail then, so that neither waits for the other for ever.
    """
    found = sorted((get_consultation(db(), each) for each in references), key=lambda row: row.id)
    for row in found:
        db().refresh(row, with_for_update=True)
    return found


def _whose(owner_id: int, names: dict[int, str]) -> str:
    return "yours" if owner_id == current_user.id else f"{names[owner_id]}'s"


# ---------------------------------------------------------------- for the pages' scripts


@work.post("/requests/<reference>/open")
@staff_only
def still_open(reference: str) -> dict[str, object]:
    """The page of a request is still on somebody's screen."""
    consultation = get_consultation(db(), reference)
    note_opening(db(), consultation, current_user.id, datetime.now(UTC))
    return {"open": True}


@work.get("/queue/new")
@staff_only
def count_new() -> dict[str, str]:
    """How many came since then (in seconds) that the page's filters would show; empty for none."""
    now = datetime.now(UTC)
    try:
        since = datetime.fromtimestamp(float(request.args.get("since", "")), UTC)
    except (ValueError, OverflowError, OSError):
        abort(400)
    count = count_since(db(), look_of_address(now).filter, since)
    return {"count": counted(count) if count else ""}
