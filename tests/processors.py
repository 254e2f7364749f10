"""How many processors the tests may use."""

import os
from pathlib import Path
from typing import Final

_QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")


def processors(quota: Path = _QUOTA) -> int:
    """Those that this process may run on, or what a container may use: `quota` is µs in µs of a period, or "max"."""
    found = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed, _, period = quota.read_text().partition(" ") if quota.exists() else ("max", "", "")
    return found if allowed == "max" else max(1, min(found, int(allowed) // int(period)))
