"""Which systems of a clinic are told what happens, and what each is owed."""

import sqlalchemy as sa
from alembic import op

revision = "webhooks"
down_revision = "clinics"
branch_labels = None
depends_on = None


def _of_clinic(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    """What the tables of a clinic's rows have in common."""
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=f"fk_{table}_clinic_id"),
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("clinic_id", "id", name=f"uq_{table}_clinic_id_id"),
    )


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        *_of_clinic("webhook_endpoints"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("secret_number", sa.Integer(), nullable=False),
        sa.Column("secret_made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rests_until", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_table(
        "webhook_events",
        *_of_clinic("webhook_events"),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.String(length=10), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=True),
    )
    op.create_index("ix_webhook_events_clinic_id_at", "webhook_events", ["clinic_id", "at"])
    _create_deliveries()


def _create_deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        *_of_clinic("webhook_deliveries"),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(
            ["clinic_id", "endpoint_id"],
            ["webhook_endpoints.clinic_id", "webhook_endpoints.id"],
            name="fk_webhook_deliveries_clinic_id_endpoint_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "event_id"],
            ["webhook_events.clinic_id", "webhook_events.id"],
            name="fk_webhook_deliveries_clinic_id_event_id",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "clinic_id",
            "endpoint_id",
            "event_id",
            name="uq_webhook_deliveries_clinic_id_endpoint_id_event_id",
        ),
    )
    op.create_index(
        "ix_webhook_deliveries_clinic_id_event_id", "webhook_deliveries", ["clinic_id", "event_id"]
    )
    op.create_index("ix_webhook_deliveries_sent_at_due_at", "webhook_deliveries", ["sent_at", "due_at"])


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhook_events", "webhook_endpoints"):
        op.drop_table(table)
