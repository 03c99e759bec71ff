"""Changing, disabling and shredding a clinic: only changes are told, and what is shredded opens nowhere."""

from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from store.builders import NOW, make_clinic, make_consultation, make_person

from screener.store.audit import Wanted, list_entries, verify_chain
from screener.store.clinic_changes import (
    Logo,
    change_clinic,
    count_requests,
    disable_clinic,
    enable_clinic,
    find_logo,
    shred_keys,
)
from screener.store.clinics import find_any_clinic, find_clinic
from screener.store.database import Database, Limits, begin_reading
from screener.store.drafts import add_draft
from screener.store.errors import NotFoundError
from screener.store.outbox import add_mail
from screener.store.screenings import get_screening, read_screening
from screener.store.staff import add_membership, was_shredded
from screener.store.tables import Clinic, ClinicKey, Consultation, Draft, OutboxMessage
from screener.store.tenancy import enter_clinic, find_entered_clinic
from screener.store.vault import Vault

LOGO = Logo(b"a picture", 10, 4)


def told(database: Database, clinic: Clinic) -> list[tuple[str, int | None, dict[str, object]]]:
    """What, by whom, details: of the clinic's trail, oldest first."""
    with database.new_session() as session:
        enter_clinic(session, clinic.id)
        entries = list_entries(session, Wanted(), limit=50)
        assert verify_chain(session).broken is None
        return [(entry.what, entry.staff_id, entry.details) for entry in reversed(entries)]


def test_only_what_changed_is_told_and_no_clinic_is_entered(
    database: Database, session: Session, clinic: Clinic
) -> None:
    texts = {"intro": {"en": "Welcome"}}
    about = {"name": "North", "phone": "1", "accent": "#22577a", "texts": texts, "logo": LOGO}
    assert change_clinic(session, clinic, about, by=7) == ["phone", "accent", "texts", "logo"]
    assert change_clinic(session, clinic, about, by=7) == []
    assert find_entered_clinic(session) is None
    session.commit()
    session.expire_all()
    assert (clinic.phone, clinic.accent, clinic.texts) == ("1", "#22577a", texts)
    assert (clinic.logo_hash, clinic.logo_width, clinic.logo_height) == (LOGO.hash, 10, 4)
    assert find_logo(session, clinic.id) == b"a picture"
    assert find_entered_clinic(session) is None
    change_clinic(session, clinic, {"logo": None}, by=None)
    assert (find_logo(session, clinic.id), clinic.logo_hash) == (None, None)
    session.commit()
    assert told(database, clinic) == [
        (
            "clinic_changed",
            7,
            {
                "fields": ["phone", "accent", "texts", "logo"],
                "changes": ["phone: (555) 010-0100 → 1", "accent: nothing → #22577a"],
            },
        ),
        ("clinic_changed", None, {"fields": ["logo"]}),
    ]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"name": ""}, "name"),
        ({"phone": "1\n2"}, "phone"),
        ({"hours": "x" * 201}, "hours"),
        ({"time_zone": "Mars"}, "IANA"),
        ({"origins": ["https://a.org/x"]}, "origin"),
        ({"origins": ["https://a.org"] * 21}, "20 at most"),
        ({"accent": "blue"}, "accent"),
        ({"accent": "#22577A; }"}, "accent"),
        ({"texts": {"intro": {"en": "x" * 301}}}, "300"),
        ({"texts": {"else": {"en": "x"}}}, "texts"),
    ],
)
@pytest.mark.sqlite_only("no statement is sent")
def test_what_a_clinic_cannot_be_is_refused(
    session: Session, clinic: Clinic, about: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        change_clinic(session, clinic, about, by=None)


def test_a_clinic_is_shut_and_opened_again_once_each(
    database: Database, session: Session, clinic: Clinic
) -> None:
    assert [disable_clinic(session, clinic, by=1, now=NOW) for _ in range(2)] == [True, False]
    assert find_clinic(session, "north") is None
    assert find_any_clinic(session, "north") is clinic
    assert [enable_clinic(session, clinic, by=2) for _ in range(2)] == [True, False]
    assert find_clinic(session, "north") is clinic
    session.commit()
    assert told(database, clinic) == [("clinic_disabled", 1, {}), ("clinic_enabled", 2, {})]


def test_requests_are_counted_behind_the_wall(
    database: Database, session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    fill(database, clinic)
    assert (count_requests(session, clinic), count_requests(session, other_clinic)) == (1, 0)
    assert find_entered_clinic(session) is None


def fill(database: Database, clinic: Clinic) -> None:
    """A request, a draft and a mail that is owed."""
    with database.new_session() as session:
        enter_clinic(session, clinic.id)
        make_consultation(session)
        add_draft(session, clinic.id, {"answers": {}}, NOW)
        add_mail(session, "x", to="a@b.example", language="en", values={}, due_at=NOW, now=NOW)
        session.commit()


def count(session: Session, *tables: type) -> list[int | None]:
    return [session.scalar(select(func.count(table.id))) for table in tables]


def test_after_its_keys_are_shredded_nothing_of_a_clinic_opens_and_the_trail_still_holds(
    database: Database, session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    for each in (clinic, other_clinic):
        fill(database, each)
    person = make_person(session, "Grace")
    add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="intake")
    assert [shred_keys(session, clinic, by=person.id, now=NOW) for _ in range(2)] == [True, False]
    session.commit()
    assert (clinic.state, find_clinic(session, clinic.slug)) == ("destroyed", None)
    assert was_shredded(session, person.id, clinic.slug)
    assert not was_shredded(session, person.id, other_clinic.slug)
    assert not was_shredded(session, person.id + 1, clinic.slug)
    with pytest.raises(ValueError, match="add a new clinic"):
        enable_clinic(session, clinic, by=None)
    session.close()
    with database.new_session() as inside:
        enter_clinic(inside, clinic.id)
        assert count(inside, ClinicKey, Draft, OutboxMessage) == [0, 0, 0]
        row = inside.scalars(select(Consultation)).one()
        assert row.screening_id is not None
        with pytest.raises(NotFoundError, match="no key"):
            read_screening(inside, get_screening(inside, row.screening_id))
    assert [what for what, _, _ in told(database, clinic)][-1] == "keys_shredded"
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert count(elsewhere, ClinicKey, Draft) == [1, 1]
        row = elsewhere.scalars(select(Consultation)).one()
        assert row.screening_id is not None
        assert read_screening(elsewhere, get_screening(elsewhere, row.screening_id))


def test_a_shredded_key_leaves_the_files_too(database: Database, session: Session, clinic: Clinic) -> None:
    with database.new_session() as inside:
        enter_clinic(inside, clinic.id)
        wrapped = inside.scalars(select(ClinicKey)).one().wrapped
    shred_keys(session, clinic, by=None, now=NOW)
    session.commit()
    session.close()
    database.forget_deleted("clinic_keys")
    if database.is_sqlite:
        folder = Path(str(database.url.database)).parent
        assert all(wrapped not in file.read_bytes() for file in folder.iterdir())
        return
    with database.engine.connect() as connection:
        # No page of the table is left that a dead row could lie in.
        assert connection.exec_driver_sql("SELECT pg_relation_size('clinic_keys')").scalar() == 0


@pytest.mark.sqlite_only("PostgreSQL keeps no log that could be emptied")
def test_it_is_told_when_a_shredded_key_still_lies_in_the_log(
    url: str, vault: Vault, session: Session, clinic: Clinic
) -> None:
    database = Database(url, vault, Limits(lock=1))
    with database.new_session() as reader:
        begin_reading(reader)
        reader.scalars(select(Clinic.id)).all()
        shred_keys(session, clinic, by=None, now=NOW)
        session.commit()
        assert not database.forget_deleted("clinic_keys")
    assert database.forget_deleted("clinic_keys")
    database.dispose()


@pytest.mark.parametrize("slug", ["clinics", "account", "here"])
@pytest.mark.sqlite_only("no statement is sent")
def test_no_clinic_is_called_like_a_page_of_the_desk(session: Session, slug: str) -> None:
    with pytest.raises(ValueError, match="another page"):
        make_clinic(session, slug)
