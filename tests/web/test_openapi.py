"""The API does what its description says, whatever it is sent."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from web.walking import add_requests, answers_but, at_clinic

from screener.domain.rights import Right
from screener.store.api_tokens import add_token

# A release run takes more: EXAMPLES=1000 pytest tests/web/test_openapi.py
EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
DESCRIPTION = "/api/v1/openapi.json"
OPERATIONS = (
    "list_requests",
    "read_request",
    "decide",
    "description",
    "list_webhooks",
    "add_webhook",
    "change_webhook",
    "remove_webhook",
)


def test_each_operation_is_tried(app: Flask) -> None:
    paths = app.test_client().get(DESCRIPTION).json["paths"]
    assert {about["operationId"] for path in paths.values() for about in path.values()} == set(OPERATIONS)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_an_operation_keeps_to_its_description(
    app: Flask, operation_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("screener.store.api_tokens.MOST_CALLS_A_MINUTE", 10**6)
    add_requests(app, [("Anna", answers_but(), datetime.now(UTC))])
    with at_clinic(app, "acme") as (session, _):
        token = add_token(session, name="EHR", rights=Right, lasts=None, by=None, now=datetime.now(UTC))
        session.commit()
    operation = schemathesis.openapi.from_wsgi(DESCRIPTION, app).find_operation_by_id(operation_id)

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize="EXAMPLES" not in os.environ,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case: schemathesis.Case) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"})

    keeps()
