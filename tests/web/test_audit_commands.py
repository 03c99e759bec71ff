"""`screener audit`: an operator proves that no entry of the trail was changed, and keeps heads elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from click.testing import CliRunner
from conftest import Installation, settings_of, tamper
from sqlalchemy import Executable, text
from web.walking import add_requests, at_clinic

from screener.store.database import Base
from screener.web.cli import main

pytestmark = pytest.mark.both_databases


def audit(installation: Installation, *options: str, status: int = 0) -> list[str]:
    result = CliRunner().invoke(main, ["audit", *options], env=settings_of(installation.settings))
    assert result.exit_code == status, result.output
    return result.output.splitlines()


def send(installation: Installation, number: int = 2) -> None:
    now = datetime.now(UTC)
    add_requests(installation.app, [(f"Pat {n}", CHRONIC_AND_INTRACTABLE, now) for n in range(number)])


def change(installation: Installation, *statements: Executable) -> None:
    database = installation.app.extensions["screener.database"]
    database.sessions.remove()
    tamper(database, *statements)


def test_whole_trails_are_ok(installation: Installation) -> None:
    send(installation)
    assert audit(installation, "verify") == ["acme: ok, 2 entries", "other: ok, 0 entries"]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE audit_entries SET what = 'read' WHERE number = 2", "BROKEN at entry 2: changed"),
        ("DELETE FROM audit_entries WHERE number = 1", "BROKEN at entry 1: missing"),
        ("DELETE FROM audit_entries WHERE number = 2", "BROKEN at entry 2: cut off: there were 2"),
    ],
)
def test_the_first_broken_number_is_named(installation: Installation, statement: str, told: str) -> None:
    send(installation)
    change(installation, text(statement))
    assert audit(installation, "verify", status=1) == [f"acme: {told}", "other: ok, 0 entries"]
    assert audit(installation, "verify", "--clinic", "other") == ["other: ok, 0 entries"]


def test_a_trail_begun_anew_shows_by_the_head_kept_elsewhere(
    installation: Installation, tmp_path: Path
) -> None:
    send(installation)
    heads = audit(installation, "head")
    assert [line.split()[:2] for line in heads] == [["acme", "2"], ["other", "0"]]
    file = tmp_path / "heads"
    file.write_text("\n".join(heads))
    assert audit(installation, "verify", "--head", str(file))[0] == "acme: ok, 2 entries"
    begun_anew = Base.metadata.tables["audit_heads"].update().values(number=0, chain=b"")
    change(installation, text("DELETE FROM audit_entries"), begun_anew)
    assert audit(installation, "verify")[0] == "acme: ok, 0 entries"
    told = audit(installation, "verify", "--head", str(file), status=1)
    assert told[0] == "acme: BROKEN at entry 1: cut off: there were 2"
    file.write_text(heads[0].replace("acme", "gone"))
    assert audit(installation, "verify", "--head", str(file), status=1)[-1].startswith("gone: BROKEN")


def test_the_commands_say_what_they_cannot_use(installation: Installation, tmp_path: Path) -> None:
    assert audit(installation, "verify", "--clinic", "x", status=1) == ["Error: No clinic is called x."]
    file = tmp_path / "heads"
    for line in ("acme 1", "acme one 00", "acme 1 xyz"):
        file.write_text(line)
        told = audit(installation, "verify", "--head", str(file), status=1)
        assert told == ["Error: line 1 is no head: it reads CLINIC NUMBER CHAIN"]
    change(installation, text("DELETE FROM audit_heads"))
    assert audit(installation, "head", status=1)[0].startswith("Error: acme: the head is missing")
    assert audit(installation, "verify", status=1)[0] == "acme: BROKEN at entry 0: the head is missing"


def test_a_disabled_clinic_is_verified_too(installation: Installation) -> None:
    send(installation)
    with at_clinic(installation.app, "acme") as (session, clinic):
        clinic.disabled_at = datetime.now(UTC)
        session.commit()
    assert audit(installation, "verify")[0] == "acme: ok, 2 entries"
