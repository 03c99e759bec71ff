"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_clinics()
    _create_staff()
    _create_staff_roles()
    _create_clinic_keys()
    _create_drafts()
    _create_memberships()
    _create_roles_users()
    _create_screenings()
    _create_staff_passkeys()
    _create_staff_refresh_trackers()
    _create_consultations()
    _create_draft_doors()
    _create_consultation_events()
    _create_outbox_messages()


def downgrade() -> None:
    for table in (
        "outbox_messages",
        "consultation_events",
        "draft_doors",
        "consultations",
        "staff_refresh_trackers",
        "staff_passkeys",
        "screenings",
        "roles_users",
        "memberships",
        "drafts",
        "clinic_keys",
        "staff_roles",
        "staff",
        "clinics",
    ):
        op.drop_table(table)


def _create_clinics() -> None:
    op.create_table(
        "clinics",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("origins", sa.JSON(), nullable=False),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clinics"),
        sa.UniqueConstraint("slug", name="uq_clinics_slug"),
    )


def _create_staff() -> None:
    op.create_table(
        "staff",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("username", sa.String(length=255), nullable=True),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(), nullable=True),
        sa.Column("last_login_at", sa.DateTime(), nullable=True),
        sa.Column("current_login_at", sa.DateTime(), nullable=True),
        sa.Column("last_login_ip", sa.String(length=64), nullable=True),
        sa.Column("current_login_ip", sa.String(length=64), nullable=True),
        sa.Column("login_count", sa.Integer(), nullable=True),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("tf_phone_number", sa.String(length=128), nullable=True),
        sa.Column("us_totp_secrets", sa.Text(), nullable=True),
        sa.Column("us_phone_number", sa.String(length=128), nullable=True),
        sa.Column("fs_webauthn_user_handle", sa.String(length=64), nullable=True),
        sa.Column("mf_recovery_codes", sa.UnicodeText(), nullable=True),
        sa.Column("create_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("update_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff"),
        sa.UniqueConstraint("email", name="uq_staff_email"),
        sa.UniqueConstraint("fs_uniquifier", name="uq_staff_fs_uniquifier"),
        sa.UniqueConstraint("fs_webauthn_user_handle", name="uq_staff_fs_webauthn_user_handle"),
        sa.UniqueConstraint("us_phone_number", name="uq_staff_us_phone_number"),
        sa.UniqueConstraint("username", name="uq_staff_username"),
    )


def _create_staff_roles() -> None:
    op.create_table(
        "staff_roles",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=True),
        sa.Column("permissions", sa.UnicodeText(), nullable=True),
        sa.Column("update_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staff_roles"),
        sa.UniqueConstraint("name", name="uq_staff_roles_name"),
    )


def _create_clinic_keys() -> None:
    op.create_table(
        "clinic_keys",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_clinic_keys_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_clinic_keys"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_clinic_keys_clinic_id_id"),
        sa.UniqueConstraint("clinic_id", "version", name="uq_clinic_keys_clinic_id_version"),
    )


def _create_drafts() -> None:
    op.create_table(
        "drafts",
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_active_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_drafts_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_drafts_clinic_id_id"),
    )
    op.create_index("ix_drafts_clinic_id_last_active_at", "drafts", ["clinic_id", "last_active_at"])


def _create_memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.CheckConstraint("role IN ('intake', 'clinician', 'clinic_admin')", name="ck_memberships_role"),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_memberships_clinic_id"),
        sa.ForeignKeyConstraint(
            ["staff_id"], ["staff.id"], name="fk_memberships_staff_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_memberships"),
        sa.UniqueConstraint("staff_id", "clinic_id", "role", name="uq_memberships_staff_id_clinic_id_role"),
    )
    op.create_index("ix_memberships_clinic_id", "memberships", ["clinic_id"])


def _create_roles_users() -> None:
    op.create_table(
        "roles_users",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["role_id"], ["staff_roles.id"], name="fk_roles_users_role_id"),
        sa.ForeignKeyConstraint(["user_id"], ["staff.id"], name="fk_roles_users_user_id"),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_roles_users"),
    )


def _create_screenings() -> None:
    op.create_table(
        "screenings",
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("urgency", sa.String(length=40), nullable=False),
        sa.Column("article_class", sa.String(length=60), nullable=False),
        sa.Column("questionnaire_version", sa.String(length=40), nullable=False),
        sa.Column("criteria_version", sa.String(length=40), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_screenings_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_screenings"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_screenings_clinic_id_id"),
    )


def _create_staff_passkeys() -> None:
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(length=1024), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.Integer(), nullable=True),
        sa.Column("transports", sa.UnicodeText(), nullable=True),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("device_type", sa.String(length=64), nullable=False),
        sa.Column("extensions", sa.String(length=255), nullable=True),
        sa.Column("create_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("lastuse_datetime", sa.DateTime(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("usage", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["staff.id"], name="fk_staff_passkeys_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_passkeys"),
    )
    op.create_index("ix_staff_passkeys_credential_id", "staff_passkeys", ["credential_id"], unique=True)


def _create_staff_refresh_trackers() -> None:
    op.create_table(
        "staff_refresh_trackers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("refresh_family", sa.String(length=64), nullable=False),
        sa.Column("gen", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(), nullable=False),
        sa.Column("create_datetime", sa.DateTime(), server_default=sa.func.now(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["staff.id"], name="fk_staff_refresh_trackers_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_refresh_trackers"),
        sa.UniqueConstraint("refresh_family", name="uq_staff_refresh_trackers_refresh_family"),
    )


def _create_consultations() -> None:
    op.create_table(
        "consultations",
        sa.Column("screening_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=10), nullable=False),
        sa.Column("sealed_contact", sa.LargeBinary(), nullable=False),
        sa.Column("consent_version", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("urgency_rank", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("idempotency_key", sa.LargeBinary(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_hash", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('consultation', 'call_back', 'question')", name="ck_consultations_kind"),
        sa.CheckConstraint(
            "state IN ('new', 'in_review', 'needs_info', 'accepted', 'later', 'not_a_fit', "
            "'duplicate', 'withdrawn', 'closed')",
            name="ck_consultations_state",
        ),
        sa.ForeignKeyConstraint(
            ["clinic_id", "screening_id"],
            ["screenings.clinic_id", "screenings.id"],
            name="fk_consultations_clinic_id_screening_id",
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_consultations_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consultations"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_consultations_clinic_id_id"),
        sa.UniqueConstraint(
            "clinic_id", "idempotency_key", name="uq_consultations_clinic_id_idempotency_key"
        ),
        sa.UniqueConstraint("receipt_hash", name="uq_consultations_receipt_hash"),
        sa.UniqueConstraint("reference", name="uq_consultations_reference"),
    )
    op.create_index("ix_consultations_clinic_id_screening_id", "consultations", ["clinic_id", "screening_id"])
    op.create_index(
        "ix_consultations_clinic_id_urgency_rank_received_at_id",
        "consultations",
        ["clinic_id", "urgency_rank", "received_at", "id"],
    )


def _create_draft_doors() -> None:
    op.create_table(
        "draft_doors",
        sa.Column("draft_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "draft_id"],
            ["drafts.clinic_id", "drafts.id"],
            name="fk_draft_doors_clinic_id_draft_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_draft_doors_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_draft_doors"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_draft_doors_clinic_id_id"),
        sa.UniqueConstraint("secret_hash", name="uq_draft_doors_secret_hash"),
    )
    op.create_index("ix_draft_doors_clinic_id_draft_id", "draft_doors", ["clinic_id", "draft_id"])


def _create_consultation_events() -> None:
    op.create_table(
        "consultation_events",
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=True),
        sa.Column("from_state", sa.String(length=20), nullable=True),
        sa.Column("to_state", sa.String(length=20), nullable=True),
        sa.Column("sealed_reason", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultations.clinic_id", "consultations.id"],
            name="fk_consultation_events_clinic_id_consultation_id",
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_consultation_events_clinic_id"),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name="fk_consultation_events_staff_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consultation_events"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_consultation_events_clinic_id_id"),
    )
    op.create_index(
        "ix_consultation_events_clinic_id_consultation_id",
        "consultation_events",
        ["clinic_id", "consultation_id"],
    )


def _create_outbox_messages() -> None:
    op.create_table(
        "outbox_messages",
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("consultation_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("clinic_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["clinic_id", "consultation_id"],
            ["consultations.clinic_id", "consultations.id"],
            name="fk_outbox_messages_clinic_id_consultation_id",
        ),
        sa.ForeignKeyConstraint(["clinic_id"], ["clinics.id"], name="fk_outbox_messages_clinic_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_messages"),
        sa.UniqueConstraint("clinic_id", "id", name="uq_outbox_messages_clinic_id_id"),
    )
    op.create_index(
        "ix_outbox_messages_clinic_id_consultation_id",
        "outbox_messages",
        ["clinic_id", "consultation_id"],
    )
    op.create_index("ix_outbox_messages_sent_at_due_at", "outbox_messages", ["sent_at", "due_at"])
