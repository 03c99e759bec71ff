"""`screener keys`: keys change while all goes on, and at every moment everything opens."""

from __future__ import annotations

import base64
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from conftest import Installation
from sqlalchemy import select, update
from web.client import Browser
from web.test_backups import names_in, run
from web.walking import add_requests, answers_but, at_clinic, contact_but, plant, sign_in

from screener import create_app
from screener.settings import KEYS_FILE, load_settings, make_keys, set_setting
from screener.store.clinics import clinic_key
from screener.store.consultations import read_contact
from screener.store.rotation import add_key, rewrap_keys
from screener.store.tables import Consultation

pytestmark = pytest.mark.both_databases
SECOND = "2:" + base64.b64encode(bytes(range(1, 33))).decode()


def send(installation: Installation, *names: str) -> None:
    now = datetime.now(UTC)
    add_requests(installation.app, [(name, CHRONIC_AND_INTRACTABLE, now) for name in names])


def test_a_new_master_key_wraps_all_and_the_old_one_may_go(installation: Installation) -> None:
    send(installation, "Ada")
    both = replace(installation.settings, master_keys=f"{SECOND},{installation.settings.master_keys}")
    after = replace(both, master_keys=SECOND)
    listed = run(after, "keys", "list", status=1)
    assert "acme: key 1, wrapped under master key 1. SCREENER_MASTER_KEYS LACKS IT" in listed
    told = run(both, "keys", "rewrap")
    assert told.startswith("acme: 1 wrapped anew.\nother: 1 wrapped anew.\nAll are under master key 2 now.")
    assert "acme: 0 wrapped anew." in run(both, "keys", "rewrap")
    assert "acme: key 1, wrapped under master key 2.\n" in run(after, "keys", "list")
    assert names_in(after) == {"Ada"}


def test_a_clinic_whose_key_is_missing_hides_nothing_of_the_next_one(installation: Installation) -> None:
    both = replace(installation.settings, master_keys=f"{SECOND},{installation.settings.master_keys}")
    app = create_app(both)
    with at_clinic(app, "other") as (session, _):
        rewrap_keys(session)
        session.commit()
    app.extensions["screener.database"].dispose()
    listed = run(replace(both, master_keys=SECOND), "keys", "list", status=1)
    assert "acme: key 1, wrapped under master key 1. SCREENER_MASTER_KEYS LACKS IT" in listed
    assert "acme: under older keys" not in listed
    assert "other: under older keys: nothing." in listed


def test_a_clinics_new_key_seals_and_the_old_ones_values_are_sealed_anew(installation: Installation) -> None:
    send(installation, "Ada")
    settings, app = installation.settings, installation.app
    with at_clinic(app, "acme") as (session, clinic):
        # A request that is under way when the key changes.
        before = clinic_key(session, clinic.id)
        session.rollback()
        told = run(settings, "keys", "rotate-clinic", "acme")
        assert "Key 2 seals what is written from now on." in told
        assert "0 values" not in told
        row = session.scalars(select(Consultation)).one()
        assert before.current == 1
        assert row.version == 1
        assert read_contact(session, row)["contact_name"] == "Ada"
    send(installation, "Grace")
    assert "acme: under older keys: nothing." in run(settings, "keys", "list")
    assert "other: key 1, wrapped" in run(settings, "keys", "list")
    assert names_in(settings) == {"Ada", "Grace"}
    assert "2 entries" not in run(settings, "audit", "verify", "--clinic", "acme")
    assert "No clinic is called nowhere" in run(settings, "keys", "rotate-clinic", "nowhere", status=1)


def test_what_was_broken_off_goes_on_and_tells_what_it_could_not_open(installation: Installation) -> None:
    send(installation, "Ada", "Grace")
    with at_clinic(installation.app, "acme") as (session, _):
        add_key(session)
        one = session.scalars(select(Consultation.id)).first()
        damaged = bytes([1, 0, 1]) + bytes(60)
        session.execute(update(Consultation).where(Consultation.id == one).values(sealed_contact=damaged))
        session.commit()
    assert "under older keys: 2 consultations.sealed_contact" in run(
        installation.settings, "keys", "list"
    ).replace("2 screenings.sealed, ", "")
    told = run(installation.settings, "keys", "reseal", "acme", status=1)
    assert "1 values open with no key that is here, and were let be." in told
    assert "under older keys: 1 consultations.sealed_contact." in run(installation.settings, "keys", "list")


def test_without_its_key_pages_and_commands_say_so(installation: Installation) -> None:
    send(installation, "Ada")
    keyless = replace(installation.settings, master_keys=SECOND)
    app = create_app(keyless)
    staff = sign_in(Browser(app), "intake@acme.example")
    # Not by the browser's own way, which takes no failure from us.
    page = staff.client.get("/desk/acme/queue")
    assert page.status_code == 503
    assert "The key that opens it is not set on the server" in page.text
    walk = plant(Browser(app), app, answers_but())
    form, same_site = walk.contact_form(contact_but()), {"Sec-Fetch-Site": "same-origin"}
    sent = walk.browser.client.post(walk.url("contact"), data=form, headers=same_site)
    assert sent.status_code == 503
    assert "It is our fault, not yours." in sent.text
    app.extensions["screener.database"].dispose()
    assert "Something sealed does not open" in run(keyless, "reindex", status=1)


def test_a_further_master_key_is_put_in_front_so_that_no_server_meets_it_unprepared(
    installation: Installation, tmp_path: Path
) -> None:
    settings = installation.settings
    told = run(settings, "keys", "add-master").splitlines()[0]
    assert told.startswith("SCREENER_MASTER_KEYS=2:")
    assert told.endswith(f",{settings.master_keys}")
    after = replace(settings, master_keys=told.split("=", 1)[1])
    assert "Master keys: 1, 2; 1 wraps new clinics' keys." in run(after, "keys", "list")
    make_keys(tmp_path)
    set_setting(tmp_path / KEYS_FILE, "SCREENER_MASTER_KEYS", after.master_keys)
    found = load_settings({}, tmp_path)
    assert found.master_keys == after.master_keys
    assert stat.S_IMODE((tmp_path / KEYS_FILE).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [KEYS_FILE]
