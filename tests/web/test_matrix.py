"""Every door, every visitor, both clinics, every method: the table of who gets in (promise P6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from builders import CONTACT, OWNER, STAFF
from flask import Flask
from web.client import Browser, Page
from web.conftest import Made
from web.walking import (
    BORN,
    add_requests,
    answers_but,
    at_clinic,
    forget_failures,
    leave,
    plant,
    sign_in,
    token_of,
)

from screener.store.staff import find_person
from screener.store.tables import Consultation

pytestmark = pytest.mark.both_databases

CLINICS = ("acme", "other")
NAMES = {"acme": "Anna Acme-Patient", "other": "Olga Other-Patient"}
UNKNOWN = "0000000000"

# A visitor is nobody, or a member of staff by e-mail.
VISITORS = ("anonymous", *STAFF)

Expected = dict[str, int]


def everyone(status: int) -> Expected:
    return dict.fromkeys(VISITORS, status)


def signed_in(status: int, *, else_: int) -> Expected:
    return everyone(status) | {"anonymous": else_}


def staff_in(roles: set[str], status: int) -> dict[str, Expected]:
    """People of the clinic in these roles get in; its other people are told why not.

    People of another clinic find nothing, and whoever is not signed in must do so.
    """
    expected = {clinic: everyone(404) | {"anonymous": 302} for clinic in CLINICS}
    for email, (clinic, role) in STAFF.items():
        if clinic:
            expected[clinic][email] = status if role in roles else 403
    return expected


def readers(status: int) -> dict[str, Expected]:
    """Whoever reads answers."""
    return staff_in({"intake", "clinician"}, status)


def clinicians(status: int) -> dict[str, Expected]:
    return staff_in({"clinician"}, status)


def admins(status: int) -> dict[str, Expected]:
    return staff_in({"clinic_admin"}, status)


def members(status: int) -> dict[str, Expected]:
    """Whoever is anything at the clinic."""
    return staff_in({"intake", "clinician", "clinic_admin"}, status)


def owners(status: int) -> dict[str, Expected]:
    """Whoever looks after the clinics gets in; to all others there is no such page."""
    return everywhere(everyone(404) | {"anonymous": 302, OWNER: status})


def either(status: int) -> dict[str, Expected]:
    """Everybody, at both clinics."""
    return everywhere(everyone(status))


def everywhere(expected: Expected) -> dict[str, Expected]:
    """The same at both clinics."""
    return dict.fromkeys(CLINICS, expected)


# (endpoint, method) -> clinic -> visitor -> status.
MATRIX: dict[tuple[str, str], dict[str, Expected]] = {
    ("home", "GET"): either(200),
    ("healthz", "GET"): either(200),
    ("readyz", "GET"): either(200),
    # Only where the operator set a token.
    ("metrics", "GET"): either(404),
    ("static", "GET"): either(200),
    ("patient.start", "GET"): either(200),
    ("patient.begin", "POST"): either(303),
    ("patient.page", "GET"): either(200),
    ("patient.page", "POST"): either(303),
    ("patient.stop", "GET"): either(303),
    ("patient.stop", "POST"): either(303),
    ("patient.look", "POST"): either(303),
    ("patient.check", "GET"): either(200),
    ("patient.copy", "GET"): either(200),
    ("patient.result", "GET"): either(200),
    ("patient.contact", "GET"): either(200),
    ("patient.contact", "POST"): either(422),
    ("patient.go_on", "POST"): either(303),
    ("patient.receipt", "GET"): either(200),
    ("patient.withdraw", "GET"): either(200),
    ("patient.withdraw", "POST"): either(303),
    # Only where the installation was started as a demo.
    ("demo_mail.index", "GET"): either(404),
    ("security.login", "GET"): everywhere(signed_in(302, else_=200)),
    ("security.login", "POST"): everywhere(signed_in(302, else_=200)),
    ("security.logout", "POST"): everywhere(signed_in(302, else_=302)),
    ("security.verify", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.verify", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.static", "GET"): either(200),
    # The way in: whoever is in is led away from it, whoever is not in its middle begins anew.
    ("security.tf_select", "GET"): either(302),
    ("security.tf_select", "POST"): either(302),
    ("security.two_factor_token_validation", "GET"): either(302),
    ("security.two_factor_token_validation", "POST"): either(302),
    ("security.mf_recovery", "GET"): either(302),
    ("security.mf_recovery", "POST"): either(302),
    ("security.wan_signin", "GET"): everywhere(signed_in(302, else_=404)),
    ("security.wan_signin", "POST"): everywhere(signed_in(302, else_=404)),
    ("security.wan_signin_response", "POST"): either(302),
    ("security.two_factor_rescue", "GET"): either(302),
    ("security.two_factor_rescue", "POST"): either(302),
    ("security.forgot_password", "GET"): either(200),
    ("security.forgot_password", "POST"): either(200),
    # A link that is none.
    ("security.reset_password", "GET"): either(302),
    ("security.reset_password", "POST"): either(302),
    # A person's own account.
    ("security.change_password", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.change_password", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.two_factor_setup", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.two_factor_setup", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.two_factor_setup_validate", "POST"): either(302),
    ("security.mf_recovery_codes", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.mf_recovery_codes", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.wan_register", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.wan_register", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.wan_register_response", "POST"): either(302),
    ("security.wan_delete", "GET"): either(302),
    ("security.wan_delete", "POST"): either(302),
    ("security.wan_verify", "GET"): everywhere(signed_in(200, else_=302)),
    ("security.wan_verify", "POST"): everywhere(signed_in(200, else_=302)),
    ("security.wan_verify_response", "POST"): either(302),
    ("account.show", "GET"): everywhere(signed_in(200, else_=302)),
    ("account.set_up", "GET"): either(302),
    ("account.sign_out_everywhere", "GET"): either(302),
    ("account.sign_out_everywhere", "POST"): either(302),
    ("account.here", "GET"): either(200),
    ("account.here", "POST"): either(200),
    ("people.index", "GET"): admins(200),
    ("people.index", "POST"): admins(422),
    ("people.person", "GET"): admins(200),
    ("people.person", "POST"): admins(422),
    ("audit.index", "GET"): admins(200),
    ("exports.index", "GET"): admins(200),
    # What for was not said.
    ("exports.index", "POST"): admins(422),
    ("exports.file", "GET"): admins(303),
    ("exports.file", "POST"): admins(422),
    ("dashboard.index", "GET"): members(200),
    ("notices.edit", "GET"): readers(200),
    # Nothing was chosen.
    ("notices.edit", "POST"): readers(422),
    ("mail.index", "GET"): admins(200),
    ("mail.send_again", "GET"): admins(303),
    ("mail.send_again", "POST"): admins(303),
    ("mail.give_up", "GET"): admins(303),
    # No reason was given.
    ("mail.give_up", "POST"): admins(422),
    ("mail.try_out", "GET"): admins(303),
    ("mail.try_out", "POST"): admins(303),
    ("mail.name_sender", "GET"): admins(303),
    ("mail.name_sender", "POST"): admins(303),
    ("mail.share", "GET"): admins(303),
    # Nothing was typed.
    ("mail.share", "POST"): admins(422),
    ("mail.inbox", "GET"): admins(303),
    # There is none of that name.
    ("mail.inbox", "POST"): admins(303),
    ("website.index", "GET"): admins(200),
    ("website.sites", "GET"): admins(303),
    ("website.sites", "POST"): admins(303),
    ("website.check", "GET"): admins(303),
    # Nothing was typed.
    ("website.check", "POST"): admins(422),
    ("website.plugin", "GET"): admins(200),
    ("webhooks.index", "GET"): admins(200),
    # The installation allows no hosts.
    ("webhooks.index", "POST"): admins(422),
    # There is none.
    ("webhooks.endpoint", "GET"): admins(404),
    ("webhooks.endpoint", "POST"): admins(404),
    ("webhooks.act", "GET"): admins(404),
    ("webhooks.act", "POST"): admins(404),
    # No start page was named.
    ("oembed.link", "GET"): either(404),
    ("clinic_look.edit", "GET"): admins(200),
    ("clinic_look.edit", "POST"): admins(303),
    ("clinic_look.preview", "GET"): admins(200),
    ("clinic_look.preview", "POST"): admins(200),
    # Nobody was named to write to.
    ("security_txt.show", "GET"): either(404),
    # No color was asked for, and there is no logo.
    ("clinic_look.stylesheet", "GET"): either(404),
    ("clinic_look.logo", "GET"): either(404),
    ("clinic_settings.edit", "GET"): admins(200),
    # Without a telephone number, and without days.
    ("clinic_settings.edit", "POST"): admins(422),
    ("retention.edit", "GET"): admins(200),
    ("retention.edit", "POST"): admins(422),
    # What was not accepted is not charted; a hold needs a day.
    ("keeping.charted", "GET"): readers(303),
    ("keeping.charted", "POST"): readers(409),
    ("keeping.keep", "GET"): readers(303),
    ("keeping.keep", "POST"): readers(422),
    ("clinics.index", "GET"): owners(200),
    ("clinics.index", "POST"): owners(422),
    ("clinics.clinic", "GET"): owners(200),
    ("clinics.clinic", "POST"): owners(422),
    ("clinics.switch", "GET"): owners(303),
    ("clinics.shred", "GET"): owners(303),
    # Whether to open or to shut it was not said.
    ("clinics.switch", "POST"): owners(400),
    # The slug was not typed.
    ("clinics.shred", "POST"): owners(422),
    ("widget.loader", "GET"): either(200),
    ("tokens.index", "GET"): admins(200),
    ("tokens.index", "POST"): admins(422),
    ("tokens.revoke", "GET"): admins(303),
    # There is none of that id.
    ("tokens.revoke", "POST"): admins(404),
    # Machines show a token: whoever is signed in is nobody here.
    ("api.list_requests", "GET"): either(401),
    ("api.read_request", "GET"): either(401),
    ("api.decide", "POST"): either(401),
    ("api.list_webhooks", "GET"): either(401),
    ("api.add_webhook", "POST"): either(401),
    ("api.change_webhook", "PATCH"): either(401),
    ("api.remove_webhook", "DELETE"): either(401),
    ("api.description", "GET"): either(200),
    ("fhir.metadata", "GET"): either(200),
    ("fhir.search_questionnaires", "GET"): either(200),
    ("fhir.read_questionnaire", "GET"): either(200),
    ("fhir.search_code_systems", "GET"): either(200),
    ("fhir.read_code_system", "GET"): either(200),
    ("fhir.search_responses", "GET"): either(401),
    ("fhir.create_response", "POST"): either(401),
    ("fhir.read_answers", "GET"): either(401),
    ("fhir.read_bundle", "GET"): either(401),
    ("call.index", "GET"): readers(200),
    ("call.index", "POST"): readers(303),
    # This is no demo.
    ("demo_code.show", "GET"): either(404),
    ("queue.home", "GET"): everywhere(
        # A reader at one clinic goes to its queue.
        signed_in(302, else_=302) | {"nobody@acme.example": 200, "admin@acme.example": 200, OWNER: 200}
    ),
    ("queue.index", "GET"): readers(200),
    ("queue.search", "GET"): readers(303),
    # Nothing was typed.
    ("queue.search", "POST"): readers(422),
    ("queue.submission", "GET"): readers(200),
    ("desk_habits.save_view", "GET"): readers(303),
    ("desk_habits.save_view", "POST"): readers(303),
    ("desk_habits.remove_view", "GET"): readers(303),
    # There is none of that name.
    ("desk_habits.remove_view", "POST"): readers(404),
    ("desk_habits.shortcuts", "GET"): readers(303),
    ("desk_habits.shortcuts", "POST"): readers(303),
    ("work.assign", "GET"): readers(303),
    ("work.assign", "POST"): readers(303),
    ("work.still_open", "POST"): readers(200),
    # Since when was not said.
    ("work.count_new", "GET"): readers(400),
    ("history.pdf", "GET"): readers(200),
    ("history.show", "GET"): readers(200),
    ("history.text", "GET"): readers(200),
    ("queue.move", "POST"): readers(303),
    ("queue.move", "GET"): readers(303),
    # Nothing of this visitor's is there to be taken back.
    ("queue.undo", "POST"): readers(409),
    ("queue.undo", "GET"): readers(303),
    ("follow_up.add", "POST"): readers(303),
    ("follow_up.add", "GET"): readers(303),
    # There is no such task, and no appointment.
    ("follow_up.finish", "POST"): readers(404),
    ("follow_up.finish", "GET"): readers(303),
    ("follow_up.tasks", "GET"): readers(200),
    ("duplicates.decide", "POST"): readers(422),
    ("duplicates.decide", "GET"): readers(303),
    ("follow_up.calendar", "GET"): readers(404),
    ("queue.evidence", "GET"): readers(200),
    ("invite.ask", "GET"): readers(200),
    # The matrix sends no mail.
    ("invite.ask", "POST"): readers(409),
    ("history.what_if", "GET"): readers(200),
    ("history.what_if", "POST"): readers(200),
    ("patient.evidence", "GET"): either(200),
    ("patient.privacy", "GET"): either(200),
    ("confirm.edit", "GET"): clinicians(200),
    # Nothing was filled in.
    ("confirm.edit", "POST"): clinicians(422),
    # Nothing is there to be signed or amended.
    ("confirm.sign", "GET"): clinicians(303),
    ("confirm.sign", "POST"): clinicians(303),
    ("confirm.amend", "GET"): clinicians(303),
    ("confirm.amend", "POST"): clinicians(303),
    ("confirm.discard", "GET"): clinicians(303),
    ("confirm.discard", "POST"): clinicians(303),
    ("confirm.signed", "GET"): readers(404),
    ("patient.pause", "POST"): either(303),
    ("patient.save", "GET"): either(200),
    ("patient.save", "POST"): either(303),
    ("patient.saved", "GET"): either(200),
    ("patient.resume", "GET"): either(200),
    ("patient.resume", "POST"): either(303),
    ("patient.resume_by_code", "GET"): either(200),
    ("patient.resume_by_code", "POST"): either(422),
}
# GET-only places under /d/<token>/ that a POST reaches as a page of that name, which there is none.
SHADOWED = {
    ("patient.check", "POST"),
    ("patient.copy", "POST"),
    ("patient.result", "POST"),
    ("patient.go_on", "GET"),
    ("patient.look", "GET"),
    ("patient.pause", "GET"),
    ("patient.saved", "POST"),
}
ENDS_THE_SESSION = {"security.logout", "account.sign_out_everywhere"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass
class World:
    """Two clinics with one request each, and a browser for each visitor."""

    app: Flask
    visitors: dict[str, Browser]
    references: dict[str, str]
    # A person of each clinic, whom its administrator may look at.
    staff: dict[str, int]

    def path(self, endpoint: str, rule: str, clinic: str, reference: str = "") -> str:
        values = {
            "slug": "about-you" if endpoint == "patient.page" else clinic,
            "clinic_slug": clinic,
            "reference": reference or self.references[clinic],
            "token": "nonsense",
            "staff_id": str(self.staff[clinic]),
            "what": "note",
            "task_id": str(UUID(int=0)),
            "token_id": str(UUID(int=0)),
            "webhook_id": str(UUID(int=0)),
            "view_id": "nonsense",
            "endpoint_id": str(UUID(int=0)),
            "inbox_id": "nonsense",
            "resource_id": "headache-screening",
            "number": "1",
            "filename": "js/webauthn.js" if endpoint == "security.static" else "screener.css",
        }
        if endpoint in {"patient.receipt", "patient.withdraw"}:
            walk = plant(Browser(self.app), self.app, answers_but(), clinic)
            values["token"] = walk.send(CONTACT).location.rsplit("/", 1)[-1]
        elif "<token>" in rule and not endpoint.startswith("security."):
            walk = plant(Browser(self.app), self.app, answers_but(), clinic)
            values["token"] = walk.token
            if endpoint in {"patient.resume", "patient.saved"}:
                secret = leave(self.app, walk, "resume")
                values["token"] = secret if endpoint == "patient.resume" else walk.token
        return re.sub(r"<(?:path:|int:|uuid:)?(\w+)>", lambda found: values[found[1]], rule)

    def form(self, endpoint: str, visitor: str, path: str) -> dict[str, object]:
        """A form which would do its work if the visitor may."""
        browser = self.visitors[visitor]
        match endpoint:
            case "patient.page":
                return token_of(browser.get(path)) | {"age": "33", "pregnancy": "no"}
            case "patient.go_on":
                return _door(browser, path)
            case "patient.withdraw":
                return token_of(browser.get(path))
            case "patient.look":
                shown = browser.get(path.replace("/look", "/check"))
                return token_of(shown) | {"place": "check", "theme": "dim"}
            case "patient.pause":
                return token_of(browser.get(path.replace("/pause", "/about-you"))) | {"place": "about-you"}
            case "patient.save" | "patient.resume":
                return token_of(browser.get(path)) | {"birth_year": str(BORN)}
            case "queue.move":
                return self._staff_token(visitor) | self._move(path)
            case "follow_up.add" | "duplicates.decide" | "keeping.charted":
                # A note; a request is no duplicate of itself; a mark.
                other = path.split("/")[4]
                sent = {"note": "Called", "other": other, "verdict": "same", "charted": "yes"}
                return self._staff_token(visitor) | sent
            case _ if path.startswith(("/desk", "/staff")):
                return self._staff_token(visitor)
        return {}

    def _staff_token(self, visitor: str) -> dict[str, object]:
        browser = self.visitors[visitor]
        return token_of(browser.get("/staff/login")) if visitor == "anonymous" else sign_in_token(browser)

    def _move(self, path: str) -> dict[str, object]:
        """A decision that is allowed now, on the version that is there now."""
        clinic, reference = path.split("/")[2], path.split("/")[4]
        with at_clinic(self.app, clinic) as (session, _):
            row = session.query(Consultation).filter_by(reference=reference).one_or_none()
            if row is None:
                return {"version": "1", "to_state": "in_review"}
            to_state = "in_review" if row.state == "new" else "new"
            return {"version": str(row.version), "to_state": to_state, "reason": "again"}


def sign_in_token(browser: Browser) -> dict[str, object]:
    """The token of the session, from the page the person signed in at."""
    return token_of(next(page for page in browser.visited if page.path == "/staff/login"))


def _door(browser: Browser, path: str) -> dict[str, object]:
    door = browser.get(path.replace("/go-on", "/check"), site="none")
    return token_of(door) | {"age": "42"}


@pytest.fixture(scope="module")
def world(made: Made) -> Iterator[World]:
    with made.copy() as installation:
        app = installation.app
        now = datetime.now(UTC)
        references = {c: add_requests(app, [(NAMES[c], answers_but(), now)], c)[0] for c in CLINICS}
        visitors = {"anonymous": Browser(app)} | {email: sign_in(Browser(app), email) for email in STAFF}
        with app.app_context():
            session = app.extensions["screener.database"].sessions()
            found = {c: find_person(session, f"intake@{c}.example") for c in CLINICS}
            staff = {clinic: person.id for clinic, person in found.items() if person}
        yield World(app, visitors, references, staff)


def rules(app: Flask) -> dict[str, str]:
    return {rule.endpoint: rule.rule for rule in app.url_map.iter_rules()}


def test_each_route_has_its_line_in_the_matrix_and_each_line_its_route(app: Flask) -> None:
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes - set(MATRIX) == set(), "a new route: say in MATRIX who may use it"
    assert set(MATRIX) - routes == set(), "these routes are gone: take them out of MATRIX"


def test_each_endpoint_has_one_address(app: Flask) -> None:
    assert len(rules(app)) == len(list(app.url_map.iter_rules()))


def test_whoever_must_sign_in_before_a_button_works_is_led_back_to_a_page(app: Flask) -> None:
    """What was posted too late is asked for by GET, once they are in: it leads to where the button stands."""
    desk = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/desk/")]
    # A script's, which nobody is led to.
    assert [rule.endpoint for rule in desk if "GET" not in (rule.methods or ())] == ["work.still_open"]


@pytest.mark.parametrize("clinic", CLINICS)
@pytest.mark.parametrize("visitor", VISITORS)
@pytest.mark.parametrize(("endpoint", "method"), MATRIX)
def test_each_visitor_gets_what_the_matrix_says(
    world: World, endpoint: str, method: str, visitor: str, clinic: str
) -> None:
    path = world.path(endpoint, rules(world.app)[endpoint], clinic)
    browser = world.visitors[visitor]
    forget_failures(world.app)
    if endpoint in ENDS_THE_SESSION and visitor != "anonymous":
        browser = sign_in(Browser(world.app), visitor)
        form = sign_in_token(browser)
    else:
        form = world.form(endpoint, visitor, path) if method == "POST" else {}
    if endpoint == "patient.stop" and method == "POST":
        form = {}
    page = browser.open(method, path, data=form)
    if endpoint == "account.sign_out_everywhere" and visitor != "anonymous":
        world.visitors[visitor] = sign_in(Browser(world.app), visitor)
    assert page.status == MATRIX[endpoint, method][clinic][visitor], (path, page.location)
    _tells_nothing_foreign(world, page, visitor)
    if method == "GET":
        head = browser.open("HEAD", path)
        assert head.status in {page.status, 303}
        assert head.source == ""


def _tells_nothing_foreign(world: World, page: Page, visitor: str) -> None:
    """No name and no reference of a patient whom this visitor may not read."""
    reads = {at for email, (at, role) in STAFF.items() if email == visitor and role != "clinic_admin"}
    # The way to the sign-in names the address that was asked for.
    told = page.source.replace(page.path, "")
    audits = page.path == f"/desk/{STAFF.get(visitor, ('',))[0]}/audit"
    for clinic in set(CLINICS) - reads:
        assert NAMES[clinic] not in told
        # The audit trail names the clinic's own requests by their references.
        assert world.references[clinic] not in told or (audits and clinic == STAFF[visitor][0])


@pytest.mark.parametrize("method", METHODS)
def test_no_route_takes_a_method_it_does_not_name(world: World, method: str) -> None:
    addresses = rules(world.app)
    for endpoint, rule in addresses.items():
        if method in {"GET", "HEAD"} and endpoint == "patient.receipt":
            continue
        # Two views may share an address, each with its method.
        taken = {m for e, m in MATRIX if addresses[e] == rule}
        if method in taken or (method == "HEAD" and "GET" in taken):
            continue
        path = world.path(endpoint, rule, "acme")
        for visitor in ("anonymous", "intake@acme.example"):
            page = world.visitors[visitor].open(method, path)
            shadowed = (endpoint, "GET" if method == "HEAD" else method) in SHADOWED
            assert page.status == (404 if shadowed else 405), (method, path)
            assert shadowed or page.headers["Allow"]
            _tells_nothing_foreign(world, page, visitor)


# ---------------------------------------------------------------- foreign and unknown look alike


def without_tokens(page: Page) -> str:
    """Two pages differ in the moment they were made: in the sign-out form's token, in the session's rest."""
    return re.sub(r'name="csrf_token" value="[^"]+"|data-seconds="\d+"', "", page.source)


@pytest.mark.parametrize("visitor", list(STAFF))
@pytest.mark.parametrize("clinic", CLINICS)
def test_a_foreign_request_and_an_unknown_one_give_the_same_page(
    world: World, visitor: str, clinic: str
) -> None:
    theirs = next(reference for at, reference in world.references.items() if at != clinic)
    browser = world.visitors[visitor]
    for place in ("", "/history", "/history.pdf", "/history/text", "/invite", "/what-if"):
        foreign = browser.get(f"/desk/{clinic}/requests/{theirs}{place}")
        unknown = browser.get(f"/desk/{clinic}/requests/{UNKNOWN}{place}")
        assert (foreign.status, without_tokens(foreign)) == (unknown.status, without_tokens(unknown))
        assert foreign.status in {403, 404}
        foreign.headers.pop("X-Request-ID")
        unknown.headers.pop("X-Request-ID")
        assert dict(foreign.headers) == dict(unknown.headers)


@pytest.mark.parametrize("visitor", list(STAFF))
@pytest.mark.parametrize("clinic", CLINICS)
def test_a_foreign_request_is_not_moved_and_looks_like_an_unknown_one(
    world: World, visitor: str, clinic: str
) -> None:
    theirs = next(reference for at, reference in world.references.items() if at != clinic)
    browser = world.visitors[visitor]
    form = sign_in_token(browser) | {"version": "1", "to_state": "in_review"}
    foreign = browser.post(f"/desk/{clinic}/requests/{theirs}/move", form)
    unknown = browser.post(f"/desk/{clinic}/requests/{UNKNOWN}/move", form)
    assert (foreign.status, without_tokens(foreign)) == (unknown.status, without_tokens(unknown))
    assert foreign.status in {403, 404}


def test_a_foreign_clinic_and_an_unknown_one_give_the_same_page(world: World) -> None:
    browser = world.visitors["intake@acme.example"]
    for place in ("queue", f"requests/{UNKNOWN}", f"requests/{UNKNOWN}/history"):
        foreign, unknown = (browser.get(f"/desk/{clinic}/{place}") for clinic in ("other", "no-such-clinic"))
        assert foreign.status == unknown.status == 404
        assert foreign.source == unknown.source


def test_a_foreign_reference_as_a_place_in_the_queue_tells_nothing(world: World) -> None:
    browser = world.visitors["intake@acme.example"]
    foreign = browser.get(f"/desk/acme/queue?after={world.references['other']}")
    unknown = browser.get(f"/desk/acme/queue?after={UNKNOWN}")
    assert (foreign.status, unknown.status) == (200, 200)
    assert foreign.said == unknown.said
    assert NAMES["other"] not in foreign.source


def test_an_administrator_is_told_why_no_patient_record_opens(world: World) -> None:
    browser = world.visitors["admin@acme.example"]
    for place in (
        "queue",
        f"requests/{world.references['acme']}",
        f"requests/{world.references['acme']}/history",
    ):
        page = browser.get(f"/desk/acme/{place}")
        assert page.status == 403
        assert "Your role at this clinic does not open patient records." in page.text


def test_a_person_without_a_clinic_is_told_whom_to_ask(world: World) -> None:
    page = world.visitors["nobody@acme.example"].get("/desk/")
    assert "Ask your clinic's administrator." in page.text


def test_one_clinics_receipt_and_draft_stay_its_own(world: World) -> None:
    walk = plant(Browser(world.app), world.app, answers_but(), "other")
    assert "Acme" not in walk.get("check").source
    receipt = walk.browser.follow(walk.send(CONTACT))
    assert "Other Clinic" in receipt.text
    assert "Acme" not in receipt.source
