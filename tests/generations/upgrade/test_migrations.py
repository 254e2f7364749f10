"""No migration breaks the version that still serves; what would, is found; and who waits meanwhile is said."""

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config.migrations import unapplied_migrations
from generations.doctor.outcome import State
from generations.upgrade import migrations
from generations.upgrade.migrations import ACCEPTED, judge, own_migrations, sql_of, unsafe
from generations.upgrade.statements import problems
from tests.migration_history import unapplied_migration

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = '"generations_generation"'


def test_no_migration_breaks_the_version_that_still_serves() -> None:
    """django-migration-linter over the SQL of each since 0.2.0. To rename or drop something takes two versions:
    CONTRIBUTING.md says how.
    """
    loader = MigrationLoader(connection)
    found = own_migrations(loader)

    assert len(found) >= 9
    assert {str(one): problems for one in found if (problems := unsafe(str(one), sql_of(loader, one)))} == {}


def test_what_is_accepted_is_there() -> None:
    loader = MigrationLoader(connection)
    sql = {str(one): sql_of(loader, one) for one in own_migrations(loader) if str(one) in ACCEPTED}

    assert {name: codes for name, (codes, _) in ACCEPTED.items()} == {
        name: set(problems(lines)) for name, lines in sql.items()
    }


UNSAFE = [
    (f'ALTER TABLE {TABLE} RENAME COLUMN "prompt" TO "text";', "renames a column"),
    (f'ALTER TABLE {TABLE} RENAME TO "generations_video2";', "renames a table"),
    (f'ALTER TABLE {TABLE} DROP COLUMN "prompt" CASCADE;', "drops a column"),
    (f"DROP TABLE {TABLE} CASCADE;", "drops a table"),
    (f'ALTER TABLE {TABLE} ALTER COLUMN "duration" TYPE varchar(9) USING "duration"::varchar(9);', "changes the type"),
    (f'ALTER TABLE {TABLE} ADD COLUMN "x" integer NOT NULL;', "demands a value"),
    (f'ALTER TABLE {TABLE} ALTER COLUMN "reason" SET NOT NULL;', "demands a value"),
    (f'ALTER TABLE {TABLE} ADD CONSTRAINT "u" UNIQUE ("batch");', "demands uniqueness"),
    (f'CREATE UNIQUE INDEX "u" ON {TABLE} ("batch");', "demands uniqueness"),
    (f'ALTER TABLE {TABLE} ADD CONSTRAINT "c" CHECK ("cost_cents" < 100);', "adds a constraint"),
    (f'CREATE INDEX "i" ON {TABLE} ("batch");', "makes an index while writes wait"),
    ('DROP INDEX IF EXISTS "generation_due";', "drops an index"),
]
SAFE = [
    (f'ALTER TABLE {TABLE} ADD COLUMN "x" integer NULL;', "all", "a moment"),
    (f'ALTER TABLE {TABLE} ADD COLUMN "x" integer DEFAULT 1 NOT NULL;', "all", "a moment"),
    (f'CREATE INDEX CONCURRENTLY "i" ON {TABLE} ("batch");', "nobody", ""),
    (f'ALTER TABLE {TABLE} ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "t" ("id") NOT VALID;', "all", "a moment"),
    (f'ALTER TABLE {TABLE} VALIDATE CONSTRAINT "f";', "nobody", ""),
    ('CREATE TABLE "t" ("id" integer NOT NULL PRIMARY KEY);', "nobody", ""),
    ("UPDATE accounts_user SET theme = 'auto';", "writes", "a moment"),
    ("-- Raw Python operation", "nobody", ""),
]


@pytest.mark.parametrize(("sql", "words"), UNSAFE)
def test_what_breaks_the_old_version_is_refused(sql: str, words: str) -> None:
    outcome = judge("x.0001_x", ["BEGIN;", sql, "COMMIT;"])

    assert outcome.state is State.FAILED
    assert words in outcome.message
    assert "Stop web, worker and cron" in outcome.advice
    assert judge("x.0001_x", [sql], is_stopped=True).state is State.WARNING


@pytest.mark.parametrize(("sql", "who", "time"), SAFE)
def test_what_does_not_is_said_to_be_safe(sql: str, who: str, time: str) -> None:
    outcome = judge("x.0001_x", [sql])

    assert outcome.state is State.OK
    words = {"all": "whoever reads or writes it", "writes": "writes to it", "nobody": "Nobody waits"}
    assert words[who] in outcome.message
    assert time in outcome.message


def test_table_that_is_new_with_its_index_keeps_nobody_waiting() -> None:
    sql = [
        'CREATE TABLE "t" ("id" integer);',
        'CREATE INDEX "i" ON "t" ("id");',
        'ALTER TABLE "t" ADD CONSTRAINT "c" CHECK ("id" > 1);',
    ]

    assert judge("x.0001_x", sql) == judge("x.0001_x", [])


@pytest.mark.parametrize(
    ("rows", "state", "words"), [(10_000, State.OK, "a moment"), (20_000_000, State.WARNING, "up to 20 s")]
)
def test_lock_is_as_long_as_its_table(monkeypatch: pytest.MonkeyPatch, rows: int, state: State, words: str) -> None:
    monkeypatch.setattr(migrations, "rows_of", lambda _: rows)
    outcome = judge("x.0001_x", [f'ALTER TABLE {TABLE} ADD CONSTRAINT "f" FOREIGN KEY ("x") REFERENCES "t" ("id");'])

    assert outcome.state is state
    assert f"{rows:,} rows" in outcome.message
    assert words in outcome.message


def test_each_pending_migration_is_named() -> None:
    with unapplied_migration() as name:
        (finding,) = migrations.findings(unapplied_migrations(), is_stopped=False)

    assert finding.state is State.OK
    assert finding.message.startswith(f"{name}: Safe while the old version serves.")
