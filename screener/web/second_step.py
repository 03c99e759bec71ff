"""The second step of signing in: codes that work once, and forms that never take a person's last way in."""

from __future__ import annotations

import re
from typing import Any, Final

from flask_login import current_user
from flask_security import PasswordUtil, Totp
from flask_security.forms import TwoFactorRescueForm, TwoFactorSetupForm
from flask_security.tf_plugin import TwoFactorSelectForm
from flask_security.utils import password_length_validator
from flask_security.webauthn import WebAuthnDeleteForm, WebAuthnRegisterForm
from passlib.exc import UsedTokenError
from sqlalchemy import or_, update
from wtforms import HiddenField, RadioField, StringField
from zxcvbn import zxcvbn

from screener.store.staff import list_memberships
from screener.store.tables import User
from screener.web.access import db

# Everybody who attacks this installation knows these words.
_OUR_WORDS: Final = ("headache", "migraine", "ketamine", "screener", "clinic", "password", "intake")
_LEAST_SCORE: Final = 3
_GUESSABLE: Final = (
    "This password is easy to guess. Use several words that have nothing to do with each other, with you or"
    " with the clinic."
)
# zxcvbn reads no further, and what is longer needs no help.
_LONGEST_READ: Final = 72
_SHORTEST_WORD: Final = 3


class OnceOnlyTotp(Totp):
    """Codes of an authenticator app; one that was used opens nothing again."""

    def verify_totp(self, token: str, totp_secret: str, user: Any, window: int = 0) -> bool:
        # A new app shows its first code within the time step of the old one's last.
        if totp_secret != user.tf_totp_secret:
            user.totp_counter = None
            db().flush()
        return super().verify_totp(token.replace(" ", ""), totp_secret, user, window)

    def get_last_counter(self, user: Any) -> int | None:
        counter: int | None = user.totp_counter
        return counter

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        # By condition: of two requests that bring the same code at once, one is late.
        using = (
            update(User)
            .where(User.id == user.id)
            .where(or_(User.totp_counter.is_(None), User.totp_counter < tmatch.counter))
            .values(totp_counter=tmatch.counter)
        )
        if not db().execute(using).rowcount:  # type: ignore[attr-defined]
            raise UsedTokenError


class LongPasswords(PasswordUtil):
    """Fifteen characters or more that are not easy to guess, of any kind."""

    def validate(self, password: str, is_register: bool, **about: Any) -> tuple[list[str] | None, str]:
        _ = is_register
        normal = self.normalize(password)
        problems = password_length_validator(normal)
        if not problems and _is_guessable(normal, about["user"]):
            problems = [_GUESSABLE]
        return problems, normal


def _is_guessable(password: str, person: Any) -> bool:
    rest = password.lower()
    for word in sorted(_words_about(person), key=len, reverse=True):
        rest = rest.replace(word, "")
    return any(zxcvbn(text[:_LONGEST_READ] or "a")["score"] < _LEAST_SCORE for text in (password, rest))


def _words_about(person: Any) -> set[str]:
    clinics = [f"{clinic.name} {clinic.slug}" for clinic, _ in list_memberships(db(), person.id)]
    told = [*_OUR_WORDS, person.email, person.name, *clinics]
    words = re.findall(r"\w+", " ".join(told).lower())
    return {word for word in words if len(word) >= _SHORTEST_WORD}


# ---------------------------------------------------------------- forms
# Flask-Security builds its radios from tuples, which WTForms is about to refuse; there is one choice anyway.


class AppForm(TwoFactorSetupForm):
    setup = HiddenField(default="authenticator")


class PasskeyForm(WebAuthnRegisterForm):
    usage = HiddenField(default="secondary")


class StepChoiceForm(TwoFactorSelectForm):
    which = StringField()


class NoRescueForm(TwoFactorRescueForm):
    help_setup = RadioField(choices=[])


class PasskeyRemovalForm(WebAuthnDeleteForm):
    """Refuses the last way in."""

    def validate(self, **kwargs: Any) -> bool:
        if not super().validate(**kwargs):
            return False
        if len(current_user.webauthn) > 1 or current_user.tf_totp_secret:
            return True
        self.name.errors = ["This is your only second step. Add another one first."]
        return False
