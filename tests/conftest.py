"""What every test may ask for."""

import os

pytest_plugins = ["tests.services", "tests.cast"]


def pytest_xdist_setupnodes() -> None:
    """Before pytest-xdist starts its workers: each reads the settings after it has an environment of its own."""
    del os.environ["DJANGO_SETTINGS_MODULE"]
