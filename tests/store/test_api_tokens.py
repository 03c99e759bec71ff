"""Tokens of a clinic's own systems; what they open is in web/test_api.py."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest
from sqlalchemy.orm import Session
from store.builders import NOW

from screener.domain.rights import Right
from screener.store import api_tokens
from screener.store.api_tokens import add_token, list_tokens, revoke_token
from screener.store.database import Database
from screener.store.errors import ConflictError
from screener.store.tables import Clinic
from screener.store.tenancy import enter_clinic


@pytest.fixture(autouse=True)
def _one_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_tokens, "MOST_TOKENS", 1)


def add(session: Session, key: str = "") -> None:
    add_token(session, name="EHR", rights=Right, lasts=None, by=None, now=NOW, key=key)


def test_of_two_who_make_the_last_token_at_once_one_is_refused(
    database: Database, session: Session, clinic: Clinic
) -> None:
    enter_clinic(session, clinic.id)

    def add_another() -> None:
        with database.new_session() as elsewhere:
            enter_clinic(elsewhere, clinic.id)
            add(elsewhere)
            elsewhere.commit()

    add(session)
    with ThreadPoolExecutor() as pool:
        other = pool.submit(add_another)
        wait([other], timeout=0.3)
        assert not other.done(), "it waits for what is being written"
        session.commit()
        with pytest.raises(ValueError, match="at most 1 tokens"):
            other.result()


def test_a_form_sent_twice_is_told_so_also_by_the_last_token(session: Session, clinic: Clinic) -> None:
    enter_clinic(session, clinic.id)
    add(session, "key")
    with pytest.raises(ConflictError):
        add(session, "key")
    with pytest.raises(ValueError, match="Revoke one"):
        add(session, "another")
    (token,) = list_tokens(session)
    revoke_token(session, token.id, by=None, now=NOW)
    add(session, "another")
    assert len(list_tokens(session)) == 2
