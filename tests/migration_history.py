"""A migration that waits for `migrate`, for the length of a block: the database forgets that it was applied."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


@contextmanager
def unapplied_migration() -> Iterator[str]:
    """The newest of generations, as `app.name`."""
    ((app, name),) = MigrationLoader(connection).graph.leaf_nodes("generations")
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(app, name)
    try:
        yield f"{app}.{name}"
    finally:
        recorder.record_applied(app, name)
