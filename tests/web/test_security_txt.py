"""security.txt as RFC 9116 wants it, and only where somebody may be written to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from conftest import Installation
from web.client import Browser
from web.test_settings import KEYS

from screener import create_app
from screener.settings import SettingsError, load_settings

PATH = "/.well-known/security.txt"


def test_it_names_whom_to_write_to_and_is_never_out_of_date(installation: Installation) -> None:
    told = replace(
        installation.settings,
        base_url="https://screen.example.org",
        security_contact="mailto:security@example.org, https://example.org/report",
    )
    browser = Browser(create_app(told))
    page = browser.client.get(PATH, base_url="https://screen.example.org")
    assert page.content_type == "text/plain; charset=utf-8"
    fields = [line.split(": ", 1) for line in page.text.splitlines()]
    assert [name for name, _ in fields].count("Expires") == 1
    assert fields[:2] == [
        ["Contact", "mailto:security@example.org"],
        ["Contact", "https://example.org/report"],
    ]
    about = dict(fields)
    expires = datetime.fromisoformat(about["Expires"])
    assert timedelta(days=30) < expires - datetime.now(UTC) < timedelta(days=365)
    assert about["Canonical"] == f"https://screen.example.org{PATH}"


def test_where_nobody_is_named_there_is_no_such_page(browser: Browser) -> None:
    assert browser.get(PATH).status == 404


@pytest.mark.parametrize(
    "contact",
    ["security@example.org", "mailto:x", "http://example.org", "https://", "tel:555", "mailto:a@b c"],
)
def test_something_that_is_no_contact_is_refused_by_name(contact: str) -> None:
    with pytest.raises(SettingsError, match="SCREENER_SECURITY_CONTACT"):
        load_settings(KEYS | {"SCREENER_SECURITY_CONTACT": contact})
