"""What `backup`, `restore` and `after_restore` ask and say alike."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from generations.backup import BackupError
from generations.backup.after_restore import Restored


@contextmanager
def backup_errors() -> Iterator[None]:
    """What goes wrong, as a sentence instead of a traceback."""
    try:
        yield
    except BackupError as error:
        raise CommandError(str(error)) from error
    except (OperationalError, InterfaceError) as error:
        raise CommandError(f"The database does not answer: {error}") from error


def add_stopped_at(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--stopped-at",
        type=moment,
        metavar="MOMENT",
        help="When the studio that is replaced was stopped, such as 2026-11-28T14:00Z; now, if it isn't given. What "
        "fal may have of it is searched for from then on for GENERATION_GIVE_UP_HOURS. Where it was stopped before the "
        "backup began, nothing has to be.",
    )


def moment(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no moment such as 2026-11-28T14:00Z")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def summary(result: Restored) -> str:
    return (
        f"Restored. {result.searched:,} requests are searched for at fal before any of them is sent, "
        f"{result.at_fal:,} are asked for there, {result.copied:,} are copied, {result.held:,} wait for a yes. "
        f"{result.mails:,} mails are not sent again; everybody signs in anew ({result.sessions:,} sessions).\n"
        "Now start web, worker and cron, and run `manage.py audit_storage`."
    )
