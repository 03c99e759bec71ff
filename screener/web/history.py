"""The clinician's page: one submission as a history, to read before the visit or to print."""

from __future__ import annotations

from flask import Blueprint, render_template

from screener.domain.explanation import SOURCES
from screener.web.access import staff_only
from screener.web.records import CLASS_LABELS, KIND_LABELS, URGENCY_LABELS, open_record

history = Blueprint("history", __name__, url_prefix="/desk")


@history.get("/<clinic_slug>/requests/<reference>/history")
@staff_only
def show(reference: str) -> str:
    return render_template(
        "history/show.html",
        record=open_record(reference),
        sources=SOURCES,
        class_labels=CLASS_LABELS,
        kind_labels=KIND_LABELS,
        urgency_labels=URGENCY_LABELS,
    )
