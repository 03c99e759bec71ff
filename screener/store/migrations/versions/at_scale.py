"""What the queue and the audit trail are ordered, filtered and counted by, so that no page reads all rows."""

from datetime import UTC, datetime, time
from typing import TypeAlias
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "at_scale"
down_revision = "paces"
branch_labels = None
depends_on = None

_Indexes: TypeAlias = dict[str, tuple[tuple[str, ...], ...]]
_OLD: _Indexes = {
    "consultations": (
        ("urgency_rank", "received_at", "id"),
        ("state", "due_at", "id"),
        ("state_since",),
        ("email_index",),
        ("phone_index",),
        ("person_index",),
    ),
    "audit_entries": (("subject",),),
    "drafts": (("last_active_at",),),
}
_NEW: _Indexes = {
    "consultations": (
        ("state", "urgency_rank", "received_at", "id"),
        ("state", "received_at", "id"),
        ("state", "owed_at"),
        ("state", "urgency_rank", "owed_at"),
        ("kind", "state", "owed_at"),
        ("article_class", "state", "owed_at"),
        ("language", "state", "owed_at"),
        ("owner_id", "state", "owed_at"),
        ("accepted_at", "state_since"),
        ("keep_until",),
        ("email_index", "received_at"),
        ("phone_index", "received_at"),
        ("person_index", "received_at"),
    ),
    "audit_entries": (
        ("subject", "number"),
        ("staff_id", "number"),
        ("what", "number"),
        ("at", "number"),
    ),
    "drafts": (("last_active_at", "saved_at", "created_at", "id"),),
}
_CLASS = """
UPDATE consultations SET article_class =
    (SELECT s.article_class FROM screenings AS s WHERE s.id = consultations.screening_id)
WHERE screening_id IS NOT NULL
"""
# Of whom nobody waits for any more, only tasks are still owed.
_WAITED_FOR = "state NOT IN ('not_a_fit', 'duplicate', 'withdrawn', 'closed')"
_CALL_BACKS = f"""
UPDATE consultations SET owed_at = due_at WHERE due_at IS NOT NULL AND {_WAITED_FOR} AND NOT EXISTS
    (SELECT 1 FROM contact_entries AS c WHERE c.consultation_id = consultations.id)
"""
# A later try settles what was planned before it.
_NEXT_TRIES = f"""
UPDATE consultations SET owed_at = (SELECT c.next_try_at FROM contact_entries AS c
    WHERE c.consultation_id = consultations.id ORDER BY c.at DESC, c.id DESC LIMIT 1)
WHERE {_WAITED_FOR} AND EXISTS
    (SELECT 1 FROM contact_entries AS c WHERE c.consultation_id = consultations.id)
"""
_TASKS = """
SELECT t.consultation_id, min(t.due_on) AS due_on, c.time_zone FROM request_tasks AS t
JOIN clinics AS c ON c.id = t.clinic_id WHERE t.done_at IS NULL GROUP BY t.consultation_id, c.time_zone
"""


def upgrade() -> None:
    op.add_column("consultations", sa.Column("article_class", sa.String(length=60), nullable=True))
    op.add_column("consultations", sa.Column("owed_at", sa.DateTime(timezone=True), nullable=True))
    for filled in (_CLASS, _CALL_BACKS, _NEXT_TRIES):
        op.execute(filled)
    _fill_tasks()
    _change(_OLD, _NEW)


def _fill_tasks() -> None:
    """Owed by the end of the clinic's day, where nothing is owed before that."""
    requests = sa.table(
        "consultations", sa.column("id", sa.Uuid()), sa.column("owed_at", sa.DateTime(timezone=True))
    )
    connection = op.get_bind()
    tasks = sa.text(_TASKS).columns(consultation_id=sa.Uuid(), due_on=sa.Date(), time_zone=sa.String())
    for request_id, day, zone in connection.execute(tasks).all():
        at = datetime.combine(day, time(23, 59), ZoneInfo(zone)).astimezone(UTC)
        is_first = sa.or_(requests.c.owed_at.is_(None), requests.c.owed_at > at)
        connection.execute(
            sa.update(requests).where(requests.c.id == request_id, is_first).values(owed_at=at)
        )


def _change(before: _Indexes, after: _Indexes) -> None:
    for table, indexes in before.items():
        for columns in indexes:
            op.drop_index(_name(table, columns), table)
    for table, indexes in after.items():
        for columns in indexes:
            op.create_index(_name(table, columns), table, ["clinic_id", *columns])


def _name(table: str, columns: tuple[str, ...]) -> str:
    return f"ix_{table}_clinic_id_{'_'.join(columns)}"


def downgrade() -> None:
    _change(_NEW, _OLD)
    with op.batch_alter_table("consultations") as table:
        table.drop_column("owed_at")
        table.drop_column("article_class")
