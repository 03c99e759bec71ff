"""Fetches a page of a clinic's website for a check: of a listed site, at a public address, with limits."""

from __future__ import annotations

import http.client
import ssl
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

from screener.store.origins import read_origin
from screener.web.outside import PrivateAddressError, UnknownHostError, Visit, target_of

SECONDS: Final = 5.0
MOST_BYTES: Final = 1024 * 1024
_MOST_HOPS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KINDS: Final = frozenset({"text/html", "application/xhtml+xml"})
_PORTS: Final = {"https": 443, "http": 80}
# Mail, name servers and the like listen below it: nobody may probe those with our help.
_FIRST_FREE_PORT: Final = 1024


class FetchError(Exception):
    """Why there is no page, and what to do: both in words for the clinic."""

    def __init__(self, words: str, step: str) -> None:
        super().__init__(words)
        self.words, self.step = words, step


class Fetched(NamedTuple):
    """The page, where it was found in the end, and those of its headers that bar frames."""

    html: str
    address: str
    policies: tuple[str, ...]
    embedder: str


_TRY_PASTING: Final = "Check the address. If it is right, paste the page's HTML below instead."


def fetch_page(address: str, *, may_be_local: bool = False) -> Fetched:
    """The caller has seen that the address is of a listed site. Raises FetchError."""
    visit = Visit(SECONDS, may_be_local=may_be_local)
    try:
        return visit.run(_Search(address, visit).follow)
    except TimeoutError:
        raise FetchError(f"The page did not arrive within {SECONDS:.0f} seconds.", _TRY_PASTING) from None
    except UnknownHostError as error:
        raise FetchError(f"Nobody knows a website called {error}.", "Check how it is written.") from None
    except PrivateAddressError:
        words = "This website is inside a private network, where we do not look."
        raise FetchError(words, "Paste the page's HTML below.") from None
    except ssl.SSLError as error:
        raise _untrusted(error) from None
    except (OSError, http.client.HTTPException, ValueError):
        raise FetchError("We could not reach the page.", _TRY_PASTING) from None


@dataclass
class _Search:
    address: str
    visit: Visit

    def follow(self, lines: ExitStack) -> Fetched:
        site = _site(self.address)
        for _ in range(_MOST_HOPS):
            response = self._get(self.address, lines)
            if response.status not in _REDIRECTS:
                return self._take(response)
            target = urljoin(self.address, response.getheader("Location", ""))
            if _site(target) != site:
                raise FetchError(
                    f"This address leads on to another website: {target[:120]}",
                    "Check that address, and put its website on the list.",
                )
            self.address = target
        raise FetchError("The address leads on and on.", "Enter the address where the page opens in the end.")

    def _get(self, address: str, lines: ExitStack) -> http.client.HTTPResponse:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        if port < _FIRST_FREE_PORT and port not in _PORTS.values():
            raise FetchError(f"Port {port} serves no web pages.", "Paste the page's HTML below instead.")
        connection = self.visit.open(lines, parts.scheme, host, port)
        headers = {
            "Host": parts.netloc,
            "User-Agent": "headache-screener-check/1",
            "Accept": "text/html",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        connection.request("GET", target_of(address), headers=headers)
        return lines.enter_context(connection.getresponse())

    def _take(self, response: http.client.HTTPResponse) -> Fetched:
        if response.status in {401, 403, 429, 503}:
            raise FetchError("The website did not let us in.", "Paste the page's HTML below instead.")
        if response.status != http.client.OK:
            raise FetchError(
                f"There is no page at this address (the website said {response.status}).", _TRY_PASTING
            )
        kind = response.headers.get_content_type()
        if kind not in _KINDS:
            raise FetchError(f"This is no web page but {kind[:60]}.", "Enter the address of the page itself.")
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise FetchError("The website sent the page packed.", "Paste the page's HTML below instead.")
        body = response.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise FetchError(
                "The page is larger than 1 MB, more than we read.",
                "Paste the part with the snippet below instead.",
            )
        return Fetched(
            _decode(body, response.headers.get_content_charset()),
            self.address,
            tuple(response.headers.get_all("Content-Security-Policy", [])),
            response.getheader("Cross-Origin-Embedder-Policy", ""),
        )


def _untrusted(error: ssl.SSLError) -> FetchError:
    why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else "no secure line"
    return FetchError(
        f"Browsers do not trust this website's certificate ({why}).",
        "Ask whoever runs the website to renew it.",
    )


def _site(address: str) -> str:
    """The origin of an address as browsers name it; nothing for what is none of the web."""
    try:
        parts = urlsplit(address)
        return read_origin(f"{parts.scheme}://{parts.netloc}")
    except ValueError:
        return ""


def _decode(body: bytes, charset: str | None) -> str:
    try:
        return body.decode(charset or "utf-8", errors="replace")
    except LookupError:
        return body.decode("utf-8", errors="replace")
