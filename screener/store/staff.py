"""Staff: who may do what at which clinic."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store.tables import ROLES, Clinic, Membership


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
