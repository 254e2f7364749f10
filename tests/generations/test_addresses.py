"""Who gets what at each address: one table of all of them, and a new address needs a row here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations import bucket
from generations.models import Generation, Status, Upload
from generations.pipeline import part
from generations.urls import urlpatterns
from tests.cast import make_generation, make_input_picture, make_upload, make_video, picture, signed_in
from tests.sandbox_process import Sandbox


@dataclass(frozen=True)
class Things:
    """What bob has made in the team Film."""

    generation: Generation
    upload: Upload


@pytest.fixture
def things(film: Team, bob: User) -> Things:
    generation = make_generation(bob, film, Status.DONE)
    video = make_video(generation)
    bucket.put(generation.preview_key, b"preview", "video/mp4")
    video.preview_key = generation.preview_key
    video.save(update_fields=["preview_key"])
    make_video(make_generation(bob, film, Status.DONE, batch=generation.pk))
    make_input_picture(generation)
    bob.avatar_key = f"avatars/{bob.pk}/abc.webp"
    bob.save(update_fields=["avatar_key"])
    bucket.put(bob.avatar_key, picture("WEBP"), "image/webp")
    return Things(generation, make_upload(bob))


@pytest.fixture
def ada(film: Team) -> User:
    ada = User.objects.create_user("ada@example.com", name="Ada")
    Membership.objects.create(team=film, user=ada, role=Role.ADMIN)
    return ada


@pytest.fixture
def rhea(film: Team, alice: User) -> User:
    rhea = User.objects.create_user("rhea@example.com", name="Rhea")
    Membership.objects.create(team=film, user=rhea, role=Role.ADMIN)
    part(film, rhea, alice)
    return rhea


@pytest.fixture
def sam(film: Team) -> User:
    until = timezone.now() + timedelta(days=1)
    sam = User.objects.create_user("sam@example.com", name="Sam", suspended_until=until, suspended_for="x")
    Membership.objects.create(team=film, user=sam, role=Role.OWNER)
    return sam


@pytest.fixture
def people(alice: User, ada: User, bob: User, victor: User, mallory: User, mona: User, rhea: User) -> dict[str, Client]:
    named = {"alice": alice, "ada": ada, "bob": bob, "victor": victor}
    named |= {"mallory": mallory, "mona": mona, "rhea": rhea}
    return {"nobody": Client()} | {name: signed_in(person) for name, person in named.items()}


Address = Callable[[Things], str]
# nobody, an outsider, staff, a removed admin, a viewer, the member who has made it, an admin, an owner
PEOPLE = ("nobody", "mallory", "mona", "rhea", "victor", "bob", "ada", "alice")
ALL = (200,) * 8
PEOPLE_ONLY = (302, *(200,) * 7)
ASKED_AGAIN = (302, *(403,) * 7)  # who they are; nothing could be asked of these, who have no password
TEAM_ONLY = (302, 404, 404, 404, 200, 200, 200, 200)  # staff see other teams' work in the admin, not here
POST_ONLY = (405,) * 8
OWN_ONLY = (302, 404, 404, 404, 404, 200, 404, 404)
OWNERS_ONLY = (302, 404, 404, 404, 403, 403, 403, 200)


def of_generation(name: str, *more: str) -> Address:
    return lambda things: reverse(name, args=[things.generation.pk, *more])


def both(things: Things) -> str:
    return ",".join(str(row.pk) for row in Generation.objects.filter(user=things.generation.user))


TABLE: dict[str, tuple[Address, tuple[int, ...]]] = {
    "generations-bulk": (lambda _: "/generations/bulk/", POST_ONLY),
    "generations-archive": (lambda _: "/generations/archive", POST_ONLY),
    "generation-favourite": (of_generation("generation-favourite"), POST_ONLY),
    "generation-tags": (of_generation("generation-tags"), POST_ONLY),
    "generation-privacy": (of_generation("generation-privacy"), POST_ONLY),
    "generation-collection": (of_generation("generation-collection"), POST_ONLY),
    "draft-save": (lambda _: "/drafts/", POST_ONLY),
    "draft-session": (lambda _: "/drafts/session", ALL),
    "draft-discard": (of_generation("draft-discard"), POST_ONLY),
    "former-teams": (lambda _: "/former-teams/", PEOPLE_ONLY),
    "former-team-decide": (of_generation("former-team-decide"), POST_ONLY),
    "bin": (lambda _: "/bin/", PEOPLE_ONLY),
    "bin-undo": (lambda _: "/bin/undo", POST_ONLY),
    "bin-restore": (of_generation("bin-restore"), POST_ONLY),
    "bin-discard": (of_generation("bin-discard"), POST_ONLY),
    "bin-poster": (of_generation("bin-poster"), (302, *(404,) * 7)),  # it does not lie in the bin
    "generation-preview": (of_generation("generation-preview"), TEAM_ONLY),
    "generation-report": (of_generation("generation-report"), (302, 404, 404, 404, 200, 403, 200, 200)),
    "generation-appeal": (of_generation("generation-appeal"), POST_ONLY),
    "generation-frame": (of_generation("generation-frame"), POST_ONLY),
    "new-upload": (lambda _: "/uploads/", POST_ONLY),
    "compare": (lambda things: "/generations/compare/?ids=" + both(things), TEAM_ONLY),
    "account-picture": (lambda _: "/accounts/picture/", PEOPLE_ONLY),
    "avatar": (lambda things: f"/people/{things.generation.user_id}/abc.webp", TEAM_ONLY),
    "delete-account": (lambda _: "/accounts/delete/", ASKED_AGAIN),
    "default-parameters": (lambda _: "/settings/defaults/", PEOPLE_ONLY),
    "gallery": (lambda _: "/", ALL),
    "new-generation": (lambda _: "/generations/new/", PEOPLE_ONLY),
    "preset-save": (lambda _: "/presets/", POST_ONLY),
    "preset-delete": (lambda _: "/presets/1/delete", POST_ONLY),
    "generation": (of_generation("generation"), TEAM_ONLY),
    "generation-panel": (of_generation("generation-panel"), TEAM_ONLY),
    "generation-cancel": (of_generation("generation-cancel"), POST_ONLY),
    "generation-retry": (of_generation("generation-retry"), POST_ONLY),
    "generation-delete": (of_generation("generation-delete"), (302, 404, 404, 404, 403, 200, 200, 200)),
    "generation-card": (of_generation("generation-card"), TEAM_ONLY),
    "generation-video": (of_generation("generation-video"), TEAM_ONLY),
    "generation-poster": (of_generation("generation-poster"), TEAM_ONLY),
    "generation-download": (of_generation("generation-download"), TEAM_ONLY),
    "generation-input": (of_generation("generation-input", "start"), TEAM_ONLY),
    "upload": (lambda things: f"/uploads/{things.upload.pk}", OWN_ONLY),
    "team-approvals": (lambda _: "/teams/film/approvals", (302, 404, 404, 404, 403, 403, 200, 200)),
    "approval-by-mail": (lambda _: "/teams/approve/forged/", (410,) * 8),
    "team-delete": (lambda _: "/teams/film/delete", OWNERS_ONLY),
    "team-leave": (lambda _: "/teams/film/leave", POST_ONLY),
    "team-remove": (lambda _: "/teams/film/members/1/remove", POST_ONLY),
    "team-queue": (lambda _: "/teams/film/queue", TEAM_ONLY),
    "team-usage": (lambda _: "/teams/film/usage", TEAM_ONLY),
    "team-usage-csv": (lambda _: "/teams/film/usage.csv", TEAM_ONLY),
    "places": (lambda things: f"/events/places?ids={things.generation.pk}", PEOPLE_ONLY),
    "events": (lambda _: "/events?since=0", (302, 204, 204, 204, 200, 200, 200, 200)),
    "ended": (lambda _: "/events/ended?since=0", PEOPLE_ONLY),
    "fal-webhook": (lambda things: f"/webhooks/fal/{things.generation.pk}/", POST_ONLY),
    "webhooks/fal/<uuid:pk>": (lambda things: f"/webhooks/fal/{things.generation.pk}", POST_ONLY),
    "healthz": (lambda _: "/healthz", ALL),
    "readyz": (lambda _: "/readyz", ALL),
}
TAKES_POST = {name for name, (_, expected) in TABLE.items() if expected == POST_ONLY}
TAKES_POST |= {
    "team-delete",
    "generation-report",
    "team-approvals",
    "approval-by-mail",
    "team-queue",
    "new-generation",
    "generation-delete",
    "account-picture",
    "delete-account",
    "default-parameters",
}


def test_every_address_has_a_row() -> None:
    assert {pattern.name or str(pattern.pattern) for pattern in urlpatterns} == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_address_answers_each_person_as_it_should(
    sandbox: Sandbox, things: Things, people: dict[str, Client], name: str
) -> None:
    address, expected = TABLE[name]
    answers = {person: people[person].get(address(things)) for person in PEOPLE}

    assert {person: answer.status_code for person, answer in answers.items()} == dict(
        zip(PEOPLE, expected, strict=True)
    )
    if answers["nobody"].status_code == 302:
        assert answers["nobody"].headers["Location"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize("name", sorted(set(TABLE) - TAKES_POST))
def test_address_that_only_shows_takes_no_post(things: Things, people: dict[str, Client], name: str) -> None:
    address, _ = TABLE[name]

    assert people["bob"].post(address(things)).status_code == 405


@pytest.mark.parametrize(
    "name", [name for name, (_, expected) in TABLE.items() if expected == TEAM_ONLY and name != "avatar"]
)
def test_generation_of_a_left_team_is_gone(things: Things, bob: User, people: dict[str, Client], name: str) -> None:
    address, _ = TABLE[name]
    bob.memberships.filter(team=things.generation.team).delete()

    assert people["bob"].get(address(things)).status_code == 404


STILL_OPEN = {"healthz", "readyz", "fal-webhook", "webhooks/fal/<uuid:pk>"}


@pytest.mark.parametrize("name", sorted(set(TABLE) - STILL_OPEN))
def test_suspended_owner_is_shut_out_everywhere(things: Things, sam: User, name: str) -> None:
    address, _ = TABLE[name]
    client = signed_in(sam)

    assert client.get(address(things)).status_code == 403
    assert client.post(address(things)).status_code in {403, 405}


TEAM_MAY = (302, 404, 404, 404, 403, 302, 302, 302)
POSTED = {"generation-cancel": TEAM_MAY, "generation-retry": TEAM_MAY, "generation-delete": TEAM_MAY}


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("name", POSTED)
def test_verb_is_for_those_who_may(things: Things, people: dict[str, Client], name: str, person: str) -> None:
    address, _ = TABLE[name]
    answer = people[person].post(address(things))

    assert answer.status_code == POSTED[name][PEOPLE.index(person)]
    if person == "nobody":
        assert answer.headers["Location"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize(
    ("came_from", "next_"),
    [
        ("http://testserver/generations/abc/?kind=image", "/generations/abc/%3Fkind%3Dimage"),
        ("https://elsewhere.example/generations/abc/", None),
        ("//elsewhere.example/", None),
        ("http://testserver.elsewhere.example/", None),
        ("nonsense", None),
        ("", None),
    ],
)
def test_button_pressed_after_the_session_leads_back_to_its_page(
    client: Client, film: Team, bob: User, came_from: str, next_: str | None
) -> None:
    address = reverse("generation-cancel", args=[make_generation(bob, film).pk])
    answer = client.post(address, headers={"Referer": came_from})

    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/accounts/login/?next={next_ or address}"
    assert client.get(address, headers={"Referer": came_from}).status_code == 405
