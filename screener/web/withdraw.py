"""The patient's way back: a request withdrawn by the link of its receipt, and all that was said deleted."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from screener.domain.consultation import WITHDRAWABLE, State
from screener.store.consultations import find_by_receipt, withdraw_consultation
from screener.store.database import begin_reading
from screener.store.errors import ConflictError
from screener.store.tables import Clinic, Consultation
from screener.store.vault import derive_token
from screener.web.access import db, remember_clinic
from screener.web.forms import FORM_TOKEN
from screener.web.languages import gettext
from screener.web.visit import now, receipt_url

CONFLICT = 409


def may_withdraw(sent: Consultation) -> bool:
    return State(sent.state) in WITHDRAWABLE


def withdraw_request(token: str) -> Any:
    """Asks, and on POST withdraws."""
    if request.method != "POST":
        begin_reading(db())
    sent = find_by_receipt(db(), token)
    if sent is None:
        return render_template("patient/gone.html"), 410
    remember_clinic(db().get_one(Clinic, sent.clinic_id))
    if sent.withdrawn_at:
        return _to_receipt(token)
    if request.method != "POST":
        return _ask(sent, token)
    if request.form.get(FORM_TOKEN) != _form_token(token):
        raise BadRequest("stale form")
    if not may_withdraw(sent):
        return _ask(sent, token), CONFLICT
    try:
        withdraw_consultation(db(), sent, now())
    except ConflictError:
        return _look_again(token)
    return _to_receipt(token)


def _look_again(token: str) -> Any:
    """Somebody was faster: another tab of the patient, or the clinic."""
    db().rollback()
    sent = find_by_receipt(db(), token)
    if sent is None or sent.withdrawn_at:
        return _to_receipt(token)
    meanwhile = gettext(
        "The clinic changed your request just now. Nothing was deleted. Look again, then decide."
    )
    return _ask(sent, token, meanwhile if may_withdraw(sent) else ""), CONFLICT


def _ask(sent: Consultation, token: str, problem: str = "") -> str:
    return render_template(
        "patient/withdraw.html",
        sent=sent,
        token=token,
        may_withdraw=may_withdraw(sent),
        form_token=_form_token(token),
        problem=problem,
    )


def _form_token(token: str) -> str:
    return derive_token(db().info["vault"], "form", f"{token}|withdraw")


def _to_receipt(token: str) -> Response:
    return redirect(receipt_url(token), 303)
