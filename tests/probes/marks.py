"""Words that nobody else writes, one for each field, and where they turn up in whatever writing."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import product
from string import ascii_lowercase
from typing import Final
from urllib.parse import quote

_CORE: Final = "qzjxvk"
_LETTERS: Final = 4
_WORD: Final = re.compile(rf"{_CORE}[a-z]{{{_LETTERS}}}", re.IGNORECASE)
_ENCODED: Final = _WORD.pattern.encode()
# How many characters of BASE64 a word may take, and how many of the first ones hold other bytes too.
_LONGEST: Final = 20
_SHARED: Final = (0, 2, 3)


class Marks:
    """Which field each mark was typed into."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}
        self._tails = map("".join, product(ascii_lowercase, repeat=_LETTERS))
        self._numbers = iter(range(6901, 9999))

    def word(self, field: str) -> str:
        return self._plant(_CORE + next(self._tails), field)

    def phone(self, field: str) -> str:
        number = self._plant(f"704519{next(self._numbers)}", field)
        return f"({number[:3]}) {number[3:6]}-{number[6:]}"

    def birth_date(self, field: str) -> str:
        number = next(self._numbers) - 6900
        year, month, day = 1940 + number // 300, 1 + number // 25 % 12, 1 + number % 25
        self._plant(f"{year}-{month:02}-{day:02}", field)
        return f"{month}/{day}/{year}"

    def code(self, code: str, field: str) -> None:
        """What is chosen, not typed, and written as nobody else writes."""
        self._plant(code, field)

    def _plant(self, mark: str, field: str) -> str:
        self.planted[mark] = field
        return mark

    def found_in(self, data: bytes) -> dict[str, str]:
        """Mark -> how it is written there."""
        found = {mark: way for way, mark in _words_in(data) if mark in self.planted}
        lowered = data.lower()
        for mark in self.planted:
            if not mark.startswith(_CORE):
                found |= {mark: "as text"} if any(way in lowered for way in _ways_of(mark)) else {}
        return found


def _words_in(data: bytes) -> Iterator[tuple[str, str]]:
    """Each word of the kind, and its writing."""
    for match in re.finditer(_ENCODED, data, re.IGNORECASE):
        yield "as text", match[0].decode().lower()
    for match in re.finditer(_wide(), data, re.IGNORECASE):
        yield "as UTF-16", match[0].replace(b"\0", b"").decode().lower()
    for match in re.finditer(_in_hex(), data, re.IGNORECASE):
        yield "in hex", bytes.fromhex(match[0].decode()).decode().lower()
    for shift in range(3):
        for match in re.finditer(_in_base64(shift), data):
            start = match.start() - _SHARED[shift]
            yield from (("in BASE64", word) for word in _read_base64(data[max(start, 0) : start + _LONGEST]))


def _wide() -> bytes:
    """Either end first: between the letters stands a zero."""
    return b"\0".join([*(bytes([each]) for each in _CORE.encode()), *[b"[a-z]"] * _LETTERS])


def _in_hex() -> bytes:
    return _CORE.encode().hex().encode() + b"[0-9a-f]{%d}" % (2 * _LETTERS)


def _in_base64(shift: int) -> bytes:
    """The characters that hold nothing but bits of the core, when so many bytes stand before it."""
    whole = (shift + len(_CORE)) * 8 // 6
    return re.escape(base64.b64encode(bytes(shift) + _CORE.encode())[_SHARED[shift] : whole])


def _read_base64(piece: bytes) -> Iterator[str]:
    clean = re.sub(rb"[^A-Za-z0-9+/].*", b"", piece.translate(bytes.maketrans(b"-_", b"+/")), flags=re.DOTALL)
    whole = clean[:-1] if len(clean) % 4 == 1 else clean
    text = base64.b64decode(whole + b"=" * (-len(whole) % 4)).decode("latin-1")
    yield from (match[0].lower() for match in _WORD.finditer(text))


def _ways_of(mark: str) -> Iterator[bytes]:
    """A choice, a date or a telephone number as it may be written; nothing so short that chance finds it."""
    if "_" in mark:
        texts = [mark]
    elif "-" in mark:
        year, month, day = mark.split("-")
        typed = f"{int(month)}/{int(day)}/{year}"
        texts = [mark, typed, quote(typed, safe=""), typed.replace("/", "\\/"), f"{month}/{day}/{year}"]
    else:
        texts = [mark, f"{mark[3:6]}-{mark[6:]}", f"{mark[:3]}-{mark[3:6]}-{mark[6:]}"]
    for text in texts:
        yield text.encode().lower()
        yield text.encode("utf-16-le")
        yield text.encode().hex().encode()
