"""Give webhooks of fal's form another signing key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.models import SigningKey


class Command(BaseCommand):
    help = "Make another key for webhooks in fal's form. It signs in 24 hours, when every receiver can know it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at-once",
            action="store_true",
            help="for a key that others know: it ends now, and receivers that keep keys may refuse ours for a day",
        )

    def handle(self, *, at_once: bool, **_options: Any) -> None:
        key = SigningKey.objects.rotate(at_once=at_once)
        self.stdout.write(f"Key {key.pk} signs from {key.signs_from:%Y-%m-%d %H:%M} UTC on.")
