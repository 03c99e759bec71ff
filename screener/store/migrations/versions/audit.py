"""The audit trail: entries nobody changes, and where each clinic's trail ends."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "audit"
down_revision = "request"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("subject_table", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_audit_entries_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_audit_entries_clinic_id_id"),
        sa.UniqueConstraint("clinic_id", "number", name="uq_audit_entries_clinic_id_number"),
    )
    op.create_index("ix_audit_entries_clinic_id_subject", "audit_entries", ["clinic_id", "subject"])
    heads = op.create_table(
        "audit_heads",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("chain", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_audit_heads_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_heads"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_audit_heads_clinic_id_id"),
        sa.UniqueConstraint("clinic_id", name="uq_audit_heads_clinic_id"),
    )
    _begin_trails(heads)
    _refuse_changes()


def _begin_trails(heads: sa.Table) -> None:
    """Of the clinics that are there already."""
    clinics = sa.table("clinics", sa.column("id", sa.Uuid))
    for clinic_id in op.get_bind().scalars(sa.select(clinics.c.id)).all():
        op.execute(heads.insert().values(id=uuid.uuid4(), clinic_id=clinic_id, number=0, chain=b""))


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_entries_stay_{change.lower()} BEFORE {change} ON audit_entries "
                "BEGIN SELECT RAISE(ABORT, 'audit entries are never changed or deleted'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_stay() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'audit entries are never changed or deleted'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_stay()"
    )


def downgrade() -> None:
    op.drop_table("audit_heads")
    op.drop_index("ix_audit_entries_clinic_id_subject", "audit_entries")
    op.drop_table("audit_entries")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_entries_stay()")
