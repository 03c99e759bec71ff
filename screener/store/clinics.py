"""Clinics: who is served, and the key that seals what their patients say."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.domain.retention import LONGEST, SHORTEST
from screener.store.database import new_id, vault_of
from screener.store.errors import NotFoundError, StoreError
from screener.store.origins import MOST_ORIGINS, read_origin
from screener.store.tables import KINDS, LANGUAGES, AuditHead, Clinic, ClinicKey
from screener.store.tenancy import entered_clinic, furnishing_clinic
from screener.store.vault import KeyRing, new_key

_LONGEST: Final = {"name": 200, "phone": 40, "hours": 200}
_OFFERED: Final = {"languages": LANGUAGES, "kinds": KINDS}
IDLE_MINUTES: Final = (5, 60)
_BOUNDS: Final = {"idle_minutes": IDLE_MINUTES} | {
    what: (getattr(SHORTEST, what), most) for what, most in LONGEST._asdict().items()
}
SLUG: Final = re.compile(r"[a-z0-9-]{2,40}")
# Addresses below /desk/ that are no clinic's.
_RESERVED: Final = frozenset({"account", "clinics", "here"})


def add_clinic(
    session: Session,
    *,
    slug: str,
    name: str,
    phone: str,
    hours: str,
    time_zone: str,
    origins: Collection[str] = (),
    is_demo: bool = False,
) -> Clinic:
    """Raise ValueError, in words for the operator, if one of these will not do or the slug is taken."""
    check_slug(session, slug)
    check_about({"name": name, "phone": phone, "hours": hours, "time_zone": time_zone, "origins": origins})
    clinic = Clinic(
        id=new_id(),
        slug=slug,
        name=name,
        phone=phone,
        hours=hours,
        time_zone=time_zone,
        origins=list(origins),
        is_demo=is_demo,
        created_at=datetime.now(UTC),
    )
    session.add(clinic)
    session.flush()
    with furnishing_clinic(session, clinic.id):
        _add_key(session, clinic, version=1)
        session.add(AuditHead(id=new_id(), clinic_id=clinic.id, number=0, chain=b""))
    return clinic


def check_slug(session: Session, slug: str) -> None:
    """Raise ValueError, in words for people, if no new clinic can have this name."""
    if not SLUG.fullmatch(slug):
        raise ValueError(f"slug {slug!r}: use 2 to 40 small letters, digits and hyphens")
    if slug in _RESERVED or find_any_clinic(session, slug):
        raise ValueError(f"slug {slug!r} is taken by another {'page' if slug in _RESERVED else 'clinic'}")


def check_about(about: Mapping[str, Any]) -> None:
    """Raise ValueError, in words that name the field, if a clinic cannot be so."""
    for what, most in _LONGEST.items():
        least = 0 if what == "hours" else 1
        said = about.get(what)
        if said is not None and not (least <= len(said) <= most and said.isprintable()):
            raise ValueError(f"{what}: use {least} to {most} characters on one line")
    for what, offered in _OFFERED.items():
        chosen = about.get(what)
        if chosen is not None and not (chosen and set(chosen) <= set(offered)):
            raise ValueError(f"{what}: choose at least one of {', '.join(offered)}")
    for what, (low, high) in _BOUNDS.items():
        number = about.get(what)
        if number is not None and not low <= number <= high:
            raise ValueError(f"{what.replace('_', ' ')}: use a whole number from {low} to {high}")
    zone = about.get("time_zone")
    if zone is not None and zone not in available_timezones():
        raise ValueError(f"time zone {zone!r} is not known: use an IANA name like America/New_York")
    origins = about.get("origins") or ()
    if len(origins) > MOST_ORIGINS:
        raise ValueError(f"origins: use {MOST_ORIGINS} at most")
    for origin in origins:
        _check_origin(origin)


def _check_origin(origin: str) -> None:
    """It is written into a response header, so nothing but a plain one passes."""
    try:
        plain = read_origin(origin)
    except ValueError as error:
        raise ValueError(f"origin {origin!r}: {error}") from error
    if plain != origin:
        raise ValueError(f"origin {origin!r}: write it {plain}")


def _add_key(session: Session, clinic: Clinic, version: int) -> None:
    wrapped = vault_of(session).master.wrap(clinic.id, version, new_key())
    row = ClinicKey(
        id=new_id(),
        clinic_id=clinic.id,
        version=version,
        wrapped=wrapped,
        created_at=clinic.created_at,
    )
    session.add(row)


def find_clinic(session: Session, slug: str) -> Clinic | None:
    """The clinic of that name, unless it is disabled."""
    if not SLUG.fullmatch(slug):
        return None
    return session.scalar(select(Clinic).where(Clinic.slug == slug, Clinic.disabled_at.is_(None)))


def find_any_clinic(session: Session, slug: str) -> Clinic | None:
    """The same, also if it is disabled."""
    if not SLUG.fullmatch(slug):
        return None
    return session.scalar(select(Clinic).where(Clinic.slug == slug))


def list_clinics(session: Session) -> list[Clinic]:
    """All of them, the disabled too, by slug."""
    return list(session.scalars(select(Clinic).order_by(Clinic.slug)))


def zone_of(session: Session) -> str:
    """The entered clinic's time zone."""
    zone = session.scalar(select(Clinic.time_zone).where(Clinic.id == entered_clinic(session)))
    return zone or "UTC"


def clinic_key(session: Session, clinic_id: UUID) -> KeyRing:
    """The entered clinic's keys; the current one seals. Unwrapped once a session."""
    rings: dict[UUID, KeyRing] = session.info.setdefault("clinic_keys", {})
    if clinic_id not in rings:
        keys = _unwrap_keys(session, clinic_id)
        rings[clinic_id] = _ClinicRing(keys, max(keys), session, clinic_id)
    return rings[clinic_id]


def find_shut(session: Session, most: int | None = None) -> list[str]:
    """The slugs of clinics whose keys these master keys do not open, of the newest ones or of all.

    Those whose keys were destroyed are meant to be shut. Before a clinic was entered.
    """
    newest = (
        select(Clinic.id, Clinic.slug)
        .where(Clinic.shredded_at.is_(None))
        .order_by(Clinic.created_at.desc())
        .limit(most)
    )
    shut = []
    for clinic_id, slug in session.execute(newest).all():
        with furnishing_clinic(session, clinic_id):
            try:
                _unwrap_keys(session, clinic_id)
            except StoreError:
                shut.append(slug)
    return shut


@dataclass(frozen=True)
class _ClinicRing(KeyRing):
    """A clinic's keys; one that was added since it was opened is looked for when something needs it."""

    session: Session
    clinic_id: UUID

    def find_cipher(self, version: int) -> AESGCM | None:
        if version not in self.ciphers:
            keys = _unwrap_keys(self.session, self.clinic_id)
            self.ciphers.update(KeyRing(keys, max(keys)).ciphers)
        return self.ciphers.get(version)


def _unwrap_keys(session: Session, clinic_id: UUID) -> dict[int, bytes]:
    rows = session.execute(
        select(ClinicKey.version, ClinicKey.wrapped).where(ClinicKey.clinic_id == clinic_id)
    ).all()
    if not rows:
        raise NotFoundError("this clinic has no key: nothing of it can be read")
    master = vault_of(session).master
    return {version: master.unwrap(clinic_id, version, wrapped) for version, wrapped in rows}
