"""Where programs ask, and not people: by a key, never by a cookie, and by every method that HTTP has."""

from typing import Final

FAL: Final = "/fal/"
_PREFIXES: Final = (FAL, "/api/", "/mcp")


def is_for_programs(path: str) -> bool:
    return path.startswith(_PREFIXES)


def is_fals(path: str) -> bool:
    """Whether it speaks as fal does, errors included."""
    return path.startswith(FAL)
