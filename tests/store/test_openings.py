"""Who has a request open: told to others while the lease runs, renewed, and forgotten."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from store.builders import NOW, make_consultation, make_person

from screener.store.openings import LEASE, OpenedBy, list_others, note_opening
from screener.store.tables import Opening

MINUTE = timedelta(minutes=1)


def test_an_opening_is_told_to_others_until_its_lease_lapses(entered: Session) -> None:
    ana, grace = make_person(entered, "Ana"), make_person(entered, "Grace")
    made = make_consultation(entered)
    note_opening(entered, made, ana.id, NOW)
    assert list_others(entered, made, ana.id, NOW) == []
    told = [OpenedBy(ana.id, NOW)]
    assert list_others(entered, made, grace.id, NOW + LEASE - MINUTE) == told
    assert list_others(entered, made, grace.id, NOW + LEASE) == []
    assert list_others(entered, make_consultation(entered), grace.id, NOW) == []


def test_a_renewed_lease_keeps_its_beginning_and_a_lapsed_one_begins_anew(entered: Session) -> None:
    ana, grace = make_person(entered, "Ana"), make_person(entered, "Grace")
    made = make_consultation(entered)
    for minutes in (0, 4, 8):
        note_opening(entered, made, ana.id, NOW + minutes * MINUTE)
    assert list_others(entered, made, grace.id, NOW + 9 * MINUTE) == [OpenedBy(ana.id, NOW)]
    again = NOW + 13 * MINUTE
    note_opening(entered, made, ana.id, again)
    assert list_others(entered, made, grace.id, again) == [OpenedBy(ana.id, again)]
    assert entered.scalar(select(func.count(Opening.id))) == 1
