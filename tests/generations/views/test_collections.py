"""Favourites, tags and collections, of one and of many; all or nothing where a right is missing."""

import re
import uuid
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Team, User
from generations.models import Collection, Favourite, Generation, Status, Tag
from tests.cast import make_generation, signed_in

pytestmark = pytest.mark.django_db


def at(name: str, generation: Generation) -> str:
    return reverse(name, args=[generation.pk])


def bulk(user: User, verb: str, rows: list[Generation], **data: str) -> Any:
    ids = [str(row.pk) for row in rows]
    return signed_in(user).post(reverse("generations-bulk"), {"verb": verb, "ids": ids, **data}, follow=True)


@pytest.fixture
def his(film: Team, bob: User) -> Generation:
    return make_generation(bob, film, Status.DONE)


@pytest.fixture
def hers(film: Team, alice: User) -> Generation:
    return make_generation(alice, film, Status.DONE)


def test_favourite_is_a_persons_own_and_toggles(his: Generation, bob: User, victor: User, mallory: User) -> None:
    address = at("generation-favourite", his)
    assert [signed_in(who).post(address).status_code for who in (bob, victor, mallory)] == [302, 302, 404]
    assert set(Favourite.objects.values_list("user", flat=True)) == {bob.pk, victor.pk}

    heart = re.compile(rf'formaction="{address}"\s+aria-pressed="(\w+)"')
    assert heart.findall(signed_in(bob).get("/").content.decode()) == ["true"]
    signed_in(bob).post(address)
    assert heart.findall(signed_in(bob).get("/").content.decode()) == ["false"]
    assert Favourite.objects.get().user == victor


@pytest.mark.parametrize(("name", "field"), [("generation-tags", "tag"), ("generation-collection", "collection")])
def test_who_makes_videos_in_the_team_keeps_order_there(
    name: str, field: str, his: Generation, alice: User, bob: User, victor: User, mallory: User
) -> None:
    people = (alice, bob, victor, mallory)
    answers = [signed_in(who).post(at(name, his), {field: "Foxes"}).status_code for who in people]

    assert answers == [302, 302, 403, 404]
    assert Tag.objects.count() + Collection.objects.count() == 1
    page = signed_in(victor).get(his.get_absolute_url()).content.decode()
    assert "Foxes" in page
    assert at(name, his) not in page
    assert at(name, his) in signed_in(bob).get(his.get_absolute_url()).content.decode()


def test_tag_is_one_whatever_its_case_and_comes_off(his: Generation, bob: User) -> None:
    client = signed_in(bob)
    for name in ("Fox", "  FOX ", "snow", ""):
        client.post(at("generation-tags", his), {"tag": name})
    assert [tag.name for tag in his.tags.all()] == ["Fox", "snow"]

    client.post(at("generation-tags", his), {"remove": str(his.tags.all()[0].pk)})
    assert [tag.name for tag in his.tags.all()] == ["snow"]


def test_collection_holds_it_until_it_is_taken_out(his: Generation, bob: User) -> None:
    client = signed_in(bob)
    for name, lies_in in (("Winter", "Winter"), ("Film 2", "Film 2"), ("", None)):
        client.post(at("generation-collection", his), {"collection": name})
        his.refresh_from_db()
        assert (his.collection.name if his.collection else None) == lies_in


def test_many_are_tagged_moved_and_marked_at_once(his: Generation, hers: Generation, bob: User) -> None:
    own = make_generation(bob, bob.personal_team, Status.DONE)
    rows = [his, hers, own]

    assert "3 videos tagged “Fox”." in bulk(bob, "tag", rows, tag="Fox").content.decode()
    assert "3 videos moved to “Winter”." in bulk(bob, "move", rows, collection="Winter").content.decode()
    assert "3 added to favourites." in bulk(bob, "favourite", rows).content.decode()
    bulk(bob, "favourite", rows)
    for row in rows:
        row.refresh_from_db()
        assert row.collection is not None
        assert (row.collection.name, row.collection.team) == ("Winter", row.team)
        assert [(tag.name, tag.team) for tag in row.tags.all()] == [("Fox", row.team)]
    assert Favourite.objects.filter(user=bob).count() == 3
    bulk(bob, "unfavourite", rows)
    assert not Favourite.objects.exists()


@pytest.mark.parametrize("verb", ["tag", "move"])
def test_viewer_keeps_no_order_and_nothing_is_done(
    verb: str, his: Generation, film: Team, victor: User, mallory: User
) -> None:
    own = make_generation(victor, victor.personal_team, Status.DONE)
    answer = bulk(victor, verb, [own, his], tag="Fox", collection="Fox")

    assert answer.status_code == 403
    assert his.prompt not in answer.content.decode()
    assert "Select videos first." in bulk(mallory, verb, [his], tag="Fox", collection="Fox").content.decode()
    assert not Tag.objects.exists()
    assert not Collection.objects.exists()


@pytest.mark.parametrize("name", ["\u200b", "\u2800 \u3164", "\u0301\ufe0f"])
def test_name_that_shows_nothing_is_none(name: str, his: Generation, bob: User) -> None:
    bulk(bob, "tag", [his], tag=name)
    bulk(bob, "move", [his], collection=name)

    assert not Tag.objects.exists()
    assert not Collection.objects.exists()


def test_many_are_deleted_and_undone(his: Generation, hers: Generation, film: Team, alice: User, bob: User) -> None:
    going = make_generation(bob, film, Status.RENDERING)
    assert bulk(bob, "delete", [his, hers]).status_code == 403
    assert not Generation.objects.exclude(trashed_at=None).exists()

    page = bulk(alice, "delete", [his, hers, going]).content.decode()
    assert "2 moved to trash." in page
    assert "1 is still running, so it stays." in page
    assert Generation.objects.visible_to(alice).get() == going
    trashed_at = {row.trashed_at for row in Generation.objects.in_trash_of(alice)}
    assert len(trashed_at) == 1
    signed_in(alice).post(reverse("trash-undo"), {"at": trashed_at.pop().isoformat()})  # type: ignore[union-attr]
    assert Generation.objects.visible_to(alice).count() == 3


def test_nonsense_is_refused(his: Generation, bob: User) -> None:
    client = signed_in(bob)
    for data in (
        {"verb": "paint", "ids": [str(his.pk)]},
        {"verb": "favourite", "ids": ["his"]},
        {"verb": "favourite", "ids": [str(uuid.uuid4()) for _ in range(501)]},
    ):
        assert client.post(reverse("generations-bulk"), data).status_code == 400
    assert client.get(reverse("generations-bulk")).status_code == 405
    assert "Enter a tag name." in bulk(bob, "tag", [his], tag=" ").content.decode()
