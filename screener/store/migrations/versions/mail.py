"""Mail to patients waits in the outbox, and a withdrawn request keeps its row without what was said."""

import sqlalchemy as sa
from alembic import op

revision = "mail"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("outbox_messages") as table:
        table.alter_column("consultation_id", existing_type=sa.Uuid(), nullable=True)
        table.add_column(sa.Column("draft_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("sealed_mail", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("last_error", sa.String(length=80), nullable=True))
        table.create_foreign_key(
            "fk_outbox_messages_clinic_id_draft_id",
            "drafts",
            ["clinic_id", "draft_id"],
            ["clinic_id", "id"],
            ondelete="CASCADE",
        )
        table.create_index("ix_outbox_messages_clinic_id_draft_id", ["clinic_id", "draft_id"])
    with op.batch_alter_table("consultations") as table:
        table.alter_column("screening_id", existing_type=sa.Uuid(), nullable=True)
        table.alter_column("sealed_contact", existing_type=sa.LargeBinary(), nullable=True)
        table.add_column(sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    _rename_kind("request_received", "new_request")


def downgrade() -> None:
    """Refused by the database where a mail waits or a request was withdrawn: they fit no older table."""
    _rename_kind("new_request", "request_received")
    with op.batch_alter_table("consultations") as table:
        table.drop_column("withdrawn_at")
        table.alter_column("sealed_contact", existing_type=sa.LargeBinary(), nullable=False)
        table.alter_column("screening_id", existing_type=sa.Uuid(), nullable=False)
    with op.batch_alter_table("outbox_messages") as table:
        table.drop_index("ix_outbox_messages_clinic_id_draft_id")
        table.drop_constraint("fk_outbox_messages_clinic_id_draft_id", type_="foreignkey")
        for column in ("last_error", "failed_at", "sealed_mail", "draft_id"):
            table.drop_column(column)
        table.alter_column("consultation_id", existing_type=sa.Uuid(), nullable=False)


def _rename_kind(old: str, new: str) -> None:
    """What was owed to staff under the name that the patient's own mail has now."""
    messages = sa.table("outbox_messages", sa.column("kind", sa.String))
    op.execute(messages.update().where(messages.c.kind == old).values(kind=new))
