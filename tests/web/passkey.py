"""A passkey for tests: it answers what the pages ask, as a phone would that its owner unlocks."""

from __future__ import annotations

import hashlib
import json
from struct import pack
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from web.client import Page
from web.walking import token_of
from webauthn.helpers import bytes_to_base64url

ORIGIN = "http://localhost"
_PRESENT_AND_UNLOCKED, _NEW = 0b101, 0b1000000


class Passkey:
    """One key, for one person."""

    def __init__(self) -> None:
        self._id = b"a key of its own"
        self._key = generate_private_key(SECP256R1())
        self._uses = 0

    def answer(self, asked: Page, origin: str = ORIGIN) -> tuple[str, dict[str, object]]:
        """Where a page that asks for a passkey sends the answer, and the form."""
        form = next(form for form in asked.forms if form.get("data-passkey"))
        options = json.loads(form.get("data-options", ""))
        if form.get("data-passkey") == "register":
            response = self._made(options, origin)
        else:
            response = self._used(options, origin)
        credential = {
            "id": bytes_to_base64url(self._id),
            "rawId": bytes_to_base64url(self._id),
            "type": "public-key",
            "response": {name: bytes_to_base64url(value) for name, value in response.items()},
        }
        return form.get("action", ""), token_of(asked) | {"credential": json.dumps(credential)}

    def _made(self, options: dict[str, Any], origin: str) -> dict[str, bytes]:
        point = self._key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        new = bytes(16) + pack(">H", len(self._id)) + self._id + cbor2.dumps(public)
        told = self._told(options["rp"]["id"], _PRESENT_AND_UNLOCKED | _NEW) + new
        return {
            "clientDataJSON": _asked_for("webauthn.create", options, origin),
            "attestationObject": cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told}),
        }

    def _used(self, options: dict[str, Any], origin: str) -> dict[str, bytes]:
        asked = _asked_for("webauthn.get", options, origin)
        told = self._told(options["rpId"], _PRESENT_AND_UNLOCKED)
        signed = self._key.sign(told + hashlib.sha256(asked).digest(), ECDSA(SHA256()))
        return {"clientDataJSON": asked, "authenticatorData": told, "signature": signed}

    def _told(self, site: str, flags: int) -> bytes:
        self._uses += 1
        return hashlib.sha256(site.encode()).digest() + pack(">BI", flags, self._uses)


def _asked_for(what: str, options: dict[str, Any], origin: str) -> bytes:
    return json.dumps({"type": what, "challenge": options["challenge"], "origin": origin}).encode()
