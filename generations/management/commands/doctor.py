"""`manage.py doctor`: what is wrong with this installation, and what to do about it."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generations.doctor import Finding, State, examine


class Command(BaseCommand):
    help = "Look at everything that a new installation gets wrong; exit code 1 when something is."
    requires_system_checks = ()  # it says itself what they say

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mail-to", default="", metavar="ADDRESS", help="send a test mail there")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        findings = []
        for finding in examine(options["mail_to"]):
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(_line(finding))
        is_well = all(finding.state is not State.FAILED for finding in findings)
        if options["json"]:
            self.stdout.write(
                json.dumps({"ok": is_well, "checks": [asdict(finding) for finding in findings]}, indent=2)
            )
        if not is_well:
            sys.exit(1)


def _line(finding: Finding) -> str:
    told = " → ".join(filter(None, (finding.message, finding.advice)))
    return f"{finding.name:<11}{finding.state:<9}{told}"
