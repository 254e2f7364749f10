"""Refuse an unsafe start. The settings call this, so it holds for every process and command."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from config.origins import is_loopback, is_public_address

DEVELOPMENT_KEY: Final = "for-development-only-and-known-to-everybody"
KEY_HINT: Final = "Make one: python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"
SITE_URL_HINT: Final = "It is the https address that people use, such as https://studio.example.com."
_KEY_LENGTH, _KEY_CHARACTERS = 50, 5  # of Django's own check, security.W009
_HOST_PATTERN: Final = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StartSettings:
    """What decides whether a start is safe; the fields are settings of the same names."""

    debug: bool
    host: str
    secret_key: str
    site_url: str
    public_url: str
    allowed_hosts: list[str]  # those that are named
    insecure_http: bool
    secret_key_fallbacks: list[str] = field(default_factory=list)


def own_hosts(site_url: str) -> list[str]:
    """As ALLOWED_HOSTS has them: where people find the studio, and where this machine's own checks do."""
    host = _host(site_url)
    return [f"[{host}]" if ":" in host else host, ".localhost", "127.0.0.1", "[::1]"]


def problems(start: StartSettings) -> Iterator[tuple[str, str]]:
    """The name of a setting and what is wrong with it, for each that is."""
    yield from _development_problems(start) if start.debug else _production_problems(start)
    if start.public_url.startswith("http://") and not is_loopback(_host(start.public_url)):
        yield "PUBLIC_URL", "must start with https://"


def _development_problems(start: StartSettings) -> Iterator[tuple[str, str]]:
    """DEBUG comes with a published key and passwords, so only this machine may reach it."""
    hosts = {
        "HOST": [start.host],
        "SITE_URL": [_host(start.site_url)],
        "PUBLIC_URL": [_host(start.public_url)] if start.public_url else [],
        "ALLOWED_HOSTS": start.allowed_hosts,
    }
    for name, found in hosts.items():
        if outside := [host for host in found if not is_loopback(host)]:
            yield name, _LOOPBACK_ONLY.format(outside[0])


_LOOPBACK_ONLY: Final = (
    "{} is not this machine alone, and DEBUG is on, with a key and passwords that everybody knows. "
    "Set DEBUG=false and what then is required, or leave this to its default."
)


def _production_problems(start: StartSettings) -> Iterator[tuple[str, str]]:
    if problem := key_problem(start.secret_key):
        yield "SECRET_KEY", f"{problem} {KEY_HINT}"
    for problem in filter(None, map(key_problem, start.secret_key_fallbacks)):
        yield "SECRET_KEY_FALLBACKS", f"has a key that {problem} Former keys stand there with commas between."
    if problem := _site_problem(start.site_url, start.insecure_http):
        yield "SITE_URL", problem
    for problem in filter(None, map(_host_problem, start.allowed_hosts)):
        yield "ALLOWED_HOSTS", problem


def key_problem(key: str) -> str:
    key = key.strip()
    if not key:
        return ""  # that it is missing is said elsewhere
    if key == DEVELOPMENT_KEY or key.startswith("django-insecure-"):
        return "is a key for development, which everybody knows."
    if len(key) < _KEY_LENGTH or len(set(key)) < _KEY_CHARACTERS:
        return f"can be guessed: it needs {_KEY_LENGTH} characters, {_KEY_CHARACTERS} of them different."
    return ""


def _site_problem(url: str, insecure_http: bool) -> str:
    if not url.startswith("http://"):
        return ""
    if not insecure_http:
        return "must start with https://. Only in a private network, plain http will do, with INSECURE_HTTP=true."
    if is_public_address(_host(url)):
        return "is an address of the internet, where INSECURE_HTTP=true shows every password on its way."
    return ""


def _host_problem(host: str) -> str:
    if "*" in host:
        return "must name the studio's hosts; * would accept any."
    if not _HOST_PATTERN.fullmatch(host):
        return f"{host or 'an empty text'} is not a host name; it goes without scheme, port and path."
    if host.startswith(".") and "." not in host.strip("."):
        return f"{host} would accept every host below it."
    return ""


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
