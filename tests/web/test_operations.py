"""What an operator sees: readiness, request ids, failures without values, and the doctor's advice."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Installation
from web.test_served import CANARY

from screener import create_app
from screener.settings import KEYS_FILE, Settings
from screener.store.database import Database
from screener.web import doctor
from screener.web.logs import get_log, make_formatter

# The clock is looked at where the database has its own.
pytestmark = pytest.mark.both_databases
OTHER_KEYS = "1:" + base64.b64encode(bytes(range(1, 33))).decode()


def elsewhere(path: str) -> Callable[[Settings], Settings]:
    return lambda settings: replace(settings, database_url=f"sqlite:///{path}")


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda settings: settings, None),
        (lambda settings: replace(settings, master_keys=OTHER_KEYS), "keys"),
        (elsewhere(""), "migrations"),
        (elsewhere("/nowhere/screener.db"), "database"),
    ],
)
def test_it_is_ready_only_with_its_database_its_tables_and_its_keys(
    installation: Installation, change: Callable[[Settings], Settings], missing: str | None
) -> None:
    app = create_app(change(installation.settings))
    told = app.test_client().get("/readyz")
    app.extensions["screener.database"].dispose()
    assert told.text == (f"not ready: {missing}\n" if missing else "ready\n")
    assert told.status_code == (503 if missing else 200)
    assert ("Retry-After" in told.headers) == bool(missing)
    assert app.test_client().get("/healthz").status_code == 200, "this process lives all the same"


def test_a_request_id_is_taken_over_from_a_proxy_alone_and_only_if_it_looks_like_one(
    installation: Installation,
) -> None:
    given = "0123456789abcdef0123456789abcdef"
    for proxies, sent, is_kept in ((1, given, True), (1, CANARY, False), (1, "", False), (0, given, False)):
        app = create_app(replace(installation.settings, proxies=proxies))
        found = app.test_client().get("/healthz", headers={"X-Request-ID": sent}).headers["X-Request-ID"]
        assert (found == sent) is is_kept
        assert len(found) >= 16


def test_a_failure_is_told_by_its_kind_and_place_without_a_value(
    capfd: pytest.CaptureFixture[str],
) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(make_formatter())
    lines = [logging.getLogger(name) for name in ("screener.trial", "weasyprint.trial")]
    for line in lines:
        line.addHandler(handler)
    try:
        int(CANARY)
    except ValueError:
        get_log("screener.trial").exception("failure", route="patient.page", answer=CANARY)
        lines[1].exception("cannot draw %s", CANARY, extra={"answer": CANARY})
    for line in lines:
        line.removeHandler(handler)
    ours, foreign = map(json.loads, capfd.readouterr().err.splitlines())
    assert CANARY not in f"{ours} {foreign}"
    assert (ours["event"], ours["route"], ours["error"]) == ("failure", "patient.page", "ValueError")
    assert "test_a_failure_is_told" in ours["at"][0]
    assert (foreign["logger"], foreign["error"]) == ("weasyprint.trial", "ValueError")


def findings(settings: Settings, database: Database, instance: Path) -> tuple[str, str]:
    """What is told, and what must be mended."""
    found = list(doctor.examine(settings, database, instance))
    return tuple("\n".join(one.words for one in found if one.must is must) for must in (False, True))


def test_the_doctor_names_what_must_be_mended(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, database = installation.settings, installation.app.extensions["screener.database"]
    told, problems = findings(settings, database, tmp_path)
    # The server of the tests loses what it was told when the power goes.
    assert ("fsync is off" in problems, "synchronous_commit is off" in problems) == (
        (False, False) if database.is_sqlite else (True, True)
    )
    assert not database.is_sqlite or problems == ""
    assert "Keys: they open every clinic." in told

    (tmp_path / KEYS_FILE).touch(0o644)
    monkeypatch.setattr(doctor, "_LEAST_FREE", 1 << 60)
    other = create_app(replace(settings, master_keys=OTHER_KEYS)).extensions["screener.database"]
    _, problems = findings(replace(settings, base_url="http://a.example"), other, tmp_path)
    for word in ("not https", f"chmod 600 {tmp_path / KEYS_FILE}", "disk is almost full", "other, acme"):
        assert word in problems
    other.dispose()

    told, problems = findings(replace(settings, base_url="https://a.example"), database, tmp_path)
    assert "SCREENER_PROXIES=1" in told
    assert "https" not in problems
    told, _ = findings(replace(settings, base_url="https://a.example", proxies=1), database, tmp_path)
    assert "Address: https://a.example; proxies in front: 1." in told


@pytest.mark.parametrize(("apart", "is_told"), [(4, False), (6, True), (-6, True)])
def test_the_doctor_compares_the_clocks(installation: Installation, apart: int, is_told: bool) -> None:
    database: Database = installation.app.extensions["screener.database"]
    now = datetime.now(UTC)
    there = database.read_clock() or now
    look = doctor._look_at_clock  # noqa: SLF001 - here alone its clock can be another
    found = list(look(database, lambda: there + timedelta(seconds=apart)))
    assert [one.must for one in found] == ([] if database.is_sqlite else [is_told])
