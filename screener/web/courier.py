"""The worker that tells clinics' systems what happened: one signed message at a time."""

from __future__ import annotations

import http.client
import ssl
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from flask import Flask
from standardwebhooks import Webhook

from screener.settings import Settings
from screener.store.errors import StoreError
from screener.store.outbox import Lease
from screener.store.webhooks import (
    Parcel,
    lease_delivery,
    mark_delivered,
    mark_undelivered,
    read_parcel,
)
from screener.web.deliver import Carrier, Worker
from screener.web.logs import get_log
from screener.web.outside import PrivateAddressError, UnknownHostError, Visit, target_of
from screener.web.webhook_hosts import may_be_told

SECONDS: Final = 10.0

log = get_log(__name__)


class NotTakenError(Exception):
    """Why a message did not arrive: a code for the log, and the status if there was an answer."""

    def __init__(self, code: str, status: int | None = None) -> None:
        super().__init__(code)
        self.code, self.status = code, status


def carriers_of(app: Flask) -> list[Carrier]:
    """Whoever carries what this installation owes to others."""
    settings: Settings = app.extensions["screener.settings"]
    return [Worker(app), Courier(app)] if settings.can_mail else [Courier(app)]


class Courier(Carrier):
    def deliver_next(self) -> bool:
        with self._database.new_session() as session:
            lease = lease_delivery(session, datetime.now(UTC))
            session.commit()
        if lease is not None:
            self._deliver(lease)
        return lease is not None

    def _deliver(self, lease: Lease) -> None:
        try:
            with self._at_clinic(lease) as session:
                parcel = read_parcel(session, lease, datetime.now(UTC))
            if parcel is None:
                return
            status = hand_over(parcel, self._settings)
        except NotTakenError as error:
            self._keep(lease, error)
        except StoreError:
            self._keep(lease, NotTakenError("unreadable"))
        else:
            with self._at_clinic(lease) as session:
                mark_delivered(session, lease, status, datetime.now(UTC))
                session.commit()
            log.info("webhook", message=str(lease.id), kind=lease.kind, outcome="sent")

    def _keep(self, lease: Lease, error: NotTakenError) -> None:
        with self._at_clinic(lease) as session:
            mark_undelivered(session, lease, error.code, error.status, datetime.now(UTC))
            session.commit()
        told = {"error": error.code} | ({"status": error.status} if error.status else {})
        log.warning("webhook", message=str(lease.id), kind=lease.kind, outcome="kept", **told)


def hand_over(parcel: Parcel, settings: Settings) -> int:
    """The status of an answer that says it was taken. Raises NotTakenError."""
    if not may_be_told(parcel.address, settings):
        raise NotTakenError("not_allowed")
    visit = Visit(SECONDS, may_be_local=bool(settings.demo))
    try:
        status = visit.run(lambda lines: _post(visit, lines, parcel))
    except PrivateAddressError:
        raise NotTakenError("private") from None
    except UnknownHostError:
        raise NotTakenError("unknown_host") from None
    except TimeoutError:
        raise NotTakenError("timeout") from None
    except ssl.SSLError:
        raise NotTakenError("certificate") from None
    except (OSError, http.client.HTTPException, ValueError):
        raise NotTakenError("connection") from None
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotTakenError("status", status)
    return status


def _post(visit: Visit, lines: ExitStack, parcel: Parcel) -> int:
    """The answer's status; what else it says is not read."""
    parts = urlsplit(parcel.address)
    connection = visit.open(lines, "https", parts.hostname or "", parts.port or 443)
    headers = {"Host": parts.netloc, "Connection": "close", **signed(parcel, datetime.now(UTC))}
    connection.request("POST", target_of(parcel.address), body=parcel.body.encode(), headers=headers)
    return lines.enter_context(connection.getresponse()).status


def signed(parcel: Parcel, now: datetime) -> dict[str, str]:
    """As Standard Webhooks says it, with a signature for each secret that holds."""
    event_id = str(parcel.event_id)
    signatures = (Webhook(secret).sign(event_id, now, parcel.body) for secret in parcel.secrets)
    return {
        "Content-Type": "application/json",
        "User-Agent": "headache-screener-webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
