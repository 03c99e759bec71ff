"""Tells whoever found a hole in this installation whom to write to (RFC 9116)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Blueprint, Response, abort, request

from screener.web.access import settings

security_txt = Blueprint("security_txt", __name__)

# The standard advises less than a year; whoever reads it asks again long before.
_HOLDS: Final = timedelta(days=180)


@security_txt.get("/.well-known/security.txt")
def show() -> Response:
    contacts = settings().security_contacts
    if not contacts:
        abort(404)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        *(f"Contact: {contact}" for contact in contacts),
        f"Expires: {midnight + _HOLDS:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en, es",
        f"Canonical: {settings().link(request.path)}",
    ]
    return Response("".join(f"{line}\n" for line in lines), mimetype="text/plain")
