"""Webhooks: which systems of a clinic are told what happens, what each is owed, and what became of it."""

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from screener.store.audit import Subject, note
from screener.store.clinics import clinic_key
from screener.store.database import new_id
from screener.store.errors import ConflictError, NotFoundError
from screener.store.one_time_keys import row_of_key
from screener.store.outbox import WAITS, Lease, put_off, take_longest_due
from screener.store.tables import (
    Clinic,
    Consultation,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
    place_of,
)
from screener.store.tenancy import entered_clinic
from screener.store.vault import new_key, open_document, seal_document

# What happens to a request -> what endpoints are told.
_TYPES: Final[Mapping[str, str]] = {
    "received": "request.received",
    "moved": "request.state_changed",
    "undone": "request.state_changed",
    "withdrawn": "request.withdrawn",
    "appointment_set": "appointment.set",
    "appointment_called_off": "appointment.called_off",
    "history_signed": "history.signed",
    "history_amended": "history.amended",
}
EVENTS: Final = tuple(dict.fromkeys(_TYPES.values()))
TEST: Final = "endpoint.test"
MOST_ENDPOINTS: Final = 10
# After a new secret was made, messages are signed with the one before it too.
OVERLAP: Final = timedelta(hours=24)
# Whoever made a secret may be shown it again by the same form, so that a double click does not lose it.
_SHOWN: Final = timedelta(minutes=10)
# Nothing reached it for so long: it is left alone until somebody turns it on again.
PATIENCE: Final = timedelta(days=3)
# So long an event can be sent again; then retention deletes it.
KEPT: Final = timedelta(days=30)
_LONGEST_CODE: Final = 64


class Endpoint(NamedTuple):
    """An endpoint's row and what is sealed in it."""

    row: WebhookEndpoint
    address: str
    secrets: list[str]

    @property
    def state(self) -> str:
        return "off" if self.row.disabled_at else "paused" if self.row.paused_at else "on"


# ---------------------------------------------------------------- endpoints


def list_endpoints(session: Session) -> list[Endpoint]:
    """Of the entered clinic, the oldest first."""
    rows = session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id))
    return [_open(session, row) for row in rows]


def get_endpoint(session: Session, endpoint_id: UUID, *, to_change: bool = False) -> Endpoint:
    """Raise NotFoundError if this clinic has none of that id."""
    asked = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    if to_change:
        # Its key stays free: what happens meanwhile can be written for it.
        asked = asked.with_for_update(key_share=True).execution_options(populate_existing=True)
    row = session.scalar(asked)
    if row is None:
        raise NotFoundError("no such endpoint")
    return _open(session, row)


def _open(session: Session, row: WebhookEndpoint) -> Endpoint:
    document = open_document(clinic_key(session, row.clinic_id), place_of(row, "sealed"), row.sealed)
    return Endpoint(row, document["address"], document["secrets"])


def _seal(session: Session, row: WebhookEndpoint, address: str, secrets: list[str], now: datetime) -> None:
    document = {"address": address, "secrets": secrets}
    row.sealed = seal_document(clinic_key(session, row.clinic_id), place_of(row, "sealed"), document)
    row.secret_made_at = now


def add_endpoint(
    session: Session,
    *,
    address: str,
    events: Collection[str],
    staff_id: int | None,
    key: str,
    now: datetime,
) -> Endpoint:
    """A new one, with a new secret; the same however often a form with this key is sent.

    Raise ConflictError if the key was used for another address or long ago, or if there are enough.
    """
    row_id = row_of_key(entered_clinic(session), staff_id, key)
    # Whoever comes at the same time waits here, and then finds what was written.
    here = select(Clinic.id).where(Clinic.id == entered_clinic(session))
    session.execute(here.with_for_update(key_share=True))
    before = session.get(WebhookEndpoint, row_id)
    if before is not None:
        return _shown_again(session, before, address, now)
    if (session.scalar(select(func.count(WebhookEndpoint.id))) or 0) >= MOST_ENDPOINTS:
        raise ConflictError(f"A clinic has {MOST_ENDPOINTS} endpoints at most: remove one first.")
    row = WebhookEndpoint(
        id=row_id,
        clinic_id=entered_clinic(session),
        secret_number=1,
        events=_in_order(events),
        created_at=now,
    )
    secrets = [_new_secret()]
    _seal(session, row, address, secrets, now)
    session.add(row)
    session.flush()
    # The trail holds no addresses: the host is enough to recognise the system.
    host = urlsplit(address).netloc.replace(":", " ")[:_LONGEST_CODE]
    _note(session, row, "webhook_added", staff_id, host=host, events=row.events)
    return Endpoint(row, address, secrets)


def _shown_again(session: Session, row: WebhookEndpoint, address: str, now: datetime) -> Endpoint:
    found = _open(session, row)
    if found.address != address or row.secret_number > 1 or now - row.secret_made_at > _SHOWN:
        raise ConflictError("This form was sent before. Open the page anew to add another address.")
    return found


def set_events(session: Session, endpoint: Endpoint, events: Collection[str], staff_id: int | None) -> bool:
    """Whether that changed anything."""
    chosen = _in_order(events)
    if endpoint.row.events == chosen:
        return False
    endpoint.row.events = chosen
    session.flush()
    _note(session, endpoint.row, "webhook_changed", staff_id, events=chosen)
    return True


def renew_secret(
    session: Session, endpoint: Endpoint, *, seen: int, staff_id: int | None, now: datetime
) -> Endpoint:
    """A new secret, the one before it beside it. `seen` is the number of the secret that the page knew of.

    Raise ConflictError if there is a newer one already that this form did not make just now.
    """
    row = endpoint.row
    if row.secret_number == seen:
        secrets = [_new_secret(), endpoint.secrets[0]]
        _seal(session, row, endpoint.address, secrets, now)
        row.secret_number += 1
        session.flush()
        _note(session, row, "webhook_secret_renewed", staff_id)
        return endpoint._replace(secrets=secrets)
    if row.secret_number == seen + 1 and now - row.secret_made_at <= _SHOWN:
        return endpoint
    raise ConflictError("Somebody made a new secret meanwhile.")


def turn_off(session: Session, endpoint: Endpoint, staff_id: int | None, now: datetime) -> None:
    """Nothing is written for it from now on; what is owed already waits."""
    if endpoint.row.disabled_at is None:
        endpoint.row.disabled_at = now
        session.flush()
        _note(session, endpoint.row, "webhook_disabled", staff_id)


def turn_on(session: Session, endpoint: Endpoint, staff_id: int | None) -> None:
    """Also one that was paused; what waits goes at once."""
    row = endpoint.row
    if endpoint.state != "on":
        row.disabled_at = row.paused_at = row.failing_since = row.rests_until = None
        session.flush()
        _note(session, row, "webhook_enabled", staff_id)


def remove_endpoint(session: Session, endpoint: Endpoint, staff_id: int | None) -> None:
    """And all that it was owed."""
    _note(session, endpoint.row, "webhook_removed", staff_id)
    session.delete(endpoint.row)
    session.flush()


def _in_order(events: Collection[str]) -> list[str]:
    return [event for event in EVENTS if event in events]


def _new_secret() -> str:
    """As Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(new_key()).decode()


def _note(session: Session, row: WebhookEndpoint, what: str, staff_id: int | None, **details: Any) -> None:
    note(session, what, Subject(WebhookEndpoint.__tablename__, str(row.id)), staff_id=staff_id, **details)


# ---------------------------------------------------------------- events


def announce(session: Session, consultation: Consultation, what: str, now: datetime) -> None:
    """In the transaction of what happened: an event for each endpoint that wants it."""
    kind = _TYPES.get(what)
    if kind is None:
        return
    rows = session.scalars(select(WebhookEndpoint).where(WebhookEndpoint.disabled_at.is_(None)))
    wanting = [row for row in rows if kind in row.events]
    if wanting:
        event = WebhookEvent(
            id=new_id(), type=kind, at=now, reference=consultation.reference, state=consultation.state
        )
        _owe(session, event, wanting)


def send_test(session: Session, endpoint: Endpoint, *, staff_id: int | None, key: str, now: datetime) -> None:
    """An event for this endpoint alone, however often a form with this key is sent."""
    event_id = row_of_key(entered_clinic(session), staff_id, key)
    if session.get(WebhookEvent, event_id) is None:
        _owe(session, WebhookEvent(id=event_id, type=TEST, at=now), [endpoint.row])
        endpoint.row.rests_until = None
        session.flush()
        _note(session, endpoint.row, "webhook_tested", staff_id)


def _owe(session: Session, event: WebhookEvent, endpoints: Iterable[WebhookEndpoint]) -> None:
    event.clinic_id = entered_clinic(session)
    session.add(event)
    session.flush()
    for row in endpoints:
        session.add(
            WebhookDelivery(
                id=new_id(),
                clinic_id=event.clinic_id,
                endpoint_id=row.id,
                event_id=event.id,
                due_at=event.at,
            )
        )
    session.flush()


def body_of(event: WebhookEvent, slug: str) -> str:
    """What is sent: the same each time, so that a message that comes twice is told from two messages."""
    data = {"clinic": slug, "reference": event.reference, "state": event.state}
    document = {
        "id": str(event.id),
        "type": event.type,
        "timestamp": event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": {name: value for name, value in data.items() if value is not None},
    }
    return json.dumps(document, separators=(",", ":"))


# ---------------------------------------------------------------- the log


class Logged(NamedTuple):
    """A delivery and what it carries."""

    delivery: WebhookDelivery
    event: WebhookEvent

    @property
    def state(self) -> str:
        row = self.delivery
        return "delivered" if row.sent_at else "given up" if row.failed_at else "waiting"


def list_deliveries(
    session: Session, endpoint_id: UUID, *, limit: int, before: UUID | None = None
) -> list[Logged]:
    """A page of the log, newest first; `before` is where the page before ended."""
    page = (
        select(WebhookDelivery, WebhookEvent)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .where(WebhookDelivery.endpoint_id == endpoint_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    )
    if before is not None:
        page = page.where(WebhookDelivery.id < before)
    return [Logged(*row) for row in session.execute(page)]


class Tally(NamedTuple):
    """How much waits for an endpoint, and how much was given up."""

    waiting: int
    given_up: int


def count_deliveries(session: Session) -> dict[UUID, Tally]:
    """By endpoint; one that owes nothing is missing."""
    counted = (
        select(
            WebhookDelivery.endpoint_id,
            func.count(WebhookDelivery.id) - func.count(WebhookDelivery.failed_at),
            func.count(WebhookDelivery.failed_at),
        )
        .where(WebhookDelivery.sent_at.is_(None))
        .group_by(WebhookDelivery.endpoint_id)
    )
    return {endpoint_id: Tally(waiting, dead) for endpoint_id, waiting, dead in session.execute(counted)}


def replay(session: Session, endpoint: Endpoint, delivery_id: UUID, staff_id: int, now: datetime) -> bool:
    """Sends one once more, with the id it had; False if it waits already. Raise NotFoundError."""
    of_this = WebhookDelivery.endpoint_id == endpoint.row.id
    row = session.scalar(select(WebhookDelivery).where(WebhookDelivery.id == delivery_id, of_this))
    if row is None:
        raise NotFoundError("no such delivery")
    return _replay(session, endpoint, [row], staff_id, now) > 0


def replay_failed(session: Session, endpoint: Endpoint, since: datetime, staff_id: int, now: datetime) -> int:
    """All that was given up since then; how many."""
    given_up = select(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == endpoint.row.id,
        WebhookDelivery.sent_at.is_(None),
        WebhookDelivery.failed_at >= since,
    )
    return _replay(session, endpoint, session.scalars(given_up).all(), staff_id, now)


def _replay(
    session: Session, endpoint: Endpoint, rows: Iterable[WebhookDelivery], staff_id: int | None, now: datetime
) -> int:
    done = [row for row in rows if row.sent_at or row.failed_at]
    for row in done:
        row.sent_at = row.failed_at = row.leased_until = None
        row.due_at, row.attempts = now, 0
    if done:
        endpoint.row.rests_until = None
        session.flush()
        _note(session, endpoint.row, "webhook_replayed", staff_id, messages=len(done))
    return len(done)


# ---------------------------------------------------------------- for the courier


@dataclass(frozen=True)
class Parcel:
    """What is sent, where to, and what signs it."""

    event_id: UUID
    address: str = field(repr=False)
    secrets: list[str] = field(repr=False)
    body: str


def lease_delivery(session: Session, now: datetime) -> Lease | None:
    """The delivery of any clinic that is due longest, in this worker's hands. Commit before sending it."""
    awake = select(WebhookEndpoint.id).where(
        WebhookEndpoint.disabled_at.is_(None),
        WebhookEndpoint.paused_at.is_(None),
        or_(WebhookEndpoint.rests_until.is_(None), WebhookEndpoint.rests_until <= now),
    )
    wanted = select(WebhookDelivery.id, WebhookDelivery.clinic_id).where(
        WebhookDelivery.endpoint_id.in_(awake)
    )
    found = take_longest_due(session, WebhookDelivery, wanted, now)
    return None if found is None else Lease(found.id, found.clinic_id, "webhook")


def read_parcel(session: Session, lease: Lease, now: datetime) -> Parcel | None:
    """None if it was removed, or delivered by another, meanwhile. Raises UnreadableError."""
    found = session.execute(
        select(WebhookEndpoint, WebhookEvent, Clinic.slug)
        .join(WebhookDelivery, WebhookDelivery.endpoint_id == WebhookEndpoint.id)
        .join(WebhookEvent, WebhookEvent.id == WebhookDelivery.event_id)
        .join(Clinic, Clinic.id == WebhookDelivery.clinic_id)
        .where(WebhookDelivery.id == lease.id, WebhookDelivery.sent_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    row, event, slug = found
    endpoint = _open(session, row)
    overlaps = now < row.secret_made_at + OVERLAP
    secrets = endpoint.secrets if overlaps else endpoint.secrets[:1]
    return Parcel(event.id, endpoint.address, secrets, body_of(event, slug))


def mark_delivered(session: Session, lease: Lease, status: int, now: datetime) -> None:
    """The endpoint took it (`status` is its HTTP status) and counts as well again."""
    found = _find_owed(session, lease)
    if found is not None:
        row, endpoint = found
        row.sent_at = row.tried_at = now
        row.leased_until, row.last_error, row.status_code = None, None, status
        endpoint.failing_since = endpoint.rests_until = None
        session.flush()


def mark_undelivered(session: Session, lease: Lease, error: str, status: int | None, now: datetime) -> None:
    """Keeps it for a later try, or as given up; the endpoint rests a little, or until staff turn it on."""
    found = _find_owed(session, lease)
    if found is None:
        return
    row, endpoint = found
    row.tried_at, row.status_code = now, status
    put_off(row, error, now)
    endpoint.failing_since = endpoint.failing_since or now
    endpoint.rests_until = now + WAITS[0]
    if now - endpoint.failing_since >= PATIENCE and endpoint.paused_at is None:
        endpoint.paused_at = now
        _note(session, endpoint, "webhook_paused", None)
    session.flush()


def _find_owed(session: Session, lease: Lease) -> Any:
    owed = (
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint, WebhookEndpoint.id == WebhookDelivery.endpoint_id)
        .where(WebhookDelivery.id == lease.id, WebhookDelivery.sent_at.is_(None))
        # Other workers change both.
        .execution_options(populate_existing=True)
    )
    return session.execute(owed).one_or_none()
