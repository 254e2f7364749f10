import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from accounts.models import Membership, Team, User
from accounts.roles import Role


def test_new_user_owns_a_personal_team(mallory: User) -> None:
    membership = Membership.objects.get(user=mallory)

    assert membership.team == mallory.personal_team
    assert membership.role == Role.OWNER
    assert membership.team.name == "Mallory"
    assert membership.team.slug == "mallory"


def test_second_person_of_a_name_gets_another_slug(mallory: User) -> None:
    other = User.objects.create_user("mallory@example.org", name="Mallory")

    assert other.personal_team.slug.startswith("mallory-")


@pytest.mark.parametrize("name", ["", "Ωμέγα", "!!!", "x" * 150])
def test_any_name_makes_a_team_with_a_slug(db: None, name: str) -> None:
    user = User.objects.create_user("someone@example.com", name=name)

    assert user.personal_team.slug
    assert user.personal_team.name


def test_user_without_a_team_is_not_left_behind(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_team(user: User) -> None:
        raise IntegrityError("no team")

    monkeypatch.setattr(Team.objects, "create_personal", no_team)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("someone@example.com")

    assert not User.objects.filter(email="someone@example.com").exists()


def test_personal_team_stands_first_even_beside_somebody_elses(alice: User, mallory: User) -> None:
    Membership.objects.create(team=alice.personal_team, user=mallory)

    assert list(Team.objects.of(mallory)) == [mallory.personal_team, alice.personal_team]


def test_slug_belongs_to_one_team(film: Team) -> None:
    with pytest.raises(IntegrityError, match="slug"), transaction.atomic():
        Team.objects.create(name="Films", slug=film.slug)


def test_person_is_in_a_team_once(film: Team, alice: User) -> None:
    with pytest.raises(IntegrityError, match="membership_once"), transaction.atomic():
        Membership.objects.create(team=film, user=alice, role=Role.VIEWER)


def test_role_is_one_of_the_table(film: Team, mallory: User) -> None:
    with pytest.raises(IntegrityError, match="membership_role_known"), transaction.atomic():
        Membership.objects.create(team=film, user=mallory, role="king")


def test_address_belongs_to_one_person_whatever_its_case(mallory: User) -> None:
    with pytest.raises(IntegrityError, match="user_email_ignores_case"), transaction.atomic():
        User.objects.create(email="Mallory@Example.com")


def test_person_with_a_personal_team_is_not_deleted(mallory: User) -> None:
    """Their rows are the team's bill: such a person is made inactive instead."""
    with pytest.raises(ProtectedError):
        mallory.delete()
