"""One-time keys of forms: a form that is sent twice finds the row it wrote the first time."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from screener.store.database import new_id
from screener.store.errors import ConflictError
from screener.store.tenancy import ClinicScoped

Row = TypeVar("Row", bound=ClinicScoped)


class SentBeforeError(ConflictError):
    """A form under this key was written down before, and it said something else."""


def row_of_key(about: UUID, staff_id: int | None, key: str) -> UUID:
    """The id of the row that this person's form with this key writes about a request, or a clinic.

    Nobody can name another's row by it; an empty key names a row of its own each time.
    """
    return uuid5(about, f"{staff_id} {key}") if key else new_id()


def find_written(
    session: Session, table: type[Row], row_id: UUID, is_same: Callable[[Row], bool]
) -> Row | None:
    """What the form wrote when it was sent before. Hold the request first. Raises SentBeforeError."""
    row = session.get(table, row_id)
    if row is not None and not is_same(row):
        raise SentBeforeError("sent before with another body")
    return row
