"""Private work: its owner alone sees it, on every page, until they show it to the team."""

import csv
import io
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from generations.flows.delete_account import delete_account, plan_account_deletion
from generations.models import Generation, Status
from generations.orders.place import place_retry
from tests.cast import make_generation, make_input_picture, make_video, signed_in
from tests.generations.views.test_composer import PAGE, text_order


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    row = make_generation(bob, film, Status.DONE, is_private=True, prompt="A secret fox")
    make_video(row)
    make_input_picture(row)
    return row


@pytest.fixture
def owner(alice: User) -> Client:
    return signed_in(alice)


def test_nobody_else_comes_across_it(film: Team, owner: Client, bob: User, row: Generation) -> None:
    addresses = ["", "panel", "card", "video", "poster", "download", "input/start", "delete"]
    for name in addresses:
        address = f"/generations/{row.pk}/{name}"
        assert owner.get(address).status_code == 404, name
        assert signed_in(bob).get(address).status_code in {200, 302}, name
    for verb in ("cancel", "retry", "favourite", "tags", "collection", "privacy", "frame"):
        assert owner.post(f"/generations/{row.pk}/{verb}", {"seen_by": "team"}).status_code == 404, verb
    for address in ("/?team=film", "/?team=film&q=secret", f"/?team=film&member={bob.pk}"):
        assert b"A secret fox" not in owner.get(address).content
        assert b"A secret fox" in signed_in(bob).get(address).content
    assert owner.get("/events?since=0").status_code == 204


def test_many_at_once_leave_it_out(owner: Client, row: Generation) -> None:
    owner.post("/generations/bulk/", {"verb": "delete", "ids": [str(row.pk)]})
    assert owner.post("/generations/archive", {"ids": [str(row.pk)]}).status_code == 404
    row.refresh_from_db()
    assert row.trashed_at is None


def test_it_is_in_its_owners_trash_alone(owner: Client, bob: User, row: Generation) -> None:
    row.move_to_trash(bob)
    assert b"A secret fox" not in owner.get("/trash/").content
    assert b"A secret fox" in signed_in(bob).get("/trash/").content


def test_owner_shows_it_and_hides_it_again(owner: Client, bob: User, row: Generation) -> None:
    client, address = signed_in(bob), f"/generations/{row.pk}/privacy"
    client.post(address, {"seen_by": "team"})
    assert owner.get(row.get_absolute_url()).status_code == 200
    assert owner.post(address, {"seen_by": "me"}).status_code == 403, "another's is not theirs to hide"

    client.post(address, {"seen_by": "me"})
    assert owner.get(row.get_absolute_url()).status_code == 404
    assert client.post(address, {"seen_by": "everybody"}).status_code == 400


@pytest.mark.parametrize(
    ("is_usual", "seen_by", "is_private"),
    [(False, "", False), (True, "", True), (True, "team", False), (False, "me", True)],
)
def test_form_says_who_sees_it_or_leaves_it_to_the_team(
    film: Team, owner: Client, bob: User, is_usual: bool, seen_by: str, is_private: bool
) -> None:
    owner.post("/teams/film/", {"name": "Film", **({"is_private": "on"} if is_usual else {})})
    client = signed_in(bob)
    location = client.post(PAGE, text_order(film) | {"seen_by": seen_by}).headers["Location"]
    made = Generation.objects.get()

    assert made.is_private is is_private
    page: Any = client.get(location).context["form"]
    assert (page["seen_by"].value() or "") == seen_by, "the form stays filled"


def test_another_try_is_as_private(bob: User, row: Generation) -> None:
    assert place_retry(row, bob, row.pk).is_private


def test_owner_learns_what_it_cost_and_not_what_it_is(owner: Client, bob: User, row: Generation) -> None:
    def prompts(client: Client) -> list[tuple[str, str]]:
        answer: Any = client.get("/teams/film/usage.csv")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return [(line["prompt"], line["cost_usd"]) for line in csv.DictReader(io.StringIO(text))]

    assert prompts(owner) == [("(private)", "0.35")]
    assert prompts(signed_in(bob)) == [("A secret fox", "0.35")]


def test_who_deletes_their_account_takes_it_along(film: Team, owner: Client, bob: User, row: Generation) -> None:
    shown = make_generation(bob, film, Status.DONE)
    found = plan_account_deletion(bob)
    assert (found.removed, found.kept) == (1, 1)
    assert delete_account(bob)

    row.refresh_from_db()
    shown.refresh_from_db()
    assert (row.deleted_at is None, shown.deleted_at is None) == (False, True)
