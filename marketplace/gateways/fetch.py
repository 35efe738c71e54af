"""The only place that fetches addresses which users give (ASVS 1.3.6, 13.2.4, 15.3.2).

https alone; the name is resolved once, every address of it must be public, and the connection goes to
the address that was checked, so a name that changes its mind between check and call gains nothing; the
certificate is checked against the name. Each redirect is a new address and passes all of it again.
Size and the time for everything together are bounded, however slowly an answer drips.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

MOST_BYTES = 5 * 1024 * 1024
MOST_SECONDS = 10.0
MOST_REDIRECTS = 3
LONGEST = 2000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Addresses that carry another one inside: what stands behind them is not what was checked.
_CARRIERS = tuple(
    map(ipaddress.IPv6Network, ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
)  # fmt: skip
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")


class FetchError(Exception):
    """An address that is not fetched, or did not answer well.

    why: address (not one we read), scheme (not https), name (unknown), forbidden (`facts["kind"]` names
    the address's own kind), redirects (too many), size, time, tls, connection, answer (`facts["status"]`).
    """

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts


@dataclass(frozen=True)
class Fetched:
    """A good answer. `body` is None where nothing changed since the conditions given (304)."""

    body: bytes | None
    etag: str
    last_modified: str


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


@dataclass(frozen=True)
class Fetcher:
    """Fetches within bounds. `allowed`, `context` and `resolve` are for tests with servers of their own:
    networks let through though they are not public, the authorities trusted, and who answers for names."""

    most_bytes: int = MOST_BYTES
    most_seconds: float = MOST_SECONDS
    allowed: tuple[_Network, ...] = ()
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolve: Callable[[str, int], list[str]] = _resolve

    def __call__(self, address: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """The answer at an address, following at most three redirects. FetchError by name."""
        ends = monotonic() + self.most_seconds
        headers = {
            "Accept": "text/calendar, */*;q=0.5",
            "Accept-Encoding": "identity",
            "User-Agent": "Declic",
        }
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        for _hop in range(MOST_REDIRECTS + 1):
            found = self._one(checked(address), headers, ends)
            if isinstance(found, Fetched):
                return found
            address = urljoin(address, found)
        raise FetchError("redirects")

    def _one(self, url: SplitResult, headers: Mapping[str, str], ends: float) -> Fetched | str:
        """One request: its answer, or where it sends us."""
        host, port = url.hostname or "", url.port or 443
        numbers = self._numbers(host, port, ends)
        connection = _Pinned(host, port, numbers, self.context, ends)
        try:
            connection.request("GET", _target(url), headers=dict(headers))
            with connection.getresponse() as answer:
                return self._answer(answer, ends)
        except ssl.SSLCertVerificationError as error:
            raise FetchError("tls") from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            if _left(ends) <= 0 or isinstance(error, TimeoutError):
                raise FetchError("time") from error
            raise FetchError("tls" if isinstance(error, ssl.SSLError) else "connection") from error
        finally:
            connection.over()

    def _answer(self, answer: http.client.HTTPResponse, ends: float) -> Fetched | str:
        status = answer.status
        seen = (answer.getheader("ETag", "")[:500], answer.getheader("Last-Modified", "")[:100])
        if status in _REDIRECTS and (there := answer.getheader("Location")):
            return there
        if status == 304:
            return Fetched(None, *seen)
        if status != 200 or answer.getheader("Content-Encoding", "identity").lower() not in ("identity", ""):
            raise FetchError("answer", status=status)
        if (answer.length or 0) > self.most_bytes:
            raise FetchError("size", most=self.most_bytes)
        parts: list[bytes] = []
        size = 0
        while chunk := answer.read1(_CHUNK):
            size += len(chunk)
            if size > self.most_bytes:
                raise FetchError("size", most=self.most_bytes)
            parts.append(chunk)
        if _left(ends) <= 0:
            raise FetchError("time")
        if answer.length:
            raise FetchError("connection")
        return Fetched(b"".join(parts), *seen)

    def _numbers(self, host: str, port: int, ends: float) -> list[str]:
        """The addresses of a name, all of them public. FetchError name, time, forbidden."""
        found: list[list[str]] = []

        def ask() -> None:
            with suppress(OSError, UnicodeError):
                found.append(self.resolve(host, port))

        # The resolver takes no time limit; who waits for it does.
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(max(0.0, _left(ends)))
        if asking.is_alive():
            raise FetchError("time")
        if not found or not found[0]:
            raise FetchError("name", host=host)
        for number in found[0]:
            known = ipaddress.ip_address(number)
            kind = kind_of(known)
            if kind and not any(known in net for net in self.allowed if net.version == known.version):
                raise FetchError("forbidden", kind=kind)
        return found[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to an address that was checked, whose certificate must be for the name. It is cut when
    its time is over: a timeout of the socket alone begins anew with every byte."""

    def __init__(
        self, host: str, port: int, numbers: list[str], context: ssl.SSLContext, ends: float
    ) -> None:
        super().__init__(host, port, context=context)
        self._numbers, self._trust, self._ends = numbers, context, ends
        self._cut: threading.Timer | None = None

    def connect(self) -> None:
        """Open to the first address that answers."""
        failed: OSError = OSError("no address")
        for number in self._numbers:
            if _left(self._ends) <= 0:
                raise TimeoutError
            try:
                raw = socket.create_connection((number, self.port), timeout=_left(self._ends))
                break
            except OSError as error:
                failed = error
        else:
            raise failed
        wrapped = self._trust.wrap_socket(raw, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock = wrapped
        self._cut = threading.Timer(max(0.0, _left(self._ends)), _cut, (wrapped,))
        self._cut.daemon = True
        self._cut.start()
        wrapped.do_handshake()

    def over(self) -> None:
        """Close, and let the clock go. `close` alone is called while an answer without a length is still read."""
        if self._cut is not None:
            self._cut.cancel()
        self.close()


def checked(address: str) -> SplitResult:
    """An https address with a plain host. FetchError address or scheme."""
    try:
        url = urlsplit(address.strip())
        host, port = url.hostname, url.port
    except ValueError as error:
        raise FetchError("address") from error
    if url.scheme.lower() != "https":
        raise FetchError("scheme")
    if (
        not host or url.username is not None or url.password is not None or port == 0
        or len(address) > LONGEST or not address.isascii() or not address.strip().isprintable() or " " in address.strip()
    ):  # fmt: skip
        raise FetchError("address")
    return url


def kind_of(address: _Address) -> str:
    """What is not public about an address: loopback, private, link_local, shared, carrier (another address
    inside: IPv6-mapped, NAT64, 6to4, Teredo), unspecified, multicast, reserved; "" where it is public."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id:
            return "link_local"
        if not (address.is_loopback or address.is_unspecified) and any(address in net for net in _CARRIERS):
            return "carrier"
    for name, true in (
        ("unspecified", address.is_unspecified),
        ("loopback", address.is_loopback),
        ("link_local", address.is_link_local),
        ("multicast", address.is_multicast),
        ("shared", address.version == 4 and address in _SHARED),
        ("private", address.is_private or getattr(address, "is_site_local", False)),
        ("reserved", address.is_reserved or not address.is_global),
    ):
        if true:
            return name
    return ""


def _target(url: SplitResult) -> str:
    return (url.path or "/") + (f"?{url.query}" if url.query else "")


def _left(ends: float) -> float:
    return ends - monotonic()


def _cut(connection: ssl.SSLSocket) -> None:
    # The plain socket's own: the TLS object is in the reader's hands.
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
