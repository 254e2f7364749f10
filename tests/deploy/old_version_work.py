"""A program of the old version: the trial of an upgrade copies it into that version's tree and runs it there.

`prepare` makes people, a row of each kind and work to do, and prints as JSON who asks for which pages;
`act` writes what people and moderators write. Both by the old version's own code, whatever the database has become.
"""

import json
import sys
from typing import Any

from django.test import Client
from django.test.utils import setup_test_environment
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.models import Case, DecisionKind, Generation
from generations.moderation.decisions import decide
from tests.cast import make_generation
from tests.security.access_cast import make_things
from tests.security.addresses import addresses

PREFIX = "Work under way "
_ENDS = ("logout", "/stop", "download", "archive")  # sessions, and what takes long to read


def prepare(count: int) -> dict[str, Any]:
    film = Team.objects.create(name="Film", slug="film")
    names = ("alice", "bob", "mallory")
    alice, bob, mallory = (User.objects.create_user(f"{name}@example.com", name=name.title()) for name in names)
    for user, role in ((alice, Role.OWNER), (bob, Role.MEMBER)):
        Membership.objects.create(team=film, user=user, role=role)
    root = User.objects.create_superuser("root@example.com", "a password of the trial")
    things = make_things(film, alice, bob, mallory)
    Generation.objects.open().update(status="canceled", due_at=None, finished_at=timezone.now())
    for number in range(count):
        make_generation(bob, bob.personal_team, prompt=f"{PREFIX}{number}")
    found = sorted({(things.path(each), "admin/" in each.route) for each in addresses()})
    pages = [(path, is_admin) for path, is_admin in found if not any(word in path for word in _ENDS)]
    return {"staff": _cookie(root), "person": _cookie(bob), "pages": pages}


def act(_: int) -> dict[str, Any]:
    """A new person, an order by the composer, a take-down: rows of each table that an upgrade has changed."""
    carol = User.objects.create_user("carol@example.com", name="Carol")
    client = Client()
    client.force_login(carol)
    page = client.get("/generations/new/")
    key = page.context["form"]["idempotency_key"].value()
    values = {
        "kind": "text",
        "team": carol.personal_team.slug,
        "prompt": f"{PREFIX}of the old version",
        "duration": "5",
    }
    values |= {"aspect_ratio": "16:9", "cfg_scale": "0.5", "idempotency_key": str(key)}
    answer = client.post("/generations/new/", values)
    case = Case.objects.filter(closed_at=None, generation__status="done").first()
    root = User.objects.get(email="root@example.com")
    decision = decide(case, DecisionKind.TAKE_DOWN, root, "It is of the trial.") if case else None
    return {"ordered": answer.status_code, "decided": decision is not None}


def _cookie(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


if __name__ == "__main__":
    setup_test_environment()
    json.dump({"prepare": prepare, "act": act}[sys.argv[1]](int(sys.argv[2])), sys.stdout)
