"""`manage.py upgrade_check`: may the new version take over from the one that runs, and what has to be done for it?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generations.management.findings import add_json, print_findings
from generations.upgrade import examine


class Command(BaseCommand):
    help = "With the new code, before it is switched to: look at the running database. Exit code 1: do not go on."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--stopped", action="store_true", help="web, worker and cron are stopped before the migrations"
        )
        add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        print_findings(self.stdout, examine(is_stopped=options["stopped"]), as_json=options["json"])
