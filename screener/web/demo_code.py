"""Second steps of a demo: its staff are made up, so the codes that an app would show stand on a page."""

from __future__ import annotations

import time
from typing import Final

from flask import Blueprint, abort, current_app, render_template

from screener.store.clinics import list_clinics
from screener.store.staff import find_person, list_memberships
from screener.web.access import db, settings
from screener.web.demo import DEMO_OWNER, DEMO_STAFF

demo_code = Blueprint("demo_code", __name__)

_STEP_SECONDS: Final = 30


@demo_code.app_template_global()
def is_demo_installation() -> bool:
    return bool(settings().demo)


@demo_code.get("/demo/code")
def show() -> str:
    if not is_demo_installation():
        abort(404)
    found = ((email, _code_of(email)) for email in (*DEMO_STAFF, DEMO_OWNER))
    return render_template(
        "demo_code/show.html",
        codes=[(email, code) for email, code in found if code],
        seconds=_STEP_SECONDS - int(time.time()) % _STEP_SECONDS,
    )


def _code_of(email: str) -> str:
    """Nothing for whoever works at a clinic that is no demo, or looks after one."""
    person = find_person(db(), email)
    if person is None or not person.tf_totp_secret:
        return ""
    reached = [clinic for clinic, _ in list_memberships(db(), person.id)]
    if person.is_installation_admin:
        reached = list_clinics(db())
    if not reached or not all(clinic.is_demo for clinic in reached):
        return ""
    code: str = current_app.extensions["security"].totp_factory.generate_totp_password(person.tf_totp_secret)
    return f"{code[:3]} {code[3:]}"
