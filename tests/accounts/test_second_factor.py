"""A team that asks for a second factor; `security/test_access` asks all of its addresses."""

import pytest
from allauth.mfa.models import Authenticator

from accounts.models import Team, User
from generations.models import Generation, Status
from tests.cast import make_generation, signed_in


@pytest.fixture
def row(film: Team, bob: User) -> Generation:
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)
    return make_generation(bob, film, Status.DONE)


def give_factor(user: User, kind: str = "totp") -> None:
    Authenticator.objects.create(user=user, type=kind, data={"secret": "x"})


def test_with_one_it_is_as_before(row: Generation, bob: User) -> None:
    client = signed_in(bob)
    assert client.get(row.get_absolute_url()).status_code == 404
    assert 'value="film"' not in client.get("/generations/new/").content.decode()
    give_factor(bob, "recovery_codes")  # alone they are none
    assert client.get(row.get_absolute_url()).status_code == 404
    give_factor(bob)
    give_factor(bob, "webauthn")

    assert client.get(row.get_absolute_url()).status_code == 200
    assert list(Generation.objects.visible_to(bob).filter(pk=row.pk)) == [row]
    assert client.get("/teams/film/").status_code == 200


def test_page_says_why_and_leads_to_setting_one_up(row: Generation, bob: User) -> None:
    client = signed_in(bob)
    answer = client.get("/teams/film/")

    assert answer.status_code == 403
    assert "Film requires two-factor authentication" in answer.content.decode()
    assert 'href="/accounts/2fa/"' in answer.content.decode()
    assert "Requires two-factor authentication: set it up" in client.get("/teams/").content.decode()
    assert client.get("/?team=film").status_code == 200
    assert str(row.pk) not in client.get("/?team=film").content.decode()


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
