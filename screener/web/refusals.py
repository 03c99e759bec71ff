"""With which statuses we refuse what whoever sent it can mend."""

from __future__ import annotations

from typing import Final

# What was sent is not as it should be.
INVALID: Final = 422
# It does not fit what is there by now.
CONFLICT: Final = 409
