"""The gallery over a million generations in 500 teams, compared with the same gallery over a thousand.

Run `python -m bench.gallery`. Two databases of one server; the same user opens the same pages of both, in turns.
The thousand rows are all of one team of four; in the large database that team has 2,000, as has every other. Besides,
it has a project: of 500 older rows in the small database, of 10,000 in the large one. 20 are takes of its shots.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import argparse
import gzip
import random
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Team, User
from accounts.roles import Role
from bench._targets import Target, report_targets
from devserver import addresses
from devserver.postgres import running_postgres
from generations.models import Collection, Generation, Shot, Status, Video
from tests.cast import make_generation, signed_in

MEMBERS: Final = 4  # of each team; each has made a quarter of its rows
SMALL_ROWS: Final = 1000
ROWS_PER_TEAM: Final = 2000
PROJECT: Final = 1  # its key
SMALL_PROJECT: Final = 500  # rows
LARGE_PROJECT: Final = 10_000
SHOTS: Final = 20
WARM_UP: Final = 5
PAGES: Final = {
    "first page": "/?",
    "first page of the team": "/?team=bench-0",
    "deep page": "/?before={deep}",
    "deep page of the team": "/?team=bench-0&before={deep}",
    "filtered: done, text, 16:9": "/?status=done&kind=text&ratio=16%3A9",
    "filtered: the team's, 10 s": "/?team=bench-0&duration=10",
    "search: a word in most prompts": "/?q=word0",
    "search: a rare word": "/?q=lighthouse",
    "search: a word that is nowhere": "/?q=zebra",
    "search in the team: a rare word": "/?team=bench-0&q=lighthouse",
    "favourites": "/?favourite=on",
    "live search: the results alone": "/?part=results&q=lighthouse",
    "select all that a search finds": "/?part=ids&q=lighthouse",
    "numbers of the rail": "/gallery/counts?",
    "months of the team": "/gallery/months?team=bench-0",
    "trash": "/trash/?",
    "the project": "/?team=bench-0&collection={project}",
    "own videos of the project": "/?collection={project}",
    "deep page of the project": "/?team=bench-0&collection={project}&before={deep_in_project}",
    "months of the project": "/gallery/months?team=bench-0&collection={project}",
    "page of the project": "/projects/{project}/",
    "storyboard of the project": "/projects/{project}/storyboard/",
}

# so many rows of each of the teams numbered from `first` to `last`, one each seven minutes back from the newest
_ROWS_QUERY: Final = """
SELECT team.id AS team_id, member.user_id, gen_random_uuid() AS id, step,
    timestamptz '2026-11-01' - step * interval '7 minutes' - team.number * interval '1 second' AS moment,
    (SELECT string_agg('word' || floor(power(random(), 3) * 2000)::int, ' ') FROM generate_series(1, 25 + mod(step, 7)))
        || CASE WHEN step < 1000 AND mod(step, 40) = 0 THEN ' lighthouse' ELSE '' END AS prompt
FROM (SELECT id, substr(slug, 7)::int AS number FROM accounts_team WHERE slug LIKE 'bench-%%') AS team
CROSS JOIN generate_series(%(newest)s, %(oldest)s) AS step
JOIN (
    SELECT team_id, user_id, row_number() OVER (PARTITION BY team_id ORDER BY id) - 1 AS place
    FROM accounts_membership
) AS member ON member.team_id = team.id AND member.place = mod(step, 4)
WHERE team.number BETWEEN %(first)s AND %(last)s
"""
_GENERATIONS: Final = {
    "id": "what.id",
    "team_id": "what.team_id",
    "user_id": "what.user_id",
    "idempotency_key": "what.id",
    "request_id": "what.id::text",
    "prompt": "what.prompt",
    "duration": "CASE WHEN mod(what.step, 5) = 0 THEN 10 ELSE 5 END",
    "collection_id": f"CASE WHEN what.step > {ROWS_PER_TEAM} THEN {PROJECT} END",
    "billed_project_id": f"CASE WHEN what.step > {ROWS_PER_TEAM} THEN {PROJECT} END",
    "created_at": "what.moment",
    "changed_at": "what.moment",
    "submitted_at": "what.moment",
    "finished_at": "what.moment",
    "notified_at": "what.moment",
}
_VIDEOS: Final = {
    "generation_id": "what.id",
    "key": "'video/' || what.id",
    "poster_key": "'poster/' || what.id",
    "created_at": "what.created_at",
}


# --- what is in the databases -----------------------------------------------------------------------------------------


def create_people_and_teams(count: int) -> User:
    """Teams `bench-0`, `bench-1`, … of four people each; the person is in the first one."""
    people = [User(email=f"bench{number}@example.com", name=f"Bench {number}") for number in range(count * MEMBERS)]
    teams = [Team(name=f"Bench {number}", slug=f"bench-{number}") for number in range(count)]
    people, teams = User.objects.bulk_create(people), Team.objects.bulk_create(teams)
    Membership.objects.bulk_create(
        Membership(team=team, user=person, role=Role.MEMBER)
        for number, team in enumerate(teams)
        for person in people[number * MEMBERS : (number + 1) * MEMBERS]
    )
    return people[0]


def fill(*, first: int, last: int, newest: int, oldest: int) -> None:
    """Copies of one finished generation and its video, with what differs; by the database itself."""
    sample = Generation.objects.filter(prompt="sample").first() or create_sample()
    numbers = {"first": first, "last": last, "newest": newest, "oldest": oldest}
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE what AS {_ROWS_QUERY}", numbers)
        cursor.execute(_insert_statement(Generation, _GENERATIONS), {"sample": sample.pk})
        cursor.execute("ALTER TABLE what RENAME moment TO created_at")
        cursor.execute(_insert_statement(Video, _VIDEOS), {"sample": sample.pk})
        cursor.execute("DROP TABLE what")
        cursor.execute("VACUUM ANALYZE")


def create_storyboard() -> None:
    """Each shot with one take."""
    project = Collection.objects.get(pk=PROJECT)
    shots = Shot.objects.append(project, [Shot(prompt=f"Shot {number}") for number in range(SHOTS)])
    for shot, row in zip(shots, Generation.objects.filter(collection=project)[:SHOTS], strict=True):
        Generation.objects.filter(pk=row.pk).update(shot=shot)


def create_sample() -> Generation:
    stranger = User.objects.create_user("stranger@example.com")
    sample = make_generation(stranger, stranger.personal_team, Status.DONE, prompt="sample")
    Video.objects.create(
        generation=sample,
        key=sample.video_key,
        poster_key=sample.poster_key,
        size=8_000_000,
        sha256="0" * 64,
        content_type="video/mp4",
        width=1280,
        height=720,
        duration=5,
        fps=24,
        codec="h264",
        preview_key=sample.preview_key,
        placeholder=f"data:image/webp;base64,{'A' * 200}",
    )
    return sample


def _insert_statement(model: type[models.Model], differs: dict[str, str]) -> str:
    """The statement that makes a row for each of `what`, else like the sample."""
    columns = [str(field.column) for field in model._meta.concrete_fields if not getattr(field, "generated", False)]
    values = [differs.get(column, f'sample."{column}"') for column in columns]
    names = ", ".join(f'"{column}"' for column in columns)
    key = "id" if "id" in columns else "generation_id"
    return (
        f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(values)} "
        f'FROM what, {model._meta.db_table} AS sample WHERE sample."{key}" = %(sample)s'
    )


# --- two databases ----------------------------------------------------------------------------------------------------


class BenchDatabase:
    """One of the databases, with the person's browser."""

    def __init__(self, name: str) -> None:
        self.reset_times()
        self._connection = _connection_to(name)
        with self.as_default():
            person = User.objects.get(email="bench0@example.com")
            self.client = signed_in(person)
            self.places = {
                "deep": _deep_in(Generation.objects.filter(user=person, collection=None)),
                "deep_in_project": _deep_in(Generation.objects.filter(collection=PROJECT)),
                "project": PROJECT,
            }

    def reset_times(self) -> None:
        """Nothing has been measured yet."""
        self.times: dict[str, list[float]] = {page: [] for page in PAGES}

    @contextmanager
    def as_default(self) -> Iterator[BaseDatabaseWrapper]:
        """This database is the studio's meanwhile."""
        usual = connections["default"]
        connections["default"] = self._connection
        try:
            yield self._connection
        finally:
            connections["default"] = usual

    def get(self, page: str) -> Any:
        return self.client.get(PAGES[page].format(**self.places), headers={"Accept-Encoding": ""})

    def measure(self, page: str) -> None:
        with self.as_default():
            begun = time.perf_counter()
            answer = self.get(page)
            self.times[page].append(time.perf_counter() - begun)
        assert answer.status_code == 200

    def queries(self, page: str) -> int:
        with self.as_default() as chosen, CaptureQueriesContext(chosen) as queries:
            self.get(page)
        return len(queries)

    def kilobytes(self, page: str) -> float:
        with self.as_default():
            return len(gzip.compress(self.get(page).content)) / 1000

    def milliseconds(self, page: str) -> float:
        return statistics.median(self.times[page]) * 1000


def _deep_in(rows: models.QuerySet[Generation]) -> str:
    """The place in the gallery behind nine of ten."""
    row = rows.order_by("-created_at", "-id")[rows.count() * 9 // 10]
    return f"{row.created_at.isoformat()}_{row.pk}".replace("+", "%2B")


def _connection_to(name: str) -> BaseDatabaseWrapper:
    made = connections.create_connection("default")
    made.settings_dict = deepcopy(made.settings_dict) | {"NAME": name}
    return made


def make_database(name: str, template: str) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


@contextmanager
def use(name: str) -> Iterator[None]:
    """Everything goes to that database, whose connection is closed afterwards."""
    usual = connections["default"]
    connections["default"] = _connection_to(name)
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = usual


def prepare(teams: int) -> None:
    make_database("small", "template1")
    with use("small"):
        call_command("migrate", verbosity=0)
        create_people_and_teams(teams)
        Collection.objects.create(pk=PROJECT, team=Team.objects.get(slug="bench-0"), name="Bench")
        fill(first=0, last=0, newest=1, oldest=SMALL_ROWS)
        fill(first=0, last=0, newest=ROWS_PER_TEAM + 1, oldest=ROWS_PER_TEAM + SMALL_PROJECT)
        create_storyboard()
    make_database("large", "small")
    with use("large"):
        fill(first=0, last=0, newest=SMALL_ROWS + 1, oldest=ROWS_PER_TEAM)
        fill(first=0, last=0, newest=ROWS_PER_TEAM + SMALL_PROJECT + 1, oldest=ROWS_PER_TEAM + LARGE_PROJECT)
        for first in range(1, teams, 50):
            fill(first=first, last=min(first + 49, teams - 1), newest=1, oldest=ROWS_PER_TEAM)


# --- what is measured -------------------------------------------------------------------------------------------------


def measure(rounds: int) -> int:
    small, large = BenchDatabase("small"), BenchDatabase("large")
    for number in range(WARM_UP + rounds):
        if number == WARM_UP:
            small.reset_times()
            large.reset_times()
        for page in PAGES:
            for side in random.sample([small, large], 2):
                side.measure(page)
    targets = []
    print("| page | 1,000 rows, ms | 1,000,000 rows, ms | ratio | queries | kB compressed |")
    print("|---|---:|---:|---:|---:|---:|")
    for page in PAGES:
        ratio = statistics.median(b / a for a, b in zip(small.times[page], large.times[page], strict=True))
        queries, size = large.queries(page), large.kilobytes(page)
        print(
            f"| {page} | {small.milliseconds(page):.1f} | {large.milliseconds(page):.1f} "
            f"| {ratio:.2f} | {queries} | {size:.1f} |"
        )
        targets += [
            Target(f"{page}: × the time over 1,000 rows", ratio, 1.2, at_most=True),
            Target(f"{page}: queries", queries, 8, at_most=True),
            Target(f"{page}: kB compressed", size, 40, at_most=True),
        ]
    return report_targets(targets)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--teams", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    settings.ALLOWED_HOSTS, settings.DEBUG = ["testserver"], False
    directory = addresses.var()
    directory.mkdir(parents=True)
    try:
        with running_postgres(directory / "pg"):
            prepare(arguments.teams)
            return measure(arguments.rounds)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
