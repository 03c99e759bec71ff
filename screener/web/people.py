"""A clinic's people: who may do what, changed by its administrators alone."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import Blueprint, abort, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField

from screener.domain.consultation import Role
from screener.store.audit import Wanted, list_entries, note, person_subject
from screener.store.clinics import find_clinic
from screener.store.staff import (
    Colleague,
    find_person,
    find_roles,
    hold_people,
    list_colleagues,
    make_installation_admin,
    note_person,
    set_roles,
    sign_out,
)
from screener.store.tables import User
from screener.store.tenancy import entered_clinic
from screener.web.access import admin_only, db, settings
from screener.web.forms import clean_text
from screener.web.refusals import CONFLICT, INVALID
from screener.web.sign_in import link_for, mail_link

people = Blueprint("people", __name__, url_prefix="/desk/<clinic_slug>/people")

LONGEST_NAME = 200


class RolesForm(FlaskForm):
    roles = SelectMultipleField(choices=[role.value for role in Role], validate_choice=False)

    @property
    def problems(self) -> list[tuple[str, str]]:
        if not self.roles.data or not set(self.roles.data) <= {role.value for role in Role}:
            return [("role-1", "Choose at least one role.")]
        return []


class InvitationForm(RolesForm):
    name = StringField(filters=[lambda text: clean_text(text or "")])
    email = StringField(filters=[lambda text: (text or "").strip()])

    @property
    def problems(self) -> list[tuple[str, str]]:
        found = []
        if not 0 < len(self.name.data) <= LONGEST_NAME:
            found.append(("name", "Enter the person's name."))
        try:
            validate_email(self.email.data, check_deliverability=False)
        except EmailNotValidError:
            found.append(("email", "Enter an e-mail address, like name@example.com."))
        return [*found, *super().problems]


@people.route("", methods=["GET", "POST"])
@admin_only
def index() -> Any:
    form = InvitationForm()
    if request.method != "POST":
        return _index(form, [])
    if form.problems:
        return _index(form, form.problems), INVALID
    _invite(form)
    flash(f"Invited {form.name.data}. The link in the mail works for 72 hours.")
    return redirect(url_for("people.index", clinic_slug=g.staff_clinic.slug), 303)


def _index(form: InvitationForm, problems: list[tuple[str, str]]) -> str:
    return render_template(
        "people/index.html",
        colleagues=list_colleagues(db(), entered_clinic(db())),
        form=form,
        problems=problems,
        roles=list(Role),
    )


def _invite(form: InvitationForm) -> None:
    """The same for whoever has an account already: nobody learns who does."""
    person = add_invited(form.email.data, form.name.data)
    clinic_id = entered_clinic(db())
    held = find_roles(db(), person.id, clinic_id)
    is_new = set_roles(
        db(),
        staff_id=person.id,
        clinic_id=clinic_id,
        # An invitation takes nothing away, and least of all from whoever sends it.
        roles=held or form.roles.data,
        now=datetime.now(UTC),
        name=form.name.data,
        by=current_user.id,
    )
    if not is_new:
        note(db(), "invited_again", person_subject(person.id), staff_id=current_user.id)
    knows_password = bool(person.password)
    mail_link(person, "staff_invitation", settings().link(url_for("queue.home")) if knows_password else "")


@people.route("/<int:staff_id>", methods=["GET", "POST"])
@admin_only
def person(staff_id: int) -> Any:
    if "leave" in request.form and _was_removed(staff_id):
        # By a double click, or by another administrator meanwhile.
        flash("That person is no longer at this clinic.")
        return redirect(url_for("people.index", clinic_slug=g.staff_clinic.slug), 303)
    colleague = _get_colleague(staff_id)
    form = RolesForm(formdata=request.form if request.method == "POST" else None)
    if request.method != "POST":
        return _person(colleague, [])
    if staff_id == current_user.id:
        return _person(colleague, [("main", "Ask another administrator to change your own roles.")]), CONFLICT
    leaves, only_out = "leave" in request.form, "sign_out" in request.form
    if form.problems and not (leaves or only_out):
        return _person(colleague, form.problems), INVALID
    # Of two administrators who remove each other at once, the second is no administrator any more.
    hold_people(db(), entered_clinic(db()))
    if Role.CLINIC_ADMIN.value not in find_roles(db(), current_user.id, entered_clinic(db())):
        abort(403, description="no administrator")
    if only_out:
        sign_out(db(), staff_id, by=current_user.id, now=datetime.now(UTC))
        flash(f"{colleague.name} is signed out everywhere.")
    else:
        _change(colleague, [] if leaves else form.roles.data)
    return redirect(url_for("people.index", clinic_slug=g.staff_clinic.slug), 303)


def _change(colleague: Colleague, roles: list[str]) -> None:
    set_roles(
        db(),
        staff_id=colleague.staff_id,
        clinic_id=entered_clinic(db()),
        roles=roles,
        now=datetime.now(UTC),
        by=current_user.id,
    )
    flash(f"{colleague.name} {'has new roles' if roles else 'is no longer at this clinic'}, from now on.")


def _get_colleague(staff_id: int) -> Colleague:
    colleague = _find_colleague(staff_id)
    if colleague is None:
        abort(404)
    return colleague


def _find_colleague(staff_id: int) -> Colleague | None:
    here = list_colleagues(db(), entered_clinic(db()))
    return next((colleague for colleague in here if colleague.staff_id == staff_id), None)


def _was_removed(staff_id: int) -> bool:
    removals = Wanted(what="removed", subject=person_subject(staff_id).name)
    return _find_colleague(staff_id) is None and bool(list_entries(db(), removals, limit=1))


def _person(colleague: Colleague, problems: list[tuple[str, str]]) -> str:
    return render_template(
        "people/person.html",
        colleague=colleague,
        problems=problems,
        roles=list(Role),
        is_me=colleague.staff_id == current_user.id,
    )


def add_by_hand(
    email: str, name: str, slug: str | None, roles: Collection[str], *, installation_admin: bool = False
) -> str:
    """For the operator; the link that sets the password. Raises ValueError in words for them."""
    clinic = find_clinic(db(), slug) if slug else None
    if slug and clinic is None:
        raise ValueError(f"no clinic is called {slug}")
    validate_email(email, check_deliverability=False)
    found = add_invited(email, name)
    now = datetime.now(UTC)
    if clinic:
        held = find_roles(db(), found.id, clinic.id)
        set_roles(db(), staff_id=found.id, clinic_id=clinic.id, roles=held | set(roles), now=now, name=name)
    if installation_admin:
        make_installation_admin(db(), found, now)
    link = link_for(found)
    db().commit()
    return link


def link_by_hand(email: str) -> str:
    """For the operator: what sets a new password. Raises ValueError in words for them."""
    person = find_person(db(), email)
    if person is None:
        raise ValueError(f"Nobody has the address {email}.")
    note_person(db(), person, "link_made", by=None)
    db().commit()
    return link_for(person)


def add_invited(email: str, name: str) -> User:
    """A person who still has to choose a password, or the one who has this address."""
    found = find_person(db(), email)
    if found is None:
        datastore = current_app.extensions["security"].datastore
        found = datastore.create_user(email=email, name=name, password=None)
        db().flush()
    return found
