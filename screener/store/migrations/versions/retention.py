"""What a clinic sets of itself, how long it keeps what it was sent, and from when a request's time runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "retention"
down_revision = "webhooks"
branch_labels = None
depends_on = None

_SETTINGS: dict[str, tuple[sa.types.TypeEngine[Any], str]] = {
    "languages": (sa.JSON(), '\'["en", "es"]\''),
    "kinds": (sa.JSON(), '\'["consultation", "call_back", "question"]\''),
    "idle_minutes": (sa.Integer(), "15"),
    "draft_days": (sa.Integer(), "7"),
    "refused_days": (sa.Integer(), "90"),
    "accepted_days": (sa.Integer(), "30"),
}
_TIMES: dict[str, sa.types.TypeEngine[Any]] = {
    "state_since": sa.DateTime(timezone=True),
    "accepted_at": sa.DateTime(timezone=True),
    "charted_at": sa.DateTime(timezone=True),
    "keep_until": sa.Date(),
}
_INDEXED = ("state_since", "charted_at")
# As the events tell: when a request last changed its state, and whether what was closed had been accepted.
_SINCE = """
UPDATE consultations SET state_since = coalesce(
    (SELECT max(at) FROM consultation_events AS e WHERE e.consultation_id = consultations.id
     AND e.what IN ('moved', 'undone', 'withdrawn')), received_at)
"""
_ACCEPTED = """
UPDATE consultations SET accepted_at = state_since WHERE state = 'accepted' OR (state = 'closed' AND EXISTS (
    SELECT 1 FROM consultation_events AS e WHERE e.consultation_id = consultations.id
    AND e.to_state = 'closed' AND e.from_state = 'accepted' AND e.at = consultations.state_since))
"""


def upgrade() -> None:
    for name, (kind, default) in _SETTINGS.items():
        op.add_column("clinics", sa.Column(name, kind, server_default=sa.text(default), nullable=False))
    for name, kind in _TIMES.items():
        op.add_column("consultations", sa.Column(name, kind, nullable=True))
    op.execute(_SINCE)
    op.execute(_ACCEPTED)
    with op.batch_alter_table("consultations") as table:
        table.alter_column("state_since", existing_type=_TIMES["state_since"], nullable=False)
        for name in _INDEXED:
            table.create_index(f"ix_consultations_clinic_id_{name}", ["clinic_id", name])


def downgrade() -> None:
    with op.batch_alter_table("consultations") as table:
        for name in _INDEXED:
            table.drop_index(f"ix_consultations_clinic_id_{name}")
        for name in reversed(_TIMES):
            table.drop_column(name)
    for name in reversed(_SETTINGS):
        op.drop_column("clinics", name)
