"""Fetching what users name: a real https server of our own, and every address that must be refused."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from marketplace.gateways.fetch import Fetcher, FetchError, kind_of

LOOPBACK = (ipaddress.ip_network("127.0.0.1/32"),)
NAME = "calendar.example.net"


class Server:
    """An https server on loopback; `seen` are the headers of each request."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[dict[str, str]] = []
        self.gate = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                server.seen.append(dict(self.headers))
                with suppress(OSError):
                    server.answer(self)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Those who hang up are what this is about.
        self.http.handle_error = lambda *_: None  # type: ignore[method-assign]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(folder / "both.pem"))
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False
        )
        self.port = self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.trust = ssl.create_default_context(cafile=str(folder / "both.pem"))

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        path = to.path
        if path.startswith("/to?"):
            to.send_response(302)
            to.send_header("Location", path[4:])
            to.end_headers()
            return
        if path == "/same" and to.headers.get("If-None-Match") == '"a"':
            to.send_response(304)
            to.end_headers()
            return
        if path == "/drip-head":
            for byte in b"HTTP/1.0 200 OK\r\n" + b"X: " + b"y" * 1000:
                if self.gate.wait(0.05):
                    return
                to.wfile.write(bytes([byte]))
                to.wfile.flush()
            return
        to.send_response(500 if path == "/broken" else 200)
        to.send_header("ETag", '"a"')
        to.send_header("Last-Modified", "Tue, 24 Nov 2026 08:00:00 GMT")
        if path == "/declared":
            to.send_header("Content-Length", str(10**9))
        if path == "/short":
            to.send_header("Content-Length", "100")
        to.end_headers()
        if path == "/drip":
            while not self.gate.wait(0.05):
                to.wfile.write(b"x")
                to.wfile.flush()
        elif path == "/huge":
            while not self.gate.is_set():
                to.wfile.write(b"x" * 65536)
        else:
            to.wfile.write(b"BEGIN:VCALENDAR")

    def fetcher(self, **more: Any) -> Fetcher:
        return Fetcher(
            **{"allowed": LOOPBACK, "context": self.trust, "resolve": lambda *_: ["127.0.0.1"]} | more
        )

    def at(self, path: str = "/", host: str = NAME) -> str:
        return f"https://{host}:{self.port}{path}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (folder / "both.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    made = Server(folder)
    yield made
    made.gate.set()
    made.http.shutdown()
    made.http.server_close()


def refused(fetcher: Fetcher, address: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetcher(address)
    return caught.value


def test_what_is_there_comes_with_what_the_next_request_may_be_conditional_on(server: Server) -> None:
    found = server.fetcher()(server.at("/same"))
    assert found.body == b"BEGIN:VCALENDAR"
    again = server.fetcher()(server.at("/same"), etag=found.etag, last_modified=found.last_modified)
    assert again.body is None
    assert server.seen[-1]["If-None-Match"] == '"a"'
    assert server.seen[-1]["If-Modified-Since"] == "Tue, 24 Nov 2026 08:00:00 GMT"
    assert server.seen[-1]["Host"] == f"{NAME}:{server.port}"


def test_redirects_are_followed_a_few_times_and_each_is_checked_again(server: Server) -> None:
    assert server.fetcher()(server.at("/to?/there")).body == b"BEGIN:VCALENDAR"
    assert refused(server.fetcher(), server.at("/to?http://calendar.example.net/")).why == "scheme"
    inside = refused(server.fetcher(allowed=LOOPBACK), server.at("/to?https://10.0.0.1/"))
    assert inside.why == "connection" or inside.why == "tls"  # `resolve` names our server: never 10.0.0.1
    names = {NAME: ["127.0.0.1"], "inside.example.net": ["10.1.2.3"]}
    there = server.fetcher(resolve=lambda host, _port: names[host])
    sent = refused(there, server.at("/to?https://inside.example.net/"))
    assert (sent.why, sent.facts) == ("forbidden", {"kind": "private"})
    assert refused(server.fetcher(), server.at("/to?" + server.at("/to?" * 9))).why == "redirects"


def test_a_name_is_asked_once_and_the_connection_goes_to_what_was_checked(server: Server) -> None:
    answers = iter([["127.0.0.1"], ["169.254.169.254"]])
    fetcher = server.fetcher(resolve=lambda *_: next(answers))
    assert fetcher(server.at()).body
    rebound = refused(fetcher, server.at())
    assert (rebound.why, rebound.facts["kind"]) == ("forbidden", "link_local")


def test_one_address_inside_among_public_ones_is_enough_to_refuse(server: Server) -> None:
    mixed = Fetcher(resolve=lambda *_: ["93.184.216.34", "127.0.0.1"])
    assert refused(mixed, server.at()).facts == {"kind": "loopback"}


def test_the_certificate_must_be_for_the_name_and_from_somebody_trusted(server: Server) -> None:
    assert refused(server.fetcher(), server.at(host="other.example.net")).why == "tls"
    assert refused(server.fetcher(context=ssl.create_default_context()), server.at()).why == "tls"


@pytest.mark.parametrize("path", ["/drip", "/drip-head"])
def test_however_slowly_it_drips_it_ends_in_time(server: Server, path: str) -> None:
    begun = time.monotonic()
    assert refused(server.fetcher(most_seconds=0.6), server.at(path)).why == "time"
    assert time.monotonic() - begun < 3


def test_a_server_that_never_shakes_hands_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fetcher = Fetcher(most_seconds=0.5, allowed=LOOPBACK, resolve=lambda *_: ["127.0.0.1"])
        begun = time.monotonic()
        assert refused(fetcher, f"https://{NAME}:{silent.getsockname()[1]}/").why == "time"
        assert time.monotonic() - begun < 3


def test_a_name_that_is_answered_too_late_ends_in_time() -> None:
    asked = threading.Event()
    fetcher = Fetcher(most_seconds=0.3, resolve=lambda *_: [str(asked.wait(5))])
    assert refused(fetcher, "https://slow.example.net/").why == "time"
    asked.set()


@pytest.mark.parametrize("path", ["/huge", "/declared"])
def test_what_is_too_large_is_not_read_to_its_end(server: Server, path: str) -> None:
    found = refused(server.fetcher(most_bytes=200_000), server.at(path))
    assert (found.why, found.facts) == ("size", {"most": 200_000})


def test_other_answers_are_named(server: Server) -> None:
    assert refused(server.fetcher(), server.at("/broken")).facts == {"status": 500}
    assert refused(server.fetcher(), server.at("/short")).why == "connection"
    assert refused(server.fetcher(resolve=lambda *_: []), server.at()).why == "name"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://calendar.example.net/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("ftp://calendar.example.net/", "scheme"),
        ("gopher://calendar.example.net/", "scheme"),
        ("calendar.example.net", "scheme"),
        ("", "scheme"),
        ("https://", "address"),
        ("https:///etc/passwd", "address"),
        ("https://user:pass@calendar.example.net/", "address"),
        ("https://calendar.example.net:0/", "address"),
        ("https://calendar.example.net:99999/", "address"),
        ("https://[::1", "address"),
        ("https://calendar.example.net/a\r\nHost: inside", "address"),
        ("https://calendar.example.net/a b", "address"),
        ("https://calendär.example.net/", "address"),
        ("https://calendar.example.net/" + "a" * 2000, "address"),
    ],
)
def test_only_https_addresses_are_read(address: str, why: str) -> None:
    assert refused(Fetcher(resolve=lambda *_: pytest.fail("was asked for")), address).why == why


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("127.0.0.1", "loopback"), ("127.255.255.254", "loopback"), ("::1", "loopback"),
        ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("10.0.0.1", "private"), ("172.16.0.1", "private"),
        ("192.168.1.1", "private"), ("fc00::1", "private"), ("fd12:3456::1", "private"), ("fec0::1", "private"),
        ("169.254.169.254", "link_local"), ("fe80::1", "link_local"), ("fe80::1%eth0", "link_local"),
        ("100.64.0.1", "shared"), ("100.127.255.255", "shared"),
        ("::ffff:127.0.0.1", "carrier"), ("::ffff:93.184.216.34", "carrier"), ("::127.0.0.1", "carrier"),
        ("64:ff9b::7f00:1", "carrier"), ("64:ff9b:1::a00:1", "carrier"), ("2002:7f00:1::", "carrier"),
        ("2001:0:7f00:1::", "carrier"), ("224.0.0.1", "multicast"), ("ff02::1", "multicast"),
        ("240.0.0.1", "private"), ("255.255.255.255", "private"), ("192.0.2.1", "private"),
        ("198.18.0.1", "private"), ("192.0.0.1", "private"), ("0.1.2.3", "private"), ("2001:db8::1", "private"),
        ("93.184.216.34", ""), ("8.8.8.8", ""), ("2606:4700:4700::1111", ""),
    ],
)  # fmt: skip
def test_each_kind_of_address_by_its_name(number: str, kind: str) -> None:
    assert kind_of(ipaddress.ip_address(number)) == kind
    if kind:
        found = refused(Fetcher(resolve=lambda *_: [number]), "https://calendar.example.net/")
        assert (found.why, found.facts) == ("forbidden", {"kind": kind})


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "2130706433", "0x7f000001", "127.1", "localhost", "0"]
)
def test_however_loopback_is_written_it_is_not_reached(host: str) -> None:
    found = refused(Fetcher(), f"https://{host}/")
    assert found.why in ("forbidden", "name")
