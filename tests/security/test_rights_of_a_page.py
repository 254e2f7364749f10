"""What a page shows by the rights that were read with its user is what the database itself would say."""

from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator

from accounts.membership import remove
from accounts.models import Membership, Team, User
from accounts.rights import Rights
from accounts.roles import Action, Role
from generations.models import Generation, Status
from tests.cast import make_generation


def _nothing(_film: Team, _bob: User, _alice: User) -> None:
    """As the cast is."""


def _bob_has_left(film: Team, bob: User, _alice: User) -> None:
    remove(film, bob, bob)


def _film_needs_a_second_factor(film: Team, _bob: User, _alice: User) -> None:
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)


def _bob_has_one(film: Team, bob: User, _alice: User) -> None:
    Team.objects.filter(pk=film.pk).update(needs_second_factor=True)
    Authenticator.objects.create(user=bob, type="totp", data={"secret": "x"})


def _bob_has_left_and_it_needs_one(film: Team, bob: User, alice: User) -> None:
    _bob_has_left(film, bob, alice)
    _film_needs_a_second_factor(film, bob, alice)


def _bob_is_back(film: Team, bob: User, alice: User) -> None:
    _bob_has_left(film, bob, alice)
    Membership.objects.create(team=film, user=bob, role=Role.VIEWER)


def _film_is_deleted(film: Team, bob: User, alice: User) -> None:
    Team.objects.filter(pk=film.pk).update(closed_at=film.created_at)
    Membership.objects.filter(team=film).exclude(user=alice).delete()


CHANGES = [
    *(_nothing, _bob_has_left, _film_needs_a_second_factor, _bob_has_one, _bob_has_left_and_it_needs_one),
    *(_bob_is_back, _film_is_deleted),
]


def rows_of_every_kind(film: Team, alice: User, bob: User) -> None:
    for maker, other in ((alice, bob), (bob, alice)):
        for columns in ({}, {"is_private": True}, {"awaits_review": True}, {"is_private": True, "assigned_to": other}):
            make_generation(maker, film, Status.DONE, **columns)
        make_generation(maker, maker.personal_team, Status.DONE)


@pytest.mark.parametrize("change", CHANGES)
def test_page_shows_what_the_database_says(
    film: Team, alice: User, bob: User, victor: User, mallory: User, change: Callable[[Team, User, User], None]
) -> None:
    rows_of_every_kind(film, alice, bob)
    change(film, bob, alice)

    for person in (alice, bob, victor, mallory):
        asked, known = User.objects.get(pk=person.pk), User.objects.get(pk=person.pk)
        known.rights = Rights(known)
        assert set(Generation.objects.visible_to(known)) == set(Generation.objects.visible_to(asked))
        for action in Action:
            teams = list(Team.objects.where_may(asked, action))
            assert known.rights.teams_where_may(action) == teams
            assert list(Team.objects.where_may(known, action)) == teams
