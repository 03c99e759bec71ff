"""What staff do about a request: contacts, notes, tasks, appointments, and whose requests these are."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "request"
down_revision = "queue"
branch_labels = None
depends_on = None

_ONE_REQUEST = ("consultation_id",)


def upgrade() -> None:
    """`screener reindex` fills `person_index` in for requests that are there."""
    op.add_column("consultations", sa.Column("person_index", sa.LargeBinary(), nullable=True))
    op.create_index("ix_consultations_clinic_id_person_index", "consultations", ["clinic_id", "person_index"])
    _create(
        "contact_entries",
        _ONE_REQUEST,
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        _one_of("contact_entries", "kind", "call", "message", "e_mail", "visit"),
        _one_of(
            "contact_entries", "outcome", "reached", "left_message", "no_answer", "wrong_number", "other"
        ),
    )
    _create("request_notes", _ONE_REQUEST, sa.Column("sealed_text", sa.LargeBinary(), nullable=False))
    _create(
        "request_tasks",
        _ONE_REQUEST,
        sa.Column("sealed_what", sa.LargeBinary(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("for_staff_id", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["for_staff_id"], ["staff.id"], name="fk_request_tasks_for_staff_id"),
        sa.ForeignKeyConstraint(["done_by"], ["staff.id"], name="fk_request_tasks_done_by"),
    )
    op.create_index(
        "ix_request_tasks_clinic_id_done_at_due_on", "request_tasks", ["clinic_id", "done_at", "due_on"]
    )
    _create(
        "appointments",
        _ONE_REQUEST,
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=True),
    )
    _create(
        "request_links",
        ("first_id", "second_id"),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.UniqueConstraint(
            "clinic_id", "first_id", "second_id", name="uq_request_links_clinic_id_first_id_second_id"
        ),
        _one_of("request_links", "verdict", "same", "different", "undone"),
    )


def downgrade() -> None:
    for table in ("request_links", "appointments", "request_tasks", "request_notes", "contact_entries"):
        op.drop_table(table)
    op.drop_index("ix_consultations_clinic_id_person_index", "consultations")
    op.drop_column("consultations", "person_index")


def _create(table: str, requests: tuple[str, ...], *more: Any) -> None:
    """A table of what a person did about one request or several; found by the last of them."""
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        *(sa.Column(request, sa.Uuid(), nullable=False) for request in requests),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        *more,
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.UniqueConstraint("clinic_id", "id", name=f"uq_{table}_clinic_id_id"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name=f"fk_{table}_clinic_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=f"fk_{table}_staff_id"),
        *(
            sa.ForeignKeyConstraint(
                ["clinic_id", request],
                ["consultations.clinic_id", "consultations.id"],
                name=f"fk_{table}_clinic_id_{request}",
            )
            for request in requests
        ),
    )
    op.create_index(f"ix_{table}_clinic_id_{requests[-1]}", table, ["clinic_id", requests[-1]])


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"ck_{table}_{column}")
