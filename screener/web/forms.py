"""Forms: WTForms reads and checks what was sent; the macros in templates/macros render it.

Patient forms are plain `wtforms.Form`s with a token of their own, since Flask-WTF's would set a cookie.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar, assert_never
from uuid import UUID

from flask_babel import format_decimal
from wtforms import Field, Form
from wtforms.csrf.core import CSRF
from wtforms.validators import ValidationError

from screener.domain.answers import Answers
from screener.domain.confirmation import CONFIRMABLE
from screener.domain.question import (
    NONE_CODE,
    Choice,
    Choices,
    Number,
    Page,
    Part,
    Question,
    Text,
    Value,
    YesNo,
)
from screener.domain.questionnaire import AGE, DANGER_NOW, HEAD_DAYS, MIG_DAYS
from screener.domain.what_if import CHANGEABLE
from screener.web.languages import gettext, translated

UNSURE = "unsure"
FORM_TOKEN = "form_token"  # noqa: S105 - a field's name

# What follows the result may be left blank: it is the clinician's wish, not the result's need.
_MAY_BE_BLANK = {Part.HISTORY, Part.REQUEST}

# The Unicode characters that begin another direction of writing, each with the one that ends it.
_TURNS = dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c") | dict.fromkeys("\u2066\u2067\u2068", "\u2069")
_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")


def clean_text(text: str) -> str:
    """Typed text, composed (NFC), without control characters and outer blanks."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return _end_turns(_CONTROL_CHARACTERS.sub("", plain).strip())


def _end_turns(text: str) -> str:
    """What turns the direction of writing ends with the text: it must not turn round what stands after it."""
    ends = []
    for character in text:
        if character in _TURNS:
            ends.append(_TURNS[character])
        elif ends and character == ends[-1]:
            ends.pop()
    return text + "".join(reversed(ends))


def whole_number(text: str) -> int | None:
    """Nine digits at most, so that PostgreSQL's integers hold it; None for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def read_id(text: str) -> UUID | None:
    """None for what is the id of nothing."""
    try:
        return UUID(text)
    except ValueError:
        return None


class _Skipped:
    """Left blank where that is allowed."""


SKIPPED = _Skipped()


class AnswerField(Field):
    """One question's field: keeps what was typed, and reads it in the question's own kind."""

    def __init__(self, question: Question, *, may_be_blank: bool, **kwargs: Any) -> None:
        super().__init__(label=question.stem, **kwargs)
        self.question = question
        self.may_be_blank = may_be_blank

    @property
    def typed(self) -> list[str]:
        """What the form shows: as sent if it was sent, else as stored."""
        if self.raw_data is not None:
            return [clean_text(value) for value in self.raw_data]
        if self.object_data is SKIPPED:
            return []
        return _as_sent(self.question, self.object_data)

    def checked(self, code: str) -> str:
        """What marks this choice in HTML."""
        return " checked" if code in self.typed else ""

    @property
    def written(self) -> str:
        """What stands in a field to type in; there "not sure" is a box of its own beside a number."""
        shown = (text for text in self.typed if text != UNSURE or isinstance(self.question, Text))
        return next(shown, "")

    @property
    def offers_unsure(self) -> bool:
        return self.question.unsure_allowed and not isinstance(self.question, Text)

    def process_formdata(self, valuelist: list[str]) -> None:
        sent = [clean_text(value) for value in valuelist]
        self.data = _read(self.question, [value for value in sent if value], may_be_blank=self.may_be_blank)


def _as_sent(question: Question, value: Value | None) -> list[str]:
    if value is None:
        return [] if isinstance(question, Text) else [UNSURE]
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(value)]


def _read(question: Question, sent: Sequence[str], *, may_be_blank: bool) -> Value | _Skipped | None:
    """The answer, None for "I'm not sure". Raises ValueError in words for the patient."""
    if isinstance(question, Text):
        return _read_text(question, sent)
    if sent == [UNSURE] and question.unsure_allowed:
        return None
    if not sent and may_be_blank:
        return SKIPPED
    match question:
        case YesNo():
            return _pick_one(question, sent, {"yes": True, "no": False})
        case Choice():
            return _pick_one(question, sent, {code: code for code in question.codes})
        case Number():
            return _read_number(question, sent)
        case Choices():
            return _read_choices(question, sent)
        case _:
            assert_never(question)


def _or_unsure(question: Question) -> str:
    return " " + gettext("If you don't know, choose “Not sure”.") if question.unsure_allowed else ""


def _pick_one(question: Question, sent: Sequence[str], values: Mapping[str, Value]) -> Value:
    if len(sent) == 1 and sent[0] in values:
        return values[sent[0]]
    raise ValueError(gettext("Choose one answer.") + _or_unsure(question))


def _read_number(question: Number, sent: Sequence[str]) -> int:
    if len(sent) > 1:
        raise ValueError(gettext("Give a number or tick “Not sure”, not both."))
    if sent and re.fullmatch(r"[0-9]{1,4}", sent[0]) and question.minimum <= int(sent[0]) <= question.maximum:
        return int(sent[0])
    bounds = {"least": question.minimum, "most": question.maximum}
    advice = (
        gettext("Choose a whole number from %(least)s to %(most)s.", **bounds)
        if question.scale
        else gettext("Give a whole number from %(least)s to %(most)s.", **bounds)
    )
    raise ValueError(advice + _or_unsure(question))


def read_age(text: str) -> int:
    """The age of somebody who comes back. Raises ValueError with advice."""
    return _read_number(AGE, [clean_text(text)])


def _read_choices(question: Choices, sent: Sequence[str]) -> tuple[str, ...]:
    chosen = set(sent)
    if not chosen:
        raise ValueError(gettext("Tick at least one.") + _or_unsure(question))
    if question is DANGER_NOW and len(chosen) > 1:
        # A danger ticked beside "None of these" is a danger: the stop page has a way back.
        chosen.discard(NONE_CODE)
    if UNSURE in chosen and question.unsure_allowed:
        raise ValueError(gettext("Tick “Not sure” alone, or leave it out."))
    if not chosen <= set(question.codes):
        raise ValueError(gettext("Tick answers from the list."))
    if NONE_CODE in chosen and len(chosen) > 1:
        label = next(option.label for option in question.options if option.code == NONE_CODE)
        raise ValueError(gettext("Tick “%(label)s” alone, or leave it out.", label=translated(label)))
    return tuple(code for code in question.codes if code in chosen)


def _read_text(question: Text, sent: Sequence[str]) -> str | _Skipped:
    text = sent[0] if sent else ""
    if len(text) > question.max_length:
        over, most = (format_decimal(n) for n in (len(text) - question.max_length, question.max_length))
        raise ValueError(
            gettext("This is %(over)s characters too long. Keep it to %(most)s.", over=over, most=most)
        )
    return text or SKIPPED


class FormToken(CSRF):
    """Proves that a form came from our own page of this draft: no cookie is needed."""

    def setup_form(self, form: Form) -> Any:
        self.expected = form.meta.csrf_context
        return super().setup_form(form)

    def generate_csrf_token(self, csrf_token_field: Field) -> str:  # noqa: ARG002 - WTForms' signature
        return str(self.expected)

    def validate_csrf_token(self, form: Form, field: Field) -> None:  # noqa: ARG002 - WTForms' signature
        if not hmac.compare_digest(str(field.data or "").encode(), str(self.expected).encode()):
            raise ValidationError(
                gettext("This page was open too long. Nothing is lost: press the button once more.")
            )


class SummarizedForm(Form):
    """Tells its errors in one summary."""

    @property
    def shown_fields(self) -> list[Field]:
        return [field for field in self if field.name != FORM_TOKEN]

    @property
    def problems(self) -> list[tuple[str, str]]:
        """Every error, with the id of the input that mends it, for the summary at the top."""
        return [
            (
                first_input_id(field),
                error if self._speaks_for_itself(field) else f"{translated(field.label.text)} {error}",
            )
            for field in self
            for error in field.errors
        ]

    @property
    def holds_unreadable(self) -> bool:
        """Something was typed that cannot be read: it is nowhere but in the form."""
        return any(field.errors and any(field.raw_data or ()) for field in self.shown_fields)

    def _speaks_for_itself(self, field: Field) -> bool:
        """Its error names what is wrong without the question."""
        return len(self.shown_fields) == 1 or not isinstance(field, AnswerField)


def first_input_id(field: Field) -> str:
    """The input an error leads to: the first of a group of radios or boxes, or the box itself."""
    if field.name == FORM_TOKEN:
        return "continue"
    question = getattr(field, "question", None)
    grouped = isinstance(question, YesNo | Choice | Choices) or (
        isinstance(question, Number) and question.scale is not None
    )
    return f"{field.name}-1" if grouped else str(field.name)


class PatientForm(SummarizedForm):
    """Bound to a draft by its token."""

    class Meta:
        csrf = True
        csrf_class = FormToken
        csrf_field_name = FORM_TOKEN


class QuestionsForm(SummarizedForm):
    """Some questions of the questionnaire, read in their own kinds."""

    def validate(self, extra_validators: Any = None) -> bool:
        return super().validate(extra_validators) and self._days_fit()

    def _days_fit(self) -> bool:
        # A page that does not ask the headache days knows what was said before.
        head = self.data.get(HEAD_DAYS.id, getattr(self.meta, "said_head_days", None))
        migraine = self.data.get(MIG_DAYS.id)
        if not (isinstance(head, int) and isinstance(migraine, int) and migraine > head):
            return True
        too_many = gettext("This cannot be more than the days your head hurt at all (%(days)s).", days=head)
        self[MIG_DAYS.id].errors = [too_many]
        return False

    @property
    def answers(self) -> dict[str, Value | None]:
        """What was answered, "I'm not sure" included; what was left blank or is in error is not in it."""
        return {f.name: f.data for f in self.shown_fields if f.data is not SKIPPED and not f.errors}


class PageForm(QuestionsForm, PatientForm):
    """One page of the questionnaire."""


class CopyForm(QuestionsForm):
    """All that a clinician may change on a copy of somebody's answers."""


class ReviewFields(QuestionsForm):
    """The fields that a clinician corrects answers in."""

    def _days_fit(self) -> bool:
        # Judged with the marks: what the patient said may stand, even where it does not fit.
        return True


def copy_form(answers: Answers, formdata: Any) -> CopyForm:
    """The answers as a form of their own; nothing of it is ever saved."""
    return _fields(CopyForm, CHANGEABLE, answers.said(*CHANGEABLE), formdata)


def review_fields(held: Mapping[str, Value | None], formdata: Any) -> ReviewFields:
    """A field for each answer that may be confirmed, filled in with what it is held for."""
    return _fields(ReviewFields, CONFIRMABLE, held, formdata)


_Fields = TypeVar("_Fields", bound=QuestionsForm)


def _fields(
    kind: type[_Fields], questions: Sequence[Question], held: Mapping[str, Value | None], formdata: Any
) -> _Fields:
    form_class: type[_Fields] = _form_class(kind, tuple(questions), may_be_blank=True)  # type: ignore[arg-type]
    return form_class(formdata, data={q.id: held.get(q.id, SKIPPED) for q in questions})


# As many as there are pages, each with those of its questions that are asked of somebody.
@lru_cache(maxsize=512)
def _form_class(
    kind: Any, questions: tuple[Question, ...], *, may_be_blank: bool, field: Any = AnswerField
) -> Any:
    """A form of this kind with these fields: made once, for that takes longer than to fill it in."""
    fields = {q.id: field(q, may_be_blank=may_be_blank) for q in questions}
    return type(kind.__name__, (kind,), fields)


def form_for(page: Page, answers: Answers, formdata: Any, form_token: str) -> PageForm:
    """The form of a page, with a field for each of its questions that is asked."""
    questions = answers.asked_on(page)
    stored = {q.id: SKIPPED for q in questions} | answers.said(*questions)
    meta = {"csrf_context": form_token, "said_head_days": answers[HEAD_DAYS]}
    return page_form(page, questions)(formdata, data=stored, meta=meta)


def page_form(page: Page, questions: tuple[Question, ...], field: Any = AnswerField) -> type[PageForm]:
    may_be_blank = page.part in _MAY_BE_BLANK
    found: type[PageForm] = _form_class(PageForm, questions, may_be_blank=may_be_blank, field=field)
    return found
