"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generations.doctor import examine
from generations.management.findings import add_json, print_findings


class Command(BaseCommand):
    help = "Look at everything that a new installation gets wrong; exit code 1 when something is."
    requires_system_checks = ()  # it says itself what they say

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mail-to", default="", metavar="ADDRESS", help="send a test mail there")
        add_json(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        print_findings(self.stdout, examine(options["mail_to"]), as_json=options["json"])
