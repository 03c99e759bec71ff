"""The machine's door: `screener classify` and `screener questions`."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import CHRONIC_AND_INTRACTABLE
from click.testing import CliRunner, Result
from domain.contract import RESULT, VERDICTS

from screener.domain.questionnaire import CONTACT, QUESTIONNAIRE
from screener.domain.screening import classify
from screener.domain.versions import CRITERIA_VERSION
from screener.web.classify_files import _CHUNK
from screener.web.cli import main

SCREENER = Path(sys.executable).with_name("screener")
CHRONIC, NOT_CHRONIC = '{"head_days": 15}', '{"head_days": 14}'
BOM = b"\xef\xbb\xbf"


def run(sent: str | bytes, *options: str) -> Result:
    return CliRunner().invoke(main, ["classify", *options], input=sent)


def told(sent: str | bytes, *options: str, status: int = 0) -> list[dict[str, Any]]:
    """What is written, a line an object."""
    result = run(sent, *options)
    assert result.exit_code == status, result.output
    assert result.stderr == ""
    return [json.loads(line) for line in result.stdout.splitlines()]


def pipe(sent: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([SCREENER, "classify", *options], input=sent, capture_output=True, check=False)


def gist(lines: list[dict[str, Any]]) -> list[str]:
    """Each line as a class or as the id an error names, or "unreadable"."""
    return [line["article_class"] if "error" not in line else line["id"] or "unreadable" for line in lines]


def days(lines: list[dict[str, Any]]) -> list[object]:
    """Whether each is chronic by its days, which the tests tell objects apart by; None for an error."""
    return [line["chronic"]["verdict"] if "error" not in line else None for line in lines]


CHRONIC_LINE, OTHER_LINE = "met", "not_met"

# ---------------------------------------------------------------- what is written


def test_fifteen_days_are_chronic_and_fourteen_are_not() -> None:
    fifteen, fourteen = told(f"{CHRONIC}\n{NOT_CHRONIC}\n")
    assert fifteen["article_class"] == "chronic"
    assert fourteen["article_class"] != "chronic"
    assert days([fifteen, fourteen]) == [CHRONIC_LINE, OTHER_LINE]


def test_the_command_says_what_the_classifier_says() -> None:
    assert told(json.dumps(CHRONIC_AND_INTRACTABLE)) == [classify(CHRONIC_AND_INTRACTABLE)]


def test_every_key_of_the_contract_is_there() -> None:
    (line,) = told(CHRONIC)
    assert list(line) == list(RESULT)
    assert line["criteria_version"] == CRITERIA_VERSION
    assert line["chronic"]["criteria"] == [
        {
            "id": "chronic.days",
            "verdict": "met",
            "source": "001",
            "said": {"head_days": 15},
            "missing": [],
        }
    ]
    assert set(line["clinical"].values()) <= set(VERDICTS)
    assert {"id": "head_days", "to": 14} in [
        {key: change[key] for key in ("id", "to")} for change in line["would_change"]
    ]


def test_brief_leaves_reasons_and_would_change_out() -> None:
    (line,) = told(CHRONIC, "--brief")
    assert "would_change" not in line
    assert line["chronic"] == {"verdict": "met"}
    assert set(line["intractable"]) == set(line["regular"]) == {"verdict"}
    (full,) = told(CHRONIC)
    assert {key: line[key] for key in ("urgency", "red_flags", "article_class", "clinical")} == {
        key: full[key] for key in ("urgency", "red_flags", "article_class", "clinical")
    }


def test_what_a_caller_leaves_out_is_urgent() -> None:
    (line,) = told("{}")
    assert line["urgency"] == "urgent"
    assert line["red_flags"] == ["danger_now.unanswered", "changes.unanswered"]


def test_red_flags_are_named_and_sets_joined() -> None:
    lines = told('{"danger_now": ["sudden"]}\n{"changes": ["immune", "fever"]}')
    assert lines[0]["urgency"] == lines[1]["urgency"] == "emergency"
    assert "danger_now.sudden" in lines[0]["red_flags"]
    assert "changes.immune+changes.fever" in lines[1]["red_flags"]


def test_answers_that_do_not_fit_are_conflicts_and_no_errors() -> None:
    (line,) = told('{"usual_relief": "none", "acute_tried": ["none"]}')
    assert ["usual_relief", "acute_tried"] in line["conflicts"]
    (line,) = told('{"now_pain": true, "head_days": 0}')
    assert ["now_pain", "head_days"] in line["conflicts"]
    (line,) = told('{"now_length": "over_72h", "head_days": 2}')
    assert ["now_length", "head_days"] in line["conflicts"]


def test_a_follow_up_is_kept_without_its_leading_answer_and_dropped_against_it() -> None:
    kept, dropped = told('{"now_length": "over_72h"}\n{"now_pain": false, "now_length": "over_72h"}')
    assert kept["ignored"] == []
    assert "now_length.over_72h" in kept["red_flags"]
    assert dropped["ignored"] == ["now_length"]
    assert "now_length.over_72h" not in dropped["red_flags"]


# ---------------------------------------------------------------- what is read

SHAPES = {
    "lines": f"{CHRONIC}\n{NOT_CHRONIC}\n{CHRONIC}\n",
    "lines without a last end": f"{CHRONIC}\n{NOT_CHRONIC}\n{CHRONIC}",
    "lines with blank ones": f"\n\n{CHRONIC}\n \n{NOT_CHRONIC}\n\t\n{CHRONIC}\n\n",
    "lines with CRLF": f"{CHRONIC}\r\n{NOT_CHRONIC}\r\n{CHRONIC}\r\n",
    "array": f"[{CHRONIC},{NOT_CHRONIC},{CHRONIC}]",
    "array over lines": f"\n [\n {CHRONIC}\n,\n{NOT_CHRONIC},{CHRONIC}\n]\n\n",
    "objects over lines": "\n".join(
        json.dumps(json.loads(o), indent=2) for o in (CHRONIC, NOT_CHRONIC, CHRONIC)
    ),
    "csv": "head_days\n15\n14\n15\n",
}


@pytest.mark.parametrize("sent", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("bom", [b"", BOM], ids=["", "BOM"])
def test_every_shape_is_read_in_order(sent: str, bom: bytes) -> None:
    assert days(told(bom + sent.encode())) == [CHRONIC_LINE, OTHER_LINE, CHRONIC_LINE]


@pytest.mark.parametrize("sent", [CHRONIC, f"[{CHRONIC}]", json.dumps(CHRONIC_AND_INTRACTABLE, indent=1)])
def test_one_object_is_read(sent: str) -> None:
    assert days(told(sent)) == [CHRONIC_LINE]


def test_a_file_and_standard_input_by_its_dash_are_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    path.write_text(CHRONIC)
    assert days(told("", str(path))) == days(told(CHRONIC, "-")) == [CHRONIC_LINE]


@pytest.mark.parametrize("sent", ["", "\n", " \r\n\t\n", "[]", "[ \n ]", BOM, "head_days\n"])
def test_nothing_in_is_nothing_out(sent: str | bytes) -> None:
    assert told(sent) == []


@pytest.mark.parametrize("option", ["json", "csv"])
def test_nothing_in_is_nothing_out_in_a_named_format(option: str) -> None:
    assert told("", "--format", option) == []


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = run("", str(tmp_path / "missing.json"))
    assert result.exit_code == 2
    assert "missing.json" in result.stderr


# ---------------------------------------------------------------- errors, each in its place


def test_an_error_names_the_id_and_the_line_and_the_others_are_classified() -> None:
    lines = told(f'{CHRONIC}\n{{"head_days": 31}}\nfoo\n{CHRONIC}\n', status=1)
    assert days(lines) == [CHRONIC_LINE, None, None, CHRONIC_LINE]
    assert set(lines[1]) == {"error", "id", "line"}
    assert (lines[1]["id"], lines[1]["line"]) == ("head_days", 2)
    assert (lines[2]["id"], lines[2]["line"]) == (None, 3)


ERRORS = {
    '{"no_such_id": 1}': "no_such_id",
    '{"contact_name": "Pat"}': "contact_name",
    '{"head_days": true}': "head_days",
    '{"head_days": "15"}': "head_days",
    '{"head_days": 15.5}': "head_days",
    '{"head_days": -1}': "head_days",
    '{"head_days": NaN}': "head_days",
    '{"head_days": Infinity}': "head_days",
    '{"head_days": -Infinity}': "head_days",
    '{"head_days": 1e999}': "head_days",
    '{"head_days": ' + "9" * 5000 + "}": "head_days",
    '{"now_pain": "yes"}': "now_pain",
    '{"side": ["one"]}': "side",
    '{"symptoms": []}': "symptoms",
    '{"symptoms": "nausea"}': "symptoms",
    '{"symptoms": ["nausea", "none"]}': "symptoms",
    '{"symptoms": ["nausea", "nausea"]}': "symptoms",
    '{"head_days": 3, "mig_days": 4}': "mig_days",
    '{"head_days": 3, "head_days": 3}': "head_days",
    '{"symptoms": {"a": 1}}': "symptoms",
}
UNREADABLE = {
    "null": "null",
    "number": "5",
    "text": '"words"',
    "literal": "true",
    "no JSON": "nonsense",
    "single quotes": "{'head_days': 15}",
    "trailing comma": '{"head_days": 15,}',
    "control character": '{"own_words": "a\tb"}',
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "deep in a value": '{"symptoms": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "half an object": '{"head_days": 15',
}


@pytest.mark.parametrize(("sent", "name"), ERRORS.items(), ids=lambda value: value[:40])
@pytest.mark.parametrize("shape", ["{0}\n{1}\n{0}\n", "[{0},{1},{0}]", "[\n{0},\n{1},\n{0}\n]\n"])
def test_an_object_that_is_refused_is_named_in_every_shape(sent: str, name: str, shape: str) -> None:
    lines = told(shape.format(CHRONIC, sent), status=1)
    assert days(lines) == [CHRONIC_LINE, None, CHRONIC_LINE]
    assert (lines[1]["id"], lines[1]["line"]) == (name, 2)


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_line_costs_no_other(sent: str) -> None:
    for shape, wanted in (
        ("{0}\n{1}\n{0}\n", [CHRONIC_LINE, None, CHRONIC_LINE]),
        ("{1}\n{0}\n", [None, CHRONIC_LINE]),
    ):
        lines = told(shape.format(CHRONIC, sent), status=1)
        assert days(lines) == wanted
        (error,) = [line for line in lines if "error" in line]
        assert error["id"] is None
        assert len(error["error"]) < 200


@pytest.mark.parametrize("name", [name for name in UNREADABLE if name != "half an object"])
def test_an_unreadable_element_of_an_array_costs_no_other(name: str) -> None:
    lines = told(f"[{CHRONIC},{UNREADABLE[name]},{CHRONIC}]", status=1)
    assert days(lines) == [CHRONIC_LINE, None, CHRONIC_LINE]


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        ("[", ["unreadable"]),
        ("[{", ["unreadable"]),
        ("[}", ["unreadable"]),
        ("[,]", ["unreadable", "unreadable"]),
        (f"[{CHRONIC}", ["chronic", "unreadable"]),
        (f"[{CHRONIC},]", ["chronic", "unreadable"]),
        (f'[{CHRONIC}, {{"own_words": "a', ["chronic", "unreadable"]),
        (f"[{CHRONIC} {CHRONIC}]", ["unreadable"]),
        (f"[[{CHRONIC}]]", ["unreadable"]),
        (f"[{CHRONIC}] nonsense", ["chronic", "unreadable"]),
        (f"[{CHRONIC}]\n{CHRONIC}\n{CHRONIC}", ["chronic"] * 3),
        (f"{CHRONIC}\n[{CHRONIC}]\n{CHRONIC}", ["chronic", "unreadable", "chronic"]),
        (f"{CHRONIC} {CHRONIC}\n{CHRONIC}", ["unreadable", "chronic"]),
    ],
)
def test_a_broken_array_loses_nothing_that_can_be_read(sent: str, wanted: list[str]) -> None:
    status = 1 if "unreadable" in wanted else 0
    assert gist(told(sent, status=status)) == wanted


@pytest.mark.parametrize("size", range(_CHUNK - 30, _CHUNK + 30, 7))
def test_an_array_is_cut_right_wherever_a_chunk_ends(size: int) -> None:
    padded = json.dumps({"own_words": '],[ "\\', "head_days": 15})
    sent = f"[{' ' * (size - len(padded))}{padded},{CHRONIC},{NOT_CHRONIC}]"
    assert days(told(sent)) == [CHRONIC_LINE, CHRONIC_LINE, OTHER_LINE]


def test_brackets_and_quotes_in_words_cut_nothing() -> None:
    words = {"own_words": '}], {"head_days": 1} \\" [', "head_days": 15}
    assert days(told(json.dumps([words, words]))) == [CHRONIC_LINE] * 2


def test_bytes_that_are_no_utf_8_are_an_error_of_their_line() -> None:
    for shape in (b'{"own_words": "\xff"}\n%b', b'[{"own_words": "\xff"},%b]', b"\xff\n%b"):
        lines = told(shape % CHRONIC.encode(), status=1)
        assert days(lines) == [None, CHRONIC_LINE]


def test_lone_surrogates_and_nul_written_as_escapes_are_text() -> None:
    assert days(told('{"own_words": "\\ud800 \\u0000", "head_days": 15}')) == [CHRONIC_LINE]


def test_huge_lines_are_read_or_refused_like_others() -> None:
    blank, long_id, long_text = " " * 5_000_000, "x" * 5_000_000, "y" * 5_000_000
    sent = f'{{"head_days": {blank}15}}\n{{"{long_id}": 1}}\n{{"own_words": "{long_text}"}}\n{NOT_CHRONIC}\n'
    lines = told(sent, status=1)
    assert days(lines) == [CHRONIC_LINE, None, None, OTHER_LINE]
    assert lines[2]["id"] == "own_words"


def test_a_line_that_only_opens_holds_back_no_more_than_what_cannot_be_an_object() -> None:
    sent = '{"head_days":\n' + "nonsense\n" * 3 + f"{CHRONIC}\n"
    assert days(told(sent, status=1)) == [None, None, None, None, CHRONIC_LINE]


# ---------------------------------------------------------------- CSV


def test_a_csv_says_the_same_as_json() -> None:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(CHRONIC_AND_INTRACTABLE)
    rows.writerow(
        ";".join(v) if isinstance(v, list) else str(v).lower() for v in CHRONIC_AND_INTRACTABLE.values()
    )
    assert told(text.getvalue()) == [classify(CHRONIC_AND_INTRACTABLE)]


@pytest.mark.parametrize(
    ("name", "cell", "value"),
    [
        ("comes_back", "true", True),
        ("comes_back", "TRUE", True),
        ("comes_back", "yes", True),
        ("comes_back", "false", False),
        ("comes_back", "No", False),
        ("comes_back", "null", None),
        ("comes_back", "unsure", None),
        ("head_days", " 20 ", 20),
        ("head_days", "NULL", None),
        ("symptoms", "nausea; light ;dizziness", ["nausea", "light", "dizziness"]),
        ("symptoms", "none", ["none"]),
        ("symptoms", "unsure", None),
        ("usual_relief", "a_little", "a_little"),
        ("own_words", '"One, two; ""three""\r\nfour"', 'One, two; "three"\r\nfour'),
        ("own_words", "True", "True"),
    ],
)
def test_a_cell_is_read_in_the_kind_of_its_column(name: str, cell: str, value: object) -> None:
    assert told(f"age,{name}\r\n42,{cell}\r\n") == [classify({"age": 42, name: value})]


def test_an_empty_cell_was_not_asked() -> None:
    sent = "head_days,own_words,comes_back,symptoms\n15,,,\n,,,\n15, ,, \n"
    assert told(sent) == [classify({"head_days": 15}), classify({}), classify({"head_days": 15})]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("head_days", "31"),
        ("head_days", "-1"),
        ("head_days", "15.0"),
        ("head_days", "1e1"),
        ("head_days", "²"),
        ("head_days", "9" * 5000),
        ("head_days", "true"),
        ("comes_back", "1"),
        ("comes_back", "y"),
        ("side", "left"),
        ("side", "one;both"),
        ("symptoms", "nausea;"),
        ("symptoms", "nausea;nausea"),
        ("symptoms", "nausea;none"),
        ("symptoms", '"nausea,light"'),
        ("own_words", "x" * 1001),
    ],
)
def test_a_bad_cell_is_an_error_of_its_row_and_names_its_column(name: str, cell: str) -> None:
    lines = told(f"age,{name}\n42,\n42,{cell}\n42,\n", status=1)
    assert [line.get("id") for line in lines] == [None, name, None]
    assert [line.get("line") for line in lines] == [None, 2, None]


def test_a_cell_that_is_no_utf_8_names_its_column() -> None:
    lines = told(b"head_days,own_words\n15,caf\xe9\n15,caf\xc3\xa9\n", status=1)
    assert days(lines) == [None, CHRONIC_LINE]
    assert lines[0]["id"] == "own_words"


@pytest.mark.parametrize("row", ["15", "15,yes,no", "15,yes,", '15,"yes"x', ","])
def test_a_ragged_row_is_an_error_of_its_own(row: str) -> None:
    lines = told(f"head_days,comes_back\n15,yes\n{row}\n14,no\n", status=0 if row == "," else 1)
    assert days(lines) == [CHRONIC_LINE, "cannot_tell" if row == "," else None, OTHER_LINE]


def test_a_quote_that_is_never_closed_is_an_error() -> None:
    lines = told('head_days,own_words\n15,a\n15,"b\n14,c\n', status=1)
    assert days(lines) == [CHRONIC_LINE, None]


def test_a_field_of_any_length_is_an_error_of_its_row() -> None:
    lines = told(f"head_days,own_words\n15,{'x' * 5_000_000}\n15,a\n", status=1)
    assert days(lines) == [None, CHRONIC_LINE]


def test_blank_rows_are_no_rows() -> None:
    lines = told("\n\nhead_days\n\n15\n\r\n31\n", status=1)
    assert (lines[1]["id"], lines[1]["line"]) == ("head_days", 2)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("head_days,foo", "foo"),
        ("head_days,age,head_days", "head_days"),
        ("head_days,contact_name", "contact_name"),
        ("head_days,", None),
        ("head_days,HEAD_DAYS", "HEAD_DAYS"),
        ("head_days;age", "head_days;age"),
    ],
)
def test_a_bad_header_is_one_error(header: str, name: str | None) -> None:
    lines = told(f"{header}\n1,2\n3,4\n", "--format", "csv", status=1)
    assert len(lines) == 1
    assert (lines[0]["id"], lines[0]["line"]) == (name, 0)
    assert "header" in lines[0]["error"]


def test_an_open_quote_in_the_header_is_one_error() -> None:
    (line,) = told('head_days,"age\n1,2\n', status=1)
    assert line["line"] == 0


def test_contact_columns_are_refused_with_the_reason() -> None:
    (line,) = told(f"head_days,{CONTACT[0].id}\n1,Pat\n", status=1)
    assert "never classified" in line["error"]
    assert "Pat" not in line["error"]


def test_every_question_may_head_a_column() -> None:
    header = ",".join(question.id for question in QUESTIONNAIRE)
    assert told(f"{header}\n") == []


@pytest.mark.parametrize(
    ("ending", "sent"),
    [
        (".csv", "head_days\n15\n"),
        (".CSV", "head_days\n15\n"),
        (".txt", "head_days\n15\n"),
        (".jsonl", CHRONIC),
    ],
)
def test_the_format_is_told_by_the_ending_or_the_beginning(tmp_path: Path, ending: str, sent: str) -> None:
    path = tmp_path / f"answers{ending}"
    path.write_text(sent)
    assert days(told("", str(path))) == [CHRONIC_LINE]


def test_a_file_that_ends_in_csv_is_csv_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("no,header\n1,2\n")
    (line,) = told("", str(path), status=1)
    assert (line["id"], line["line"]) == ("no", 0)


def test_a_named_format_is_not_guessed() -> None:
    assert days(told("head_days\n15\n", "--format", "json", status=1)) == [None, None]
    assert days(told(CHRONIC, "--format", "json")) == [CHRONIC_LINE]


# ---------------------------------------------------------------- as a process


def test_a_pipe_gives_lines_and_nothing_else() -> None:
    done = pipe(f"{CHRONIC}\nnonsense\n{NOT_CHRONIC}".encode())
    assert done.returncode == 1
    assert done.stderr == b""
    assert gist([json.loads(line) for line in done.stdout.splitlines()])[:2] == ["chronic", "unreadable"]
    assert pipe(CHRONIC.encode()).returncode == 0


def test_what_is_written_is_ascii_whatever_was_read() -> None:
    done = pipe('{"schön 😀": 1}'.encode(), "--brief")
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["id"] == "schön 😀"


def test_a_closed_pipe_ends_quietly() -> None:
    command = f"yes '{CHRONIC}' | head -20000 | {SCREENER} classify --brief | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    assert done.stderr == b""
    assert len(done.stdout.splitlines()) == 1


def test_each_line_is_answered_before_the_next_is_sent() -> None:
    with subprocess.Popen(
        [SCREENER, "classify", "--brief"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin
        assert process.stdout
        for line in (CHRONIC, '{"head_days": 31}', "nonsense", NOT_CHRONIC):
            process.stdin.write(f"{line}\n".encode())
            assert process.stdout.readline()
        process.stdin.close()
    assert process.returncode == 1


def test_starting_loads_no_web_and_no_database() -> None:
    script = (
        "import sys, screener.web.cli;"
        "print({'flask', 'sqlalchemy', 'cryptography', 'jinja2', 'wtforms'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


def on_terminal(sent: Path, *, piped: bool) -> tuple[bytes, bytes]:
    """(standard output, what a terminal at standard error shows)."""
    ours, theirs = pty.openpty()
    script = f"cat {sent} | {SCREENER} classify --brief" if piped else f"{SCREENER} classify --brief {sent}"
    written = sent.with_suffix(".out")
    with written.open("wb") as output, subprocess.Popen(["sh", "-c", script], stdout=output, stderr=theirs):
        os.close(theirs)
        # Read while it runs: a terminal that nobody reads fills up.
        shown = b"".join(iter(lambda: _read_terminal(ours), b""))
    os.close(ours)
    return written.read_bytes(), shown


def _read_terminal(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


@pytest.mark.parametrize("piped", [False, True])
def test_a_terminal_shows_how_far_it_is(tmp_path: Path, *, piped: bool) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(f"{CHRONIC}\n" * 300)
    written, shown = on_terminal(path, piped=piped)
    assert b"Classified" in shown
    assert (b"300" if piped else b"100%") in shown
    assert len(written.splitlines()) == 300
    assert all(json.loads(line) for line in written.splitlines())


# ---------------------------------------------------------------- any length

# Runs the command in a process whose memory is its own: a child's peak begins at that of its parent.
MEASURE = """
import resource, subprocess, sys
shape, count = sys.argv[2], int(sys.argv[3])
good = {"csv": "42,15", "array": '{"age": 42, "head_days": 15},'}.get(shape, '{"age": 42, "head_days": 15}')
bad = good.replace("15", "31")
first = {"csv": "age,head_days\\n", "array": "["}.get(shape, "")
last = "{}]" if shape == "array" else ""
end = "" if shape == "array" else "\\n"
with subprocess.Popen([sys.argv[1], "classify", "--brief"], stdin=subprocess.PIPE,
                      stdout=subprocess.DEVNULL, text=True) as process:
    process.stdin.write(first)
    for number in range(count):
        process.stdin.write((bad if number % 40 else good) + end)
    process.stdin.write(last)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_kib(shape: str, count: int) -> int:
    command = [sys.executable, "-c", MEASURE, str(SCREENER), shape, str(count)]
    return int(subprocess.run(command, capture_output=True, check=True).stdout)


@pytest.mark.parametrize("shape", ["lines", "array", "csv"])
def test_memory_stays_flat(shape: str) -> None:
    # One row in 40 is classified and the others are refused: what is held is the same, and it takes seconds.
    few, many = peak_kib(shape, 2_000), peak_kib(shape, 200_000)
    assert many < few * 1.1 + 1024


# ---------------------------------------------------------------- the questions


def described() -> Iterator[dict[str, Any]]:
    result = CliRunner().invoke(main, ["questions"])
    assert result.exit_code == 0
    return map(json.loads, result.stdout.splitlines())


def test_questions_lists_each_question_once_in_order() -> None:
    assert [about["id"] for about in described()] == [question.id for question in QUESTIONNAIRE]


def test_questions_tells_what_each_kind_allows() -> None:
    about = {line["id"]: line for line in described()}
    assert about["head_days"] | {"minimum": 0, "maximum": 30} == about["head_days"]
    assert "over_72h" in about["treated_length"]["codes"]
    assert about["own_words"]["max_length"] == 1000
    assert about["now_pain"]["kind"] == "YesNo"


def test_a_demo_is_shown_to_this_machine_alone() -> None:
    refused = CliRunner().invoke(main, ["serve", "--demo", "--address", "0.0.0.0"])
    assert refused.exit_code == 2
    assert "127.0.0.1" in refused.output


def test_the_shell_can_be_taught_to_complete() -> None:
    told = CliRunner().invoke(main, env={"_SCREENER_COMPLETE": "bash_source"}, prog_name="screener")
    assert told.exit_code == 0
    assert "complete" in told.output
    offered = CliRunner().invoke(
        main,
        env={"_SCREENER_COMPLETE": "bash_complete", "COMP_WORDS": "screener cl", "COMP_CWORD": "1"},
        prog_name="screener",
    )
    assert offered.output.split() == ["plain,classify", "plain,clinic"]
