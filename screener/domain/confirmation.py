"""Said and confirmed: what a clinician makes of each answer. What the patient said never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, Final

from screener.domain.answers import AnswerError, Answers, Raw, read_value, refuse_impossible
from screener.domain.question import Question, Value
from screener.domain.questionnaire import HEAD_DAYS, MIG_DAYS, OWN_WORDS, QUESTIONNAIRE
from screener.domain.transcript import NOT_ASKED
from screener.domain.transcript import said as words_of

LONGEST_NOTES: Final = 4000

# All but the patient's own words, which are nobody else's to correct.
CONFIRMABLE: Final = tuple(question for question in QUESTIONNAIRE if question is not OWN_WORDS)


@dataclass(frozen=True, slots=True)
class Topic:
    """Pages of the questionnaire that a clinician goes through together."""

    slug: str
    name: str
    pages: tuple[str, ...]

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(q for q in CONFIRMABLE if QUESTIONNAIRE.page_of(q).slug in self.pages)


TOPICS: Final = (
    Topic("safety", "Safety", ("danger-now", "danger-before", "about-you", "changes", "injury")),
    Topic("attacks", "Headache days and attacks", ("headache-days", "attack-length", "how-long-so-often")),
    Topic("now", "The attack now", ("now", "this-attack", "long-attack")),
    Topic("pain", "Pain and other signs", ("symptoms", "pain", "how-bad")),
    Topic("aura", "Aura", ("aura", "aura-details")),
    Topic("impact", "Days lost", ("impact", "impact-months")),
    Topic("medicines", "Medicines for attacks", ("relief", "medicines", "medicine-relief", "medicine-days")),
    Topic("preventives", "Medicines that prevent", ("preventives", "preventive-outcomes")),
    Topic("background", "Other ways, triggers, background", ("other-ways", "background")),
    Topic("health", "Before ketamine", ("health",)),
)


class Check(Enum):
    """What became of an answer under a clinician's eyes."""

    UNCHECKED = "unchecked"
    AS_SAID = "as_said"
    CORRECTED = "corrected"
    # Never chosen by anybody: a correction elsewhere made the question moot.
    RULED_OUT = "ruled_out"


@dataclass(frozen=True, slots=True)
class Mark:
    """One answer as a clinician marked it; the value of a correction, None for "not sure"."""

    check: Check
    value: Value | None = None


UNTOUCHED: Final = Mark(Check.UNCHECKED)
AS_SAID: Final = Mark(Check.AS_SAID)


def corrected(value: Value | None) -> Mark:
    return Mark(Check.CORRECTED, value)


@dataclass(frozen=True, slots=True)
class Review:
    """The marks by question id; what is not in it was not touched."""

    marks: Mapping[str, Mark] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.marks)

    def mark(self, question_id: str) -> Mark:
        return self.marks.get(question_id, UNTOUCHED)

    def with_marks(self, marks: Mapping[str, Mark]) -> Review:
        merged = {**self.marks, **marks}
        return Review({i: mark for i, mark in merged.items() if mark != UNTOUCHED})

    @property
    def corrections(self) -> dict[str, Value | None]:
        return {i: mark.value for i, mark in self.marks.items() if mark.check is Check.CORRECTED}

    def as_document(self) -> dict[str, Any]:
        """As JSON keeps it; `read_review` reads it again."""
        return {
            "as_said": [i for i, mark in self.marks.items() if mark == AS_SAID],
            "corrected": {i: list(v) if isinstance(v, tuple) else v for i, v in self.corrections.items()},
        }


def read_review(document: object) -> Review:
    """A kept review; ids that no question has any more are left out.

    Raises AnswerError for a value its question cannot have, ValueError for what is no review at all.
    """
    match document:
        case {"as_said": list(ids), "corrected": dict(values)} if all(isinstance(i, str) for i in ids):
            marks = {i: AS_SAID for i in ids if _may_be_confirmed(i)}
            marks |= {
                i: corrected(_read_correction(i, value))
                for i, value in values.items()
                if _may_be_confirmed(i)
            }
            return Review(marks)
    raise ValueError("this is no review")


def _may_be_confirmed(question_id: str) -> bool:
    return QUESTIONNAIRE.find(question_id) in CONFIRMABLE


def _read_correction(question_id: str, value: object) -> Value | None:
    question = QUESTIONNAIRE.get(question_id)
    if value is not None:
        return read_value(question, value)
    if question.unsure_allowed:
        return None
    raise AnswerError(question_id, "cannot be unsure")


# ---------------------------------------------------------------- marking


def read_mark(question_id: str, *, shown: Mark, chosen: Check, said: Raw, given: Raw) -> Mark:
    """The mark that a form means by what was chosen and by the answer given beside it.

    `shown` is the mark the form was made from: where the answer was let be, the choice decides; another
    answer than the one said is a correction by itself. `said` is what the patient answered, `given` what
    the form holds, each by id and without what is blank. Raises AnswerError in words for a clinician.
    """
    before = {question_id: shown.value} if shown.check is Check.CORRECTED else said
    has_said = question_id in said
    if _are_same(question_id, before, given):
        return _chosen(question_id, shown, chosen, has_said=has_said)
    if question_id not in given:
        return _emptied(question_id, shown, chosen, has_said=has_said)
    if _are_same(question_id, said, given):
        return UNTOUCHED if chosen is Check.UNCHECKED else AS_SAID
    if chosen not in {shown.check, Check.CORRECTED}:
        name = "As said" if chosen is Check.AS_SAID else "Not checked"
        raise AnswerError(
            question_id,
            f"You chose “{name}” and gave another answer. Choose “Corrected”, or set the answer back.",
        )
    return corrected(given[question_id])


def _are_same(question_id: str, one: Raw, other: Raw) -> bool:
    """Whether both hold the same answer or none; several choices in whichever order."""
    if question_id not in one or question_id not in other:
        return question_id not in one and question_id not in other
    a, b = one[question_id], other[question_id]
    return set(a) == set(b) if isinstance(a, tuple) and isinstance(b, tuple) else a == b


def _chosen(question_id: str, shown: Mark, chosen: Check, *, has_said: bool) -> Mark:
    if chosen is Check.UNCHECKED:
        return UNTOUCHED
    if chosen is Check.AS_SAID and has_said:
        return AS_SAID
    if chosen is Check.CORRECTED and shown.check is Check.CORRECTED:
        return shown
    if chosen is Check.CORRECTED:
        raise AnswerError(question_id, "Give the right answer, or choose another mark.")
    raise AnswerError(question_id, "Nothing was said here that could be confirmed. Give an answer instead.")


def _emptied(question_id: str, shown: Mark, chosen: Check, *, has_said: bool) -> Mark:
    if chosen not in {shown.check, Check.CORRECTED}:
        return _chosen(question_id, shown, chosen, has_said=has_said)
    way_back = "choose “Not checked”" if shown.check is Check.CORRECTED else "set it back"
    raise AnswerError(question_id, f"The answer is empty. Give one, or {way_back}.")


def confirm_unchecked(review: Review, said: Raw, questions: Iterable[Question]) -> Review:
    """The review in which those of the questions that were answered and not marked yet are "as said"."""
    open_ids = [q.id for q in questions if q.id in said and review.mark(q.id) == UNTOUCHED]
    return review.with_marks(dict.fromkeys(open_ids, AS_SAID))


def merge(base: Review, mine: Review, theirs: Review) -> tuple[Review, tuple[str, ...]]:
    """My changes since `base` on top of theirs, and the ids that we both changed, where mine stands."""
    changed = {i: mine.mark(i) for i in {**base.marks, **mine.marks} if mine.mark(i) != base.mark(i)}
    both = tuple(
        q.id
        for q in CONFIRMABLE
        if q.id in changed and theirs.mark(q.id) not in {base.mark(q.id), changed[q.id]}
    )
    return theirs.with_marks(changed), both


# ---------------------------------------------------------------- what follows


def reviewed_answers(answers: Answers, review: Review) -> Answers:
    """The answers with the corrections in place; `ignored` names what these rule out.

    Raises AnswerError where a correction makes migraine days exceed headache days.
    """
    corrections = review.corrections
    raw = {**answers.as_raw(), **corrections}
    if corrections.keys() & {HEAD_DAYS.id, MIG_DAYS.id}:
        try:
            refuse_impossible(raw)
        except AnswerError:
            to_mend = MIG_DAYS.id if MIG_DAYS.id in corrections else HEAD_DAYS.id
            raise AnswerError(to_mend, "Migraine days cannot be more than headache days.") from None
    return Answers(answers.questionnaire, raw, from_outside=True)


def called_for(answers: Answers, reviewed: Answers) -> tuple[str, ...]:
    """Ids of questions nobody asked that the corrections make worth asking."""
    return tuple(
        q.id
        for q in CONFIRMABLE
        if reviewed.was_asked(q) and not answers.was_asked(q) and q.id not in reviewed.as_raw()
    )


@dataclass(frozen=True, slots=True)
class ReviewedLine:
    """One question: what the patient said, and what the clinician made of it."""

    id: str
    wording: str
    said: str
    # A Check's value.
    status: str
    # Empty where nothing was confirmed.
    confirmed_words: str
    # Whether there is an answer to be confirmed, "not sure" included.
    was_answered: bool

    def as_document(self) -> dict[str, Any]:
        return asdict(self)


def reviewed_lines(
    lines: Iterable[Mapping[str, Any]], answers: Answers, review: Review
) -> dict[str, ReviewedLine]:
    """Every question that may be confirmed, in order, by id; `lines` are the transcript's documents.

    Raises AnswerError as `reviewed_answers` does.
    """
    worded = {line["id"]: (str(line["wording"]), str(line["said"])) for line in lines}
    said, ruled_out = answers.as_raw(), frozenset(reviewed_answers(answers, review).ignored)
    return {
        q.id: _line(
            q, worded.get(q.id, (q.stem, NOT_ASKED)), review.mark(q.id), q.id in said, q.id in ruled_out
        )
        for q in CONFIRMABLE
    }


def _line(
    question: Question, worded: tuple[str, str], mark: Mark, was_answered: bool, is_ruled_out: bool
) -> ReviewedLine:
    wording, said = worded
    confirmed = {Check.AS_SAID: said, Check.CORRECTED: words_of(question, mark.value)}
    return ReviewedLine(
        id=question.id,
        wording=wording,
        said=said,
        status=(Check.RULED_OUT if is_ruled_out else mark.check).value,
        confirmed_words="" if is_ruled_out else confirmed.get(mark.check, ""),
        was_answered=was_answered,
    )


def count_checked(lines: Iterable[ReviewedLine]) -> tuple[int, int]:
    """How many answers were checked, and how many there are."""
    counted = [line for line in lines if line.was_answered or line.confirmed_words]
    return sum(line.status != Check.UNCHECKED.value for line in counted), len(counted)
