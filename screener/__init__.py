"""Headache screener for clinics: danger first, then class, then a consultation request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from screener.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The whole app. Raises SettingsError on missing or weak keys."""
    # Imported late, so that the rules and `screener classify` start without the web and the database.
    from screener.web.app import build_app

    return build_app(settings)
