"""`screener backup` and `restore`: what was there comes back, proven, or nothing is touched."""

from __future__ import annotations

import base64
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from click.testing import CliRunner
from conftest import Databases, Installation, settings_of
from sqlalchemy import Engine, event, func, select
from web.client import Browser
from web.walking import add_requests, at_clinic, sign_in

from screener import create_app
from screener.settings import Settings
from screener.store.audit import verify_chain
from screener.store.consultations import read_contact
from screener.store.tables import AuditEntry, Consultation, StaffSession
from screener.web.cli import main

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _programs(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own, as an operator has installed them."""
    programs = getattr(databases, "programs", None)
    if programs:
        monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def run(settings: Settings, *command: str, status: int = 0) -> str:
    env = settings_of(settings)
    result = CliRunner().invoke(main, command, env=env)
    assert result.exit_code == status, (result.output, result.exception)
    return result.output


def send(installation: Installation, *names: str) -> None:
    now = datetime.now(UTC)
    add_requests(installation.app, [(name, CHRONIC_AND_INTRACTABLE, now) for name in names])
    installation.app.extensions["screener.database"].dispose()


def names_in(settings: Settings) -> set[str]:
    """Whose requests open there, with a trail that holds."""
    app = create_app(settings)
    with at_clinic(app, "acme") as (session, _):
        assert verify_chain(session).broken is None
        found = {read_contact(session, row)["contact_name"] for row in session.scalars(select(Consultation))}
    app.extensions["screener.database"].dispose()
    return found


def test_a_backup_comes_back_elsewhere_and_says_from_when(
    installation: Installation, databases: Databases, tmp_path: Path
) -> None:
    send(installation, "Ada", "Grace")
    sign_in(Browser(installation.app), "intake@acme.example")
    file = tmp_path / "one.backup"
    told = run(installation.settings, "backup", str(file))
    assert "all verified; clinics: 2." in told
    assert "master key 1 alone, which is not in it" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["one.backup"]
    assert b"acme" not in file.read_bytes()
    send(installation, "Later")
    assert "all verified" in run(installation.settings, "backup", "verify", str(file))
    elsewhere = replace(installation.settings, database_url=databases.create())
    assert "What came later is lost: 0:00:0" in run(elsewhere, "restore", str(file))
    assert names_in(elsewhere) == {"Ada", "Grace"}
    for settings, number in ((installation.settings, 1), (elsewhere, 0)):
        app = create_app(settings)
        with at_clinic(app, "acme") as (session, _):
            assert session.scalar(select(func.count(StaffSession.id))) == number
            last = session.scalars(select(AuditEntry.what).order_by(AuditEntry.number.desc())).first()
            assert last == ("received" if number else "restored")
        app.extensions["screener.database"].dispose()


def test_what_is_there_is_replaced_on_demand_alone_and_never_while_it_is_used(
    installation: Installation, tmp_path: Path
) -> None:
    send(installation, "Ada")
    file, settings = tmp_path / "one.backup", installation.settings
    run(settings, "backup", str(file))
    send(installation, "Later")
    assert "one.backup is there already" in run(settings, "backup", str(file), status=1)
    assert "The database is not empty" in run(settings, "restore", str(file), status=1)
    with at_clinic(installation.app, "acme"):
        assert "The database is in use" in run(settings, "restore", "--replace", str(file), status=1)
    installation.app.extensions["screener.database"].dispose()
    assert names_in(settings) == {"Ada", "Later"}
    run(settings, "restore", "--replace", str(file))
    assert names_in(settings) == {"Ada"}


@pytest.mark.postgresql_only
def test_a_restore_killed_at_its_very_end_brings_back_nothing_older_later(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(installation, "Ada")
    file, settings = tmp_path / "one.backup", installation.settings
    run(settings, "backup", str(file))
    send(installation, "Before")

    def kill(_connection: object, _cursor: object, statement: str, *_about: object) -> None:
        if statement.startswith("DROP SCHEMA") and "IF EXISTS" not in statement:
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", kill)
    run(settings, "restore", "--replace", str(file), status=1)
    event.remove(Engine, "before_cursor_execute", kill)
    send(installation, "After")
    assert "all verified" in run(settings, "backup", str(tmp_path / "two.backup"))
    (tmp_path / "pg_restore").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "pg_restore").chmod(0o700)
    with monkeypatch.context() as failing:
        failing.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert "pg_restore failed" in run(settings, "restore", "--replace", str(file), status=1)
    assert names_in(settings) == {"Ada", "After"}
    run(settings, "restore", "--replace", str(file))
    assert names_in(settings) == {"Ada"}


def test_a_damaged_or_foreign_file_touches_nothing(installation: Installation, tmp_path: Path) -> None:
    send(installation, "Ada")
    file, settings = tmp_path / "one.backup", installation.settings
    run(settings, "backup", str(file))
    whole = file.read_bytes()
    for damaged, why in (
        (whole[:-1], "damaged or cut off"),
        (whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:], "damaged or cut off"),
        (whole[:30], "head of this backup is damaged"),
        (b"PGDMP" + whole, "no backup that `screener backup` made"),
    ):
        file.write_bytes(damaged)
        assert why in run(settings, "backup", "verify", str(file), status=1)
        assert why in run(settings, "restore", "--replace", str(file), status=1)
    assert "not there" in run(settings, "restore", str(tmp_path / "nothing"), status=1)
    assert names_in(settings) == {"Ada"}


def test_without_its_keys_a_backup_says_which_are_missing(
    installation: Installation, databases: Databases, tmp_path: Path
) -> None:
    file, own = (
        tmp_path / "own.backup",
        replace(installation.settings, backup_key="a-backup-key-0123456789-abcdefghij"),
    )
    assert "opens with SCREENER_BACKUP_KEY alone" in run(own, "backup", str(file))
    elsewhere = replace(own, database_url=databases.create())
    other = "2:" + base64.b64encode(bytes(range(1, 33))).decode()
    for lacking, told in (
        ({"backup_key": ""}, "opens with SCREENER_BACKUP_KEY alone"),
        ({"backup_key": "another-backup-key-0123456789-abcdef"}, "its key is another one"),
        ({"master_keys": other}, "SCREENER_MASTER_KEYS lacks key 1"),
        ({"secret": "another-secret-0123456789-abcdefgh"}, "SCREENER_SECRET is not the one"),
        ({"password_salt": "another-salt-0123456789-abcdefghij"}, "SCREENER_PASSWORD_SALT is not the one"),
    ):
        assert told in run(replace(elsewhere, **lacking), "restore", str(file), status=1)
    run(elsewhere, "restore", str(file))


@pytest.mark.postgresql_only
def test_of_several_servers_setup_doctor_and_backup_find_the_one_that_is_there(
    installation: Installation, tmp_path: Path
) -> None:
    name, _, folder = installation.settings.database_url.removeprefix("postgresql://").partition("?host=")
    user, _, name = name.partition("@/")
    url = f"postgresql://{user}@{quote(str(tmp_path), safe='')},{quote(folder, safe='')}/{name}"
    settings = replace(installation.settings, database_url=url)
    run(settings, "setup")
    # The tests' server may lose data, so it is not content.
    assert f"Of several servers the one at {folder}:5432 answers." in run(settings, "doctor", status=1)
    assert "all verified" in run(settings, "backup", str(tmp_path / "one.backup"))


def test_postgresql_says_what_to_install(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if installation.settings.database_url.startswith("sqlite"):
        pytest.skip("SQLite needs no program")
    monkeypatch.setenv("PATH", str(tmp_path))
    told = run(installation.settings, "backup", str(tmp_path / "one.backup"), status=1)
    assert "pg_dump is not here. Install PostgreSQL's client programs" in told
    assert list(tmp_path.iterdir()) == []
