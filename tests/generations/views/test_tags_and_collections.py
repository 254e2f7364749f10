"""Tags and collections are renamed and deleted by those who may put them on videos; the videos stay."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from generations.models import Collection, Generation, Status, Tag
from tests.cast import make_generation, signed_in

PAGE = "/tags/"


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, collection=Collection.objects.create(team=film, name="Foxes"))
    Tag.objects.create(team=film, name="Snow").generations.add(row)
    return row


def change(client: Client, row: Tag | Collection, **values: str) -> Any:
    return client.post(f"/tags/{type(row).__name__.lower()}/{row.pk}", values, follow=True)


def test_page_lists_all_of_the_users_teams_used_or_not(film: Team, alice: User, mallory: User) -> None:
    for team in (film, alice.personal_team):
        Tag.objects.create(team=team, name=f"Tag of {team.slug}")
        Collection.objects.create(team=team, name=f"Place of {team.slug}")
    Tag.objects.create(team=mallory.personal_team, name="Hers")
    page = signed_in(alice).get(PAGE).content.decode()

    for team in (film, alice.personal_team):
        assert f"Tag of {team.slug}" in page
        assert f"Place of {team.slug}" in page
    assert "Hers" not in page
    assert PAGE in signed_in(alice).get("/").content.decode(), "the rail leads there"


def test_viewer_may_change_nothing(film: Team, victor: User, row: Generation) -> None:
    client = signed_in(victor)
    tag = Tag.objects.get()
    assert "Snow" not in client.get(PAGE).content.decode()
    assert [change(client, tag, verb=verb, name="Ice").status_code for verb in ("rename", "delete")] == [403, 403]
    assert Tag.objects.get().name == "Snow"


@pytest.mark.parametrize("model", [Tag, Collection])
@pytest.mark.parametrize(("typed", "name"), [("Ice", "Ice"), ("  two \n words ", "two words"), ("W" * 90, "W" * 60)])
def test_renamed_one_keeps_its_videos(
    bob: User, row: Generation, model: type[Tag] | type[Collection], typed: str, name: str
) -> None:
    found = model.objects.get()
    answer = change(signed_in(bob), found, verb="rename", name=typed)

    assert answer.status_code == 200
    assert model.objects.get().name == name
    assert list(model.objects.get().generations.all()) == [row]


@pytest.mark.parametrize("model", [Tag, Collection])
def test_letters_of_its_own_name_may_change_their_case(
    bob: User, row: Generation, model: type[Tag] | type[Collection]
) -> None:
    found = model.objects.get()
    change(signed_in(bob), found, verb="rename", name=found.name.upper())
    assert model.objects.get().name == found.name.upper()


@pytest.mark.parametrize("typed", ["", "  ", "\u200b", "ICE", " ice "])
def test_name_that_is_none_or_taken_is_said_beside_what_was_typed(bob: User, row: Generation, typed: str) -> None:
    tag = Tag.objects.get()
    Tag.objects.create(team=tag.team, name="Ice")
    answer = change(signed_in(bob), tag, verb="rename", name=typed)
    page = answer.content.decode()

    assert answer.status_code == 422
    assert page.count('aria-invalid="true"') == 1
    assert ("Write a name." in page) is not typed.strip().lower().startswith("ice")
    assert Tag.objects.filter(name="Snow").exists()


def test_same_name_in_another_team_is_no_hindrance(bob: User, row: Generation) -> None:
    Tag.objects.create(team=bob.personal_team, name="Ice")
    change(signed_in(bob), Tag.objects.get(name="Snow"), verb="rename", name="Ice")
    assert Tag.objects.filter(name="Ice").count() == 2


@pytest.mark.parametrize("model", [Tag, Collection])
def test_deleted_one_leaves_its_videos(bob: User, row: Generation, model: type[Tag] | type[Collection]) -> None:
    answer = change(signed_in(bob), model.objects.get(), verb="delete")

    assert "Its videos stay." in answer.content.decode()
    assert not model.objects.exists()
    assert Generation.objects.get().status == Status.DONE
