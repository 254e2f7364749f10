"""Read request parameters, which may hold anything. Imports nothing of this project."""

from typing import Final

_DIGITS: Final = 18  # PostgreSQL's bigint holds any number of so many; Python refuses to read some thousands of them


def whole_number(text: str) -> int | None:
    """The number that `text` writes in plain digits, None for anything else and for what no column holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None
