"""The only module besides `cron` that touches RQ: it carries wake-ups, and a lost one costs a few seconds."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import django_rq
import rq
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from redis.exceptions import RedisError
from rq.cron import CronScheduler

from accounts.expiry import delete_expired
from config import metrics, metrics_server
from generations import pipeline
from generations.billing import reconciliation
from generations.billing.budget_alerts import send_budget_alerts
from generations.films import worker as film_worker
from generations.flows import private_work
from generations.imports import fetch as import_fetch
from generations.models import OrderImport
from generations.moderation import bulk, policy_audit, quarantine, retention
from generations.notifications import delete_old, send_notifications
from generations.storage.cleanup import delete_unused_uploads, empty_picture_trash, empty_trash, remove_objects

logger = logging.getLogger(__name__)

_MOST_JOBS = 1000  # that are looked at


class Worker(rq.SimpleWorker):
    """No fork a job: pooled connections live on, and copies run in threads."""

    max_connection_wait_time = 2.0  # s between two looks for a Redis that is away; RQ's own minute is lost time

    def work(self, *arguments: Any, **options: Any) -> bool:
        metrics_server.start(metrics.render)
        return super().work(*arguments, **options)


def wake() -> None:
    """Have a worker look at what is due, once the current transaction is committed.

    The row is already safe: when Redis is away this is logged, and the sweep finds the row later.
    """
    transaction.on_commit(_enqueue_drive, robust=True)


def wake_cleaner() -> None:
    """Have a worker empty the outbox of deletions, once the current transaction is committed."""
    transaction.on_commit(_enqueue_clean, robust=True)


def wake_films() -> None:
    """Have a worker look for films to join, once the current transaction is committed."""
    transaction.on_commit(_enqueue_films, robust=True)


def wake_import_pictures() -> None:
    """Have a worker fetch the pictures that sheets name, once the current transaction is committed."""
    transaction.on_commit(_enqueue_import_pictures, robust=True)


def workers() -> int | None:
    """How many are alive, without those that were killed some minutes ago; None when Redis can't be asked."""
    try:
        return len(rq.Worker.all(connection=django_rq.get_connection()))
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return None


def schedulers() -> int | None:
    """How many cron processes are alive; None when Redis can't be asked."""
    try:
        return len(CronScheduler.all(django_rq.get_connection()))
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return None


def working_processes(within: timedelta) -> int:
    """Workers and cron processes that Redis has heard of since; 0 when it can't be asked."""
    since = timezone.now() - within
    try:
        heard = [worker.last_heartbeat for worker in rq.Worker.all(connection=django_rq.get_connection())]
        heard += [scheduler.last_heartbeat for scheduler in CronScheduler.all(django_rq.get_connection())]
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return 0
    return sum(moment is not None and moment > since for moment in heard)


def queued_jobs() -> list[str] | None:
    """The functions of jobs that wait, each as `module.name`; None when Redis can't be asked."""
    try:
        return [str(job.func_name) for job in django_rq.get_queue().get_jobs(0, _MOST_JOBS)]
    except RedisError as error:
        logger.warning("Redis does not answer: %s", error)
        return None


def is_known(function: str) -> bool:
    """Whether a job of this name can be carried out by this code."""
    try:
        return callable(import_string(function))
    except ImportError:
        return False


def audit_moderation() -> None:
    """Each night: what is seen though it may not be is said in the log, and found in the admin by its row."""
    _run(_log_violations)


def drive() -> None:
    _run(pipeline.drive)


def join_films() -> None:
    """Returns at once: they are joined in threads."""
    _run(film_worker.start_due)


def fetch_import_pictures() -> None:
    """Returns at once: they are fetched in threads."""
    _run(import_fetch.start_due)


def clean() -> None:
    _run(remove_objects)
    _run(quarantine.move_pending)
    _run(quarantine.move_films)
    _run(bulk.resume)


_frequent: Final[list[Callable[[], object]]] = []
_hourly: Final[list[Callable[[], object]]] = []


def add_frequent(step: Callable[[], object]) -> None:
    """For an app that knows this one: a sweep takes this step every other second. It must not wait for anybody."""
    _frequent.append(step)


def add_hourly(step: Callable[[], object]) -> None:
    """For an app that knows this one: the hourly sweep takes this step, too."""
    _hourly.append(step)


def frequent() -> None:
    """Films and pictures of imports that are due are begun, and the steps of other apps are taken."""
    join_films()
    fetch_import_pictures()
    for step in _frequent:
        _run(step)


def sweep() -> None:
    _run(OrderImport.objects.delete_expired)
    _run(delete_unused_uploads)
    _run(private_work.notify_former_members)
    _run(private_work.trash_undecided)
    _run(private_work.delete_abandoned_films)
    _run(empty_trash)
    _run(empty_picture_trash)
    _run(retention.purge_evidence)
    _run(retention.purge_films)
    _run(retention.purge_library_pictures)
    _run(delete_expired)
    _run(delete_old)
    for step in _hourly:
        _run(step)


def check_budgets() -> None:
    _run(send_budget_alerts)


def reconcile() -> None:
    _run(reconciliation.reconcile)


def send_emails() -> None:
    _run(send_notifications)


def _run(step: Callable[[], object]) -> None:
    """Take the step on a connection that is alive: a worker lives long, and PostgreSQL may have been restarted.

    While the database is away that is said in one line, and the next sweep tries again.
    """
    close_old_connections()
    try:
        step()
    except (OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)


def _log_violations() -> None:
    for found in policy_audit.violations():
        logger.error("audit_moderation: %s %s: %s", found.rule, found.row, found.message)


def _enqueue_drive() -> None:
    django_rq.get_queue().enqueue(drive)


def _enqueue_films() -> None:
    django_rq.get_queue().enqueue(join_films)


def _enqueue_import_pictures() -> None:
    django_rq.get_queue().enqueue(fetch_import_pictures)


def _enqueue_clean() -> None:
    django_rq.get_queue().enqueue(clean)
