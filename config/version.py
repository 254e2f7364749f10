"""Which version this is. Backups name it; pyproject.toml and the chart say the same, which a test holds."""

from typing import Final

VERSION: Final = "0.2.0"
