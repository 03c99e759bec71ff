"""The gate of the languages: nothing untranslated, nothing half translated, and easy to read in Spanish."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment, nodes
from messages import catalogue_path, extracted, read, updated

from screener.domain.question import Page
from screener.domain.questionnaire import CONTACT, QUESTIONNAIRE
from screener.domain.wordings import patient_wordings
from screener.settings import ROOT
from screener.web.languages import read_catalogue

# The same word in both languages.
SAME_IN_BOTH = {"No", "Error:", "Taurine"}

EASY = 65

MESSAGES = [message for message in read("es") if message.id]
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w*\}")


def spanish_of(message: Message) -> str:
    assert isinstance(message.string, str), message.id
    return message.string


# ---------------------------------------------------------------- the catalogue


def test_the_catalogue_holds_what_the_pages_and_rules_say_today() -> None:
    assert catalogue_path("es").read_bytes() == updated("es"), "run `make messages`"


def test_every_message_has_a_spanish_text() -> None:
    missing = [message.id for message in MESSAGES if not spanish_of(message).strip()]
    assert missing == [], f"{len(missing)} of {len(MESSAGES)} to do"


def test_no_spanish_text_is_a_guess() -> None:
    assert [message.id for message in MESSAGES if message.fuzzy] == []


def test_each_spanish_text_fills_in_the_same_places() -> None:
    for message in MESSAGES:
        if spanish := spanish_of(message):
            wanted, found = (sorted(_PLACEHOLDER.findall(text)) for text in (str(message.id), spanish))
            assert found == wanted, message.id


def test_no_spanish_sentence_ends_on_a_time() -> None:
    """Times end in "p.m." there: another full stop after it would be one too many."""
    assert [m.id for m in MESSAGES if re.search(r"%\((time|until)\)s\.", spanish_of(m))] == []


def test_no_spanish_text_breaks_when_it_is_filled_in() -> None:
    domain = set(patient_wordings())
    for message in MESSAGES:
        if (spanish := spanish_of(message)) and message.id not in domain:
            names = re.findall(r"%\((\w+)\)s", str(message.id))
            # A lone per cent sign would raise.
            assert spanish % dict.fromkeys(names, "x"), message.id


def test_no_spanish_text_holds_markup() -> None:
    """A page takes its own messages for safe."""
    assert [message.id for message in MESSAGES if re.search(r"[<>&]", spanish_of(message))] == []


def test_no_spanish_text_is_the_english_one() -> None:
    same = {message.id for message in MESSAGES if spanish_of(message) == message.id}
    assert same <= SAME_IN_BOTH


def test_each_spanish_text_begins_and_ends_as_the_english_one() -> None:
    """A colon, a question mark or none: what stands around it in the page relies on it."""
    for message in MESSAGES:
        if spanish := spanish_of(message):
            assert spanish == spanish.strip(), message.id
            for mark in ":?":
                assert spanish.endswith(mark) == str(message.id).endswith(mark), message.id


def test_an_untranslated_message_is_shown_in_english() -> None:
    assert read_catalogue("es").gettext("No such text") == "No such text"


# ---------------------------------------------------------------- nothing bare in templates and modules

# Staff read the rest of these two; tests/web/test_languages.py walks the patients' part.
_PARTLY_STAFF = {"macros/evidence.html", "macros/verdicts.html"}
_TEMPLATES = [
    *sorted((ROOT / "templates" / "patient").glob("*.html")),
    *(ROOT / "templates" / name for name in ("layout.html", "home.html", "errors/error.html")),
    *(
        path
        for path in sorted((ROOT / "templates" / "emails").glob("*.txt"))
        if not path.name.startswith("staff_")
    ),
    *(ROOT / "templates" / "macros" / name for name in ("form.html", "words.html")),
]
# Told to staff, or a name that a macro compares.
_NOT_TOLD = {
    "Check the address. If it is one of a clinic, you may not work there any more: ask its administrator.",
    "Your clinics",
    "Your role at this clinic does not open patient records. Ask your clinic's administrator.",
    "Only an administrator of this clinic may open this page.",
    "Only a clinician of this clinic confirms and signs. What was signed opens from the history page.",
    "The records of this clinic were destroyed",
    "Its keys are gone: nothing that patients said or staff wrote there can be opened again, by anybody.",
    "This can't be opened",
    (
        "The key that opens it is not set on the server, or the record was altered."
        " Tell the person who runs the server: `screener keys list` names a key that is missing."
    ),
    "Your child",
}
_TOLD = ("forms", "look", "patient", "result", "saving", "saving_forms", "visit", "withdraw")
_MODULES = [ROOT / "screener" / "web" / f"{name}.py" for name in _TOLD]
_SENTENCE = re.compile(r"[A-Z][\w']* \w")
_MARKS = {"N_", "_", "gettext", "lazy_gettext"}


@pytest.mark.parametrize("path", _TEMPLATES, ids=lambda path: path.name)
def test_no_template_of_a_patient_holds_bare_words(path: Path) -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    source = path.read_text()
    data = "".join(value if kind == "data" else "" for _, kind, value in environment.lex(source))
    data = data.removeprefix("Subject: ")
    assert re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>| [a-z-]+=\"", " ", data)) == []
    assert re.findall(r'(?:aria-label|alt|placeholder)="[^"]', data) == []
    tree = environment.parse(source)
    marked = {
        id(const)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in _MARKS
        for const in call.find_all(nodes.Const)
    }
    strings = [
        c.value for c in tree.find_all(nodes.Const) if id(c) not in marked and isinstance(c.value, str)
    ]
    assert [text for text in strings if _SENTENCE.match(text) and text not in _NOT_TOLD] == []


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.name)
def test_no_module_tells_a_patient_bare_words(path: Path) -> None:
    tree = ast.parse(path.read_text())
    quiet = {id(part) for node in ast.walk(tree) if _is_marked(node) for part in ast.walk(node)}
    spoken = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in quiet]
    assert [text for text in spoken if isinstance(text, str) and _SENTENCE.match(text)] == []


def _is_marked(node: ast.AST) -> bool:
    """A call that translates, or a docstring."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _MARKS
        case ast.Expr(value=ast.Constant()):
            return True
        case _:
            return False


def test_everything_the_questionnaire_says_is_in_the_catalogue() -> None:
    found = {message.id for message in extracted()}
    for question in (*QUESTIONNAIRE, *CONTACT):
        assert question.stem in found
        for option in getattr(question, "options", ()):
            assert option.label in found


# ---------------------------------------------------------------- easy to read

_STRONG, _VOWELS = "aeoáéíóú", re.compile(r"[aeiouáéíóúüy]+")


def syllables(word: str) -> int:
    """As Spanish splits words: strong vowels part, a weak one joins its neighbor; qu and gu are one sound."""
    word = re.sub(r"(?<=[qg])u(?=[eiéí])", "", word.lower())
    word = re.sub(r"y(?=[aeiouáéíóú])", "-", word)
    return max(1, sum(max(1, sum(v in _STRONG for v in run)) for run in _VOWELS.findall(word)))


def inflesz(text: str) -> float:
    """Flesch-Szigriszt: syllables a word and words a sentence; 65 is "quite easy" on the Inflesz scale."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(re.findall(r"[.?!:]+(?:\s|$)", text)))
    return 206.84 - 62.3 * sum(map(syllables, words)) / len(words) - len(words) / sentences


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("dolor", 2), ("migraña", 3), ("días", 2), ("hoy", 1), ("que", 1), ("guía", 2), ("pingüino", 3),
        ("cuántos", 2), ("ahora", 3), ("aire", 2), ("yodo", 2), ("muy", 1), ("leer", 2), ("última", 3),
        ("y", 1), ("medicamento", 5), ("cefalea", 4), ("ciudad", 2), ("embarazada", 5),
    ],
)  # fmt: skip
def test_syllables_are_counted_as_in_spanish(word: str, count: int) -> None:
    assert syllables(word) == count


def test_the_scale_tells_easy_from_hard() -> None:
    assert inflesz("¿Le duele la cabeza ahora?") > EASY
    assert inflesz("¿Experimenta manifestaciones neurológicas transitorias concomitantes?") < EASY


def _stems(page: Page) -> Iterator[str]:
    return (read_catalogue("es").gettext(q.stem) for q in page.questions if "medicine_name" not in q.id)


def test_the_questions_of_each_page_are_easy_to_read_in_spanish() -> None:
    untranslated = [q.stem for q in QUESTIONNAIRE if read_catalogue("es").gettext(q.stem) == q.stem]
    assert untranslated == []
    scores = {page.slug: mean(map(inflesz, _stems(page))) for page in QUESTIONNAIRE.pages}
    assert {slug: round(score) for slug, score in scores.items() if score < EASY} == {}
