"""A backup's file: a stream, compressed and sealed in chunks, that is never whole in memory.

    8 bytes   SCRNBAK1
    4 bytes   length of the head, big-endian
    head      JSON: made_at, database ("sqlite" or "postgresql"), key (which one opens it), salt
    chunks    AES-256-GCM, each of 1 MiB and 16 bytes of tag; the last one may be shorter

The key is HKDF-SHA-256 of the named key with the file's own salt. A chunk's nonce is its number (8 bytes),
three zero bytes and 1 for the last chunk, else 0; it is bound to the SHA-256 of all before the chunks. So no
chunk can be altered, moved, left out or cut off. Within the chunks lies one zlib stream: the length of the
contents (4 bytes), the contents (JSON), then the database.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from screener.store.errors import BackupError
from screener.store.vault import KEY_BYTES, MasterKeys

MAGIC: Final = b"SCRNBAK1"
CHUNK: Final = 1 << 20
_TAG_BYTES: Final = 16
_LONGEST_HEAD: Final = 4096
_OWN_KEY: Final = "SCREENER_BACKUP_KEY"


@dataclass(frozen=True)
class BackupKeys:
    """SCREENER_BACKUP_KEY if there is one seals backups, else the master key that is current."""

    master: MasterKeys
    own: bytes = field(default=b"", repr=False)

    @property
    def current(self) -> str:
        """Its name, as a head tells it."""
        return _OWN_KEY if self.own else f"master key {self.master.current}"

    def find(self, name: str) -> bytes:
        """Raises BackupError in words for the operator."""
        if name == _OWN_KEY and self.own:
            return self.own
        number = name.removeprefix("master key ")
        key = self.master.find(int(number)) if number.isdecimal() else None
        if key is None:
            source = _OWN_KEY if name == _OWN_KEY else "SCREENER_MASTER_KEYS"
            raise BackupError(f"This backup opens with {name} alone, and it is not here: set {source}.")
        return key


@dataclass(frozen=True)
class Head:
    """What a file says of itself to everybody."""

    made_at: datetime
    database: str
    key: str
    salt: bytes

    @classmethod
    def new(cls, keys: BackupKeys, *, database: str, made_at: datetime) -> Self:
        return cls(made_at, database, keys.current, os.urandom(KEY_BYTES))

    def as_bytes(self) -> bytes:
        about = {"made_at": self.made_at.isoformat(), "database": self.database, "key": self.key}
        text = json.dumps(about | {"salt": self.salt.hex()}).encode()
        return MAGIC + len(text).to_bytes(4) + text

    @classmethod
    def read(cls, file: IO[bytes]) -> Self:
        if file.read(len(MAGIC)) != MAGIC:
            raise BackupError("This is no backup that `screener backup` made.")
        try:
            length = int.from_bytes(file.read(4))
            about = json.loads(file.read(min(length, _LONGEST_HEAD)))
            made_at = datetime.fromisoformat(about["made_at"])
            return cls(made_at, about["database"], about["key"], bytes.fromhex(about["salt"]))
        except (KeyError, TypeError, ValueError):
            raise BackupError("The head of this backup is damaged.") from None

    def cipher(self, keys: BackupKeys) -> "_Cipher":
        kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=self.salt, info=b"backup")
        bound_to = hashlib.sha256(self.as_bytes()).digest()
        return _Cipher(AESGCM(kdf.derive(keys.find(self.key))), bound_to)


@dataclass
class _Cipher:
    gcm: AESGCM
    bound_to: bytes
    number: int = 0

    def _nonce(self, *, is_last: bool) -> bytes:
        self.number += 1
        return self.number.to_bytes(8) + bytes(3) + bytes([is_last])

    def seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self.gcm.encrypt(self._nonce(is_last=is_last), chunk, self.bound_to)

    def open(self, chunk: bytes, *, is_last: bool) -> bytes:
        try:
            return self.gcm.decrypt(self._nonce(is_last=is_last), chunk, self.bound_to)
        except InvalidTag:
            told = f"The backup is damaged or cut off at chunk {self.number}, or its key is another one."
            raise BackupError(told) from None


def write_backup(
    file: IO[bytes], head: Head, keys: BackupKeys, contents: Mapping[str, Any], database: Iterator[bytes]
) -> None:
    """All of the file, in constant memory; `contents` must be ready for JSON."""
    file.write(head.as_bytes())
    text = json.dumps(contents).encode()
    cipher, press, waiting = head.cipher(keys), zlib.compressobj(), bytearray()
    waiting += press.compress(len(text).to_bytes(4) + text)
    for part in database:
        waiting += press.compress(part)
        while len(waiting) > CHUNK:
            file.write(cipher.seal(bytes(waiting[:CHUNK]), is_last=False))
            del waiting[:CHUNK]
    waiting += press.flush()
    while len(waiting) > CHUNK:
        file.write(cipher.seal(bytes(waiting[:CHUNK]), is_last=False))
        del waiting[:CHUNK]
    file.write(cipher.seal(bytes(waiting), is_last=True))


def read_backup(file: IO[bytes], keys: BackupKeys) -> tuple[Head, dict[str, Any], Iterator[bytes]]:
    """Its head, contents, and the database in parts. Raises BackupError, at the latest at the last part."""
    head = Head.read(file)
    stream = _Stream(_open_chunks(file, head.cipher(keys)))
    contents: dict[str, Any] = json.loads(stream.take(int.from_bytes(stream.take(4))))
    return head, contents, stream.rest()


def _open_chunks(file: IO[bytes], cipher: _Cipher) -> Iterator[bytes]:
    """The decompressed stream, at most a chunk at a time."""
    press = zlib.decompressobj()
    chunk, following = file.read(CHUNK + _TAG_BYTES), b"more"
    while following:
        following = file.read(CHUNK + _TAG_BYTES)
        pressed = cipher.open(chunk, is_last=not following)
        while pressed:
            yield press.decompress(pressed, CHUNK)
            pressed = press.unconsumed_tail
        chunk = following
    yield press.flush()


class _Stream:
    """Bytes that come in parts, taken in others."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._kept = b""

    def take(self, number: int) -> bytes:
        while len(self._kept) < number:
            self._kept += next(self._parts)
        taken, self._kept = self._kept[:number], self._kept[number:]
        return taken

    def rest(self) -> Iterator[bytes]:
        yield self._kept
        yield from self._parts


def parts_of(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while part := read(CHUNK):
        yield part
