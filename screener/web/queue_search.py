"""Looking for one request: by its reference, an e-mail, a phone number or a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from screener.store.consultations import get_consultation
from screener.store.errors import NotFoundError
from screener.store.queue import QueueRow, list_by_index, list_by_name

MOST_FOUND: Final = 50
# As they are heard on the telephone, or typed from paper.
_LIKE_DIGITS: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_PHONE: Final = re.compile(r"[0-9+(). /-]*(?:[0-9][+(). /-]*){7}")


@dataclass(frozen=True)
class Found:
    """What a search gave: the one request of a reference, or a list."""

    reference: str = ""
    rows: tuple[QueueRow, ...] = ()
    # What was looked in, in words.
    looked_in: str = ""
    # Older open requests whose names were not read.
    not_read: int = 0


def find_requests(session: Session, text: str, now: datetime) -> Found:
    reference = re.sub(r"[\s-]", "", text).upper().translate(_LIKE_DIGITS)
    try:
        return Found(reference=get_consultation(session, reference).reference)
    except NotFoundError:
        pass
    if "@" in text:
        rows = list_by_index(session, "email", text, now=now, limit=MOST_FOUND)
        return Found(rows=tuple(rows), looked_in="the e-mail addresses of all requests")
    if _PHONE.fullmatch(text):
        rows = list_by_index(session, "phone", text, now=now, limit=MOST_FOUND)
        return Found(rows=tuple(rows), looked_in="the phone numbers of all requests")
    rows, not_read = list_by_name(session, text, now=now, limit=MOST_FOUND)
    return Found(rows=tuple(rows), looked_in="the names of open requests", not_read=not_read)
