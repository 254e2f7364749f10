"""An action on a selection as a script asks for it: what is said, what is undone, what has left the page."""

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from generations.models import Collection, Favourite, Generation, Status, Tag
from generations.orders.library import add_upload
from tests.cast import make_generation, make_upload, make_video, signed_in
from tests.html import text_of

pytestmark = pytest.mark.django_db
JSON = {"Accept": "application/json"}


@pytest.fixture
def rows(film: Team, bob: User) -> list[Generation]:
    return [make_generation(bob, film, Status.DONE, prompt=f"Fox {number}") for number in range(3)]


def act(user: User, rows: list[Generation], **data: str) -> Any:
    posted = {"ids": [str(row.pk) for row in rows], "next": "/", **data}
    return signed_in(user).post(reverse("generations-bulk"), posted, headers=JSON)


def undo(user: User, token: str) -> Any:
    return signed_in(user).post(reverse("generations-bulk-undo"), {"token": token}, headers=JSON)


def state(rows: list[Generation], user: User) -> list[object]:
    """All that a selection's actions change."""
    found = Generation.objects.in_bulk([row.pk for row in rows])
    hearts = set(Favourite.objects.filter(user=user).values_list("generation", flat=True))
    return [
        (row.pk in hearts, sorted(tag.name for tag in now.tags.all()), str(now.collection), now.trashed_at is None)
        for row in rows
        for now in [found[row.pk]]
    ]


ACTIONS = {
    "favourite": ({"verb": "favourite"}, "3 added to favourites."),
    "unfavourite": ({"verb": "unfavourite"}, "3 removed from favourites."),
    "tag": ({"verb": "tag", "tag": "hero"}, "3 videos tagged “hero”."),
    "new tag": ({"verb": "tag", "tag": "new"}, "3 videos tagged “new”."),
    "move": ({"verb": "move", "collection": "Trailer"}, "3 videos moved to “Trailer”."),
    "move out": ({"verb": "move", "collection": ""}, "3 videos are in no project."),
    "delete": ({"verb": "delete"}, "3 moved to trash."),
}


@pytest.mark.parametrize(("data", "words"), ACTIONS.values(), ids=ACTIONS)
def test_each_action_is_told_and_undone(rows: list[Generation], bob: User, data: dict[str, str], words: str) -> None:
    Favourite.objects.mark(bob, rows[:1])
    Tag.objects.add_to(rows[:2], "hero")
    Collection.objects.assign(rows[:1], "Teaser")
    before, tags = state(rows, bob), set(Tag.objects.values_list("name", flat=True))

    answer = act(bob, rows, **data).json()
    assert answer["messages"] == [words]
    assert state(rows, bob) != before
    assert undo(bob, answer["undo"]).json() == {"messages": ["Undone."]}
    assert state(rows, bob) == before
    assert set(Tag.objects.values_list("name", flat=True)) == tags


def test_undo_leaves_a_tag_of_the_library_there(rows: list[Generation], bob: User, film: Team) -> None:
    kept = add_upload(bob, film, make_upload(bob), "Fox")
    tag = Tag.objects.create(team=film, name="hero")
    kept.tags.add(tag)
    undo(bob, act(bob, rows, verb="tag", tag="hero").json()["undo"])
    assert [one.name for one in kept.tags.all()] == ["hero"]
    assert not tag.generations.exists()


def test_page_without_a_script_goes_back_and_says_the_same(rows: list[Generation], bob: User) -> None:
    posted = {"verb": "tag", "tag": "hero", "ids": [str(rows[0].pk)], "next": "/?team=film"}
    answer = signed_in(bob).post(reverse("generations-bulk"), posted, follow=True)

    assert answer.redirect_chain == [("/?team=film", 302)]
    assert "1 video tagged “hero”." in answer.content.decode()


VIEWS = {
    "all": ("/", {"verb": "tag", "tag": "x"}, 0),
    "deleted": ("/", {"verb": "delete"}, 2),
    "of another collection": ("/?team=film&collection={collection}", {"verb": "move", "collection": "Other"}, 2),
    "of the same collection": ("/?team=film&collection={collection}", {"verb": "move", "collection": "Here"}, 0),
    "no favourite": ("/?favourite=on", {"verb": "unfavourite"}, 2),
    "no address": ("http://[", {"verb": "delete"}, 2),
}


@pytest.mark.parametrize(("address", "data", "gone"), VIEWS.values(), ids=VIEWS)
def test_script_is_told_what_left_its_page(
    rows: list[Generation], bob: User, address: str, data: dict[str, str], gone: int
) -> None:
    Favourite.objects.mark(bob, rows)
    Collection.objects.assign(rows, "Here")
    page = address.format(collection=Collection.objects.get().pk)

    answer = act(bob, rows[:2], **data, next=page).json()
    assert set(answer["gone"]) == {str(row.pk) for row in rows[:gone]}


def test_undo_is_for_who_did_it_and_unforged(rows: list[Generation], bob: User, alice: User) -> None:
    token = act(bob, rows, verb="delete").json()["undo"]

    assert undo(alice, token).status_code == 403
    assert [undo(bob, forged).status_code for forged in ("", "x", token[:-1])] == [400, 400, 400]
    assert signed_in(bob).get(reverse("generations-bulk-undo")).status_code == 405
    assert not Generation.objects.filter(trashed_at=None).exists()


def test_undo_ends_with_the_right_to_the_action(rows: list[Generation], film: Team, bob: User) -> None:
    token = act(bob, rows, verb="tag", tag="hero").json()["undo"]
    bob.memberships.filter(team=film).delete()

    assert undo(bob, token).status_code == 200
    assert Tag.objects.get().generations.count() == 3


def test_undo_of_a_move_out_of_a_collection_that_is_gone(rows: list[Generation], bob: User) -> None:
    Collection.objects.assign(rows, "Here")
    token = act(bob, rows, verb="move").json()["undo"]
    Collection.objects.all().delete()

    assert undo(bob, token).status_code == 200
    assert not Generation.objects.filter(collection__isnull=False).exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"archived_at": timezone.now()}, "The project Here is archived. Restore it, or choose another one."),
        ({"members_only": True}, "You are not a member of the project Here."),
    ],
    ids=["archived", "for members"],
)
def test_undo_moves_nothing_into_a_project_that_was_closed(
    rows: list[Generation], bob: User, change: dict[str, Any], words: str
) -> None:
    Collection.objects.assign(rows[:2], "Here")
    token = act(bob, rows, verb="move", collection="There").json()["undo"]
    Collection.objects.filter(name="Here").update(**change)

    assert undo(bob, token).json()["messages"] == [words]
    assert Generation.objects.filter(collection__name="There").count() == 2
    assert Generation.objects.filter(collection=None).count() == 1
    answer = signed_in(bob).post(reverse("generations-bulk-undo"), {"token": token}, follow=True)
    assert words in text_of(answer.content.decode())
    assert "Undone." not in answer.content.decode()


def test_undo_of_a_move_by_who_has_left_moves_nothing_and_names_nothing(
    rows: list[Generation], film: Team, bob: User
) -> None:
    Collection.objects.assign(rows, "Here")
    token = act(bob, rows, verb="move", collection="There").json()["undo"]
    bob.memberships.filter(team=film).delete()
    Collection.objects.filter(name="Here").update(name="Secret", archived_at=timezone.now())

    said = undo(bob, token).json()["messages"]
    assert said == ["Nothing was undone: it is gone, or you may not change it any more."]
    assert Generation.objects.filter(collection__name="There").count() == 3


def test_undo_without_a_script_says_so_on_the_page(rows: list[Generation], bob: User) -> None:
    token = act(bob, rows, verb="delete").json()["undo"]
    answer = signed_in(bob).post(reverse("generations-bulk-undo"), {"token": token}, follow=True)

    assert "Undone." in answer.content.decode()


def test_everything_that_a_search_finds_is_named(
    rows: list[Generation], film: Team, bob: User, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_generation(bob, film, prompt="A boat")
    make_generation(alice, film, prompt="Fox of hers")
    client = signed_in(bob)
    ids = [str(row.pk) for row in reversed(rows)]
    assert client.get("/", {"q": "fox", "part": "ids"}).json() == {"ids": ids, "more": False}

    monkeypatch.setattr("generations.views.gallery.MAX_SELECTED", 2)
    assert client.get("/", {"q": "fox", "part": "ids"}).json() == {"ids": ids[:2], "more": True}


def test_two_to_four_videos_of_a_selection_are_compared(film: Team, bob: User) -> None:
    rows = [make_generation(bob, film, Status.DONE) for _ in range(5)]
    for row in rows:
        make_video(row)
    waiting = make_generation(bob, film)

    def compare(chosen: list[Generation]) -> Any:
        posted = {"verb": "compare", "ids": [str(row.pk) for row in chosen]}
        return signed_in(bob).post(reverse("generations-bulk"), posted, follow=True)

    assert [row.pk for row in compare([rows[2], waiting, rows[0]]).context["generations"]] == [rows[2].pk, rows[0].pk]
    for chosen in ([], rows[:1], rows, [rows[0], waiting]):
        assert "Select two to four finished videos to compare." in compare(chosen).content.decode()
