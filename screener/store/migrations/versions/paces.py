"""How often something was done from one place, or at one clinic."""

import sqlalchemy as sa
from alembic import op

revision = "paces"
down_revision = "api_tokens"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "paces",
        sa.Column("name", sa.String(length=43), nullable=False),
        sa.Column("full_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_paces"),
    )


def downgrade() -> None:
    op.drop_table("paces")
