"""A clinic's keys while all goes on; what operators see of it is in web/test_keys.py."""

from concurrent.futures import ThreadPoolExecutor, wait

from sqlalchemy.orm import Session

from screener.store.database import Database
from screener.store.rotation import add_key, list_keys
from screener.store.tables import Clinic
from screener.store.tenancy import enter_clinic


def test_two_who_add_a_key_at_once_add_two(database: Database, session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)

    def add_another() -> int:
        with database.new_session() as elsewhere:
            enter_clinic(elsewhere, clinic.id)
            version = add_key(elsewhere)
            elsewhere.commit()
            return version

    assert add_key(session) == 2
    with ThreadPoolExecutor() as pool:
        other = pool.submit(add_another)
        wait([other], timeout=0.3)
        assert not other.done(), "it waits for what is being written"
        session.commit()
        assert other.result() == 3
    assert [key.version for key in list_keys(session)] == [1, 2, 3]
