"""What every suite shares: an installation with two clinics and its staff, in a database of its own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from builders import PASSWORD, STAFF

if TYPE_CHECKING:
    from flask import Flask

    from screener.settings import Settings


@dataclass(frozen=True)
class Installation:
    """A running configuration and the app over it."""

    settings: Settings
    app: Flask


def make_installation(folder: Path) -> Installation:
    """Two clinics, `acme` (framed by one site) and `other`, and one person a role at each."""
    from flask_security import hash_password  # noqa: PLC0415 - domain tests start without the web

    from screener import create_app  # noqa: PLC0415
    from screener.settings import Settings  # noqa: PLC0415
    from screener.store.clinics import add_clinic  # noqa: PLC0415
    from screener.store.migrations import migrate  # noqa: PLC0415
    from screener.store.staff import add_membership  # noqa: PLC0415

    settings = Settings(
        database_url=f"sqlite:///{folder / 'test.db'}",
        secret="a-secret-for-tests-0123456789abcdef",
        password_salt="a-salt-for-tests-0123456789abcdefgh",
        master_keys="1:" + base64.b64encode(bytes(range(32))).decode(),
        password_memory_kib=64,
    )
    app = create_app(settings)
    database = app.extensions["screener.database"]
    migrate(database)
    with app.app_context():
        session = database.sessions()
        clinics = {
            slug: add_clinic(
                session,
                slug=slug,
                name=f"{slug.title()} Clinic",
                phone="(626) 555-0100",
                hours="9 to 5",
                time_zone="America/Los_Angeles",
                origins=["https://www.acme.example"] if slug == "acme" else [],
            )
            for slug in ("acme", "other")
        }
        datastore = app.extensions["security"].datastore
        for email, (slug, role) in STAFF.items():
            person = datastore.create_user(email=email, name=email, password=hash_password(PASSWORD))
            datastore.commit()
            if slug:
                add_membership(session, staff_id=person.id, clinic_id=clinics[slug].id, role=role)
        session.commit()
    return Installation(settings, app)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return make_installation(tmp_path)
