"""What staff wrote in words, sealed in a column of its row."""

from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.tables import place_of
from screener.store.tenancy import ClinicScoped
from screener.store.vault import open_sealed, seal


def seal_text(session: Session, row: ClinicScoped, column: str, text: str) -> None:
    ring = clinic_key(session, row.clinic_id)
    setattr(row, column, seal(ring, place_of(row, column), text.encode()))


def open_text(session: Session, row: ClinicScoped, column: str) -> str:
    ring = clinic_key(session, row.clinic_id)
    return open_sealed(ring, place_of(row, column), getattr(row, column)).decode()
