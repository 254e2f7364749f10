"""When a row is due next. Delays are timedeltas."""

import random
from datetime import timedelta
from typing import Final

from django.conf import settings

from generations.fal.error_classification import MAX_RETRY_AFTER

CLAIM_LEASE: Final = timedelta(seconds=60)  # of a queued row: it has a place at fal, which a dead worker must not keep
SUBMIT_LEASE: Final = timedelta(seconds=150)  # longer than the client's timeouts together
POLL_LEASE: Final = timedelta(seconds=150)
COPY_LEASE: Final = timedelta(seconds=30)  # renewed while bytes move
COPY_OVERDUE_AFTER: Final = timedelta(hours=1)

LOST_SLOT_TIMEOUT: Final = timedelta(minutes=1)  # a request without an answer; nobody else waits for it any longer
UNKNOWN_CONFIRM_DELAY: Final = timedelta(
    minutes=1
)  # fal must know no such id for so long, before it counts as not taken

MAX_POLLS_PER_SECOND: Final = 150  # of all rows together: more would keep one worker from everything else
_MAX_RETRY_DELAY: Final = 300.0  # s
_ATTENTION_INTERVAL: Final = timedelta(minutes=15)  # fal may still answer while a person is asked
_MAX_RUN_TIME: Final = timedelta(hours=1)  # fal's own limit for a runner; Kling takes minutes
_MIN_START_TIMEOUT: Final = timedelta(seconds=5)

# up to this age, ask this often; both in seconds
_WITHOUT_WEBHOOKS: Final = ((30, 1.0), (300, 2.5), (1800, 10.0), (float("inf"), 60.0))
_WITH_WEBHOOKS: Final = ((300, 15.0), (1800, 60.0), (float("inf"), 300.0))


def poll_delay(age: timedelta, *, webhooks: bool, in_flight: int) -> timedelta:
    """Slower as a request ages, slower still where fal calls us, and never more polls a second than one worker bears.

    Spread by a fifth, so that rows which were due together (after a restart) do not stay together.
    """
    steps = _WITH_WEBHOOKS if webhooks else _WITHOUT_WEBHOOKS
    seconds = next(delay for limit, delay in steps if age.total_seconds() < limit)
    return timedelta(seconds=max(seconds, in_flight / MAX_POLLS_PER_SECOND) * _jitter())


def give_up_after() -> timedelta:
    """How long machines alone wait for an answer; then a person is asked, and the row is looked at seldom."""
    return timedelta(hours=settings.GENERATION_GIVE_UP_HOURS)


def start_timeout() -> timedelta:
    """How long fal may let a request wait before it ends it, at no cost.

    An hour less than machines wait here: when they give up, a request that fal took has ended, and so is in its list.
    """
    timeout = give_up_after()
    return max(timeout - _MAX_RUN_TIME, timeout / 2, _MIN_START_TIMEOUT)


def slow_poll_delay() -> timedelta:
    return _ATTENTION_INTERVAL * _jitter()


def retry_delay(attempts: int, retry_after: float | None = None) -> timedelta:
    """After `attempts` failed tries: 2 s, 4 s, 8 s … 5 min, spread so that rows do not come back together."""
    seconds = min(2.0 ** min(attempts, 20), _MAX_RETRY_DELAY)
    return timedelta(seconds=max(seconds * _jitter(), min(retry_after or 0, MAX_RETRY_AFTER)))


def _jitter() -> float:
    return random.uniform(0.8, 1.2)  # noqa: S311  not for secrets
