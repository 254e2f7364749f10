"""The only module that touches RQ: it carries wake-ups, and a lost one costs a few seconds until the next sweep."""

import logging
from collections.abc import Callable

import django_rq
import rq
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from redis.exceptions import RedisError

from accounts.expiry import delete_expired
from generations import pipeline
from generations.moderation import auditing, bulk, purging, quarantining
from generations.pipeline import private_work

logger = logging.getLogger(__name__)


class Worker(rq.SimpleWorker):
    """No fork a job: pooled connections live on, and copies run in threads."""

    max_connection_wait_time = 2.0  # s between two looks for a Redis that is away; RQ's own minute is lost time


def wake() -> None:
    """Have a worker look at what is due, once the current transaction is committed.

    The row is already safe: when Redis is away this is logged, and the sweep finds the row later.
    """
    transaction.on_commit(_enqueue_drive, robust=True)


def wake_cleaner() -> None:
    """Have a worker empty the outbox of deletions, once the current transaction is committed."""
    transaction.on_commit(_enqueue_clean, robust=True)


def workers() -> int | None:
    """How many are alive; None when Redis can't be asked."""
    try:
        return rq.Worker.count(connection=django_rq.get_connection())
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return None


def audit() -> None:
    """Each night: what is seen though it may not be is said in the log, and found in the admin by its row."""
    _run(_audit_moderation)


def drive() -> None:
    _run(pipeline.drive)


def clean() -> None:
    _run(pipeline.remove_objects)
    _run(quarantining.settle_all)
    _run(bulk.go_on)


def sweep() -> None:
    _run(pipeline.sweep_uploads)
    _run(private_work.notify_former_members)
    _run(private_work.bin_undecided)
    _run(pipeline.empty_bins)
    _run(purging.purge_evidence)
    _run(delete_expired)


def warn() -> None:
    _run(pipeline.warn_of_budgets)


def reconcile() -> None:
    _run(pipeline.reconcile)


def tell() -> None:
    _run(pipeline.tell_people)
    _run(pipeline.ask_for_yes)


def _run(step: Callable[[], object]) -> None:
    """Take the step on a connection that is alive: a worker lives long, and PostgreSQL may have been restarted.

    While the database is away that is said in one line, and the next sweep tries again.
    """
    close_old_connections()
    try:
        step()
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)


def _audit_moderation() -> None:
    for found in auditing.violations():
        logger.error("audit_moderation: %s %s: %s", found.rule, found.generation, found.words)


def _enqueue_drive() -> None:
    django_rq.get_queue().enqueue(drive)


def _enqueue_clean() -> None:
    django_rq.get_queue().enqueue(clean)
