"""`screener replay`: what was concluded that day beside today's verdicts; and nothing stored moves."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import CHRONIC_AND_INTRACTABLE, CONTACT
from click.testing import CliRunner, Result
from conftest import Installation, past_the_walls, settings_of
from flask import Flask
from sqlalchemy import event, select, update
from web.client import Browser
from web.walking import add_requests, answers_but, at_clinic, plant, reference_on

from screener.domain import classification
from screener.domain.classification import CHRONIC_DAYS
from screener.domain.clinical_flags import FLAGS
from screener.domain.questionnaire import HEAD_DAYS, SIDE
from screener.domain.screening import classify
from screener.domain.versions import CONSENT_VERSION, CRITERIA_VERSION, QUESTIONNAIRE_VERSION
from screener.store.clinics import clinic_key
from screener.store.consultations import find_reference, get_consultation
from screener.store.database import Database
from screener.store.errors import StoreError
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Base, Consultation, Screening, place_of
from screener.store.vault import seal_document
from screener.web import replay as replaying
from screener.web.cli import main
from screener.web.demo import add_demo

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REGULAR = answers_but(
    head_days=6,
    mig_days=4,
    months_at_rate=None,
    comes_back=False,
    usual_relief="goes",
    treated_length="4_to_24h",
)
Document = dict[str, Any]


def replay(installation: Installation, *options: str, status: int = 0) -> list[str]:
    """What the command prints."""
    result: Result = CliRunner().invoke(main, ["replay", *options], env=settings_of(installation.settings))
    assert result.exit_code == status, result.output
    return result.output.splitlines()


def counts(lines: list[str]) -> dict[str, list[str]]:
    """The lines under each verdict."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, colon, rest = line.partition(": ")
        if colon and name in {"urgency", "article_class", *FLAGS}:
            found[name] = [rest]
        elif line.startswith("  ") and " -> " in line:
            found[list(found)[-1]].append(line.strip())
    return found


def send(
    app: Flask, *people: Mapping[str, object], clinic: str = "acme", name: str = "Pat Example"
) -> list[str]:
    rows = [(name, answers, NOW + timedelta(minutes=number)) for number, answers in enumerate(people)]
    return add_requests(app, rows, clinic)


@dataclass(frozen=True)
class Stored:
    """A screening as it lies in the store."""

    row: Screening
    document: Document


def stored(app: Flask, reference: str, clinic: str = "acme") -> Stored:
    with at_clinic(app, clinic) as (session, _):
        row = get_screening(session, get_consultation(session, reference).screening_id)
        session.refresh(row)
        return Stored(row, read_screening(session, row))


def rewrite(
    app: Flask, reference: str, edit: Callable[[Document], object], clinic: str = "acme"
) -> Screening:
    """Seals an edited document in the place of the stored one, as rules of another day would have made it."""
    found = stored(app, reference, clinic)
    document = copy.deepcopy(found.document)
    edit(document)
    with at_clinic(app, clinic) as (session, row):
        sealed = seal_document(clinic_key(session, row.id), place_of(found.row, "sealed"), document)
    overwrite(app, found.row, sealed)
    return found.row


def overwrite(app: Flask, row: Screening, sealed: bytes) -> None:
    """Past the sessions: they refuse to change what is written once."""
    table = Screening.__table__
    database: Database = app.extensions["screener.database"]
    database.sessions.remove()
    with past_the_walls(database) as connection:
        connection.execute(update(table).where(table.c.id == row.id).values(sealed=sealed))


def everything(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    database: Database = app.extensions["screener.database"]
    database.sessions.remove()
    with past_the_walls(database) as connection:
        return {
            name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for name, table in Base.metadata.tables.items()
        }


# ---------------------------------------------------------------- was -> now


def test_what_the_rules_still_say_is_unchanged(installation: Installation) -> None:
    send(installation.app, CHRONIC_AND_INTRACTABLE, REGULAR)
    send(installation.app, REGULAR, clinic="other")
    lines = replay(installation, "--rows")
    assert lines[0] == f"3 screenings of 2 clinics by criteria {CRITERIA_VERSION}: 0 changed"
    assert counts(lines) == {name: ["3 unchanged"] for name in ("urgency", "article_class", *FLAGS)}


def test_a_request_in_spanish_is_judged_again_like_any_other(installation: Installation) -> None:
    browser = Browser(installation.app)
    plant(browser, installation.app, CHRONIC_AND_INTRACTABLE, language="es").send(CONTACT)
    (first, *_) = replay(installation)
    assert first.startswith("1 screening ")
    assert first.endswith(": 0 changed")


def test_people_of_every_sort_are_judged_again_as_they_were_on_our_pages(installation: Installation) -> None:
    with installation.app.app_context():
        add_demo(60)
    (first, *_) = replay(installation, "--clinic", "demo")
    assert first.endswith(": 0 changed")
    assert int(first.split()[0]) > 20


def test_another_class_of_that_day_is_seen_as_was_and_now(installation: Installation) -> None:
    app = installation.app
    first, second, _ = send(app, CHRONIC_AND_INTRACTABLE, CHRONIC_AND_INTRACTABLE, REGULAR)
    now = stored(app, first).document["report"]["clinical"]["ichd3_1_3"]

    def as_of_another_day(document: Document) -> None:
        report = document["report"]
        report |= {"article_class": "regular", "urgency": "urgent"}
        report["clinical"]["ichd3_1_3"] = "met"

    rewrite(app, first, as_of_another_day)
    rewrite(app, second, lambda document: document["report"].update(article_class="regular"))
    lines = replay(installation, "--rows")
    assert counts(lines) == {name: ["3 unchanged"] for name in FLAGS} | {
        "urgency": ["2 unchanged", "urgent -> routine: 1"],
        "article_class": ["1 unchanged", "regular -> chronic_and_intractable: 2"],
        "ichd3_1_3": ["2 unchanged", f"met -> {now}: 1"],
    }
    changed_class = "article_class: regular -> chronic_and_intractable"
    assert lines[:2] == [
        f"{first} (acme)  urgency: urgent -> routine; {changed_class}; ichd3_1_3: met -> {now}",
        f"{second} (acme)  {changed_class}",
    ]
    assert f"3 screenings of 2 clinics by criteria {CRITERIA_VERSION}: 2 changed" in lines


def test_without_rows_no_request_is_named(installation: Installation) -> None:
    (reference,) = send(installation.app, REGULAR)
    rewrite(installation.app, reference, lambda document: document["report"].update(article_class="chronic"))
    lines = replay(installation)
    assert counts(lines)["article_class"] == ["0 unchanged", "chronic -> regular: 1"]
    assert reference not in "\n".join(lines)


def test_a_flag_that_was_not_judged_that_day_says_so(installation: Installation) -> None:
    app = installation.app
    first, second = send(app, REGULAR, REGULAR)
    rewrite(app, first, lambda document: document["report"].pop("clinical"))
    rewrite(app, second, lambda document: document["report"]["clinical"].pop("ehf_refractory"))
    found = counts(replay(installation))
    assert found["ehf_refractory"] == ["0 unchanged", "not judged -> not_met: 2"]
    assert found["ichd3_8_2"][0] == "1 unchanged"


def test_the_rules_of_today_are_what_judges(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(installation.app, answers_but(head_days=15, usual_relief="goes", comes_back=False))
    monkeypatch.setattr(classification, "CHRONIC_DAYS", 16)
    found = counts(replay(installation))["article_class"]
    assert found[0] == "0 unchanged"
    assert found[1].startswith("chronic -> ")


def test_answers_and_names_are_never_shown(installation: Installation) -> None:
    app = installation.app
    words = "These words are for the clinic alone"
    told = answers_but(own_words=words, acute_tried=["other"], acute_other_name="Riboflavin")
    good, bad = send(app, told, told, name="Zebulon Quackenbush")
    rewrite(app, good, lambda document: document["report"].update(article_class="regular"))
    rewrite(app, bad, lambda document: document["answers"].update(head_days="seventeen"))
    printed = "\n".join(replay(installation, "--rows", status=1))
    assert good in printed
    for secret in (
        words,
        "Riboflavin",
        "Zebulon",
        "Quackenbush",
        "seventeen",
        CONTACT["contact_email"],
        "1984",
    ):
        assert secret not in printed


# ---------------------------------------------------------------- clinics


def test_one_clinic_is_replayed_alone(installation: Installation) -> None:
    send(installation.app, REGULAR, REGULAR)
    send(installation.app, REGULAR, clinic="other")
    assert replay(installation, "--clinic", "acme")[0].startswith("2 screenings of 1 clinic ")
    assert replay(installation, "--clinic", "other")[0].startswith("1 screening of 1 clinic ")


def test_a_disabled_clinic_is_replayed_too(installation: Installation) -> None:
    app = installation.app
    send(app, REGULAR)
    with at_clinic(app, "acme") as (session, clinic):
        clinic.disabled_at = NOW
        session.commit()
    assert replay(installation)[0].startswith("1 screening of 2 clinics")


def test_an_unknown_clinic_is_an_error(installation: Installation) -> None:
    assert replay(installation, "--clinic", "nobody", status=1) == ["Error: No clinic is called nobody."]


def test_nothing_stored_is_nothing_replayed(installation: Installation) -> None:
    assert replay(installation)[0].startswith("0 screenings of 2 clinics")


# ---------------------------------------------------------------- what cannot be read

BROKEN: dict[str, Callable[[Document], object]] = {
    "no report": lambda document: document.pop("report"),
    "a report that is none": lambda document: document.update(report=["?"]),
    "no answers": lambda document: document.pop("answers"),
    "answers that are none": lambda document: document.update(answers=5),
    "an id of no question": lambda document: document["answers"].update(no_such_question=1),
    "an option that is gone": lambda document: document["answers"].update(side="above"),
}


@pytest.mark.parametrize("edit", BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_named_and_the_others_are_replayed(
    installation: Installation, edit: Callable[[Document], object]
) -> None:
    app = installation.app
    _, broken, _ = send(app, REGULAR, REGULAR, REGULAR)
    row = rewrite(app, broken, edit)
    lines = replay(installation, status=1)
    assert lines[0] == f"screening {row.id} (acme)  could not be opened or read"
    assert lines[1].startswith("2 screenings of 2 clinics")
    assert lines[-1] == "1 screening could not be opened or read"


def test_what_cannot_be_opened_is_named(installation: Installation) -> None:
    app = installation.app
    altered, moved, whole = (stored(app, reference).row for reference in send(app, REGULAR, REGULAR, REGULAR))
    overwrite(app, altered, altered.sealed[:-1] + bytes([altered.sealed[-1] ^ 1]))
    overwrite(app, moved, whole.sealed)
    lines = replay(installation, status=1)
    assert {line.split()[1] for line in lines[:2]} == {str(altered.id), str(moved.id)}
    assert lines[2].startswith("1 screening of 2 clinics")
    assert lines[-1] == "2 screenings could not be opened or read"


def test_a_clinic_whose_key_is_gone_keeps_no_other_from_replay(installation: Installation) -> None:
    app = installation.app
    send(app, REGULAR, REGULAR)
    send(app, REGULAR, clinic="other")
    with at_clinic(app, "acme") as (_, clinic):
        acme = clinic.id
    table = Base.metadata.tables["clinic_keys"]
    app.extensions["screener.database"].sessions.remove()
    with past_the_walls(app.extensions["screener.database"]) as connection:
        connection.execute(table.delete().where(table.c.clinic_id == acme))
    lines = replay(installation, status=1)
    assert lines[2].startswith("1 screening of 2 clinics")
    assert lines[-1] == "2 screenings could not be opened or read"


# ---------------------------------------------------------------- it only reads, a page at a time


@contextmanager
def watching(database: Database) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(database.engine, "before_cursor_execute", note)


def test_nothing_is_written(installation: Installation) -> None:
    app = installation.app
    (reference,) = send(app, REGULAR)
    rewrite(app, reference, lambda document: document["report"].update(article_class="chronic"))
    before = everything(app)
    replay(installation, "--rows")
    assert everything(app) == before


def test_only_select_statements_run_and_no_page_holds_more_than_its_rows(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_PAGE", 2)
    app = installation.app
    sent = send(app, *[REGULAR] * 5)
    rewrite(app, sent[4], lambda document: document["report"].update(article_class="chronic"))
    database: Database = app.extensions["screener.database"]
    with watching(database) as statements:
        run = replaying.Replay(database, replaying.list_clinic_ids(database, "acme"))
        (told,) = run.run()
    assert isinstance(told, replaying.Changed)
    assert told.reference == sent[4]
    assert run.replayed == 5
    assert {statement.split()[0] for statement in statements} <= {"SELECT", "BEGIN"}
    pages = [statement for statement in statements if "screenings.sealed" in statement]
    assert len(pages) == 3
    assert all("LIMIT" in page for page in pages)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_each_is_replayed_once_wherever_a_page_ends(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(replaying, "_PAGE", 2)
    send(installation.app, *[REGULAR] * number)
    assert counts(replay(installation))["urgency"] == [f"{number} unchanged"]


def test_a_writer_is_not_held_up(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "_PAGE", 1)
    app = installation.app
    for reference in send(app, REGULAR, REGULAR):
        rewrite(app, reference, lambda document: document["report"].update(article_class="chronic"))
    database: Database = app.extensions["screener.database"]
    run = replaying.Replay(database, replaying.list_clinic_ids(database, "acme")).run()
    next(run)
    send(app, REGULAR, clinic="other")
    assert len(list(run)) == 1


def test_a_screening_without_a_request_is_named_by_its_id(installation: Installation) -> None:
    app = installation.app
    (reference,) = send(app, REGULAR)
    row = rewrite(app, reference, lambda document: document["report"].update(article_class="chronic"))
    app.extensions["screener.database"].sessions.remove()
    with past_the_walls(app.extensions["screener.database"]) as connection:
        for name in ("outbox_messages", "consultation_events", "consultations"):
            connection.execute(Base.metadata.tables[name].delete())
    assert replay(installation, "--rows")[0].startswith(f"screening {row.id} (acme)  article_class:")


def test_a_reference_is_found_in_its_own_clinic_alone(installation: Installation) -> None:
    app = installation.app
    (reference,) = send(app, REGULAR)
    row = stored(app, reference).row
    database: Database = app.extensions["screener.database"]
    for slug, wanted in (("acme", reference), ("other", None)):
        database.sessions.remove()
        with at_clinic(app, slug) as (session, _):
            assert find_reference(session, row.id) == wanted


# ---------------------------------------------------------------- what is stored stays


@contextmanager
def edited_wordings_and_rules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another questionnaire and other rules, as a later release would bring them."""
    wordings = {HEAD_DAYS: HEAD_DAYS.stem, SIDE: SIDE.stem}
    options = SIDE.options
    for question in wordings:
        object.__setattr__(question, "stem", "REWORDED")
    object.__setattr__(SIDE, "options", tuple(replace(option, label="REWORDED") for option in options))
    try:
        with monkeypatch.context() as patch:
            patch.setattr(classification, "CHRONIC_DAYS", CHRONIC_DAYS + 10)
            yield
    finally:
        for question, stem in wordings.items():
            object.__setattr__(question, "stem", stem)
        object.__setattr__(SIDE, "options", options)


def test_an_edit_of_wording_or_rule_changes_nothing_that_is_stored(
    browser: Browser, installation: Installation, intake: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = installation.app
    walk = plant(browser, app, CHRONIC_AND_INTRACTABLE)
    shown = walk.get("result").text
    reference = reference_on(browser.follow(walk.send(CONTACT)))
    before = stored(app, reference)
    # What the patient checked is what is stored, and the verdicts are those of that moment.
    for line in before.document["transcript"]:
        if line["status"] != "skipped":
            assert line["wording"] in shown
            assert line["said"] in shown
    assert before.document["report"] == classify(before.document["answers"])
    assert before.row.questionnaire_version == QUESTIONNAIRE_VERSION
    assert before.row.criteria_version == before.document["report"]["criteria_version"] == CRITERIA_VERSION
    with edited_wordings_and_rules(monkeypatch):
        assert classify(CHRONIC_AND_INTRACTABLE)["article_class"] == "intractable"
        app.extensions["screener.database"].sessions.remove()
        after = stored(app, reference)
        page = intake.get(f"/desk/acme/requests/{reference}").text
        assert counts(replay(installation))["article_class"][1] == "chronic_and_intractable -> intractable: 1"
    assert after.document == before.document
    assert after.row.sealed == before.row.sealed
    assert (after.row.urgency, after.row.article_class) == ("routine", "chronic_and_intractable")
    assert HEAD_DAYS.stem in page
    assert "REWORDED" not in page
    assert "Chronic and intractable" in page


def test_a_request_keeps_the_versions_it_was_made_with(installation: Installation) -> None:
    (reference,) = send(installation.app, REGULAR)
    with at_clinic(installation.app, "acme") as (session, _):
        sent = session.scalar(select(Consultation).where(Consultation.reference == reference))
        assert sent is not None
        assert sent.consent_version == CONSENT_VERSION


def test_a_session_refuses_to_change_a_stored_screening(installation: Installation) -> None:
    (reference,) = send(installation.app, REGULAR)
    with at_clinic(installation.app, "acme") as (session, _):
        row = get_screening(session, get_consultation(session, reference).screening_id)
        row.article_class = "chronic"
        with pytest.raises(StoreError, match="written once"):
            session.flush()
        session.rollback()
