"""Webhooks by API: a clinic's system says for itself what it wants to be told (docs/webhooks.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from screener.domain.rights import Right
from screener.store.errors import ConflictError
from screener.store.webhooks import (
    EVENTS,
    Endpoint,
    add_endpoint,
    get_endpoint,
    list_endpoints,
    remove_endpoint,
    set_events,
    turn_off,
    turn_on,
)
from screener.web.access import db, settings
from screener.web.api import api
from screener.web.operations import FieldProblem, RefusedError, Strict, operation, wrong_body
from screener.web.refusals import CONFLICT
from screener.web.webhook_hosts import LONGEST_ADDRESS, read_address

EventName = Annotated[str, Field(json_schema_extra={"enum": [*EVENTS]})]


class Webhook(Strict):
    """A system that is told what happens; a paused one failed for three days."""

    id: UUID
    address: str
    events: list[str]
    state: Literal["on", "off", "paused"]
    created_at: AwareDatetime


class Webhooks(Strict):
    webhooks: list[Webhook]


class NewWebhook(Strict):
    address: str = Field(max_length=LONGEST_ADDRESS, json_schema_extra={"format": "uri"})
    events: list[EventName] = Field(min_length=1)


class MadeWebhook(Webhook):
    secret: str = Field(description="What its messages are signed with. Shown this once.")


class WebhookChange(Strict):
    events: list[EventName] | None = Field(None, min_length=1)
    state: Literal["on", "off"] | None = None


class RemovedWebhook(Strict):
    id: UUID


@api.get("/webhooks")
@operation(Right.WEBHOOKS_MANAGE, Webhooks)
def list_webhooks() -> Webhooks:
    """List webhooks."""
    return Webhooks(webhooks=[Webhook(**_told(one)) for one in list_endpoints(db())])


@api.post("/webhooks")
@operation(Right.WEBHOOKS_MANAGE, MadeWebhook, body=NewWebhook, refusals=(409,))
def add_webhook(body: NewWebhook) -> MadeWebhook:
    """Add a webhook, to a host that the installation allows."""
    _check_events(body.events)
    try:
        address = read_address(body.address, settings())
    except ValueError as error:
        # Which hosts are allowed is the installation's to say, not the description's.
        said = FieldProblem(field="address", problem=str(error))
        raise RefusedError(CONFLICT, "This address cannot be told anything.", [said]) from None
    now = datetime.now(UTC)
    try:
        made = add_endpoint(db(), address=address, events=body.events, staff_id=None, key="", now=now)
    except ConflictError as error:
        raise RefusedError(CONFLICT, str(error)) from None
    return MadeWebhook(**_told(made), secret=made.secrets[0])


@api.patch("/webhooks/<uuid:webhook_id>")
@operation(Right.WEBHOOKS_MANAGE, Webhook, body=WebhookChange, refusals=(404,))
def change_webhook(webhook_id: UUID, body: WebhookChange) -> Webhook:
    """Change what a webhook is told, or turn it off and on."""
    found = get_endpoint(db(), webhook_id, to_change=True)
    if body.events is not None:
        _check_events(body.events)
        set_events(db(), found, body.events, None)
    if body.state == "on":
        turn_on(db(), found, None)
    elif body.state == "off":
        turn_off(db(), found, None, datetime.now(UTC))
    return Webhook(**_told(found))


@api.delete("/webhooks/<uuid:webhook_id>")
@operation(Right.WEBHOOKS_MANAGE, RemovedWebhook, refusals=(404,))
def remove_webhook(webhook_id: UUID) -> RemovedWebhook:
    """Remove a webhook and all that it was owed."""
    remove_endpoint(db(), get_endpoint(db(), webhook_id, to_change=True), None)
    return RemovedWebhook(id=webhook_id)


def _told(one: Endpoint) -> dict[str, Any]:
    row = one.row
    return {
        "id": row.id,
        "address": one.address,
        "events": row.events,
        "state": one.state,
        "created_at": row.created_at,
    }


def _check_events(events: list[str]) -> None:
    if not set(events) <= set(EVENTS):
        raise wrong_body("events", f"They are: {', '.join(EVENTS)}.")
