"""A member leaves a team or is removed: who may do that, and who gets what they have made."""

import pytest

from accounts.models import Membership, Team, User
from accounts.roles import Role
from generations.billing.usage import Month, usage
from generations.models import Generation, Status
from tests.cast import make_generation, signed_in


@pytest.fixture
def secret(film: Team, bob: User) -> Generation:
    return make_generation(bob, film, Status.DONE, is_private=True)


@pytest.mark.parametrize("role", Role)
def test_who_may_remove_a_member(film: Team, alice: User, bob: User, victor: User, role: Role) -> None:
    Membership.objects.filter(team=film, user=victor).update(role=role)
    answer = signed_in(victor).post(f"/teams/film/members/{bob.pk}/remove")

    may = role in {Role.OWNER, Role.ADMIN}
    assert answer.status_code == (302 if may else 403)
    assert film.members.filter(pk=bob.pk).exists() is not may


def test_everybody_may_leave_and_outsiders_know_of_nothing(
    film: Team, alice: User, bob: User, victor: User, mallory: User
) -> None:
    for person in (bob, victor):
        assert signed_in(person).post("/teams/film/leave").status_code == 302
    assert signed_in(mallory).post("/teams/film/leave").status_code == 404
    assert list(film.members.all()) == [alice]


def test_team_keeps_what_it_saw_and_sees_no_private_ones(
    film: Team, alice: User, bob: User, secret: Generation
) -> None:
    shown = make_generation(bob, film, Status.DONE)
    signed_in(alice).post(f"/teams/film/members/{bob.pk}/remove", {"assigned_to": ""})

    assert Generation.objects.visible_to(alice).get() == shown
    assert Generation.objects.visible_to(bob).get() == secret


def test_person_gets_it_and_the_private_ones_stay_private(
    film: Team, alice: User, bob: User, victor: User, secret: Generation
) -> None:
    signed_in(bob).post("/teams/film/leave", {"assigned_to": str(victor.pk)})

    assert Generation.objects.visible_to(victor).get() == secret
    assert not Generation.objects.visible_to(alice).exists()
    assert not Generation.objects.visible_to(bob).exists()
    assert signed_in(victor).post(f"/generations/{secret.pk}/privacy", {"seen_by": "team"}).status_code == 302
    assert Generation.objects.visible_to(alice).exists()
    assert [share.key for share in usage(film, Month.now()).members] == [bob], "the billing records keep the creator"


def test_who_got_it_passes_it_on_in_turn(film: Team, alice: User, bob: User, victor: User, secret: Generation) -> None:
    signed_in(bob).post("/teams/film/leave", {"assigned_to": str(victor.pk)})
    signed_in(victor).post("/teams/film/leave", {"assigned_to": str(alice.pk)})
    assert Generation.objects.visible_to(alice).get() == secret


@pytest.mark.parametrize("assigned_to", ["nobody", "999999", "mallory"])
def test_nobody_leaves_when_assigned_to_is_no_member(
    film: Team, alice: User, bob: User, mallory: User, secret: Generation, assigned_to: str
) -> None:
    named = str(mallory.pk) if assigned_to == "mallory" else assigned_to
    assert signed_in(bob).post("/teams/film/leave", {"assigned_to": named}).status_code in {400, 404}
    assert film.members.filter(pk=bob.pk).exists()


def test_one_does_not_pass_it_to_oneself(film: Team, alice: User, bob: User, secret: Generation) -> None:
    signed_in(bob).post("/teams/film/leave", {"assigned_to": str(bob.pk)})
    assert film.members.filter(pk=bob.pk).exists()
