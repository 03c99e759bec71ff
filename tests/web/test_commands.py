"""The operator's commands: doctor, clinics and the demo."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from web.client import Browser
from web.test_settings import KEYS
from web.walking import enter_password, token_of

from screener import create_app
from screener.settings import load_settings
from screener.store.migrations import migrate
from screener.store.queue import Filter, list_queue
from screener.store.staff import list_memberships
from screener.store.tables import STATES, User
from screener.store.tenancy import enter_clinic
from screener.web.app import open_database
from screener.web.cli import main
from screener.web.demo import DEMO_OWNER, DEMO_PASSWORD, DEMO_STAFF


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation of its own, set by the environment as an operator would."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCREENER_DATABASE_URL", f"sqlite:///{tmp_path / 'screener.db'}")
    monkeypatch.setenv("SCREENER_PASSWORD_MEMORY_KIB", "64")
    migrate(open_database(load_settings()))
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


@pytest.mark.usefixtures("installed")
def test_the_doctor_names_the_database_and_how_it_keeps_what_was_committed() -> None:
    told = run("doctor")
    assert told.exit_code == 0, told.output
    assert "SQLite" in told.output
    assert "journal_mode" in told.output


def test_the_doctor_says_when_the_tables_are_missing(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCREENER_DATABASE_URL", f"sqlite:///{installed / 'empty.db'}")
    told = run("doctor")
    assert told.exit_code == 1
    assert "Run `screener setup`" in told.output


@pytest.mark.parametrize("file", ["nowhere/screener.db", "empty.db"])
def test_a_database_that_is_away_or_not_set_up_is_told_in_words(
    installed: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.setenv("SCREENER_DATABASE_URL", f"sqlite:///{installed / file}")
    told = run("clinic", "list")
    assert told.exit_code == 1
    assert re.match(r"Error: The database says: .*\n.*SCREENER_DATABASE_URL.*`screener setup`", told.output)


@pytest.mark.parametrize("words", [[], ["audit"], ["backup"], ["clinic"], ["keys"], ["staff"], ["token"]])
def test_the_help_tells_each_command_in_a_whole_sentence(words: list[str]) -> None:
    told = run(*words, "--help").output
    group = main.commands[words[0]] if words else main
    assert isinstance(group, click.Group)
    listed = dict(re.findall(r"^  ([a-z][a-z-]+)  +(.+)$", told, re.MULTILINE))
    assert set(listed) == set(group.commands)
    assert not [line for line in listed.values() if line.endswith("...")]


@pytest.mark.usefixtures("installed")
def test_a_clinic_that_was_added_has_its_page() -> None:
    told = run("clinic", "add", "west-side", "--name", "West Side", "--phone", "(626) 555-0100")
    assert told.exit_code == 0, told.output
    page = create_app().test_client().get("/c/west-side")
    assert page.status_code == 200
    assert "West Side" in page.text


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("West Side", "--name", "x", "--phone", "1"), "slug"),
        (("west", "--name", "x", "--phone", "1", "--time-zone", "Mars"), "time zone"),
    ],
)
def test_a_clinic_that_cannot_be_is_refused_in_words(words: tuple[str, ...], said: str) -> None:
    told = run("clinic", "add", *words)
    assert told.exit_code == 1
    assert said in told.output
    assert "Traceback" not in told.output


@pytest.mark.usefixtures("installed")
def test_the_demo_is_made_once_and_marks_everybody_as_made_up() -> None:
    assert "18 made-up submissions" in run("demo", "--submissions", "18").output
    assert "there already" in run("demo").output
    with create_app().app_context():
        session = open_database(load_settings()).new_session()
        people = session.query(User).all()
        assert {person.email for person in people} == {*DEMO_STAFF, DEMO_OWNER}
        clinic, _ = list_memberships(session, people[0].id)[0]
        enter_clinic(session, clinic.id)
        rows = list_queue(session, Filter(states=STATES), now=datetime.now(UTC))
        session.close()
    assert clinic.is_demo
    # And one person who answered twice.
    assert len(rows) == 20
    assert all(row.name.endswith("(demo)") for row in rows)
    assert {row.kind for row in rows} == {"consultation", "call_back", "question"}


@pytest.mark.usefixtures("installed")
def test_the_printed_demo_password_and_the_codes_page_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    run("demo", "--submissions", "0")
    assert Browser(create_app()).get("/demo/code").status == 404, "not in an installation that is no demo"
    monkeypatch.setenv("SCREENER_DEMO", "yes")
    app = create_app()
    for email in (*DEMO_STAFF, DEMO_OWNER):
        browser = Browser(app)
        code = re.search(f"{email} ([0-9]{{3}} [0-9]{{3}})", browser.get("/demo/code").text)
        assert code
        asked = enter_password(browser, browser.get("/staff/login"), email, DEMO_PASSWORD)
        step = browser.get(asked.location)
        assert "/demo/code" in step.links.values()
        signed = browser.post(step.path, token_of(step) | {"code": code[1]})
        assert (signed.status, signed.location) == (302, "/desk/")


@pytest.mark.usefixtures("installed")
def test_a_person_with_a_real_clinic_has_no_code_on_the_demos_page(monkeypatch: pytest.MonkeyPatch) -> None:
    run("demo", "--submissions", "0")
    run("clinic", "add", "west-side", "--name", "West Side", "--phone", "(626) 555-0100")
    run("staff", "add", "intake@demo.example", "--clinic", "west-side", "--role", "intake", "--name", "x")
    monkeypatch.setenv("SCREENER_DEMO", "yes")
    page = Browser(create_app()).get("/demo/code")
    assert "clinician@demo.example" in page.text
    assert "intake@demo.example" not in page.text
    assert DEMO_OWNER not in page.text, "this one reaches every clinic"


@pytest.mark.usefixtures("installed")
def test_the_first_administrator_comes_in_by_the_printed_link_once() -> None:
    run("clinic", "add", "west-side", "--name", "West Side", "--phone", "(626) 555-0100")
    words = ("staff", "add", "ann@west.example", "--clinic", "west-side", "--role", "clinic_admin", "--name")
    told = run(*words, "Ann West")
    assert told.exit_code == 0, told.output
    assert told.output.startswith("http://localhost:8000/staff/reset/")
    path = told.output.strip().removeprefix("http://localhost:8000")
    browser = Browser(create_app())
    page = browser.get(path)
    password = "violin under seven quiet lemons"
    typed = token_of(page) | {"password": password, "password_confirm": password}
    assert browser.post(path, typed).location == "/staff/login"
    assert browser.follow(browser.get(path)).path == "/staff/reset", "the link worked once"
    signed = enter_password(browser, browser.get("/staff/login"), "ann@west.example", password)
    assert browser.follow(signed).heading == "Set up your second step"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("email", "role", "clinic", "said"),
    [
        ("ann@west.example", "owner", "west-side", "role"),
        ("ann@west.example", "intake", "nowhere", "no clinic is called nowhere"),
        ("ann", "intake", "west-side", "@"),
    ],
)
def test_a_person_who_cannot_be_added_is_refused_in_words(
    email: str, role: str, clinic: str, said: str
) -> None:
    run("clinic", "add", "west-side", "--name", "West Side", "--phone", "(626) 555-0100")
    told = run("staff", "add", email, "--clinic", clinic, "--role", role, "--name", "Ann")
    assert told.exit_code == 1
    assert said in told.output
    assert "Traceback" not in told.output
