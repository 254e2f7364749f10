"""The configurations of docs/clients.md, as they stand there: what is tried is what people copy."""

import re
from typing import Final

from devserver import addresses

PAGE: Final = addresses.ROOT / "docs" / "clients.md"
SITE: Final = "https://studio.example.com"
_BLOCK: Final = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SECTION: Final = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def blocks(section: str, language: str) -> list[str]:
    """Those of the section in that language."""
    (text,) = (text for title, text in _SECTION.findall(PAGE.read_text()) if title == section)
    return [code for name, code in _BLOCK.findall(text) if name == language]


def configured(section: str, language: str, site: str) -> str:
    """The only one, for the studio at `site`."""
    (code,) = blocks(section, language)
    return code.replace(SITE, site)
