"""`manage.py audit_moderation`: report videos shown against the rules, and decisions without their effects."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generations.moderation.policy_audit import violations


class Command(BaseCommand):
    help = (
        "Look for videos and films that are seen though they may not be, and for decisions without their consequences."
    )

    def handle(self, **options: Any) -> None:
        count = 0
        for found in violations():
            count += 1
            self.stdout.write(f"{found.rule}\t{found.row}\t{found.message}")
        if count:
            raise CommandError(f"{count} found. Look at each in the admin; nothing was changed.")
        self.stdout.write("All is as decided.")
