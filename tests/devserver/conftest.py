"""What the tests of the embedded servers share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Not pytest's: every run of pytest closes that one's parents, which PostgreSQL's account has to pass."""
    with tempfile.TemporaryDirectory(prefix="kling-studio-") as directory:
        yield Path(directory)
