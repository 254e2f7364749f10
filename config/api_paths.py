"""Where programs ask, and not people: by a key, never by a cookie, and by every method that HTTP has."""

from typing import Final

FAL: Final = "/fal/"
V1: Final = "/api/v1/"
PROBLEM_TYPE: Final = "application/problem+json"  # RFC 9457
_PREFIXES: Final = (FAL, "/api/", "/mcp")


def is_for_programs(path: str) -> bool:
    return path.startswith(_PREFIXES)


def speaks_problems(path: str) -> bool:
    """Whether every error there is an RFC 9457 problem."""
    return path.startswith(V1)


def is_fals(path: str) -> bool:
    """Whether it speaks as fal does, errors included."""
    return path.startswith(FAL)
