"""Connects to other people's servers: only at public addresses, and for a limited time."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from threading import Thread
from typing import Final, TypeAlias, TypeVar
from urllib.parse import quote, urlsplit

from screener.store.origins import is_local

# Reserved for protocols, though older versions of Python call it global.
_PROTOCOLS: Final = IPv4Network("192.0.0.0/24")
# Of IPv6 only what is given out; without the parts of it that lead on to IPv4 or nowhere.
_GLOBAL: Final = IPv6Network("2000::/3")
_NOT_GLOBAL: Final = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

IpAddress: TypeAlias = IPv4Address | IPv6Address
Found = TypeVar("Found")


class UnknownHostError(OSError):
    """No name server knows it."""


class PrivateAddressError(OSError):
    """The name leads to an address inside a private network, and we connect to none of those."""


class Visit:
    """One visit: all of it together takes no longer than said. Only a demo visits this very machine."""

    def __init__(self, seconds: float, *, may_be_local: bool = False) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds
        self._may_be_local = may_be_local
        self._line: socket.socket | None = None
        self._stopped = False

    def run(self, work: Callable[[ExitStack], Found]) -> Found:
        """What the work finds, or raises; the lines it opens are closed. Raises TimeoutError in time."""
        found: Future[Found] = Future()

        def run() -> None:
            try:
                with ExitStack() as lines:
                    found.set_result(work(lines))
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                found.set_exception(error)

        # A thread of its own: a slow name server or an answer that drips can't hold the caller.
        Thread(target=run, name="visit run", daemon=True).start()
        try:
            return found.result(self._seconds)
        except TimeoutError:
            self._stop()
            raise

    def _stop(self) -> None:
        """Whatever it waits for ends now; its thread closes the line itself."""
        self._stopped = True
        if self._line is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._line, socket.SHUT_RDWR)

    def open(self, lines: ExitStack, scheme: str, host: str, port: int) -> http.client.HTTPConnection:
        """Raises OSError; of ssl.SSLError, PrivateAddressError and UnknownHostError each says which."""
        line = lines.enter_context(self._connect(host, port))
        if scheme == "https":
            line = lines.enter_context(_secured(line, host))
        self._line = line
        if self._stopped:
            raise TimeoutError
        if isinstance(line, ssl.SSLSocket):
            line.do_handshake()
        connection = http.client.HTTPConnection(host, port)
        connection.sock = line
        return connection

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
            raise UnknownHostError(host) from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        here = self._may_be_local and is_local(host)
        fits = [ip_address(a).is_loopback if here else is_public(ip_address(a)) for a in addresses]
        if not all(fits):
            raise PrivateAddressError(host)
        return addresses

    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())


def _secured(line: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)


def target_of(address: str) -> str:
    """What a request asks its server for: path and query, in letters that a request line may hold."""
    parts = urlsplit(address)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    return f"{path}?{quote(parts.query, safe='/%:@!$&()*+,;=~?')}" if parts.query else path


def is_public(address: IpAddress) -> bool:
    """Of the open internet; no network of ours, of a host's or of a cloud's."""
    if isinstance(address, IPv4Address):
        special = address.is_multicast or address.is_reserved or address in _PROTOCOLS
        return address.is_global and not special
    return address in _GLOBAL and not any(address in network for network in _NOT_GLOBAL)
