"""Unfinished forms: opened by their link alone, until they expire or the year of birth is wrong too often."""

import secrets
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from store.builders import NOW

from screener.store.clinics import clinic_key
from screener.store.database import Database
from screener.store.drafts import (
    OpenDraft,
    add_draft,
    count_wrong_try,
    find_open_draft,
    remove_draft,
    remove_expired_drafts,
    renew_door,
    save_draft,
)
from screener.store.errors import NotFoundError, UnreadableError
from screener.store.tables import MOST_TRIES, Clinic, Draft, DraftDoor, place_of
from screener.store.tenancy import enter_clinic
from screener.store.vault import MasterKeys, Vault, new_key, open_document

HOUR = timedelta(hours=1)


@pytest.fixture
def token(session: Session, clinic: Clinic) -> str:
    _, token = add_draft(session, clinic.id, {"answers": {}}, NOW)
    session.commit()
    return token


def reopen(database: Database, token: str, now: datetime = NOW) -> tuple[Session, OpenDraft | None]:
    session = database.new_session()
    return session, find_open_draft(session, token, now)


def opened(database: Database, token: str, now: datetime = NOW) -> dict[str, object] | None:
    session, draft = reopen(database, token, now)
    session.commit()
    session.close()
    return draft and draft.document


def test_a_saved_draft_is_found_again_by_its_token(database: Database, token: str, clinic: Clinic) -> None:
    with database.new_session() as session:
        draft = find_open_draft(session, token, NOW)
        assert draft is not None
        assert draft.row.clinic_id == clinic.id
        draft.document["answers"] = {"age": 41}
        save_draft(session, draft, NOW + HOUR)
        session.commit()
    with database.new_session() as session:
        draft = find_open_draft(session, token, NOW + HOUR)
        assert draft is not None
        assert draft.document == {"answers": {"age": 41}}
        assert draft.row.last_active_at == NOW + HOUR
        assert draft.row.created_at == NOW


@pytest.mark.parametrize("wrong", ["", "short", "x" * 43, "ä" * 43, "x" * 44, "\0" * 43])
def test_another_token_finds_nothing(database: Database, token: str, wrong: str) -> None:
    assert opened(database, wrong) is None
    assert opened(database, token[:-1]) is None
    assert opened(database, secrets.token_urlsafe(32)) is None


def test_a_session_in_another_clinic_finds_nothing(
    database: Database, token: str, other_clinic: Clinic
) -> None:
    with in_clinic(database, other_clinic) as session:
        assert find_open_draft(session, token, NOW) is None


def test_the_database_alone_opens_no_draft(session: Session, url: str, token: str) -> None:
    row, door = session.scalars(select(Draft)).one(), session.scalars(select(DraftDoor)).one()
    ring = clinic_key(session, row.clinic_id)
    with pytest.raises(UnreadableError):
        open_document(ring, place_of(row, "sealed"), row.sealed)
    assert token.encode() not in door.wrapped_key + door.secret_hash
    session.commit()
    thief = Database(url, Vault(MasterKeys.parse(MasterKeys.new_text()), new_key()))
    with thief.new_session() as stolen, pytest.raises(UnreadableError):
        find_open_draft(stolen, token, NOW)
    thief.dispose()


def test_a_door_moved_to_another_draft_opens_nothing(session: Session, clinic: Clinic, token: str) -> None:
    _, other_token = add_draft(session, clinic.id, {"answers": {}}, NOW)
    session.flush()
    mine, other = session.scalars(select(DraftDoor).order_by(DraftDoor.created_at, DraftDoor.id))
    other.wrapped_key = mine.wrapped_key
    session.flush()
    with pytest.raises(UnreadableError):
        find_open_draft(session, other_token, NOW)
    mine.draft_id = other.draft_id
    session.flush()
    with pytest.raises(UnreadableError):
        find_open_draft(session, token, NOW)


def test_a_renewed_door_kills_the_old_link_and_forgets_wrong_tries(database: Database, token: str) -> None:
    session, draft = reopen(database, token)
    assert draft is not None
    count_wrong_try(session, draft)
    renewed = renew_door(session, draft, NOW)
    session.commit()
    assert opened(database, token) is None
    session, draft = reopen(database, renewed)
    assert draft is not None
    assert draft.row.tries == 0
    assert draft.document == {"answers": {}}
    session.close()


def in_clinic(database: Database, clinic: Clinic) -> Session:
    session = database.new_session()
    enter_clinic(session, clinic.id)
    return session


@pytest.mark.parametrize("ends", [(timedelta(0), 24 * HOUR), (160 * HOUR, 168 * HOUR)])
def test_a_draft_ends_after_a_day_idle_or_a_week_in_all(
    database: Database, token: str, clinic: Clinic, ends: tuple[timedelta, timedelta]
) -> None:
    last_active, end = ends
    session, draft = reopen(database, token)
    assert draft is not None
    for hours in range(0, int(last_active / HOUR) + 1, 20):
        save_draft(session, draft, NOW + hours * HOUR)
    session.commit()
    assert opened(database, token, NOW + end - timedelta(seconds=1)) is not None
    assert opened(database, token, NOW + end) is None
    with in_clinic(database, clinic) as session:
        assert remove_expired_drafts(session, NOW + end) == 1
        assert session.scalar(select(func.count(Draft.id))) == 0
        assert session.scalar(select(func.count(DraftDoor.id))) == 0


def test_the_fifth_wrong_try_removes_the_draft(database: Database, token: str, clinic: Clinic) -> None:
    for tries in (1, 2, 3, 4, 5):
        session, draft = reopen(database, token)
        assert draft is not None
        assert count_wrong_try(session, draft) == tries
        session.commit()
        session.close()
    assert opened(database, token) is None
    with in_clinic(database, clinic) as session:
        assert session.scalar(select(func.count(DraftDoor.id))) == 0


def test_wrong_tries_of_stale_sessions_all_count(database: Database, token: str) -> None:
    sessions = []
    for _ in range(3):
        session, draft = reopen(database, token)
        assert draft is not None
        session.commit()
        sessions.append((session, draft))
    tries = []
    for session, draft in sessions:
        tries.append(count_wrong_try(session, draft))
        session.commit()
        session.close()
    assert tries == [1, 2, 3]


def test_a_removed_draft_is_gone_for_whoever_still_writes_to_it(database: Database, token: str) -> None:
    session, draft = reopen(database, token)
    assert draft is not None
    session.commit()
    with database.new_session() as elsewhere:
        same = find_open_draft(elsewhere, token, NOW)
        assert same is not None
        remove_draft(elsewhere, same)
        elsewhere.commit()
    assert opened(database, token) is None
    assert count_wrong_try(session, draft) == MOST_TRIES
    draft.document["late"] = True
    with pytest.raises(NotFoundError):
        save_draft(session, draft, NOW)
    session.rollback()
    session.close()


def test_expired_drafts_of_the_entered_clinic_are_removed(
    database: Database, clinic: Clinic, other_clinic: Clinic
) -> None:
    for owner, started in ((clinic, NOW), (clinic, NOW - 25 * HOUR), (other_clinic, NOW - 25 * HOUR)):
        with database.new_session() as session:
            add_draft(session, owner.id, {}, started)
            session.commit()
    with in_clinic(database, clinic) as session:
        assert remove_expired_drafts(session, NOW) == 1
        assert session.scalar(select(func.count(Draft.id))) == 1
        session.commit()
    with in_clinic(database, other_clinic) as session:
        assert session.scalar(select(func.count(Draft.id))) == 1


def test_a_draft_that_is_gone_on_with_at_the_last_moment_stays(
    database: Database, token: str, clinic: Clinic
) -> None:
    end = NOW + 24 * HOUR

    def remove() -> int:
        with in_clinic(database, clinic) as session:
            removed = remove_expired_drafts(session, end)
            session.commit()
            return removed

    with database.new_session() as session:
        draft = find_open_draft(session, token, end - HOUR, to_change=True)
        assert draft is not None
        save_draft(session, draft, end - HOUR)
        with ThreadPoolExecutor() as pool:
            removing = pool.submit(remove)
            wait([removing], timeout=0.3)
            assert not removing.done(), "it waits for what is being written"
            session.commit()
            assert removing.result() == 0
    assert opened(database, token, end) is not None
