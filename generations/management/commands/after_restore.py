"""`manage.py after_restore`: prepare a database that was restored by other means, such as point-in-time recovery."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from generations.backup import mark_restored
from generations.management.backup_commands import add_stopped_at, backup_errors, summary


class Command(BaseCommand):
    help = "After a point-in-time recovery, before anything starts: see that nothing is paid for twice."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_stopped_at(parser)

    def handle(self, **options: Any) -> None:
        with backup_errors():
            self.stdout.write(summary(mark_restored(options["stopped_at"])))
