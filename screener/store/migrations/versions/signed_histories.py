"""Histories that clinicians confirm and sign."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "signed_histories"
down_revision = "audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create(
        "working_histories",
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.UniqueConstraint(
            "clinic_id", "consultation_id", name="uq_working_histories_clinic_id_consultation_id"
        ),
    )
    _create(
        "signed_histories",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("questionnaire_version", sa.String(length=40), nullable=False),
        sa.Column("criteria_version", sa.String(length=40), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint(
            "clinic_id",
            "consultation_id",
            "number",
            name="uq_signed_histories_clinic_id_consultation_id_number",
        ),
    )
    _refuse_changes()


def _create(table: str, *more: Any) -> None:
    """A table of sealed histories of a request."""
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("clinic_id", "id", name=f"uq_{table}_clinic_id_id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=f"fk_{table}_clinic_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=f"fk_{table}_staff_id"),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultations.clinic_id", "consultations.id"],
            name=f"fk_{table}_clinic_id_consultation_id",
        ),
    )


def _refuse_changes() -> None:
    """Deleting stays possible: a withdrawal takes all with it."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER signed_histories_stay BEFORE UPDATE ON signed_histories "
            "BEGIN SELECT RAISE(ABORT, 'a signed history is never changed'); END"
        )
        return
    op.execute(
        "CREATE FUNCTION signed_histories_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a signed history is never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER signed_histories_stay BEFORE UPDATE ON signed_histories "
        "FOR EACH STATEMENT EXECUTE FUNCTION signed_histories_stay()"
    )


def downgrade() -> None:
    op.drop_table("signed_histories")
    op.drop_table("working_histories")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION signed_histories_stay()")
