"""A person's pace: what looks like a bot is asked to press once more, never told that it was sent.

Only what lasts is paced (a form begun, a request, a mailed link, a wrong code): no page that is read, and
nothing on the way to a danger page.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from flask import request

from screener.store.pace import Counted, take_turn, wait_before
from screener.store.tenancy import entered_clinic
from screener.web.access import address, db, settings
from screener.web.forms import PatientForm
from screener.web.languages import gettext

# A field that nobody sees: hidden from eyes, keys and screen readers, and named like nothing that is ever
# filled in for somebody.
TRAP: Final = "leave_empty"
# All the pages of the questionnaire and the request's own: nobody is through them sooner.
LEAST: Final = timedelta(seconds=20)
TOO_MANY: Final = 429
_OK: Final = 200
# Nobody counts single seconds.
_STEP_SECONDS: Final = 5

_SECOND: Final = timedelta(seconds=1)
# Of one address (a whole waiting room may share it) and of all who come to one clinic: so often at once, then
# once in so long.
_PACES: Final = {
    "begin": ((120, 5 * _SECOND), (600, _SECOND / 2)),
    "send": ((60, 20 * _SECOND), (300, 2 * _SECOND)),
    "mail": ((30, 60 * _SECOND), (200, 5 * _SECOND)),
    "code": ((20, 30 * _SECOND), (200, _SECOND)),
}
# Links to one mailbox, whichever forms they are for.
_MAILBOX: Final = (5, timedelta(hours=4))


def turns(doing: str) -> tuple[Counted, ...]:
    """Of this address and at the entered clinic."""
    own, all_there = _PACES[doing]
    return (
        Counted(f"{doing} address", address(), *own),
        Counted(f"{doing} clinic", entered_clinic(db()).hex, *all_there, of_many=True),
    )


def mailbox_turns(email: str) -> tuple[Counted, ...]:
    return (Counted("mail mailbox", email.lower(), *_MAILBOX),)


def wait_for(counted: Sequence[Counted], now: datetime) -> int:
    """Seconds until there is a turn; 0 if there is one."""
    if settings().pace == "off" or not counted:
        return 0
    return _whole_seconds(wait_before(db(), counted, now))


def note_turn(counted: Sequence[Counted], now: datetime) -> None:
    """Counts what was done, with the transaction that did it."""
    if counted and settings().pace != "off":
        take_turn(db(), counted, now)


def hold_up(
    form: PatientForm, counted: Sequence[Counted], now: datetime, *, begun_at: datetime | None = None
) -> tuple[int, dict[str, str]] | None:
    """Asks in the form's own summary to press once more; the status and headers of that page.

    None if nothing is in the way. The form is shown as it was typed, without the trap: it traps nobody twice.
    """
    if settings().pace == "off":
        return None
    if request.form.get(TRAP):
        said = gettext("This was not sent yet. Look at it once more, then press the button again.")
        form.form_token.errors = [said]
        # What a bot takes for a success.
        return _OK, {}
    too_fast = _whole_seconds(begun_at + LEAST - now) if begun_at else 0
    seconds = max(too_fast, wait_for(counted, now))
    if not seconds:
        return None
    form.form_token.errors = [
        gettext(
            "This was not sent yet. Nothing is lost. Wait %(seconds)s seconds, then press the button again.",
            seconds=seconds,
        )
    ]
    return TOO_MANY, {"Retry-After": str(seconds)}


def _whole_seconds(wait: timedelta) -> int:
    return max(0, ceil(wait / _SECOND / _STEP_SECONDS)) * _STEP_SECONDS
