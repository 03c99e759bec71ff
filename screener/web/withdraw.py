"""The patient's way back: a request withdrawn by the link of its receipt, and all that was said deleted."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, render_template, request
from werkzeug.wrappers import Response

from screener.domain.consultation import WITHDRAWABLE, State
from screener.domain.follow_up import last_day_over
from screener.store.consultations import find_by_receipt, withdraw_consultation
from screener.store.database import begin_reading
from screener.store.errors import ConflictError
from screener.store.tables import Clinic, Consultation
from screener.web.access import db, remember_kept_clinic
from screener.web.languages import gettext
from screener.web.refusals import CONFLICT
from screener.web.visit import form_token, now, receipt_url, require_form_token


def may_withdraw(sent: Consultation) -> bool:
    """Also what a hold keeps cannot be taken back: the law, or whoever set it, needs it."""
    over = last_day_over(now(), g.clinic.time_zone)
    is_held = sent.keep_until is not None and sent.keep_until > over
    return State(sent.state) in WITHDRAWABLE and not is_held


def withdraw_request(token: str) -> Any:
    """Asks, and on POST withdraws."""
    if request.method != "POST":
        begin_reading(db())
    sent = find_by_receipt(db(), token)
    if sent is None:
        return render_template("patient/gone.html"), 410
    remember_kept_clinic(db().get_one(Clinic, sent.clinic_id))
    if sent.withdrawn_at:
        return _to_receipt(token)
    if request.method != "POST":
        return _ask(sent, token)
    require_form_token(token, "withdraw")
    if not may_withdraw(sent):
        return _ask(sent, token), CONFLICT
    try:
        withdraw_consultation(db(), sent, now())
    except ConflictError:
        return _somebody_was_faster(token)
    return _to_receipt(token)


def _somebody_was_faster(token: str) -> Any:
    """Another tab of the patient, or the clinic."""
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
        form_token=form_token(token, "withdraw"),
        problem=problem,
    )


def _to_receipt(token: str) -> Response:
    return redirect(receipt_url(token), 303)
