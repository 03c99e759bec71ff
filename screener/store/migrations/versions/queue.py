"""What the queue filters and searches by, who works on what, saved views and shortcuts."""

import sqlalchemy as sa
from alembic import op

revision = "queue"
down_revision = "sign_in"
branch_labels = None
depends_on = None

_INDEXES = {
    "ix_consultations_clinic_id_email_index": ["clinic_id", "email_index"],
    "ix_consultations_clinic_id_phone_index": ["clinic_id", "phone_index"],
    "ix_consultations_clinic_id_received_at_id": ["clinic_id", "received_at", "id"],
}


def upgrade() -> None:
    """`screener reindex` fills in what is found by e-mail, phone and language: that needs the keys."""
    with op.batch_alter_table("consultations") as table:
        table.add_column(sa.Column("email_index", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("phone_index", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("language", sa.String(length=10), nullable=True))
        table.add_column(sa.Column("owner_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_consultations_owner_id", "staff", ["owner_id"], ["id"])
        for name, columns in _INDEXES.items():
            table.create_index(name, columns)
    with op.batch_alter_table("consultation_events") as table:
        table.add_column(sa.Column("owner_id", sa.Integer(), nullable=True))
        table.create_foreign_key("fk_consultation_events_owner_id", "staff", ["owner_id"], ["id"])
    op.add_column(
        "staff", sa.Column("has_shortcuts", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    _create_openings()
    _create_saved_views()


def _create_openings() -> None:
    op.create_table(
        "openings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_openings_clinic_id"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultations.clinic_id", "consultations.id"],
            name="fk_openings_clinic_id_consultation_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_openings_staff_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_openings"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_openings_clinic_id_id"),
        sa.UniqueConstraint(
            "clinic_id", "consultation_id", "staff_id", name="uq_openings_clinic_id_consultation_id_staff_id"
        ),
    )


def _create_saved_views() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_saved_views_clinic_id"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_saved_views_staff_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_saved_views_clinic_id_id"),
    )
    op.create_index("ix_saved_views_clinic_id_staff_id", "saved_views", ["clinic_id", "staff_id"])


def downgrade() -> None:
    op.drop_table("saved_views")
    op.drop_table("openings")
    op.drop_column("staff", "has_shortcuts")
    with op.batch_alter_table("consultation_events") as table:
        table.drop_constraint("fk_consultation_events_owner_id", type_="foreignkey")
        table.drop_column("owner_id")
    with op.batch_alter_table("consultations") as table:
        for name in _INDEXES:
            table.drop_index(name)
        table.drop_constraint("fk_consultations_owner_id", type_="foreignkey")
        for column in ("owner_id", "language", "phone_index", "email_index"):
            table.drop_column(column)
