"""Forms saved for later: a link or a code opens each once, and only where it was made."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from store.builders import NOW

from screener.store.database import Database
from screener.store.drafts import (
    LINK_MAIL,
    WARNING_MAIL,
    OpenDraft,
    add_draft,
    close_doors,
    count_wrong_try,
    find_clinic_of_closed_door,
    find_open_draft,
    kept_until,
    remove_draft,
    remove_expired_drafts,
    renew_door,
    save_draft,
)
from screener.store.outbox import add_mail
from screener.store.saved_drafts import find_by_code, read_code, save_for_later, show_code
from screener.store.tables import MOST_TRIES, Clinic, Draft, DraftDoor, OutboxMessage
from screener.store.tenancy import enter_clinic
from screener.store.vault import token_hash

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def draft(session: Session, clinic: Clinic) -> OpenDraft:
    draft, _ = add_draft(session, clinic.id, {"answers": {"age": 41}}, NOW)
    return draft


def opens(session: Session, token: str, kind: str) -> bool:
    return find_open_draft(session, token, NOW, kind=kind) is not None


def mails(session: Session) -> list[str]:
    return list(session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.kind)))


# ---------------------------------------------------------------- the ways back


def test_a_link_opens_the_draft_it_was_made_for(database: Database, session: Session, clinic: Clinic) -> None:
    draft, _ = add_draft(session, clinic.id, {"answers": {"age": 41}}, NOW)
    token = save_for_later(session, draft, "resume", NOW)
    session.commit()
    with database.new_session() as later:
        found = find_open_draft(later, token, NOW, kind="resume")
        assert found is not None
        assert found.document == {"answers": {"age": 41}}


def test_a_code_opens_its_draft_however_it_is_typed(session: Session, draft: OpenDraft) -> None:
    code = save_for_later(session, draft, "code", NOW)
    shown = show_code(code)
    assert len(shown) == 14
    for typed in (
        shown,
        shown.lower(),
        code,
        f" {shown.replace('-', ' ')} ",
        shown.replace("-", "\N{EN DASH}"),
    ):
        read = read_code(typed)
        assert read is not None
        found = find_by_code(session, read, NOW)
        assert found is not None
        assert found.row.id == draft.row.id


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert read_code("oO0i-Il1L-7qmz") == "000111117QMZ"


@pytest.mark.parametrize(
    "typed",
    ["", "K7QM-3XVD-9TP", "K7QM-3XVD-9TPAA", "K7QM-3XVD-9TPU", "K7QM-3XVD-9TP\N{GREEK SMALL LETTER ALPHA}"],
)
def test_what_is_no_code_is_not_looked_for(typed: str) -> None:
    assert read_code(typed) is None


def test_a_door_opens_only_as_the_kind_it_is(session: Session, clinic: Clinic) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    link = save_for_later(session, draft, "resume", NOW)
    assert opens(session, page, "page")
    assert opens(session, link, "resume")
    assert not opens(session, link, "page")
    assert not opens(session, page, "resume")
    assert not opens(session, link, "code")


def test_a_code_opens_nothing_at_another_clinic(
    database: Database, other_clinic: Clinic, session: Session, draft: OpenDraft
) -> None:
    code = save_for_later(session, draft, "code", NOW)
    session.commit()
    with database.new_session() as foreign:
        enter_clinic(foreign, other_clinic.id)
        assert find_by_code(foreign, code, NOW) is None


def test_the_database_holds_no_hash_of_the_code_itself(session: Session, draft: OpenDraft) -> None:
    code = save_for_later(session, draft, "code", NOW)
    hashes = set(session.scalars(select(DraftDoor.secret_hash)))
    assert token_hash(code) not in hashes
    assert token_hash(show_code(code)) not in hashes


def test_a_new_save_shuts_the_earlier_way_and_leaves_the_page_open(session: Session, clinic: Clinic) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    link = save_for_later(session, draft, "resume", NOW)
    code = save_for_later(session, draft, "code", NOW)
    assert not opens(session, link, "resume")
    assert find_by_code(session, code, NOW) is not None
    assert opens(session, page, "page")
    again = save_for_later(session, draft, "resume", NOW)
    assert find_by_code(session, code, NOW) is None
    assert opens(session, again, "resume")


# ---------------------------------------------------------------- one way in at a time


def test_going_on_by_one_door_shuts_all_others_and_wipes_their_keys(session: Session, clinic: Clinic) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    link = save_for_later(session, draft, "resume", NOW)
    count_wrong_try(session, draft)
    renewed = renew_door(session, draft, NOW + DAY)
    assert not opens(session, page, "page")
    assert not opens(session, link, "resume")
    assert opens(session, renewed, "page")
    assert (draft.row.tries, draft.row.last_active_at) == (0, NOW + DAY)
    for token in (page, link):
        door = session.scalars(select(DraftDoor).where(DraftDoor.secret_hash == token_hash(token))).one()
        assert (door.wrapped_key, door.replaced_at) == (b"", NOW + DAY)


def test_a_shut_door_still_tells_its_clinic_and_an_open_or_unknown_one_does_not(
    session: Session, clinic: Clinic
) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    assert find_clinic_of_closed_door(session, page) is None
    renewed = renew_door(session, draft, NOW)
    assert find_clinic_of_closed_door(session, page) == clinic.id
    assert find_clinic_of_closed_door(session, renewed) is None
    for unknown in ("", "x", "x" * 43, "\0" * 43):
        assert find_clinic_of_closed_door(session, unknown) is None
    remove_draft(session, draft)
    assert find_clinic_of_closed_door(session, page) is None


def test_a_shut_door_is_found_before_a_clinic_is_known(
    database: Database, session: Session, clinic: Clinic
) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    renew_door(session, draft, NOW)
    session.commit()
    with database.new_session() as stranger:
        assert find_clinic_of_closed_door(stranger, page) == clinic.id


def test_of_two_devices_with_one_link_only_one_comes_in(
    database: Database, session: Session, draft: OpenDraft
) -> None:
    link = save_for_later(session, draft, "resume", NOW)
    session.commit()
    together = Barrier(2)

    def come_in() -> bool:
        with database.new_session() as device:
            together.wait()
            found = find_open_draft(device, link, NOW, kind="resume", to_change=True)
            if found:
                renew_door(device, found, NOW)
            device.commit()
            return found is not None

    with ThreadPoolExecutor() as pool:
        came_in = [pool.submit(come_in) for _ in range(2)]
    assert sorted(each.result() for each in came_in) == [False, True]


def test_the_fifth_wrong_try_removes_a_saved_draft_with_all_its_doors(
    session: Session, draft: OpenDraft
) -> None:
    link = save_for_later(session, draft, "resume", NOW)
    for _ in range(MOST_TRIES):
        count_wrong_try(session, draft)
    assert not opens(session, link, "resume")
    assert session.scalars(select(DraftDoor)).all() == []


# ---------------------------------------------------------------- mail


def owe(session: Session, draft: OpenDraft) -> None:
    for kind in (LINK_MAIL, WARNING_MAIL):
        add_mail(
            session,
            kind,
            to="pat@example.com",
            language="en",
            values={},
            due_at=NOW,
            now=NOW,
            draft_id=draft.row.id,
        )


def test_shutting_a_way_back_cancels_the_mail_about_it(session: Session, clinic: Clinic) -> None:
    draft, other = (add_draft(session, clinic.id, {}, NOW)[0] for _ in range(2))
    owe(session, draft)
    owe(session, other)
    close_doors(session, draft, ("resume", "code"), NOW)
    assert session.scalars(select(OutboxMessage.draft_id)).all() == [other.row.id] * 2


def test_mail_that_was_sent_stays_on_record(session: Session, draft: OpenDraft) -> None:
    owe(session, draft)
    sent = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == LINK_MAIL)).one()
    sent.sent_at = NOW
    session.flush()
    close_doors(session, draft, ("resume", "code"), NOW)
    assert mails(session) == [LINK_MAIL]


def test_a_removed_draft_owes_no_mail(session: Session, draft: OpenDraft) -> None:
    owe(session, draft)
    remove_draft(session, draft)
    assert mails(session) == []


# ---------------------------------------------------------------- expiry


def test_a_saved_draft_lives_a_week_from_the_last_activity_however_old_it_is(
    session: Session, clinic: Clinic
) -> None:
    draft, page = add_draft(session, clinic.id, {}, NOW)
    link = save_for_later(session, draft, "resume", NOW)
    for day in (3, 9, 15):
        save_draft(session, draft, NOW + day * DAY)
    end = NOW + 22 * DAY
    assert kept_until(draft.row, 7 * DAY) == end
    assert find_open_draft(session, link, end - SECOND, kind="resume") is not None
    assert remove_expired_drafts(session, end - SECOND) == 0
    for token, kind in ((page, "page"), (link, "resume")):
        assert find_open_draft(session, token, end, kind=kind) is None
    assert remove_expired_drafts(session, end) == 1


def test_an_unsaved_draft_is_kept_for_a_day_and_a_week_at_most(session: Session, draft: OpenDraft) -> None:
    assert kept_until(draft.row, 7 * DAY) == NOW + DAY
    draft.row.last_active_at = NOW + 6.5 * DAY
    assert kept_until(draft.row, 7 * DAY) == NOW + 7 * DAY
    assert remove_expired_drafts(session, NOW + 7 * DAY - SECOND) == 0
    assert remove_expired_drafts(session, NOW + 7 * DAY) == 1


def test_a_draft_that_was_come_back_to_is_still_a_saved_one(session: Session, draft: OpenDraft) -> None:
    save_for_later(session, draft, "resume", NOW)
    renew_door(session, draft, NOW + 5 * DAY)
    assert kept_until(draft.row, 7 * DAY) == NOW + 12 * DAY
    assert session.scalars(select(Draft.saved_at)).one() == NOW
