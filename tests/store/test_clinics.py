"""Clinics, their keys, and who is what at them."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from store.builders import make_clinic, make_person

from screener.store.clinics import clinic_key, find_clinic, list_clinics
from screener.store.database import Database
from screener.store.errors import NoClinicError, NotFoundError, UnreadableError
from screener.store.staff import add_membership, find_roles, list_memberships
from screener.store.tables import Clinic, ClinicKey
from screener.store.tenancy import enter_clinic


def test_a_clinic_is_one_row_and_a_key(session: Session) -> None:
    made = make_clinic(session, "east", origins=["https://east.example"], is_demo=True)
    session.commit()
    session.expire_all()
    found = find_clinic(session, "east")
    assert found is made
    assert (found.origins, found.is_demo, found.disabled_at) == (["https://east.example"], True, None)
    assert session.info.get("clinic_id") is None
    enter_clinic(session, made.id)
    assert session.scalar(select(func.count(ClinicKey.id))) == 1
    assert clinic_key(session, made.id).current == 1


def test_a_disabled_clinic_is_not_found_but_listed(session: Session, clinic: Clinic) -> None:
    clinic.disabled_at = datetime.now(UTC)
    session.commit()
    assert find_clinic(session, clinic.slug) is None
    assert find_clinic(session, "nowhere") is None
    assert list_clinics(session) == [clinic]


@pytest.mark.parametrize(
    "origin", ["example.org", "https://a.org/path", "https://a.org; x", "https://a.org\n"]
)
def test_an_origin_that_is_more_than_one_is_refused(session: Session, origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        make_clinic(session, "west", origins=[origin])


@pytest.mark.parametrize("slug", ["", "a", "North", "a b", "a" * 41, "ä-b", "a_b", "ab\n"])
def test_a_bad_slug_is_refused(session: Session, slug: str) -> None:
    with pytest.raises(ValueError, match="2 to 40 small letters"):
        make_clinic(session, slug)


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "EST5"])
def test_a_bad_time_zone_is_refused(session: Session, zone: str) -> None:
    with pytest.raises(ValueError, match="IANA name"):
        make_clinic(session, "east", time_zone=zone)


def test_a_taken_slug_is_refused(session: Session, clinic: Clinic) -> None:
    with pytest.raises(ValueError, match="taken"):
        make_clinic(session, clinic.slug)


def test_a_clinic_can_be_added_from_inside_another(session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    make_clinic(session, "east")
    assert session.info["clinic_id"] == clinic.id


def test_a_key_opens_from_inside_its_clinic_alone(
    database: Database, session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    with pytest.raises(NoClinicError):
        clinic_key(session, clinic.id)
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        with pytest.raises(NotFoundError):
            clinic_key(elsewhere, clinic.id)


def test_a_key_taken_from_another_clinic_does_not_unwrap(
    database: Database, session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        foreign = elsewhere.scalars(select(ClinicKey)).one().wrapped
    enter_clinic(session, clinic.id)
    session.scalars(select(ClinicKey)).one().wrapped = foreign
    session.flush()
    with pytest.raises(UnreadableError):
        clinic_key(session, clinic.id)


def test_memberships_say_what_a_person_is_at_each_clinic(
    session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    person, stranger = make_person(session, "Grace"), make_person(session, "Mallory")
    for where, role in ((clinic, "intake"), (clinic, "clinic_admin"), (other_clinic, "clinician")):
        add_membership(session, staff_id=person.id, clinic_id=where.id, role=role)
    both = frozenset({"intake", "clinic_admin"})
    assert list_memberships(session, person.id) == [
        (clinic, both),
        (other_clinic, frozenset({"clinician"})),
    ]
    assert find_roles(session, person.id, clinic.id) == both
    assert list_memberships(session, stranger.id) == []
    assert find_roles(session, stranger.id, clinic.id) == frozenset()
    clinic.disabled_at = datetime.now(UTC)
    session.flush()
    assert find_roles(session, person.id, clinic.id) == frozenset()
    assert [where.slug for where, _ in list_memberships(session, person.id)] == [other_clinic.slug]


def test_a_membership_is_held_once_and_its_role_is_known(session: Session, clinic: Clinic) -> None:
    person = make_person(session, "Grace")
    with pytest.raises(ValueError, match="intake, clinician, clinic_admin"):
        add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="owner")
    add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="intake")
    with pytest.raises(IntegrityError):
        add_membership(session, staff_id=person.id, clinic_id=clinic.id, role="intake")
