"""A team that asks for a second factor: whoever has none sees nothing of it, at any address."""

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import Team, User
from generations.models import Generation, Status
from tests.cast import make_generation, make_input_picture, make_video, signed_in
from tests.generations.test_addresses import TABLE, TEAM_ONLY, Things


@pytest.fixture
def things(film: Team, bob: User) -> Things:
    row = make_generation(bob, film, Status.DONE)
    make_video(row)
    make_video(make_generation(bob, film, Status.DONE, batch=row.pk))
    make_input_picture(row)
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)
    return Things(row, None)  # type: ignore[arg-type]  # an upload is a person's, not a team's


def give_factor(user: User, kind: str = "totp") -> None:
    Authenticator.objects.create(user=user, type=kind, data={"secret": "x"})


@pytest.mark.parametrize(
    "name", [name for name, (_, expected) in TABLE.items() if expected == TEAM_ONLY and name != "avatar"]
)
def test_no_address_of_the_team_shows_anything_without_one(things: Things, victor: User, name: str) -> None:
    address = TABLE[name][0](things)
    assert signed_in(victor).get(address).status_code in {403, 404}


def test_with_one_it_is_as_before(things: Things, bob: User) -> None:
    client = signed_in(bob)
    assert client.get(things.generation.get_absolute_url()).status_code == 404
    assert 'value="film"' not in client.get("/generations/new/").content.decode()
    give_factor(bob, "recovery_codes")  # alone they are none
    assert client.get(things.generation.get_absolute_url()).status_code == 404
    give_factor(bob)
    give_factor(bob, "webauthn")

    assert client.get(things.generation.get_absolute_url()).status_code == 200
    assert list(Generation.objects.visible_to(bob).filter(pk=things.generation.pk)) == [things.generation]
    assert client.get("/teams/film/").status_code == 200


def test_page_says_why_and_leads_to_setting_one_up(things: Things, bob: User) -> None:
    client = signed_in(bob)
    answer = client.get("/teams/film/")

    assert answer.status_code == 403
    assert "Film asks its members for a second factor" in answer.content.decode()
    assert 'href="/accounts/2fa/"' in answer.content.decode()
    assert "asks for a second factor: set one up" in client.get("/teams/").content.decode()
    assert client.get("/?team=film").status_code == 200
    assert str(things.generation.pk) not in client.get("/?team=film").content.decode()


def asks(film: Team) -> bool:
    return Team.objects.get(pk=film.pk).needs_second_factor


def test_owner_needs_one_to_ask_for_one(film: Team, alice: User) -> None:
    client = signed_in(alice)
    assert client.post("/teams/film/second-factor", {"needed": "yes"}).headers["Location"] == "/accounts/2fa/"
    assert not asks(film)
    give_factor(alice)
    client.post("/teams/film/second-factor", {"needed": "yes"})
    assert asks(film)
    client.post("/teams/film/second-factor", {"needed": "no"})
    assert not asks(film)
