"""The audit trail, for a clinic's administrators: who read or changed what, in words.

A new kind of entry needs its words in WORDS, a new page that notes what is read in _PAGES.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from flask import Blueprint, g, render_template, request

from screener.domain.consultation import READS_ANSWERS
from screener.store.audit import Wanted, list_entries
from screener.store.staff import list_colleagues, list_emails
from screener.store.tables import AuditEntry, Consultation, User
from screener.store.tenancy import entered_clinic
from screener.web.access import admin_only, db
from screener.web.forms import clean_text, whole_number
from screener.web.refusals import INVALID

audit = Blueprint("audit", __name__, url_prefix="/desk/<clinic_slug>/audit")

NOTHING: Final = "\N{EN DASH}"
PAGE_SIZE: Final = 50

_FILTERS: Final = ("person", "what", "reference", "from", "to")

# By an entry's code.
WORDS: Final[Mapping[str, str]] = {
    "read": "Opened a request",
    "moved": "Decided about a request",
    "undone": "Took back a decision",
    "assigned": "Said whose work a request is",
    "contact_logged": "Logged a contact",
    "note_added": "Wrote a note",
    "task_added": "Added a task",
    "task_done": "Finished a task",
    "appointment_set": "Set an appointment",
    "appointment_called_off": "Called off an appointment",
    "follow_up_invited": "Asked a patient to fill the form in again",
    "likeness_judged": "Said whether two requests are one person's",
    "received": "Sent a request",
    "call_begun": "Began a call",
    "history_saved": "Saved a history that is not signed",
    "history_discarded": "Threw away a history that was not signed",
    "history_signed": "Signed a history",
    "history_amended": "Amended and signed a history",
    "withdrawn": "Withdrew a request",
    "charted": "Marked a request as charted",
    "not_charted": "Took back that a request was charted",
    "held": "Held a request against deletion",
    "hold_ended": "Ended the hold of a request",
    "retention_removed": "Deleted a request whose time was over",
    "drafts_removed": "Deleted forms that were not finished in time",
    "invited": "Invited a person",
    "invited_again": "Invited a person again",
    "roles_changed": "Changed a person's roles",
    "removed": "Removed a person",
    "signed_out": "Signed a person out everywhere",
    "second_step_forgotten": "Took a person's second steps away",
    "link_made": "Made a person a link for a new password",
    "sites_changed": "Changed the list of websites",
    "webhook_added": "Added a webhook",
    "webhook_changed": "Changed what a webhook is told",
    "webhook_secret_renewed": "Made a new secret for a webhook",
    "webhook_tested": "Sent a webhook a test",
    "webhook_replayed": "Sent messages of a webhook again",
    "webhook_disabled": "Turned a webhook off",
    "webhook_enabled": "Turned a webhook on",
    "webhook_paused": "Paused a webhook that failed for days",
    "webhook_removed": "Removed a webhook",
    "made_installation_admin": "Let a person look after all clinics",
    "ended_installation_admin": "Ended a person's care of all clinics",
    "notices_chosen": "Chose how to be told of new requests",
    "inbox_added": "Added a shared inbox for notices",
    "inbox_confirmed": "Confirmed a shared inbox for notices",
    "inbox_removed": "Removed a shared inbox for notices",
    "mail_tested": "Sent a test mail to themselves",
    "mail_resent": "Sent undelivered mail again",
    "mail_discarded": "Gave up undelivered mail",
    "clinic_added": "Added this clinic",
    "clinic_changed": "Changed this clinic",
    "clinic_disabled": "Disabled this clinic",
    "clinic_enabled": "Enabled this clinic",
    "exported": "Took out requests as a file",
    "keys_shredded": "Destroyed this clinic's keys",
    "token_made": "Made a token for a system",
    "token_revoked": "Revoked a token",
    "token_used": "A system used its token",
    "key_rotated": "Made this clinic a new key",
    "restored": "Put this clinic back from a backup",
    "signed_in": "Signed in",
    "sign_in_failed": "Failed to sign in",
    "sign_in_changed": "Changed how they sign in",
}
# Who did what nobody of the staff did.
_OTHERS: Final[Mapping[str, str]] = {
    "received": "A patient",
    "withdrawn": "The patient",
    "sign_in_failed": "Somebody",
    "webhook_paused": "The worker",
    "retention_removed": "Retention",
    "drafts_removed": "Retention",
    "token_used": "A system",
    **dict.fromkeys(("webhook_added", "webhook_changed", "webhook_disabled", "webhook_enabled"), "A system"),
    "webhook_removed": "A system",
    "moved": "A system",
}
# The doors by which a system reads and sends.
_SYSTEMS_PAGES: Final = ("api.", "fhir.")
_PAGES: Final[Mapping[str, str]] = {
    "confirm.edit": "page to confirm the history",
    "confirm.sign": "page to sign the history",
    "confirm.signed": "signed history",
    "confirm.amend": "signed history",
    "queue.submission": "request page",
    "history.pdf": "history on paper",
    # What was refused shows the request again.
    **dict.fromkeys(
        (
            "queue.move",
            "queue.undo",
            "follow_up.add",
            "duplicates.decide",
            "keeping.charted",
            "keeping.keep",
        ),
        "request page",
    ),
    "history.show": "history page",
    "history.text": "history as text",
    "history.what_if": "what-if page",
    "invite.ask": "page to ask again",
    "security.login": "the password",
    "security.verify": "the password, asked again",
    "security.change_password": "the password, to change it",
    "security.two_factor_token_validation": "the code",
    "security.mf_recovery": "a recovery code",
    "security.reset_password": "a new password by mail",
    "security.two_factor_setup": "the app",
    "security.two_factor_setup_validate": "the app",
    "security.wan_register_response": "a new passkey",
    "security.wan_delete": "a passkey removed",
    "api.list_requests": "list of requests",
    "api.read_request": "a request, by a system",
    "api.decide": "a decision",
    **dict.fromkeys(("api.list_webhooks", "api.add_webhook"), "webhooks"),
    **dict.fromkeys(("api.change_webhook", "api.remove_webhook"), "a webhook"),
    "fhir.search_responses": "list of answers as FHIR, by a system",
    "fhir.read_answers": "answers as FHIR, by a system",
    "fhir.read_bundle": "a request as FHIR, by a system",
    "fhir.create_response": "sent in as FHIR, by a system",
    "screener export": "written to a file as FHIR, by command",
    "queue.alike": "compared with another request on its page",
}
# Details that are a person's number, and how they are told.
_PEOPLE_TOLD: Final[Mapping[str, str]] = {"owner_id": "to", "for_staff_id": "for"}


class Line(NamedTuple):
    """An entry in words; `reference` is None where it is about a person."""

    entry: AuditEntry
    who: str
    did: str
    reference: str | None
    about: str
    details: str


@dataclass
class Asked:
    """What the address asks for, and what of it cannot be read."""

    wanted: Wanted
    problems: list[tuple[str, str]]

    @classmethod
    def read(cls, given: Mapping[str, str], time_zone: str) -> Asked:
        problems: list[tuple[str, str]] = []
        since = _day(given["from"], "from", problems)
        until = _day(given["to"], "to", problems)
        what = given["what"]
        wanted = Wanted(
            person=whole_number(given["person"]),
            what=what if what in WORDS else None,
            subject=given["reference"].upper() or None,
            since=_midnight(since, time_zone),
            until=_midnight(until + timedelta(days=1) if until else None, time_zone),
        )
        return cls(wanted, problems)


def _day(given: str, name: str, problems: list[tuple[str, str]]) -> date | None:
    """None where nothing was typed; also, with a problem, where it is no day."""
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        day = None
    # Far from the ends of the calendar, whatever is added to it or the time zone makes of it.
    if day is None or not 2000 <= day.year < 3000:  # noqa: PLR2004
        problems.append((f"filter-{name}", "Enter a date like 2026-01-31."))
        return None
    return day


def _midnight(day: date | None, time_zone: str) -> datetime | None:
    return datetime.combine(day, time(), ZoneInfo(time_zone)) if day else None


@audit.get("")
@admin_only
def index() -> Any:
    chosen = {name: clean_text(request.args.get(name, "")) for name in _FILTERS}
    asked = Asked.read(chosen, g.staff_clinic.time_zone)
    before = whole_number(request.args.get("before", ""))
    found = list_entries(db(), asked.wanted, limit=PAGE_SIZE + 1, before=before)
    people = {one.staff_id: one.name for one in list_colleagues(db(), entered_clinic(db()))}
    page = render_template(
        "audit/index.html",
        lines=_in_words(found[:PAGE_SIZE], people),
        following=found[PAGE_SIZE - 1].number if len(found) > PAGE_SIZE else None,
        is_beginning=before is None,
        chosen={name: value for name, value in chosen.items() if value},
        problems=asked.problems,
        people=people,
        words=WORDS,
        reads_answers=bool(READS_ANSWERS & g.staff_roles),
    )
    return page, INVALID if asked.problems else 200


def _in_words(entries: list[AuditEntry], people: Mapping[int, str]) -> list[Line]:
    named = {number for entry in entries for number in _people_in(entry)}
    # Whoever left has no name here any more, but the address they were invited by.
    names = list_emails(db(), named - set(people)) | dict(people)
    return [_line(entry, names) for entry in entries]


def _people_in(entry: AuditEntry) -> Iterator[int]:
    told = (entry.details.get(name) for name in _PEOPLE_TOLD)
    yield from (number for number in (entry.staff_id, _person_of(entry), *told) if number)


def _person_of(entry: AuditEntry) -> int | None:
    return whole_number(entry.subject) if entry.subject_table == User.__tablename__ else None


def _line(entry: AuditEntry, names: Mapping[int, str]) -> Line:
    who = _OTHERS.get(entry.what, "The operator")
    if str(entry.details.get("page", "")).startswith(_SYSTEMS_PAGES):
        who = "A system"
    if entry.staff_id is not None:
        who = names.get(entry.staff_id, f"Person {entry.staff_id}")
    person = _person_of(entry)
    is_request = entry.subject_table == Consultation.__tablename__
    about = names.get(person, f"Person {person}") if person else NOTHING
    return Line(
        entry,
        who,
        WORDS.get(entry.what, entry.what.replace("_", " ").capitalize()),
        entry.subject if is_request else None,
        about,
        "; ".join(_details(entry, names)),
    )


def _details(entry: AuditEntry, names: Mapping[int, str]) -> Iterable[str]:
    if entry.what == "assigned" and "owner_id" not in entry.details:
        yield "to nobody"
    for name, value in entry.details.items():
        match name:
            case "page":
                yield _PAGES.get(value, value)
            case "from_state" | "to_state":
                label = value.replace("_", " ").capitalize()
                yield f"{'was' if name == 'from_state' else 'now'} “{label}”"
            case "was" | "roles":
                roles = ", ".join(value).replace("_", " ") or "none"
                yield f"{'before' if name == 'was' else 'now'}: {roles}"
            case "second_step":
                yield f"with a {value}"
            case "owner_id" | "for_staff_id":
                yield f"{_PEOPLE_TOLD[name]} {names.get(value, f'person {value}')}"
            case "other":
                yield f"and {value}"
            case "kind" | "outcome" | "verdict" | "choice" | "reason":
                yield value.replace("_", " ")
            case _:
                shown = "; ".join(value) if isinstance(value, list) else value
                yield f"{name.replace('_', ' ')}: {shown}"
