"""The only module that touches RQ: it carries wake-ups, and a lost one costs a few seconds until the next sweep."""

import django_rq
from django.db import transaction

from generations import pipeline


def wake() -> None:
    """Have a worker look at what is due, once the current transaction is committed.

    The row is already safe: when Redis is away this is logged, and the sweep finds the row later.
    """
    transaction.on_commit(_enqueue_drive, robust=True)


def wake_cleaner() -> None:
    """Have a worker empty the outbox of deletions, once the current transaction is committed."""
    transaction.on_commit(_enqueue_clean, robust=True)


def drive() -> None:
    pipeline.drive()


def clean() -> None:
    pipeline.remove_objects()


def sweep() -> None:
    pipeline.sweep_uploads()


def tell() -> None:
    pipeline.tell_people()


def _enqueue_drive() -> None:
    django_rq.get_queue().enqueue(drive)


def _enqueue_clean() -> None:
    django_rq.get_queue().enqueue(clean)
