"""The form that a clinician marks answers in: what was said, a mark beside it, and a field to correct it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

from wtforms import Field

from screener.domain.answers import AnswerError, Answers
from screener.domain.confirmation import (
    CONFIRMABLE,
    LONGEST_NOTES,
    UNTOUCHED,
    Check,
    Mark,
    Review,
    merge,
    read_mark,
    read_review,
    reviewed_answers,
)
from screener.store.signed_histories import Histories
from screener.web.forms import clean_text, review_fields

LONGEST_REASON: Final = 500
# What may be chosen beside an answer.
CHOICES: Final = (Check.UNCHECKED, Check.AS_SAID, Check.CORRECTED)


def check_name(question_id: str) -> str:
    return f"check-{question_id}"


@dataclass(frozen=True)
class Confirmed:
    """What a clinician made of a history so far: the marks, free words, and why it amends a signed one."""

    review: Review = field(default_factory=Review)
    notes: str = field(default="", repr=False)
    reason: str = field(default="", repr=False)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Raises ValueError for a document that is none."""
        match document:
            case {"review": review, "notes": str(notes), "reason": str(reason)}:
                return cls(read_review(review), notes, reason)
        raise ValueError("this is nothing that was confirmed")

    def as_document(self) -> dict[str, Any]:
        return {"review": self.review.as_document(), "notes": self.notes, "reason": self.reason}

    def __bool__(self) -> bool:
        return bool(self.review or self.notes)


def confirmed_so_far(kept: Histories) -> Confirmed:
    """As saved, else as signed last; empty if nothing was. The reason of a signed version is its own."""
    if kept.working:
        return Confirmed.read(kept.working.document)
    return replace(Confirmed.read(kept.newest.document), reason="") if kept.newest else Confirmed()


class ReviewForm:
    """Marks, notes and reason: as they were sent, or else as `shown`.

    `seen` is what the page was made from; it travels with the page, so that a page which somebody's save
    made stale still tells what was changed on it.
    """

    def __init__(
        self,
        answers: Answers,
        kept: Histories,
        *,
        seen: Confirmed,
        shown: Confirmed | None = None,
        sent: Any = None,
    ) -> None:
        self.answers, self.seen, self._sent = answers, seen, sent
        # A page that is refused stays as old as it was.
        self.stamp = kept.stamp if sent is None else clean_text(sent.get("stamp", ""))
        self.needs_reason = bool(kept.signed)
        # Perhaps there was nothing to amend yet when the page was opened.
        self._is_stale = self.stamp != kept.stamp
        self.confirmed = seen if shown is None else shown
        corrections = self.confirmed.review.corrections
        self.fields = review_fields({**answers.as_raw(), **corrections}, sent)
        if sent is not None:
            notes, reason = (clean_text(sent.get(name, "")) for name in ("notes", "reason"))
            self.confirmed = replace(self.confirmed, notes=notes, reason=reason)
        self._blamed: list[tuple[str, str]] = []

    @property
    def seen_document(self) -> str:
        return json.dumps(self.seen.as_document())

    @property
    def problems(self) -> list[tuple[str, str]]:
        return [*self.fields.problems, *self._blamed]

    def blame(self, target: str, words: str) -> None:
        """One more problem; the target is the id of what mends it."""
        self._blamed.append((target, words))

    def problem(self, name: str) -> str:
        """What is wrong with the notes or the reason."""
        return next((words for target, words in self._blamed if target == name), "")

    def field(self, question_id: str) -> Field:
        return self.fields[question_id]

    def check(self, question_id: str) -> Check:
        """What is chosen beside the answer."""
        return self._chosen(question_id) or self.confirmed.review.mark(question_id).check

    def is_open(self, question_id: str) -> bool:
        """Whether the correction is being worked on."""
        is_new = self.seen.review.mark(question_id).check is not Check.CORRECTED
        return bool(self.field(question_id).errors) or (is_new and self.check(question_id) is Check.CORRECTED)

    def _chosen(self, question_id: str) -> Check | None:
        """None where nothing of the three was sent."""
        sent = self._sent.getlist(check_name(question_id)) if self._sent is not None else []
        return next((check for check in CHOICES if sent == [check.value]), None)

    def read(self) -> None:
        """Reads what was sent into `confirmed`; what is wrong with it is in `problems`."""
        self.fields.validate()
        given = self.fields.answers
        said = self.answers.as_raw()
        marks = {q.id: self._read_mark(q.id, said, given) for q in CONFIRMABLE if not self.field(q.id).errors}
        self.confirmed = replace(self.confirmed, review=self.seen.review.with_marks(marks))
        try:
            reviewed_answers(self.answers, self.confirmed.review)
        except AnswerError as error:
            self._blame_answer(str(error.id), str(error))
        self._check_words()

    def _read_mark(self, question_id: str, said: Mapping[str, Any], given: Mapping[str, Any]) -> Mark:
        shown = self.seen.review.mark(question_id)
        chosen = self._chosen(question_id)
        if chosen is None and check_name(question_id) in self._sent:
            self._blame_answer(question_id, "Choose one mark.")
            return UNTOUCHED
        try:
            return read_mark(question_id, shown=shown, chosen=chosen or shown.check, said=said, given=given)
        except AnswerError as error:
            self._blame_answer(question_id, str(error))
            return UNTOUCHED

    def _blame_answer(self, question_id: str, words: str) -> None:
        field = self.field(question_id)
        field.errors = [*field.errors, words]

    def _check_words(self) -> None:
        self._check_length("notes", self.confirmed.notes, LONGEST_NOTES)
        self._check_length("reason", self.confirmed.reason, LONGEST_REASON)
        if self.needs_reason and not self._is_stale and not self.confirmed.reason:
            self.blame("reason", "Say why the signed history is amended.")

    def _check_length(self, name: str, text: str, most: int) -> None:
        if (over := len(text) - most) > 0:
            characters = "character" if over == 1 else "characters"
            words = f"The {name} is" if name == "reason" else "The notes are"
            self.blame(name, f"{words} {over:,} {characters} too long. Keep to {most:,}.")


def form_of(answers: Answers, kept: Histories, sent: Any = None) -> ReviewForm:
    """The form as it stands saved; or as it was sent: then `read` it."""
    saved = confirmed_so_far(kept)
    seen = saved if sent is None else _read_seen(sent.get("seen", ""), answers, saved)
    return ReviewForm(answers, kept, seen=seen, sent=sent)


def _read_seen(text: str, answers: Answers, saved: Confirmed) -> Confirmed:
    """What the page was made from. Each page of ours can be read: whatever else comes is no page of ours."""
    try:
        seen = Confirmed.read(json.loads(text))
        reviewed_answers(answers, seen.review)
    except (ValueError, RecursionError):
        return saved
    return seen


def rebased(form: ReviewForm, kept: Histories) -> tuple[ReviewForm, tuple[str, ...]]:
    """A stale form, read, on top of what was saved meanwhile; ids of answers that both marked differently."""
    base, mine, theirs = form.seen, form.confirmed, confirmed_so_far(kept)
    review, both = merge(base.review, mine.review, theirs.review)
    notes = _merge_notes(base.notes, mine.notes, theirs.notes)
    shown = Confirmed(review, notes, mine.reason or theirs.reason)
    return ReviewForm(form.answers, kept, seen=theirs, shown=shown), both


def _merge_notes(base: str, mine: str, theirs: str) -> str:
    if mine in {base, theirs}:
        return theirs
    return mine if theirs == base else f"{theirs}\n\n{mine}".strip()
