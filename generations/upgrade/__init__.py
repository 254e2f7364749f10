"""`manage.py upgrade_check`: run with the new code against the running database, before anything is switched.

It changes nothing. Each finding says what to do; one that has failed means: do not go on.
"""

from collections.abc import Iterator
from functools import partial

from config.migrations import unapplied_migrations
from generations.doctor import servers
from generations.doctor.outcome import Finding, State, find, not_tried
from generations.upgrade import database, migrations, settings_changes, work


def examine(*, is_stopped: bool = False) -> Iterator[Finding]:
    """Each finding as soon as it is there. `is_stopped`: the old version is stopped before the migrations."""
    answers = find("database", servers.database)
    yield answers
    if answers.state is State.FAILED:
        yield find("migration", not_tried)
    else:
        yield find("version", database.known_version)
        unapplied = unapplied_migrations()
        yield from migrations.findings(unapplied, is_stopped=is_stopped)
        yield find("locks", database.long_transactions)
        yield find("work", work.under_way)
        yield find("backup", partial(work.last_backup, has_migrations=bool(unapplied)))
    yield find("redis", database.redis_version)
    yield find("queue", work.queued_jobs)
    yield find("python", database.python_version)
    yield find("settings", settings_changes.check)


__all__ = ["Finding", "State", "examine"]
