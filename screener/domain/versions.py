"""What a stored result was made with: a date to read, and a hash of the content that says it is the same.

The labels (dates) stand beside what they name: in questionnaire.py, classification.py and notices.py.
docs/criteria-changelog.md tells what changed with each version, in words.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from screener.domain import classification, notices, questionnaire
from screener.domain.question import Questionnaire
from screener.domain.questionnaire import QUESTIONNAIRE

# The rules, and what they read answers and ages through.
RULES: Final = ("answers", "urgency", "classification", "clinical_flags", "verdict", "next_step")
_LABELS: Final = frozenset({"CRITERIA_DATE"})
_HASH_LENGTH: Final = 8


def questionnaire_hash(asked: Questionnaire) -> str:
    """Over every page and question in order: ids, kinds, wordings, options, bounds and conditions."""
    return _hash(json.dumps([_content(asked.pages), _content(questionnaire.CONTACT)], sort_keys=True))


def version_of(asked: Questionnaire) -> str:
    return f"{asked.version}+{questionnaire_hash(asked)}"


def criteria_hash(sources: Iterable[str | bytes]) -> str:
    """Over the code of the rules, so that comments, docstrings and layout count for nothing."""
    return _hash("\n".join(_meaning(ast.parse(source)) for source in sources))


def consent_hash(sentences: Iterable[str], disclaimer: str) -> str:
    return _hash(json.dumps([*sentences, disclaimer]))


def rule_sources() -> tuple[bytes, ...]:
    """The files of the rules, as they lie here."""
    return tuple(Path(__file__).with_name(f"{rule}.py").read_bytes() for rule in RULES)


def _hash(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:_HASH_LENGTH]


def _content(value: object) -> object:
    """A part of the questionnaire as plain data; a field that is added later counts by itself."""
    if is_dataclass(value):
        kind = {"kind": type(value).__name__}
        return kind | {field.name: _field(value, field.name) for field in fields(value)}
    if isinstance(value, tuple):
        return [_content(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _field(part: object, name: str) -> object:
    value = getattr(part, name)
    # A condition names its leading question, which is told in full where it is asked.
    return value.id if name == "question" else _content(value)


def _meaning(node: object) -> str:
    """A syntax tree as text. Not ast.dump: it differs between versions of Python."""
    if isinstance(node, ast.AST):
        # `kind` tells u"" from "". Empty fields are left out: newer versions of Python add some.
        told = ((name, value) for name, value in ast.iter_fields(node) if name != "kind")
        inside = ",".join(f"{name}={_meaning(value)}" for name, value in told if value not in (None, []))
        return f"{type(node).__name__}({inside})"
    if isinstance(node, list):
        return f"[{','.join(_meaning(part) for part in node if not _is_mute(part))}]"
    return ascii(node)


def _is_mute(part: object) -> bool:
    """A docstring, or the label itself."""
    match part:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _LABELS
        case _:
            return False


QUESTIONNAIRE_VERSION: Final = version_of(QUESTIONNAIRE)
CRITERIA_VERSION: Final = f"{classification.CRITERIA_DATE}+{criteria_hash(rule_sources())}"
CONSENT_VERSION: Final = (
    f"{notices.CONSENT_DATE}+{consent_hash(notices.consent_text('{clinic}'), notices.DISCLAIMER)}"
)
