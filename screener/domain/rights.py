"""What a clinic's own systems may do with a token: each right is granted separately."""

from __future__ import annotations

from enum import Enum
from typing import Final


class Right(Enum):
    REQUESTS_READ = "requests.read"
    RECORDS_READ = "records.read"
    RECORDS_WRITE = "records.write"
    REQUESTS_MOVE = "requests.move"
    WEBHOOKS_MANAGE = "webhooks.manage"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS: Final = {
    Right.REQUESTS_READ: "List requests: reference, state, times and class; no name and no answer",
    Right.RECORDS_READ: "Read a request: who sent it and what they answered, also as FHIR",
    Right.RECORDS_WRITE: "Send in answers that were given elsewhere, as FHIR",
    Right.REQUESTS_MOVE: "Decide about requests",
    Right.WEBHOOKS_MANAGE: "Add, change and remove webhooks",
}

# Only somebody who may read answers can grant these.
OPENS_RECORDS: Final = frozenset({Right.RECORDS_READ, Right.RECORDS_WRITE, Right.REQUESTS_MOVE})
