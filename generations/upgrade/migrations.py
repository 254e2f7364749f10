"""Which migrations will be applied, whether each is safe while the old version serves, and what waits meanwhile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader

from generations.doctor.outcome import Finding, Outcome, State, failed, ok, warning
from generations.upgrade import statements
from generations.upgrade.statements import Lock, Wait

BASELINE: Final = {("accounts", "0001"), ("accounts", "0002"), ("generations", "0001"), ("generations", "0002")}
# What the linter can't know to be harmless: a migration, its codes, and why.
ACCEPTED: Final[dict[str, tuple[set[str], str]]] = {
    "generations.0007_notifications": (
        {"CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE"},
        "Of moderators' cases there are some thousands at most.",
    ),
    "generations.0009_columns_of_0_2_0": (
        {"RENAME_COLUMN"},
        "It names the columns as version 0.2.0 does; where that served, nothing is renamed.",
    ),
    "generations.0011_reports_of_guests": ({"ADD_CHECK"}, "Each report of the old version has a reporter."),
    "generations.0014_review_notifications": (
        {"ADD_CHECK", "ADD_UNIQUE", "CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE"},
        "The kinds of before stay, none of them is unique, and the table is new since version 0.2.0.",
    ),
    "generations.0016_endpoints": ({"ADD_CHECK"}, "What the old version writes passes: there is one more endpoint."),
    "generations.0021_chains": ({"ALTER_COLUMN"}, "A varchar becomes longer: no row is written, and none is too long."),
    "generations.0025_preset_versions": (
        {"ADD_UNIQUE", "CREATE_INDEX", "CREATE_INDEX_EXCLUSIVE", "DROP_INDEX"},
        "Of presets there are some thousands at most, and names that were told apart still are.",
    ),
}
LONG: Final = 5.0  # s that others may wait before somebody should choose the hour

_STOP: Final = "Stop web, worker and cron of the old version before `migrate`, and check with --stopped."


def findings(unapplied: list[Migration], *, is_stopped: bool) -> Iterator[Finding]:
    loader = MigrationLoader(connection)
    if not unapplied:
        yield _finding("", ok("None to apply."))
    elif not loader.applied_migrations:
        yield _finding("", ok(f"{len(unapplied)} to apply, to an empty database."))
    else:
        for migration in unapplied:
            outcome = judge(str(migration), sql_of(loader, migration), is_stopped=is_stopped)
            yield _finding(str(migration), outcome)


def own_migrations(loader: MigrationLoader) -> list[Migration]:
    """Of this project's apps, without those that version 0.2.0 began with."""
    own = [config.label for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    found = [one for (app, _), one in sorted(loader.disk_migrations.items()) if app in own]
    return [one for one in found if (one.app_label, one.name[:4]) not in BASELINE]


def sql_of(loader: MigrationLoader, migration: Migration) -> list[str]:
    """Its statements, as `sqlmigrate` shows them; none is run."""
    plan = [(loader.graph.nodes[migration.app_label, migration.name], False)]
    found = [str(statement) for statement in loader.collect_sql(plan)]
    return ["BEGIN;", *found, "COMMIT;"] if migration.atomic else found


def unsafe(name: str, sql: list[str]) -> dict[str, str]:
    """What breaks the version that still serves, by the linter's codes."""
    codes, _ = ACCEPTED.get(name, (set(), ""))
    return {code: words for code, words in statements.problems(sql).items() if code not in codes}


def judge(name: str, sql: list[str], *, is_stopped: bool = False) -> Outcome:
    waits, longest = _waits(statements.locks(sql))
    if problems := unsafe(name, sql):
        told = f"Not safe while the old version serves: it {', and '.join(problems.values())}. {waits}"
        return warning(told, "Keep the old version stopped until it is applied.") if is_stopped else failed(told, _STOP)
    if longest >= LONG and not is_stopped:
        return warning(f"Safe. {waits}", "Apply it when little is going on.")
    return ok(f"Safe while the old version serves. {waits}")


def _waits(locks: list[Lock]) -> tuple[str, float]:
    """In words, and for how many seconds at most."""
    worst: dict[tuple[str, Wait], float] = {}
    for lock in locks:
        seconds = rows_of(lock.table) / lock.rows_per_second if lock.rows_per_second else 0.0
        worst[lock.table, lock.wait] = worst.get((lock.table, lock.wait), 0.0) + seconds
    if not worst:
        return "Nobody waits.", 0.0
    parts = [
        f"{table} ({rows_of(table):,} rows): {wait} for {_time(seconds)}" for (table, wait), seconds in worst.items()
    ]
    return f"Meanwhile wait at {'; '.join(parts)}.", max(worst.values())


def _time(seconds: float) -> str:
    return "a moment" if seconds < 1 else f"up to {seconds:,.0f} s"


def rows_of(table: str) -> int:
    """As PostgreSQL estimates it; of a table that it has never looked at, as it counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(%s)", [table])
        found = cursor.fetchone()
        if found is None or found[0] >= 0:
            return int(found[0]) if found else 0
        cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608  a table of ours
        return int(cursor.fetchone()[0])


def _finding(name: str, outcome: Outcome) -> Finding:
    message = f"{name}: {outcome.message}" if name else outcome.message
    return Finding("migration", State(outcome.state), message, outcome.advice)
