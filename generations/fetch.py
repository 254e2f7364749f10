"""GET from URLs that users or fal give us, but from no private network: no rebinding, no proxy.

The check stands in the transport, so that every redirect passes it too, and the connection goes to the very address
that was checked. Imports nothing of this project.
"""

import socket
import ssl
import string
from collections.abc import Iterator
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final
from urllib.parse import quote

import httpx

MAX_REDIRECTS: Final = 5
USER_AGENT: Final = "kling-studio"
TIMEOUT: Final = httpx.Timeout(connect=10, read=30, write=30, pool=30)

_ADDRESSES_TRIED: Final = 3
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LAST_PORT: Final = 65535
_NAT64: Final = IPv6Network("64:ff9b::/96")
_IPV6_UNICAST: Final = IPv6Network("2000::/3")  # RFC 4291: everything handed out so far lies in here
_IPV4_PROTOCOLS: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"))  # older Pythons call them global


class AddressRefused(Exception):  # noqa: N818 - it reads as what happened
    """The address may not be fetched; str() is a sentence for a person."""


class HostNotFound(httpx.ConnectError):
    """The name in the address doesn't exist, as far as the resolver knows."""


def client(*, trusted_origins: frozenset[str] = frozenset(), timeout: httpx.Timeout | None = None) -> httpx.Client:
    """An HTTP client that reaches only https on public addresses, and the origins that the operator trusts.

    An origin is scheme, host and port, such as `http://127.0.0.1:8001`, or `http://127.0.0.1:*` for every port of a
    host; a trusted one may be http and may be private.
    Follows at most five redirects, each checked like the first address. Raises AddressRefused for what is forbidden;
    HostNotFound (a httpx.ConnectError) when the name doesn't exist, and httpx's own errors (HTTPError, InvalidURL) for
    the rest. One client serves many threads. Asks for bodies as they are (no gzip), so that a length is a length and a
    small answer can't unpack into a large one.
    """
    return _Client(
        transport=_PublicOnly(frozenset(map(_origin_of_text, trusted_origins))),
        timeout=timeout or TIMEOUT,
        follow_redirects=True,
        max_redirects=MAX_REDIRECTS,
        trust_env=False,
        headers={"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"},
    )


def check_address(url: str, *, trusted_origins: frozenset[str] = frozenset()) -> None:
    """Raises what a request to this address would raise before it is sent: AddressRefused, HostNotFound, InvalidURL."""
    with client(trusted_origins=trusted_origins) as http:
        request = http.build_request("GET", url)
    _PublicOnly(frozenset(map(_origin_of_text, trusted_origins))).check(request)


class _Client(httpx.Client):
    def build_request(self, *args: Any, **options: Any) -> httpx.Request:
        """A name that can't be one (`xn--a`) makes httpx raise an error of its IDNA library: call it what it is."""
        try:
            return super().build_request(*args, **options)
        except UnicodeError as error:
            raise httpx.InvalidURL(str(error)) from error


def is_public(address: str) -> bool:
    """Whether an IP address is reachable on the open internet; one wrapped in IPv6 is judged by what it wraps."""
    try:
        ip = _unwrap(ip_address(address))
    except ValueError:
        return False
    if not ip.is_global or ip.is_multicast:
        return False
    if isinstance(ip, IPv6Address):
        return ip in _IPV6_UNICAST
    return not any(ip in network for network in _IPV4_PROTOCOLS)


def _unwrap(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address inside a mapped (::ffff:a.b.c.d), NAT64 (64:ff9b::a.b.c.d) or 6to4 (2002::/16) one."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or ip


class _PublicOnly(httpx.BaseTransport):
    """Resolves a host once, checks every address it has, and connects to one of these (no DNS rebinding).

    Connections are not kept: a pool keyed by IP address would hand one host's TLS connection to another host.
    """

    def __init__(self, trusted: frozenset[str]) -> None:
        self._trusted = trusted
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=0)
        self._inner = httpx.HTTPTransport(verify=_certificates(), trust_env=False, limits=limits)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        addresses = self.check(request)
        answer = self._send(request, addresses) if addresses else self._inner.handle_request(request)
        return _drop_redirect_body(request, answer)

    def check(self, request: httpx.Request) -> list[str]:
        """The addresses of the host, each of them public; none for a trusted origin, which is connected to by name.

        Raises AddressRefused and HostNotFound.
        """
        if request.url.userinfo:
            raise AddressRefused("An address with a user name or password in it isn't fetched.")
        if (request.url.port or 0) > _LAST_PORT:
            raise HostNotFound(f"there is no port {request.url.port}", request=request)
        if not self._trusted.isdisjoint({_origin(request.url), _any_port(request.url)}):
            return []
        if request.url.scheme not in _DEFAULT_PORTS or not request.url.raw_host:
            raise AddressRefused("Give a web address that starts with https://.")
        addresses = _public_addresses(request)
        if request.url.scheme == "http":
            raise AddressRefused("This address isn't encrypted; use one that starts with https://.")
        return addresses

    def close(self) -> None:
        self._inner.close()

    def _send(self, request: httpx.Request, addresses: list[str]) -> httpx.Response:
        """The answer of the first address that takes a connection; nothing has been sent to those that don't."""
        for address in addresses[:-1]:
            try:
                return self._inner.handle_request(_pin_address(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return self._inner.handle_request(_pin_address(request, addresses[-1]))


def _public_addresses(request: httpx.Request) -> list[str]:
    """What the host resolves to, at most three. One private address among public ones is enough to refuse it."""
    addresses = list(_resolve(request))
    if not all(map(is_public, addresses)):
        raise AddressRefused(f"This address leads into a private network ({_host(request.url)}), which isn't fetched.")
    return addresses[:_ADDRESSES_TRIED]


def _resolve(request: httpx.Request) -> Iterator[str]:
    """The host's addresses by the system's resolver, which also reads decimal and hexadecimal forms of IPv4."""
    host = _host(request.url)
    port = request.url.port or _DEFAULT_PORTS[request.url.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HostNotFound(f"{host} doesn't resolve: {error}", request=request) from error
    if not found:
        raise HostNotFound(f"{host} has no address", request=request)
    yield from dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found)


def _pin_address(request: httpx.Request, address: str) -> httpx.Request:
    """The same request sent to `address`: Host and the name on the certificate stay those of the URL."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": _host(request.url)},
    )


def _drop_redirect_body(request: httpx.Request, response: httpx.Response) -> httpx.Response:
    """httpx reads a redirect's body before it goes on, however long it is: drop it unread."""
    if not response.has_redirect_location:
        return response
    response.close()
    location = next(value for name, value in response.headers.raw if name.lower() == b"location")
    return httpx.Response(
        response.status_code, headers={"location": _absolute_url(request.url, location)}, stream=httpx.ByteStream(b"")
    )


def _absolute_url(url: httpx.URL, location: bytes) -> str:
    """Where a redirect leads, in plain ASCII; servers write raw UTF-8 and Latin-1 there, against RFC 9110 §10.2.2."""
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = quote(location, safe=string.punctuation)
    try:
        there = url.join(text.strip())
        _ = there.host  # httpx reads it later, where nobody expects an error
        return str(there)
    except (httpx.InvalidURL, ValueError) as error:  # UnicodeError is a ValueError
        raise httpx.RemoteProtocolError(f"redirects to no address: {error}") from error


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes some 30 ms."""
    return httpx.create_ssl_context()


def _host(url: httpx.URL) -> str:
    """As it is sent. `url.host` would turn it back into Unicode, and raises on names such as `xn--a`."""
    return url.raw_host.decode("ascii")


def _origin(url: httpx.URL) -> str:
    return f"{url.scheme}://{_host(url)}:{url.port or _DEFAULT_PORTS.get(url.scheme, 0)}"


def _any_port(url: httpx.URL) -> str:
    return f"{url.scheme}://{_host(url)}:*"


def _origin_of_text(text: str) -> str:
    if text.endswith(":*"):
        return _any_port(httpx.URL(text.removesuffix(":*")))
    return _origin(httpx.URL(text))
