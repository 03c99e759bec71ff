"""Blind indexes: equal for one person however they write, other at each clinic, gone with the contact."""

from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_screening

from screener.store.blind_index import index_of, indexes_of
from screener.store.consultations import withdraw_consultation
from screener.store.database import Database
from screener.store.reindexing import reindex_page
from screener.store.tables import Clinic, Consultation
from screener.store.tenancy import enter_clinic
from screener.store.vault import KeyRing, new_key

CONTACT = {"contact_name": "Ada", "contact_email": "ada@example.org", "contact_phone": "(704) 519-6918"}
PERSON = CONTACT | {"contact_birth_date": "1980-02-01"}


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "Ada@Example.org", " ada@example.ORG "),
        ("email", "jos\u00e9@example.org", "JOSE\u0301@example.org"),
        ("phone", "(704) 519-6918", "+1 704 519 6918"),
        ("phone", "704.519.6918", "1-704-519-6918"),
        ("phone", "+44 20 7946 0958", "+442079460958"),
        ("email", "stra\u00dfe@example.org", "STRA\u1e9eE@example.org"),
        ("person", "Zo\u00eb O'Hara|1980-02-01", "zoe ohara|19800201"),
    ],
)
def test_a_value_has_one_index_however_it_is_written(
    entered: Session, kind: str, one: str, other: str
) -> None:
    found = index_of(entered, kind, one)
    assert found is not None
    assert found == index_of(entered, kind, other)


def test_other_values_kinds_and_clinics_have_other_indexes(
    database: Database, entered: Session, other_clinic: Clinic
) -> None:
    mine = index_of(entered, "email", "ada@example.org")
    assert mine != index_of(entered, "email", "eda@example.org")
    assert index_of(entered, "phone", "7045196918") != index_of(entered, "email", "+17045196918")
    entered.commit()
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        assert index_of(elsewhere, "email", "ada@example.org") != mine


@pytest.mark.parametrize(("kind", "value"), [("email", ""), ("email", " "), ("phone", ""), ("phone", "call")])
def test_what_says_nothing_has_no_index(entered: Session, kind: str, value: str) -> None:
    assert index_of(entered, kind, value) is None


def test_indexes_made_by_an_earlier_release_are_found(entered: Session) -> None:
    clinic_id = UUID(int=1)
    entered.info["clinic_id"] = clinic_id
    entered.info["clinic_keys"] = {clinic_id: KeyRing({1: bytes(range(32)), 2: new_key()}, 2)}
    assert {name: index and index.hex() for name, index in indexes_of(entered, PERSON).items()} == {
        "email_index": "4e5c5c4aff77614c1e108d575732d7faf1c3cf3a8b4e9d97e9f0ec76468e18d8",
        "phone_index": "f89a9e8c80d6bfba46fdaa2d970b8d090002fecbe143d418a6118643521228fe",
        "person_index": "2f0a23659f4f399402451d4108c0618ffa8361267c6295f831d8afe4a1c39b53",
    }


@pytest.mark.parametrize("missing", [["contact_name"], ["contact_birth_date"], list(PERSON)])
def test_what_was_not_given_has_no_index(entered: Session, missing: list[str]) -> None:
    given = {name: value for name, value in PERSON.items() if name not in missing}
    found = indexes_of(entered, given)
    assert found["person_index"] is None
    assert (found["email_index"] is None) == (found["phone_index"] is None) == ("contact_email" in missing)


def test_a_request_is_found_by_its_index_until_it_is_withdrawn(entered: Session) -> None:
    made = make_consultation(entered, contact=CONTACT, language="es")
    by_mail = select(Consultation).where(
        Consultation.email_index == index_of(entered, "email", "ADA@example.org")
    )
    by_phone = select(Consultation).where(
        Consultation.phone_index == index_of(entered, "phone", "7045196918")
    )
    assert entered.scalars(by_mail).all() == entered.scalars(by_phone).all() == [made]
    withdraw_consultation(entered, made, NOW)
    entered.commit()
    assert (made.email_index, made.phone_index, made.language) == (None, None, None)
    assert entered.scalars(by_mail).all() == entered.scalars(by_phone).all() == []


def test_reindexing_fills_in_what_is_missing_and_changes_nothing_else(entered: Session) -> None:
    screening = make_screening(entered, document={"language": "es"})
    made = make_consultation(entered, screening=screening, contact=CONTACT, language="es")
    gone = make_consultation(entered, screening=make_screening(entered, document={"language": "es"}))
    withdraw_consultation(entered, gone, NOW)
    whole = (made.email_index, made.phone_index, made.language, made.version)
    entered.execute(update(Consultation).values(email_index=None, phone_index=None, language=None))
    entered.commit()
    entered.expire_all()
    assert reindex_page(entered, None) == (None, 1)
    entered.commit()
    entered.expire_all()
    assert (made.email_index, made.phone_index, made.language, made.version) == whole
    assert reindex_page(entered, None) == (None, 0)
    filled = select(func.count(Consultation.id)).where(Consultation.email_index.is_not(None))
    assert entered.scalar(filled) == 1


def test_reindexing_goes_page_by_page(entered: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screener.store.reindexing.PAGE", 2)
    for _ in range(4):
        make_consultation(entered, screening=make_screening(entered, document={"language": "en"}))
    entered.execute(update(Consultation).values(phone_index=None))
    last, counted = None, []
    while True:
        last, changed = reindex_page(entered, last)
        entered.expire_all()
        counted.append(changed)
        if last is None:
            break
    assert counted == [2, 2, 0]
