"""Tells builders of websites that were given a start page's address what to call the link (oembed.com)."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, request, url_for

from screener.store.database import begin_reading
from screener.web.access import db, enter_open_clinic, settings
from screener.web.languages import gettext

oembed = Blueprint("oembed", __name__)

NOT_IMPLEMENTED: Final = 501
_START_PAGE: Final = re.compile(r"/c/([a-z0-9-]{2,40})")
_KEPT_SECONDS: Final = 24 * 3600


@oembed.get("/oembed")
def link() -> Any:
    if request.args.get("format", "json") != "json":
        return Response("Only JSON is spoken here.\n", NOT_IMPLEMENTED, mimetype="text/plain")
    begin_reading(db())
    clinic = enter_open_clinic(_read_slug(request.args.get("url", "")))
    return {
        "version": "1.0",
        "type": "link",
        "title": f"{gettext('Headache questionnaire')}: {clinic.name}",
        "provider_name": clinic.name,
        "provider_url": settings().link("/"),
        "cache_age": _KEPT_SECONDS,
    }


def _read_slug(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        abort(404)
    found = _START_PAGE.fullmatch(parts.path)
    if found is None or not address.startswith(settings().link("/c/")):
        abort(404)
    return found[1]


@oembed.app_template_global()
def oembed_address() -> str:
    """Where builders find it out, for the head of a start page."""
    start = settings().link(url_for("patient.start", slug=g.clinic.slug))
    return settings().link(url_for("oembed.link", url=start))
