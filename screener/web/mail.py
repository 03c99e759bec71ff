"""A clinic's mail, for its administrators: what could not be delivered, who it comes from, shared inboxes.

A new kind of mail needs its name in KINDS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from email_validator import EmailNotValidError
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.consultation import READS_ANSWERS, Role
from screener.domain.notification import DEFAULT, Choice
from screener.domain.sender_name import LONGEST
from screener.store.clinic_changes import change_clinic
from screener.store.dead_letters import (
    add_test_mail,
    count_dead,
    discard,
    list_dead,
    list_waiting,
    resend,
)
from screener.store.errors import ConflictError
from screener.store.notices import (
    MOST_INBOXES,
    add_inbox,
    confirm_inbox,
    list_inboxes,
    remove_inbox,
    tells_urgent_at_once,
)
from screener.store.outbox import KILLED
from screener.store.tables import Clinic
from screener.store.tenancy import entered_clinic
from screener.web.access import admin_only, db, settings
from screener.web.clinic_look import in_sentence
from screener.web.forms import clean_text, read_id
from screener.web.notices import read_choice
from screener.web.refusals import INVALID

mail = Blueprint("mail", __name__, url_prefix="/desk/<clinic_slug>/mail")

KINDS: Final[Mapping[str, str]] = {
    "request_received": "Confirmation of a request",
    "follow_up_invitation": "Invitation to fill the form in again",
    "draft_link": "Link to a saved form",
    "draft_warning": "Warning that a saved form ends",
    "new_request": "Word to staff of a new request",
    "staff_new_request": "Notice of a new request",
    "staff_digest": "Hourly notice of new requests",
    "staff_reminder": "Reminder of what is overdue",
    "staff_inbox_code": "Code for a shared inbox",
    "staff_invitation": "Invitation to the desk",
    "staff_reset": "Link for a new password",
    "staff_test": "Test mail",
}
REASONS: Final[Mapping[str, str]] = {
    "told_otherwise": "They were told another way",
    "wrong_address": "The address is wrong",
    "too_late": "It is too late for it",
    "other": "Another reason",
}
# What the likes of these mean; else the error stands as it is.
_MEANINGS: Final = (
    ("SMTPRecipientsRefused 5", "the mail server knows no such address"),
    ("SMTPRecipientsRefused", "the mail server would not take it for this address"),
    ("SMTPSenderRefused", "the mail server does not let us send from our address"),
    ("SMTPAuthenticationError", "the mail server does not know our password"),
    ("SMTPNotSupportedError", "the mail server offers no encryption"),
    ("SSL", "the mail server's certificate or encryption cannot be trusted"),
    ("SMTPDataError", "the mail server refused the mail"),
    ("SMTPServerDisconnected", "the mail server hung up"),
    ("SMTP", "the mail server refused us"),
    ("TimeoutError", "the mail server did not answer in time"),
    ("Connection", "the mail server was away"),
    ("gaierror", "the mail server's name is not known"),
    (KILLED, "sending it stopped the worker each time"),
)

Problems = Sequence[tuple[str, str]]


@mail.app_template_global()
def dead_letters() -> int:
    """Of the clinic of this page, for its administrators alone."""
    is_admin = Role.CLINIC_ADMIN in g.get("staff_roles", ())
    return count_dead(db()) if is_admin else 0


@mail.app_template_filter()
def mail_error(error: str) -> str:
    return next((words for begin, words in _MEANINGS if error.startswith(begin)), "it could not be made")


@mail.get("")
@admin_only
def index() -> str:
    return _show()


def _show(typed: Mapping[str, str] | None = None, problems: Problems = ()) -> str:
    clinic = db().get_one(Clinic, entered_clinic(db()))
    typed = {"sender_name": clinic.sender_name or "", "choice": DEFAULT.value} | dict(typed or {})
    return render_template(
        "mail/index.html",
        waiting=list_waiting(db()),
        dead=list_dead(db()),
        dead_number=count_dead(db()),
        inboxes=list_inboxes(db(), datetime.now(UTC)),
        most_inboxes=MOST_INBOXES,
        kinds=KINDS,
        reasons=REASONS,
        choices=list(Choice),
        longest=LONGEST,
        reads_answers=bool(READS_ANSWERS & g.staff_roles),
        can_mail=settings().can_mail,
        tells_urgent=tells_urgent_at_once(db()),
        sender=settings().mail_sender if settings().can_mail else None,
        typed=typed,
        problems=problems,
    )


def _back() -> Any:
    return redirect(url_for("mail.index", clinic_slug=g.staff_clinic.slug), 303)


def _letter() -> UUID | None:
    return read_id(request.form.get("letter", ""))


@mail.route("/resend", methods=["GET", "POST"])
@admin_only
def send_again() -> Any:
    """One or all; a second click finds nothing dead any more."""
    letter = _letter()
    if request.method == "POST":
        chosen = [letter] if letter else []
        wanted = None if "all" in request.form else chosen
        number = resend(db(), wanted, staff_id=current_user.id, now=datetime.now(UTC))
        flash(f"{number} on the way again." if number else "On its way already, or given up meanwhile.")
    return _back()


@mail.route("/discard", methods=["GET", "POST"])
@admin_only
def give_up() -> Any:
    if request.method != "POST":
        return _back()
    letter, reason = _letter(), request.form.get("reason", "")
    if reason not in REASONS:
        is_listed = any(one.id == letter for one in list_dead(db()))
        target = f"reason-{letter}" if is_listed else "main"
        return _show(problems=[(target, "Choose why this mail is given up.")]), INVALID
    gone = letter is not None and discard(db(), letter, reason, staff_id=current_user.id)
    flash("Given up." if gone else "That mail was given up or sent again already.")
    return _back()


@mail.route("/test", methods=["GET", "POST"])
@admin_only
def try_out() -> Any:
    if request.method == "POST":
        add_test_mail(db(), current_user, datetime.now(UTC))
        flash(f"On its way to {current_user.email}. If it has not come in five minutes, look here again.")
    return _back()


@mail.route("/sender", methods=["GET", "POST"])
@admin_only
def name_sender() -> Any:
    if request.method != "POST":
        return _back()
    # Not cleaned first: what would break a header is refused, and said so.
    typed = request.form.get("sender_name", "").strip()
    clinic = db().get_one(Clinic, entered_clinic(db()))
    try:
        changed = change_clinic(db(), clinic, {"sender_name": typed or None}, by=current_user.id)
    except ValueError as error:
        kept = {"sender_name": clean_text(typed).replace("\n", " ")}
        return _show(kept, [("sender_name", in_sentence(error))]), INVALID
    flash("Saved. The next mail comes from this name." if changed else "Nothing was changed.")
    return _back()


@mail.route("/inboxes", methods=["GET", "POST"])
@admin_only
def share() -> Any:
    """A code goes to the inbox; nothing else does before it is typed here."""
    if request.method != "POST":
        return _back()
    typed = {name: clean_text(said) for name, said in request.form.items()}
    problems: list[tuple[str, str]] = []
    choice = read_choice(typed.get("choice", ""), problems)
    if not problems:
        try:
            add_inbox(db(), typed.get("address", ""), choice, staff_id=current_user.id, now=datetime.now(UTC))
        except EmailNotValidError:
            problems.append(("address", "Enter an e-mail address, like desk@example.com."))
        except ConflictError:
            problems.append(("inboxes", f"{MOST_INBOXES} inboxes at most: remove one first."))
    if problems:
        return _show(typed, problems), INVALID
    flash("We mailed a code to that inbox. Enter it below. Until then the inbox gets nothing.")
    return _back()


@mail.route("/inboxes/<inbox_id>", methods=["GET", "POST"])
@admin_only
def inbox(inbox_id: str) -> Any:
    """Confirms it by its code, or removes it."""
    found, now = read_id(inbox_id), datetime.now(UTC)
    if request.method != "POST" or found is None or found not in {one.id for one in list_inboxes(db(), now)}:
        # Removed by a double click, or by another administrator.
        return _back()
    if "remove" in request.form:
        remove_inbox(db(), found, staff_id=current_user.id)
        flash("Removed. That inbox gets no more mail.")
    elif confirm_inbox(db(), found, request.form.get("code", ""), staff_id=current_user.id, now=now):
        flash("Confirmed. That inbox gets mail about new requests from now on.")
    else:
        # The wrong try counts: it is committed, unlike a refused form.
        flash("That is not the code that was mailed there.", "problem")
    return _back()
