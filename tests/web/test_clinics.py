"""Whoever looks after the clinics adds, changes, shuts and destroys them, by page and by command, unread."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from builders import CONTACT, OWNER
from click.testing import CliRunner
from conftest import Installation, settings_of
from flask import Flask
from web.client import Browser, Page
from web.test_sign_in import add_passkey, change, is_in
from web.walking import (
    SignedIn,
    add_requests,
    answers_but,
    at_clinic,
    enter_password,
    plant,
    sign_in,
    token_of,
)

from screener.store.audit import Wanted, list_entries
from screener.store.clinic_changes import shred_keys
from screener.store.database import Database
from screener.store.staff import end_installation_admin, find_person
from screener.web.cli import main

pytestmark = pytest.mark.both_databases

CLINICS, ACME = "/desk/clinics", "/desk/clinics/acme"
NEW = {"slug": "west", "name": "West Side", "phone": "(212) 555-0123", "time_zone": "America/Chicago"}


@pytest.fixture
def owner(signed_in: SignedIn) -> Browser:
    return signed_in(OWNER)


def send(owner: Browser, place: str, shown: str = "", **form: object) -> Page:
    return owner.post(place, token_of(owner.get(shown or place)) | form)


def rows(page: Page) -> dict[str, list[str]]:
    """Name -> address, state, requests."""
    cells = [["".join(cell.itertext()).strip() for cell in row] for row in page.all("tr")[1:]]
    return {name: rest for name, *rest in cells}


def trail(app: Flask, slug: str) -> list[tuple[str, int | None]]:
    """What and by whom, oldest first; also of a clinic that is shut."""
    from screener.store.clinics import find_any_clinic  # noqa: PLC0415
    from screener.store.tenancy import enter_clinic  # noqa: PLC0415

    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        clinic = find_any_clinic(session, slug)
        assert clinic is not None
        enter_clinic(session, clinic.id)
        return [(e.what, e.staff_id) for e in reversed(list_entries(session, Wanted(), limit=50))]


@pytest.mark.parametrize("slug", ["%00", "Acme", "no-such", "a" * 41])
def test_a_name_that_no_clinic_can_have_is_not_found(owner: Browser, slug: str) -> None:
    assert [owner.get(f"/desk/{place}").status for place in (f"clinics/{slug}", f"{slug}/queue")] == [
        404,
        404,
    ]


def test_a_clinic_is_added_changed_shut_and_opened_by_page(app: Flask, owner: Browser) -> None:
    assert owner.get("/desk/").links["all clinics"] == CLINICS
    added = send(owner, CLINICS, **NEW, origins="https://west.example/")
    page = owner.follow(added)
    assert (added.location, page.heading) == ("/desk/clinics/west", "West Side")
    assert rows(owner.get(CLINICS))["West Side"] == ["/c/west", "open", "0"]
    patient = Browser(app)
    assert "https://west.example" in patient.get("/c/west").headers["Content-Security-Policy"]
    send(owner, "/desk/clinics/west", **(page.form | {"hours": "9 to 5", "origins": ""}))
    assert "9 to 5" in patient.get("/c/west").text
    send(owner, "/desk/clinics/west/switch", "/desk/clinics/west", to="shut")
    shut, unknown = patient.get("/c/west"), patient.get("/c/nowhere")
    assert (shut.status, shut.source) == (404, unknown.source)
    send(owner, "/desk/clinics/west/switch", "/desk/clinics/west", to="open")
    assert patient.get("/c/west").status == 200
    me = change(app, OWNER)
    assert trail(app, "west") == [
        (what, me) for what in ("clinic_added", "clinic_changed", "clinic_disabled", "clinic_enabled")
    ]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"slug": "acme"}, ["Slug 'acme' is taken by another clinic."]),
        ({"slug": "Clinics!"}, ["Slug 'Clinics!': use 2 to 40 small letters, digits and hyphens."]),
        (
            {"name": "", "time_zone": "Mars"},
            [
                "Name: use 1 to 200 characters on one line.",
                "Time zone 'Mars' is not known: use an IANA name like America/New_York.",
            ],
        ),
    ],
)
@pytest.mark.sqlite_only("the database is not asked")
def test_a_clinic_that_cannot_be_is_refused_in_words(
    owner: Browser, wrong: dict[str, str], said: list[str]
) -> None:
    page = send(owner, CLINICS, **(NEW | wrong))
    assert (page.status, page.problems) == (422, said)
    assert page.form["phone"] == [NEW["phone"]]


def test_whoever_looks_after_the_clinics_reads_nothing_of_any(app: Flask, owner: Browser) -> None:
    reference = add_requests(app, [("Petra Private", answers_but(), datetime.now(UTC))])[0]
    assert rows(owner.get(CLINICS))["Acme Clinic"] == ["/c/acme", "open", "1"]
    for place in ("", "/acme"):
        source = owner.get(CLINICS + place).source
        assert "Petra" not in source
        assert reference not in source
    for place in ("queue", f"requests/{reference}", "people", "audit", "look"):
        assert owner.get(f"/desk/acme/{place}").status == 404


def test_each_clinic_speaks_its_own_languages(app: Flask) -> None:
    for slug, spoken in (("acme", ["en"]), ("other", ["en", "es"])):
        with at_clinic(app, slug) as (session, clinic):
            clinic.languages = spoken
            session.commit()
        assert ("Español" in Browser(app).get(f"/c/{slug}").text) is ("es" in spoken)


def test_the_right_ends_at_the_next_request(app: Flask, owner: Browser) -> None:
    with app.app_context():
        session = app.extensions["screener.database"].sessions()
        person = find_person(session, OWNER)
        assert person is not None
        end_installation_admin(session, person, datetime.now(UTC))
        session.commit()
    assert not is_in(owner)
    assert sign_in(Browser(app), OWNER).get(CLINICS).status == 404


def test_who_looks_after_the_clinics_is_asked_again_after_a_while(
    app: Flask, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert owner.get(CLINICS).status == 200
    monkeypatch.setitem(app.config, "SECURITY_FRESHNESS", timedelta(microseconds=1))
    for place in (CLINICS, ACME):
        assert owner.get(place).location.startswith("/staff/verify")


def test_keys_are_shredded_only_where_the_slug_is_typed_and_all_pages_say_what_happened(
    app: Flask, owner: Browser, intake: Browser
) -> None:
    reference = add_requests(app, [("Petra Private", answers_but(), datetime.now(UTC))])[0]
    walk = plant(Browser(app), app, answers_but())
    receipt = walk.browser.follow(walk.send(CONTACT))
    draft = plant(Browser(app), app, answers_but())
    wrong = send(owner, f"{ACME}/shred", ACME, typed_slug="other")
    assert wrong.problems == ["Type acme to destroy its records. Nothing was changed."]
    assert intake.get(f"/desk/acme/requests/{reference}").status == 200
    done = owner.follow(send(owner, f"{ACME}/shred", ACME, typed_slug="acme"))
    assert "Its keys were destroyed on" in done.text
    for place in ("queue", f"requests/{reference}", f"requests/{reference}/history", "tasks"):
        page = intake.get(f"/desk/acme/{place}")
        assert (page.status, page.heading) == (410, "The records of this clinic were destroyed")
    for place in ("", "/withdraw"):
        page = walk.browser.get(receipt.path.split("?")[0] + place)
        assert (page.status, page.heading) == (410, "What you sent is gone")
    assert draft.get("check").status == 410
    assert walk.browser.get("/c/acme").source == walk.browser.get("/c/nowhere").source
    assert sign_in(Browser(app), "intake@other.example").get("/desk/acme/queue").status == 404
    refused = send(owner, f"{ACME}/switch", CLINICS, to="open")
    assert refused.status == 422
    assert trail(app, "acme")[-1] == ("keys_shredded", change(app, OWNER))


# ---------------------------------------------------------------- by command


def run(installation: Installation, *words: str, typed: str = "", status: int = 0) -> list[str]:
    result = CliRunner().invoke(main, words, input=typed, env=settings_of(installation.settings))
    assert result.exit_code == status, result.output
    assert "Traceback" not in result.output
    return result.output.splitlines()


def test_clinics_are_listed_changed_and_shut_by_command(installation: Installation) -> None:
    add_requests(installation.app, [("Petra Private", answers_but(), datetime.now(UTC))])
    assert run(installation, "clinic", "list") == [
        "acme\tAcme Clinic\topen\t1\thttps://www.acme.example",
        "other\tOther Clinic\topen\t0\t-",
    ]
    changes = ("--name", "Acme", "--no-origins", "--hours", "9 to 5")
    assert run(installation, "clinic", "change", "acme", *changes) == ["Changed: name, origins."]
    assert run(installation, "clinic", "change", "acme") == ["Changed: nothing."]
    assert "IANA" in run(installation, "clinic", "change", "acme", "--time-zone", "Mars", status=1)[0]
    assert run(installation, "clinic", "disable", "acme") == ["Disabled."]
    assert run(installation, "clinic", "disable", "acme") == ["It was disabled already."]
    assert run(installation, "clinic", "list")[0] == "acme\tAcme\tdisabled\t1\t-"
    assert Browser(installation.app).get("/c/acme").status == 404
    assert run(installation, "clinic", "enable", "acme") == ["Enabled."]
    assert run(installation, "clinic", "enable", "nowhere", status=1) == [
        "Error: No clinic is called nowhere."
    ]


def test_a_key_is_shredded_by_command_and_the_other_commands_go_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_requests(installation.app, [("Petra Private", answers_but(), datetime.now(UTC))])
    told = run(installation, "clinic", "shred-key", "acme", typed="other\n", status=1)
    assert told[-1] == "Error: That is not the slug. Nothing was changed."
    told = run(installation, "clinic", "shred-key", "acme", typed="acme\n")
    assert told[-2:] == [
        "Destroyed.",
        "Backups made before still hold these keys: delete them, or they open with the master key.",
    ]
    # Takes as long as SQLite waits for a reader; store/test_clinic_changes.py has one.
    monkeypatch.setattr(Database, "forget_deleted", lambda *_: False)
    told = run(installation, "clinic", "shred-key", "acme", typed="acme\n", status=1)
    assert told[-1].endswith("somebody is reading. Run this again.")
    assert run(installation, "clinic", "list")[0].split("\t")[2] == "destroyed"
    assert "add a new clinic" in run(installation, "clinic", "enable", "acme", status=1)[0]
    assert run(installation, "audit", "verify")[0] == "acme: ok, 2 entries"
    assert run(installation, "reindex") == ["0 requests were filled in."]
    run(installation, "replay")


def test_who_looks_after_the_clinics_comes_in_by_a_link_and_can_be_ended(installation: Installation) -> None:
    words = ("staff", "add", "olga@screen.example", "--name", "Olga")
    assert "--installation-admin" in run(installation, *words, status=2)[-1]
    assert "--role" in run(installation, *words, "--clinic", "acme", status=2)[-1]
    (link,) = run(installation, *words, "--installation-admin")
    assert "/staff/reset/" in link
    with installation.app.app_context():
        person = find_person(installation.app.extensions["screener.database"].sessions(), words[2])
        assert person is not None
        assert person.is_installation_admin
    ended = ("staff", "end-installation-admin", words[2])
    assert run(installation, *ended) == ["Done. They are signed out."]
    assert run(installation, *ended, status=1)[0].endswith("does not look after the clinics.")


def test_whoever_lost_their_second_steps_sets_one_up_again(installation: Installation) -> None:
    email, app = "intake@acme.example", installation.app
    lost, browser = sign_in(Browser(app), email), Browser(app)
    add_passkey(app, email, "Phone")
    forget = ("staff", "forget-second-step")
    assert run(installation, *forget, email) == [
        "Done. They set up a new second step when they next sign in."
    ]
    assert run(installation, *forget, "x@y.example", status=1) == [
        "Error: Nobody has the address x@y.example."
    ]
    assert lost.get("/desk/acme/queue").location.startswith("/staff/login")
    # The password leads to the set-up and to nothing else.
    assert enter_password(browser, browser.get("/staff/login"), email).status == 302
    assert browser.get("/desk/acme/queue").location == "/desk/account/second-step"
    with app.app_context():
        person = find_person(app.extensions["screener.database"].sessions(), email)
        assert person is not None
        steps = (person.tf_primary_method, person.tf_totp_secret, person.totp_counter, person.webauthn)
        assert (steps, person.mf_recovery_codes) == ((None, None, None, []), [])
    assert ("second_step_forgotten", None) in trail(app, "acme")


def test_whom_no_mail_reaches_sets_a_new_password_by_a_printed_link_once(installation: Installation) -> None:
    email, app, password = "intake@acme.example", installation.app, "violin under seven quiet lemons"
    (link,) = run(installation, "staff", "new-link", email)
    assert run(installation, "staff", "new-link", "x@y.example", status=1) == [
        "Error: Nobody has the address x@y.example."
    ]
    path, browser = urlsplit(link).path, Browser(app)
    typed = token_of(browser.get(path)) | {"password": password, "password_confirm": password}
    assert browser.post(path, typed).location == "/staff/login"
    assert browser.follow(browser.get(path)).path == "/staff/reset", "the link worked once"
    asked = enter_password(browser, browser.get("/staff/login"), email, password)
    assert browser.get(asked.location).asked == ["code"], "the second step is asked for all the same"
    assert ("link_made", None) in trail(app, "acme")


def test_a_mail_of_a_shredded_clinic_is_not_owed_any_more(app: Flask) -> None:
    add_requests(app, [("Petra Private", answers_but(), datetime.now(UTC))])
    with at_clinic(app, "acme") as (session, clinic):
        shred_keys(session, clinic, by=None, now=datetime.now(UTC))
        session.commit()
    from screener.store.outbox import count_mail  # noqa: PLC0415

    with app.app_context():
        assert count_mail(app.extensions["screener.database"].sessions()) == (0, 0)
