"""The history as plain text: danger first, then the history's own order; it pastes into any record."""

from builders import CHRONIC_AND_INTRACTABLE

from screener.domain.headache_history import history_of
from screener.domain.screening import restore_answers
from screener.domain.transcript import transcript
from screener.exports.summary import Note, headache_note


def note(**changed: object) -> str:
    answers = CHRONIC_AND_INTRACTABLE | {"ket_heart": "yes", "triptan_relief": "none", "triptan_days": 4}
    lines = [line.as_document() for line in transcript(restore_answers(answers | changed))]
    return headache_note(
        Note(
            identity=(("Name", "Pat Example"),),
            safety=("Routine",),
            history=history_of(lines),
            verdicts=(("Chronic migraine", "article 001", "matches"),),
            remarks=(),
            shown=(),
            footer=("Not a diagnosis.",),
        )
    )


def test_the_sections_come_in_the_order_of_a_headache_history() -> None:
    titles = [part.splitlines()[0] for part in note().split("\n\n")]
    assert titles == [
        "HEADACHE HISTORY, FROM THE PATIENT'S OWN ANSWERS",
        "SAFETY",
        "SITUATION",
        "COURSE",
        "USUAL ATTACK",
        "ATTACK NOW",
        "AURA",
        "EFFECT ON LIFE",
        "MEDICINES FOR ATTACKS",
        "PREVENTIVES",
        "OTHER WAYS",
        "KETAMINE CAUTIONS",
        "IN THE PATIENT'S WORDS",
        "COMPARED WITH",
        "ABOUT THIS NOTE",
    ]


def test_lines_read_on_their_own_and_unknowns_are_named() -> None:
    lines = note(side=None).splitlines()
    assert "Headache days in the last 30: 20 days" in lines
    assert "Triptan: relief: Not at all; days of 30: 4 days" in lines
    assert "(!) Heart, vessels, blood pressure: Yes" in lines
    assert "Side: Not sure" in lines
    assert (
        "Not asked: Kind; Each sign lasts; Clears fully; Spreads over; Signs in succession; One-sided;"
        in (" ".join(lines))
    )
    assert "Chronic migraine (article 001): matches" in lines


def test_it_is_plain_text_that_any_record_takes() -> None:
    text = note(own_words="First line.\nSecond\tline.")
    assert "First line.\nSecond line." in text
    assert "\t" not in text
    assert "<" not in text
