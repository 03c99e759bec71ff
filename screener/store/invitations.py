"""Invitations to a follow-up screening: a draft that waits behind a mailed link, prefilled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from screener.store.consultations import add_event
from screener.store.drafts import OpenDraft, add_draft, close_doors, draft_life, kept_until, save_draft
from screener.store.outbox import invited_drafts
from screener.store.saved_drafts import save_for_later
from screener.store.tables import Consultation, Draft


class Invitation(NamedTuple):
    """An invitation that was not answered yet."""

    sent_at: datetime
    until: datetime


def find_invitation(session: Session, consultation: Consultation, now: datetime) -> Invitation | None:
    """The one that can still be answered."""
    row = session.scalar(select(Draft).where(Draft.id.in_(invited_drafts(consultation.id))))
    if row is None:
        return None
    until = kept_until(row, draft_life(session, row.clinic_id))
    return Invitation(row.created_at, until) if now < until else None


def add_invitation(
    session: Session, consultation: Consultation, document: Mapping[str, Any], staff_id: int, now: datetime
) -> tuple[OpenDraft, str]:
    """A draft with this document and the token of its mailed link; an earlier invitation is dead.

    `document` must hold the `birth_year` that its door asks for.
    """
    session.execute(delete(Draft).where(Draft.id.in_(invited_drafts(consultation.id))))
    draft, _ = add_draft(session, consultation.clinic_id, document, now)
    close_doors(session, draft, ("page",), now)
    token = save_for_later(session, draft, "resume", now)
    save_draft(session, draft, now)
    add_event(session, consultation, "follow_up_invited", now, staff_id=staff_id)
    return draft, token
