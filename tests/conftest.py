"""What every test may ask for."""

import gc
import os
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

from tests.processors import processors

# how long a busy machine takes says nothing about the code
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest_plugins = ["tests.services", "tests.cast", "tests.moderators", "tests.sharing.cast"]


# these files take the longest: begun last, one of them would keep the end waiting
LONG: Final = (
    "tests/chaos/test_chaos.py",
    "tests/browser/test_tls.py",
    "tests/browser/test_accessibility.py",
    "tests/security/test_access.py",
    "tests/security/test_fuzz.py",
    "tests/devserver/test_launcher.py",
    "tests/chaos/test_each_step.py",
    "tests/browser/test_drafts.py",
    "tests/security/test_private_prompts.py",
    "tests/browser/test_composer.py",
    "tests/generations/pipeline/test_worker.py",
    "tests/api/test_fal_clients.py",
    "tests/browser/test_moderation.py",
    "tests/browser/test_sign_in.py",
    "tests/browser/test_teams.py",
    "tests/security/test_slow_clients.py",
    "tests/clients/test_documented.py",
    "tests/clients/test_nginx.py",
)


MOST_PROCESSES: Final = 9  # each has a database, a bucket and a browser of its own: about 1 GB


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: now and then a test waits."""
    return min(processors() + 1, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pytest-xdist hands out whole files in this order."""
    ranks = {name: rank for rank, name in enumerate(LONG)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture(scope="session", autouse=True)
def _one_period_of_sessions() -> Iterator[None]:
    """A session is written down once, so that no test that counts queries meets the end of a period."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("accounts.sessions.PERIOD", 10**9)
        yield


def pytest_collection_finish() -> None:
    """What has been imported stays: looking through it again and again for garbage is an eighth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_xdist_setupnodes() -> None:
    """Before pytest-xdist starts its workers: each reads the settings after it has an environment of its own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]
