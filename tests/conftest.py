"""What every test may ask for."""

import os

from hypothesis import HealthCheck, settings

# how long a busy machine takes says nothing about the code
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest_plugins = ["tests.services", "tests.cast", "tests.moderators"]


def pytest_xdist_setupnodes() -> None:
    """Before pytest-xdist starts its workers: each reads the settings after it has an environment of its own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]
