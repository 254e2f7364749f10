"""Side by side: who may see it, and how a generation's page leads there."""

import re
import uuid

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from generations.models import Generation, Relation, Status
from tests.cast import make_generation, make_video, signed_in


@pytest.fixture
def videos(film: Team, bob: User) -> list[Generation]:
    """Five of one press, all made."""
    batch = uuid.uuid4()
    rows = [
        make_generation(bob, film, Status.DONE, batch=batch, batch_index=index, prompt=f"Fox {index}")
        for index in range(5)
    ]
    for row in rows:
        make_video(row)
    return rows


def address(rows: list[Generation]) -> str:
    return f"/generations/compare/?ids={','.join(str(row.pk) for row in rows)}"


@pytest.mark.parametrize("number", [2, 3, 4])
def test_they_play_in_the_order_asked_for(videos: list[Generation], victor: User, number: int) -> None:
    asked = videos[:number][::-1]
    page = signed_in(victor).get(address(asked)).content.decode()

    played = re.findall(r'<video controls [^>]*src="/generations/([0-9a-f-]+)/video"', page)
    assert played == [str(row.pk) for row in asked]


def test_outsiders_find_nothing_and_strangers_sign_in_first(videos: list[Generation], mallory: User) -> None:
    assert signed_in(mallory).get(address(videos[:2])).status_code == 404
    assert Client().get(address(videos[:2])).status_code == 302


def test_one_hidden_video_hides_all(videos: list[Generation], mallory: User, bob: User) -> None:
    own = make_generation(mallory, mallory.teams.get(), Status.DONE)
    make_video(own)

    assert signed_in(mallory).get(address([own, videos[0]])).status_code == 404
    assert signed_in(bob).get(address([own, videos[0]])).status_code == 404


def test_what_is_in_the_trash_is_not_compared(videos: list[Generation], bob: User) -> None:
    Generation.objects.filter(pk=videos[0].pk).update(trashed_at=timezone.now())

    assert signed_in(bob).get(address(videos[:2])).status_code == 404


@pytest.mark.parametrize(
    "ids", ["", "fox", "fox,bear", str(uuid.UUID(int=1)), f"{uuid.UUID(int=1)},{uuid.UUID(int=2)}"]
)
def test_nonsense_is_not_found(bob: User, ids: str) -> None:
    assert signed_in(bob).get("/generations/compare/", {"ids": ids}).status_code == 404


def test_it_takes_two_to_four_that_have_a_video(videos: list[Generation], film: Team, bob: User) -> None:
    client, waiting = signed_in(bob), make_generation(bob, film)

    assert client.get(address(videos)).status_code == 404
    assert client.get(address(videos[:1])).status_code == 404
    assert client.get(address([videos[0], videos[0]])).status_code == 404
    assert client.get(address([videos[0], waiting])).status_code == 404
    assert client.get("/generations/compare/").status_code == 404


def test_page_leads_to_its_press_and_family(videos: list[Generation], film: Team, bob: User) -> None:
    page = signed_in(bob).get(videos[2].get_absolute_url()).content.decode()

    assert address([videos[2], *videos[:2], videos[3]]).partition("=")[2] in page
    assert all(f'href="{row.get_absolute_url()}"' in page for row in videos if row != videos[2])


def test_page_shows_the_chain_that_it_comes_from(film: Team, bob: User, mallory: User) -> None:
    chain = [make_generation(bob, film, Status.CANCELED, prompt="Remix 0")]
    for number in range(1, 4):
        chain.append(make_generation(bob, film, parent=chain[-1], relation=Relation.REMIX, prompt=f"Remix {number}"))
    page = signed_in(bob).get(chain[2].get_absolute_url()).content.decode()

    kin = re.findall(r'related__words">\s*<a href="/generations/([0-9a-f-]+)/"', page)
    assert kin == [str(chain[0].pk), str(chain[1].pk), str(chain[3].pk)]
    assert "compare/?ids" not in page


def test_related_one_in_the_trash_is_a_gap(film: Team, bob: User) -> None:
    first = make_generation(bob, film, Status.CANCELED)
    second = make_generation(bob, film, Status.CANCELED, parent=first, relation=Relation.REMIX)
    third = make_generation(bob, film, parent=second, relation=Relation.REMIX)
    Generation.objects.filter(pk=second.pk).update(trashed_at=timezone.now())
    page = signed_in(bob).get(third.get_absolute_url()).content.decode()

    assert str(first.pk) in page
    assert str(second.pk) not in page
