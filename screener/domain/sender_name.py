"""The sender name of a clinic's mail: whoever glances at the inbox must learn nothing from it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST: Final = 60
# In English and Spanish, without accents; the first anywhere, the others as words of their own.
_TELLING: Final = (
    *("headache", "migraine", "migrane", "migrana", "ketamin", "cephal", "cefale", "jaqueca", "neurolog"),
    *("infusion", "psychiatr", "psiquiatr", "botox"),
)
_TELLING_WORDS: Final = frozenset({"pain", "dolor", "head", "cabeza", "brain", "cerebro"})
# These separate a name from its address, or one address from the next.
_MARKS: Final = frozenset('<>@",;:\\()[]')


def check_sender_name(name: str) -> None:
    """Raises ValueError, in words for people."""
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise ValueError(f"sender name: use 1 to {LONGEST} characters on one line")
    if _MARKS & set(name):
        raise ValueError("sender name: leave out brackets, quotes, commas, colons and @")
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", name.casefold())
        if not unicodedata.combining(letter)
    )
    words = re.findall(r"[^\W\d_]+", plain)
    together = "".join(words)
    found = next((part for part in _TELLING if part in together), None) or next(
        (word for word in words if word in _TELLING_WORDS), None
    )
    if found:
        raise ValueError(
            f"sender name: “{found}” would tell whoever sees the mail what it is about; use a neutral name,"
            " like “Front desk”"
        )
