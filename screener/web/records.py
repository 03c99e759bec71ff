"""One submission, opened for staff: every opening is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask, render_template, request
from flask_login import current_user

from screener.domain.answers import Answers
from screener.domain.classification import ArticleClass
from screener.domain.clinical_words import NOT_JUDGED, REMARK_WORDS, ExplainedFlag, explain_flags
from screener.domain.consultation import State
from screener.domain.explanation import SOURCES, ExplainedClass, explain, flag_words
from screener.domain.screening import restore_answers
from screener.domain.transcript import in_source_words
from screener.store.consultations import Event, add_read_event, get_consultation, list_events, read_contact
from screener.store.screenings import get_screening, read_screening
from screener.store.tables import Consultation, Screening
from screener.web.access import db
from screener.web.languages import SOURCE_LANGUAGE

GONE = 410

# What a class is called on staff pages.
CLASS_LABELS = {
    ArticleClass.CHRONIC_AND_INTRACTABLE.value: "Chronic and intractable",
    ArticleClass.INTRACTABLE.value: "Intractable",
    ArticleClass.CHRONIC.value: "Chronic",
    ArticleClass.REGULAR.value: "Regular",
    ArticleClass.OUTSIDE.value: "Outside the criteria",
    ArticleClass.INSUFFICIENT.value: "Not enough answers",
}
# By Urgency.rank.
URGENCY_LABELS = (
    "Emergency",
    "Urgent: danger sign earlier",
    "Urgent: pregnancy",
    "Urgent: nothing stays down",
    "Urgent",
    "Routine",
)
# As staff call them; a patient's page calls each by its own name.
LANGUAGE_NAMES = {"en": "English", "es": "Spanish"}
KIND_LABELS = {"consultation": "Consultation", "call_back": "Call back", "question": "Question"}

# What every page of a request needs to name what it shows.
DESK_WORDS = {
    "class_labels": CLASS_LABELS,
    "kind_labels": KIND_LABELS,
    "language_names": LANGUAGE_NAMES,
    "urgency_labels": URGENCY_LABELS,
    "sources": SOURCES,
    "not_judged": NOT_JUDGED,
    "flag_words": flag_words,
}

EVENT_WORDS = {
    "stop": "Saw the emergency page",
    "by_mistake": "Said: ticked by mistake",
    "not_now": "Said: it happened, but not now",
}


@dataclass(frozen=True)
class Record:
    """A request with all that was said, as worded that day."""

    consultation: Consultation
    screening: Screening
    contact: dict[str, Any]
    document: dict[str, Any]
    events: list[Event]

    @property
    def state(self) -> State:
        return State(self.consultation.state)

    @property
    def language(self) -> str:
        return str(self.document["language"])

    @property
    def for_other(self) -> bool:
        """Somebody else filled it in for the patient."""
        return bool(self.document.get("for_other"))

    @property
    def entered_by(self) -> str | None:
        """Who of the staff entered it for a caller."""
        found = self.document.get("entered_by")
        return str(found["name"]) if found else None

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was said, to be read here; in another language the words that were shown stand beside."""
        stored: list[dict[str, Any]] = self.document["transcript"]
        return stored if self.language == SOURCE_LANGUAGE else [in_source_words(line) for line in stored]

    @property
    def classes(self) -> tuple[ExplainedClass, ...]:
        return explain(self.document["report"], self.lines)

    @property
    def clinical(self) -> tuple[ExplainedFlag, ...]:
        return explain_flags(self.document["clinical"], self.lines)

    @property
    def remarks(self) -> list[str]:
        return [REMARK_WORDS[remark] for remark in self.document["clinical"]["remarks"]]

    @property
    def answers(self) -> Answers:
        return restore_answers(self.document["answers"], from_outside=True)

    @property
    def flags(self) -> list[str]:
        return [flag_words(flag) for flag in self.document["report"]["red_flags"]]

    @property
    def conflicts(self) -> list[tuple[str, str]]:
        wordings = {line["id"]: line["wording"] for line in self.lines}
        return [(wordings[a], wordings[b]) for a, b in self.document["report"]["conflicts"]]

    @property
    def safety_events(self) -> list[tuple[datetime, str, list[str]]]:
        return [
            (
                datetime.fromisoformat(event["at"]),
                EVENT_WORDS[event["what"]],
                [flag_words(f) for f in event["flags"]],
            )
            for event in self.document["events"]
        ]


class WithdrawnError(Exception):
    """The patient withdrew this request: there is nothing left to open."""

    def __init__(self, consultation: Consultation) -> None:
        super().__init__("withdrawn")
        self.consultation = consultation


def install(app: Flask) -> None:
    app.register_error_handler(WithdrawnError, _tell_withdrawn)


def _tell_withdrawn(error: WithdrawnError) -> tuple[str, int]:
    return render_template("queue/withdrawn.html", consultation=error.consultation), GONE


def open_record(reference: str) -> Record:
    """Opens a request of the entered clinic and notes who did. Raises NotFoundError or WithdrawnError."""
    consultation = get_consultation(db(), reference.upper())
    if consultation.screening_id is None:
        raise WithdrawnError(consultation)
    add_read_event(db(), consultation, current_user.id, datetime.now(UTC), request.endpoint)
    screening = get_screening(db(), consultation.screening_id)
    return Record(
        consultation,
        screening,
        read_contact(db(), consultation),
        read_screening(db(), screening),
        list_events(db(), consultation),
    )
