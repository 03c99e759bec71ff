"""Sealing: nothing a patient says lies readable in the database, and no sealed value can be moved."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from screener.store.errors import UnreadableError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
FORMAT: Final = 1
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HEAD_BYTES: Final = 3
_LARGEST_VERSION: Final = 0xFFFF
# Shorter ones gain little, and a draft is sealed at each page.
_PACKED_FROM: Final = 4096
# More effort takes twice the time and saves a tenth more.
_PACKED_HOW: Final = 3
# 32 random bytes hold about 30 different ones; a random source never gives as few as this.
_LEAST_DIFFERENT_BYTES: Final = 12


class Place(NamedTuple):
    """Where a sealed value belongs; it opens nowhere else."""

    clinic_id: UUID
    table: str
    column: str
    row_id: UUID

    @property
    def aad(self) -> bytes:
        return f"{self.clinic_id.hex}|{self.table}|{self.column}|{self.row_id.hex}".encode()


@dataclass(frozen=True)
class KeyRing:
    """Keys by version: the current one seals, any of them opens what it sealed."""

    keys: Mapping[int, bytes] = field(repr=False)
    current: int

    @classmethod
    def of_one(cls, key: bytes) -> Self:
        return cls({1: key}, 1)

    @cached_property
    def ciphers(self) -> dict[int, AESGCM]:
        return {version: AESGCM(key) for version, key in self.keys.items()}

    def find_cipher(self, version: int) -> AESGCM | None:
        return self.ciphers.get(version)


def seal(ring: KeyRing, place: Place, data: bytes) -> bytes:
    """Format (1 byte), key number (2), nonce (12), then AES-256-GCM's output, bound to the place."""
    return _seal(ring, place.aad, data)


def open_sealed(ring: KeyRing, place: Place, envelope: bytes) -> bytes:
    """Raise UnreadableError if the value was altered, moved or sealed under an unknown key."""
    return _open(ring, place.aad, envelope)


def _seal(ring: KeyRing, aad: bytes, data: bytes) -> bytes:
    head = bytes([FORMAT]) + ring.current.to_bytes(2)
    nonce = os.urandom(NONCE_BYTES)
    return head + nonce + ring.ciphers[ring.current].encrypt(nonce, data, head + aad)


def _open(ring: KeyRing, aad: bytes, envelope: bytes) -> bytes:
    head, nonce = envelope[:_HEAD_BYTES], envelope[_HEAD_BYTES : _HEAD_BYTES + NONCE_BYTES]
    cipher = ring.find_cipher(int.from_bytes(head[1:]))
    if head[:1] != bytes([FORMAT]) or len(nonce) != NONCE_BYTES or cipher is None:
        raise UnreadableError("unknown format or key")
    try:
        return cipher.decrypt(nonce, envelope[_HEAD_BYTES + NONCE_BYTES :], head + aad)
    except InvalidTag:
        raise UnreadableError("altered, moved or sealed under another key") from None


def seal_document(ring: KeyRing, place: Place, document: Mapping[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return seal(ring, place, pack(text.encode()))


def open_document(ring: KeyRing, place: Place, envelope: bytes) -> dict[str, Any]:
    """Raise UnreadableError as `open_sealed` does."""
    document: dict[str, Any] = json.loads(unpack(open_sealed(ring, place, envelope)))
    return document


def pack(text: bytes) -> bytes:
    """A JSON object as it is sealed; a long one repeats itself and takes a fifth of its bytes."""
    return zlib.compress(text, _PACKED_HOW) if len(text) > _PACKED_FROM else text


def unpack(data: bytes) -> bytes:
    # What zlib writes begins with no brace.
    return data if data.startswith(b"{") else zlib.decompress(data)


class MasterKeys:
    """The installation's keys, read from text like `1:<base64>,2:<base64>`; the last one is current."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raise ValueError, naming what to do and never the key, if the text will not do."""
        keys: dict[int, bytes] = {}
        for part in text.split(","):
            version, key = _parse_master_key(part.strip())
            if version in keys:
                raise ValueError(f"master key {version} appears twice")
            keys[version] = key
        return cls(KeyRing(keys, version))

    @staticmethod
    def new_text() -> str:
        """A fresh text with one key; keep it apart from the database and its backups."""
        return "1:" + base64.b64encode(new_key()).decode()

    @property
    def current(self) -> int:
        return self._ring.current

    @property
    def newest(self) -> Self:
        """The same keys; the one with the highest number wraps."""
        return type(self)(KeyRing(self._ring.keys, max(self._ring.keys)))

    @property
    def numbers(self) -> list[int]:
        return sorted(self._ring.keys)

    def find(self, number: int) -> bytes | None:
        return self._ring.keys.get(number)

    def wrap(self, clinic_id: UUID, version: int, key: bytes) -> bytes:
        return _seal(self._ring, _clinic_key_aad(clinic_id, version), key)

    def unwrap(self, clinic_id: UUID, version: int, wrapped: bytes) -> bytes:
        return _open(self._ring, _clinic_key_aad(clinic_id, version), wrapped)


def key_number(envelope: bytes) -> int:
    """Under which key of its ring something was sealed."""
    return int.from_bytes(envelope[1:_HEAD_BYTES])


def _clinic_key_aad(clinic_id: UUID, version: int) -> bytes:
    return f"clinic-key|{clinic_id.hex}|{version}".encode()


def _parse_master_key(part: str) -> tuple[int, bytes]:
    # The messages never repeat the text: it may hold a key.
    number, colon, encoded = part.partition(":")
    if not colon or not number.isascii() or not number.isdigit():
        raise ValueError("a master key looks like 1:<base64 of 32 bytes>; separate several with commas")
    version = int(number)
    if not 1 <= version <= _LARGEST_VERSION:
        raise ValueError(f"a master key's number must be from 1 to {_LARGEST_VERSION}")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"master key {version} is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"master key {version} has {len(key)} bytes; it needs {KEY_BYTES}")
    if len(set(key)) < _LEAST_DIFFERENT_BYTES:
        raise ValueError(f"master key {version} is not random; `screener keys add-master` makes one")
    return version, key


@dataclass(frozen=True)
class Vault:
    """What a session needs to seal and open; lives in `session.info["vault"]`."""

    master: MasterKeys
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < KEY_BYTES:
            raise ValueError(f"the server secret has {len(self.secret)} bytes; it needs {KEY_BYTES} or more")


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def new_token() -> str:
    return secrets.token_urlsafe(KEY_BYTES)


def new_code(length: int) -> str:
    """Random characters without I, L, O and U (five bits each), to be said or written down."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(length))


def token_hash(token: str) -> bytes:
    """All the database ever learns of a token."""
    return hashlib.sha256(token.encode()).digest()


def derive_token(vault: Vault, purpose: str, value: str) -> str:
    """A token which only this server can make: the same for the same purpose and value."""
    if "|" in purpose:
        raise ValueError("a purpose holds no |")
    digest = hmac.digest(vault.secret, f"{purpose}|{value}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def wrap_draft_key(vault: Vault, token: str, place: Place, draft_key: bytes) -> bytes:
    """Hang a draft's key behind a door: it opens with the token and the server's secret together."""
    return seal(_door_ring(vault, token), place, draft_key)


def unwrap_draft_key(vault: Vault, token: str, place: Place, wrapped: bytes) -> bytes:
    return open_sealed(_door_ring(vault, token), place, wrapped)


def _door_ring(vault: Vault, token: str) -> KeyRing:
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=vault.secret, info=b"draft door")
    return KeyRing.of_one(kdf.derive(token.encode()))


def audit_key(vault: Vault, clinic_id: UUID) -> bytes:
    """What chains a clinic's audit entries; it outlives the clinic's own keys and stands in no database."""
    info = b"audit chain|" + clinic_id.hex.encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(vault.secret)
