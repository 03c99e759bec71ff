"""The widget: our pages inside a clinic's own page, and the little that page is told (docs/embedding.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from flask import Blueprint, Flask, Response, current_app, g, request, send_file

widget = Blueprint("widget", __name__)

# The loader's address is pasted into clinics' pages: it never changes, its content seldom.
_LOADER: Final = "embed.v1.js"
_LOADER_KEPT: Final = "public, max-age=3600"
_ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_ID: Final = re.compile(r"[0-9]{1,40}")


class Frame(NamedTuple):
    """The page around ours: its origin, and the name its loader gave this frame."""

    po: str
    eid: str


def install(app: Flask) -> None:
    app.register_blueprint(widget)
    app.before_request(_take_frame)
    app.jinja_env.globals |= {"frame": frame, "frame_parameters": frame_parameters}


@widget.get("/e/v1.js")
def loader() -> Response:
    response = send_file(Path(current_app.static_folder or "") / _LOADER, "text/javascript")
    response.headers["Cache-Control"] = _LOADER_KEPT
    return response


def _take_frame() -> None:
    """Where there is no draft to keep it, it is in plain GET parameters."""
    g.frame = read_frame(request.args)


def take_frame_of(document: Mapping[str, Any]) -> None:
    """What the draft was started in."""
    kept = document.get("frame")
    g.frame = Frame(*kept) if kept else None


def read_frame(sent: Mapping[str, str]) -> Frame | None:
    """What a loader, or a form of ours that it framed, said; None if it is none of a frame."""
    po, eid = sent.get("po", ""), sent.get("eid", "")
    return Frame(po, eid) if _ORIGIN.fullmatch(po) and _ID.fullmatch(eid) else None


def frame() -> Frame | None:
    """Whom this page may speak to: only a page on the clinic's own list."""
    found: Frame | None = g.get("frame")
    clinic = g.get("clinic")
    return found if found and clinic and found.po in clinic.origins else None


def frame_parameters() -> dict[str, str]:
    """What an address without a draft needs to stay in its frame."""
    found = frame()
    return found._asdict() if found else {}
