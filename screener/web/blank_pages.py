"""Blank pages: a page of questions is rendered once as everybody gets it, and filled in for each patient.

Rendering takes longer than any other part of an answer. A blank is made with nothing but what it is kept
under (the parameters of `_blank`): where answers, tokens and links belong it has gaps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from flask import g, render_template, request
from markupsafe import escape

from screener.domain.question import Page, Question
from screener.web.forms import AnswerField, PageForm, page_form
from screener.web.languages import language
from screener.web.widget import frame

if TYPE_CHECKING:
    from screener.web.visit import Visit

# No text of ours, of a clinic or of a patient holds these two characters, and nothing escapes them.
_BEGIN, _END = "\x02", "\x03"
_GAPS: Final = re.compile(f"{_BEGIN}(.*?){_END}")


def _gap(what: str) -> str:
    return f"{_BEGIN}{what}{_END}"


class _BlankField(AnswerField):
    def checked(self, code: str) -> str:
        return _gap(f"checked {self.name} {code}")

    @property
    def written(self) -> str:
        return _gap(f"written {self.name}")


class _BlankVisit:
    """All that a page may know of a visit while it is nobody's."""

    entered_by = None

    def __init__(self, *, for_other: bool) -> None:
        self.for_other = for_other

    def url(self, endpoint: str) -> str:
        return _gap(f"url {endpoint}")

    def seen(self, _page: Page) -> str:
        return _gap("seen")


def is_usual(visit: Visit, form: PageForm) -> bool:
    """Whether this page has nothing to tell that the next patient's has not."""
    return not (form.problems or "told" in request.args or visit.entered_by or frame())


def fill_in(visit: Visit, page: Page, form: PageForm, back: str, progress: str) -> str:
    """The same as `patient/page.html` rendered for them."""
    questions = tuple(field.question for field in form.shown_fields)
    # All that is shown of the clinic: what another process changed makes another blank at once.
    kept = _blank(page, questions, progress, visit.for_other, language(), g.theme, repr(g.clinic))
    filled = {
        "back": back,
        "form_token": form.form_token.current_token,
        "seen": visit.seen(page),
        **dict(_said(form)),
    }
    pieces = list(kept)
    for number in range(1, len(pieces), 2):
        kind, _, which = pieces[number].partition(" ")
        value = visit.url(which) if kind == "url" else filled.get(pieces[number], "")
        pieces[number] = escape(value)
    return "".join(pieces)


def _said(form: PageForm) -> Iterator[tuple[str, str]]:
    for field in form.shown_fields:
        yield f"written {field.name}", field.written
        for code in field.typed:
            yield f"checked {field.name} {code}", " checked"


@lru_cache(maxsize=512)
def _blank(
    page: Page,
    questions: tuple[Question, ...],
    progress: str,
    for_other: bool,
    *_look: str,
) -> tuple[str, ...]:
    """Words and gaps in turn; language, brightness and clinic are those of the request it is made in."""
    form = page_form(page, questions, field=_BlankField)(None, meta={"csrf_context": _gap("form_token")})
    blank = render_template(
        "patient/page.html",
        form=form,
        page=page,
        visit=_BlankVisit(for_other=for_other),
        back=_gap("back"),
        progress=progress,
    )
    return tuple(_GAPS.split(blank))
