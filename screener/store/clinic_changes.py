"""What happens to a clinic: changed, disabled, enabled again, its keys destroyed; each noted in its trail."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from screener.domain.sender_name import check_sender_name
from screener.store.audit import Detail, Public, Subject, note
from screener.store.clinics import check_about
from screener.store.due import note_all_by_day
from screener.store.tables import Clinic, ClinicKey, Consultation, Draft, OutboxMessage, WebhookEndpoint
from screener.store.tenancy import furnishing_clinic

# What a clinic may say in its own words: on the start page, and on the receipt.
TEXTS: Final = ("intro", "what_next")
LONGEST_TEXT: Final = 300
# Too long for an entry of the trail, which only names them.
_UNTOLD: Final = frozenset({"texts", "logo", "origins"})
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")


class Logo(NamedTuple):
    """A PNG of our own making, and its size in CSS pixels."""

    png: bytes
    width: int
    height: int

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.png).hexdigest()[:12]


def note_clinic(session: Session, clinic: Clinic, what: str, *, by: int | None, **details: Detail) -> None:
    """An entry in the clinic's trail about itself; `by` is None for the operator."""
    with furnishing_clinic(session, clinic.id):
        note(session, what, Subject(Clinic.__tablename__, clinic.slug), staff_id=by, **details)


def change_clinic(session: Session, clinic: Clinic, about: Mapping[str, Any], *, by: int | None) -> list[str]:
    """Which of these columns changed. `logo` is a Logo or None. Raises ValueError in words for people."""
    check_about(about)
    _check_look(about)
    if about.get("sender_name") is not None:
        check_sender_name(about["sender_name"])
    before = {what: getattr(clinic, what) for what in about if what not in _UNTOLD}
    changed = [
        what
        for what, value in about.items()
        if (_take_logo(clinic, value) if what == "logo" else _take(clinic, what, value))
    ]
    session.flush()
    if "time_zone" in changed:
        with furnishing_clinic(session, clinic.id):
            note_all_by_day(session)
    if changed:
        told: list[str] = [_was_now(what, before[what], about[what]) for what in changed if what in before]
        note_clinic(session, clinic, "clinic_changed", by=by, fields=changed, changes=told or None)
    return changed


def _was_now(what: str, *values: Any) -> Public:
    shown = (", ".join(value) if isinstance(value, list) else value for value in values)
    was, now = (value if value not in {None, ""} else "nothing" for value in shown)
    return Public(f"{what.replace('_', ' ')}: {was} \N{RIGHTWARDS ARROW} {now}")


def _check_look(about: Mapping[str, Any]) -> None:
    accent = about.get("accent")
    if accent is not None and not _COLOR.fullmatch(accent):
        raise ValueError("accent: use a color like #22577a")
    for what, said in about.get("texts", {}).items():
        if what not in TEXTS or any(len(text) > LONGEST_TEXT for text in said.values()):
            raise ValueError(f"texts: use {LONGEST_TEXT} characters at most")


def _take(clinic: Clinic, what: str, value: Any) -> bool:
    if getattr(clinic, what) == value:
        return False
    setattr(clinic, what, value)
    return True


def _take_logo(clinic: Clinic, logo: Logo | None) -> bool:
    if clinic.logo_hash == (logo and logo.hash):
        return False
    clinic.logo = logo and logo.png
    clinic.logo_hash = logo and logo.hash
    clinic.logo_width = logo and logo.width
    clinic.logo_height = logo and logo.height
    return True


def find_logo(session: Session, clinic_id: UUID) -> bytes | None:
    return session.scalar(select(Clinic.logo).where(Clinic.id == clinic_id))


def disable_clinic(session: Session, clinic: Clinic, *, by: int | None, now: datetime) -> bool:
    """Shuts its pages, to patients and staff; False if they were shut."""
    if clinic.disabled_at:
        return False
    clinic.disabled_at = now
    session.flush()
    note_clinic(session, clinic, "clinic_disabled", by=by)
    return True


def enable_clinic(session: Session, clinic: Clinic, *, by: int | None) -> bool:
    """Opens its pages again; False if they were open. Raises ValueError if its keys are gone."""
    if clinic.shredded_at:
        raise ValueError("the keys of this clinic were destroyed: add a new clinic instead")
    if not clinic.disabled_at:
        return False
    clinic.disabled_at = None
    session.flush()
    note_clinic(session, clinic, "clinic_enabled", by=by)
    return True


def shred_keys(session: Session, clinic: Clinic, *, by: int | None, now: datetime) -> bool:
    """Destroys what opens the clinic's data, and shuts its pages; False if that was done before.

    Drafts open with their patients' links and not with the clinic's key, so they are deleted. When this is
    committed, `Database.forget_deleted("clinic_keys")` takes the keys out of the files too.
    """
    if clinic.shredded_at:
        return False
    with furnishing_clinic(session, clinic.id):
        for table in (OutboxMessage, WebhookEndpoint, Draft, ClinicKey):
            session.execute(delete(table))
    session.info.get("clinic_keys", {}).pop(clinic.id, None)
    clinic.shredded_at = now
    clinic.disabled_at = clinic.disabled_at or now
    session.flush()
    note_clinic(session, clinic, "keys_shredded", by=by)
    return True


def count_requests(session: Session, clinic: Clinic) -> int:
    """How many there are, and nothing of them. No walls are opened to count all clinics' at once."""
    with furnishing_clinic(session, clinic.id):
        return session.scalar(select(func.count(Consultation.id))) or 0
