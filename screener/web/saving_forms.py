"""The forms for leaving and coming back: a year of birth, a way, a code from paper."""

from __future__ import annotations

import re
from datetime import date

from wtforms import StringField
from wtforms.validators import ValidationError

from screener.domain.next_step import ADULT_AGE
from screener.domain.question import Choice, Option
from screener.store.saved_drafts import read_code
from screener.web.contact_forms import ContactField, read_email
from screener.web.forms import AnswerField, PatientForm, clean_text
from screener.web.languages import N_, gettext

_EARLIEST_BIRTH_YEAR = 1900
_WAY = Choice(
    id="way",
    stem=N_("How do you want to come back?"),
    options=(
        Option("email", N_("By a link we e-mail to you")),
        Option("code", N_("By a code you write down")),
    ),
    unsure_allowed=False,
)


class BirthYearField(StringField):
    """A year in which somebody alive was born, as a number in `year`."""

    year: int | None = None

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_text(valuelist[0]) if valuelist else ""
        is_year = re.fullmatch(r"[0-9]{4}", self.data)
        if not is_year or not _EARLIEST_BIRTH_YEAR <= int(self.data) <= _this_year():
            raise ValueError(gettext("Give the year of birth in four digits, for example 1985."))
        self.year = int(self.data)


def _enough_links() -> str:
    return gettext("We sent enough links today. Choose the code, or wait a day.")


def _this_year() -> int:
    return date.today().year  # noqa: DTZ011 - a year either way is allowed


class YearForm(PatientForm):
    """Opens a saved draft again."""

    birth_year = BirthYearField(N_("Year of birth"))

    @property
    def year(self) -> int | None:
        found: int | None = self.birth_year.year
        return found


class CodeField(StringField):
    """A code from paper, as it is stored in `code`."""

    code = ""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = clean_text(valuelist[0]) if valuelist else ""
        code = read_code(self.data)
        if code is None:
            raise ValueError(gettext("A code has 12 letters and digits, for example K7QM-3XVD-9TPA."))
        self.code = code


class CodeForm(PatientForm):
    """Finds a saved draft, and opens it."""

    code = CodeField(N_("Your code"))
    birth_year = BirthYearField(N_("Year of birth"))


class SaveForm(YearForm):
    """How to come back. `age` is the one given before, if it was; `may_mail`: one more link may go today."""

    way = AnswerField(_WAY, may_be_blank=False)
    contact_email = ContactField("contact_email", read=read_email)
    age: int | None = None
    may_mail = True

    def validate_birth_year(self, field: BirthYearField) -> None:
        if self.age is None or field.year is None:
            return
        if abs(_this_year() - field.year - self.age) > 1:
            raise ValidationError(gettext("The year and the age you gave do not fit. Check the year."))

    def validate_way(self, field: AnswerField) -> None:
        if field.data == "email" and self.year is not None and _this_year() - self.year <= ADULT_AGE:
            raise ValidationError(
                gettext("We send no e-mail for someone who may be under 18. Choose the code.")
            )
        if field.data == "email" and not self.may_mail:
            raise ValidationError(_enough_links())

    def validate_contact_email(self, field: ContactField) -> None:
        if self.way.data != "email":
            field.errors = []
        elif not field.data:
            raise ValidationError(gettext("Give the e-mail address to send the link to."))

    def refuse_mail(self) -> None:
        """Others too had links sent there today."""
        self.way.errors = [_enough_links()]

    def without_mail(self) -> None:
        """Leaves the code as the only way."""
        del self.way
        del self.contact_email

    @property
    def mail_to(self) -> str:
        """Empty where a code was chosen, or is the only way."""
        chosen = "way" in self and self.way.data == "email"
        return str(self.contact_email.value) if chosen else ""
