"""Turns: so many at once, then one by one; asking costs none, and what many do holds up no newcomer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session
from store.builders import NOW

from screener.store.database import Database
from screener.store.pace import Counted, forget_whole, take_turn, wait_before
from screener.store.tables import Pace

STEP = timedelta(seconds=20)
HOME = Counted("send address", "203.0.113.7", 8, STEP)
CLINIC = Counted("send clinic", "acme", 10, STEP, of_many=True)


def take(session: Session, *counted: Counted, times: int = 1) -> None:
    for _ in range(times):
        take_turn(session, counted, NOW)


def test_turns_come_back_one_by_one_and_asking_takes_none(session: Session) -> None:
    for _ in range(HOME.at_once):
        assert not wait_before(session, [HOME], NOW)
        take(session, HOME)
    for _ in range(50):
        assert wait_before(session, [HOME], NOW) == STEP
    assert wait_before(session, [HOME], NOW + STEP / 4) == STEP * 3 / 4
    assert not wait_before(session, [HOME], NOW + STEP)
    take_turn(session, [HOME], NOW + STEP)
    assert wait_before(session, [HOME], NOW + STEP) == STEP
    assert not wait_before(session, [HOME._replace(purpose="mail address")], NOW)
    assert not wait_before(session, [HOME._replace(whose="203.0.113.8")], NOW)


def test_what_all_together_do_holds_up_whoever_does_much_of_it_and_nobody_new(session: Session) -> None:
    for number in range(CLINIC.at_once + 4):
        take(session, HOME._replace(whose=f"198.51.100.{number}"), CLINIC)
    for _ in range(2):
        assert not wait_before(session, [HOME, CLINIC], NOW), "however many came before"
        take(session, HOME, CLINIC)
    assert wait_before(session, [HOME, CLINIC], NOW) == STEP, "and no longer, however full it is"
    assert not wait_before(session, [HOME], NOW), "by itself it has turns left"


def test_no_name_lies_in_the_table_and_what_is_whole_again_goes(session: Session) -> None:
    take(session, HOME, CLINIC, times=2)
    names = session.scalars(select(Pace.name)).all()
    assert len(names) == 2
    assert not any(told in name for name in names for told in ("203", "acme", "send"))
    assert forget_whole(session, NOW + 2 * STEP - timedelta(seconds=1)) == 0
    assert forget_whole(session, NOW + 2 * STEP) == 2
    assert not session.scalars(select(Pace.name)).all()


def test_turns_taken_at_the_same_moment_are_all_counted(database: Database) -> None:
    def act(number: int) -> None:
        with database.new_session() as session:
            whose = [HOME._replace(whose=str(number % 2)), CLINIC._replace(at_once=20)]
            take_turn(session, whose, NOW)
            session.commit()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(14)))
    with database.new_session() as session:
        full = session.scalars(select(Pace.full_at).order_by(Pace.full_at)).all()
    began, step = NOW.timestamp() * 1000, STEP / timedelta(milliseconds=1)
    assert full == [began + 7 * step, began + 7 * step, began + 14 * step]
