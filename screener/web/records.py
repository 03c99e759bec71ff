"""One submission, opened for staff: every opening is written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from flask import Flask, render_template, request
from flask_login import current_user

from screener.domain.answers import Answers
from screener.domain.classification import ArticleClass
from screener.domain.clinical_words import NOT_JUDGED, REMARK_WORDS, ExplainedFlag, explain_flags
from screener.domain.consultation import State
from screener.domain.explanation import SOURCES, ExplainedClass, Told, explain, flag_words, told_answers
from screener.domain.headache_history import HeadacheHistory, history_of
from screener.domain.question import Question
from screener.domain.questionnaire import QUESTIONNAIRE
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
    def sent_by(self) -> str | None:
        """The clinic's own system that sent it."""
        return self.document.get("sent_by")

    @property
    def follows(self) -> str | None:
        """The reference of the request whose follow-up invitation this one answers."""
        return self.document.get("follows")

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """What was said, to be read here; in another language the words that were shown stand beside."""
        stored: list[dict[str, Any]] = self.document["transcript"]
        return stored if self.language == SOURCE_LANGUAGE else [in_source_words(line) for line in stored]

    @cached_property
    def history(self) -> HeadacheHistory:
        return history_of(self.lines)

    @property
    def not_asked(self) -> list[Question]:
        """Questions of today's questionnaire that this person did not meet."""
        asked = {line["id"] for line in self.lines}
        return [question for question in QUESTIONNAIRE if question.id not in asked]

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
    def conflicts(self) -> list[tuple[Told, Told]]:
        """Pairs of answers that do not fit each other."""
        told = told_answers(self.lines)
        return [(told[one], told[other]) for one, other in self.document["report"]["conflicts"]]

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
    return load_record(consultation, consultation.screening_id)


def load_record(consultation: Consultation, screening_id: UUID) -> Record:
    """For who opened it already and now changes something about it."""
    screening = get_screening(db(), screening_id)
    return Record(
        consultation,
        screening,
        read_contact(db(), consultation),
        read_screening(db(), screening),
        list_events(db(), consultation),
    )
