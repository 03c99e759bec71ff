"""Indexes by which the queue counts without reading the rows."""

from alembic import op

revision = "counts"
down_revision = "signed_histories"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_screenings_clinic_id_article_class_id", "screenings", ["clinic_id", "article_class", "id"]
    )
    op.create_index(
        "ix_consultations_clinic_id_state_due_at_id", "consultations", ["clinic_id", "state", "due_at", "id"]
    )


def downgrade() -> None:
    op.drop_index("ix_consultations_clinic_id_state_due_at_id", "consultations")
    op.drop_index("ix_screenings_clinic_id_article_class_id", "screenings")
