"""Taking requests out as a file, for a clinic's administrators: what, why, how many, then the file."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import SelectMultipleField, StringField

from screener.domain.consultation import READS_ANSWERS, REASON_MAX_LENGTH, State
from screener.domain.notices import DISCLAIMER
from screener.domain.transcript import in_source_words
from screener.exports.spreadsheet import Cell, Column, Group, about, cells, columns, csv_chunks
from screener.exports.workbook import Sheet, xlsx_chunks
from screener.store.extracts import Extract, add_export, list_chosen, list_exports, read_extracts
from screener.store.staff import list_colleagues
from screener.store.tenancy import enter_clinic, entered_clinic
from screener.web.access import admin_only, database, db
from screener.web.forms import clean_text
from screener.web.languages import SOURCE_LANGUAGE
from screener.web.queue_filters import VIEWS, Look, read_look
from screener.web.records import CLASS_LABELS, KIND_LABELS, LANGUAGE_NAMES, URGENCY_LABELS
from screener.web.refusals import INVALID

exports = Blueprint("exports", __name__, url_prefix="/desk/<clinic_slug>/exports")

MOST_ROWS: Final = 5_000
SHOWN_EXPORTS: Final = 20
_VIEWS: Final = {"all": ("All requests", tuple(State)), **VIEWS}
_FORMATS: Final = {
    "xlsx": (
        "Excel workbook (.xlsx), with a page that explains the columns",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    "csv": ("Plain table (.csv)", "text/csv; charset=utf-8"),
}
GROUP_WORDS: Final = {
    Group.ANSWERS.value: ("Answers", "Safety, class, versions, and every question with its answer."),
    Group.CONTACT.value: ("Contact details", "Name, date of birth, phone and e-mail."),
}
# By these an answer could be found out.
_ABOUT_ANSWERS: Final = frozenset({"urgency", "class", "language"})
_LABELS: Final = {
    "show": "Requests",
    "state": "State",
    "urgency": "Safety",
    "kind": "Asked for",
    "class": "Answers match",
    "waiting": "Waiting",
    "owner": "Owner",
    "language": "Language",
    "from": "Received from",
    "to": "Received to",
}
_WIDTHS: Final = (14, 17, 14, 14, 18, 17, 17, 17, 22)


class ExportForm(FlaskForm):
    reason = StringField(filters=[lambda text: clean_text(text or "")])
    groups = SelectMultipleField(choices=list(GROUP_WORDS), validate_choice=False)
    file_format = StringField(default="xlsx")

    @property
    def problems(self) -> list[tuple[str, str]]:
        found = []
        if not self.reason.data:
            found.append(("reason", "Say in a few words what the file is for."))
        elif len(self.reason.data) > REASON_MAX_LENGTH:
            found.append(("reason", f"Keep the reason under {REASON_MAX_LENGTH} characters."))
        if not set(self.groups.data) <= _groups_allowed():
            found.append(("groups-1", "Choose from what is offered here: your role takes out nothing else."))
        if self.file_format.data not in _FORMATS:
            found.append(("format-xlsx", "Choose the kind of file."))
        return found


def _groups_allowed() -> frozenset[str]:
    """Administrators take out answers only where they read them as well."""
    return frozenset(GROUP_WORDS) if READS_ANSWERS & g.staff_roles else frozenset()


@dataclass(frozen=True)
class Chosen:
    """What is asked for, by address or form, and the requests that are it."""

    sent: dict[str, str]
    look: Look

    @cached_property
    def found(self) -> list[tuple[UUID, str]]:
        """No more than one beyond what a file holds."""
        return list_chosen(db(), self.look.filter, limit=MOST_ROWS + 1)

    @property
    def unread(self) -> list[tuple[str, str]]:
        """Filters that say nothing here: left out, they would let out more than was asked for."""
        lost = [name for name, value in self.sent.items() if value and name not in self.look.chosen]
        return [(f"filter-{name}", _unread(name)) for name in lost]

    @property
    def problems(self) -> list[tuple[str, str]]:
        if self.unread:
            return self.unread
        if not self.found:
            return [("filter-show", "No request is left by these filters. Choose others.")]
        if len(self.found) > MOST_ROWS:
            many = f"A file holds {MOST_ROWS:,} requests at most. Choose fewer, for example by date."
            return [("filter-from", many)]
        return []

    @property
    def query(self) -> dict[str, str]:
        return {"show": self.look.view} | self.look.filters

    @property
    def in_words(self) -> dict[str, str]:
        """What each filter is called, and its value."""
        words = self.look.options
        return {
            _LABELS[name]: words[name][value] if name in words else value
            for name, value in self.query.items()
        }


def _unread(name: str) -> str:
    if name in {"from", "to"}:
        return f"{_LABELS[name]}: enter a date like 2026-01-31."
    return f"{_LABELS[name]}: choose one that is offered and goes with the other filters."


def _choose() -> Chosen:
    offered = [name for name in _LABELS if _groups_allowed() or name not in _ABOUT_ANSWERS]
    sent = {name: clean_text(request.values.get(name, "")) for name in offered}
    look = read_look(
        sent,
        me=current_user.id,
        colleagues=list_colleagues(db(), entered_clinic(db())),
        time_zone=g.staff_clinic.time_zone,
        now=datetime.now(UTC),
        views=_VIEWS,
    )
    return Chosen(sent, look)


@exports.route("", methods=["GET", "POST"])
@admin_only
def index() -> Any:
    """What and why; then, once that is right, how many that would be."""
    form, chosen = ExportForm(), _choose()
    if request.method != "POST" or "change" in request.form:
        return _index(form, chosen, chosen.unread), INVALID if chosen.unread else 200
    if problems := [*chosen.problems, *form.problems]:
        return _index(form, chosen, problems), INVALID
    return render_template(
        "exports/confirm.html", form=form, chosen=chosen, groups=GROUP_WORDS, formats=_FORMATS
    )


def _index(form: ExportForm, chosen: Chosen, problems: list[tuple[str, str]]) -> str:
    options = {name: chosen.look.options[name] for name in chosen.sent if name in chosen.look.options}
    # Whatever view is chosen, so that a state of another one is refused and not forgotten.
    options["state"] = {state.value: state.label for state in State}
    return render_template(
        "exports/index.html",
        form=form,
        chosen=chosen,
        problems=problems,
        options=options,
        labels=_LABELS,
        groups={name: words for name, words in GROUP_WORDS.items() if name in _groups_allowed()},
        formats=_FORMATS,
        most=MOST_ROWS,
        past=list_exports(db(), limit=SHOWN_EXPORTS),
        group_words=GROUP_WORDS,
    )


@exports.route("/file", methods=["GET", "POST"])
@admin_only
def file() -> Any:
    if request.method != "POST":
        # Where a download leads that had to sign in again first: back to the beginning.
        return redirect(url_for("exports.index", clinic_slug=g.staff_clinic.slug), 303)
    form, chosen = ExportForm(), _choose()
    if problems := [*chosen.problems, *form.problems]:
        return _index(form, chosen, problems), INVALID
    now, groups = datetime.now(UTC), [Group(name) for name in GROUP_WORDS if name in form.groups.data]
    add_export(
        db(),
        reason=form.reason.data,
        references=[reference for _, reference in chosen.found],
        file_format=form.file_format.data,
        groups=[group.value for group in groups],
        query=chosen.query,
        staff_id=current_user.id,
        now=now,
    )
    response = Response(_chunks(form.file_format.data, chosen, groups, now), mimetype=None)
    response.content_type = _FORMATS[form.file_format.data][1]
    day = now.astimezone(ZoneInfo(g.staff_clinic.time_zone)).date()
    response.headers.set(
        "Content-Disposition", "attachment", filename=f"requests-{day}.{form.file_format.data}"
    )
    return response


# ---------------------------------------------------------------- the file


def _chunks(file_format: str, chosen: Chosen, groups: Collection[Group], now: datetime) -> Iterator[bytes]:
    """Made as it is sent, after the view's own transaction: that the file was taken out is kept by then."""
    wanted = columns(groups)
    names = {p.staff_id: p.name for p in list_colleagues(db(), entered_clinic(db()))}
    rows = _rows(wanted, [row_id for row_id, _ in chosen.found], groups, names)
    if file_format == "csv":
        return csv_chunks(rows)
    told = _told(chosen, now)
    return xlsx_chunks([Sheet("Requests", rows, _WIDTHS), Sheet("About", about(wanted, told), (40, 100))])


def _rows(
    wanted: tuple[Column, ...], ids: list[UUID], groups: Collection[Group], names: Mapping[int, str]
) -> Iterator[list[Cell]]:
    """Read by a session of its own: the request's is over when the last of them is sent."""
    clinic_id, time_zone, new_session = entered_clinic(db()), g.staff_clinic.time_zone, database().new_session

    def read() -> Iterator[list[Cell]]:
        yield [column.heading for column in wanted]
        with new_session() as session:
            enter_clinic(session, clinic_id)
            answers, contact = Group.ANSWERS in groups, Group.CONTACT in groups
            for extract in read_extracts(session, ids, answers=answers, contact=contact):
                yield cells(wanted, _facts(extract, names, time_zone), _lines(extract))

    return read()


def _facts(extract: Extract, names: Mapping[int, str], time_zone: str) -> dict[str, str]:
    def local(moment: datetime | None) -> str:
        return f"{moment.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}" if moment else ""

    owner = names.get(extract.owner_id, "Somebody who left") if extract.owner_id else ""
    facts = {
        "reference": extract.reference,
        "received": local(extract.received_at),
        "kind": KIND_LABELS[extract.kind],
        "state": State(extract.state).label,
        "owner": owner,
        "call_due": local(extract.due_at),
        "first_contact": local(extract.first_contact_at),
        "withdrawn": local(extract.withdrawn_at),
    }
    return facts | _contact(extract) | _screening(extract)


def _contact(extract: Extract) -> dict[str, str]:
    given = extract.contact or {}
    names = ("contact_name", "contact_birth_date", "contact_phone", "contact_email")
    return {name: str(given.get(name) or "") for name in names}


def _screening(extract: Extract) -> dict[str, str]:
    document = extract.document
    if document is None:
        return {}
    filler = "Someone else" if document.get("for_other") else "The patient"
    return {
        "urgency": URGENCY_LABELS[extract.urgency_rank],
        "class": CLASS_LABELS.get(extract.article_class or "", extract.article_class or ""),
        "language": LANGUAGE_NAMES.get(document["language"], document["language"]),
        "filled_in_by": "Staff, by telephone" if document.get("entered_by") else filler,
        "questionnaire": extract.questionnaire_version or "",
        "criteria": extract.criteria_version or "",
    }


def _lines(extract: Extract) -> list[dict[str, Any]] | None:
    if extract.document is None:
        return None
    stored: list[dict[str, Any]] = extract.document["transcript"]
    is_english = extract.document["language"] == SOURCE_LANGUAGE
    return stored if is_english else [in_source_words(line) for line in stored]


def _told(chosen: Chosen, now: datetime) -> list[tuple[str, str]]:
    there = now.astimezone(ZoneInfo(g.staff_clinic.time_zone))
    return [
        ("Not a diagnosis", DISCLAIMER),
        (
            "Patient data",
            "Keep it where only those who need it can open it, and delete it when it is done with.",
        ),
        ("Clinic", g.staff_clinic.name),
        ("Made", f"{there:%Y-%m-%d %H:%M} ({g.staff_clinic.time_zone})"),
        ("Requests", str(len(chosen.found))),
        *(("Filter: " + name, value) for name, value in chosen.in_words.items()),
    ]
