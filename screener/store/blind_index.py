"""Blind indexes: a request is found again by an e-mail or phone number that nobody can read off its row."""

import hashlib
import hmac
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import phonenumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.orm import Session

from screener.store.clinics import clinic_key
from screener.store.tenancy import entered_clinic
from screener.store.vault import KEY_BYTES

IndexKind = Literal["email", "phone", "person"]
_HOME_REGION: Final = "US"


def index_of(session: Session, kind: IndexKind, value: str) -> bytes | None:
    """What the entered clinic's rows hold in `<kind>_index` for this value, however it is written.

    None if nothing was given, or a phone number has no digits to go by. Clinics share no index.
    """
    normal = _NORMAL[kind](value)
    if not normal:
        return None
    return hmac.digest(_index_key(session), f"{kind}|{normal}".encode(), hashlib.sha256)


def indexes_of(session: Session, contact: Mapping[str, Any]) -> dict[str, bytes | None]:
    """The index columns of a request with this contact data."""
    return {
        "email_index": index_of(session, "email", contact.get("contact_email") or ""),
        "phone_index": index_of(session, "phone", contact.get("contact_phone") or ""),
        "person_index": index_of(session, "person", _person(contact)),
    }


def _person(contact: Mapping[str, Any]) -> str:
    name, born = contact.get("contact_name"), contact.get("contact_birth_date")
    return f"{name}|{born}" if name and born else ""


def _index_key(session: Session) -> bytes:
    clinic_id = entered_clinic(session)
    keys = clinic_key(session, clinic_id).keys
    # The clinic's oldest key: a new one must not hide what was indexed before it.
    kdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=clinic_id.bytes, info=b"blind index")
    return kdf.derive(keys[min(keys)])


def _normal_email(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip()).lower()


def _normal_phone(text: str) -> str:
    """E.164; without a country code it is a number of the US."""
    try:
        number = phonenumbers.parse(text, _HOME_REGION)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _normal_person(text: str) -> str:
    """Without case, accents, punctuation and blanks: the form's line is typed by hand each time."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())


_NORMAL: Final[Mapping[IndexKind, Callable[[str], str]]] = {
    "email": _normal_email,
    "phone": _normal_phone,
    "person": _normal_person,
}
