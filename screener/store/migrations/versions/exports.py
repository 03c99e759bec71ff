"""Requests taken out as files, where forms ended, and what the figures of a clinic are counted by."""

import sqlalchemy as sa
from alembic import op

revision = "exports"
down_revision = "retention"
branch_labels = None
depends_on = None

_BY_TIME = "ix_screenings_clinic_id_created_at_article_class"


def upgrade() -> None:
    op.add_column("drafts", sa.Column("reached", sa.String(length=40), nullable=True))
    op.create_index(_BY_TIME, "screenings", ["clinic_id", "created_at", "article_class"])
    op.create_table(
        "draft_endings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("page", sa.String(length=40), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_draft_endings_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_draft_endings"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_draft_endings_clinic_id_id"),
        sa.UniqueConstraint("clinic_id", "day", "page", name="uq_draft_endings_clinic_id_day_page"),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("file_format", sa.String(length=10), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_exports_clinic_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_exports_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_exports_clinic_id_id"),
    )
    op.create_index("ix_exports_clinic_id_at", "exports", ["clinic_id", "at"])


def downgrade() -> None:
    op.drop_table("exports")
    op.drop_table("draft_endings")
    op.drop_index(_BY_TIME, "screenings")
    op.drop_column("drafts", "reached")
