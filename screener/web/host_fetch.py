"""Fetches a clinic's page to look at it: of a listed site, from a public address, briefly and little."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote, urljoin, urlsplit

from screener.store.origins import is_local, read_origin

SECONDS: Final = 5.0
MOST_BYTES: Final = 1024 * 1024
_MOST_HOPS: Final = 3
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KINDS: Final = frozenset({"text/html", "application/xhtml+xml"})
_PORTS: Final = {"https": 443, "http": 80}
# Below it stand mail, names and the like: nobody shall knock there with our help.
_FIRST_FREE_PORT: Final = 1024
# Which older versions of Python take for global.
_PROTOCOLS: Final = IPv4Network("192.0.0.0/24")
# Of IPv6 only what is given out; without the parts of it that lead on to IPv4 or nowhere.
_GLOBAL: Final = IPv6Network("2000::/3")
_NOT_GLOBAL: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

IpAddress: TypeAlias = IPv4Address | IPv6Address


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
    visit = _Visit(address, time.monotonic() + SECONDS, may_be_local)
    # A thread of its own: a slow name server or a page that drips can't hold the caller.
    thread = Thread(target=visit.run, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if visit.error is None and visit.page is None:
        visit.stop()
        visit.error = FetchError(f"The page did not arrive within {SECONDS:.0f} seconds.", _TRY_PASTING)
    if visit.error:
        raise visit.error
    assert visit.page is not None  # noqa: S101 - one of the two is there
    return visit.page


@dataclass
class _Visit:
    address: str
    deadline: float
    may_be_local: bool
    page: Fetched | None = None
    error: FetchError | None = None
    _line: socket.socket | None = field(default=None, init=False)
    _stopped: bool = field(default=False, init=False)

    def stop(self) -> None:
        """Whatever it waits for ends now; it closes its line itself."""
        self._stopped = True
        if self._line is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)

    def run(self) -> None:
        try:
            with ExitStack() as lines:
                self.page = self._follow(lines)
        except FetchError as error:
            self.error = error
        except ssl.SSLError as error:
            self.error = _untrusted(error)
        except (OSError, http.client.HTTPException, ValueError):
            self.error = FetchError("We could not reach the page.", _TRY_PASTING)

    def _follow(self, lines: ExitStack) -> Fetched:
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
        line = lines.enter_context(self._connect(host, port))
        if parts.scheme == "https":
            line = lines.enter_context(_secured(line, host))
        self._line = line
        if self._stopped:
            raise OSError("too late")
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection = http.client.HTTPConnection(host, port)
        connection.sock = line
        target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
        query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else ""
        headers = {
            "Host": parts.netloc,
            "User-Agent": "headache-screener-check/1",
            "Accept": "text/html",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        connection.request("GET", target + query, headers=headers)
        return lines.enter_context(connection.getresponse())

    def _connect(self, host: str, port: int) -> socket.socket:
        """To one of the very addresses that were looked at, so that no second answer leads elsewhere."""
        failure: OSError | None = None
        for address in self._resolve(host, port):
            try:
                return socket.create_connection((address, port), timeout=self._left())
            except OSError as error:
                failure = error
        raise failure or OSError("no address")

    def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise FetchError(f"Nobody knows a website called {host}.", "Check how it is written.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        here = self.may_be_local and is_local(host)
        fits = [ip_address(a).is_loopback if here else is_public(ip_address(a)) for a in addresses]
        if not all(fits):
            raise FetchError(
                "This website is inside a private network, where we do not look.",
                "Paste the page's HTML below.",
            )
        return addresses

    def _left(self) -> float:
        return max(0.1, self.deadline - time.monotonic())

    def _take(self, response: http.client.HTTPResponse) -> Fetched:
        if response.status in {401, 403, 429, 503}:
            raise FetchError("The website let us not in.", "Paste the page's HTML below instead.")
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


def _secured(line: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)


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


def is_public(address: IpAddress) -> bool:
    """Of the open internet; no network of ours, of a host's or of a cloud's."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or address in _PROTOCOLS
        return address.is_global and not special
    return address in _GLOBAL and not any(address in network for network in _NOT_GLOBAL)
