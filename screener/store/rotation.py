"""Keys that change while all goes on: master keys wrap anew, clinics get new keys, rows are sealed anew.

What was sealed under an older key of the clinic stays readable at every moment, so this may stop anywhere and
begin again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Column, LargeBinary, Table, func, select, update
from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.database import Base, new_id, vault_of
from screener.store.errors import UnreadableError
from screener.store.tables import ClinicKey, Draft, SignedHistory
from screener.store.tenancy import ClinicScoped, clinic_connection, entered_clinic
from screener.store.vault import KeyRing, Place, key_number, new_key, open_sealed, seal

BATCH: Final = 100
# What was signed is never changed: the key it was signed under stays.
_STAYS: Final = SignedHistory.__tablename__


class Sealed(NamedTuple):
    """A column that holds what is sealed under its clinic's key."""

    table: Table
    column: Column[Any]


class Resealed(NamedTuple):
    """What became of a batch: the last row's id (None after the last batch), and how many rows there were."""

    last: UUID | None
    changed: int
    unreadable: int


def list_sealed() -> list[Sealed]:
    """Of all tables, also of those that come with later versions."""
    scoped = {
        mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, ClinicScoped)
    }
    return [
        Sealed(table, column)
        for table in Base.metadata.sorted_tables
        # A draft's key hangs on its doors.
        if table in scoped and table.name != Draft.__tablename__
        for column in table.columns
        if column.name.split("_")[0] == "sealed"
    ]


def list_keys(session: Session) -> list[ClinicKey]:
    """The entered clinic's, by version; none if they were destroyed."""
    return list(session.scalars(select(ClinicKey).order_by(ClinicKey.version)))


def rewrap_keys(session: Session) -> int:
    """The entered clinic's keys under the newest master key; how many were not."""
    master = vault_of(session).master.newest
    rows = list(session.scalars(select(ClinicKey).with_for_update()))
    behind = [row for row in rows if key_number(row.wrapped) != master.current]
    for row in behind:
        key = master.unwrap(row.clinic_id, row.version, row.wrapped)
        row.wrapped = master.wrap(row.clinic_id, row.version, key)
    session.flush()
    return len(behind)


def add_key(session: Session) -> int:
    """A new key of the entered clinic, which seals from here on; its version."""
    clinic_id = entered_clinic(session)
    # Whoever adds one at the same time waits here; only a second statement then finds the new one.
    session.execute(select(ClinicKey.id).with_for_update())
    version = session.execute(select(func.max(ClinicKey.version))).scalar_one() + 1
    wrapped = vault_of(session).master.wrap(clinic_id, version, new_key())
    session.add(
        ClinicKey(
            id=new_id(), clinic_id=clinic_id, version=version, wrapped=wrapped, created_at=datetime.now(UTC)
        )
    )
    session.flush()
    session.info.get("clinic_keys", {}).pop(clinic_id, None)
    return version


def count_behind(session: Session) -> Iterator[tuple[Sealed, int]]:
    """How many values of the entered clinic are sealed under an older key, column by column."""
    for sealed in list_sealed():
        count = select(func.count()).select_from(sealed.table).where(*_behind(session, sealed))
        yield sealed, clinic_connection(session).execute(count).scalar_one()


def reseal_batch(session: Session, sealed: Sealed, after: UUID | None) -> Resealed:
    """Some rows of the entered clinic that an older key sealed, sealed anew.

    Through the connection: no open form grows stale of it, and the wall lets nobody else change rows that are
    written once. What somebody changes meanwhile keeps their change.
    """
    if sealed.table.name == _STAYS:
        return Resealed(None, 0, 0)
    table, ring = sealed.table, clinic_key(session, entered_clinic(session))
    rows = (
        select(table.c.id, sealed.column).where(*_behind(session, sealed)).order_by(table.c.id).limit(BATCH)
    )
    if after is not None:
        rows = rows.where(table.c.id > after)
    found = clinic_connection(session).execute(rows).all()
    changed = unreadable = 0
    for row_id, old in found:
        try:
            new = _seal_anew(
                ring, Place(entered_clinic(session), table.name, sealed.column.name, row_id), old
            )
        except UnreadableError:
            unreadable += 1
            continue
        is_it = (table.c.clinic_id == entered_clinic(session), table.c.id == row_id, sealed.column == old)
        changed += (
            clinic_connection(session)
            .execute(update(table).where(*is_it).values({sealed.column: new}))
            .rowcount
        )
    return Resealed(found[-1][0] if len(found) == BATCH else None, changed, unreadable)


def _seal_anew(ring: KeyRing, place: Place, old: bytes) -> bytes:
    return seal(ring, place, open_sealed(ring, place, old))


def _behind(session: Session, sealed: Sealed) -> tuple[Any, ...]:
    current = clinic_key(session, entered_clinic(session)).current
    under = func.substr(sealed.column, 2, 2, type_=LargeBinary)
    is_clinics = sealed.table.c.clinic_id == entered_clinic(session)
    return is_clinics, sealed.column.is_not(None), under != current.to_bytes(2)
