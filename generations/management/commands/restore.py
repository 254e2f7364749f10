"""`manage.py restore DIR`: what `manage.py backup` has written, into an empty studio."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from generations.backup import RestoreOptions, restore_backup
from generations.management.backup_commands import add_stopped_at, backup_errors, summary


class Command(BaseCommand):
    help = "Restore a backup into an empty studio, and prepare it so that nothing is paid for twice."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")
        add_stopped_at(parser)
        parser.add_argument(
            "--keep-objects",
            action="store_true",
            help="The studio's own bucket has survived: copy only what it lacks, instead of all into an empty one.",
        )
        parser.add_argument(
            "--sizes-only",
            action="store_true",
            help="Of objects that are in the bucket, look at the sizes instead of reading each.",
        )
        parser.add_argument(
            "--allow-missing", action="store_true", help="Restore though listed objects are gone or changed."
        )

    def handle(self, **options: Any) -> None:
        with backup_errors():
            result = restore_backup(options["directory"], self.stdout.write, _options(options))
        self.stdout.write(summary(result))


def _options(given: dict[str, Any]) -> RestoreOptions:
    return RestoreOptions(
        stopped_at=given["stopped_at"],
        keep_objects=given["keep_objects"],
        by_hash=not given["sizes_only"],
        allow_missing=given["allow_missing"],
    )
