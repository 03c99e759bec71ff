"""The outbox: messages owed, written in the transaction that owes them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from screener.store.database import new_id
from screener.store.tables import OutboxMessage
from screener.store.tenancy import entered_clinic


def add_message(session: Session, kind: str, consultation_id: UUID, now: datetime) -> OutboxMessage:
    message = OutboxMessage(
        id=new_id(),
        clinic_id=entered_clinic(session),
        kind=kind,
        consultation_id=consultation_id,
        created_at=now,
        due_at=now,
    )
    session.add(message)
    session.flush()
    return message
