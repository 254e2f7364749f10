"""The tests take the processors there are, and no more than their container may use."""

import os
from pathlib import Path

import pytest

from tests.processors import processors


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (None, 4),
        ("max 100000\n", 4),
        ("200000 100000\n", 2),
        ("250000 100000\n", 2),
        ("800000 100000\n", 4),
        ("50000 100000\n", 1),
    ],
)
def test_of_four(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str | None, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    file = tmp_path / "cpu.max"
    if quota:
        file.write_text(quota)
    assert processors(file) == expected
