"""Every address of the studio, from the resolver, with values in the places of its parameters."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

_VALUES = {"int": "1", "uuid": str(uuid.UUID(int=7)), "slug": "film", "str": "x", "path": "1"}
_REGEX_VALUES = {
    "key": "x",
    "uidb36": "1",
    "provider_id": "oidc",
    "token": "x",
    "app_label": "accounts",
    "url": "nowhere/",
}


def every_address() -> list[str]:
    """Without what static files and nothing else are for."""
    return sorted(set(_addresses(get_resolver().url_patterns, "/")))


def _addresses(patterns: list[Any], before: str) -> Iterator[str]:
    for pattern in patterns:
        address = before + _filled(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, address)
        elif isinstance(pattern, URLPattern):
            yield address


def _filled(route: str) -> str:
    route = re.sub(r"\(\?P<(\w+)>[^()]*\)\??", lambda found: _REGEX_VALUES[found[1]], route)
    route = re.sub(r"<(?:(\w+):)?\w+>", lambda found: _VALUES[found[1] or "str"], route)
    return route.replace("/?$", "").strip("^$").replace("\\", "")
