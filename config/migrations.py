"""Which migrations this code has, and which of them the database still waits for."""

from collections.abc import Iterator
from pathlib import Path
from pkgutil import iter_modules

from django.apps import AppConfig
from django.conf import settings
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

MIGRATIONS_TABLE = "django_migrations"


def are_all_applied() -> bool:
    """By the names of the files, for which no application has to be loaded: that takes a second of the processor.

    True is certain; what is false may still be a squashed migration whose parts are applied.
    """
    with connection.cursor() as cursor:
        if MIGRATIONS_TABLE not in connection.introspection.table_names(cursor):
            return False
        cursor.execute(f"SELECT app, name FROM {MIGRATIONS_TABLE}")  # noqa: S608  a constant
        return set(cursor.fetchall()) >= set(_files())


def _files() -> Iterator[tuple[str, str]]:
    for config in map(AppConfig.create, settings.INSTALLED_APPS):
        for module in iter_modules([str(Path(config.path) / "migrations")]):
            if not module.ispkg and module.name[0] not in "_~":
                yield config.label, module.name


def unapplied_migrations() -> list[Migration]:
    """In the order in which `migrate` would apply them."""
    executor = MigrationExecutor(connection)
    return [migration for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def known_migrations(loader: MigrationLoader) -> set[tuple[str, str]]:
    """Those of the files, with those that squashed ones replace."""
    replaced = (key for migration in loader.disk_migrations.values() for key in migration.replaces)
    return {*loader.disk_migrations, *replaced}
