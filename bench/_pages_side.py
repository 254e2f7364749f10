"""One side of `bench.pages`: the studio of the directory that this runs in, with people, videos and a session.

It runs in the version before as well as in this one, so it uses only what both have. On each line of its input it
writes one line of JSON: first what there is to ask for, then the CPU seconds that the web processes have taken.
"""

import tests  # noqa: F401  prepares the settings, before anything reads them

# isort: split

import json
import sys
import uuid
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from accounts.models import Membership, Team, User
from accounts.roles import Role
from bench._studio import running_studio, session_of
from generations.models import Collection, Favourite, Generation, Status, Tag
from generations.models.generation import Relation
from tests.cast import make_generation, make_video, signed_in

VIDEOS: Final = 60
PROMPT: Final = "a red fox runs through deep snow at dawn, low camera, shallow focus, 35 mm film"


def populate() -> tuple[User, list[Generation]]:
    """A team of five with limits, whose owner has videos with tags, collections, favourites and descendants."""
    film = Team.objects.create(name="Film", slug="film", monthly_limit_cents=100_000)
    people = [User.objects.create_user(f"person{number}@example.com", name=f"Person {number}") for number in range(5)]
    for number, person in enumerate(people):
        Membership.objects.create(team=film, user=person, role=Role.MEMBER if number else Role.OWNER)
    rows = [_video(people[0], film, number) for number in range(VIDEOS)]
    for number in range(10):
        Tag.objects.create(team=film, name=f"tag {number}").generations.add(*rows[number::10])
        collection = Collection.objects.create(team=film, name=f"collection {number}")
        Generation.objects.filter(pk__in=[row.pk for row in rows[number::10]]).update(collection=collection)
    Favourite.objects.bulk_create(Favourite(user=people[0], generation=row) for row in rows[::5])
    for number in range(12):
        _trash(_video(people[0], film, number), people[0])
    return people[0], rows


def _video(user: User, film: Team, number: int) -> Generation:
    row = make_generation(user, film, Status.DONE, prompt=f"{PROMPT}, take {number}", batch=uuid.uuid4())
    make_video(row)
    return row


def _trash(row: Generation, user: User) -> None:
    move = getattr(row, "move_to_trash", None) or getattr(row, "bin")  # noqa: B009  its name before
    assert move(user)


def addresses(rows: list[Generation]) -> dict[str, str]:
    """The ten main pages, whatever their names are in this version."""
    row = rows[-2]
    Generation.objects.filter(pk__in=[rows[-4].pk, rows[-5].pk]).update(parent=row, relation=Relation.REMIX)
    return {
        "gallery": _reverse("gallery"),
        "a video's page": _reverse("generation", args=[row.pk]),
        "composer": _reverse("new-generation"),
        "compare": f"{_reverse('compare')}?ids={rows[0].pk},{rows[1].pk}",
        "trash": _reverse("trash", "bin"),
        "teams": _reverse("teams"),
        "team": _reverse("team", args=["film"]),
        "usage": _reverse("team-usage", args=["film"]),
        "queue": _reverse("team-queue", args=["film"]),
        "settings": _reverse("account-settings", "account_settings"),
    }


def _reverse(*names: str, args: Any = ()) -> str:
    for name in names:
        try:
            return reverse(name, args=args)
        except NoReverseMatch:
            continue
    raise LookupError(names)


def count_queries(client: Client, address: str) -> int:
    """At the second visit: the first notes that the session is used."""
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return len(queries)


def say(words: object) -> None:
    print(json.dumps(words), flush=True)


def main() -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    with running_studio() as studio:
        user, rows = populate()
        pages, client = addresses(rows), signed_in(user)
        queries = {name: count_queries(client, address) for name, address in pages.items()}
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        web = studio.start_web()
        cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(user)}"
        sys.stdin.readline()
        say({"url": studio.url, "cookie": cookie, "pages": pages, "queries": queries})
        for _ in sys.stdin:
            say(web.cpu_seconds())


if __name__ == "__main__":
    main()
