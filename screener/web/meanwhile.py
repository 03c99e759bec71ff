"""Two people at one settings form: what one saved meanwhile is shown to the other, never overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from flask import request

# What a form shows or sends, by the names of its fields.
Said: TypeAlias = Mapping[str, str | list[str]]


class Merged(NamedTuple):
    """What a form holds now: own changes, and elsewhere what is stored; and what others changed."""

    said: dict[str, str | list[str]]
    changed: tuple[str, ...]


def seen_by(said: Said) -> str:
    """What a page showed, to be carried by its form under the name `seen`."""
    return json.dumps(dict(said), ensure_ascii=False)


def merge(typed: Said, stored: Said) -> Merged:
    """What was let be takes what is stored; what was typed stays."""
    seen = _seen()
    said = {name: stored[name] if typed[name] == seen.get(name) else typed[name] for name in stored}
    return Merged(said, tuple(name for name in stored if seen.get(name) != stored[name]))


def _seen() -> Mapping[str, object]:
    """Nothing, if it cannot be read: then all of it may have changed."""
    try:
        seen = json.loads(request.form.get("seen", ""))
    except (ValueError, RecursionError):
        return {}
    return seen if isinstance(seen, dict) else {}
