"""`screener reindex`: fills in what was stored before the queue could be searched, as often as it is run."""

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from conftest import Installation, settings_of
from sqlalchemy import update
from web.walking import add_requests, answers_but, at_clinic

from screener.store.tables import Consultation
from screener.web.cli import main

pytestmark = pytest.mark.both_databases


def reindex(installation: Installation) -> str:
    result = CliRunner().invoke(main, ["reindex"], env=settings_of(installation.settings))
    assert result.exit_code == 0, result.output
    return result.output


def test_requests_of_every_clinic_are_filled_in_once(installation: Installation) -> None:
    app = installation.app
    for clinic in ("acme", "other"):
        add_requests(app, [("Pat", answers_but(), datetime.now(UTC))], clinic)
        with at_clinic(app, clinic) as (session, _):
            session.execute(update(Consultation).values(email_index=None, phone_index=None, language=None))
            session.commit()
    assert reindex(installation) == "2 requests were filled in.\n"
    indexes = []
    for clinic in ("acme", "other"):
        with at_clinic(app, clinic) as (session, _):
            row = session.query(Consultation).one()
            assert row.language == "en"
            indexes += [row.email_index, row.phone_index]
    assert None not in indexes
    assert len(set(indexes)) == 4
    assert reindex(installation) == "0 requests were filled in.\n"
