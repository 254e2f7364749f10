"""What each role may do, spelled out here once more: a change of the table must be a change of this test."""

import pytest

from accounts.models import Membership, Team, User
from accounts.roles import ROLE_ACTIONS, Action, Role, roles_that_may

EXPECTED = {
    (role, action): role.value in roles.split()
    for action, roles in {
        Action.VIEW: "owner admin member viewer",
        Action.GENERATE: "owner admin member",
        Action.SHARE: "owner admin member",
        Action.DELETE: "owner admin",
        Action.MANAGE: "owner admin",
        Action.BUDGET: "owner admin",
        Action.APPROVE: "owner admin",
        Action.USAGE: "owner admin",
        Action.OWN: "owner",
        Action.PAUSE: "owner",
    }.items()
    for role in Role
}


def test_every_role_and_action_is_in_the_table() -> None:
    assert set(EXPECTED) == {(role, action) for role in Role for action in Action}
    assert set(ROLE_ACTIONS) == set(Role)


@pytest.mark.parametrize(("role", "action", "may"), [(*key, may) for key, may in EXPECTED.items()])
def test_role_opens_the_team_for_the_action(film: Team, mallory: User, role: Role, action: Action, may: bool) -> None:
    Membership.objects.create(team=film, user=mallory, role=role)

    assert (role in roles_that_may(action)) is may
    assert (film in Team.objects.where_may(mallory, action)) is may


@pytest.mark.parametrize("action", Action)
def test_outsider_may_nothing(film: Team, alice: User, mallory: User, action: Action) -> None:
    assert film not in Team.objects.where_may(mallory, action)
    assert list(Team.objects.where_may(mallory, action)) == [mallory.personal_team]


def test_role_in_one_team_gives_nothing_in_another(film: Team, alice: User, mallory: User) -> None:
    other = Team.objects.create(name="Other", slug="other")
    Membership.objects.create(team=other, user=alice, role=Role.VIEWER)
    Membership.objects.create(team=other, user=mallory, role=Role.OWNER)

    assert other not in Team.objects.where_may(alice, Action.GENERATE)
