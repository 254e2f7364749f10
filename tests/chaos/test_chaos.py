"""A short chaos test, each time another: whatever trouble it brings, nothing is lost, doubled or stuck."""

import signal
import subprocess
import sys

import pytest

from devserver import addresses
from tests.environment import without_ours

TIMEOUT = 600.0  # s; a limit against hanging, not a measure
# how often each kind of trouble comes in so short a time depends on the machine; `make chaos` counts them
SHORT = {"CHAOS_COUNT": "24", "CHAOS_SECONDS": "12", "CHAOS_EACH": "0", "CHAOS_HURRY": "1"}


@pytest.mark.parametrize("client", ["form", "fal"])
def test_nothing_is_lost_doubled_or_stuck(client: str) -> None:
    """In a process of its own: its servers and settings are not those of the tests."""
    command = [sys.executable, "-m", "tests.chaos"]
    with subprocess.Popen(
        command,
        cwd=addresses.ROOT,
        env=without_ours() | SHORT | {"CHAOS_CLIENT": client},
        stdout=subprocess.PIPE,
        text=True,
    ) as trial:
        try:
            report, _ = trial.communicate(timeout=TIMEOUT)
        finally:
            trial.send_signal(signal.SIGTERM)  # it takes its own processes along
    assert trial.returncode == 0, report
