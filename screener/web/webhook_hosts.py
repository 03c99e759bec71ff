"""Where clinics may have messages sent: by https, to hosts that whoever runs the installation allowed."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from screener.settings import Settings
from screener.store.origins import NoSiteError, read_origin
from screener.web.host_policy import lets_any
from screener.web.outside import target_of

LONGEST_ADDRESS: Final = 500


def read_address(typed: str, settings: Settings) -> str:
    """In the one way to write it. Raises ValueError in words for an administrator."""
    example = "Enter an address like https://hooks.example.org/headache"
    if not typed.isprintable() or any(mark in typed for mark in (" ", "\\")):
        raise ValueError(example)
    if len(typed) > LONGEST_ADDRESS:
        raise ValueError(f"Use {LONGEST_ADDRESS} characters at most.")
    try:
        parts = urlsplit(typed)
    except ValueError:
        raise ValueError(example) from None
    if parts.scheme != "https":
        raise ValueError("Begin with https://, so that nobody reads along.")
    if parts.fragment:
        raise ValueError("Leave out the # and what follows it.")
    try:
        origin = read_origin(f"https://{parts.netloc}")
    except NoSiteError:
        raise ValueError(example) from None
    address = origin + target_of(typed)
    if not may_be_told(address, settings):
        host = urlsplit(address).netloc
        raise ValueError(f"{host} is not among the hosts that this installation allows.")
    return address


def may_be_told(address: str, settings: Settings) -> bool:
    """Whether the host, with its port, is among those allowed: now, not only when it was added."""
    return lets_any(settings.webhook_targets, address)
