"""The sites that may frame a clinic's pages: exact origins, as browsers name them."""

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import SplitResult, urlsplit

import idna
from sqlalchemy import select
from sqlalchemy.orm import Session

from screener.store.audit import Subject, note
from screener.store.tables import Clinic
from screener.store.tenancy import entered_clinic

# They all go into one response header.
MOST_ORIGINS: Final = 20
LONGEST_ORIGIN: Final = 200
_USUAL_PORTS: Final = {"https": 443, "http": 80}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1"})
# Wix shows pasted code in a frame from a host of this domain, named after the site's own.
_WIX_FRAMES: Final = ".filesusr.com"
_LONGEST_CODE: Final = 64


class NoSiteError(ValueError):
    """What was typed names no site at all."""

    def __init__(self) -> None:
        super().__init__("Enter a site like https://www.acme.example")


def is_local(host: str) -> bool:
    """This very machine, by a name that leads nowhere else."""
    return host in _LOCAL or host.endswith(".localhost")


def read_origin(typed: str) -> str:
    """As a browser names it. Raises ValueError in words for an administrator."""
    text = typed.strip()
    parts = _split(text)
    origin = _as_browsers_say(parts)
    if parts.username or parts.password or "@" in parts.netloc:
        raise ValueError(f"Leave out the name before the @: {origin}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError(f"Leave out what follows the site's name: {origin}")
    if parts.scheme == "http" and not is_local(parts.hostname or ""):
        raise ValueError(f"Use https, so that nobody reads along: https{origin.removeprefix('http')}")
    if len(origin) > LONGEST_ORIGIN:
        raise ValueError(f"A site's name has at most {LONGEST_ORIGIN} letters.")
    return origin


def _split(text: str) -> SplitResult:
    if "*" in text:
        raise ValueError("Name each site in full: a * is not possible here.")
    if "://" not in text:
        name = text.split("/", maxsplit=1)[0]
        raise ValueError(f"Begin with https://, like https://{name or 'www.acme.example'}")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    # `urlsplit` drops line ends and tabs, wherever they stand.
    if parts.scheme not in _USUAL_PORTS or not parts.hostname or not text.isprintable():
        raise NoSiteError
    return parts


def _as_browsers_say(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    try:
        host = idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        host = ""
    if "." not in host and not is_local(host):
        raise NoSiteError
    usual = parts.port in {None, _USUAL_PORTS[parts.scheme]}
    return f"{parts.scheme}://{host}" if usual else f"{parts.scheme}://{host}:{parts.port}"


def read_origins(typed: str) -> tuple[list[str], list[str]]:
    """One a line: those that can be read, each once, and what is wrong with the others."""
    origins: list[str] = []
    problems = []
    for number, line in enumerate(typed.splitlines(), start=1):
        if line.strip():
            try:
                origins.append(read_origin(line))
            except ValueError as error:
                problems.append(f"Line {number}: {error}")
    origins = list(dict.fromkeys(origins))
    if len(origins) > MOST_ORIGINS:
        problems.append(f"At most {MOST_ORIGINS} sites can be listed.")
    return origins, problems


def with_wix_frames(origins: Iterable[str]) -> list[str]:
    """And behind each site the host that Wix shows its pasted code from."""
    found: dict[str, None] = {}
    for origin in origins:
        found[origin] = None
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme == "https" and not parts.port and not host.endswith(_WIX_FRAMES):
            found[f"https://{host.replace('.', '-')}{_WIX_FRAMES}"] = None
    return list(found)


def set_origins(session: Session, origins: Sequence[str], *, staff_id: int | None = None) -> bool:
    """Of the entered clinic, in this order. Whether that changed anything."""
    asked = select(Clinic).where(Clinic.id == entered_clinic(session)).with_for_update()
    clinic = session.scalars(asked.execution_options(populate_existing=True)).one()
    was = clinic.origins
    if list(origins) == was:
        return False
    clinic.origins = list(origins)
    note(
        session,
        "sites_changed",
        Subject(Clinic.__tablename__, clinic.slug),
        staff_id=staff_id,
        added=[_code(origin) for origin in origins if origin not in was] or None,
        removed=[_code(origin) for origin in was if origin not in origins] or None,
    )
    session.flush()
    return True


def _code(origin: str) -> str:
    """An audit entry holds no addresses: the host is enough to recognise the site."""
    return origin.removeprefix("https://").replace("://", " ").replace(":", " ")[:_LONGEST_CODE]
