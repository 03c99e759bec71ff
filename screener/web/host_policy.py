"""What a host page's own content security policy lets in, as far as it tells why nothing shows there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

# Where a directive is missing, the next one speaks for it.
_SCRIPT: Final = ("script-src-elem", "script-src", "default-src")
_FRAME: Final = ("frame-src", "child-src", "default-src")
# What our pages need inside a sandbox.
NEEDED_IN_SANDBOX: Final = ("allow-scripts", "allow-forms", "allow-same-origin")
NEEDED_TO_CALL: Final = ("allow-popups", "allow-top-navigation-to-custom-protocols")

Policy = Mapping[str, list[str]]


def read_policy(text: str) -> Policy:
    """Directives by name; of two of the same name the first holds."""
    found: dict[str, list[str]] = {}
    for part in text.split(";"):
        name, *sources = part.split() or [""]
        if name:
            found.setdefault(name.lower(), sources)
    return found


def split_policies(header: str) -> list[Policy]:
    """A header may hold several, by commas: each must let in what shall come in."""
    return [policy for policy in map(read_policy, header.split(",")) if policy]


def lets_script(policy: Policy, address: str, nonce: str = "") -> bool:
    sources = _sources(policy, _SCRIPT)
    if sources is None or (nonce and f"'nonce-{nonce}'" in sources):
        return True
    # With it only nonces and hashes count, and hashes of files are rare.
    return "'strict-dynamic'" not in map(str.lower, sources) and lets_any(sources, address)


def lets_frame(policy: Policy, address: str) -> bool:
    sources = _sources(policy, _FRAME)
    return sources is None or lets_any(sources, address)


def lacks_of_sandbox(granted: list[str] | None, needed: tuple[str, ...]) -> list[str]:
    """None is no sandbox at all."""
    if granted is None:
        return []
    given = {word.lower() for word in granted}
    return [word for word in needed if word not in given]


def _sources(policy: Policy, names: tuple[str, ...]) -> list[str] | None:
    return next((policy[name] for name in names if name in policy), None)


def lets_any(sources: list[str], address: str) -> bool:
    parts = urlsplit(address)
    return any(_matches(source.lower(), parts) for source in sources)


def _matches(source: str, address: SplitResult) -> bool:
    if source == "*":
        return True
    if source.startswith("'"):
        return False
    if source.endswith(":"):
        return _same_scheme(source[:-1], address.scheme)
    scheme, _, rest = source.rpartition("://")
    if scheme and not _same_scheme(scheme, address.scheme):
        return False
    name, _, path = rest.partition("/")
    host, _, port = name.partition(":")
    return (
        _same_host(host, address.hostname or "") and _same_port(port, address) and _same_path(path, address)
    )


def _same_scheme(allowed: str, asked: str) -> bool:
    return allowed == asked or (allowed, asked) == ("http", "https")


def _same_host(allowed: str, asked: str) -> bool:
    return asked.endswith(allowed[1:]) if allowed.startswith("*.") else allowed == asked


def _same_port(allowed: str, address: SplitResult) -> bool:
    usual = {"https": 443, "http": 80}.get(address.scheme)
    # Compared as text: a page may write a number of any length, and Python reads none of thousands of digits.
    return allowed == "*" or str(address.port or usual) == (allowed.lstrip("0") or str(usual))


def _same_path(allowed: str, address: SplitResult) -> bool:
    path = f"/{allowed}"
    return address.path.startswith(path) if path.endswith("/") else address.path == path
