"""What processes wait for before they start: every migration, found without loading an application."""

import subprocess
import sys

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config.migrations import are_all_applied, unapplied_migrations
from config.wait import check_migrations
from devserver import addresses
from tests.security.web_server import environment_of_test

pytestmark = pytest.mark.django_db


def test_all_are_applied_to_the_database_of_the_tests() -> None:
    assert are_all_applied()
    assert not unapplied_migrations()
    assert check_migrations() == ""


@pytest.mark.parametrize("app", ["generations", "accounts", "sharing", "api", "account", "auth"])
def test_one_that_is_missing_is_waited_for(app: str) -> None:
    last = max(name for label, name in MigrationLoader(connection).disk_migrations if label == app)
    MigrationRecorder(connection).record_unapplied(app, last)

    assert not are_all_applied()
    assert "1 migrations are not applied" in check_migrations()


@pytest.mark.django_db(transaction=True)
def test_no_application_is_loaded_for_it() -> None:
    """Three processes of each start ask, and each would take a second of the processor more. Nothing is said."""
    code = (
        "import sys; from config import wait; from django.apps import apps;"
        "sys.exit(wait.main(['postgres', 'database', 'redis']) or 7 * apps.ready)"
    )
    environment = environment_of_test(addresses.port())
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=addresses.ROOT, env=environment, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
