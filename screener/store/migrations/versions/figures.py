"""What the dashboard, the queue's filters and retention count is held by indexes, for very many requests."""

import math
from datetime import timedelta
from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "figures"
down_revision = "at_scale"
branch_labels = None
depends_on = None

_FILTERED_BY: Final = ("kind", "article_class", "language", "owner_id")
_FIGURES: Final = (
    "received_at",
    "kind",
    "state",
    "urgency_rank",
    "language",
    "article_class",
    "tried_minutes",
)
_OLD: Final = {
    "ix_screenings_clinic_id_article_class_id": ("article_class", "id"),
    "ix_screenings_clinic_id_created_at_article_class": ("created_at", "article_class"),
    "ix_consultations_clinic_id_accepted_at_state_since": ("accepted_at", "state_since"),
    "ix_consultations_clinic_id_charted_at": ("charted_at",),
    **{
        f"ix_consultations_clinic_id_{column}_state_owed_at": (column, "state", "owed_at")
        for column in _FILTERED_BY
    },
}
_NEW: Final = {
    "ix_consultations_clinic_id_accepted_at_state_since_keep_until": (
        "accepted_at",
        "state_since",
        "keep_until",
    ),
    "ix_consultations_clinic_id_charted_at_accepted_at_keep_until": (
        "charted_at",
        "accepted_at",
        "keep_until",
    ),
    "ix_consultations_figures": _FIGURES,
    **{
        f"ix_consultations_by_{column}": (column, "state", "urgency_rank", "owed_at")
        for column in _FILTERED_BY
    },
}
_FIRST_TRIES: Final = """
SELECT c.id, c.received_at, min(e.at) AS tried_at FROM contact_entries AS e
JOIN consultations AS c ON c.id = e.consultation_id GROUP BY c.id, c.received_at
"""


def upgrade() -> None:
    op.add_column("consultations", sa.Column("tried_minutes", sa.Integer(), nullable=True))
    _fill()
    _change(_OLD, _NEW)


def _fill() -> None:
    """How long it took until somebody first tried to reach each patient."""
    requests = sa.table("consultations", sa.column("id", sa.Uuid()), sa.column("tried_minutes", sa.Integer()))
    moment = sa.DateTime(timezone=True)
    tried = sa.text(_FIRST_TRIES).columns(id=sa.Uuid(), received_at=moment, tried_at=moment)
    connection = op.get_bind()
    for row_id, received_at, tried_at in connection.execute(tried).all():
        minutes = math.ceil((tried_at - received_at) / timedelta(minutes=1))
        connection.execute(sa.update(requests).where(requests.c.id == row_id).values(tried_minutes=minutes))


def _change(before: dict[str, tuple[str, ...]], after: dict[str, tuple[str, ...]]) -> None:
    for name in before:
        op.drop_index(name, name.split("_")[1])
    for name, columns in after.items():
        op.create_index(name, name.split("_")[1], ["clinic_id", *columns])


def downgrade() -> None:
    _change(_NEW, _OLD)
    with op.batch_alter_table("consultations") as table:
        table.drop_column("tried_minutes")
