"""The tables: what is kept, which parts of it are sealed, and what may never hang together."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from flask_security.models.sqla import FsModels
from flask_security.models.sqla_v2 import (
    FsRefreshTrackerMixin,
    FsRoleMixin,
    FsUserMixin,
    FsWebAuthnMixin,
)
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from screener.domain.consultation import Role as ClinicRole
from screener.domain.consultation import State
from screener.domain.follow_up import ContactKind, Outcome
from screener.domain.notification import Choice
from screener.store.database import Base, UtcDateTime, new_id
from screener.store.tenancy import ClinicScoped, within_clinic
from screener.store.vault import Place

DRAFT_IDLE: Final = timedelta(hours=24)
MOST_TRIES: Final = 5

STATES: Final = tuple(state.value for state in State)
KINDS: Final = ("consultation", "call_back", "question")
LANGUAGES: Final = ("en", "es")
ROLES: Final = tuple(role.value for role in ClinicRole)
FOUND_BY: Final = ("email_index", "phone_index", "person_index")
FILTERED_BY: Final = ("kind", "article_class", "language", "owner_id")
COUNTED_BY: Final = ("kind", "state", "urgency_rank", "language", "article_class", "tried_minutes")
LINK_VERDICTS: Final = ("same", "different", "undone")


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def place_of(row: ClinicScoped, column: str) -> Place:
    return Place(row.clinic_id, row.__tablename__, column, row.id)


class Clinic(Base):
    """A tenant. Its columns hold what every visitor of its page may read."""

    __tablename__ = "clinics"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str] = mapped_column(String(40))
    hours: Mapped[str] = mapped_column(Text)
    time_zone: Mapped[str] = mapped_column(String(64))
    origins: Mapped[list[str]] = mapped_column(JSON)
    is_demo: Mapped[bool]
    # How it looks: a color #rrggbb; its own words ("intro", "what_next"), then by language; a PNG.
    accent: Mapped[str | None] = mapped_column(String(7))
    texts: Mapped[dict[str, dict[str, str]]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    logo: Mapped[bytes | None] = mapped_column(deferred=True)
    logo_hash: Mapped[str | None] = mapped_column(String(12))
    logo_width: Mapped[int | None]
    logo_height: Mapped[int | None]
    # What it offers its patients, and after how many quiet minutes its staff are signed out.
    languages: Mapped[list[str]] = mapped_column(
        JSON, default=lambda: list(LANGUAGES), server_default=text("""'["en", "es"]'""")
    )
    kinds: Mapped[list[str]] = mapped_column(
        JSON,
        default=lambda: list(KINDS),
        server_default=text("""'["consultation", "call_back", "question"]'"""),
    )
    idle_minutes: Mapped[int] = mapped_column(default=15, server_default=text("15"))
    # How long it keeps a saved form, a request it did not take on, and one that was charted (retention.py).
    draft_days: Mapped[int] = mapped_column(default=7, server_default=text("7"))
    refused_days: Mapped[int] = mapped_column(default=90, server_default=text("90"))
    accepted_days: Mapped[int] = mapped_column(default=30, server_default=text("30"))
    # Stands before the installation's address in its mails; else the installation's own name does.
    sender_name: Mapped[str | None] = mapped_column(String(60))
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Its keys are gone, and with them all that was sealed.
    shredded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def state(self) -> str:
        return "destroyed" if self.shredded_at else "disabled" if self.disabled_at else "open"


class ClinicKey(ClinicScoped, Base):
    """A clinic's data key, wrapped under a master key; without these rows its records stay shut forever."""

    __tablename__ = "clinic_keys"
    constraints = (UniqueConstraint("clinic_id", "version"),)

    version: Mapped[int]
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Draft(ClinicScoped, Base):
    """Answers being given; the key to them hangs on the doors, not here."""

    __tablename__ = "drafts"
    # All that tells whether its time is over, so that whoever looks reads no answers on the way.
    constraints = (Index(None, "clinic_id", "last_active_at", "saved_at", "created_at", "id"),)

    sealed: Mapped[bytes]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_active_at: Mapped[datetime] = mapped_column(UtcDateTime)
    saved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The furthest page answered of those that everybody is asked; None where it does not count (endings.py).
    reached: Mapped[str | None] = mapped_column(String(40))


class DraftEndings(ClinicScoped, Base):
    """How many forms ended on a day at a page: a number of people, and nothing of any of them."""

    __tablename__ = "draft_endings"
    constraints = (UniqueConstraint("clinic_id", "day", "page"),)

    # By the clinic's calendar.
    day: Mapped[date]
    page: Mapped[str] = mapped_column(String(40))
    count: Mapped[int]


class DraftDoor(ClinicScoped, Base):
    """A way into a draft: the hash finds it, only the token itself opens it.

    A closed door (`replaced_at`) holds no key any more; it is kept to tell its visitor why.
    """

    __tablename__ = "draft_doors"
    constraints = (
        within_clinic("draft_id", "drafts", ondelete="CASCADE"),
        Index(None, "clinic_id", "draft_id"),
    )

    draft_id: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    wrapped_key: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    replaced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Screening(ClinicScoped, Base):
    """A finished screening, written once; beside the sealed document only what the queue filters by."""

    __tablename__ = "screenings"
    append_only = True
    constraints = ()

    sealed: Mapped[bytes]
    urgency: Mapped[str] = mapped_column(String(40))
    article_class: Mapped[str] = mapped_column(String(60))
    questionnaire_version: Mapped[str] = mapped_column(String(40))
    criteria_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Consultation(ClinicScoped, Base):
    """A request with the contact details to answer it."""

    __tablename__ = "consultations"
    constraints = (
        within_clinic("screening_id", "screenings"),
        UniqueConstraint("clinic_id", "idempotency_key"),
        Index(None, "clinic_id", "screening_id"),
        Index(None, "clinic_id", "received_at", "id"),
        # The queue's orders, a state at a time.
        Index(None, "clinic_id", "state", "urgency_rank", "received_at", "id"),
        Index(None, "clinic_id", "state", "received_at", "id"),
        # What it is filtered by, and what is owed, of each state.
        Index(None, "clinic_id", "state", "owed_at"),
        Index(None, "clinic_id", "state", "urgency_rank", "owed_at"),
        *(
            Index(f"ix_consultations_by_{column}", "clinic_id", column, "state", "urgency_rank", "owed_at")
            for column in FILTERED_BY
        ),
        # All that the dashboard counts over time, so that no count reads the rows.
        Index("ix_consultations_figures", "clinic_id", "received_at", *COUNTED_BY),
        # What retention looks for, and counts.
        Index(None, "clinic_id", "accepted_at", "state_since", "keep_until"),
        Index(None, "clinic_id", "charted_at", "accepted_at", "keep_until"),
        Index(None, "clinic_id", "keep_until"),
        *(Index(None, "clinic_id", column, "received_at") for column in FOUND_BY),
        _one_of("kind", KINDS),
        _one_of("state", STATES),
    )

    # Both are gone once the patient withdrew the request.
    screening_id: Mapped[UUID | None]
    reference: Mapped[str] = mapped_column(String(10), unique=True)
    sealed_contact: Mapped[bytes | None]
    # Keyed hashes (store/blind_index.py) and the page's language; they go with the contact data.
    email_index: Mapped[bytes | None]
    phone_index: Mapped[bytes | None]
    person_index: Mapped[bytes | None]
    language: Mapped[str | None] = mapped_column(String(10))
    # What the answers match, as in the screening, whose own rows are long; goes with it.
    article_class: Mapped[str | None] = mapped_column(String(60))
    # Whose work it is.
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    consent_version: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    urgency_rank: Mapped[int]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # When the next thing that is owed about it is due, whatever it is (due.py).
    owed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # How long it took until somebody first tried to reach the patient.
    tried_minutes: Mapped[int | None]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_since: Mapped[datetime] = mapped_column(UtcDateTime)
    # Since when it is accepted; stays when it is closed, and goes with any other state.
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when its content stands in the clinic's own chart.
    charted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The last day of a hold: until its end nothing deletes the request.
    keep_until: Mapped[date | None]
    idempotency_key: Mapped[bytes]
    body_digest: Mapped[bytes]
    receipt_hash: Mapped[bytes] = mapped_column(unique=True)
    version: Mapped[int] = mapped_column()

    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it


class ConsultationEvent(ClinicScoped, Base):
    """What happened to a request: who read it, who moved it and why. Written once."""

    __tablename__ = "consultation_events"
    append_only = True
    constraints = (
        within_clinic("consultation_id", "consultations"),
        Index(None, "clinic_id", "consultation_id"),
    )

    consultation_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    what: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    from_state: Mapped[str | None] = mapped_column(String(20))
    to_state: Mapped[str | None] = mapped_column(String(20))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    sealed_reason: Mapped[bytes | None]


class Opening(ClinicScoped, Base):
    """Somebody has a request open; it lapses by itself and bars nobody."""

    __tablename__ = "openings"
    constraints = (
        within_clinic("consultation_id", "consultations", ondelete="CASCADE"),
        UniqueConstraint("clinic_id", "consultation_id", "staff_id"),
    )

    consultation_id: Mapped[UUID]
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SavedView(ClinicScoped, Base):
    """Filters of the queue under a name, which staff chose and which is sealed like all they write."""

    __tablename__ = "saved_views"
    constraints = (Index(None, "clinic_id", "staff_id"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    sealed_name: Mapped[bytes]
    query: Mapped[dict[str, str]] = mapped_column(JSON)
    is_shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ContactEntry(ClinicScoped, Base):
    """A try to reach the patient, and what came of it. Written once."""

    __tablename__ = "contact_entries"
    append_only = True
    constraints = (
        within_clinic("consultation_id", "consultations"),
        Index(None, "clinic_id", "consultation_id"),
        _one_of("kind", tuple(kind.value for kind in ContactKind)),
        _one_of("outcome", tuple(outcome.value for outcome in Outcome)),
    )

    consultation_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    kind: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(20))
    sealed_note: Mapped[bytes | None]
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RequestNote(ClinicScoped, Base):
    """What staff wrote about a request for each other. Written once."""

    __tablename__ = "request_notes"
    append_only = True
    constraints = (
        within_clinic("consultation_id", "consultations"),
        Index(None, "clinic_id", "consultation_id"),
    )

    consultation_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    sealed_text: Mapped[bytes]


class RequestTask(ClinicScoped, Base):
    """Something to be done about a request, by a day of the clinic's calendar."""

    __tablename__ = "request_tasks"
    constraints = (
        within_clinic("consultation_id", "consultations"),
        Index(None, "clinic_id", "consultation_id"),
        Index(None, "clinic_id", "done_at", "due_on"),
    )

    consultation_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    sealed_what: Mapped[bytes]
    due_on: Mapped[date]
    for_staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))


class Appointment(ClinicScoped, Base):
    """When the patient comes, as last arranged; without a time it was called off. Written once."""

    __tablename__ = "appointments"
    append_only = True
    constraints = (
        within_clinic("consultation_id", "consultations"),
        Index(None, "clinic_id", "consultation_id"),
    )

    consultation_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    starts_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    minutes: Mapped[int | None]


class WorkingHistory(ClinicScoped, Base):
    """A history that a clinician is confirming: one of a request, until it is signed."""

    __tablename__ = "working_histories"
    constraints = (
        within_clinic("consultation_id", "consultations"),
        UniqueConstraint("clinic_id", "consultation_id"),
    )

    consultation_id: Mapped[UUID]
    sealed: Mapped[bytes]
    # Who touched it last.
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    saved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column()

    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it


class SignedHistory(ClinicScoped, Base):
    """A history as a clinician signed it. Written once: the database refuses to change it."""

    __tablename__ = "signed_histories"
    append_only = True
    constraints = (
        within_clinic("consultation_id", "consultations"),
        UniqueConstraint("clinic_id", "consultation_id", "number"),
    )

    consultation_id: Mapped[UUID]
    # 1, 2, 3 and so on of a request; each after the first is an amendment.
    number: Mapped[int]
    sealed: Mapped[bytes]
    questionnaire_version: Mapped[str] = mapped_column(String(40))
    criteria_version: Mapped[str] = mapped_column(String(40))
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RequestLink(ClinicScoped, Base):
    """What a person decided about two requests: of one patient or not. `first_id` is the smaller."""

    __tablename__ = "request_links"
    constraints = (
        within_clinic("first_id", "consultations"),
        within_clinic("second_id", "consultations"),
        UniqueConstraint("clinic_id", "first_id", "second_id"),
        Index(None, "clinic_id", "second_id"),
        _one_of("verdict", LINK_VERDICTS),
    )

    first_id: Mapped[UUID]
    second_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    verdict: Mapped[str] = mapped_column(String(20))


class Export(ClinicScoped, Base):
    """Requests taken out as a file. Why, and which ones, is sealed. Written once."""

    __tablename__ = "exports"
    append_only = True
    constraints = (Index(None, "clinic_id", "at"),)

    at: Mapped[datetime] = mapped_column(UtcDateTime)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    file_format: Mapped[str] = mapped_column(String(10))
    groups: Mapped[list[str]] = mapped_column(JSON)
    query: Mapped[dict[str, str]] = mapped_column(JSON)
    row_count: Mapped[int]
    sealed: Mapped[bytes]


class AuditEntry(ClinicScoped, Base):
    """Somebody read or changed something. Written once; the database refuses to change or delete it."""

    __tablename__ = "audit_entries"
    append_only = True
    constraints = (
        UniqueConstraint("clinic_id", "number"),
        Index(None, "clinic_id", "subject", "number"),
        Index(None, "clinic_id", "staff_id", "number"),
        Index(None, "clinic_id", "what", "number"),
        Index(None, "clinic_id", "at", "number"),
    )

    # 1, 2, 3 and so on within the clinic.
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # No foreign key: what a person did stays when the person is gone.
    staff_id: Mapped[int | None]
    what: Mapped[str] = mapped_column(String(40))
    subject_table: Mapped[str] = mapped_column(String(40))
    # A request's reference or a row's id.
    subject: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    chain: Mapped[bytes]


class AuditHead(ClinicScoped, Base):
    """Where a clinic's audit trail ends; whoever writes an entry holds this row."""

    __tablename__ = "audit_heads"
    constraints = (UniqueConstraint("clinic_id"),)

    number: Mapped[int]
    chain: Mapped[bytes]


class ApiToken(ClinicScoped, Base):
    """What a clinic's own system shows to be let in: kept as a hash, never itself."""

    __tablename__ = "api_tokens"
    constraints = (UniqueConstraint("clinic_id", "secret_hash"),)

    name: Mapped[str] = mapped_column(String(80))
    secret_hash: Mapped[bytes]
    # The last characters, to tell one from another.
    ending: Mapped[str] = mapped_column(String(4))
    rights: Mapped[list[str]] = mapped_column(JSON)
    # Who made it; None for the operator.
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The minute it was used last, counted from 1970, and how often in it.
    minute: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    calls: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class NoticeRecipient(ClinicScoped, Base):
    """How a person, or an inbox that several read, is told of new requests; a person's row may be missing.

    An inbox is told of nothing until somebody who reads it has typed the code that was mailed there.
    """

    __tablename__ = "notice_recipients"
    constraints = (
        UniqueConstraint("clinic_id", "staff_id"),
        _one_of("choice", tuple(choice.value for choice in Choice)),
    )

    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    sealed_address: Mapped[bytes | None]
    code_hash: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(default=0)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    choice: Mapped[str] = mapped_column(String(20))
    # By the clinic's clock; both or neither.
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    urgent_breaks_in: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Owed:
    """What a worker carries away: leased, tried, put off, and in the end sent or given up."""

    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    leased_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The class of the failure and the server's code: its words may quote an address.
    last_error: Mapped[str | None] = mapped_column(String(80))


class OutboxMessage(Owed, ClinicScoped, Base):
    """A message that is owed. Whom it goes to and what it says is sealed, and gone once it was sent."""

    __tablename__ = "outbox_messages"
    constraints = (
        within_clinic("consultation_id", "consultations"),
        # A draft's mail is cancelled by its end.
        within_clinic("draft_id", "drafts", ondelete="CASCADE"),
        # So is what an inbox was still owed when it was taken off the list.
        within_clinic("recipient_id", "notice_recipients", ondelete="CASCADE"),
        Index(None, "clinic_id", "consultation_id"),
        Index(None, "clinic_id", "draft_id"),
        Index(None, "clinic_id", "recipient_id"),
        Index(None, "clinic_id", "failed_at"),
        Index(None, "sent_at", "due_at"),
    )

    kind: Mapped[str] = mapped_column(String(40))
    consultation_id: Mapped[UUID | None]
    draft_id: Mapped[UUID | None]
    # Of a notice to staff.
    recipient_id: Mapped[UUID | None]
    sealed_mail: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookEndpoint(ClinicScoped, Base):
    """A system of the clinic's that is told what happens. Its address may be a secret too: it is sealed."""

    __tablename__ = "webhook_endpoints"

    # The address and the secrets, the current one first.
    sealed: Mapped[bytes]
    # How many secrets there were, and when the current one was made.
    secret_number: Mapped[int]
    secret_made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    events: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # Turned off by staff; or by the worker, after it failed for too long.
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Since when nothing reached it; and until when nobody tries, so that it holds up no other.
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rests_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WebhookEvent(ClinicScoped, Base):
    """Something happened that endpoints are told; it holds nothing of a patient. Written once."""

    __tablename__ = "webhook_events"
    append_only = True
    constraints = (Index(None, "clinic_id", "at"),)

    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    # None for a test.
    reference: Mapped[str | None] = mapped_column(String(10))
    state: Mapped[str | None] = mapped_column(String(20))


class WebhookDelivery(Owed, ClinicScoped, Base):
    """An event on its way to an endpoint."""

    __tablename__ = "webhook_deliveries"
    constraints = (
        within_clinic("endpoint_id", "webhook_endpoints", ondelete="CASCADE"),
        within_clinic("event_id", "webhook_events", ondelete="CASCADE"),
        UniqueConstraint("clinic_id", "endpoint_id", "event_id"),
        Index(None, "clinic_id", "event_id"),
        Index(None, "sent_at", "due_at"),
    )

    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status_code: Mapped[int | None]


# Flask-Security names these classes, and wants its table names before they are made.
FsModels.set_db_info(  # type: ignore[no-untyped-call]  # the library has no types here
    base_model=Base,
    user_table_name="staff",
    role_table_name="staff_roles",
    webauthn_table_name="staff_passkeys",
    refresh_table_name="staff_refresh_trackers",
)


class User(Base, FsUserMixin):
    """A person who works at the installation; what they may do stands in the memberships."""

    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(String(200))
    # The time step of the last code that was used: it opens nothing a second time.
    totp_counter: Mapped[int | None]
    # Whether the desk listens to single keys: they get in the way of speech input, so only who asks has them.
    has_shortcuts: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Adds, changes and closes clinics; reads nothing of any.
    is_installation_admin: Mapped[bool] = mapped_column(default=False, server_default=false())

    def check_tf_required_setup(self) -> bool:
        """Whether the app's codes are the only second step, which nobody gives up."""
        return not self.webauthn


class Role(Base, FsRoleMixin):
    """Flask-Security's roles: unused, the library asks for them."""

    __tablename__ = "staff_roles"


class WebAuthn(Base, FsWebAuthnMixin):
    """A passkey."""

    __tablename__ = "staff_passkeys"


class FsRefreshTracker(Base, FsRefreshTrackerMixin):
    """Flask-Security's refresh tokens: unused, the library asks for them."""

    __tablename__ = "staff_refresh_trackers"


class Membership(Base):
    """What a person is at a clinic. Read at sign-in, before a clinic is known."""

    __tablename__ = "memberships"
    __table_args__ = (UniqueConstraint("staff_id", "clinic_id", "role"), _one_of("role", ROLES))

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    clinic_id: Mapped[UUID] = mapped_column(ForeignKey("clinics.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    # What this clinic calls the person: it learns nothing from how others do.
    name: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StaffSession(Base):
    """A person signed in somewhere: the cookie is worth nothing without its row."""

    __tablename__ = "staff_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    # "passkey", "code" or "recovery code"; none yet on the way to a first one.
    second_step: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class FailedTries(Base):
    """How often signing in failed for an account, from an address, or for one from the other.

    The name is an HMAC: the table tells nobody who tried what.
    """

    __tablename__ = "failed_tries"

    name: Mapped[str] = mapped_column(String(43), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Pace(Base):
    """When somebody, or all who come to a clinic, may do a thing again as often as at first (store/pace.py).

    The name is an HMAC: the table tells nobody who did what.
    """

    __tablename__ = "paces"

    name: Mapped[str] = mapped_column(String(43), primary_key=True)
    # In milliseconds since 1970, so that the database itself counts on.
    full_at: Mapped[int] = mapped_column(BigInteger)
