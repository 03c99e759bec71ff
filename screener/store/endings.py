"""Where forms end: counted by day and page, once a form is sent or abandoned for good."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from screener.store.clinics import zone_of
from screener.store.database import change_rows, new_id
from screener.store.tables import DraftEndings
from screener.store.tenancy import entered_clinic

# Not pages of the questionnaire: nothing was answered; the request was sent.
BEGUN: Final = "begun"
SENT: Final = "sent"


class Ending(NamedTuple):
    """When a form was last used and the furthest page answered; None where it is not to be counted."""

    at: datetime
    page: str | None


def count_endings(session: Session, endings: Iterable[Ending]) -> None:
    """Adds them to the entered clinic's counts, on the days of its own calendar."""
    counted = [(at, page) for at, page in endings if page is not None]
    if not counted:
        return
    zone = ZoneInfo(zone_of(session))
    counts = Counter((at.astimezone(zone).date(), page) for at, page in counted)
    # In one order for all, so that two who count at once wait for each other and do not lock up.
    for (day, page), count in sorted(counts.items()):
        _add(session, day, page, count)


def _add(session: Session, day: date, page: str, count: int) -> None:
    if _increase(session, day, page, count):
        return
    row = DraftEndings(id=new_id(), clinic_id=entered_clinic(session), day=day, page=page, count=count)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # Somebody else counted the first one meanwhile.
        _increase(session, day, page, count)


def _increase(session: Session, day: date, page: str, count: int) -> bool:
    """Whether there was a count to add to."""
    adding = (
        update(DraftEndings)
        .where(DraftEndings.day == day, DraftEndings.page == page)
        .values(count=DraftEndings.count + count)
    )
    return change_rows(session, adding) > 0


def endings_by_page(session: Session, first: date, last: date) -> dict[str, int]:
    """How many forms ended at each page, from the first day to the last, both included."""
    counted = (
        select(DraftEndings.page, func.sum(DraftEndings.count))
        .where(DraftEndings.day >= first, DraftEndings.day <= last)
        .group_by(DraftEndings.page)
    )
    return {page: int(count) for page, count in session.execute(counted)}
