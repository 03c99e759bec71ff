"""Retention: what a clinic may keep no longer, counted beforehand and deleted when its time comes."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement

from screener.domain.follow_up import last_day_over
from screener.domain.retention import AUDIT_YEARS, Periods, goes_at
from screener.store.audit import Subject, note, note_each, request_subject
from screener.store.consultations import add_event, remove_consultation
from screener.store.database import change_rows
from screener.store.drafts import is_expired, remove_expired_drafts
from screener.store.openings import LEASE
from screener.store.pace import forget_whole
from screener.store.queue import count_each
from screener.store.staff_sessions import KNOWN_PLACE
from screener.store.tables import (
    Clinic,
    Consultation,
    Draft,
    DraftEndings,
    Export,
    FailedTries,
    Opening,
    OutboxMessage,
    StaffSession,
    WebhookEvent,
)
from screener.store.throttle import FORGOTTEN_AFTER
from screener.store.webhooks import KEPT

# What is deleted in one transaction; each request takes a dozen statements, and the trail waits for them.
A_BATCH: Final = 20
MANY: Final = 500
# Mail that hangs on no request and no form, as invitations of staff, after it left or was given up.
_SETTLED_MAIL: Final = timedelta(days=30)
# Notes of files taken out, and counts of where forms ended: as long as the law keeps the trail.
_AS_THE_TRAIL: Final = timedelta(days=366 * AUDIT_YEARS)


class Going(NamedTuple):
    """A request and when it is deleted; `state` is what it is until then."""

    reference: str
    state: str
    goes_at: datetime


def periods_of(clinic: Clinic) -> Periods:
    return Periods(clinic.draft_days, clinic.refused_days, clinic.accepted_days)


def request_goes_at(consultation: Consultation, periods: Periods, time_zone: str) -> datetime | None:
    return goes_at(
        periods,
        state_since=consultation.state_since,
        accepted_at=consultation.accepted_at,
        charted_at=consultation.charted_at,
        keep_until=consultation.keep_until,
        time_zone=time_zone,
    )


def _is_over(periods: Periods, time_zone: str, moment: datetime) -> ColumnElement[bool]:
    """Of requests: whether they go by this moment, as `goes_at` says."""
    return and_(or_(*_over_by(periods, moment)), _is_not_held(time_zone, moment))


def _over_by(periods: Periods, moment: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """What was not taken on, and what was charted."""
    refused = moment - timedelta(days=periods.refused_days)
    charted = moment - timedelta(days=periods.accepted_days)
    return (
        and_(Consultation.accepted_at.is_(None), Consultation.state_since <= refused),
        and_(Consultation.accepted_at.is_not(None), Consultation.charted_at <= charted),
    )


def _in_order(periods: Periods, moment: datetime) -> Iterator[tuple[ColumnElement[bool], Any]]:
    """Each sort with what an index has it in the order of."""
    return zip(_over_by(periods, moment), (Consultation.state_since, Consultation.charted_at), strict=True)


def _is_not_held(time_zone: str, moment: datetime) -> ColumnElement[bool]:
    return or_(Consultation.keep_until.is_(None), Consultation.keep_until <= last_day_over(moment, time_zone))


# ---------------------------------------------------------------- beforehand


class Counted(NamedTuple):
    """How many requests and drafts go."""

    requests: int
    drafts: int

    @property
    def together(self) -> int:
        return self.requests + self.drafts

    def but(self, other: "Counted") -> "Counted":
        return Counted(self.requests - other.requests, self.drafts - other.drafts)


def count_over(
    session: Session,
    periods: Periods,
    time_zone: str,
    moment: datetime,
    *,
    kept_by: Periods | None = None,
) -> Counted:
    """What goes by this moment, if nothing happens to it before; of that only what `kept_by` would keep."""
    # One by one, for an index has each sort.
    requests = [
        select(func.count(Consultation.clinic_id)).where(is_over, _is_not_held(time_zone, moment))
        for is_over in _over_by(periods, moment)
    ]
    drafts = select(func.count(Draft.id)).where(is_expired(timedelta(days=periods.draft_days), moment))
    if kept_by is not None:
        is_kept = ~_is_over(kept_by, time_zone, moment)
        requests = [sort.where(is_kept) for sort in requests]
        drafts = drafts.where(~is_expired(timedelta(days=kept_by.draft_days), moment))
    return Counted(sum(session.scalar(sort) or 0 for sort in requests), session.scalar(drafts) or 0)


def count_kept(session: Session, today: date) -> tuple[int, int]:
    """How many wait to be marked as charted, and how many are held, as far as they are counted."""
    waiting = and_(Consultation.accepted_at.is_not(None), Consultation.charted_at.is_(None))
    waits, held = count_each(session, [(waiting,), (Consultation.keep_until >= today,)])
    return waits, held


def list_over(
    session: Session, periods: Periods, time_zone: str, moment: datetime, *, limit: int, skip: int = 0
) -> list[Going]:
    """Those that go by this moment, the longest due first as far as no hold delays them."""
    places: list[tuple[datetime, UUID]] = []
    for is_over, since in _in_order(periods, moment):
        longest = select(since, Consultation.id).where(is_over, _is_not_held(time_zone, moment))
        found = session.execute(longest.order_by(since, Consultation.id).limit(skip + limit))
        places += [(at, row_id) for at, row_id in found]
    ids = [row_id for _, row_id in sorted(places)[skip : skip + limit]]
    rows = {row.id: row for row in session.scalars(select(Consultation).where(Consultation.id.in_(ids)))}
    return [
        Going(row.reference, row.state, request_goes_at(row, periods, time_zone) or moment)
        for row in (rows[row_id] for row_id in ids if row_id in rows)
    ]


# ---------------------------------------------------------------- when it comes


def remove_over_requests(session: Session, clinic: Clinic, now: datetime, limit: int = A_BATCH) -> int:
    """Deletes requests whose time is over and that no other worker holds, and says how many."""
    over = _hold_over(session, clinic, now, limit)
    for consultation in over:
        remove_consultation(session, consultation)
    note_each(session, "retention_removed", [request_subject(consultation) for consultation in over])
    return len(over)


def _hold_over(session: Session, clinic: Clinic, now: datetime, limit: int) -> Sequence[Consultation]:
    """The longest due of the one sort or of the other."""
    over: Sequence[Consultation] = ()
    for is_over, since in _in_order(periods_of(clinic), now):
        over = (
            over
            or session.scalars(
                select(Consultation)
                .where(is_over, _is_not_held(clinic.time_zone, now))
                .order_by(since)
                .limit(limit)
                # SQLite knows no row locks; there each writer waits for the one before it anyway.
                .with_for_update(skip_locked=True)
            ).all()
        )
    return over


def remove_over_drafts(session: Session, clinic: Clinic, now: datetime) -> int:
    """The same of forms that were not sent; their number stands in the trail."""
    removed = remove_expired_drafts(session, now, MANY)
    if removed:
        note(session, "drafts_removed", Subject(Draft.__tablename__, clinic.slug), count=removed)
    return removed


def remove_leavings(session: Session, _clinic: Clinic, now: datetime) -> int:
    """What the clinic has no use for any more: lapsed openings, and old mail, webhook events and counts."""
    settled = and_(
        OutboxMessage.consultation_id.is_(None),
        OutboxMessage.draft_id.is_(None),
        func.coalesce(OutboxMessage.sent_at, OutboxMessage.failed_at) <= now - _SETTLED_MAIL,
    )
    old = {
        OutboxMessage: settled,
        Opening: Opening.seen_at <= now - LEASE,
        WebhookEvent: WebhookEvent.at <= now - KEPT,
        Export: Export.at <= now - _AS_THE_TRAIL,
        DraftEndings: DraftEndings.day < (now - _AS_THE_TRAIL).date(),
    }
    return sum(_delete(session, table, over) for table, over in old.items())


def _delete(session: Session, table: type[Any], over: ColumnElement[bool]) -> int:
    some = select(table.id).where(over).limit(MANY)
    # Asked once more of each row itself: a mail may just be sent again.
    return change_rows(session, delete(table).where(table.id.in_(some), over))


def remove_old_sign_ins(session: Session, now: datetime) -> int:
    """Old sessions of staff, failures to sign in and turns that count no more; of all clinics."""
    ended = delete(StaffSession).where(StaffSession.created_at <= now - KNOWN_PLACE)
    forgotten = delete(FailedTries).where(FailedTries.last_at < now - FORGOTTEN_AFTER)
    return change_rows(session, ended) + change_rows(session, forgotten) + forget_whole(session, now)


# ---------------------------------------------------------------- said by staff


def mark_charted(
    session: Session, consultation: Consultation, *, charted: bool, staff_id: int, now: datetime
) -> None:
    """Its content stands in the clinic's own chart, or it does not yet. Hold the request first.

    Like an owner it changes nothing of the request: no open form grows stale.
    """
    if charted == (consultation.charted_at is not None):
        return
    _set(session, consultation, charted_at=now if charted else None)
    add_event(session, consultation, "charted" if charted else "not_charted", now, staff_id=staff_id)


def hold(
    session: Session, consultation: Consultation, *, until: date, reason: str, staff_id: int, now: datetime
) -> None:
    """Nothing deletes the request before the end of that day. Hold its row first."""
    _set(session, consultation, keep_until=until)
    add_event(session, consultation, "held", now, staff_id=staff_id, reason=reason, until=until.isoformat())


def end_hold(session: Session, consultation: Consultation, *, staff_id: int, now: datetime) -> None:
    if consultation.keep_until is not None:
        _set(session, consultation, keep_until=None)
        add_event(session, consultation, "hold_ended", now, staff_id=staff_id)


def _set(session: Session, consultation: Consultation, **values: Any) -> None:
    change_rows(session, update(Consultation).where(Consultation.id == consultation.id).values(**values))
    session.refresh(consultation, list(values))


def clinic_ids(session: Session) -> list[UUID]:
    """Of all clinics, the disabled and the destroyed too: their records go on time like any."""
    return list(session.scalars(select(Clinic.id).order_by(Clinic.slug)))
