"""Fetching a clinic's page: hostile servers, names that lead inside, nothing slower than said."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from screener.web import host_fetch
from screener.web.host_fetch import FetchError, fetch_page
from screener.web.outside import is_public

HTML = {"Content-Type": "text/html; charset=utf-8"}
Reply = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int = 200, body: bytes = b"<p>Hi", **headers: str) -> Reply:
    def write(to: BaseHTTPRequestHandler) -> None:
        to.send_response(status)
        for name, value in (HTML | {n.replace("_", "-"): v for n, v in headers.items()}).items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)

    return write


def drip(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(600):
        to.wfile.write(b"x")
        time.sleep(0.1)


def drip_headers(to: BaseHTTPRequestHandler) -> None:
    to.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(600):
        to.wfile.write(b"X")
        time.sleep(0.1)


PAGES: dict[str, Reply] = {
    "/": reply(Content_Security_Policy="script-src 'self'", Cross_Origin_Embedder_Policy="require-corp"),
    "/odd": reply(body="Grüße".encode("latin-1"), Content_Type="text/html; charset=latin-1"),
    "/nonsense": reply(Content_Type="text/html; charset=klingon"),
    "/moved": reply(301, Location="/"),
    "/away": reply(302, Location="https://evil.example/"),
    "/inside": reply(302, Location="http://169.254.169.254/latest/meta-data"),
    "/port": reply(302, Location="http://127.0.0.1:22/"),
    "/file": reply(302, Location="file:///etc/passwd"),
    "/round": reply(302, Location="/round"),
    "/nowhere": reply(302),
    "/gone": reply(404),
    "/barred": reply(403),
    "/broken": reply(500),
    "/picture": reply(Content_Type="image/png"),
    "/packed": reply(Content_Encoding="gzip"),
    "/large": reply(body=b"x" * (1024 * 1024 + 1)),
    "/most": reply(body=b"x" * (1024 * 1024)),
    "/headers": reply(**{f"X-{number}": "y" * 1000 for number in range(300)}),
    "/rubbish": lambda to: to.wfile.write(b"\x00\xff" * 2000 + b"\r\n\r\n"),
    "/silent": lambda _to: time.sleep(60),
    "/drip": drip,
    "/drip-headers": drip_headers,
}


class Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        try:
            PAGES[self.path.split("?")[0]](self)
        except OSError:
            """Nobody listens any more."""

    def log_message(self, *about: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_fetch, "SECONDS", 1.0)


def refused(address: str) -> str:
    with pytest.raises(FetchError) as found:
        fetch_page(address, may_be_local=True)
    assert found.value.step
    return found.value.words


def test_a_page_comes_with_the_headers_that_bar_frames(site: str) -> None:
    found = fetch_page(f"{site}/?a=b c", may_be_local=True)
    assert found == ("<p>Hi", f"{site}/?a=b c", ("script-src 'self'",), "require-corp")
    assert fetch_page(f"{site}/odd", may_be_local=True).html == "Grüße"
    assert fetch_page(f"{site}/nonsense", may_be_local=True).html == "<p>Hi"
    assert fetch_page(f"{site}/moved", may_be_local=True).address == f"{site}/"
    assert len(fetch_page(f"{site}/most", may_be_local=True).html) == 1024 * 1024


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/away", "leads on to another website: https://evil.example/"),
        ("/inside", "leads on to another website"),
        ("/port", "leads on to another website"),
        ("/file", "leads on to another website"),
        ("/round", "on and on"),
        ("/nowhere", "on and on"),
        ("/gone", "the website said 404"),
        ("/broken", "the website said 500"),
        ("/barred", "did not let us in"),
        ("/picture", "image/png"),
        ("/packed", "packed"),
        ("/large", "larger than 1 MB"),
        ("/headers", "could not reach"),
        ("/rubbish", "could not reach"),
        ("/%0d%0aX-Evil: 1\r\nHost: evil", "could not reach"),
    ],
)
def test_something_that_is_no_page_is_explained(site: str, path: str, said: str) -> None:
    assert said in refused(site + path)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("path", ["/silent", "/drip", "/drip-headers"])
def test_a_slow_site_is_left_in_time_and_its_line_is_closed(site: str, path: str) -> None:
    # Another test's may still ask for a name that nobody knows.
    others = set(threading.enumerate())
    began = time.monotonic()
    assert "did not arrive within" in refused(site + path)
    for thread in set(threading.enumerate()) - others:
        if "visit" in thread.name:
            thread.join(20)
    assert time.monotonic() - began < 20


def test_no_other_service_is_knocked_at() -> None:
    assert "Port 25 serves no web pages" in refused("https://localhost:25/")


def test_nobody_answers(site: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert "could not reach" in refused(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert "Nobody knows" in refused("https://nowhere.invalid/"), site


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        assert "do not trust this website's certificate" in refused(
            f"https://localhost:{server.server_port}/"
        )
    finally:
        server.shutdown()
        server.server_close()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(kept + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_local_sites_are_for_demos_and_by_local_names_alone(
    site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FetchError, match="private network"):
        fetch_page(site)
    monkeypatch.setattr(socket, "getaddrinfo", answer("127.0.0.1"))
    with pytest.raises(FetchError, match="private network"):
        fetch_page("https://www.acme.example/", may_be_local=True)


def answer(*each: str) -> Callable[..., object]:
    """A name server that says something else each time."""
    left = list(each)

    def resolve(_host: str, port: int, **_about: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (left.pop(0), port))]

    return resolve


def test_the_address_that_was_looked_at_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []

    def connect(address: object, **_about: object) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", answer("93.184.215.14", "127.0.0.1"))
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(FetchError, match="could not reach"):
        fetch_page("https://www.acme.example/")
    assert called == [("93.184.215.14", 443)], "no name is looked up a second time"


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(2, 1, 6, "", (address, 443)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_where, **_about: found)
    with pytest.raises(FetchError, match="private network"):
        fetch_page("https://www.acme.example/")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.16.0.1",
        "192.0.0.8", "192.168.1.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "192.0.2.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1", "ff02::1",
        "100::1", "3fff::1", "::7f00:1",
    ],
)  # fmt: skip
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07::1", "2a00:1450::1"])
def test_an_address_of_the_open_internet_is(address: str) -> None:
    assert is_public(ip_address(address))
