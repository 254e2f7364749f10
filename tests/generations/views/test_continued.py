"""Whatever continues from a video keeps its team, where it came from, and who sees it, by every way there is."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import FormerMembership, Membership, Team, User
from accounts.roles import Role
from generations.fal.arguments import Endpoint
from generations.models import Generation, Status
from tests.cast import make_generation, make_input_picture, make_upload, make_video, picture, signed_in
from tests.generations.mirror.videos import mp4
from tests.generations.views.test_composer import PAGE, values_in


def _page(client: Client, **query: str) -> str:
    return client.get(PAGE, query).content.decode()


def _frame(slot: str) -> Callable[[Client, Generation], Any]:
    def go(client: Client, row: Generation) -> Any:
        address = client.post(f"/generations/{row.pk}/frame", {"at": "0.5", "slot": slot}).headers["Location"]
        page = client.get(address).content.decode()
        start = {"start_upload": str(make_upload(row.user, picture(size=(640, 360))).pk)} if slot == "tail" else {}
        return client.post(PAGE, values_in(page) | {"prompt": "And then"} | start)

    return go


def _frame_through_errors(client: Client, row: Generation) -> Any:
    """The kept frame comes back with a form that had no prompt."""
    address = client.post(f"/generations/{row.pk}/frame", {"at": "0.5"}).headers["Location"]
    page = client.post(PAGE, values_in(client.get(address).content.decode())).content.decode()
    return client.post(PAGE, values_in(page) | {"prompt": "And then"})


def _frame_through_a_draft(client: Client, row: Generation) -> Any:
    """The tab was closed; the draft is back another day."""
    address = client.post(f"/generations/{row.pk}/frame", {"at": "0.5"}).headers["Location"]
    client.post("/drafts/", values_in(client.get(address).content.decode()) | {"prompt": "And then"})
    return client.post(PAGE, values_in(_page(client)))


def _remix(client: Client, row: Generation) -> Any:
    return client.post(PAGE, values_in(_page(client, **{"from": str(row.pk)})) | {"prompt": "And then"})


def _batch(client: Client, row: Generation) -> Any:
    values = values_in(_page(client, **{"from": str(row.pk)}))
    return client.post(PAGE, values | {"prompt": "And then\nAnd now", "lines": "on"})


def _variations_again(client: Client, row: Generation) -> Any:
    """What the page after the press holds is pressed once more."""
    values = values_in(_page(client, **{"from": str(row.pk)})) | {"variations": "2"}
    page = client.post(PAGE, values, follow=True).content.decode()
    return client.post(PAGE, values_in(page))


WAYS: dict[str, Callable[[Client, Generation], Any]] = {
    "start frame": _frame("start"),
    "end frame": _frame("tail"),
    "kept frame after errors": _frame_through_errors,
    "kept frame in a draft": _frame_through_a_draft,
    "remix": _remix,
    "batch": _batch,
    "variations, twice": _variations_again,
}
FAILED_WAYS: dict[str, Callable[[Client, Generation], Any]] = {
    "edit and retry": _remix,
    "retry": lambda client, row: client.post(f"/generations/{row.pk}/retry", {"idempotency_key": str(uuid.uuid4())}),
}


def _video(user: User, team: Team, **columns: Any) -> Generation:
    row = make_generation(user, team, Status.DONE, **columns)
    make_video(row, mp4(seconds=1.0, size=(640, 360)))
    return row


def _continued(row: Generation) -> list[Generation]:
    made = list(Generation.objects.exclude(pk=row.pk))
    assert made
    return made


@pytest.mark.parametrize("team_is_private", [False, True])
@pytest.mark.parametrize("is_private", [False, True])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_team_parent_and_visibility_are_kept(
    film: Team, bob: User, way: Callable[[Client, Generation], Any], is_private: bool, team_is_private: bool
) -> None:
    Team.objects.filter(pk=film.pk).update(is_private=team_is_private)
    row = _video(bob, film, is_private=is_private)
    way(signed_in(bob), row)

    for made in _continued(row):
        assert (made.team, made.parent, made.is_private) == (film, row, is_private)


@pytest.mark.parametrize("is_private", [False, True])
@pytest.mark.parametrize("way", FAILED_WAYS.values(), ids=FAILED_WAYS)
def test_they_are_kept_after_a_failure(
    film: Team, bob: User, way: Callable[[Client, Generation], Any], is_private: bool
) -> None:
    row = make_generation(bob, film, Status.FAILED, is_private=is_private)
    way(signed_in(bob), row)

    (made,) = _continued(row)
    assert (made.team, made.parent, made.is_private) == (film, row, is_private)


@pytest.mark.parametrize("way", [WAYS["start frame"], WAYS["remix"]], ids=["start frame", "remix"])
@pytest.mark.parametrize("is_shared_first", [False, True])
def test_private_stays_private_where_another_team_pays(
    film: Team, bob: User, way: Callable[[Client, Generation], Any], is_shared_first: bool
) -> None:
    """Who has left the team goes on with their private video for a team of their own, or for another shared one."""
    if is_shared_first:
        bob.personal_team.delete()
        other = Team.objects.create(name="Other", slug="other")
        Membership.objects.create(team=other, user=bob, role=Role.MEMBER)
    row = _video(bob, film, is_private=True)
    Membership.objects.filter(team=film, user=bob).delete()
    FormerMembership.objects.create(team=film, user=bob)
    way(signed_in(bob), row)

    (made,) = _continued(row)
    assert (made.team == film, made.parent, made.is_private) == (False, row, True)


def test_viewers_go_on_for_a_team_of_their_own(film: Team, bob: User, victor: User) -> None:
    row = _video(bob, film)
    _frame("start")(signed_in(victor), row)

    (made,) = _continued(row)
    assert (made.team, made.parent) == (victor.personal_team, row)


def test_parent_that_one_may_not_see_is_none(film: Team, alice: User, mallory: User) -> None:
    row = make_generation(alice, film, Status.DONE, endpoint=Endpoint.IMAGE_TO_VIDEO)
    make_input_picture(row)

    assert signed_in(mallory).get(PAGE, {"parent": str(row.pk)}).status_code == 404
    assert signed_in(mallory).get(PAGE, {"parent": "nonsense"}).status_code == 404
