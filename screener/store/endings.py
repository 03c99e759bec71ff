"""Where forms end: counted by the day and the page, when a form is sent or was left for good."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from screener.store.clinics import zone_of
from screener.store.database import new_id
from screener.store.tables import DraftEndings
from screener.store.tenancy import entered_clinic

# Pages that are none of the questionnaire's: nothing was answered; the request was sent.
BEGUN: Final = "begun"
SENT: Final = "sent"


class Ending(NamedTuple):
    """The last that was done with a form, and how far it was; nowhere if it does not count."""

    at: datetime
    page: str | None


def count_endings(session: Session, endings: Iterable[Ending]) -> None:
    counted = [ending for ending in endings if ending.page is not None]
    if not counted:
        return
    zone = ZoneInfo(zone_of(session))
    counts = Counter((at.astimezone(zone).date(), page) for at, page in counted)
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    adding = insert(DraftEndings)
    adding = adding.on_conflict_do_update(
        index_elements=[DraftEndings.clinic_id, DraftEndings.day, DraftEndings.page],
        set_={"count": DraftEndings.count + adding.excluded.count},
    )
    clinic_id = entered_clinic(session)
    # In one order for all, so that two who count at once wait for each other and do not lock up.
    for (day, page), count in sorted(counts.items()):
        row = {"id": new_id(), "clinic_id": clinic_id, "day": day, "page": page, "count": count}
        session.execute(adding, [row])


def endings_by_page(session: Session, first: date, last: date) -> dict[str, int]:
    counted = (
        select(DraftEndings.page, func.sum(DraftEndings.count))
        .where(DraftEndings.day >= first, DraftEndings.day <= last)
        .group_by(DraftEndings.page)
    )
    return {page: int(count) for page, count in session.execute(counted)}
