"""Response headers: one policy for each class of route.

The strictest is the usual one. A route that others may cache, load or frame is named in a list below.
"""

from __future__ import annotations

from flask import Response, g, request

from screener.web.access import is_staff_page, settings
from screener.web.languages import language
from screener.web.transaction import BAD_REQUEST

# Which pages a clinic's site may frame: only the patient's.
_PATIENT = "patient."
# Public; they say themselves how long they are kept.
_KEPT = frozenset(
    {
        "clinic_look.stylesheet",
        "clinic_look.logo",
        "fhir.metadata",
        "fhir.search_questionnaires",
        "fhir.read_questionnaire",
        "fhir.search_code_systems",
        "fhir.read_code_system",
    }
)

# The same for everybody: what may be kept stands in their own headers.
_FILES = frozenset({"static", "widget.loader"})

# Clinics' own pages load the script; a page that is tried out lies in a sandbox, which is no origin's.
_LOADED_ELSEWHERE = _FILES | {"clinic_look.stylesheet", "clinic_look.logo"}

_SIGNING_OUT = frozenset({"security.logout", "account.sign_out_everywhere"})

_CSP = (
    "default-src 'none'; object-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none';{more} frame-ancestors {ancestors}"
)
_NOTHING = "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def add_headers(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Permissions-Policy"] = _NOTHING
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    is_for_all = request.endpoint in _LOADED_ELSEWHERE
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_for_all else "same-origin"
    # The planted-draft fence falls back on a same-origin Referer; tokens never leave our origin.
    headers["Referrer-Policy"] = "same-origin"
    if request.is_secure or settings().base_url.startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint in _FILES and response.status_code < BAD_REQUEST:
        headers["Content-Security-Policy"] = _CSP.format(more="", ancestors="'none'")
        return response
    ancestors = _frame_ancestors()
    # The desk's script asks how long the session lasts.
    more = " connect-src 'self';" if is_staff_page(request) else ""
    if request.endpoint == "clinic_look.edit":
        more += " frame-src 'self';"
    headers["Content-Security-Policy"] = _CSP.format(more=more, ancestors=ancestors)
    if is_staff_page(request) or ancestors == "'none'":
        headers["X-Frame-Options"] = "DENY" if ancestors == "'none'" else "SAMEORIGIN"
    if request.endpoint not in _KEPT or "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    if request.endpoint in _SIGNING_OUT and request.method == "POST":
        # Pages that the browser's Back would show again.
        headers["Clear-Site-Data"] = '"cache", "storage"'
    if response.mimetype == "text/html":
        headers["Content-Language"] = language()
    return response


def _frame_ancestors() -> str:
    if g.get("is_tried_out"):
        # A patient's page in a frame on the page where an administrator changes it.
        return "'self'"
    clinic = g.get("clinic")
    if clinic is None or not (request.endpoint or "").startswith(_PATIENT):
        return "'none'"
    return " ".join(["'self'", *clinic.origins])
