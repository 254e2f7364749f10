"""`manage.py unknown_requests`: what fal has made, and was paid for, of orders that a restored database lacks."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from generations import tasks
from generations.fal.errors import FalError
from generations.management.backup_commands import moment
from generations.pipeline import unknown_requests
from generations.pipeline.unknown_requests import UnknownRequest


class Command(BaseCommand):
    help = "List videos that fal has made with this key and no row knows; --adopt brings them into somebody's gallery."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, required=True, metavar="MOMENT", help="The backup's, for example.")
        parser.add_argument(
            "--adopt", metavar="EMAIL", help="Copy them into the personal team of this user, who sees every prompt."
        )

    def handle(self, **options: Any) -> None:
        user = self._user(options["adopt"]) if options["adopt"] else None
        if searched := unknown_requests.rows_searched():
            raise CommandError(f"{searched:,} rows are still searched for at fal, and may be these. Wait for them.")
        try:
            self._list(options["since"], user)
        except FalError as error:
            raise CommandError(f"fal's list of requests can't be read: {error}") from error

    def _user(self, email: str) -> User:
        user = User.objects.filter(email__iexact=email, is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {email}.")
        return user

    def _list(self, since: datetime, user: User | None) -> None:
        found = adopted = 0
        for each in unknown_requests.find(since):
            found += 1
            row = unknown_requests.adopt(each, user) if user else None
            adopted += row is not None
            self.stdout.write(f"{_line(each)}{f' → {row.get_absolute_url()}' if row else ''}")
        tasks.wake()
        self.stdout.write(f"{found:,} requests that no row knows, {adopted:,} adopted.")


def _line(each: UnknownRequest) -> str:
    """Without the prompt, which may be private."""
    sent = f"{each.sent_at:%Y-%m-%d %H:%M:%S %Z}" if each.sent_at else "at an unknown time"
    what = f"{each.arguments.duration} s" if each.arguments else "its input is not kept at fal"
    return f"{each.request_id}: {each.endpoint.rpartition('/')[2]}, {what}, sent {sent}"
