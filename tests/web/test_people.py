"""A clinic's people: invited, given other roles and removed by its administrators, and by nobody else."""

from __future__ import annotations

import pytest
from flask import Flask
from web.client import Browser, Page, words
from web.test_sign_in import LOGIN, NEW_PASSWORD, change, is_in, looks, mails, set_password
from web.walking import SignedIn, at_clinic, enter_password, sign_in, token_of

from screener.store.staff import find_person, find_roles, set_roles
from screener.store.tables import Clinic

pytestmark = pytest.mark.both_databases

ADMIN, INTAKE, OTHER = "admin@acme.example", "intake@acme.example", "intake@other.example"
PEOPLE = "/desk/acme/people"
ANN = {"name": "Ann New", "email": "ann@acme.example", "roles": ["intake"]}


@pytest.fixture
def admin(signed_in: SignedIn) -> Browser:
    return signed_in(ADMIN)


def invite(admin: Browser, **about: object) -> Page:
    return admin.post(PEOPLE, token_of(admin.get(PEOPLE)) | ANN | about)


def shown(admin: Browser) -> dict[str, list[str]]:
    """E-mail -> name, roles, state, as the table shows them."""
    rows = admin.get(PEOPLE).all("tr")[1:]
    cells = [["".join(cell.itertext()).strip() for cell in row] for row in rows]
    return {email: [name, roles, state] for name, email, roles, state in cells}


def roles_of(app: Flask, email: str, clinic: str = "acme") -> frozenset[str]:
    with at_clinic(app, clinic) as (session, row):
        person = find_person(session, email)
        return find_roles(session, person.id, row.id) if person else frozenset()


def person_page(app: Flask, email: str) -> str:
    return f"{PEOPLE}/{change(app, email)}"


# ---------------------------------------------------------------- inviting


def test_an_invited_person_sets_a_password_and_a_second_step_and_begins(app: Flask, admin: Browser) -> None:
    assert admin.follow(invite(admin)).heading == "People"
    assert shown(admin)["ann@acme.example"] == ["Ann New", "intake", "invited"]
    ((kind, to, path),) = mails(app)
    assert (kind, to) == ("staff_invitation", "ann@acme.example")
    browser = Browser(app)
    assert set_password(browser, path).location == LOGIN
    assert set_password(Browser(app), path).location == "/staff/reset", "the link is used up"
    page = browser.follow(enter_password(browser, browser.get(LOGIN), "ann@acme.example", NEW_PASSWORD))
    assert page.heading == "Set up your second step"
    assert not is_in_as_staff(browser)


def is_in_as_staff(browser: Browser) -> bool:
    return browser.get("/desk/acme/queue").status == 200


def test_inviting_looks_the_same_for_whoever_has_an_account_elsewhere(app: Flask, admin: Browser) -> None:
    change(app, OTHER, name="Olga Known-Elsewhere")
    known = admin.follow(invite(admin, email=OTHER))
    new = admin.follow(invite(admin, email="zoe@other.example"))
    assert shown(admin)[OTHER] == shown(admin)["zoe@other.example"] == ["Ann New", "intake", "invited"]
    assert "Olga" not in known.source
    assert looks(known)[0] == looks(new)[0]
    assert [kind for kind, _, _ in mails(app)] == ["staff_invitation"] * 2
    paths = {to: path for _, to, path in mails(app)}
    assert paths[OTHER] == "/desk/", "who has a password keeps it"
    assert paths["zoe@other.example"].startswith("/staff/reset/")


def test_an_invitation_to_another_clinic_takes_nothing_away(app: Flask, admin: Browser) -> None:
    invite(admin, email=OTHER)
    assert roles_of(app, OTHER, "other") == {"intake"}
    assert roles_of(app, OTHER, "acme") == {"intake"}
    both = sign_in(Browser(app), OTHER)
    assert {both.get(f"/desk/{clinic}/queue").status for clinic in ("acme", "other")} == {200}


def test_inviting_again_sends_another_link_and_changes_no_role(app: Flask, admin: Browser) -> None:
    invite(admin)
    invite(admin, roles=["clinic_admin"], email="ANN@acme.example")
    invite(admin, roles=["intake"], email=ADMIN)
    assert roles_of(app, "ann@acme.example") == {"intake"}
    assert roles_of(app, ADMIN) == {"clinic_admin"}
    assert [to for _, to, _ in mails(app)] == ["ann@acme.example", "ann@acme.example", ADMIN]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Enter the person's name."),
        ({"name": "n" * 201}, "Enter the person's name."),
        ({"email": "ann"}, "Enter an e-mail address, like name@example.com."),
        ({"email": "a@b.example\nBcc: x@y.example"}, "Enter an e-mail address, like name@example.com."),
        ({"roles": []}, "Choose at least one role."),
        ({"roles": ["owner"]}, "Choose at least one role."),
    ],
)
def test_an_invitation_that_is_not_right_is_refused_and_kept(
    app: Flask, admin: Browser, wrong: dict[str, object], said: str
) -> None:
    page = invite(admin, **wrong)
    assert page.status == 422
    assert page.problems == [said]
    if "name" not in wrong:
        assert page.form["name"] == ["Ann New"]
    assert mails(app) == []


# ---------------------------------------------------------------- roles


def test_other_roles_hold_at_once_and_sign_the_person_out(
    app: Flask, admin: Browser, intake: Browser
) -> None:
    path = person_page(app, INTAKE)
    page = admin.get(path)
    assert page.form["roles"] == ["intake"]
    done = admin.post(path, token_of(page) | {"roles": ["clinician", "clinic_admin"]})
    assert done.location == PEOPLE
    assert roles_of(app, INTAKE) == {"clinician", "clinic_admin"}
    assert not is_in(intake)
    again = sign_in(Browser(app), INTAKE)
    assert again.get(PEOPLE).status == 200


def test_whoever_was_removed_is_out_and_finds_nothing_of_the_clinic(
    app: Flask, admin: Browser, intake: Browser
) -> None:
    path = person_page(app, INTAKE)
    sent = token_of(admin.get(path)) | {"leave": "yes"}
    assert [admin.post(path, sent).location for _ in range(2)] == [PEOPLE] * 2, "pressed twice"
    assert INTAKE not in shown(admin)
    assert not is_in(intake)
    assert sign_in(Browser(app), INTAKE).get("/desk/acme/queue").status == 404
    assert admin.get(path).status == 404


def test_an_administrator_signs_a_person_out_everywhere_and_changes_nothing_else(
    app: Flask, admin: Browser, intake: Browser
) -> None:
    path, roles = person_page(app, INTAKE), roles_of(app, INTAKE)
    told = admin.follow(admin.post(path, token_of(admin.get(path)) | {"sign_out": "yes"}))
    assert f"{INTAKE} is signed out everywhere." in told.text
    assert (is_in(intake), roles_of(app, INTAKE)) == (False, roles)
    assert is_in(sign_in(intake, INTAKE))
    entry = next(row for row in admin.get("/desk/acme/audit").all("tr") if "out everywhere" in words(row))
    assert (ADMIN in words(entry), INTAKE in words(entry)) == (True, True), "who did it to whom"
    foreign = person_page(app, OTHER)
    assert admin.post(foreign, token_of(admin.get(path)) | {"sign_out": "yes"}).status == 404


@pytest.mark.parametrize("form", [{"roles": ["intake"]}, {"leave": "yes"}, {"sign_out": "yes"}])
def test_nobody_changes_their_own_roles(app: Flask, admin: Browser, form: dict[str, object]) -> None:
    path = person_page(app, ADMIN)
    page = admin.get(path)
    assert "another administrator changes your roles" in page.text
    refused = admin.post(path, token_of(page) | form)
    assert refused.status == 409
    assert refused.problems == ["Ask another administrator to change your own roles."]
    assert roles_of(app, ADMIN) == {"clinic_admin"}


def test_a_person_keeps_at_least_one_role_or_leaves(app: Flask, admin: Browser) -> None:
    path = person_page(app, INTAKE)
    page = admin.post(path, token_of(admin.get(path)))
    assert page.status == 422
    assert page.problems == ["Choose at least one role."]
    assert roles_of(app, INTAKE) == {"intake"}


def test_people_of_another_clinic_are_not_found(app: Flask, admin: Browser) -> None:
    foreign, unknown = admin.get(person_page(app, OTHER)), admin.get(f"{PEOPLE}/999999")
    assert foreign.status == unknown.status == 404
    sent = token_of(admin.get(PEOPLE))
    for form in ({"roles": ["intake"]}, {"leave": "yes"}):
        assert admin.post(person_page(app, OTHER), sent | form).status == 404
        assert admin.post(f"{PEOPLE}/999999", sent | form).status == 404
    assert roles_of(app, OTHER, "other") == {"intake"}
    assert OTHER not in admin.get(PEOPLE).source


def test_an_administrator_who_was_removed_meanwhile_changes_nothing(app: Flask, admin: Browser) -> None:
    path = person_page(app, INTAKE)
    sent = token_of(admin.get(path)) | {"roles": ["clinic_admin"]}
    with at_clinic(app, "acme") as (session, clinic):
        me = find_person(session, ADMIN)
        assert me is not None
        set_roles(session, staff_id=me.id, clinic_id=clinic.id, roles=[], now=clinic.created_at)
        session.commit()
    assert admin.post(path, sent).location.startswith(LOGIN)
    assert roles_of(app, INTAKE) == {"intake"}


def test_an_administrator_reads_answers_only_with_a_role_that_does(app: Flask, admin: Browser) -> None:
    refused = admin.get("/desk/acme/queue")
    assert refused.status == 403
    assert "Your role at this clinic does not open patient records." in refused.text
    with at_clinic(app, "acme") as (session, clinic):
        me = find_person(session, ADMIN)
        assert me is not None
        both = ["clinic_admin", "clinician"]
        set_roles(session, staff_id=me.id, clinic_id=clinic.id, roles=both, now=clinic.created_at)
        session.commit()
    again = sign_in(Browser(app), ADMIN)
    assert again.get("/desk/acme/queue").status == 200
    assert "Settings" in again.get("/desk/acme/queue").links


def test_who_is_no_administrator_sees_no_way_there_and_is_told_why(intake: Browser) -> None:
    assert "Settings" not in intake.get("/desk/acme/queue").links
    page = intake.get(PEOPLE)
    assert page.status == 403
    assert "Only an administrator of this clinic may open this page." in page.text


def test_a_disabled_clinic_has_no_people_page(app: Flask, admin: Browser) -> None:
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        clinic = session.query(Clinic).filter_by(slug="acme").one()
        clinic.disabled_at = clinic.created_at
        session.commit()
    assert admin.get(PEOPLE).status == 404


def test_names_are_shown_as_text(admin: Browser) -> None:
    invite(admin, name="<script>alert(1)</script>")
    page = admin.get(PEOPLE)
    assert "<script>alert(1)</script>" in page.text
    assert not [script for script in page.all("script") if not script.get("src")]
