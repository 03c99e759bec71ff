"""The form of the request's own page: who asks, how to reach them, and that they agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext
from wtforms import Field, StringField
from wtforms.validators import ValidationError

from screener.domain.next_step import ADULT_AGE
from screener.domain.question import Text
from screener.domain.questionnaire import CONTACT
from screener.web.forms import AnswerField, PatientForm, clean_text
from screener.web.languages import gettext, translated
from screener.web.us_states import STATE_NAMES

_BY_ID = {question.id: question for question in CONTACT}
_TEXTS = {question.id: question for question in CONTACT if isinstance(question, Text)}


def read_birth_date(text: str) -> date:
    """Month, day, year in the order of the US, with any separator. Raises ValueError with advice.

    Or the year first, as a browser fills in a birthday that it knows.
    """
    numbers = re.findall(r"[0-9]+", text)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        numbers = [*numbers[1:], numbers[0]]
    try:
        month, day, year = (int(number) for number in numbers)
        born = date(year, month, day)
    except (ValueError, OverflowError):
        raise ValueError(gettext("Give month, day and year, for example 4/27/1985.")) from None
    if not date(1900, 1, 1) <= born <= date.today():  # noqa: DTZ011 - a birthday has no time zone
        raise ValueError(gettext("Check the year: it should have four digits and not lie ahead."))
    return born


def age_on(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def read_phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise ValueError(
            gettext("This is not a full phone number. Include the area code, for example 212 555 0123.")
        )
    style = phonenumbers.PhoneNumberFormat
    national = number.country_code == 1
    return phonenumbers.format_number(number, style.NATIONAL if national else style.INTERNATIONAL)


def read_email(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(
            gettext("This is not a full e-mail address. It looks like name@example.com.")
        ) from None


class ContactField(StringField):
    """A line of contact data, checked by `read`; blank only where `needed` is empty."""

    def __init__(
        self, question_id: str, *, read: Callable[[str], Any] = str, needed: str = "", **kw: Any
    ) -> None:
        self.question = _TEXTS[question_id]
        super().__init__(label=self.question.stem, **kw)
        self._read_text, self._needed = read, needed
        self.value: Any = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_text(valuelist[0]) if valuelist else ""
        if not self.data:
            if self._needed:
                raise ValueError(str(self._needed))
            return
        if len(self.data) > self.question.max_length:
            limit = {"field": translated(self.question.stem), "most": self.question.max_length}
            raise ValueError(gettext("“%(field)s”: keep this to %(most)s characters.", **limit))
        self.value = self._read_text(self.data)


def _read_state(text: str) -> str:
    if text not in STATE_NAMES:
        raise ValueError(gettext("Choose a state from the list."))
    return text


def _choice_field(question_id: str) -> AnswerField:
    return AnswerField(_BY_ID[question_id], may_be_blank=False)


class ConsentField(Field):
    """A box that must be ticked."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = "yes" in valuelist
        if not self.data:
            raise ValueError(gettext("Tick the box to send your request."))


_REACHED_BY_MAIL = (
    lazy_gettext("Give your e-mail address, since you chose to be reached that way."),
    lazy_gettext("Fill in your e-mail address above, or choose another way."),
)
_REACHED_BY_PHONE = (
    lazy_gettext("Give your phone number, since you chose to be reached that way."),
    lazy_gettext("Fill in your phone number above, or choose another way."),
)


class ContactForm(PatientForm):
    """Who asks, how to reach them, and that they agree: the only page with identity."""

    contact_name = ContactField("contact_name", needed=lazy_gettext("Give your name."))
    contact_birth_date = ContactField(
        "contact_birth_date",
        read=read_birth_date,
        needed=lazy_gettext("Give your date of birth, for example 4/27/1985."),
    )
    contact_phone = ContactField("contact_phone", read=read_phone)
    contact_email = ContactField("contact_email", read=read_email)
    contact_channel = _choice_field("contact_channel")
    contact_message_ok = _choice_field("contact_message_ok")
    contact_times = _choice_field("contact_times")
    contact_state = ContactField("contact_state", read=_read_state, needed=lazy_gettext("Choose your state."))
    consent = ConsentField(label=lazy_gettext("I agree"))

    def validate_contact_birth_date(self, field: ContactField) -> None:
        if isinstance(field.value, date) and age_on(field.value, date.today()) < ADULT_AGE:  # noqa: DTZ011
            raise ValidationError(
                gettext("This form is for adults. For a child or teen, please call the clinic instead.")
            )

    def validate_contact_channel(self, field: AnswerField) -> None:
        by_mail = field.data == "email"
        other = self.contact_email if by_mail else self.contact_phone
        if field.data and not other.data:
            give, above = _REACHED_BY_MAIL if by_mail else _REACHED_BY_PHONE
            other.errors = [*other.errors, str(give)]
            raise ValidationError(str(above))

    @property
    def contact(self) -> dict[str, Any]:
        """The contact data by id, ready to seal (dates as ISO text)."""
        values = {f.name: getattr(f, "value", f.data) for f in self.shown_fields if f.name != "consent"}
        return {i: v.isoformat() if isinstance(v, date) else v for i, v in values.items()}
