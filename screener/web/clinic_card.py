"""What pages show of a clinic, as it was when the request began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from screener.domain.retention import Periods
from screener.store.retention import periods_of
from screener.store.tables import Clinic


@dataclass(frozen=True, slots=True)
class ClinicCard:
    """Kept apart from the row: an error page shows it too, after a rollback."""

    slug: str
    name: str
    phone: str
    hours: str
    time_zone: str
    origins: tuple[str, ...]
    is_demo: bool
    accent: str | None
    # Its address, width and height.
    logo: tuple[str, int, int] | None
    texts: Mapping[str, Mapping[str, str]]
    languages: tuple[str, ...]
    kinds: tuple[str, ...]
    periods: Periods


def card_of(clinic: Clinic) -> ClinicCard:
    return ClinicCard(
        clinic.slug,
        clinic.name,
        clinic.phone,
        clinic.hours,
        clinic.time_zone,
        tuple(clinic.origins),
        clinic.is_demo,
        # A clinic that is shut serves no color and no logo any more; some receipts of it are still read.
        clinic.accent if not clinic.disabled_at else None,
        _logo_of(clinic) if not clinic.disabled_at else None,
        clinic.texts,
        tuple(clinic.languages),
        tuple(clinic.kinds),
        periods_of(clinic),
    )


def _logo_of(clinic: Clinic) -> tuple[str, int, int] | None:
    if not clinic.logo_hash:
        return None
    path = f"/c/{clinic.slug}/logo.png?v={clinic.logo_hash}"
    return path, clinic.logo_width or 0, clinic.logo_height or 0
