"""How a clinic looks, whether its keys are gone, and who looks after all clinics."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "clinics"
down_revision = "counts"
branch_labels = None
depends_on = None

_LOOK: dict[str, sa.types.TypeEngine[Any]] = {
    "accent": sa.String(length=7),
    "logo": sa.LargeBinary(),
    "logo_hash": sa.String(length=12),
    "logo_width": sa.Integer(),
    "logo_height": sa.Integer(),
    "shredded_at": sa.DateTime(timezone=True),
}


def upgrade() -> None:
    for name, kind in _LOOK.items():
        op.add_column("clinics", sa.Column(name, kind, nullable=True))
    op.add_column("clinics", sa.Column("texts", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))
    op.add_column(
        "staff", sa.Column("is_installation_admin", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("staff", "is_installation_admin")
    op.drop_column("clinics", "texts")
    for name in reversed(_LOOK):
        op.drop_column("clinics", name)
