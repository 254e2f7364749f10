"""When a row is looked at next. Delays are timedeltas."""

import random
from datetime import timedelta
from typing import Final

SUBMIT_LEASE: Final = timedelta(seconds=150)  # longer than the client's timeouts together
POLL_LEASE: Final = timedelta(seconds=150)
COPY_LEASE: Final = timedelta(seconds=30)  # renewed while bytes move

_FIRST_POLL: Final = 1.0  # s
_SLOWEST_POLL: Final = 15.0
_SLOWEST_RETRY: Final = 300.0


def poll_delay(age: timedelta) -> timedelta:
    """Often while a render is young, slower as it ages: a tenth of the time it has taken so far."""
    seconds = min(max(_FIRST_POLL, age.total_seconds() / 10), _SLOWEST_POLL)
    return timedelta(seconds=seconds)


def retry_delay(attempts: int, retry_after: float | None = None) -> timedelta:
    """After `attempts` failed tries: 2 s, 4 s, 8 s … 5 min, spread so that rows do not come back together."""
    seconds = min(2.0 ** min(attempts, 20), _SLOWEST_RETRY)
    spread = random.uniform(0.8, 1.2)  # noqa: S311  not for secrets
    return timedelta(seconds=max(seconds * spread, retry_after or 0))
