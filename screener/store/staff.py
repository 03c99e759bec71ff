"""Staff: who may do what at which clinic."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.store.audit import Detail, note, person_subject
from screener.store.clinics import SLUG
from screener.store.staff_sessions import end_sessions
from screener.store.tables import ROLES, Clinic, Membership, StaffSession, User
from screener.store.tenancy import entered_clinic, furnishing_clinic

LEFT: Final = " (left)"


def add_membership(session: Session, *, staff_id: int, clinic_id: UUID, role: str) -> Membership:
    """Raise ValueError if there is no such role."""
    if role not in ROLES:
        raise ValueError(f"role {role!r}: use one of {', '.join(ROLES)}")
    membership = Membership(staff_id=staff_id, clinic_id=clinic_id, role=role)
    session.add(membership)
    session.flush()
    return membership


def list_memberships(session: Session, staff_id: int) -> list[tuple[Clinic, frozenset[str]]]:
    """The enabled clinics a person belongs to, by slug, with what they are there."""
    rows = session.execute(
        select(Clinic, Membership.role)
        .join(Membership, Membership.clinic_id == Clinic.id)
        .where(Membership.staff_id == staff_id, Clinic.disabled_at.is_(None))
        .order_by(Clinic.slug),
        execution_options={"named_lookup": "person at sign-in"},
    )
    roles: dict[Clinic, set[str]] = {}
    for clinic, role in rows:
        roles.setdefault(clinic, set()).add(role)
    return [(clinic, frozenset(held)) for clinic, held in roles.items()]


def find_roles(session: Session, staff_id: int, clinic_id: UUID) -> frozenset[str]:
    """What the person is at the clinic: nothing if they left it or it is disabled."""
    return frozenset(
        session.scalars(
            select(Membership.role)
            .join(Clinic, Clinic.id == Membership.clinic_id)
            .where(
                Membership.staff_id == staff_id,
                Membership.clinic_id == clinic_id,
                Clinic.disabled_at.is_(None),
            )
        )
    )


def was_shredded(session: Session, staff_id: int, slug: str) -> bool:
    """Whether the person belongs to a clinic of that name whose keys were destroyed."""
    if not SLUG.fullmatch(slug):
        return False
    gone = (
        select(Membership.id)
        .join(Clinic)
        .where(Membership.staff_id == staff_id, Clinic.slug == slug, Clinic.shredded_at.is_not(None))
    )
    return session.scalar(gone) is not None


@dataclass(frozen=True)
class Colleague:
    """A person as the administrator of one clinic sees them."""

    staff_id: int
    email: str
    name: str
    roles: frozenset[str]
    # Whether they signed in since they were invited here.
    has_come: bool


def list_colleagues(session: Session, clinic_id: UUID) -> list[Colleague]:
    """Who has a role at the clinic, by name."""
    came = (
        select(StaffSession.id)
        .where(
            StaffSession.staff_id == Membership.staff_id,
            StaffSession.second_step.is_not(None),
            or_(Membership.created_at.is_(None), StaffSession.created_at > Membership.created_at),
        )
        .exists()
    )
    rows = session.execute(
        select(User.id, User.email, User.name, Membership.name.label("called"), Membership.role, came)
        .join(Membership, Membership.staff_id == User.id)
        .where(Membership.clinic_id == clinic_id)
    ).all()
    found: dict[int, Colleague] = {}
    for staff_id, email, name, called, role, has_come in rows:
        roles = found[staff_id].roles if staff_id in found else frozenset()
        found[staff_id] = Colleague(staff_id, email, called or name, roles | {role}, has_come)
    return sorted(found.values(), key=lambda person: (person.name.lower(), person.email))


def list_emails(session: Session, staff_ids: Collection[int]) -> dict[int, str]:
    """Person -> the address they sign in with, of those who are still there."""
    rows = session.execute(select(User.id, User.email).where(User.id.in_(staff_ids)))
    return {row.id: row.email for row in rows}


def called_here(session: Session, person: type[User] = User) -> ColumnElement[str]:
    """What the entered clinic calls a person; whoever left it is known there by their address alone.

    What others call them is no clinic's business. NULL where there is no person.
    """
    held = (
        select(func.min(func.coalesce(Membership.name, person.name)))
        .where(Membership.staff_id == person.id, Membership.clinic_id == entered_clinic(session))
        .scalar_subquery()
    )
    return func.coalesce(held, person.email + LEFT)


def find_person(session: Session, email: str) -> User | None:
    return session.scalar(select(User).where(func.lower(User.email) == email.strip().lower()))


def set_roles(
    session: Session,
    *,
    staff_id: int,
    clinic_id: UUID,
    roles: Collection[str],
    now: datetime,
    name: str | None = None,
    by: int | None = None,
) -> bool:
    """What the person is at the clinic from now on; none means they left. Whether anything changed.

    Ends their sessions if it did. `by` is who decided it: None for the operator. Raises ValueError for a
    role that there is not.
    """
    held = {
        row.role: row
        for row in session.scalars(
            select(Membership).where(Membership.staff_id == staff_id, Membership.clinic_id == clinic_id)
        )
    }
    if set(held) == set(roles):
        return False
    first = next(iter(held.values()), None)
    for role, row in held.items():
        if role not in roles:
            session.delete(row)
    for role in sorted(set(roles) - set(held)):
        added = add_membership(session, staff_id=staff_id, clinic_id=clinic_id, role=role)
        added.name = first.name if first else name
        added.created_at = first.created_at if first else now
    session.flush()
    end_sessions(session, staff_id, now)
    what = ("roles_changed" if roles else "removed") if held else "invited"
    with furnishing_clinic(session, clinic_id):
        note(session, what, person_subject(staff_id), staff_id=by, was=sorted(held), roles=sorted(set(roles)))
    return True


def sign_out(session: Session, staff_id: int, *, by: int, now: datetime) -> None:
    """Wherever the person is signed in, as after a lost device."""
    end_sessions(session, staff_id, now)
    note(session, "signed_out", person_subject(staff_id), staff_id=by)


def forget_second_steps(session: Session, person: User, now: datetime) -> None:
    """For whoever lost them all: their password leads to setting one up, and to nothing else."""
    person.tf_primary_method = person.tf_totp_secret = person.totp_counter = None
    person.mf_recovery_codes = None
    for passkey in list(person.webauthn):
        session.delete(passkey)
    session.flush()
    end_sessions(session, person.id, now)
    note_person(session, person, "second_step_forgotten", by=None)


def make_installation_admin(session: Session, person: User, now: datetime) -> None:
    """From now on they look after the clinics. Signs them out; stands in the trails of their own clinics."""
    person.is_installation_admin = True
    session.flush()
    end_sessions(session, person.id, now)
    note_person(session, person, "made_installation_admin", by=None)


def end_installation_admin(session: Session, person: User, now: datetime) -> None:
    """They look after the clinics no more, from the next request on."""
    person.is_installation_admin = False
    session.flush()
    end_sessions(session, person.id, now)
    note_person(session, person, "ended_installation_admin", by=None)


def note_person(session: Session, person: User, what: str, *, by: int | None, **details: Detail) -> None:
    """An entry in the audit trail of each clinic the person belongs to."""
    for clinic, _ in list_memberships(session, person.id):
        with furnishing_clinic(session, clinic.id):
            note(session, what, person_subject(person.id), staff_id=by, **details)


def hold_people(session: Session, clinic_id: UUID) -> None:
    """Until the commit nobody else changes who may do what at the clinic."""
    # Rows that point at the clinic, as each entry of the audit trail does, may be written meanwhile.
    # SQLite knows no row locks; there each writer waits for the one before it from its first statement on.
    session.execute(select(Clinic.id).where(Clinic.id == clinic_id).with_for_update(key_share=True))
