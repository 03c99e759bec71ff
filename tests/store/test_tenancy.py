from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from conftest import past_the_walls
from sqlalchemy import (
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    join,
    literal,
    select,
    table,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session, aliased
from store.builders import NOW, make_consultation, make_screening

from screener.store.database import Database, new_id
from screener.store.drafts import add_draft
from screener.store.errors import NoClinicError, OtherClinicError, StoreError
from screener.store.tables import Clinic, Consultation, ConsultationEvent, Draft, DraftDoor, Screening
from screener.store.tenancy import NAMED_LOOKUPS, enter_clinic

DRAFTS = Draft.__table__
A_DRAFT = aliased(Draft)
A_DOOR = aliased(DraftDoor)
CLINIC_OF_DRAFT = Draft.clinic_id == Clinic.id

# Every way to say it that we could think of: it either shows the entered clinic alone, or raises.
READS = {
    "class": select(Draft.id, Draft),
    "column": select(Draft.id),
    "count of a column": select(func.count(Draft.id)),
    "count of rows": select(func.count()).select_from(Draft),
    "two classes": select(Draft.id, DraftDoor.draft_id).where(Draft.id == DraftDoor.draft_id),
    "function of two": select(func.coalesce(Draft.id, DraftDoor.draft_id)).join(
        DraftDoor, DraftDoor.draft_id == Draft.id
    ),
    "join": select(Draft.id).join(DraftDoor, DraftDoor.draft_id == Draft.id),
    "join from the tenant": select(Draft.id).select_from(Clinic).join(Draft, CLINIC_OF_DRAFT),
    "outer join": select(Draft.id).select_from(Clinic).outerjoin(Draft, CLINIC_OF_DRAFT),
    "where alone": select(Clinic.id).where(CLINIC_OF_DRAFT),
    "where alone, alias": select(Clinic.id).where(A_DRAFT.clinic_id == Clinic.id),
    "exists": select(Clinic.id).where(exists().where(CLINIC_OF_DRAFT)),
    "select exists": select(Clinic.id).where(select(Draft.id).where(CLINIC_OF_DRAFT).exists()),
    "exists uncorrelated": select(Draft.id).where(
        select(DraftDoor.id).where(DraftDoor.draft_id == Draft.id).correlate(None).exists()
    ),
    "alias": select(A_DRAFT.id),
    "alias join": select(A_DRAFT.id, A_DOOR.draft_id).join(A_DOOR, A_DOOR.draft_id == A_DRAFT.id),
    "in": select(Clinic.id).where(Clinic.id.in_(select(Draft.clinic_id))),
    "subquery": select(select(Draft.id).subquery()),
    "lateral": select(select(Draft.id).where(CLINIC_OF_DRAFT).lateral()).select_from(Clinic),
    "common table": select(select(Draft.id).cte()),
    "scalar subquery": select(select(func.count(Draft.id)).scalar_subquery()),
    "union": union_all(select(Draft.id), select(DraftDoor.draft_id)),
    "union inside": select(union_all(select(Draft.id), select(DraftDoor.draft_id)).subquery()),
    "core union": union_all(select(Draft.id), select(DRAFTS.c.id)),
    "class over core": select(aliased(Draft, select(DRAFTS).subquery()).id),
    "class over a core alias": select(aliased(Draft, DRAFTS.alias()).id),
    "class over a select": select(aliased(Draft, select(Draft).subquery()).id),
    "join object": select(Draft.id).select_from(join(Clinic, Draft, CLINIC_OF_DRAFT)),
    "join object with the tenant shown": select(Clinic.id).select_from(join(Clinic, Draft, CLINIC_OF_DRAFT)),
    "core join object": select(DRAFTS.c.id).select_from(Clinic.__table__.join(DRAFTS)),
    "core": select(DRAFTS.c.id),
    "core join": select(Clinic.id).join(DRAFTS, DRAFTS.c.clinic_id == Clinic.id),
    "core alias": select(Clinic.id).join(DRAFTS.alias("d"), literal(1) == 1),
    "core alias beside the class": select(DRAFTS.alias("d").c.id).join(Draft, literal(1) == 1),
    "core subquery": select(Clinic.id).where(Clinic.id.in_(select(DRAFTS.c.clinic_id))),
    "core exists": select(Clinic.id).where(exists(select(literal(1)).select_from(DRAFTS))),
    "bare table": select(func.count()).select_from(table("drafts")),
    "text": text("SELECT id FROM drafts"),
    "text in from": select(text("id")).select_from(text("drafts")),
    "from statement": select(Draft).from_statement(select(DRAFTS)),
    "case": select(case((Draft.tries >= 0, Draft.id), else_=None)),
    "window": select(Draft.id, func.row_number().over(order_by=Draft.created_at)),
    "group": select(Draft.clinic_id, func.count(Draft.id)).group_by(Draft.clinic_id),
    "select of exists": select(exists().where(Draft.tries == 0)),
    "nested alias": select(A_DRAFT.id).where(
        select(DraftDoor.id).where(DraftDoor.draft_id == A_DRAFT.id).exists()
    ),
    "join from": select(Draft.id, A_DOOR.draft_id).join_from(Draft, A_DOOR, literal(1) == 1),
}


@pytest.fixture
def own(session: Session, database: Database, clinic: Clinic, other_clinic: Clinic) -> UUID:
    """The one draft of the clinic that is entered; the other clinic has three."""
    with database.new_session() as elsewhere:
        for _ in range(3):
            add_draft(elsewhere, other_clinic.id, {}, NOW)
        elsewhere.commit()
    draft, _ = add_draft(session, clinic.id, {}, NOW)
    session.commit()
    return draft.row.id


@pytest.fixture
def foreign(own: UUID, database: Database, other_clinic: Clinic) -> Draft:
    _ = own
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        return elsewhere.scalars(select(Draft)).first()


def is_own(value: Any, allowed: set[object]) -> bool:
    return value in allowed or (isinstance(value, Draft) and value.id in allowed)


@pytest.mark.filterwarnings("ignore:SELECT statement has a cartesian product")
@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_a_read_shows_the_entered_clinic_or_raises(
    session: Session, clinic: Clinic, own: UUID, read: Any
) -> None:
    try:
        rows = session.execute(read).all()
    except (NoClinicError, OperationalError):  # SQLite knows no LATERAL
        return
    assert rows
    assert all(is_own(value, {own, clinic.id, 1, None}) for row in rows for value in row)


@pytest.mark.parametrize(
    "name", ["class", "column", "count of rows", "join", "exists", "alias", "in", "union"]
)
def test_ordinary_reads_are_not_refused(session: Session, own: UUID, name: str) -> None:
    _ = own
    assert session.execute(READS[name]).all()


@pytest.mark.parametrize("read", READS.values(), ids=READS.keys())
def test_no_read_runs_before_a_clinic_is_entered(database: Database, own: UUID, read: Any) -> None:
    _ = own
    with database.new_session() as nowhere, pytest.raises(NoClinicError):
        nowhere.execute(read)


def test_get_and_refresh_need_a_clinic_and_keep_to_it(
    database: Database, own: UUID, foreign: Draft, session: Session
) -> None:
    with database.new_session() as nowhere, pytest.raises(NoClinicError):
        nowhere.get(Draft, own)
    session.expunge_all()
    assert session.get(Draft, foreign.id) is None
    draft = session.get(Draft, own)
    assert draft is not None
    session.refresh(draft)


def test_the_old_query_keeps_to_the_clinic(session: Session, own: UUID) -> None:
    assert [draft.id for draft in session.query(Draft)] == [own]
    assert session.query(Draft).count() == 1


WRITES: dict[str, Callable[[Draft], Any]] = {
    "update all": lambda _: update(Draft).values(tries=4),
    "update by id": lambda foreign: update(Draft).where(Draft.id == foreign.id).values(tries=4),
    "update from": lambda _: update(Draft).where(DraftDoor.draft_id == Draft.id).values(tries=4),
    "update core": lambda _: update(DRAFTS).values(tries=4),
    "update in": lambda _: update(Draft).where(Draft.id.in_(select(DraftDoor.draft_id))).values(tries=4),
    "update set": lambda _: update(Draft).values(
        tries=select(func.count(DraftDoor.id)).scalar_subquery() + 3
    ),
    "delete all": lambda _: delete(Draft),
    "delete by id": lambda foreign: delete(Draft).where(Draft.id == foreign.id),
    "delete core": lambda _: delete(DRAFTS),
    "delete in": lambda _: delete(Draft).where(Draft.id.in_(select(DRAFTS.c.id))),
    "delete returning": lambda _: select(delete(Draft).returning(Draft.id).cte()),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_write_never_reaches_the_other_clinic(
    database: Database, session: Session, foreign: Draft, write: Callable[[Draft], Any]
) -> None:
    statement = write(foreign).execution_options(synchronize_session=False)
    try:
        session.execute(statement)
        session.commit()
    except (NoClinicError, OperationalError):  # SQLite takes no DELETE in a SELECT
        session.rollback()
    with past_the_walls(database) as connection:
        rows = connection.execute(select(DRAFTS.c.tries).where(DRAFTS.c.clinic_id == foreign.clinic_id)).all()
    assert rows == [(0,)] * 3
    with database.new_session() as nowhere, pytest.raises(NoClinicError):
        nowhere.execute(statement)


def test_a_write_takes_nothing_from_a_second_class(session: Session, own: UUID) -> None:
    _ = own
    with pytest.raises(NoClinicError):
        session.execute(WRITES["update from"](Draft()))


def test_an_update_by_a_list_of_keys_is_refused(session: Session, foreign: Draft) -> None:
    with pytest.raises(NoClinicError):
        session.execute(update(Draft), [{"id": foreign.id, "tries": 4}])


def row_for(clinic_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "clinic_id": clinic_id,
        "sealed": b"",
        "tries": 0,
        "created_at": NOW,
        "last_active_at": NOW,
    }


def test_inserted_rows_name_the_entered_clinic(
    session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    with pytest.raises(NoClinicError):
        session.execute(insert(Draft), [row_for(clinic.id)])
    enter_clinic(session, clinic.id)
    session.execute(insert(Draft), [row_for(clinic.id), row_for(clinic.id)])
    session.execute(insert(Draft), row_for(clinic.id))
    assert session.scalar(select(func.count(Draft.id))) == 3
    with pytest.raises(OtherClinicError):
        session.execute(insert(Draft), [row_for(clinic.id), row_for(other_clinic.id)])
    with pytest.raises(OtherClinicError):
        session.execute(insert(Draft), {"id": new_id()})
    for statement in (
        insert(Draft).values(**row_for(other_clinic.id)),
        insert(Draft).values([row_for(other_clinic.id)]),
        insert(DRAFTS),
        insert(Draft).from_select(["id"], select(Draft.id)),
    ):
        with pytest.raises(NoClinicError):
            session.execute(statement)
    with pytest.raises(NoClinicError):
        session.execute(insert(Draft).values(clinic_id=other_clinic.id), [row_for(clinic.id)])


def test_a_flushed_row_belongs_to_the_entered_clinic(
    session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    session.add(Draft(**row_for(clinic.id)))
    with pytest.raises(NoClinicError):
        session.flush()
    session.rollback()
    enter_clinic(session, clinic.id)
    session.add(Draft(**row_for(other_clinic.id)))
    with pytest.raises(OtherClinicError):
        session.flush()
    session.rollback()
    draft = Draft(**row_for(clinic.id) | {"clinic_id": None})
    session.add(draft)
    session.flush()
    assert draft.clinic_id == clinic.id
    draft.clinic_id = other_clinic.id
    with pytest.raises(OtherClinicError):
        session.flush()


def test_a_foreign_row_can_be_neither_changed_nor_deleted(session: Session, foreign: Draft) -> None:
    session.add(foreign)
    foreign.tries = 4
    with pytest.raises(OtherClinicError):
        session.flush()
    session.rollback()
    session.expunge_all()


def test_bulk_calls_are_closed(session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    with pytest.raises(NoClinicError):
        session.bulk_insert_mappings(Draft, [row_for(clinic.id)])
    with pytest.raises(NoClinicError):
        session.bulk_update_mappings(Draft, [row_for(clinic.id)])
    with pytest.raises(NoClinicError):
        session.bulk_save_objects([Draft(**row_for(clinic.id))])


def test_a_session_stays_in_its_clinic(session: Session, clinic: Clinic, other_clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    enter_clinic(session, clinic.id)
    with pytest.raises(OtherClinicError):
        enter_clinic(session, other_clinic.id)


def test_the_database_refuses_a_child_of_another_clinics_row(
    database: Database, session: Session, clinic: Clinic, other_clinic: Clinic
) -> None:
    with database.new_session() as elsewhere:
        enter_clinic(elsewhere, other_clinic.id)
        foreign = make_screening(elsewhere)
        elsewhere.commit()
    enter_clinic(session, clinic.id)
    with pytest.raises(IntegrityError):
        make_consultation(session, screening=foreign)


def test_the_look_ups_without_a_clinic_are_four_and_read_their_own_tables(
    database: Database, own: UUID
) -> None:
    assert len(NAMED_LOOKUPS) == 4
    with database.new_session() as nowhere:
        by_token = {"named_lookup": "draft by token"}
        assert own in nowhere.scalars(select(Draft.id), execution_options=by_token).all()
        both = select(Draft.id).join(DraftDoor, DraftDoor.draft_id == Draft.id)
        assert own in nowhere.scalars(both, execution_options=by_token).all()
        by_receipt = {"named_lookup": "receipt by token"}
        assert nowhere.scalars(select(Consultation.id), execution_options=by_receipt).all() == []
        with pytest.raises(NoClinicError, match="may not touch consultations"):
            nowhere.scalars(select(Consultation.id), execution_options=by_token)
        with pytest.raises(NoClinicError):
            nowhere.scalars(select(Draft.id), execution_options={"named_lookup": "because I say so"})


def test_a_statement_that_was_let_through_is_judged_anew_elsewhere_and_when_it_is_added_to(
    database: Database, session: Session, own: UUID
) -> None:
    read, by_token = select(Draft.id), {"named_lookup": "draft by token"}
    assert session.scalars(read).all() == [own]
    with pytest.raises(NoClinicError):
        session.scalars(read.join(DRAFTS.alias("d"), literal(1) == 1))
    session.rollback()
    with database.new_session() as nowhere:
        with pytest.raises(NoClinicError):
            nowhere.scalars(read)
        assert len(nowhere.scalars(read, execution_options=by_token).all()) == 4
        with pytest.raises(NoClinicError, match="may not touch consultations"):
            nowhere.scalars(read.join(Consultation, literal(1) == 1), execution_options=by_token)


def test_screenings_and_events_are_never_changed(session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    consultation = make_consultation(session)
    session.commit()
    screening = session.scalars(select(Screening)).one()
    screening.urgency = "emergency"
    with pytest.raises(StoreError):
        session.flush()
    session.rollback()
    with pytest.raises(StoreError):
        session.execute(update(ConsultationEvent).values(what="read"))
    only = and_(ConsultationEvent.consultation_id == consultation.id, ConsultationEvent.what == "received")
    assert session.scalars(select(ConsultationEvent).where(only)).one().to_state == "new"
