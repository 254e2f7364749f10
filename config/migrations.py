"""Which migrations this code has, and which of them the database still waits for."""

from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader


def unapplied_migrations() -> list[Migration]:
    """In the order in which `migrate` would apply them."""
    executor = MigrationExecutor(connection)
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def known_migrations(loader: MigrationLoader) -> set[tuple[str, str]]:
    """Those of the files, with those that squashed ones replace."""
    replaced = (key for migration in loader.disk_migrations.values() for key in migration.replaces)
    return {*loader.disk_migrations, *replaced}
