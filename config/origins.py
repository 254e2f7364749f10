"""Origins as browsers write them, and hosts that only this machine reaches. Imports no Django."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:.]+")  # a name, or an IPv6 address


class OriginError(ValueError):
    """The text is no origin; str() says what is wrong with it."""


def parse_origin(text: str) -> str:
    """As in the Origin header: lower case, punycode, no default port, so that it can be compared with that header."""
    parts = _split(text)
    if parts.username is not None or parts.password is not None:
        raise OriginError("must have no user name and no password")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise OriginError("must have no path")
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{_ascii_host(parts)}{port}"


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in _DEFAULT_PORTS and parts.port != 0 and bool(_ascii_host(parts))
    except ValueError:  # of a host in brackets that is no IPv6 address, of the port, or of the name
        is_address = False
    if not is_address or re.search(r"\s", text):
        raise OriginError("must be an address such as https://example.com")
    return parts


def _ascii_host(parts: SplitResult) -> str:
    """Empty when it is no host."""
    host = (parts.hostname or "").encode("idna").decode().lower()
    if not _HOST.fullmatch(host):
        return ""
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    """Whether the name or address stays on this machine; a pattern of ALLOWED_HOSTS such as `.localhost` may too."""
    name = host.strip("[].").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_public_address(host: str) -> bool:
    """Whether it is an IP address of the internet. What a name leads to is not looked up."""
    address = _address(host.strip("[]"))
    return address is not None and address.is_global


def is_ip_address(host: str) -> bool:
    return _address(host.strip("[]")) is not None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
