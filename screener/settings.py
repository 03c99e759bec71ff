"""Settings: defaults, the instance's own keys, then SCREENER_* from the environment."""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PACKAGE = Path(__file__).resolve().parent
_CARRIED = _PACKAGE / "carried"
# Pages and their files lie beside the package in a checkout; a wheel carries them (hatch_build.py).
ROOT = _CARRIED if _CARRIED.is_dir() else _PACKAGE.parent
# What is this installation's own, keys first: in a checkout, else where the command is run.
INSTANCE = Path(os.environ.get("SCREENER_INSTANCE") or ("" if ROOT == _CARRIED else ROOT) / Path("instance"))
KEYS_FILE = "keys.env"
WEAKEST_SECRET = 32
_RANGES: Final = {
    "statement_seconds": (1, 3600),
    "lock_seconds": (1, 3600),
    "idle_transaction_seconds": (1, 3600),
    "proxies": (0, 9),
    "password_memory_kib": (64, 1_048_576),
}
# So like a setting's name that it was meant; what Kubernetes sets for a service of this name is not.
_MISSPELLED: Final = 0.65
_CONTACT: Final = re.compile(r"mailto:[^\s@]+@[^\s@]+|https://[^\s/]+\S*|tel:\+[0-9-]+")
# How a mail server may be reached, and its usual port; a plain one only on this very machine.
_MAIL_PORTS: Final = {"smtp": 587, "smtps": 465, "smtp+plain": 1025}
_HOST: Final = r"[a-z0-9-]+(\.[a-z0-9-]+)*"
_TARGET: Final = re.compile(rf"(\*\.[a-z0-9-]+\.)?{_HOST}(:\d{{1,5}})?")
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class SettingsError(RuntimeError):
    """A setting is missing or unsafe; the message says which and what to do."""


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed over, from SCREENER_SMTP_URL."""

    # "smtp" (STARTTLS is required), "smtps" (TLS from the first byte) or "smtp+plain" (this machine only).
    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Settings:
    """Each field is read from SCREENER_<NAME>."""

    database_url: str = ""
    # After how many seconds the database ends a statement, a wait for another's lock, and a transaction in
    # which nothing happens. SQLite knows the second alone.
    statement_seconds: int = 15
    lock_seconds: int = 5
    idle_transaction_seconds: int = 60
    # Server secret (forms, draft doors, sessions) and the keys that wrap each clinic's key.
    secret: str = field(default="", repr=False)
    master_keys: str = field(default="", repr=False)
    # Keyed into every staff password: losing it loses them all, so it is not derived from the secret.
    password_salt: str = field(default="", repr=False)
    # Seals backups in place of the master keys, so that whoever makes them needs no other key.
    backup_key: str = field(default="", repr=False)
    # Where patients and staff reach this installation; links in mails come from here only.
    base_url: str = "http://localhost:8000"
    # More host names that may be asked for, separated by commas.
    trusted_hosts: str = ""
    # Where somebody who found a hole may write, as security.txt tells it: mailto:, https: or tel:, by commas.
    security_contact: str = ""
    # How many reverse proxies stand in front and set X-Forwarded-*.
    proxies: int = 0
    # What one password hash costs (argon2id, two passes).
    password_memory_kib: int = 19456
    # smtp://user:password@host:587, smtps://...:465, or smtp+plain://127.0.0.1:1025.
    smtp_url: str = field(default="", repr=False)
    # A file with the certificates that vouch for the mail server; the system's own if empty.
    smtp_ca: str = ""
    # Who mail comes from: Name <address>. It says nothing of headaches.
    mail_from: str = ""
    # Whether patients' forms keep a person's pace: on, or off where programs try out this installation.
    pace: str = "on"
    # The hosts that clinics may have told of events: names, or *.example.org, with :port unless it is 443.
    webhook_hosts: str = ""
    # With it, and only with it, /metrics tells figures for an operator's Prometheus.
    metrics_token: str = field(default="", repr=False)
    # Whether this is a demo, whose codes stand on a page; set by `serve --demo` alone.
    demo: str = ""
    # The folder where the demo's mail server leaves what it caught; set by `serve --demo` alone.
    demo_mail: str = ""

    @property
    def hosts(self) -> list[str]:
        return [urlsplit(self.base_url).hostname or "localhost", "localhost", "127.0.0.1", *self.more_hosts]

    @property
    def more_hosts(self) -> list[str]:
        return [host.strip() for host in self.trusted_hosts.split(",") if host.strip()]

    def link(self, path: str) -> str:
        """A page's full address, for mails and paper: never the request's host, which strangers choose."""
        return self.base_url.rstrip("/") + path

    @property
    def webhook_targets(self) -> list[str]:
        return [host.strip().lower() for host in self.webhook_hosts.split(",") if host.strip()]

    @property
    def security_contacts(self) -> list[str]:
        return [contact.strip() for contact in self.security_contact.split(",") if contact.strip()]

    @property
    def can_mail(self) -> bool:
        """Whether a mail that is owed will leave; else it waits in the outbox."""
        return bool(self.smtp_url and self.mail_from)

    @property
    def mail_server(self) -> MailServer:
        return _read_mail_server(self.smtp_url)

    @property
    def mail_sender(self) -> Address:
        name, address = parseaddr(self.mail_from)
        return Address(name, addr_spec=address)


def load_settings(
    environ: Mapping[str, str] = os.environ, instance: Path = INSTANCE, **overrides: str | int
) -> Settings:
    """Defaults, then instance/keys.env, then the environment, then overrides. Raises SettingsError."""
    values = _read_keys(instance / KEYS_FILE) | dict(environ)
    _refuse_misspelled(values)
    found: dict[str, str | int] = {"database_url": f"sqlite:///{instance / 'screener.db'}"}
    for setting in fields(Settings):
        text = values.get(f"SCREENER_{setting.name.upper()}", "").strip()
        if text:
            found[setting.name] = _whole_number(setting.name, text) if setting.type == "int" else text
    settings = replace(Settings(), **(found | overrides))  # type: ignore[arg-type]  # one dict, two kinds
    _refuse_weak(settings)
    return settings


def _refuse_misspelled(values: Mapping[str, str]) -> None:
    known = [*(each.name.upper() for each in fields(Settings)), "INSTANCE"]
    given = (name.removeprefix("SCREENER_") for name in values if name.startswith("SCREENER_"))
    for name in set(given).difference(known):
        if meant := get_close_matches(name, known, n=1, cutoff=_MISSPELLED):
            raise SettingsError(f"SCREENER_{name} is not a setting. Did you mean SCREENER_{meant[0]}?")


def _whole_number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise SettingsError(f"SCREENER_{name.upper()} must be a whole number, for example 1.")
    return int(text)


def _refuse_weak(settings: Settings) -> None:
    if not (settings.secret and settings.password_salt and settings.master_keys):
        raise SettingsError(
            "There are no keys yet. Run `screener setup`,"
            " or set SCREENER_SECRET, SCREENER_PASSWORD_SALT and SCREENER_MASTER_KEYS."
        )
    optional = [name for name in ("metrics_token", "backup_key") if getattr(settings, name)]
    for name in ("secret", "password_salt", *optional):
        value = getattr(settings, name)
        if len(value) < WEAKEST_SECRET or len(set(value)) < WEAKEST_SECRET // 4:
            raise SettingsError(
                f"SCREENER_{name.upper()} is weak. Use {WEAKEST_SECRET} or more random characters."
            )
    if not re.fullmatch(r"https?://[^/?#\s]+/?", settings.base_url):
        raise SettingsError(
            "SCREENER_BASE_URL must be a full address without a path, for example https://screen.example.org."
        )
    for name, (least, most) in _RANGES.items():
        if not least <= getattr(settings, name) <= most:
            raise SettingsError(f"SCREENER_{name.upper()} must be from {least} to {most}.")
    if settings.pace not in {"on", "off"}:
        raise SettingsError("SCREENER_PACE must be on or off.")
    _refuse_unfit_mail(settings)
    _refuse_unfit_lists(settings)


def _refuse_unfit_lists(settings: Settings) -> None:
    for host in settings.more_hosts:
        if not re.fullmatch(_HOST, host.lower()):
            raise SettingsError(
                f"SCREENER_TRUSTED_HOSTS: {host} must be a host name, like www.example.org;"
                " separate several with commas."
            )
    for host in settings.webhook_targets:
        if not _TARGET.fullmatch(host):
            raise SettingsError(
                f"SCREENER_WEBHOOK_HOSTS: {host} must be a host name, like hooks.example.org, *.example.org"
                " or hooks.example.org:8443; separate several with commas."
            )
    for contact in settings.security_contacts:
        if not _CONTACT.fullmatch(contact):
            raise SettingsError(
                f"SCREENER_SECURITY_CONTACT: {contact} must be mailto:security@example.org,"
                " https://example.org/report or tel:+1-626-555-0100; separate several with commas."
            )


def _refuse_unfit_mail(settings: Settings) -> None:
    if bool(settings.smtp_url) != bool(settings.mail_from):
        raise SettingsError("Set SCREENER_SMTP_URL and SCREENER_MAIL_FROM together, or neither.")
    if settings.smtp_ca and not Path(settings.smtp_ca).is_file():
        raise SettingsError("SCREENER_SMTP_CA must name a file of certificates.")
    if settings.can_mail:
        _ = settings.mail_server
        try:
            address = settings.mail_sender.addr_spec
        except (ValueError, IndexError, HeaderParseError):
            address = ""
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            raise SettingsError("SCREENER_MAIL_FROM must look like: Name <name@example.org>.")


def _read_mail_server(url: str) -> MailServer:
    # The messages never repeat the address: it may hold a password.
    wrong = SettingsError(
        "SCREENER_SMTP_URL must look like smtp://user:password@mail.example.org:587,"
        " smtps://user:password@mail.example.org:465 or smtp+plain://127.0.0.1:1025."
        " In a user or password write / as %2F, ? as %3F, # as %23, @ as %40 and % as %25."
    )
    try:
        parts = urlsplit(url)
        port = parts.port or _MAIL_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise wrong from None
    if parts.scheme not in _MAIL_PORTS or not parts.hostname or parts.path.strip("/") or parts.query:
        raise wrong
    if parts.scheme == "smtp+plain" and parts.hostname not in LOOPBACK:
        raise SettingsError(
            "SCREENER_SMTP_URL: smtp+plain:// is for a mail server on this machine; use smtp:// or smtps://."
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return MailServer(parts.scheme, parts.hostname, port, user, password)


def _read_keys(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def set_setting(path: Path, name: str, value: str) -> None:
    """Sets one of a file's settings, in place of what it was; readers find the one or the other."""
    kept = [line for line in path.read_text().splitlines() if line.split("=", 1)[0].strip() != name]
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join([*kept, f"{name}={value}", ""]))
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def make_keys(instance: Path = INSTANCE) -> bool:
    """Writes fresh random keys for this installation unless it has some. True if it wrote."""
    path = instance / KEYS_FILE
    if path.exists():
        return False
    instance.mkdir(parents=True, exist_ok=True)
    master_key = base64.b64encode(secrets.token_bytes(32)).decode()
    text = (
        f"SCREENER_SECRET={secrets.token_urlsafe(48)}\n"
        f"SCREENER_PASSWORD_SALT={secrets.token_urlsafe(48)}\n"
        f"SCREENER_MASTER_KEYS=1:{master_key}\n"
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    return True
