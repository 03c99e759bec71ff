"""A clinic's settings: a list of their pages with the state of each, and a form for those without a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from screener.domain.consultation import Role
from screener.store.api_tokens import list_tokens
from screener.store.audit import find_head
from screener.store.clinic_changes import change_clinic
from screener.store.clinics import IDLE_MINUTES, check_about
from screener.store.dead_letters import count_dead
from screener.store.extracts import list_exports
from screener.store.staff import list_colleagues
from screener.store.tables import Clinic
from screener.store.tenancy import entered_clinic
from screener.store.webhooks import list_endpoints
from screener.web.access import admin_only, db
from screener.web.clinic_look import in_sentence
from screener.web.contact_forms import read_phone
from screener.web.forms import clean_text, whole_number
from screener.web.languages import LANGUAGES
from screener.web.meanwhile import Said, merge, seen_by
from screener.web.pages import local
from screener.web.refusals import CONFLICT, INVALID

clinic_settings = Blueprint("clinic_settings", __name__, url_prefix="/desk/<clinic_slug>/settings")

NOTHING: Final = "Nothing was changed."

KINDS: Final[Mapping[str, str]] = {
    "consultation": "A consultation",
    "call_back": "A call the same working day, after an urgent result",
    "question": "A question, after any other result",
}
LABELS: Final[Mapping[str, str]] = {
    "name": "Name",
    "phone": "Phone",
    "hours": "Hours",
    "time_zone": "Time zone",
    "languages": "Languages",
    "kinds": "Requests",
    "idle_minutes": "Minutes until staff are signed out",
}
_CHOSEN: Final = {"languages": LANGUAGES, "kinds": KINDS}
_TYPED: Final = tuple(name for name in LABELS if name not in _CHOSEN)


# ---------------------------------------------------------------- the rooms


class Room(NamedTuple):
    """A page of settings: its name and address, what it is for, and how things stand there."""

    label: str
    endpoint: str
    about: str
    state: Callable[[Clinic], str]


def _people(clinic: Clinic) -> str:
    here = list_colleagues(db(), clinic.id)
    admins = sum(Role.CLINIC_ADMIN.value in person.roles for person in here)
    return f"{_number_of(len(here), 'person', 'people')}, {_number_of(admins, 'administrator')}"


def _look(clinic: Clinic) -> str:
    own = {"color": clinic.accent, "logo": clinic.logo_hash, "words": clinic.texts}
    return ", ".join(f"own {what}" for what, there in own.items() if there) or "as it comes"


def _website(clinic: Clinic) -> str:
    return f"{_number_of(len(clinic.origins), 'site')} may show the questionnaire"


def _retention(clinic: Clinic) -> str:
    return (
        f"{clinic.refused_days} days if not taken on, {clinic.accepted_days} after charting,"
        f" {clinic.draft_days} for unfinished forms"
    )


def _mail(_clinic: Clinic) -> str:
    dead = count_dead(db())
    return f"{_number_of(dead, 'mail')} could not be delivered" if dead else "all delivered"


def _webhooks(_clinic: Clinic) -> str:
    return _number_of(len(list_endpoints(db())), "system")


def _tokens(_clinic: Clinic) -> str:
    return _number_of(sum(one.revoked_at is None for one in list_tokens(db())), "token")


def _exports(clinic: Clinic) -> str:
    past = list_exports(db(), limit=1)
    return f"last on {local(past[0].at, clinic.time_zone)}" if past else "none yet"


def _audit(_clinic: Clinic) -> str:
    head = find_head(db())
    return _number_of(head.number if head else 0, "entry", "entries")


def _number_of(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


# In the order of the page.
ROOMS: Final = (
    Room("People", "people.index", "Who works here, and what they may do.", _people),
    Room("Look and words", "clinic_look.edit", "Color, logo and the clinic's own words to patients.", _look),
    Room("Website", "website.index", "The questionnaire on the clinic's own site.", _website),
    Room("Mail", "mail.index", "Shared inboxes, the sender's name, and what was not delivered.", _mail),
    Room("Webhooks", "webhooks.index", "Tell the clinic's own systems when something happens.", _webhooks),
    Room("Tokens", "tokens.index", "Let the clinic's own systems read and decide.", _tokens),
    Room("Exports", "exports.index", "Requests as a file for a spreadsheet.", _exports),
    Room("Retention", "retention.edit", "How long answers are kept, and what is deleted next.", _retention),
    Room("Audit trail", "audit.index", "Who read or changed what.", _audit),
)


# ---------------------------------------------------------------- the form


@dataclass
class SettingsForm:
    """What the page shows or was sent, what of it can be stored, and what is wrong with the rest."""

    said: Said
    about: dict[str, Any] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, clinic: Clinic) -> SettingsForm:
        typed: Said = {name: str(getattr(clinic, name)) for name in _TYPED}
        chosen: Said = {name: list(getattr(clinic, name)) for name in _CHOSEN}
        return cls({**typed, **chosen})

    @classmethod
    def sent(cls) -> SettingsForm:
        typed: Said = {name: clean_text(request.form.get(name, "")) for name in _TYPED}
        # In our order, whatever the browser's.
        chosen: Said = {
            name: [one for one in all_ if one in request.form.getlist(name)] for name, all_ in _CHOSEN.items()
        }
        return cls({**typed, **chosen})

    def read(self) -> None:
        for name in LABELS:
            try:
                self.about[name] = _read(name, self.said[name])
                check_about({name: self.about[name]})
            except ValueError as error:
                self.problems.append((_first(name), in_sentence(error)))


def _read(name: str, said: str | list[str]) -> Any:
    if name in _CHOSEN and not said:
        raise ValueError(
            "Choose at least one language." if name == "languages" else "Choose at least one kind of request."
        )
    if name == "phone":
        return read_phone(str(said))
    return read_number(str(said), *IDLE_MINUTES) if name == "idle_minutes" else said


def read_number(said: str, low: int, high: int) -> int:
    """Raises ValueError in words for an administrator."""
    number = whole_number(said)
    if number is None or not low <= number <= high:
        raise ValueError(f"Enter a whole number from {low} to {high}.")
    return number


def _first(name: str) -> str:
    """The id that the error summary leads to."""
    return f"{name}-1" if name in _CHOSEN else name


@clinic_settings.route("", methods=["GET", "POST"])
@admin_only
def edit() -> Any:
    clinic = held_clinic()
    stored = SettingsForm.of(clinic)
    if request.method != "POST":
        return _show(clinic, stored, seen_by(stored.said))
    form = SettingsForm.sent()
    form.read()
    if form.problems:
        return _show(clinic, form, request.form.get("seen", "")), INVALID
    merged = merge(form.said, stored.said)
    if merged.changed and merged.said != stored.said:
        page = _show(clinic, SettingsForm(merged.said), seen_by(stored.said), merged.changed, stored.said)
        return page, CONFLICT
    changed = change_clinic(db(), clinic, form.about, by=current_user.id) if not merged.changed else []
    flash("Saved. It holds from now on." if changed else NOTHING)
    return redirect(url_for("clinic_settings.edit", clinic_slug=clinic.slug), 303)


def held_clinic() -> Clinic:
    """As it is now; on a POST until the commit: of two who save, the second sees what the first did."""
    is_sent = request.method == "POST"
    return db().get_one(
        Clinic, entered_clinic(db()), populate_existing=is_sent, with_for_update=True if is_sent else None
    )


def _show(
    clinic: Clinic, form: SettingsForm, seen: str, changed: tuple[str, ...] = (), stored: Said | None = None
) -> str:
    return render_template(
        "clinic_settings/edit.html",
        rooms=[(room, room.state(clinic)) for room in ROOMS],
        form=form,
        seen=seen,
        meanwhile=[(LABELS[name], _shown(name, (stored or {})[name])) for name in changed],
        labels=LABELS,
        kinds=KINDS,
        zones=sorted(available_timezones()),
    )


def _shown(name: str, said: str | list[str]) -> str:
    return ", ".join(_CHOSEN[name][one] for one in said) if name in _CHOSEN else str(said)
