"""What the queue filters and searches by."""

import sqlalchemy as sa
from alembic import op

revision = "queue"
down_revision = "sign_in"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """`screener reindex` fills the columns in for requests that are there: it needs the keys."""
    op.add_column("consultations", sa.Column("email_index", sa.LargeBinary(), nullable=True))
    op.add_column("consultations", sa.Column("phone_index", sa.LargeBinary(), nullable=True))
    op.add_column("consultations", sa.Column("language", sa.String(length=10), nullable=True))
    for column in ("email_index", "phone_index"):
        op.create_index(f"ix_consultations_clinic_id_{column}", "consultations", ["clinic_id", column])


def downgrade() -> None:
    for column in ("phone_index", "email_index"):
        op.drop_index(f"ix_consultations_clinic_id_{column}", "consultations")
    for column in ("language", "phone_index", "email_index"):
        op.drop_column("consultations", column)
