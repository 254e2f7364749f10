"""`manage.py backup DIR`: the database and what lies in the bucket, of one moment."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from generations.backup import create_backup
from generations.management.backup_commands import backup_errors
from generations.models import ObjectMode


class Command(BaseCommand):
    help = "Write a backup into a new directory, which appears once it is whole. The studio goes on meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("directory", type=Path, metavar="DIR", help="A directory that is not there yet.")
        parser.add_argument(
            "--objects",
            choices=ObjectMode.values,
            default=ObjectMode.COPY.value,
            help="copy: every object of the bucket, too. list: their names, sizes and hashes, where versions or a "
            "replica keep the bucket itself safe.",
        )

    def handle(self, **options: Any) -> None:
        mode = ObjectMode(options["objects"])
        with backup_errors():
            manifest = create_backup(options["directory"], mode, self.stdout.write)
        if manifest.missing_count:
            self.stderr.write(
                f"{manifest.missing_count:,} objects of the rows are not in the bucket: see `manage.py audit_storage`."
            )
        self.stdout.write(
            f"{options['directory']}: the database of {manifest.moment:%Y-%m-%d %H:%M:%S %Z} "
            f"({manifest.database.size / 1e6:.1f} MB), {manifest.object_count:,} objects {mode.label} "
            f"({manifest.object_bytes / 1e6:.1f} MB)."
        )
