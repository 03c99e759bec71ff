"""Copies on paper: a page of ours, made into a tagged PDF by WeasyPrint."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flask import Response, current_app

NEEDED = (
    "PDF copies need Pango. Install it (Debian: sudo apt install libpango-1.0-0 libpangoft2-1.0-0"
    " libharfbuzz-subset0 fonts-dejavu-core)."
)


@cache
def can_make_pdf() -> bool:
    """Whether the libraries beneath WeasyPrint are here; `screener doctor` says what to install."""
    try:
        import weasyprint  # noqa: F401, PLC0415 - loads Pango, and takes a second
    except OSError:
        return False
    return True


def make_pdf(html: str, stylesheet: str) -> bytes:
    """The page as PDF/UA-1. It may fetch nothing: all it needs stands in it and in the static stylesheet."""
    from weasyprint import CSS, HTML  # noqa: PLC0415 - see can_make_pdf
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    style = CSS(string=(Path(current_app.static_folder or "") / stylesheet).read_text())
    page = HTML(string=html, url_fetcher=URLFetcher(allowed_protocols=[]))
    made: bytes = page.write_pdf(stylesheets=[style], pdf_variant="pdf/ua-1")
    return made


def send_pdf(html: str, stylesheet: str, filename: str) -> Response:
    """The page as a download: no browser shows it in our frame."""
    response = Response(make_pdf(html, stylesheet), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response
