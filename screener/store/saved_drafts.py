"""Saved drafts: the one way back to a form left for later, a mailed link or a code on paper."""

import re
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy.orm import Session

from screener.store.database import vault_of
from screener.store.drafts import WAYS_BACK, OpenDraft, add_door, close_doors, find_open_draft
from screener.store.tenancy import entered_clinic
from screener.store.vault import CROCKFORD, derive_token, new_code, new_token

# 60 bits: nobody guesses it, and a hand copies it.
CODE_LENGTH: Final = 12
_CODE: Final = re.compile(f"[{CROCKFORD}]{{{CODE_LENGTH}}}")
_READ_AS: Final = str.maketrans("OIL", "011")


def save_for_later(session: Session, draft: OpenDraft, way: Literal["resume", "code"], now: datetime) -> str:
    """The token or code to come back by; an earlier one is dead. `save_draft` still has to follow."""
    close_doors(session, draft, WAYS_BACK, now)
    draft.row.saved_at = now
    if way == "resume":
        return add_door(session, draft, way, new_token(), now)
    code = new_code(CODE_LENGTH)
    add_door(session, draft, way, _token_of(session, draft.row.clinic_id, code), now)
    return code


def find_by_code(session: Session, code: str, now: datetime) -> OpenDraft | None:
    """The draft of the entered clinic behind a code as `read_code` gives it, its row locked."""
    token = _token_of(session, entered_clinic(session), code)
    return find_open_draft(session, token, now, kind="code", to_change=True)


def _token_of(session: Session, clinic_id: UUID, code: str) -> str:
    # A code alone is short enough to be found from its hash by a thief of the database; keyed, it is not.
    return derive_token(vault_of(session), "draft code", f"{clinic_id}|{code}")


def show_code(code: str) -> str:
    """In groups of four, as it is written down."""
    return "-".join(code[i : i + 4] for i in range(0, len(code), 4))


def read_code(typed: str) -> str | None:
    """A code as a hand may type it; None if it is none."""
    code = re.sub(r"[\W_]+", "", typed).upper().translate(_READ_AS)
    return code if _CODE.fullmatch(code) else None
