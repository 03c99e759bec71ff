"""How a person is told of new requests at one clinic: their own choice, beside their account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any, Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.notification import DEFAULT, Choice
from screener.store.notices import QuietTimes, choose_notices, find_own, tells_urgent_at_once
from screener.store.tables import NoticeRecipient
from screener.web.access import db, settings, staff_only
from screener.web.refusals import INVALID

notices = Blueprint("notices", __name__, url_prefix="/desk/<clinic_slug>/notices")

_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):[0-5][0-9]")


class NoticeForm:
    """What was chosen or typed, and what is wrong with it."""

    def __init__(self, typed: Mapping[str, str]) -> None:
        self.typed = typed
        self.problems: list[tuple[str, str]] = []
        self.choice = read_choice(typed.get("choice", ""), self.problems)
        self.breaks_in = "urgent_breaks_in" in typed
        self.quiet = self._read_quiet()

    @classmethod
    def of(cls, own: NoticeRecipient | None) -> NoticeForm:
        if own is None:
            return cls({"choice": DEFAULT.value})
        typed = {"choice": own.choice}
        if own.quiet_from is not None and own.quiet_until is not None:
            typed |= {"quiet_from": f"{own.quiet_from:%H:%M}", "quiet_until": f"{own.quiet_until:%H:%M}"}
        return cls(typed | ({"urgent_breaks_in": "yes"} if own.urgent_breaks_in else {}))

    def _read_quiet(self) -> QuietTimes | None:
        begin, end = self._read_clock("quiet_from"), self._read_clock("quiet_until")
        if self.problems or (begin is None and end is None):
            return None
        if begin is None or end is None:
            missing = "quiet_from" if begin is None else "quiet_until"
            self.problems.append((missing, "Give both times of the quiet hours, or neither."))
            return None
        if begin == end:
            self.problems.append(
                ("quiet_until", "Quiet hours cannot end when they begin. For none at all, leave both empty.")
            )
            return None
        return QuietTimes(begin, end)

    def _read_clock(self, name: str) -> time | None:
        said = self.typed.get(name, "").strip()
        if said and not _CLOCK.fullmatch(said):
            self.problems.append((name, "Enter a time like 22:00."))
        if not said or self.problems:
            return None
        return time.fromisoformat(said.zfill(5))


def read_choice(said: str, problems: list[tuple[str, str]]) -> Choice:
    """The default, with a problem, if it is none of them."""
    try:
        return Choice(said)
    except ValueError:
        problems.append(("choice-1", "Choose how new requests are told."))
        return DEFAULT


@notices.route("", methods=["GET", "POST"])
@staff_only
def edit() -> Any:
    if request.method != "POST":
        return _edit(NoticeForm.of(find_own(db(), current_user.id)))
    form = NoticeForm(request.form)
    if form.problems:
        return _edit(form), INVALID
    changed = choose_notices(
        db(),
        current_user.id,
        form.choice,
        quiet=form.quiet,
        urgent_breaks_in=form.breaks_in,
        now=datetime.now(UTC),
    )
    flash("Saved. It holds from now on." if changed else "Nothing was changed.")
    return redirect(url_for("notices.edit", clinic_slug=g.staff_clinic.slug), 303)


def _edit(form: NoticeForm) -> str:
    return render_template(
        "notices/edit.html",
        form=form,
        choices=list(Choice),
        can_mail=settings().can_mail,
        tells_urgent=tells_urgent_at_once(db()),
    )
