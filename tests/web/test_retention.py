"""Retention at work: what is over goes whole and on time; clinics and patients see when (promise P17)."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from builders import CONTACT
from click.testing import CliRunner
from conftest import Installation, past_the_walls, settings_of
from flask import Flask
from sqlalchemy import LargeBinary, Uuid, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from web.client import Browser, Page
from web.walking import add_requests, answers_but, at_clinic, begin, leave, move, plant, token_of

from screener.store.appointments import add_appointment
from screener.store.audit import Wanted, list_entries, verify_chain
from screener.store.clinic_changes import change_clinic
from screener.store.consultations import assign_consultation, get_consultation, move_consultation
from screener.store.contact_log import add_contact, add_note
from screener.store.database import Base, Database
from screener.store.drafts import INVITATION_MAIL
from screener.store.duplicates import decide_pair
from screener.store.invitations import add_invitation
from screener.store.openings import note_opening
from screener.store.outbox import add_mail
from screener.store.signed_histories import read_histories, save_working, sign_history
from screener.store.staff import find_person
from screener.store.tables import Consultation, Draft
from screener.store.tasks import add_task
from screener.web import sweep
from screener.web.cli import main
from screener.web.sweep import Sweeper

PAGE = "/desk/acme/retention"
DAY = timedelta(days=1)
LONG_AGO = datetime.now(UTC) - 91 * DAY
CANARY = "Canaryqxz"
NOTHING = "\N{EN DASH}"


@pytest.fixture
def database(app: Flask) -> Database:
    found: Database = app.extensions["screener.database"]
    return found


def requests_of(app: Flask, clinic: str = "acme") -> set[str]:
    with at_clinic(app, clinic) as (session, _):
        return set(session.scalars(select(Consultation.reference)))


def over(app: Flask, count: int, clinic: str = "acme") -> list[str]:
    """So many requests whose time is over."""
    return add_requests(app, [(f"Pat {n}", answers_but(), LONG_AGO) for n in range(count)], clinic)


# ---------------------------------------------------------------- all of it goes


def say_everything(app: Flask) -> str:
    """A request with a row in every table that can hang on one, the canary in every text; its reference."""
    answers = answers_but(own_words=CANARY, acute_tried=["other"], acute_other_name=CANARY)
    one, other = add_requests(app, [(f"{CANARY} {n}", answers, LONG_AGO) for n in "12"])
    with at_clinic(app, "acme") as (session, _):
        made, like = get_consultation(session, one), get_consultation(session, other)
        person = find_person(session, "clinician@acme.example")
        assert person is not None
        by = {"staff_id": person.id, "now": LONG_AGO}
        contact = {"kind": "call", "outcome": "reached", "note": CANARY, "next_try_at": None}
        add_contact(session, made, **contact, **by)
        add_note(session, made, CANARY, **by)
        add_task(session, made, what=CANARY, due_on=LONG_AGO.date(), for_staff_id=person.id, **by)
        add_appointment(session, made, starts_at=LONG_AGO, minutes=30, **by)
        note_opening(session, made, person.id, LONG_AGO)
        assign_consultation(session, made, owner_id=person.id, **by)
        said = {"notes": {"age": CANARY}, "reason": CANARY}
        for what in ("save", "sign", "save"):
            stamp = {"seen": read_histories(session, made).stamp, **by}
            if what == "save":
                save_working(session, made, said, **stamp)
            else:
                versions = {"questionnaire_version": "q", "criteria_version": "c", "reason": CANARY}
                sign_history(session, made, said, **versions, **stamp)
        decide_pair(session, made, like, verdict="same", seen=None, **by)
        document = {"answers": answers, "birth_year": 1984, "follows": one, "invited": True}
        draft, _ = add_invitation(session, made, document, **by)
        mail = {"to": f"{CANARY}@example.com", "language": "en", "values": {"clinic": CANARY}}
        hangs = {"consultation_id": made.id, "draft_id": draft.row.id}
        add_mail(session, INVITATION_MAIL, **mail, **hangs, due_at=LONG_AGO, now=LONG_AGO)
        move_consultation(session, made, to_state="later", reason=CANARY, **by)
        session.commit()
    # A form that nobody came back to.
    left = plant(Browser(app), app, answers)
    leave(app, left, "resume")
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Draft).values(last_active_at=LONG_AGO))
        session.commit()
    return one


# Tables that are not about patients, or outlive them.
STAYING = {"clinics", "clinic_keys", "audit_entries", "audit_heads", "saved_views", "memberships", "paces"}


def traces(database: Database) -> dict[str, list[list[bytes]]]:
    """By table: the sealed values, hashes, indexes and ids of all that patients and staff said.

    Each in pieces: a long one lies on several pages of a file.
    """
    found: dict[str, list[list[bytes]]] = {}
    with past_the_walls(database) as connection:
        for table in Base.metadata.sorted_tables:
            if table.name in STAYING or table.name.startswith(("staff", "roles", "failed")):
                continue
            marked = [
                c for c in table.columns if isinstance(c.type, LargeBinary | Uuid) and c.name != "clinic_id"
            ]
            rows = connection.execute(select(*marked)).all()
            if rows:
                found[table.name] = [_pieces(value) for row in rows for value in row if value]
    return found


def _pieces(value: bytes | UUID) -> list[bytes]:
    mark = value.hex.encode() if isinstance(value, UUID) else value
    return [mark[at : at + 24] for at in range(0, max(1, len(mark) - 23), 24)]


def everything(database: Database, installation: Installation) -> bytes:
    """The files of SQLite as they lie there; of PostgreSQL what a dump would read."""
    if database.is_sqlite:
        path = Path(installation.settings.database_url.removeprefix("sqlite:///"))
        return b"".join(file.read_bytes() for file in path.parent.iterdir())
    with past_the_walls(database) as connection:
        values = (
            value
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
            for value in row
        )
        return b"\n".join(
            v if isinstance(v, bytes) else v.hex.encode() if isinstance(v, UUID) else str(v).encode()
            for v in values
        )


@pytest.mark.both_databases
def test_nothing_of_a_request_is_found_after_its_time_but_that_there_was_one(
    installation: Installation, app: Flask, database: Database
) -> None:
    reference = say_everything(app)
    kept = add_requests(app, [("Stays", answers_but(), datetime.now(UTC))], "other")
    before = traces(database)
    # A table that hangs on a request, or on what hangs on it, and is not filled here, is not proven here.
    hanging = {"consultations", "screenings", "drafts"}
    for table in Base.metadata.sorted_tables:
        if any(key.column.table.name in hanging for key in table.foreign_keys):
            hanging.add(table.name)
    assert set(before) == hanging, "fill the new table above; and does retention.py delete from it?"
    found = everything(database, installation)
    marks = [pieces for said in before.values() for pieces in said]
    assert all(any(piece in found for piece in pieces) for pieces in marks), "they can be found"
    swept = CliRunner().invoke(main, ["retention"], env=settings_of(installation.settings))
    assert swept.output.splitlines() == ["acme: 2 requests deleted", "acme: 1 drafts deleted"]
    after = traces(database)
    assert set(after) == {"consultations", "screenings", "consultation_events", "outbox_messages"}
    assert requests_of(app, "other") == set(kept)
    left, staying = everything(database, installation), [pieces for said in after.values() for pieces in said]
    gone = [piece for pieces in marks if pieces not in staying for piece in pieces]
    assert len(gone) > 400
    assert [piece for piece in gone if piece in left] == []
    assert CANARY.encode() not in left
    assert reference.encode() in left, "the trail says that there was one"
    with at_clinic(app, "acme") as (session, _):
        entries = list_entries(session, Wanted(what="retention_removed"), limit=9)
        assert reference in {entry.subject for entry in entries}
        assert verify_chain(session).broken is None
    if database.is_sqlite:
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA secure_delete").scalar() == 1


@pytest.mark.both_databases
def test_two_workers_at_once_delete_each_request_once(app: Flask, database: Database) -> None:
    sent = set(over(app, 45))
    now = datetime.now(UTC)
    with ThreadPoolExecutor(2) as pool:
        runs = list(pool.map(lambda _: list(sweep.sweep(database, now)), range(2)))
    assert sum(swept.number for run in runs for swept in run if swept.kind == "requests") == 45
    assert requests_of(app) == set()
    with at_clinic(app, "acme") as (session, _):
        told = [one.subject for one in list_entries(session, Wanted(what="retention_removed"), limit=99)]
        assert sorted(told) == sorted(sent)
        assert verify_chain(session).broken is None


def test_what_cannot_be_deleted_keeps_nothing_else(
    app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over(app, 1)
    over(app, 1, "other")
    remove = sweep.remove_over_requests

    def fail_at_acme(session: Session, clinic: sweep.Clinic, now: datetime) -> int:
        if clinic.slug == "acme":
            raise OperationalError(f"DELETE {CANARY}", {}, Exception(CANARY))
        return remove(session, clinic, now)

    monkeypatch.setitem(sweep.REMOVED, "requests", fail_at_acme)
    list(sweep.sweep(database, datetime.now(UTC)))
    assert (len(requests_of(app)), len(requests_of(app, "other"))) == (1, 0)
    assert "'event': 'not swept', 'kind': 'requests', 'error': 'OperationalError'" in caplog.text
    assert CANARY not in caplog.text


def test_the_worker_sweeps_once_an_hour_and_stops_when_told(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    over(app, 25)
    sweeper = Sweeper(app)
    sweeper.stop()
    sweeper.deliver_next()
    assert len(requests_of(app)) == 5, "a batch was finished, no other was begun"
    sweeper.deliver_next()
    assert len(requests_of(app)) == 5, "not twice within the hour"
    Sweeper(app).run(once=True)
    assert requests_of(app) == set()
    assert "'kind': 'requests', 'number': 5" in caplog.text


def test_the_command_foretells_without_deleting(installation: Installation, app: Flask) -> None:
    over(app, 3)
    told = [
        CliRunner().invoke(main, ["retention", *options], env=settings_of(installation.settings)).output
        for options in (["--dry-run"], ["--dry-run"], [], ["--dry-run"], [])
    ]
    assert told == [
        *["acme: 3 requests would be deleted\n"] * 2,
        "acme: 3 requests deleted\n",
        *["Nothing to delete.\n"] * 2,
    ]


# ---------------------------------------------------------------- the administrator's page


def save(admin: Browser, page: Page | None = None, **typed: object) -> Page:
    page = page or admin.get(PAGE)
    return admin.post(PAGE, page.form | token_of(page) | typed)


def rows_of(page: Page) -> dict[str, tuple[str, str]]:
    """When -> requests, forms; of the first table, without the empty lines."""
    rows = [[cell.text or "" for cell in row if cell.tag in {"th", "td"}] for row in page.all("tr")]
    return {r[0]: (r[1], r[2]) for r in rows if len(r) == 3 and {r[1], r[2]} != {NOTHING} and r[0] != "When"}


def test_the_page_foretells_what_goes_when_and_names_nobody(app: Flask, admin: Browser) -> None:
    now = datetime.now(UTC)
    gone = over(app, 2)
    soon = add_requests(app, [("Soon", answers_but(), now - 90 * DAY + timedelta(hours=5))])
    add_requests(app, [("Later", answers_but(), now - 75 * DAY), ("New", answers_but(), now)])
    page = admin.get(PAGE)
    rows = rows_of(page)
    assert rows["Within the hour"] == ("2", NOTHING)
    assert sum(int(requests) for when, (requests, _) in rows.items() if when.startswith("Week from")) == 1
    assert all(reference in page.text for reference in [*gone, *soon])
    assert not [href for href in page.links.values() if "/requests/" in href], (
        "who reads no answers opens none"
    )
    assert "Pat" not in page.text
    assert "Soon" not in page.text


@pytest.mark.both_databases
@pytest.mark.parametrize("page", ["0", "-1", "1001", "9" * 5000, "%00", "x"])
def test_a_page_of_the_list_that_cannot_be_is_shown_as_one_that_can(admin: Browser, page: str) -> None:
    assert admin.get(f"{PAGE}?page={page}").status == 200


def test_a_shorter_time_that_deletes_at_once_is_confirmed_with_the_number(app: Flask, admin: Browser) -> None:
    now = datetime.now(UTC)
    add_requests(app, [(f"Late {n}", answers_but(), now - 40 * DAY) for n in range(3)])
    over(app, 1)
    tried = save(admin, refused_days="30", **{"try": "yes"})
    assert tried.status == 200
    assert "3 requests and 0 unfinished forms that are kept today go within the hour" in tried.text
    assert rows_of(tried)["Within the hour"] == ("4", NOTHING)
    for confirm in ("", "4", "three"):
        refused = save(admin, refused_days="30", confirm=confirm)
        assert refused.status == 422
        assert refused.problems == [
            "Type 3 to confirm that so many are deleted within the hour, for good. Nothing was changed."
        ]
        assert refused.form["refused_days"] == ["30"]
    assert "90 days if not taken on" in admin.get("/desk/acme/settings").text
    # What a longer time saves elsewhere does not make up for it.
    change_the_clinic(app, accepted_days=2)
    charted_long_ago(app, "Kept 1", "Kept 2", "Kept 3")
    refused = save(admin, refused_days="30", accepted_days="30")
    assert "Type 3 to confirm" in refused.text
    assert save(admin, refused_days="30", confirm="3").status == 303
    assert save(admin, accepted_days="5").status == 303, "what deletes nothing at once needs no number"
    assert "30 days if not taken on, 5 after charting" in admin.get("/desk/acme/settings").text
    assert "changes: refused days: 90 → 30" in admin.get("/desk/acme/audit").text


def change_the_clinic(app: Flask, **about: int) -> None:
    with at_clinic(app, "acme") as (session, clinic):
        change_clinic(session, clinic, about, by=None)
        session.commit()


def charted_long_ago(app: Flask, *names: str) -> None:
    """Not so long that a clinic which keeps them for 30 days would delete them."""
    sent = add_requests(app, [(name, answers_but(), LONG_AGO) for name in names])
    marks = {"accepted_at": LONG_AGO, "charted_at": datetime.now(UTC) - 9 * DAY}
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Consultation).where(Consultation.reference.in_(sent)).values(**marks))
        session.commit()


@pytest.mark.parametrize("days", ["", "0", "91", "6", "-30", "3.5", "٣٠", "9" * 99, "<b>30</b>"])
def test_days_out_of_bounds_are_refused_and_kept(admin: Browser, days: str) -> None:
    refused = save(admin, refused_days=days)
    assert refused.status == 422
    assert refused.problems == [
        "Days to keep a request that was not accepted: Enter a whole number from 7 to 90."
    ]
    assert refused.form.get("refused_days", [""]) == [days]


def test_of_two_administrators_the_second_sees_what_the_first_saved(admin: Browser) -> None:
    page = admin.get(PAGE)
    assert save(admin, page, refused_days="60").status == 303
    stale = save(admin, page, accepted_days="20")
    assert stale.status == 409
    assert "Somebody else changed these days meanwhile" in stale.text
    assert (stale.form["refused_days"], stale.form["accepted_days"]) == (["60"], ["20"])
    assert save(admin, stale).status == 303
    again = admin.get(PAGE)
    assert (again.form["refused_days"], again.form["accepted_days"]) == (["60"], ["20"])
    assert save(admin, page, refused_days="60", accepted_days="20").status == 303, (
        "sent twice, it is the same"
    )


# ---------------------------------------------------------------- the request's own page


@pytest.mark.both_databases
def test_charting_begins_the_last_days_and_can_be_taken_back(app: Flask, intake: Browser) -> None:
    (reference,) = add_requests(app, [("Pat", answers_but(), datetime.now(UTC))])
    path = f"/desk/acme/requests/{reference}"

    def press(place: str, **form: object) -> Page:
        return intake.post(f"{path}/{place}", token_of(intake.get(path)) | form)

    early = press("charted", charted="yes")
    assert early.status == 409
    assert early.problems == ["Accept this request first: only what the clinic took on is charted."]
    move(intake, reference, to_state="accepted")
    assert "Kept until it is marked as charted, then 30 days more." in intake.get(path).text
    for _ in range(2):
        assert press("charted", charted="yes").status == 303
    shown = intake.get(path)
    assert "Marked as charted on" in shown.text
    assert shown.text.count("marked as charted by") == 1, "a double click is one mark"
    press("charted")
    assert "Kept until it is marked as charted" in intake.get(path).text
    with at_clinic(app, "acme") as (session, _):
        subjects = list_entries(session, Wanted(subject=reference), limit=99)
        assert [one.what for one in subjects if "charted" in one.what] == ["not_charted", "charted"]


def sweep_after_its_time(app: Flask, database: Database) -> None:
    with at_clinic(app, "acme") as (session, _):
        old = update(Consultation).values(state_since=LONG_AGO)
        session.execute(old, execution_options={"synchronize_session": False})
        session.commit()
    list(sweep.sweep(database, datetime.now(UTC)))


@pytest.mark.both_databases
def test_a_hold_keeps_a_request_from_retention_and_from_its_patient(
    app: Flask, database: Database, intake: Browser
) -> None:
    walk = plant(Browser(app), app, answers_but())
    receipt = walk.browser.follow(walk.send(CONTACT))
    (reference,) = requests_of(app)
    path = f"/desk/acme/requests/{reference}"

    def hold(**form: object) -> Page:
        return intake.post(f"{path}/keep", token_of(intake.get(path)) | form)

    until = (datetime.now(UTC) + 200 * DAY).date().isoformat()
    for day, because, problems in (
        ("", "A court asks", ["Enter the last day to keep it: today or later, ten years at most."]),
        ("2020-01-01", "A court asks", ["Enter the last day to keep it: today or later, ten years at most."]),
        ("9999-12-31", "A court asks", ["Enter the last day to keep it: today or later, ten years at most."]),
        (until, "", ["Say why it is kept, in 500 characters at most."]),
        (until, "x" * 501, ["Say why it is kept, in 500 characters at most."]),
    ):
        refused = hold(keep_until=day, keep_because=because)
        assert (refused.status, refused.problems) == (422, problems)
        assert refused.form.get("keep_until", [""]) == [day]
        assert refused.form["keep_because"][0].strip() == because
    assert hold(keep_until=until, keep_because="A court asks").status == 303
    assert "A court asks" in intake.get(path).text
    sweep_after_its_time(app, database)
    assert requests_of(app) == {reference}
    asked = walk.browser.get(receipt.path + "/withdraw")
    assert "it can't be withdrawn on this page" in asked.text
    assert "Withdraw my request" not in walk.browser.get(receipt.path).text
    hold(end="yes")
    assert "A court asks" not in intake.get(path).text.split("What happened")[0]
    assert "Withdraw my request" in walk.browser.get(receipt.path).text
    sweep_after_its_time(app, database)
    assert requests_of(app) == set()
    gone = walk.browser.get(receipt.path)
    assert gone.status == 410
    assert "its time is over and it was deleted" in gone.text
    assert intake.get(path).status == 404


# ---------------------------------------------------------------- what patients are told


@pytest.fixture
def shortened(app: Flask) -> None:
    change_the_clinic(app, draft_days=3, refused_days=45, accepted_days=1)


@pytest.mark.usefixtures("shortened")
@pytest.mark.parametrize(
    ("language", "sent", "saved"),
    [
        ("en", "after 45 days. If it does take you on, we delete it here 1 day after", "for 3 days"),
        ("es", "después de 45 días. Si le acepta, la borramos de aquí 1 día después", "por 3 días"),
    ],
)
def test_patients_read_the_times_that_their_clinic_set(
    app: Flask, browser: Browser, language: str, sent: str, saved: str
) -> None:
    assert sent in browser.get(f"/c/acme?lang={language}").text
    assert saved in browser.get(f"/c/acme/resume?lang={language}").text
    walk = plant(browser, app, answers_but(), language=language)
    assert sent in walk.get("contact").text
    assert saved in walk.get("save").text


@pytest.mark.usefixtures("shortened")
@pytest.mark.parametrize(
    ("language", "notice", "told"),
    [
        (
            "en",
            "Your privacy",
            ["24 hours", "3 days at most", "3 days after", "after 45 days", "1 day after", "for 6 years"],
        ),
        (
            "es",
            "Su privacidad",
            ["24 horas", "3 días como máximo", "3 días después", "de 45 días", "1 día después", "6 años"],
        ),
    ],
)
def test_the_privacy_notice_tells_the_times_that_the_clinic_set(
    browser: Browser, language: str, notice: str, told: list[str]
) -> None:
    page = browser.get(browser.get(f"/c/acme?lang={language}").links[notice])
    assert [words for words in told if words not in page.text] == []


@pytest.mark.usefixtures("shortened")
def test_a_saved_form_ends_when_its_page_says(app: Flask, browser: Browser) -> None:
    walk = begin(browser)
    secret = leave(app, walk, "resume")
    with at_clinic(app, "acme") as (session, _):
        almost = datetime.now(UTC) - 3 * DAY
        session.execute(update(Draft).values(last_active_at=almost + timedelta(minutes=5)))
        session.commit()
    assert browser.get(f"/resume/{secret}", site="none").status == 200
    with at_clinic(app, "acme") as (session, _):
        session.execute(update(Draft).values(last_active_at=almost))
        session.commit()
    assert browser.get(f"/resume/{secret}", site="none").status == 410
