"""`manage.py restore DIR`: what `manage.py backup` has written, into an empty studio."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generations.backup import BackupError, restore_backup
from generations.management.restored import add_stopped_at, summary


class Command(BaseCommand):
    help = "Restore a backup into an empty studio, and prepare it so that nothing is paid for twice."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR")
        add_stopped_at(parser)
        parser.add_argument(
            "--sizes-only", action="store_true", help="Of listed objects, look at the sizes instead of reading each."
        )
        parser.add_argument(
            "--allow-missing", action="store_true", help="Restore though listed objects are gone or changed."
        )

    def handle(self, **options: Any) -> None:
        try:
            result = restore_backup(
                options["directory"],
                self.stdout.write,
                stopped_at=options["stopped_at"],
                by_hash=not options["sizes_only"],
                allow_missing=options["allow_missing"],
            )
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(summary(result))
