"""Tokens for the clinic's own systems: made, shown once, and revoked by its administrators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.consultation import READS_ANSWERS
from screener.domain.rights import OPENS_RECORDS, Right
from screener.store.api_tokens import LONGEST_NAME, add_token, last_used, list_tokens, revoke_token, state_of
from screener.store.errors import ConflictError
from screener.store.staff import list_colleagues
from screener.store.tenancy import entered_clinic
from screener.web.access import admin_only, db
from screener.web.forms import clean_text
from screener.web.refusals import INVALID

tokens = Blueprint("tokens", __name__, url_prefix="/desk/<clinic_slug>/tokens")

LIVES: Final = {"90": "90 days", "365": "A year", "30": "30 days", "": "Until it is revoked"}


@tokens.route("", methods=["GET", "POST"])
@admin_only
def index() -> Any:
    if request.method != "POST":
        return _index()
    problems = _problems()
    if problems:
        return _index(problems=problems), INVALID
    lives = request.form["lives"]
    try:
        made = add_token(
            db(),
            name=_name(),
            rights=_chosen(),
            lasts=timedelta(days=int(lives)) if lives else None,
            by=current_user.id,
            now=datetime.now(UTC),
            key=request.form.get("once", "")[:64],
        )
    except ConflictError:
        flash(
            "That form was sent twice. The token was shown the first time; if you missed it, revoke it here."
        )
        return redirect(url_for("tokens.index", clinic_slug=g.staff_clinic.slug), 303)
    except ValueError as error:
        return _index(problems=[("name", str(error))]), INVALID
    return _index(made=made)


@tokens.route("/<uuid:token_id>/revoke", methods=["GET", "POST"])
@admin_only
def revoke(token_id: UUID) -> Any:
    if request.method == "POST":
        token = revoke_token(db(), token_id, by=current_user.id, now=datetime.now(UTC))
        flash(f"Revoked {token.name}. It opens nothing any more.")
    return redirect(url_for("tokens.index", clinic_slug=g.staff_clinic.slug), 303)


def _index(*, made: str = "", problems: list[tuple[str, str]] | None = None) -> str:
    now = datetime.now(UTC)
    typed = not made
    return render_template(
        "tokens/index.html",
        made=made,
        problems=problems or [],
        rows=[(one, last_used(one), state_of(one, now)) for one in list_tokens(db())],
        people={one.staff_id: one.name for one in list_colleagues(db(), entered_clinic(db()))},
        rights=list(Right),
        held=_held(),
        chosen={right.value for right in _chosen()} if typed else set(),
        name=_name() if typed else "",
        lives=LIVES,
        chosen_life=request.form.get("lives", next(iter(LIVES))),
        once=uuid4().hex,
    )


def _name() -> str:
    return clean_text(request.form.get("name", ""))


def _chosen() -> list[Right]:
    sent = request.form.getlist("rights")
    return [right for right in Right if right.value in sent]


def _held() -> frozenset[Right]:
    """What this person can give away: nobody opens records by a token who may not read them."""
    return frozenset(Right) if READS_ANSWERS & g.staff_roles else frozenset(Right) - OPENS_RECORDS


def _problems() -> list[tuple[str, str]]:
    found = []
    if not 0 < len(_name()) <= LONGEST_NAME:
        found.append(("name", f"Enter a name of 1 to {LONGEST_NAME} characters, like “EHR bridge”."))
    if not _chosen():
        found.append(("right-1", "Choose at least one right."))
    elif not set(_chosen()) <= _held():
        found.append(("right-1", "Only an administrator who also reads answers can give these rights."))
    if request.form.get("lives") not in LIVES:
        found.append(("lives", "Choose how long it works."))
    return found
