"""Saved drafts: kept longer, and their used-up doors say why they are shut."""

import sqlalchemy as sa
from alembic import op

revision = "saved_drafts"
down_revision = "mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("drafts", sa.Column("saved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("draft_doors", sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("draft_doors", "replaced_at")
    op.drop_column("drafts", "saved_at")
