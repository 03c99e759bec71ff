"""Who is told of new requests and how, and under which name a clinic's mail leaves."""

import sqlalchemy as sa
from alembic import op

revision = "notices"
down_revision = "exports"
branch_labels = None
depends_on = None

_CHOICES = "choice IN ('urgent_then_hourly', 'each', 'hourly', 'urgent', 'none')"


def upgrade() -> None:
    op.add_column("clinics", sa.Column("sender_name", sa.String(length=60), nullable=True))
    op.create_table(
        "notice_recipients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("choice", sa.String(length=20), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("urgent_breaks_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(_CHOICES, name="ck_notice_recipients_choice"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_notice_recipients_clinic_id"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_notice_recipients_staff_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_notice_recipients"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_notice_recipients_clinic_id_id"),
        sa.UniqueConstraint("clinic_id", "staff_id", name="uq_notice_recipients_clinic_id_staff_id"),
    )
    with op.batch_alter_table("outbox_messages") as table:
        table.add_column(sa.Column("recipient_id", sa.Uuid(), nullable=True))
        table.create_foreign_key(
            "fk_outbox_messages_clinic_id_recipient_id",
            "notice_recipients",
            ["clinic_id", "recipient_id"],
            ["clinic_id", "id"],
            ondelete="CASCADE",
        )
        table.create_index("ix_outbox_messages_clinic_id_recipient_id", ["clinic_id", "recipient_id"])
        table.create_index("ix_outbox_messages_clinic_id_failed_at", ["clinic_id", "failed_at"])


def downgrade() -> None:
    # Nobody can send these without the table of whom they go to.
    op.execute("DELETE FROM outbox_messages WHERE recipient_id IS NOT NULL")
    with op.batch_alter_table("outbox_messages") as table:
        table.drop_index("ix_outbox_messages_clinic_id_failed_at")
        table.drop_index("ix_outbox_messages_clinic_id_recipient_id")
        table.drop_constraint("fk_outbox_messages_clinic_id_recipient_id", type_="foreignkey")
        table.drop_column("recipient_id")
    op.drop_table("notice_recipients")
    op.drop_column("clinics", "sender_name")
